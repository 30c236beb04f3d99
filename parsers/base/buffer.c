#include "base/buffer.h"

#include "base/arena.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

enum { FIRST_CAP = 256 };

void buffer_init(struct buffer *b, size_t limit)
{
    *b = (struct buffer){.limit = limit};
}

void buffer_init_in(struct buffer *b, struct arena *arena)
{
    *b = (struct buffer){.arena = arena, .limit = arena->limit};
}

void buffer_release(struct buffer *b)
{
    if (!b->arena)
        free(b->data);
    *b = (struct buffer){.arena = b->arena, .limit = b->limit};
}

void buffer_clear(struct buffer *b)
{
    b->len = 0;
    b->failed = b->starved = false;
}

char *buffer_reserve(struct buffer *b, size_t n)
{
    if (b->failed)
        return NULL;
    if (n > b->limit || b->len > b->limit - n) {
        b->failed = true;
        return NULL;
    }
    if (b->len + n > b->cap) {
        size_t cap = b->cap ? b->cap * 2 : FIRST_CAP;
        if (cap < b->len + n)
            cap = b->len + n;
        if (cap > b->limit)
            cap = b->limit;
        char *grown = b->arena ? arena_grow(b->arena, b->data, b->cap, cap) : realloc(b->data, cap);
        if (!grown) {
            b->failed = true;
            b->starved = b->arena ? b->arena->starved : true;
            return NULL;
        }
        b->data = grown;
        b->cap = cap;
    }
    return b->data + b->len;
}

void buffer_add_growing(struct buffer *b, struct slice bytes)
{
    if (bytes.len == 0)
        return;
    char *at = buffer_reserve(b, bytes.len);
    if (!at)
        return;
    memcpy(at, bytes.text, bytes.len);
    b->len += bytes.len;
}

void buffer_add_text(struct buffer *b, const char *zero_terminated)
{
    buffer_add(b, slice_from(zero_terminated));
}

void buffer_printf(struct buffer *b, const char *format, ...)
{
    char small[256];
    va_list args;
    va_start(args, format);
    va_list again;
    va_copy(again, args);
    int n = vsnprintf(small, sizeof small, format, args);
    va_end(args);
    if (n < 0) {
        b->failed = true;
    } else if ((size_t)n < sizeof small) {
        buffer_add(b, slice_of(small, (size_t)n));
    } else {
        char *at = buffer_reserve(b, (size_t)n + 1); /* vsnprintf writes the NUL too */
        if (at) {
            vsnprintf(at, (size_t)n + 1, format, again);
            b->len += (size_t)n;
        }
    }
    va_end(again);
}

void buffer_truncate(struct buffer *b, size_t len)
{
    if (len < b->len)
        b->len = len;
}

char *buffer_take(struct buffer *b, size_t *ret_len)
{
    assert(!b->arena);
    char *data = b->data;
    *ret_len = b->len;
    *b = (struct buffer){.limit = b->limit};
    return data;
}
