/* One pass over text that is JSON already: a string with a colon behind it is a name. What is between strings is
 * copied.
 */
#include "cli/paint.h"

#define PAINT_NAME "\x1b[34m"
#define PAINT_STRING "\x1b[32m"
#define PAINT_CALL "\x1b[1;32m"
#define PAINT_QUIET "\x1b[33m"
#define PAINT_BAD "\x1b[1;31m"
#define PAINT_END "\x1b[0m"

/* Behind the string that begins at `from`. */
static size_t string_end(struct slice text, size_t from)
{
    size_t at = from + 1;
    while (at < text.len && text.text[at] != '"')
        at += text.text[at] == '\\' ? 2 : 1;
    return at < text.len ? at + 1 : text.len;
}

/* The first value of a line names an endpoint, a rule or an outcome. */
static const char *paint_of_first(struct slice value)
{
    static const char *const bad[] = {"\"invalid\"", "\"oversized\"", "\"rejected\""};
    static const char *const quiet[] = {"\"unmatched\"", "\"dropped\"", "\"sampled\""};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        if (slice_is(value, bad[i]))
            return PAINT_BAD;
    for (size_t i = 0; i < sizeof quiet / sizeof *quiet; i++)
        if (slice_is(value, quiet[i]))
            return PAINT_QUIET;
    return PAINT_CALL;
}

void paint_json_lines(struct slice lines, struct buffer *out)
{
    unsigned values = 0; /* strings of this line that are no names */
    for (size_t at = 0, end; at < lines.len; at = end) {
        if (lines.text[at] != '"') {
            for (end = at; end < lines.len && lines.text[end] != '"'; end++)
                if (lines.text[end] == '\n')
                    values = 0;
            buffer_add(out, slice_of(lines.text + at, end - at));
            continue;
        }
        end = string_end(lines, at);
        struct slice string = slice_of(lines.text + at, end - at);
        bool name = end < lines.len && lines.text[end] == ':';
        buffer_add_text(out, name ? PAINT_NAME : values++ == 0 ? paint_of_first(string) : PAINT_STRING);
        buffer_add(out, string);
        buffer_add_text(out, PAINT_END);
    }
}
