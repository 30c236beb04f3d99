/* Pure: no I/O, no clock, no logging, no uv. */
#ifndef RAINGAUGE_JSON_SCAN_H
#define RAINGAUGE_JSON_SCAN_H

#include "json/json_doc.h"

#ifdef __SSE2__
#include <emmintrin.h>
#endif

/* The small steps that every reader and writer of JSON text takes, inline because they are taken for each byte. For
 * the files of this folder, for who walks through a text (json_walk.h), and for the pre-filter. */

/* A byte that means something in a string: a quote, a backslash, a control character, or part of a character beyond
 * ASCII. */
static inline bool json_is_special(char c)
{
    return c == '"' || c == '\\' || (signed char)c < 0x20; /* bytes from 0x80 on are negative */
}

/* The first special byte, or `end`. Most text of most records goes through here. */
static inline const char *json_plain_end(const char *at, const char *end)
{
#ifdef __SSE2__
    const __m128i quote = _mm_set1_epi8('"'), backslash = _mm_set1_epi8('\\'), blank = _mm_set1_epi8(0x20);
    for (; end - at >= 16; at += 16) {
        __m128i bytes = _mm_loadu_si128((const void *)at);
        __m128i special = _mm_or_si128(_mm_or_si128(_mm_cmpeq_epi8(bytes, quote), _mm_cmpeq_epi8(bytes, backslash)),
                                       _mm_cmplt_epi8(bytes, blank));
        unsigned mask = (unsigned)_mm_movemask_epi8(special);
        if (mask)
            return at + __builtin_ctz(mask);
    }
#else
    const uint64_t ones = UINT64_C(0x0101010101010101), tops = ones * 0x80;
    for (; end - at >= 8; at += 8) {
        uint64_t bytes;
        memcpy(&bytes, at, sizeof bytes);
        uint64_t quote = bytes ^ (ones * '"'), backslash = bytes ^ (ones * '\\');
        /* A top bit for each zero byte of quote and backslash, each byte below 0x20, each above 0x7f. */
        if (((quote - ones) | (backslash - ones) | (bytes - ones * 0x20) | bytes) & tops)
            break;
    }
#endif
    while (at < end && !json_is_special(*at))
        at++;
    return at;
}

static inline bool json_is_blank(char c)
{
    return c == ' ' || c == '\n' || c == '\r' || c == '\t';
}

static inline const char *json_blank_end(const char *at, const char *end)
{
    while (at < end && json_is_blank(*at))
        at++;
    return at;
}

static inline bool json_is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static inline const char *json_digits_end(const char *at, const char *end)
{
    while (at < end && json_is_digit(*at))
        at++;
    return at;
}

/* Where the longest number that begins at `at` ends; NULL where none does. *ret_stop is where its grammar could not go
 * on, which is further behind a fraction or exponent without digits ("1." and "1e+" are the number 1, stop behind). */
static inline const char *json_number_end(const char *at, const char *end, const char **ret_stop)
{
    const char *number = NULL;
    if (at < end && *at == '-')
        at++;
    const char *digits = at;
    at = at < end && *at == '0' ? at + 1 : json_digits_end(at, end);
    if (at > digits) {
        number = at;
        if (at < end && *at == '.') {
            digits = ++at;
            at = json_digits_end(at, end);
            number = at > digits ? at : number;
        }
        if (at == number && at < end && (*at == 'e' || *at == 'E')) {
            at++;
            if (at < end && (*at == '+' || *at == '-'))
                at++;
            digits = at;
            at = json_digits_end(at, end);
            number = at > digits ? at : number;
        }
    }
    *ret_stop = at;
    return number;
}

static inline int json_hex_digit(char c)
{
    if (json_is_digit(c))
        return c - '0';
    int letter = (c | 0x20) - 'a';
    return letter >= 0 && letter < 6 ? letter + 10 : -1;
}

/* What may stand behind a backslash, but for a `u`. */
static inline bool json_is_short_escape(char c)
{
    static const bool is[256] = {['"'] = true, ['\\'] = true, ['/'] = true, ['b'] = true,
                                 ['f'] = true, ['n'] = true,  ['r'] = true, ['t'] = true};
    return is[(unsigned char)c];
}

/* The code unit of the escape \uXXXX that stands at `at`; -1 where none does. */
static inline int32_t json_unicode_escape(const char *at, const char *end)
{
    if (end - at < 6 || at[0] != '\\' || at[1] != 'u')
        return -1;
    int32_t unit = 0;
    for (int i = 2; i < 6; i++) {
        int digit = json_hex_digit(at[i]);
        if (digit < 0)
            return -1;
        unit = unit * 16 + digit;
    }
    return unit;
}

static inline bool json_is_high_surrogate(int32_t unit)
{
    return unit >= 0xd800 && unit <= 0xdbff;
}

static inline bool json_is_low_surrogate(int32_t unit)
{
    return unit >= 0xdc00 && unit <= 0xdfff;
}

/* A value's type by the first byte of its text, a string's being its quote. */
static inline enum json_type json_type_of_text(char first)
{
    static const uint8_t types[256] = {
        ['{'] = JSON_OBJECT, ['['] = JSON_ARRAY,  ['"'] = JSON_STRING, ['t'] = JSON_TRUE,   ['f'] = JSON_FALSE,
        ['n'] = JSON_NULL,   ['-'] = JSON_NUMBER, ['0'] = JSON_NUMBER, ['1'] = JSON_NUMBER, ['2'] = JSON_NUMBER,
        ['3'] = JSON_NUMBER, ['4'] = JSON_NUMBER, ['5'] = JSON_NUMBER, ['6'] = JSON_NUMBER, ['7'] = JSON_NUMBER,
        ['8'] = JSON_NUMBER, ['9'] = JSON_NUMBER,
    };
    return (enum json_type)types[(unsigned char)first];
}

#endif
