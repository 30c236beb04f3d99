/* Pure: no I/O, no clock, no logging, no uv. */
#ifndef RAINGAUGE_ARENA_H
#define RAINGAUGE_ARENA_H

#include "base/slice.h"

/* Memory that is given back all at once: one record's values, or one configuration's nodes.
 *
 *     arena_init(&a, LIMIT_RECORD_ARENA);
 *     p = arena_alloc(&a, n);        // NULL: ceiling or no memory, and a.failed is set
 *     arena_reset(&a);               // all of it is free again; the memory of an ordinary record is kept,
 *                                    // that of an unusually large one goes back to the heap
 *     arena_release(&a);
 *
 * Blocks are aligned for any type. At rest (arenas warmed up) no call of malloc is made. */
struct arena_block;

struct arena {
    struct arena_block *first; /* kept by reset */
    struct arena_block *current;
    size_t used;  /* bytes handed out since the last reset */
    size_t limit; /* ceiling of used */
    bool failed;
    bool starved; /* it failed as the heap gave nothing: later it may. Else the ceiling, the same each time */
};

void arena_init(struct arena *a, size_t limit);
void arena_reset(struct arena *a);
void arena_release(struct arena *a);

void *arena_alloc(struct arena *a, size_t n);
void *arena_calloc(struct arena *a, size_t count, size_t size); /* zeroed; overflow of the product is a failure */
struct slice arena_copy(struct arena *a, struct slice bytes);   /* on failure an empty slice with text NULL */
char *arena_strdup(struct arena *a, struct slice bytes);        /* zero-terminated; NULL on failure */

/* Makes the last block `n` bytes long, where `block` is the last one given out with `old` bytes; else allocates and
 * copies. For text that is built without its length known. */
void *arena_grow(struct arena *a, void *block, size_t old, size_t n);

/* An array that grows: room for one more item behind the `count` that it has, by doubling. Begins as NULL with 0. */
void *arena_grow_array(struct arena *a, void *items, size_t count, size_t item_size);

/* A mark to go back to: what was allocated after it is free again. */
struct arena_mark {
    struct arena_block *block;
    size_t block_used;
    size_t used;
};
struct arena_mark arena_mark(const struct arena *a);
void arena_rewind(struct arena *a, struct arena_mark mark);

#endif
