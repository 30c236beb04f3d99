#include "map/prefilter.h"

#include "text/utf8.h"
#include "json/json_scan.h"

#include <stdlib.h>

/* ---- What is looked for ------------------------------------------------------------------------------------------ */

struct needles {
    struct slice *items;
    size_t count;
};

static bool add(struct needles *n, struct arena *arena, struct slice text)
{
    struct buffer quoted;
    if (n->count == NEEDLES_MOST || memmem(text.text, text.len, UTF8_REPLACEMENT, UTF8_REPLACEMENT_LEN) ||
        memchr(text.text, '"', text.len))
        return false; /* the character may stand in the line as bytes that are no UTF-8; the quote is always escaped */
    buffer_init_in(&quoted, arena);
    buffer_add(&quoted, text);
    buffer_add_char(&quoted, '"');
    n->items = arena_grow_array(arena, n->items, n->count, sizeof *n->items);
    if (!n->items)
        return false;
    n->items[n->count++] = buffer_slice(&quoted);
    return !quoted.failed;
}

static bool add_needs_of(struct needles *n, struct arena *arena, const struct rule *rule)
{
    const struct slice *texts;
    size_t count;
    if (!rule->when || !condition_needs_text(rule->when, arena, &texts, &count))
        return false;
    for (size_t i = 0; i < count; i++)
        if (!add(n, arena, texts[i]))
            return false;
    return true;
}

static int by_bytes(const void *a, const void *b)
{
    return slice_compare(*(const struct slice *)a, *(const struct slice *)b);
}

static void sort_and_thin_out(struct needles *n)
{
    size_t kept = 0;
    if (n->count)
        qsort(n->items, n->count, sizeof *n->items, by_bytes);
    for (size_t i = 0; i < n->count; i++)
        if (kept == 0 || !slice_equal(n->items[kept - 1], n->items[i]))
            n->items[kept++] = n->items[i];
    n->count = kept;
}

static unsigned pair_of(const char *at)
{
    return (unsigned char)at[0] | (unsigned)(unsigned char)at[1] << 8;
}

static void set_pair(struct prefilter *p, unsigned pair)
{
    p->pairs[pair / 64] |= UINT64_C(1) << (pair % 64);
}

static void describe(struct prefilter *p, struct slice needle)
{
    if (needle.len >= 2)
        set_pair(p, pair_of(needle.text));
    for (unsigned second = 0; needle.len == 1 && second < 256; second++) /* the empty text */
        set_pair(p, '"' | second << 8);
    for (size_t i = 0; i + 1 < needle.len; i++) { /* without the quote */
        char c = needle.text[i];
        p->beyond_ascii |= (signed char)c < 0;
        p->slash |= c == '/';
        p->escaped |= c == '\\' || (c >= 0 && c < 0x20);
    }
}

/* How seldom a byte stands in JSON logs: by its place among these, the most common first. */
static size_t rarity_of(char c)
{
    static const char common[] = "\"e0t:a,o1i2n3 s4r5l6d7c8u9mp-hgfy_bwvk{}./TZjxqz";
    const char *at = memchr(common, c, sizeof common - 1);
    return at ? (size_t)(at - common) : sizeof common;
}

/* The two rarest bytes of a needle: where neither stands, no needle does. */
static struct probe probe_of(struct slice needle)
{
    struct probe probe = {0, needle.len - 1};
    for (size_t i = 0; i < needle.len; i++) {
        if (rarity_of(needle.text[i]) > rarity_of(needle.text[probe.first])) {
            probe.second = probe.first;
            probe.first = i;
        } else if (i != probe.first && rarity_of(needle.text[i]) > rarity_of(needle.text[probe.second])) {
            probe.second = i;
        }
    }
    return probe;
}

