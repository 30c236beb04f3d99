#include "frames/frame_docker.h"

#include "json/json_doc.h"

static struct slice without_end(struct slice text, char end)
{
    if (text.len && text.text[text.len - 1] == end)
        text.len--;
    return text;
}

/* The member's plain text; empty, with text NULL, where it is not there, no string, or there is no memory. */
static struct slice text_of(struct arena *arena, const struct json_doc *doc, struct slice name)
{
    uint32_t token = json_member(doc, 0, name);
    if (!token || doc->tokens[token].type != JSON_STRING)
        return slice_of(NULL, 0);
    return json_unescape(arena, json_token_text(doc, token));
}

enum unwrap_result frame_docker_read(struct arena *arena, struct slice line, struct frame *ret_frame)
{
    const struct json_doc *doc;
    enum json_fault fault = json_doc_parse(arena, line, JSON_OBJECT_ONLY, &doc);
    if (fault != JSON_OK)
        return fault == JSON_NO_MEMORY ? UNWRAP_NO_MEMORY : UNWRAP_NOT_ONE;
    struct slice log = text_of(arena, doc, SLICE("log"));
    struct frame frame = {.time = text_of(arena, doc, SLICE("time")), .stream = text_of(arena, doc, SLICE("stream"))};
    if (arena->failed)
        return UNWRAP_NO_MEMORY;
    if (!log.text)
        return UNWRAP_NOT_ONE;
    frame.text = without_end(log, '\n');
    frame.partial = frame.text.len == log.len;
    if (!frame.partial)
        frame.text = without_end(frame.text, '\r');
    frame.lane = frame_lane_of(frame.stream);
    *ret_frame = frame;
    return UNWRAP_OK;
}

bool frame_docker_looks_likely(struct slice line)
{
    static const struct slice begin = {"{\"log\":\"", 8}, end = {"Z\"}", 3}, stream = {"\"stream\":\"std", 13};
    return slice_starts_with(line, begin) && slice_ends_with(line, end) &&
           memmem(line.text, line.len, stream.text, stream.len);
}
