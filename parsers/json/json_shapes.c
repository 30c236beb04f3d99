/* The happy path: find_shape() goes down the tree along the text, a node and a value at a time, and notes where each
 * gap between two values begins; fill_in() tells from that where the members stand.
 *
 * What can go wrong: the text goes another way, a value is no scalar, is damaged or has to be mended. Then nothing of
 * this counts; the plain reader says what the text is. */
#include "json/json_shapes.h"

#include "json/json_check.h"

#include <stdlib.h>

enum {
    GAP_HEAD = 16,    /* bytes that are compared at once */
    CREDIT_MOST = 64, /* a text of a known shape gives one, another one costs COST_OF_MISS */
    SPREADS = 32,     /* that are tried for the names of a shape */
    COST_OF_MISS = 2, /* it is walked in vain, then learnt */
    REST_FOR = 512    /* texts, without credit */
};

_Static_assert(LIMIT_JSON_SHAPE_TEXT <= UINT16_MAX && LIMIT_JSON_SHAPE_SCALARS <= UINT16_MAX, "an anchor's numbers");

/* Where something stands: in which gap, how far from its beginning. */
struct anchor {
    uint16_t gap, at;
};

struct shape {
    uint32_t tokens;
    bool escapes; /* in names */
    bool escaped_names;
    struct json_names names;
    uint32_t entry_count;
    struct shape_entry {
        struct anchor name, value, value_end;
        uint32_t name_len, sign;
    } entries[];
};

struct shape_node {
    struct shape_node *next, *children;
    const struct shape *shape; /* the gap is the last one: of such a text. Else a value comes behind it */
    const char *gap;           /* ... which has as many bytes */
    uint32_t len;
    unsigned head_mask; /* a bit for each of its first ones */
    char head[GAP_HEAD];
};

struct json_shapes {
    struct arena arena; /* the tree */
    struct shape_node *first;
    bool full;
    unsigned credit, rest;
    struct json_scalars scalars;                 /* of a text whose shape is to be added */
    uint32_t gaps[LIMIT_JSON_SHAPE_SCALARS + 1]; /* where they begin */
};

struct json_shapes *json_shapes_new(void)
{
    struct json_shapes *s = calloc(1, sizeof *s);
    if (!s)
        return NULL;
    arena_init(&s->arena, LIMIT_JSON_SHAPES);
    s->credit = CREDIT_MOST;
    if (!arena_alloc(&s->arena, LIMIT_JSON_SHAPES)) { /* it is all of one block, and later there is nothing to fail */
        json_shapes_free(s);
        return NULL;
    }
    arena_reset(&s->arena);
    return s;
}

void json_shapes_free(struct json_shapes *s)
{
    if (!s)
        return;
    arena_release(&s->arena);
    free(s);
}

/* ---- Along a text ----------------------------------------------------------------------------------------------- */

static inline bool begins_with_gap(const struct shape_node *node, const char *at, size_t left)
{
    if (left < node->len)
        return false;
#ifdef __SSE2__
    if (left >= GAP_HEAD) {
        __m128i equal = _mm_cmpeq_epi8(_mm_loadu_si128((const void *)at), _mm_loadu_si128((const void *)node->head));
        if (~(unsigned)_mm_movemask_epi8(equal) & node->head_mask)
            return false;
        return node->len <= GAP_HEAD || memcmp(at + GAP_HEAD, node->gap + GAP_HEAD, node->len - GAP_HEAD) == 0;
    }
#endif
    return memcmp(at, node->gap, node->len) == 0;
}

static inline bool is_scalar_start(char c)
{
    return json_type_of_text(c) < JSON_ARRAY && (c == 'n' || json_type_of_text(c) != JSON_NULL);
}

/* A gap goes as far as the next value or the end: of two of which one begins with the other, one fits only. The one
 * that was found is looked at first the next time. */
static inline struct shape_node *find_node(struct shape_node **siblings, const char *at, const char *end)
{
    for (struct shape_node **link = siblings, *node; (node = *link); link = &node->next) {
        const char *behind = at + node->len;
        if (!begins_with_gap(node, at, (size_t)(end - at)) ||
            !(node->shape ? behind == end : behind < end && is_scalar_start(*behind)))
            continue;
        if (link != siblings) {
            *link = node->next;
            node->next = *siblings;
            *siblings = node;
        }
        return node;
    }
    return NULL;
}

