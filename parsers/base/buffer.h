/* Pure: no I/O, no clock, no logging, no uv. */
#ifndef RAINGAUGE_BUFFER_H
#define RAINGAUGE_BUFFER_H

#include "base/slice.h"

/* Owned bytes that grow up to a ceiling given at birth.
 *
 *     struct buffer b;
 *     buffer_init(&b, LIMIT_BATCH_BODY);
 *     buffer_add(&b, SLICE("["));
 *     ...
 *     if (b.failed) ...              // looked at once, at the end
 *     buffer_release(&b);
 *
 * A write that would pass the ceiling, or that finds no memory, adds nothing and sets `failed`; every later write does
 * nothing, until buffer_clear(). buffer_clear() keeps the memory.
 *
 * A buffer can also live in an arena: buffer_init_in(&b, &arena). Then its text stays until the arena is reset, nothing
 * is taken from the heap, and there is nothing to release. */
struct arena;
struct buffer {
    struct arena *arena; /* NULL: the heap */
    char *data;
    size_t len;
    size_t cap;
    size_t limit;
    bool failed;
    bool starved; /* it failed as the heap gave nothing, rather than by its ceiling */
};

void buffer_init(struct buffer *b, size_t limit);
void buffer_init_in(struct buffer *b, struct arena *arena); /* the ceiling is the arena's */
void buffer_release(struct buffer *b);
void buffer_clear(struct buffer *b);

/* The slow path of the two below: grows, or fails. */
void buffer_add_growing(struct buffer *b, struct slice bytes);

static inline void buffer_add(struct buffer *b, struct slice bytes)
{
    if (b->failed || bytes.len > b->cap - b->len) {
        buffer_add_growing(b, bytes);
    } else if (bytes.len) {
        memcpy(b->data + b->len, bytes.text, bytes.len);
        b->len += bytes.len;
    }
}

static inline void buffer_add_char(struct buffer *b, char c)
{
    if (b->failed || b->len == b->cap)
        buffer_add_growing(b, slice_of(&c, 1));
    else
        b->data[b->len++] = c;
}

void buffer_add_text(struct buffer *b, const char *zero_terminated);
void buffer_printf(struct buffer *b, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Room for `n` more bytes at the end; the caller writes there and then adds to `len` itself. NULL on failure. */
char *buffer_reserve(struct buffer *b, size_t n);

/* Back to an earlier length (what came after is forgotten). Does not clear `failed`. */
void buffer_truncate(struct buffer *b, size_t len);

/* Hands the memory over (to be freed with free()) and leaves an empty buffer with the same ceiling. Not in an
 * arena. */
char *buffer_take(struct buffer *b, size_t *ret_len);

static inline struct slice buffer_slice(const struct buffer *b)
{
    return slice_of(b->data, b->len);
}

#endif
