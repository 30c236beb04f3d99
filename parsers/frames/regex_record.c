#include "frames/regex_record.h"

#include "text/utf8.h"
#include "json/json_writer.h"

#include <stdint.h>

static void write_groups(struct buffer *out, const struct regex *pattern, struct slice text, const size_t *starts,
                         const size_t *ends, size_t count)
{
    bool first = true;
    buffer_add_char(out, '{');
    for (size_t i = 0; i < regex_names(pattern); i++) {
        size_t group;
        struct slice name = regex_name(pattern, i, &group);
        if (group >= count || starts[group] == SIZE_MAX)
            continue;
        if (!first)
            buffer_add_char(out, ',');
        first = false;
        json_write_string(out, name);
        buffer_add_char(out, ':');
        json_write_string(out, slice_of(text.text + starts[group], ends[group] - starts[group]));
    }
    buffer_add_char(out, '}');
}

enum regex_result regex_record_to_json(struct arena *arena, const struct regex *pattern, struct slice line,
                                       struct buffer *out)
{
    struct buffer mended;
    buffer_init_in(&mended, arena);
    if (!utf8_is_valid(line)) {
        utf8_repair(&mended, line);
        line = buffer_slice(&mended);
    }
    size_t most = regex_group_count(pattern) + 1;
    size_t *starts = arena_calloc(arena, most, sizeof *starts), *ends = arena_calloc(arena, most, sizeof *ends);
    if (!starts || !ends || mended.failed)
        return REGEX_NO;
    enum regex_result result = regex_search(pattern, line, 0, NULL);
    if (result != REGEX_YES)
        return result;
    size_t count = regex_groups(pattern, starts, ends, most);
    if (count == 0) { /* no memory for them */
        arena->failed = arena->starved = true;
        return REGEX_NO;
    }
    write_groups(out, pattern, line, starts, ends, count);
    return REGEX_YES;
}
