/* Pure: no I/O, no clock, no logging, no uv. */
#ifndef RAINGAUGE_CONTENT_HASH_H
#define RAINGAUGE_CONTENT_HASH_H

#include "base/slice.h"

#include <stdint.h>

/* A running hash of a file's content from its first byte, whose whole state is three numbers, so that it can stand in
 * a checkpoint at any offset and go on from there. The same bytes give the same state however they were cut into
 * pieces. Not cryptographic: it tells files apart, it does not withstand an attacker who controls the file, who could
 * only confuse his own lines.
 *
 * Format (it is in checkpoints: from the first release on it never changes): words of 8 bytes, little-endian; for the
 * whole word number n, from 1, h += word + low half * high half of (word ^ n * 0x9E3779B97F4A7C15), halves being of 32
 * bits; `pending` holds the len % 8 bytes of the last, partial word. */
struct content_hash {
    uint64_t h;
    uint64_t pending;
    uint64_t len;
};

static inline void content_hash_init(struct content_hash *c)
{
    *c = (struct content_hash){.h = UINT64_C(0x5241494e47415547)}; /* "RAINGAUG" */
}

void content_hash_add(struct content_hash *c, struct slice bytes);

/* The share of what comes behind `offset`, whatever is before it: begins there, is added to, and is then joined to the
 * hash of all that was before. `before` is the text up to there, of at least offset % 8 bytes. */
void content_hash_begin_at(struct content_hash *c, uint64_t offset, struct slice before);
static inline void content_hash_join(struct content_hash *share, const struct content_hash *before)
{
    share->h += before->h;
}

static inline bool content_hash_equal(const struct content_hash *a, const struct content_hash *b)
{
    return a->h == b->h && a->pending == b->pending && a->len == b->len;
}

/* One number for a short piece of text: a first or last KiB (contract 6.5). */
uint64_t content_hash_of(struct slice bytes);

#endif
