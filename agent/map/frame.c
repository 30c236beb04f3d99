#include "map/frame.h"

#include "frames/logfmt.h"
#include "frames/regex_record.h"
#include "json/json_writer.h"

static enum json_want want_of(const struct input *input)
{
    return input->record_count ? JSON_ANY_VALUE : JSON_OBJECT_ONLY;
}

static enum frame_result parse_json(struct arena *arena, struct json_shapes *shapes, const struct input *input,
                                    struct slice text, struct value *ret_value, const char **ret_reason)
{
    struct json_doc *doc;
    enum json_fault fault = json_shapes_read(shapes, arena, text, want_of(input), &doc);
    if (fault == JSON_NO_MEMORY)
        return FRAME_NO_MEMORY;
    if (fault != JSON_OK) {
        *ret_reason = json_fault_text(fault);
        return FRAME_INVALID;
    }
    *ret_value = value_of_doc(doc);
    return FRAME_OK;
}

static enum frame_result parse_made(struct arena *arena, struct json_shapes *shapes, const struct input *input,
                                    const struct buffer *json, struct value *ret_value, const char **ret_reason)
{
    if (json->failed || arena->failed)
        return FRAME_NO_MEMORY;
    return parse_json(arena, shapes, input, buffer_slice(json), ret_value, ret_reason);
}

static enum frame_result parse_raw(struct arena *arena, struct json_shapes *shapes, const struct input *input,
                                   struct slice text, struct value *ret_value, const char **ret_reason)
{
    struct buffer json;
    buffer_init_in(&json, arena);
    buffer_add_text(&json, "{\"message\":");
    json_write_string(&json, text);
    buffer_add_char(&json, '}');
    return parse_made(arena, shapes, input, &json, ret_value, ret_reason);
}

static enum frame_result parse_logfmt(struct arena *arena, struct json_shapes *shapes, const struct input *input,
                                      struct slice text, struct value *ret_value, const char **ret_reason)
{
    struct buffer json;
    buffer_init_in(&json, arena);
    if (!logfmt_to_json(&json, text)) {
        *ret_reason = "not logfmt";
        return FRAME_INVALID;
    }
    return parse_made(arena, shapes, input, &json, ret_value, ret_reason);
}

static enum frame_result parse_regex(struct arena *arena, struct json_shapes *shapes, const struct input *input,
                                     struct slice text, struct value *ret_value, const char **ret_reason)
{
    struct buffer json;
    buffer_init_in(&json, arena);
    enum regex_result matched = regex_record_to_json(arena, input->pattern, text, &json);
    if (matched != REGEX_YES && !arena->failed) {
        *ret_reason = matched == REGEX_NO ? "does not match the pattern" : "the pattern gave up";
        return FRAME_INVALID;
    }
    return parse_made(arena, shapes, input, &json, ret_value, ret_reason);
}

enum frame_result frame_parse(struct arena *arena, struct json_shapes *shapes, const struct input *input,
                              struct slice content, struct value *ret_value, const char **ret_reason)
{
    static enum frame_result (*const parsers[])(struct arena *, struct json_shapes *, const struct input *,
                                                struct slice, struct value *, const char **) = {
        [PARSER_JSON] = parse_json,
        [PARSER_LOGFMT] = parse_logfmt,
        [PARSER_REGEX] = parse_regex,
        [PARSER_RAW] = parse_raw,
    };
    return parsers[input->parser](arena, shapes, input, content, ret_value, ret_reason);
}

bool frame_is_whole(const struct input *input, struct slice content)
{
    if (input->parser == PARSER_JSON)
        return json_check(content, want_of(input)) == JSON_OK;
    return input->parser != PARSER_LOGFMT || logfmt_is(content);
}
