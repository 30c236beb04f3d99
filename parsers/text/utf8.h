/* Pure: no I/O, no clock, no logging, no uv. */
#ifndef RAINGAUGE_UTF8_H
#define RAINGAUGE_UTF8_H

#include "base/buffer.h"

#include <stdint.h>

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
/* Writes 1 to 4 bytes; returns how many. */
size_t utf8_encode(uint32_t code_point, char out[4]);

/* Unicode's simple (one to one) case mappings. */
uint32_t unicode_lower(uint32_t code_point);
uint32_t unicode_upper(uint32_t code_point);

#endif
