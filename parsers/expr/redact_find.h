/* Pure: no I/O, no clock, no logging, no uv. Private to the redact_*.c files. */
#ifndef RAINGAUGE_REDACT_FIND_H
#define RAINGAUGE_REDACT_FIND_H

#include "base/slice.h"

/* One finder for each kind: the first span from `from` on that is one. What stands before `from` is looked at (a digit
 * there makes a number a part of another) but never given. Each is linear: what it looks back and ahead is bounded, or
 * it goes on behind what it has looked at. */
struct span {
    size_t start, end;
};
typedef bool find_function(struct slice text, size_t from, struct span *ret_span);

find_function find_email, find_phone, find_ipv4, find_ipv6, find_credit_card, find_ssn, find_iban, find_url_credentials,
    find_api_key;

/* ---- what they share ---- */

/* The byte there; NUL before the beginning (SIZE_MAX) and behind the end. */
static inline char byte_at(struct slice text, size_t at)
{
    return at < text.len ? text.text[at] : '\0';
}
static inline bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}
static inline bool is_upper(char c)
{
    return c >= 'A' && c <= 'Z';
}
static inline bool is_letter(char c)
{
    return is_upper((char)(c & ~0x20));
}
static inline bool is_alnum(char c)
{
    return is_digit(c) || is_letter(c);
}
static inline bool is_word(char c)
{
    return is_alnum(c) || c == '_';
}
static inline char to_lower_ascii(char c)
{
    return is_upper(c) ? (char)(c + 32) : c;
}

static inline size_t digits_at(struct slice text, size_t at)
{
    size_t n = 0;
    while (is_digit(byte_at(text, at + n)))
        n++;
    return n;
}

/* Whether a number may begin at `at`: what stands before is neither a word nor, with a joint, a longer number or name
 * ("x1", "3-1", "v.1", "0.1"). */
bool number_may_start(struct slice text, size_t at);
/* ... and whether it may end there: not in a word or an address, nor followed by a joint and more digits. */
bool number_may_end(struct slice text, size_t at);

/* Whether one of these words stands before `at`, as in `phone: `, `"phoneNumber":"`, `mobile_no=`, `Tel. `, `SSN is `.
 * Looks back over a bounded number of characters. */
bool follows_word(struct slice text, size_t at, const char *const words[]);

#endif
