#include "json/json_walk.h"

/* ---- Stepping over a container ---------------------------------------------------------------------------------- */

#ifdef __SSE2__

enum { BLOCK = 64 };

/* A bit for each byte of a block. */
struct block {
    uint64_t quotes, backslashes, opens, closes;
};

static inline uint64_t join(const __m128i parts[4])
{
    return (uint64_t)(unsigned)_mm_movemask_epi8(parts[0]) | (uint64_t)(unsigned)_mm_movemask_epi8(parts[1]) << 16 |
           (uint64_t)(unsigned)_mm_movemask_epi8(parts[2]) << 32 |
           (uint64_t)(unsigned)_mm_movemask_epi8(parts[3]) << 48;
}

static inline struct block read_block(const char *at)
{
    const __m128i quote = _mm_set1_epi8('"'), backslash = _mm_set1_epi8('\\'), lower = _mm_set1_epi8(0x20),
                  open = _mm_set1_epi8('{'), close = _mm_set1_epi8('}');
    __m128i quotes[4], backslashes[4], opens[4], closes[4];
    for (int i = 0; i < 4; i++) {
        __m128i bytes = _mm_loadu_si128((const void *)(at + 16 * i)), brackets = _mm_or_si128(bytes, lower);
        quotes[i] = _mm_cmpeq_epi8(bytes, quote);
        backslashes[i] = _mm_cmpeq_epi8(bytes, backslash);
        opens[i] = _mm_cmpeq_epi8(brackets, open); /* '[' | 0x20 is '{' */
        closes[i] = _mm_cmpeq_epi8(brackets, close);
    }
    return (struct block){join(quotes), join(backslashes), join(opens), join(closes)};
}

/* Bytes behind a backslash that is not itself behind one; the last backslash's may be the first of the next block.
 * (After "Parsing Gigabytes of JSON per Second", Langdale and Lemire: a run of backslashes begins at an odd or an even
 * place, and a subtraction carries through it.) */
static inline uint64_t escaped_bytes(uint64_t backslashes, bool *ret_next)
{
    const uint64_t odd = UINT64_C(0xaaaaaaaaaaaaaaaa);
    uint64_t ends = (((backslashes << 1) | odd) - backslashes) ^ odd;
    *ret_next = (ends & backslashes) >> 63;
    return ends ^ backslashes;
}

/* A bit is set where an odd number of bits is at it and before it. */
static inline uint64_t prefix_xor(uint64_t bits)
{
    for (unsigned by = 1; by < 64; by *= 2)
        bits ^= bits << by;
    return bits;
}

static inline size_t bits_in(uint64_t bits)
{
    const uint64_t ones = UINT64_C(0x0101010101010101);
    bits -= (bits >> 1) & ones * 0x55;
    bits = (bits & ones * 0x33) + ((bits >> 2) & ones * 0x33);
    return (size_t)((((bits + (bits >> 4)) & ones * 0x0f) * ones) >> 56);
}

/* Where *depth, of open containers, comes down to none; BLOCK where it does not. */
static inline unsigned last_close(uint64_t opens, uint64_t closes, size_t *depth)
{
    size_t closed = bits_in(closes);
    if (closed < *depth) { /* however many there are opened */
        *depth += bits_in(opens) - closed;
        return BLOCK;
    }
    for (uint64_t both = opens | closes; both; both &= both - 1) {
        if (opens & both & -both)
            ++*depth;
        else if (--*depth == 0)
            return (unsigned)__builtin_ctzll(both);
    }
    return BLOCK;
}

/* Block by block, each of which begins outside of strings, as far as there are whole ones. Behind the container where
 * it ends (*depth is 0 then). */
static const char *skip_blocks(const char *at, const char *end, size_t *depth)
{
    while (end - at >= BLOCK) {
        struct block block = read_block(at);
        bool next = false, escaped;
        if (block.backslashes)
            block.quotes &= ~escaped_bytes(block.backslashes, &next);
        uint64_t strings = prefix_xor(block.quotes);
        unsigned closed_at = last_close(block.opens & ~strings, block.closes & ~strings, depth);
        if (closed_at < BLOCK)
            return at + closed_at + 1;
        at += BLOCK;
        if (strings >> 63)
            at = json_quote_of(at + next, end, &escaped) + 1;
    }
    return at;
}

#else

static const char *skip_blocks(const char *at, const char *end, size_t *depth)
{
    (void)end, (void)depth;
    return at;
}

#endif

const char *json_container_end(const char *at, const char *end)
{
    size_t depth = 0;
    bool escaped;
    const char *begin = at;
    at = skip_blocks(at, end, &depth);
    if (at > begin && depth == 0)
        return at;
    for (;; at++) { /* what is left */
        if (*at == '"')
            at = json_quote_of(at + 1, end, &escaped);
        else if (*at == '{' || *at == '[')
            depth++;
        else if ((*at == '}' || *at == ']') && --depth == 0)
            return at + 1;
    }
}

/* ---- Looking for a part ------------------------------------------------------------------------------------------ */

bool json_find_member(struct slice object, struct slice name, struct slice *ret_value)
{
    bool found = false;
    for (struct json_walk walk = json_walk_of(object); json_walk_next(&walk);) {
        if (!json_walk_is_named(&walk, name))
            continue;
        *ret_value = walk.value;
        found = true;
    }
    return found;
}

bool json_find_element(struct slice array, int64_t index, struct slice *ret_value)
{
    struct json_walk walk = json_walk_of(array);
    if (index < 0) {
        while (json_walk_next(&walk))
            index++;
        walk = json_walk_of(array);
    }
    while (index >= 0 && json_walk_next(&walk)) {
        if (index-- == 0) {
            *ret_value = walk.value;
            return true;
        }
    }
    return false;
}
