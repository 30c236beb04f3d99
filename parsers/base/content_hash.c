#include "base/content_hash.h"

#include <assert.h>
#ifdef __SSE2__
#include <immintrin.h>
#endif

#define GOLDEN UINT64_C(0x9E3779B97F4A7C15)

/* `key` tells where the word stands. No word waits for another: the processor works on several at a time. */
static inline uint64_t mix(uint64_t word, uint64_t key)
{
    uint64_t keyed = word ^ key;
    return word + (keyed & UINT32_MAX) * (keyed >> 32);
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

/* The sum of whole words, the first of which has that key: the plain way. */
static uint64_t sum_of_words(const unsigned char *p, size_t words, uint64_t key)
{
    uint64_t sum = 0;
    for (; words; p += 8, words--, key += GOLDEN)
        sum += mix(load_le64(p), key);
    return sum;
}

#ifdef __SSE2__
/* The same two words at a time. */
static uint64_t sum_of_pairs(const unsigned char *p, size_t pairs, uint64_t key)
{
    const uint64_t first[] = {key, key + GOLDEN}, steps[] = {2 * GOLDEN, 2 * GOLDEN};
    const __m128i step = _mm_loadu_si128((const void *)steps);
    __m128i keys = _mm_loadu_si128((const void *)first), sum = _mm_setzero_si128();
    for (; pairs; p += 16, pairs--) {
        __m128i words = _mm_loadu_si128((const void *)p), keyed = _mm_xor_si128(words, keys);
        __m128i product = _mm_mul_epu32(keyed, _mm_srli_epi64(keyed, 32));
        sum = _mm_add_epi64(sum, _mm_add_epi64(words, product));
        keys = _mm_add_epi64(keys, step);
    }
    uint64_t halves[2];
    _mm_storeu_si128((void *)halves, sum);
    return halves[0] + halves[1];
}

/* The same four words at a time, where the processor can. */
__attribute__((target("avx2"))) static uint64_t sum_of_fours(const unsigned char *p, size_t fours, uint64_t key)
{
    const uint64_t first[] = {key, key + GOLDEN, key + 2 * GOLDEN, key + 3 * GOLDEN};
    const uint64_t steps[] = {4 * GOLDEN, 4 * GOLDEN, 4 * GOLDEN, 4 * GOLDEN};
    const __m256i step = _mm256_loadu_si256((const void *)steps);
    __m256i keys = _mm256_loadu_si256((const void *)first);
    __m256i sum = _mm256_setzero_si256();
    for (; fours; p += 32, fours--) {
        __m256i words = _mm256_loadu_si256((const void *)p), keyed = _mm256_xor_si256(words, keys);
        __m256i product = _mm256_mul_epu32(keyed, _mm256_srli_epi64(keyed, 32));
        sum = _mm256_add_epi64(sum, _mm256_add_epi64(words, product));
        keys = _mm256_add_epi64(keys, step);
    }
    uint64_t quarters[4];
    _mm256_storeu_si256((void *)quarters, sum);
    return quarters[0] + quarters[1] + quarters[2] + quarters[3];
}
#endif

static uint64_t sum_of(const unsigned char *p, size_t words, uint64_t key)
{
    uint64_t sum = 0;
#ifdef __SSE2__
    size_t width = words >= 4 && __builtin_cpu_supports("avx2") ? 4 : 2, together = words / width;
    sum = width == 4 ? sum_of_fours(p, together, key) : sum_of_pairs(p, together, key);
    p += 8 * width * together;
    key += width * together * GOLDEN;
    words %= width;
#endif
    return sum + sum_of_words(p, words, key);
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
    if (left >= 8) {
        h += sum_of(p, left / 8, key);
        p += left - left % 8;
        left %= 8;
    }
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
