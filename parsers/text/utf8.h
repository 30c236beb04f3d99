/* Pure: no I/O, no clock, no logging, no uv. */
#ifndef RAINGAUGE_UTF8_H
#define RAINGAUGE_UTF8_H

#include "base/buffer.h"

#include <stdint.h>

#define UTF8_REPLACEMENT "\xef\xbf\xbd" /* U+FFFD */
enum { UTF8_REPLACEMENT_LEN = 3 };

/* What stands at `at` (< end): a character, or the maximal subpart of an ill-formed sequence, 1 to 3 bytes. */
struct utf8_step {
    size_t len;
    bool valid;
};
static inline struct utf8_step utf8_step(const char *at, const char *end)
{
    const unsigned char *b = (const unsigned char *)at;
    if (b[0] < 0x80)
        return (struct utf8_step){1, true};
    size_t need = b[0] >= 0xf0 ? 4 : b[0] >= 0xe0 ? 3 : 2, have = (size_t)(end - at);
    /* The second byte alone is narrower after some first bytes: no overlong forms, no surrogates, no more than
     * U+10FFFF. */
    unsigned char low = b[0] == 0xe0 ? 0xa0 : b[0] == 0xf0 ? 0x90 : 0x80;
    unsigned char high = b[0] == 0xed ? 0x9f : b[0] == 0xf4 ? 0x8f : 0xbf;
    if (b[0] < 0xc2 || b[0] > 0xf4 || have < 2 || b[1] < low || b[1] > high)
        return (struct utf8_step){1, false};
    size_t len = 2;
    while (len < need && len < have && (b[len] & 0xc0) == 0x80)
        len++;
    return (struct utf8_step){len, len == need};
}

/* Behind the run of well-formed characters beyond ASCII that begins at `at`; `at` itself where none does. */
static inline const char *utf8_multibyte_end(const char *at, const char *end)
{
    while (at < end && (signed char)*at < 0) {
        struct utf8_step step = utf8_step(at, end);
        if (!step.valid)
            break;
        at += step.len;
    }
    return at;
}

/* Length of the longest valid prefix (Unicode 15, table 3-7: no surrogates, no overlong forms, at most U+10FFFF). */
size_t utf8_valid_prefix(struct slice text);
static inline bool utf8_is_valid(struct slice text)
{
    return utf8_valid_prefix(text) == text.len;
}

/* Copies, replacing each maximal subpart of an ill-formed sequence by U+FFFD (Unicode 15, section 3.9, as WHATWG). */
void utf8_repair(struct buffer *out, struct slice text);

/* Characters (code points) of valid UTF-8. */
size_t utf8_count(struct slice text);
/* Bytes of the first `n` characters (all of it where it has fewer). */
size_t utf8_prefix_of_chars(struct slice text, size_t n);
/* The largest length <= at that does not split a character. */
size_t utf8_floor(struct slice text, size_t at);

/* Decodes the character at text[*at] (valid UTF-8) and moves *at behind it. */
uint32_t utf8_next(struct slice text, size_t *at);
/* Writes 1 to 4 bytes; returns how many. What is no character (a surrogate, above U+10FFFF) is written as U+FFFD. */
size_t utf8_encode(uint32_t code_point, char out[4]);

/* Unicode's simple (one to one) case mappings, of the version that unicode_case.inc names. */
uint32_t unicode_lower(uint32_t code_point);
uint32_t unicode_upper(uint32_t code_point);

#endif
