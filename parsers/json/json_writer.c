#include "json/json_writer.h"

#include "text/utf8.h"
#include "json/json_scan.h"

static void write_control(struct buffer *out, char c)
{
    static const char hex[] = "0123456789abcdef";
    static const char *const short_forms[] = {
        ['\b'] = "\\b", ['\t'] = "\\t", ['\n'] = "\\n", ['\f'] = "\\f", ['\r'] = "\\r",
    };
    if ((size_t)c < sizeof short_forms / sizeof *short_forms && short_forms[(size_t)c]) {
        buffer_add_text(out, short_forms[(size_t)c]);
        return;
    }
    char escape[] = {'\\', 'u', '0', '0', hex[c >> 4 & 15], hex[c & 15]};
    buffer_add(out, slice_of(escape, sizeof escape));
}

void json_write_escaped(struct buffer *out, struct slice plain)
{
    if (plain.len == 0)
        return;
    const char *from = plain.text, *at = from, *end = from + plain.len;
    while ((at = json_plain_end(at, end)) < end) {
        bool multibyte = (signed char)*at < 0;
        struct utf8_step step = {.len = 1};
        if (multibyte)
            step = utf8_step(at, end);
        if (step.valid) { /* goes along with the run */
            at += step.len;
            continue;
        }
        buffer_add(out, slice_of(from, (size_t)(at - from)));
        if (multibyte) {
            buffer_add(out, SLICE(UTF8_REPLACEMENT));
        } else if (*at == '"' || *at == '\\') {
            buffer_add_char(out, '\\');
            buffer_add_char(out, *at);
        } else {
            write_control(out, *at);
        }
        at += step.len;
        from = at;
    }
    buffer_add(out, slice_of(from, (size_t)(end - from)));
}

void json_write_string(struct buffer *out, struct slice plain)
{
    buffer_add_char(out, '"');
    json_write_escaped(out, plain);
    buffer_add_char(out, '"');
}