static const struct shape *find_shape(struct json_shapes *s, struct json_check *c)
{
    struct shape_node **siblings = &s->first;
    const char *text = c->doc->text.text, *at = text;
    for (uint32_t *gap = s->gaps;; gap++) {
        struct shape_node *node = find_node(siblings, at, c->end);
        if (!node)
            return NULL;
        *gap = (uint32_t)(at - text);
        if (node->shape)
            return node->shape;
        at = json_check_scalar(c, at + node->len);
        if (!at || c->mend)
            return NULL;
        siblings = &node->children;
    }
}

static inline uint32_t place_of(const struct json_shapes *s, struct anchor anchor)
{
    return s->gaps[anchor.gap] + anchor.at;
}

static void fill_in(const struct json_shapes *s, const struct shape *shape, struct json_doc *doc)
{
    for (uint32_t i = 0; i < shape->entry_count; i++) {
        const struct shape_entry *from = &shape->entries[i];
        doc->entries[i] = (struct json_entry){.name = place_of(s, from->name),
                                              .name_len = from->name_len,
                                              .value = place_of(s, from->value),
                                              .value_end = place_of(s, from->value_end),
                                              .sign = from->sign};
    }
    doc->entry_count = shape->entry_count;
    doc->names = shape->names;
    doc->escaped_names = shape->escaped_names;
    doc->count = shape->tokens;
    doc->is_listed = doc->is_read = true;
}

/* NULL where it is not of a known shape, or memory lacks. */
static struct json_doc *read_by_shape(struct json_shapes *s, struct arena *arena, struct slice text)
{
    struct arena_mark mark = arena_mark(arena);
    struct json_doc *doc = json_doc_of_part(arena, text, NULL);
    if (!doc)
        return NULL;
    doc->long_count = 0;
    struct json_check check;
    check.end = text.text + text.len;
    check.escapes = 0;
    check.mend = false;
    check.doc = doc;
    const struct shape *shape = find_shape(s, &check);
    doc->entries = shape ? arena_alloc(arena, shape->entry_count * sizeof *doc->entries) : NULL;
    if (!doc->entries) {
        arena_rewind(arena, mark);
        return NULL;
    }
    doc->escapes = shape->escapes || check.escapes > 0;
    fill_in(s, shape, doc);
    return doc;
}

/* ---- Learning ---------------------------------------------------------------------------------------------------- */

static bool is_gap(const struct shape_node *node, struct slice gap, bool last)
{
    return (node->shape != NULL) == last && slice_equal(slice_of(node->gap, node->len), gap);
}

/* The node of that gap; added where there is none. NULL: there is no room. */
static struct shape_node *get_node(struct json_shapes *s, struct shape_node **siblings, struct slice gap,
                                   const struct shape *shape)
{
    unsigned count = 0;
    for (struct shape_node *node = *siblings; node; node = node->next, count++)
        if (is_gap(node, gap, shape != NULL))
            return node;
    struct shape_node *node = count < LIMIT_JSON_SHAPE_WAYS ? arena_calloc(&s->arena, 1, sizeof *node) : NULL;
    char *text = node ? arena_alloc(&s->arena, gap.len + GAP_HEAD) : NULL;
    if (!text)
        return NULL;
    memcpy(text, gap.text, gap.len);
    memset(text + gap.len, 0, GAP_HEAD);
    *node = (struct shape_node){.next = *siblings,
                                .shape = shape,
                                .gap = text,
                                .len = (uint32_t)gap.len,
                                .head_mask = gap.len < GAP_HEAD ? (1U << gap.len) - 1 : 0xffff};
    memcpy(node->head, text, GAP_HEAD);
    *siblings = node;
    return node;
}

static struct anchor anchor_of(const struct json_shapes *s, uint32_t offset)
{
    size_t gap = 0;
    while (gap < s->scalars.count && s->gaps[gap + 1] <= offset)
        gap++;
    return (struct anchor){(uint16_t)gap, (uint16_t)(offset - s->gaps[gap])};
}

