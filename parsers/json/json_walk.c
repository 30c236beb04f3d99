#include "json/json_walk.h"

#include "limits.h"

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

/* The brackets of a block that begins outside of strings; and whether it ends in one, and behind a backslash there. */
struct brackets {
    uint64_t opens, closes;
    bool in_string, behind_backslash;
};

static inline struct brackets read_brackets(const char *at)
{
    struct block block = read_block(at);
    bool behind_backslash = false;
    if (block.backslashes)
        block.quotes &= ~escaped_bytes(block.backslashes, &behind_backslash);
    uint64_t strings = prefix_xor(block.quotes);
    return (struct brackets){block.opens & ~strings, block.closes & ~strings, strings >> 63, behind_backslash};
}

/* Where the next one begins, behind a string that goes on. */
static inline const char *behind_block(const char *at, const char *end, const struct brackets *of)
{
    bool escaped;
    at += BLOCK;
    return of->in_string ? json_quote_of(at + of->behind_backslash, end, &escaped) + 1 : at;
}

/* Block by block, as far as there are whole ones. Behind the container where it ends (*depth is 0 then). */
static const char *skip_blocks(const char *at, const char *end, size_t *depth)
{
    while (end - at >= BLOCK) {
        struct brackets brackets = read_brackets(at);
        unsigned closed_at = last_close(brackets.opens, brackets.closes, depth);
        if (closed_at < BLOCK)
            return at + closed_at + 1;
        at = behind_block(at, end, &brackets);
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

/* By the index: NULL where it is not there, being a small one. */
static const char *find_extent(const struct json_index *index, const char *at)
{
    uint32_t start = (uint32_t)(at - index->text), low = 0, high = index->count;
    while (high - low > 1) {
        uint32_t middle = low + (high - low) / 2;
        if (index->extents[middle].start <= start)
            low = middle;
        else
            high = middle;
    }
    return low < high && index->extents[low].start == start ? index->text + index->extents[low].end : NULL;
}

const char *json_container_end(const char *at, const char *end, const struct json_index *index)
{
    size_t depth = 0;
    bool escaped;
    const char *begin = at, *known = index ? find_extent(index, at) : NULL;
    if (known)
        return known;
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

/* ---- The index --------------------------------------------------------------------------------------------------- */

enum { LARGE = 128 }; /* smaller ones are stepped over as fast as they are found in the index */

struct indexing {
    struct json_index *index;
    uint32_t room;
    size_t depth;
    uint32_t open[LIMIT_JSON_DEPTH]; /* their places in the index */
};

/* A bracket at `place`: an array or object is put into the index when it opens, and out again if it was a small one:
 * then all in it were, too. False: no room. */
static inline bool add_bracket(struct indexing *i, uint32_t place, bool opens)
{
    struct json_index *index = i->index;
    if (opens) {
        if (index->count == i->room)
            return false;
        i->open[i->depth++] = index->count;
        index->extents[index->count++].start = place;
        return true;
    }
    struct json_extent *extent = &index->extents[i->open[--i->depth]];
    extent->end = place + 1;
    if (extent->end - extent->start < LARGE)
        index->count = i->open[i->depth];
    return true;
}

static const char *index_blocks(struct indexing *i, const char *at, const char *end)
{
#ifdef __SSE2__
    while (end - at >= BLOCK) {
        struct brackets brackets = read_brackets(at);
        uint32_t place = (uint32_t)(at - i->index->text);
        for (uint64_t both = brackets.opens | brackets.closes; both; both &= both - 1)
            if (!add_bracket(i, place + (uint32_t)__builtin_ctzll(both), brackets.opens & both & -both))
                return NULL;
        at = behind_block(at, end, &brackets);
    }
#else
    (void)i, (void)end;
#endif
    return at;
}

const struct json_index *json_index_of(struct arena *arena, struct slice text)
{
    struct indexing i = {.room = (uint32_t)(text.len / (LARGE / 2)) + LIMIT_JSON_DEPTH};
    bool escaped, room = true;
    i.index = arena_alloc(arena, sizeof *i.index + i.room * sizeof i.index->extents[0]);
    if (!i.index)
        return NULL;
    i.index->text = text.text;
    i.index->count = 0;
    const char *end = text.text + text.len, *at = index_blocks(&i, text.text, end);
    for (; room && at && at < end; at++) {
        if (*at == '"')
            at = json_quote_of(at + 1, end, &escaped);
        else if (*at == '{' || *at == '[' || *at == '}' || *at == ']')
            room = add_bracket(&i, (uint32_t)(at - text.text), *at == '{' || *at == '[');
    }
    return at && room ? i.index : NULL;
}

/* ---- Looking for a part ------------------------------------------------------------------------------------------ */

bool json_find_member(struct json_walk object, struct slice name, struct slice *ret_value)
{
    bool found = false;
    while (json_walk_next(&object)) {
        if (!json_walk_is_named(&object, name))
            continue;
        *ret_value = object.value;
        found = true;
    }
    return found;
}

bool json_find_element(struct json_walk array, int64_t index, struct slice *ret_value)
{
    struct json_walk walk = array;
    if (index < 0) {
        while (json_walk_next(&walk))
            index++;
        walk = array;
    }
    while (index >= 0 && json_walk_next(&walk)) {
        if (index-- == 0) {
            *ret_value = walk.value;
            return true;
        }
    }
    return false;
}
