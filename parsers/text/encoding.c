#include "text/encoding.h"

#include "text/utf8.h"

const char *encoding_find_newline(enum encoding_kind encoding, struct slice bytes, uint64_t offset)
{
    if (bytes.len == 0)
        return NULL;
    size_t unit = encoding_unit(encoding);
    if (unit == 1)
        return memchr(bytes.text, '\n', bytes.len);
    const char *at = bytes.text + offset % unit, *end = bytes.text + bytes.len;
    for (; end - at >= (ptrdiff_t)unit; at += unit)
        if (encoding_unit_is(encoding, at, '\n'))
            return at;
    return NULL;
}

const char *encoding_find_last_newline(enum encoding_kind encoding, struct slice bytes, uint64_t offset)
{
    if (bytes.len == 0)
        return NULL;
    size_t unit = encoding_unit(encoding);
    if (unit == 1)
        return memrchr(bytes.text, '\n', bytes.len);
    for (size_t end = bytes.len - (size_t)((offset + bytes.len) % unit); end >= unit; end -= unit)
        if (encoding_unit_is(encoding, bytes.text + end - unit, '\n'))
            return bytes.text + end - unit;
    return NULL;
}

struct slice encoding_byte_order_mark(enum encoding_kind encoding)
{
    static const struct slice marks[] = {
        [ENCODING_UTF8] = {"\xef\xbb\xbf", 3},
        [ENCODING_UTF16LE] = {"\xff\xfe", 2},
        [ENCODING_UTF16BE] = {"\xfe\xff", 2},
        [ENCODING_LATIN1] = {"", 0},
    };
    return marks[encoding];
}

static void add_character(struct buffer *out, uint32_t code_point)
{
    char text[4];
    buffer_add(out, slice_of(text, utf8_encode(code_point, text)));
}

static uint32_t unit_at(enum encoding_kind encoding, const char *at)
{
    unsigned char first = (unsigned char)at[0], second = (unsigned char)at[1];
    return encoding == ENCODING_UTF16LE ? first | (uint32_t)second << 8 : second | (uint32_t)first << 8;
}

static bool is_high_surrogate(uint32_t unit)
{
    return unit >= 0xd800 && unit < 0xdc00;
}

static bool is_low_surrogate(uint32_t unit)
{
    return unit >= 0xdc00 && unit < 0xe000;
}

static void decode_utf16(enum encoding_kind encoding, struct slice text, struct buffer *out)
{
    if (text.len == 0)
        return;
    const char *at = text.text, *end = text.text + text.len;
    while (end - at >= 2) {
        uint32_t unit = unit_at(encoding, at);
        at += 2;
        uint32_t low = is_high_surrogate(unit) && end - at >= 2 ? unit_at(encoding, at) : 0;
        if (is_low_surrogate(low)) {
            unit = 0x10000 + ((unit - 0xd800) << 10) + (low - 0xdc00);
            at += 2;
        }
        add_character(out, unit); /* a surrogate that is still one is alone: U+FFFD */
    }
    if (at < end)
        buffer_add(out, SLICE(UTF8_REPLACEMENT));
}

void encoding_decode(enum encoding_kind encoding, struct slice text, struct buffer *out)
{
    switch (encoding) {
    case ENCODING_UTF8:
        buffer_add(out, text);
        break;
    case ENCODING_LATIN1:
        for (size_t i = 0; i < text.len; i++)
            add_character(out, (unsigned char)text.text[i]);
        break;
    case ENCODING_UTF16LE:
    case ENCODING_UTF16BE:
        decode_utf16(encoding, text, out);
        break;
    }
}