/* Spread so that few slots are crowded, of which the names of one sign always are. */
static struct json_names names_of(const struct json_doc *doc)
{
    struct json_names best = doc->names;
    for (uint32_t i = 1; i <= SPREADS && best.crowded; i++) {
        struct json_names names = {.spread = JSON_SPREAD * (2 * i + 1)};
        for (uint32_t k = 0; k < doc->entry_count; k++)
            json_names_add(&names, doc->entries[k].sign, k);
        if (__builtin_popcountll(names.crowded) < __builtin_popcountll(best.crowded))
            best = names;
    }
    return best;
}

static struct shape *shape_of(struct json_shapes *s, const struct json_doc *doc, bool escapes)
{
    struct shape *shape = arena_alloc(&s->arena, sizeof *shape + doc->entry_count * sizeof *shape->entries);
    if (!shape)
        return NULL;
    *shape = (struct shape){.tokens = doc->count,
                            .escapes = escapes,
                            .escaped_names = doc->escaped_names,
                            .names = names_of(doc),
                            .entry_count = doc->entry_count};
    for (uint32_t i = 0; i < doc->entry_count; i++) {
        const struct json_entry *from = &doc->entries[i];
        shape->entries[i] = (struct shape_entry){.name = anchor_of(s, from->name),
                                                 .value = anchor_of(s, from->value),
                                                 .value_end = anchor_of(s, from->value_end),
                                                 .name_len = from->name_len,
                                                 .sign = from->sign};
    }
    return shape;
}

static struct slice gap_before(const struct json_shapes *s, const struct json_doc *doc, size_t scalar)
{
    size_t end = scalar < s->scalars.count ? s->scalars.places[scalar].start : doc->text.len;
    return slice_of(doc->text.text + s->gaps[scalar], end - s->gaps[scalar]);
}

/* The gaps' places, and whether they may be remembered; *ret_escapes: there is a backslash in one. */
static bool note_gaps(struct json_shapes *s, const struct json_doc *doc, bool *ret_escapes)
{
    size_t bytes = 0;
    *ret_escapes = false;
    s->gaps[0] = 0;
    for (size_t i = 0; i < s->scalars.count; i++)
        s->gaps[i + 1] = s->scalars.places[i].end;
    for (size_t i = 0; i <= s->scalars.count; i++) {
        struct slice gap = gap_before(s, doc, i);
        bytes += gap.len;
        *ret_escapes = *ret_escapes || (gap.len && memchr(gap.text, '\\', gap.len));
    }
    return bytes <= LIMIT_JSON_SHAPE_TEXT;
}

static void learn(struct json_shapes *s, const struct json_doc *doc)
{
    bool escapes;
    if (s->full || !doc->entries || doc->entry_count == 0 || s->scalars.count > LIMIT_JSON_SHAPE_SCALARS ||
        !note_gaps(s, doc, &escapes))
        return;
    struct shape *shape = shape_of(s, doc, escapes);
    struct shape_node **siblings = &s->first, *node = NULL;
    for (size_t i = 0; shape && i <= s->scalars.count; i++) {
        node = get_node(s, siblings, gap_before(s, doc, i), i == s->scalars.count ? shape : NULL);
        if (!node)
            break;
        siblings = &node->children;
    }
    s->full = s->arena.failed;
}

static void forget(struct json_shapes *s)
{
    arena_reset(&s->arena);
    s->first = NULL;
    s->full = false;
}

static void count_miss(struct json_shapes *s)
{
    s->credit -= s->credit < COST_OF_MISS ? s->credit : COST_OF_MISS;
    if (s->credit > 0)
        return;
    s->rest = REST_FOR;
    s->credit = CREDIT_MOST;
    forget(s);
}

enum json_fault json_shapes_read(struct json_shapes *s, struct arena *arena, struct slice text, enum json_want want,
                                 struct json_doc **ret_doc)
{
    if (s->rest > 0) {
        s->rest--;
        return json_doc_read(arena, text, want, ret_doc);
    }
    struct json_doc *doc = text.len > 0 && text.len <= LIMIT_JSON_TEXT ? read_by_shape(s, arena, text) : NULL;
    if (doc) {
        s->credit += s->credit < CREDIT_MOST;
        *ret_doc = doc;
        return JSON_OK;
    }
    count_miss(s);
    s->scalars.count = 0;
    enum json_fault fault = json_doc_read_noting(arena, text, want, &s->scalars, ret_doc);
    if (fault == JSON_OK)
        learn(s, *ret_doc);
    return fault;
}
