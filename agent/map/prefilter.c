#include "map/prefilter.h"

#include "text/utf8.h"

#ifdef __SSE2__
#include <emmintrin.h>
#endif

struct needles {
    struct slice items[NEEDLES_MOST];
    size_t count;
};

static bool add(struct needles *n, struct arena *arena, struct slice text)
{
    struct buffer quoted;
    if (memmem(text.text, text.len, UTF8_REPLACEMENT, UTF8_REPLACEMENT_LEN))
        return false; /* it may stand in the line as bytes that are no UTF-8 */
    buffer_init_in(&quoted, arena);
    buffer_add(&quoted, text);
    buffer_add_char(&quoted, '"');
    for (size_t i = 0; i < n->count; i++)
        if (slice_equal(n->items[i], buffer_slice(&quoted)))
            return true;
    if (n->count == NEEDLES_MOST || quoted.failed)
        return false;
    n->items[n->count++] = buffer_slice(&quoted);
    return true;
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

static void describe(struct prefilter *p, struct slice needle)
{
    p->begins[(unsigned char)needle.text[0]] = true;
    for (size_t i = 0; i + 1 < needle.len; i++) { /* without the quote */
        char c = needle.text[i];
        p->beyond_ascii |= (signed char)c < 0;
        p->slash |= c == '/';
        p->escaped |= c == '"' || c == '\\' || (c >= 0 && c < 0x20);
    }
}

struct prefilter prefilter_of(const struct config *config, size_t input, struct arena *arena)
{
    struct needles needles = {.count = 0};
    const struct input *of = &config->inputs[input];
    if (of->validate_all || of->parser != PARSER_JSON)
        return (struct prefilter){0};
    for (size_t i = 0; i < config->rules.count; i++) {
        const struct rule *rule = &config->rules.items[i];
        if (rule->applies_to_input && !rule->applies_to_input[input])
            continue;
        if (!add_needs_of(&needles, arena, rule))
            return (struct prefilter){0};
    }
    struct slice kept = arena_copy(arena, slice_of((const char *)needles.items, sizeof needles.items));
    struct prefilter p = {.needles = (const struct slice *)(const void *)kept.text};
    p.count = p.needles ? needles.count : 0;
    for (size_t i = 0; i < p.count; i++)
        describe(&p, p.needles[i]);
    return p;
}

static bool is_hex(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

/* Whether the escape whose backslash stands there may be a character of a needle. */
static bool escape_may_matter(const struct prefilter *p, const char *at, const char *end)
{
    ptrdiff_t len = end - at;
    if (p->escaped)
        return true;
    if (len >= 2 && at[1] == '/')
        return p->slash;
    if (len < 6 || at[1] != 'u' || !is_hex(at[2]) || !is_hex(at[3]) || !is_hex(at[4]) || !is_hex(at[5]))
        return false; /* a fault, rather than a character */
    return p->beyond_ascii || (at[2] == '0' && at[3] == '0' && at[4] < '8');
}

/* The next backslash that may matter, or `end`. `at` is no character that is escaped itself. */
static const char *find_escape(const struct prefilter *p, const char *at, const char *end)
{
    while (at < end && (at = memchr(at, '\\', (size_t)(end - at)))) {
        if (escape_may_matter(p, at, end))
            return at;
        at += 2;
    }
    return end;
}

static bool begins_with_needle(const struct prefilter *p, struct slice rest)
{
    for (size_t i = 0; i < p->count; i++)
        if (slice_starts_with(rest, p->needles[i]))
            return true;
    return false;
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
        if (p->begins[(unsigned char)*at] && begins_with_needle(p, slice_of(at, (size_t)(end - at))))
            return true;
    }
    return find_escape(p, line.text, end) < end;
}

/* ---- Many lines at a time --------------------------------------------------------------------------------------- */

static const char *find_text(struct slice text, const char *at, const char *end)
{
    const char *last_start = end - text.len;
#ifdef __SSE2__
    /* Sixteen places at a time are looked at for the first and the last byte. */
    const __m128i first = _mm_set1_epi8(text.text[0]), last = _mm_set1_epi8(text.text[text.len - 1]);
    for (; last_start - at >= 15; at += 16) {
        __m128i starts = _mm_cmpeq_epi8(_mm_loadu_si128((const void *)at), first);
        __m128i ends = _mm_cmpeq_epi8(_mm_loadu_si128((const void *)(at + text.len - 1)), last);
        unsigned mask = (unsigned)_mm_movemask_epi8(_mm_and_si128(starts, ends));
        for (; mask; mask &= mask - 1) {
            const char *place = at + __builtin_ctz(mask);
            if (memcmp(place, text.text, text.len) == 0)
                return place;
        }
    }
#endif
    const char *found = at <= last_start ? memmem(at, (size_t)(end - at), text.text, text.len) : NULL;
    return found ? found : end;
}

void prefilter_scan_begin(struct prefilter_scan *scan, const struct prefilter *p, struct slice bytes)
{
    scan->of = p;
    scan->end = bytes.text + bytes.len;
    scan->escape = NULL;
    for (size_t i = 0; i < p->count; i++)
        scan->needles[i] = NULL;
}

/* The first place from `at` on that has to be looked at. */
static const char *next_place(struct prefilter_scan *scan, const char *at)
{
    const struct prefilter *p = scan->of;
    if (!scan->escape || scan->escape < at)
        scan->escape = find_escape(p, at, scan->end);
    const char *next = scan->escape;
    for (size_t i = 0; i < p->count; i++) {
        if (!scan->needles[i] || scan->needles[i] < at)
            scan->needles[i] = find_text(p->needles[i], at, scan->end);
        if (scan->needles[i] < next)
            next = scan->needles[i];
    }
    return next;
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
