#include "text/utf8.h"

static const char *ascii_end(const char *at, const char *end)
{
    for (; end - at >= 8; at += 8) {
        uint64_t bytes;
        memcpy(&bytes, at, sizeof bytes);
        if (bytes & UINT64_C(0x8080808080808080))
            break;
    }
    while (at < end && (signed char)*at >= 0)
        at++;
    return at;
}

size_t utf8_valid_prefix(struct slice text)
{
    if (text.len == 0)
        return 0;
    const char *at = text.text, *end = at + text.len;
    while ((at = ascii_end(at, end)) < end) {
        struct utf8_step step = utf8_step(at, end);
        if (!step.valid)
            break;
        at += step.len;
    }
    return (size_t)(at - text.text);
}

void utf8_repair(struct buffer *out, struct slice text)
{
    for (;;) {
        size_t valid = utf8_valid_prefix(text);
        buffer_add(out, slice_of(text.text, valid));
        if (valid == text.len)
            return;
        struct utf8_step bad = utf8_step(text.text + valid, text.text + text.len);
        buffer_add(out, SLICE(UTF8_REPLACEMENT));
        text = slice_from_offset(text, valid + bad.len);
    }
}

static bool is_continuation(char c)
{
    return (signed char)c < -0x40; /* 0x80 to 0xbf */
}

size_t utf8_count(struct slice text)
{
    size_t count = 0;
    for (size_t i = 0; i < text.len; i++)
        count += !is_continuation(text.text[i]);
    return count;
}

size_t utf8_prefix_of_chars(struct slice text, size_t n)
{
    size_t i = 0;
    for (; i < text.len; i++)
        if (!is_continuation(text.text[i]) && n-- == 0)
            break;
    return i;
}

size_t utf8_floor(struct slice text, size_t at)
{
    if (at >= text.len)
        return text.len;
    while (at > 0 && is_continuation(text.text[at]))
        at--;
    return at;
}

uint32_t utf8_next(struct slice text, size_t *at)
{
    const unsigned char *b = (const unsigned char *)text.text + *at;
    if (b[0] < 0x80) {
        *at += 1;
        return b[0];
    }
    if (b[0] < 0xe0) {
        *at += 2;
        return (b[0] & 0x1fu) << 6 | (b[1] & 0x3fu);
    }
    if (b[0] < 0xf0) {
        *at += 3;
        return (b[0] & 0xfu) << 12 | (b[1] & 0x3fu) << 6 | (b[2] & 0x3fu);
    }
    *at += 4;
    return (b[0] & 0x7u) << 18 | (b[1] & 0x3fu) << 12 | (b[2] & 0x3fu) << 6 | (b[3] & 0x3fu);
}

size_t utf8_encode(uint32_t code_point, char out[4])
{
    if (code_point < 0x80) {
        out[0] = (char)code_point;
        return 1;
    }
    if (code_point < 0x800) {
        out[0] = (char)(0xc0 | code_point >> 6);
        out[1] = (char)(0x80 | (code_point & 0x3f));
        return 2;
    }
    if (code_point > 0x10ffff || (code_point >= 0xd800 && code_point <= 0xdfff))
        code_point = 0xfffd;
    if (code_point < 0x10000) {
        out[0] = (char)(0xe0 | code_point >> 12);
        out[1] = (char)(0x80 | (code_point >> 6 & 0x3f));
        out[2] = (char)(0x80 | (code_point & 0x3f));
        return 3;
    }
    out[0] = (char)(0xf0 | code_point >> 18);
    out[1] = (char)(0x80 | (code_point >> 12 & 0x3f));
    out[2] = (char)(0x80 | (code_point >> 6 & 0x3f));
    out[3] = (char)(0x80 | (code_point & 0x3f));
    return 4;
}

/* ---- Case ------------------------------------------------------------------------------------------------------- */

/* Characters first, first + step … last, each mapped to itself + delta. */
struct case_run {
    uint32_t first, last;
    int32_t delta;
    uint32_t step;
};

#include "text/unicode_case.inc"

static uint32_t map_case(const struct case_run *runs, size_t count, uint32_t c)
{
    size_t low = 0, high = count;
    while (low < high) { /* the first run that ends at c or behind it */
        size_t middle = low + (high - low) / 2;
        if (runs[middle].last < c)
            low = middle + 1;
        else
            high = middle;
    }
    if (low == count || c < runs[low].first || (c - runs[low].first) % runs[low].step != 0)
        return c;
    return c + (uint32_t)runs[low].delta;
}

uint32_t unicode_lower(uint32_t code_point)
{
    if (code_point < 0x80)
        return code_point - 'A' < 26 ? code_point + 32 : code_point;
    return map_case(to_lower, sizeof to_lower / sizeof *to_lower, code_point);
}

uint32_t unicode_upper(uint32_t code_point)
{
    if (code_point < 0x80)
        return code_point - 'a' < 26 ? code_point - 32 : code_point;
    return map_case(to_upper, sizeof to_upper / sizeof *to_upper, code_point);
}
