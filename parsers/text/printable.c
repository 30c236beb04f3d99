#include "text/printable.h"

#include "json/json_writer.h"

/* Length of such a character where one begins here, else 0. None of these bytes can stand within another character. */
static size_t acted_on(struct slice text, unsigned *ret_code_point)
{
    const unsigned char *t = (const unsigned char *)text.text;
    if (t[0] == 0x7f) {
        *ret_code_point = 0x7f;
        return 1;
    }
    if (t[0] == 0xc2 && text.len >= 2 && t[1] >= 0x80 && t[1] <= 0x9f) {
        *ret_code_point = t[1];
        return 2;
    }
    if (t[0] == 0xe2 && text.len >= 3 &&
        ((t[1] == 0x80 && t[2] >= 0xa8 && t[2] <= 0xae) || (t[1] == 0x81 && t[2] >= 0xa6 && t[2] <= 0xa9))) {
        *ret_code_point = 0x2000u | (t[1] & 0x3fu) << 6 | (t[2] & 0x3fu);
        return 3;
    }
    return 0;
}

void printable_write(struct buffer *out, struct slice text)
{
    size_t from = 0;
    for (size_t at = 0; at < text.len;) {
        unsigned code_point = 0;
        size_t len = acted_on(slice_from_offset(text, at), &code_point);
        if (len == 0) {
            at++;
            continue;
        }
        json_write_escaped(out, slice_of(text.text + from, at - from));
        buffer_printf(out, "\\u%04x", code_point);
        from = at += len;
    }
    json_write_escaped(out, slice_from_offset(text, from));
}
