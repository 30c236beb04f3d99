#include "frames/multiline.h"

#include "text/utf8.h"

static bool is_blank_char(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

bool multiline_starts(const struct regex *start, struct slice line, struct buffer *scratch)
{
    size_t blank = 0;
    while (blank < line.len && is_blank_char(line.text[blank]))
        blank++;
    if (blank == line.len)
        return false;
    if (!utf8_is_valid(line)) {
        buffer_clear(scratch);
        utf8_repair(scratch, line);
        line = buffer_slice(scratch);
    }
    return regex_search(start, line, 0, NULL) == REGEX_YES;
}

struct slice multiline_trim(struct slice record)
{
    size_t end = record.len;
    while (end && is_blank_char(record.text[end - 1]))
        end--;
    const char *newline = end < record.len ? memchr(record.text + end, '\n', record.len - end) : NULL;
    return newline ? slice_of(record.text, (size_t)(newline - record.text)) : record;
}
