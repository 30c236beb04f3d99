/* Pure: no I/O, no clock, no logging, no uv. */
#ifndef RAINGAUGE_SLICE_H
#define RAINGAUGE_SLICE_H

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

/* Borrowed bytes. Never owns, never NUL-terminated; `text` may be NULL only if `len` is 0. */
struct slice {
    const char *text;
    size_t len;
};

#define SLICE(literal) ((struct slice){(literal), sizeof(literal) - 1})
#define SLICE_FMT(s) (int)(s).len, (s).text /* for "%.*s"; only for short text known to have no NUL */

static inline struct slice slice_of(const char *text, size_t len)
{
    return (struct slice){text, len};
}

static inline struct slice slice_from(const char *zero_terminated)
{
    return (struct slice){zero_terminated, zero_terminated ? strlen(zero_terminated) : 0};
}

static inline bool slice_equal(struct slice a, struct slice b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.text, b.text, a.len) == 0);
}

/* As memcmp, a shorter text before those that begin with it: valid UTF-8 is in the order of its code points. */
static inline int slice_compare(struct slice a, struct slice b)
{
    size_t both = a.len < b.len ? a.len : b.len;
    int order = both ? memcmp(a.text, b.text, both) : 0;
    return order ? order : (a.len > b.len) - (a.len < b.len);
}

static inline bool slice_is(struct slice a, const char *zero_terminated)
{
    return slice_equal(a, slice_from(zero_terminated));
}

static inline bool slice_starts_with(struct slice a, struct slice prefix)
{
    return a.len >= prefix.len && (prefix.len == 0 || memcmp(a.text, prefix.text, prefix.len) == 0);
}

static inline bool slice_ends_with(struct slice a, struct slice suffix)
{
    return a.len >= suffix.len &&
           (suffix.len == 0 || memcmp(a.text + a.len - suffix.len, suffix.text, suffix.len) == 0);
}

/* The rest from `at`; empty where `at` is past the end. */
static inline struct slice slice_from_offset(struct slice a, size_t at)
{
    return at >= a.len ? (struct slice){a.text ? a.text + a.len : NULL, 0} : (struct slice){a.text + at, a.len - at};
}

#endif