struct prefilter prefilter_of(const struct config *config, size_t input, struct arena *arena)
{
    struct needles needles = {.count = 0};
    const struct input *of = &config->inputs[input];
    if (of->validate_all || of->parser != PARSER_JSON)
        return (struct prefilter){0};
    for (size_t i = 0; i < config->rules.count; i++) {
        const struct rule *rule = &config->rules.items[i];
        if (!rule_applies_to(rule, input))
            continue;
        if (!add_needs_of(&needles, arena, rule))
            return (struct prefilter){0};
    }
    sort_and_thin_out(&needles);
    struct prefilter p = {.needles = needles.items, .count = needles.count};
    p.pairs = arena_calloc(arena, 65536 / 64, sizeof *p.pairs);
    if (!p.pairs)
        return (struct prefilter){0};
    for (size_t i = 0; i < p.count; i++)
        describe(&p, p.needles[i]);
    for (size_t i = 0; i < p.count && i < NEEDLES_FEW; i++)
        p.probes[i] = probe_of(p.needles[i]);
    return p;
}

/* ---- One line ---------------------------------------------------------------------------------------------------- */

/* Whether the escape whose backslash stands there may be a character of a needle. */
static bool escape_may_matter(const struct prefilter *p, const char *at, const char *end)
{
    if (p->escaped)
        return true;
    if (end - at >= 2 && at[1] == '/')
        return p->slash;
    int32_t unit = json_unicode_escape(at, end); /* none: a fault, rather than a character */
    return unit >= 0 && (p->beyond_ascii || unit < 0x80);
}

/* The first backslash before `stop` that may matter; a place not before `stop` where none does. `at` is no character
 * that is escaped itself, and nor is what is returned. */
static const char *find_escape(const struct prefilter *p, const char *at, const char *stop, const char *end)
{
    while (at < stop) {
        const char *escape = memchr(at, '\\', (size_t)(stop - at));
        if (!escape)
            return stop;
        if (escape_may_matter(p, escape, end))
            return escape;
        at = escape + 2;
    }
    return at;
}

/* Whether a needle stands at the beginning of the text. No needle begins with another one: each has a quote at its end
 * only. So it could only be the last one of those that do not come behind the text in the order. */
