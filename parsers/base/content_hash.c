#include "base/content_hash.h"

#include <assert.h>

#define GOLDEN UINT64_C(0x9E3779B97F4A7C15)

/* `key` tells where the word stands. No word waits for another: the processor works on several at a time. */
static inline uint64_t mix(uint64_t word, uint64_t key)
{
    unsigned __int128 product = (unsigned __int128)(word ^ key) * UINT64_C(0xD6E8FEB86659FD93);
    return (uint64_t)(product >> 64) ^ (uint64_t)product;
}

static uint64_t step(uint64_t h, uint64_t word)
{
    h = (h ^ word) * GOLDEN;
    return h ^ (h >> 32);
}

static uint64_t load_le64(const unsigned char *p)
{
    uint64_t word;
    memcpy(&word, p, sizeof word);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    word = __builtin_bswap64(word);
#endif
    return word;
}

void content_hash_add(struct content_hash *c, struct slice bytes)
{
    const unsigned char *p = (const unsigned char *)bytes.text;
    size_t left = bytes.len;
    uint64_t h = c->h, pending = c->pending, key = (c->len / 8 + 1) * GOLDEN;
    unsigned held = (unsigned)(c->len % 8);

    c->len += left;
    while (left && held) { /* fill the partial word */
        pending |= (uint64_t)*p++ << (8 * held);
        left--;
        held = (held + 1) % 8;
        if (held == 0) {
            h += mix(pending, key);
            pending = 0;
            key += GOLDEN;
        }
    }
    for (; left >= 8; p += 8, left -= 8, key += GOLDEN)
        h += mix(load_le64(p), key);
    for (; left; left--, held++)
        pending |= (uint64_t)*p++ << (8 * held);
    c->h = h;
    c->pending = pending;
}

void content_hash_begin_at(struct content_hash *c, uint64_t offset, struct slice before)
{
    size_t held = (size_t)(offset % 8);
    assert(before.len >= held);
    *c = (struct content_hash){.len = offset - held};
    content_hash_add(c, slice_of(before.text + before.len - held, held));
}

uint64_t content_hash_of(struct slice bytes)
{
    struct content_hash c;
    content_hash_init(&c);
    content_hash_add(&c, bytes);
    return step(step(c.h, c.pending), c.len);
}
