#include "deliver/dead_letter_read.h"

#include "deliver/dead_letter.h"
#include "frames/record.h"
#include "limits.h"
#include "json/json_doc.h"
#include "json/json_writer.h"

static const char out_of_memory[] = "out of memory";

/* The plain text of a member. False where it is there and is no text, or on lack of memory. */
static bool text_of(struct arena *arena, const struct json_doc *doc, const char *name, struct slice *ret_text)
{
    uint32_t at = json_member(doc, 0, slice_from(name));
    *ret_text = SLICE("");
    if (!at)
        return true;
    if (doc->tokens[at].type != JSON_STRING)
        return false;
    *ret_text = json_unescape(arena, json_token_text(doc, at));
    return ret_text->text != NULL;
}

/* An offset as it is written: digits only. */
static bool offset_of(const struct json_doc *doc, uint64_t *ret_offset)
{
    uint32_t at = json_member(doc, 0, SLICE("offset"));
    uint64_t offset = 0;
    *ret_offset = 0;
    if (!at)
        return true;
    if (doc->tokens[at].type != JSON_NUMBER)
        return false;
    struct slice digits = json_token_text(doc, at);
    for (size_t i = 0; i < digits.len; i++) {
        if (digits.text[i] < '0' || digits.text[i] > '9' || __builtin_mul_overflow(offset, 10, &offset) ||
            __builtin_add_overflow(offset, (uint64_t)(digits.text[i] - '0'), &offset))
            return false;
    }
    *ret_offset = offset;
    return true;
}

static bool endpoint_of(struct slice path, enum endpoint *ret_endpoint)
{
    for (int e = 0; e < ENDPOINT_COUNT; e++) {
        if (slice_is(path, endpoint_paths[e])) {
            *ret_endpoint = (enum endpoint)e;
            return true;
        }
    }
    return false;
}

static const char *read_call(struct arena *arena, const struct json_doc *doc, uint32_t call, struct dead_letter_read *l)
{
    struct slice endpoint;
    if (doc->tokens[call].type != JSON_OBJECT)
        return "its call is no object";
    if (!text_of(arena, doc, "endpoint", &endpoint) || !endpoint_of(endpoint, &l->endpoint))
        return "its endpoint is none";
    if (!text_of(arena, doc, "destination", &l->destination) || !text_of(arena, doc, "project", &l->project) ||
        !text_of(arena, doc, "rule", &l->rule))
        return "its destination, project or rule is no text";
    if (l->project.len && !config_is_slug(l->project))
        return "its project is no slug";
    l->call = json_token_text(doc, call);
    if (l->call.len > LIMIT_CALL_RAW)
        return "its call is too large";
    uint32_t user = json_member(doc, call, SLICE("user_id"));
    l->user = user ? json_token_text(doc, user) : SLICE("");
    return NULL;
}

static bool read_line(struct arena *arena, const struct json_doc *doc, struct dead_letter_read *l)
{
    struct slice reason;
    if (!json_member(doc, 0, SLICE("line")) || !text_of(arena, doc, "line", &l->line) ||
        !text_of(arena, doc, "reason", &reason) || !text_of(arena, doc, "line_time", &l->time) ||
        !text_of(arena, doc, "line_stream", &l->stream) || !text_of(arena, doc, "merged_by", &l->merged_by))
        return false;
    l->in_envelope = slice_is(reason, RECORD_NO_ENVELOPE);
    return true;
}

const char *dead_letter_read(struct arena *arena, struct slice text, struct dead_letter_read *ret_letter)
{
    struct dead_letter_read l = {0};
    const struct json_doc *doc;
    enum json_fault fault = json_doc_parse(arena, text, JSON_OBJECT_ONLY, &doc);
    if (fault != JSON_OK)
        return fault == JSON_NO_MEMORY ? out_of_memory : json_fault_text(fault);
    if (!text_of(arena, doc, "file", &l.file) || memchr(l.file.text, '\0', l.file.len) || !offset_of(doc, &l.offset))
        return "its file or offset is none";

    uint32_t call = json_member(doc, 0, SLICE("call"));
    l.is_line = !call;
    if (call) {
        const char *wrong = read_call(arena, doc, call, &l);
        if (wrong)
            return arena->failed ? out_of_memory : wrong;
    } else if (!read_line(arena, doc, &l)) {
        return arena->failed ? out_of_memory : "neither a call nor a kept line";
    }
    *ret_letter = l;
    return NULL;
}

void dead_letter_write_again(const struct dead_letter_read *letter, const char *reason, struct buffer *out)
{
    dead_letter_write_text(out, "destination", letter->destination);
    dead_letter_write_text(out, "project", letter->project);
    dead_letter_write_text(out, "endpoint", slice_from(endpoint_paths[letter->endpoint]));
    dead_letter_write_text(out, "rule", letter->rule);
    dead_letter_write_text(out, "file", letter->file);
    buffer_printf(out, ",\"offset\":%llu", (unsigned long long)letter->offset);
    dead_letter_write_text(out, "reason", slice_from(reason));
    buffer_add(out, SLICE(",\"call\":"));
    buffer_add(out, letter->call);
}