static bool begins_with_needle(const struct prefilter *p, struct slice text)
{
    size_t low = 0, high = p->count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (slice_compare(p->needles[middle], text) <= 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low > 0 && slice_starts_with(text, p->needles[low - 1]);
}

static bool has_braces(const char *at, const char *end)
{
    return end - at >= 2 && *at == '{' && end[-1] == '}';
}

bool prefilter_may_match(const struct prefilter *p, struct slice line)
{
    const char *at = line.text, *end = at + line.len;
    if (p->count == 0 || !has_braces(at, end))
        return true;
    while ((at = memchr(at, '"', (size_t)(end - at)))) {
        at++; /* not the end: that is a brace */
        if (begins_with_needle(p, slice_of(at, (size_t)(end - at))))
            return true;
    }
    return find_escape(p, line.text, end, end) < end;
}

/* ---- Many lines at a time --------------------------------------------------------------------------------------- */

static const char *find_text(struct slice text, struct probe probe, const char *at, const char *end)
{
    const char *last_start = end - text.len;
#ifdef __SSE2__
    /* Sixteen places at a time are looked at for the two rarest bytes. */
    const __m128i first = _mm_set1_epi8(text.text[probe.first]), second = _mm_set1_epi8(text.text[probe.second]);
    for (; last_start - at >= 15; at += 16) {
        __m128i firsts = _mm_cmpeq_epi8(_mm_loadu_si128((const void *)(at + probe.first)), first);
        __m128i seconds = _mm_cmpeq_epi8(_mm_loadu_si128((const void *)(at + probe.second)), second);
        unsigned mask = (unsigned)_mm_movemask_epi8(_mm_and_si128(firsts, seconds));
        for (; mask; mask &= mask - 1) {
            const char *place = at + __builtin_ctz(mask);
            if (memcmp(place, text.text, text.len) == 0)
                return place;
        }
    }
#else
    (void)probe;
#endif
    const char *found = at <= last_start ? memmem(at, (size_t)(end - at), text.text, text.len) : NULL;
    return found ? found : end;
}

static bool needle_at(const struct prefilter *p, const char *at, const char *end)
{
    if (end - at >= 2 && !(p->pairs[pair_of(at) / 64] >> (pair_of(at) % 64) & 1))
        return false;
    return begins_with_needle(p, slice_of(at, (size_t)(end - at)));
}

/* Any needle, behind a quote. */
static const char *find_any(const struct prefilter *p, const char *at, const char *end)
{
#ifdef __SSE2__
    const __m128i quote = _mm_set1_epi8('"');
    for (; end - at >= 16; at += 16) {
        unsigned mask = (unsigned)_mm_movemask_epi8(_mm_cmpeq_epi8(_mm_loadu_si128((const void *)at), quote));
        for (; mask; mask &= mask - 1) {
            const char *behind = at + __builtin_ctz(mask) + 1;
            if (needle_at(p, behind, end))
                return behind;
        }
    }
#endif
    while (at < end && (at = memchr(at, '"', (size_t)(end - at))))
        if (needle_at(p, ++at, end))
            return at;
    return end;
}

void prefilter_scan_begin(struct prefilter_scan *scan, const struct prefilter *p, struct slice bytes)
{
    scan->of = p;
    scan->asked = scan->escape = bytes.text;
    scan->end = bytes.text + bytes.len;
    scan->escape_found = false;
    for (size_t i = 0; i < NEEDLES_FEW; i++)
        scan->needles[i] = NULL;
}

/* The first needle from `at` on. */
static const char *next_needle(struct prefilter_scan *scan, const char *at)
{
    const struct prefilter *p = scan->of;
    const char *next = scan->end;
    size_t searches = p->count <= NEEDLES_FEW ? p->count : 1;
    for (size_t i = 0; i < searches; i++) {
        if (!scan->needles[i] || scan->needles[i] < at)
            scan->needles[i] = searches == p->count ? find_text(p->needles[i], p->probes[i], at, scan->end)
                                                    : find_any(p, at, scan->end);
        if (scan->needles[i] < next)
            next = scan->needles[i];
    }
    return next;
}

/* The first place from `at` on that has to be looked at. Escapes are looked for as far as the next needle only. */
static const char *next_place(struct prefilter_scan *scan, const char *at)
{
    const char *needle = next_needle(scan, at);
    scan->asked = at;
    if (scan->escape < at) {
        scan->escape = at;
        scan->escape_found = false;
    }
    if (!scan->escape_found && scan->escape < needle) {
        scan->escape = find_escape(scan->of, scan->escape, needle, scan->end);
        scan->escape_found = scan->escape < needle;
    }
    return scan->escape < needle ? scan->escape : needle;
}

bool prefilter_scan_may_match(struct prefilter_scan *scan, struct slice line)
{
    const char *end = line.text + line.len;
    if ((uintptr_t)line.text < (uintptr_t)scan->asked || (uintptr_t)line.text >= (uintptr_t)scan->end)
        return prefilter_may_match(scan->of, line); /* it was joined or decoded, or comes late */
    return scan->of->count == 0 || !has_braces(line.text, end) || next_place(scan, line.text) < end;
}

size_t prefilter_skip(struct prefilter_scan *scan, struct slice rest, size_t max_line, size_t *ret_lines)
{
    *ret_lines = 0;
    if (scan->of->count == 0 || rest.len == 0)
        return 0;
    const char *at = rest.text, *stop = next_place(scan, at), *newline;
    while ((newline = memchr(at, '\n', (size_t)(stop - at)))) {
        const char *end = newline > at && newline[-1] == '\r' ? newline - 1 : newline;
        if (!has_braces(at, end) || (size_t)(end - at) > max_line)
            break;
        at = newline + 1;
        ++*ret_lines;
    }
    return (size_t)(at - rest.text);
}
