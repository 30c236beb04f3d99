#include "base/arena.h"

#include <stdint.h>
#include <stdlib.h>

enum { BLOCK_SIZE = 64 * 1024 - 64, ALIGN = 16 };

struct arena_block {
    struct arena_block *next;
    size_t used;
    size_t size;
    _Alignas(ALIGN) char data[];
};

void arena_init(struct arena *a, size_t limit)
{
    *a = (struct arena){.limit = limit};
}

static void free_from(struct arena_block *block)
{
    while (block) {
        struct arena_block *next = block->next;
        free(block);
        block = next;
    }
}

void arena_release(struct arena *a)
{
    free_from(a->first);
    *a = (struct arena){.limit = a->limit};
}

void arena_reset(struct arena *a)
{
    if (a->first) {
        free_from(a->first->next);
        a->first->next = NULL;
        a->first->used = 0;
        if (a->first->size > 4 * BLOCK_SIZE) { /* an unusual first record must not be kept for ever */
            free(a->first);
            a->first = NULL;
        }
    }
    a->current = a->first;
    a->used = 0;
    a->failed = a->starved = false;
}

static size_t round_up(size_t n)
{
    return (n + (ALIGN - 1)) & ~(size_t)(ALIGN - 1);
}

static struct arena_block *add_block(struct arena *a, size_t n)
{
    size_t size = n > BLOCK_SIZE ? n : BLOCK_SIZE;
    struct arena_block *block = malloc(sizeof *block + size);
    if (!block)
        return NULL;
    *block = (struct arena_block){.size = size};
    if (a->current)
        a->current->next = block; /* the current block is always the last one */
    else
        a->first = block;
    a->current = block;
    return block;
}

void *arena_alloc(struct arena *a, size_t n)
{
    if (a->failed)
        return NULL;
    if (n > SIZE_MAX - ALIGN || round_up(n) > a->limit - a->used) {
        a->failed = true;
        return NULL;
    }
    n = round_up(n ? n : 1);
    struct arena_block *block = a->current;
    if (!block || block->size - block->used < n) {
        block = add_block(a, n);
        if (!block) {
            a->failed = a->starved = true;
            return NULL;
        }
    }
    void *at = block->data + block->used;
    block->used += n;
    a->used += n;
    return at;
}

void *arena_calloc(struct arena *a, size_t count, size_t size)
{
    size_t n;
    if (__builtin_mul_overflow(count, size, &n)) {
        a->failed = true;
        return NULL;
    }
    void *at = arena_alloc(a, n);
    if (at)
        memset(at, 0, n);
    return at;
}

struct slice arena_copy(struct arena *a, struct slice bytes)
{
    char *at = arena_alloc(a, bytes.len);
    if (!at)
        return slice_of(NULL, 0);
    if (bytes.len)
        memcpy(at, bytes.text, bytes.len);
    return slice_of(at, bytes.len);
}

char *arena_strdup(struct arena *a, struct slice bytes)
{
    char *at = arena_alloc(a, bytes.len + 1);
    if (!at)
        return NULL;
    if (bytes.len)
        memcpy(at, bytes.text, bytes.len);
    at[bytes.len] = '\0';
    return at;
}

void *arena_grow(struct arena *a, void *block, size_t old, size_t n)
{
    if (n <= old)
        return block;
    struct arena_block *last = a->current;
    size_t had = round_up(old ? old : 1);
    if (block && last && (char *)block + had == last->data + last->used && n <= SIZE_MAX - ALIGN) {
        size_t more = round_up(n) - had;
        if (last->size - last->used >= more && a->limit - a->used >= more) {
            last->used += more;
            a->used += more;
            return block;
        }
    }
    void *moved = arena_alloc(a, n);
    if (moved && old)
        memcpy(moved, block, old);
    return moved;
}

void *arena_grow_array(struct arena *a, void *items, size_t count, size_t item_size)
{
    bool full = (count & (count - 1)) == 0; /* 0, 1, 2, 4, 8 … */
    return full ? arena_grow(a, items, count * item_size, (count ? 2 * count : 1) * item_size) : items;
}

struct arena_mark arena_mark(const struct arena *a)
{
    return (struct arena_mark){a->current, a->current ? a->current->used : 0, a->used};
}

void arena_rewind(struct arena *a, struct arena_mark mark)
{
    struct arena_block *block = mark.block ? mark.block : a->first;
    if (block) {
        free_from(block->next);
        block->next = NULL;
        block->used = mark.block ? mark.block_used : 0;
    }
    a->current = block;
    a->used = mark.used;
    a->failed = a->starved = false;
}
