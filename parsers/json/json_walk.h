/* Pure: no I/O, no clock, no logging, no uv. */
#ifndef RAINGAUGE_JSON_WALK_H
#define RAINGAUGE_JSON_WALK_H

#include "json/json_scan.h"

/* Walking through a text that was checked before, without tokens of it: what is not wanted is stepped over.
 *
 *     struct json_walk walk = json_walk_of(container, NULL);
 *     while (json_walk_next(&walk)) ... walk.name (of a member), walk.value
 *
 * or, where parts are gone into, so that they need not be stepped over before:
 *
 *     while (json_walk_step(&walk)) {
 *         struct json_walk inner = json_walk_into(&walk);
 *         while (json_walk_step(&inner)) ... json_walk_take(&inner) ...
 *         json_walk_out(&walk, &inner); // walk.value
 *     }
 *
 * Nothing here looks whether the text is JSON. A walk reads each byte of the container at most once, but what stands in
 * its parts not at all closely; walking again and again is the caller's to bound. */

/* Where the large arrays and objects of a text stand (json_index_of()), so that they are stepped over at once. For a
 * text whose parts are stepped over on each level anew. */
struct json_index {
    const char *text;
    uint32_t count;
    struct json_extent { /* in the order they begin */
        uint32_t start, end;
    } extents[];
};

/* Of a checked text, an array or object from bracket to bracket. NULL on lack of memory, or where there are too many:
 * it is only of use. */
const struct json_index *json_index_of(struct arena *arena, struct slice text);

struct json_walk {
    struct slice name;  /* a member's: without the quotes */
    struct slice value; /* its JSON text, a string's quotes included */
    bool escaped;       /* the name has a backslash in it */
    bool object;
    const char *at;          /* after a step: where the value begins */
    const char *begin, *end; /* private */
    const struct json_index *index;
};

/* As json_blank_end(), where more text is sure to come. */
static inline const char *json_past_blanks(const char *at)
{
    while ((unsigned char)*at <= ' ')
        at++;
    return at;
}

/* The closing quote of the string whose content `at` is in. */
static inline const char *json_quote_of(const char *at, const char *end, bool *ret_escaped)
{
    *ret_escaped = false;
    for (;;) {
#ifdef __SSE2__
        const __m128i quote = _mm_set1_epi8('"'), backslash = _mm_set1_epi8('\\');
        unsigned mask = 0;
        for (; end - at >= 16; at += 16) {
            __m128i bytes = _mm_loadu_si128((const void *)at);
            mask = (unsigned)_mm_movemask_epi8(
                _mm_or_si128(_mm_cmpeq_epi8(bytes, quote), _mm_cmpeq_epi8(bytes, backslash)));
            if (mask)
                break;
        }
        if (mask)
            at += __builtin_ctz(mask);
        else
#endif
            while (*at != '"' && *at != '\\')
                at++;
        if (*at == '"')
            return at;
        *ret_escaped = true;
        at += 2;
    }
}

/* Behind the array or object that begins at `at`. An index of a text around it may be NULL. */
const char *json_container_end(const char *at, const char *end, const struct json_index *index);

/* Behind the value that begins at `at`. */
static inline const char *json_value_end(const char *at, const char *end, const struct json_index *index)
{
    bool escaped;
    if (*at == '"')
        return json_quote_of(at + 1, end, &escaped) + 1;
    if (*at == '{' || *at == '[')
        return json_container_end(at, end, index);
    while (at < end && *at != ',' && *at != '}' && *at != ']' && !json_is_blank(*at))
        at++;
    return at;
}

/* `container`: an array's or object's text, from bracket to bracket; what comes behind it may be there too. */
static inline struct json_walk json_walk_of(struct slice container, const struct json_index *index)
{
    return (struct json_walk){.object = *container.text == '{',
                              .index = index,
                              .at = container.text + 1,
                              .begin = container.text,
                              .end = container.text + container.len};
}

/* To the next element or member; false behind the last one. Its value must be taken, or gone into and out of. */
static inline bool json_walk_step(struct json_walk *walk)
{
    const char *at = json_past_blanks(walk->at);
    if (*at == ',')
        at = json_past_blanks(at + 1);
    walk->at = at;
    if (*at == ']' || *at == '}')
        return false;
    if (walk->object) {
        const char *quote = json_quote_of(at + 1, walk->end, &walk->escaped);
        walk->name = slice_of(at + 1, (size_t)(quote - at - 1));
        at = json_past_blanks(quote + 1); /* the colon */
        walk->at = json_past_blanks(at + 1);
    }
    return true;
}

static inline void json_walk_take(struct json_walk *walk)
{
    const char *at = walk->at;
    walk->at = json_value_end(at, walk->end, walk->index);
    walk->value = slice_of(at, (size_t)(walk->at - at));
}

/* `walk` stands on an array or object: into it; and out, when there is no step left in it. */
static inline struct json_walk json_walk_into(const struct json_walk *walk)
{
    return json_walk_of(slice_of(walk->at, (size_t)(walk->end - walk->at)), walk->index);
}

static inline void json_walk_out(struct json_walk *walk, const struct json_walk *inner)
{
    walk->at = inner->at + 1;
    walk->value = slice_of(inner->begin, (size_t)(walk->at - inner->begin));
}

static inline bool json_walk_next(struct json_walk *walk)
{
    if (!json_walk_step(walk))
        return false;
    json_walk_take(walk);
    return true;
}

/* Whether the member the walk stands on is of that plain name. */
static inline bool json_walk_is_named(const struct json_walk *walk, struct slice plain)
{
    if (walk->escaped)
        return json_content_is(walk->name, plain);
    return walk->name.len == plain.len &&
           (plain.len == 0 || (*walk->name.text == *plain.text && memcmp(walk->name.text, plain.text, plain.len) == 0));
}

/* The last member of that name, of a walk that has not begun; false where there is none. */
bool json_find_member(struct json_walk object, struct slice name, struct slice *ret_value);

/* The element at that index, negative from the end; false where there is none. */
bool json_find_element(struct json_walk array, int64_t index, struct slice *ret_value);

#endif
