#include "json/value.h"

#include "json/json_check.h"
#include "json/json_number.h"
#include "json/json_scan.h"
#include "json/json_writer.h"

#include <stdio.h>
#include <stdlib.h>

_Static_assert((int)VALUE_NULL == JSON_NULL + 1 && (int)VALUE_OBJECT == JSON_OBJECT + 1, "in the same order");

static enum value_type type_of(enum json_type type)
{
    return (enum value_type)(type + 1);
}

struct value value_of_token(const struct json_doc *doc, uint32_t token)
{
    return (struct value){.type = type_of(doc->tokens[token].type),
                          .token = token,
                          .text = json_token_text(doc, token),
                          .doc = doc->tokens[token].type >= JSON_ARRAY ? (struct json_doc *)(uintptr_t)doc : NULL};
}

struct value value_of_doc(struct json_doc *doc)
{
    struct value v = value_of_json(doc->text);
    if (value_is_container(&v))
        v.doc = doc;
    return v;
}

static inline struct value part_of(struct json_doc *doc, struct slice json_text)
{
    struct value v = {.type = type_of(json_type_of_text(*json_text.text)), .token = VALUE_PART, .text = json_text};
    if (v.type == VALUE_STRING)
        v.text = slice_of(json_text.text + 1, json_text.len - 2);
    if (value_is_container(&v))
        v.doc = doc;
    return v;
}

struct value value_of_part(struct json_doc *doc, struct slice json_text)
{
    return part_of(doc, json_text);
}

struct value value_of_bool(bool b)
{
    return b ? (struct value){.type = VALUE_TRUE, .text = SLICE("true")}
             : (struct value){.type = VALUE_FALSE, .text = SLICE("false")};
}

struct value value_of_null(void)
{
    return (struct value){.type = VALUE_NULL, .text = SLICE("null")};
}

struct value value_of_plain(struct slice utf8)
{
    return (struct value){.type = VALUE_STRING, .plain = true, .text = utf8};
}

struct value value_of_number(struct slice json_text)
{
    return (struct value){.type = VALUE_NUMBER, .text = json_text};
}

struct value value_of_int(struct arena *arena, int64_t n)
{
    char text[24];
    int len = snprintf(text, sizeof text, "%lld", (long long)n);
    struct slice kept = arena_copy(arena, slice_of(text, (size_t)len));
    return kept.text ? value_of_number(kept) : VALUE_NONE;
}

struct value value_of_double(struct arena *arena, double d)
{
    char text[32];
    size_t len = json_number_from_double(d, text);
    if (len == 0)
        return VALUE_NONE;
    struct slice kept = arena_copy(arena, slice_of(text, len));
    return kept.text ? value_of_number(kept) : VALUE_NONE;
}

struct value value_of_json(struct slice json_text)
{
    const char *end = json_text.text + json_text.len, *at = json_blank_end(json_text.text, end);
    while (json_is_blank(end[-1]))
        end--;
    enum value_type type = type_of(json_type_of_text(*at));
    if (type == VALUE_STRING) {
        at++;
        end--;
    }
    return (struct value){.type = type, .text = slice_of(at, (size_t)(end - at))};
}

/* A small part of a large document becomes one of its own, unless that was done again and again. */
static bool is_for_itself(struct arena *arena, const struct value *v)
{
    return !v->doc->tokens && v->text.len < v->doc->text.len / 2 && json_doc_walk(arena, v->doc, 16 * v->text.len);
}

static bool part_for_itself(struct arena *arena, struct value *v)
{
    struct json_doc *doc = json_doc_of_part(arena, v->text, v->doc->index);
    if (!doc)
        return false;
    v->doc = doc;
    v->token = 0;
    return true;
}

bool value_tokenise(struct arena *arena, struct value *v)
{
    if (!value_is_container(v))
        return true;
    if (!value_know(arena, v))
        return false;
    if (v->token == VALUE_PART && is_for_itself(arena, v) && !part_for_itself(arena, v))
        return false;
    if (!json_doc_tokenise(arena, v->doc))
        return false;
    if (v->token == VALUE_PART)
        v->token = json_doc_token_at(v->doc, v->text.text);
    return true;
}

bool value_know(struct arena *arena, struct value *v)
{
    if (v->doc || !value_is_container(v))
        return true;
    struct json_doc *doc = json_doc_of_made(arena, v->text);
    if (!doc)
        return false;
    v->doc = doc;
    v->token = 0;
    return true;
}

bool value_share(struct arena *arena, struct value *v)
{
    if (!value_is_container(v))
        return true;
    if (v->doc && v->token == VALUE_PART && !v->doc->tokens)
        return part_for_itself(arena, v);
    return value_know(arena, v);
}

static inline struct value member_of_entries(struct json_doc *doc, struct slice name)
{
    const struct json_entry *entry = json_find_entry(doc, name);
    return entry ? part_of(doc, slice_of(doc->text.text + entry->value, entry->value_end - entry->value)) : VALUE_NONE;
}

/* Whether what is in it is to be found without tokens, and by more than a look at its members. */
static bool is_walked(struct arena *arena, const struct value *v)
{
    return !v->doc->tokens && json_doc_walk(arena, v->doc, v->text.len);
}

struct value value_member(struct arena *arena, struct value *v, struct slice name)
{
    struct slice found;
    if (v->type != VALUE_OBJECT || !value_know(arena, v))
        return VALUE_NONE;
    if (v->token == 0) {
        if (!v->doc->tokens && !json_doc_list(arena, v->doc))
            return VALUE_NONE;
        if (v->doc->entries)
            return member_of_entries(v->doc, name);
    } else if (is_walked(arena, v)) {
        return json_find_member(json_walk_of(v->text, v->doc->index), name, &found) ? value_of_part(v->doc, found)
                                                                                    : VALUE_NONE;
    }
    if (!value_tokenise(arena, v))
        return VALUE_NONE;
    uint32_t member = json_member(v->doc, v->token, name);
    return member ? value_of_token(v->doc, member) : VALUE_NONE;
}

struct value value_member_of(struct arena *arena, const struct value *v, struct slice name)
{
    if (v->type != VALUE_OBJECT)
        return VALUE_NONE;
    if (v->doc && v->token == 0 && v->doc->is_listed && v->doc->entries)
        return member_of_entries(v->doc, name);
    struct value own = *v;
    return value_member(arena, &own, name);
}

void value_members(struct arena *arena, struct value *v, const struct slice names[], size_t count, struct value ret[])
{
    bool walked =
        v->type == VALUE_OBJECT && value_know(arena, v) && !(v->token == 0 && v->doc->is_listed) && is_walked(arena, v);
    for (size_t i = 0; i < count; i++)
        ret[i] = walked ? VALUE_NONE : value_member(arena, v, names[i]);
    if (!walked)
        return;
    uint64_t lengths = 0; /* a bit for each one that a wanted name has */
    for (size_t i = 0; i < count; i++)
        lengths |= UINT64_C(1) << (names[i].len & 63);
    for (struct json_walk walk = json_walk_of(v->text, v->doc->index); json_walk_next(&walk);)
        for (size_t i = 0; (walk.escaped || lengths >> (walk.name.len & 63) & 1) && i < count; i++)
            if (json_walk_is_named(&walk, names[i]))
                ret[i] = value_of_part(v->doc, walk.value);
}

struct value value_element(struct arena *arena, struct value *v, int64_t index)
{
    struct slice found;
    if (v->type != VALUE_ARRAY || !value_know(arena, v))
        return VALUE_NONE;
    if (is_walked(arena, v))
        return json_find_element(json_walk_of(v->text, v->doc->index), index, &found) ? value_of_part(v->doc, found)
                                                                                      : VALUE_NONE;
    if (!value_tokenise(arena, v))
        return VALUE_NONE;
    uint32_t element = json_element(v->doc, v->token, index);
    return element ? value_of_token(v->doc, element) : VALUE_NONE;
}

/* ---- Text ------------------------------------------------------------------------------------------------------- */

struct slice value_plain(struct arena *arena, const struct value *v)
{
    if (v->type != VALUE_STRING)
        return SLICE("");
    return v->plain ? v->text : json_unescape(arena, v->text);
}

struct slice value_as_text(struct arena *arena, const struct value *v)
{
    if (value_is_null_or_nothing(v))
        return SLICE("");
    return v->type == VALUE_STRING ? value_plain(arena, v) : v->text;
}

void value_write(struct buffer *out, const struct value *v)
{
    if (v->type != VALUE_STRING) {
        buffer_add(out, v->text);
    } else if (v->plain) {
        json_write_string(out, v->text);
    } else {
        buffer_add_char(out, '"');
        buffer_add(out, v->text);
        buffer_add_char(out, '"');
    }
}

void value_write_as_string(struct buffer *out, struct arena *arena, const struct value *v)
{
    if (v->type == VALUE_STRING)
        value_write(out, v); /* its exact text, not one written anew */
    else
        json_write_string(out, value_as_text(arena, v));
}

/* ---- Walking ---------------------------------------------------------------------------------------------------- */

/* False: there is nothing to walk through. */
static bool begin_walk(struct arena *arena, struct value_walk *walk)
{
    struct value *of = &walk->of;
    walk->started = true;
    walk->arena = arena;
    if (!value_is_container(of) || !value_know(arena, of))
        return false;
    walk->by_token = !walk->by_text && !is_walked(arena, of);
    if (walk->by_token)
        return value_tokenise(arena, of);
    walk->text = json_walk_of(of->text, of->doc->index);
    return true;
}

static bool next_token(struct value_walk *walk)
{
    const struct value *of = &walk->of;
    bool object = of->type == VALUE_OBJECT;
    walk->at = walk->at ? json_next_child(of->doc, of->token, walk->at) : json_first_child(of->doc, of->token);
    if (!walk->at)
        return false;
    walk->name = object ? value_of_token(of->doc, walk->at) : VALUE_NONE;
    walk->value = value_of_token(of->doc, walk->at + object);
    return true;
}

bool value_walk_next(struct arena *arena, struct value_walk *walk)
{
    walk->nth++;
    if (!walk->started) {
        walk->nth = 0;
        walk->ended = !begin_walk(arena, walk);
    }
    walk->ended = walk->ended || !(walk->by_token ? next_token(walk) : json_walk_next(&walk->text));
    if (walk->ended)
        return false;
    if (walk->by_token)
        return true;
    walk->name =
        walk->of.type == VALUE_OBJECT ? (struct value){.type = VALUE_STRING, .text = walk->text.name} : VALUE_NONE;
    walk->value = value_of_part(walk->of.doc, walk->text.value);
    return true;
}

/* ---- Members in order of their names ---------------------------------------------------------------------------- */

struct member {
    struct slice name; /* plain */
    uint32_t nth;      /* in the object */
    struct value value;
};

struct members {
    struct member *items;
    size_t count;
};

static int compare_members(const void *a, const void *b)
{
    const struct member *left = a, *right = b;
    int order = slice_compare(left->name, right->name);
    return order ? order : (left->nth > right->nth) - (left->nth < right->nth);
}

/* All members of an object, those of one name in the order of the text. False on lack of memory. Sorting costs n log n
 * whatever the names are; comparing each with each, or hashing, is what a hostile line would make dear. */
static bool sort_members(struct arena *arena, const struct value *object, struct members *ret)
{
    struct members m = {NULL, 0};
    for (struct value_walk walk = {.of = *object}; value_walk_next(arena, &walk); m.count++) {
        struct slice name = value_plain(arena, &walk.name);
        m.items = arena_grow_array(arena, m.items, m.count, sizeof *m.items);
        if (!m.items || !name.text)
            return false;
        m.items[m.count] = (struct member){name, walk.nth, walk.value};
    }
    if (m.count)
        qsort(m.items, m.count, sizeof *m.items, compare_members);
    *ret = m;
    return !arena->failed;
}

static bool is_replaced(const struct members *m, size_t i)
{
    return i + 1 < m->count && slice_equal(m->items[i].name, m->items[i + 1].name);
}

enum { FEW_MEMBERS = 16 }; /* looking through the rest is cheaper than sorting */

/* Whether a later member has that name; and whether few came. */
static bool is_in_rest(const struct value_walk *walk, struct slice name, bool *ret_few)
{
    struct value_walk rest = *walk;
    for (int i = 0; i < FEW_MEMBERS; i++) {
        if (!value_walk_next(rest.arena, &rest)) {
            *ret_few = true;
            return false;
        }
        if (rest.by_token ? json_string_is(rest.of.doc, rest.at, name) : json_walk_is_named(&rest.text, name))
            return true;
    }
    *ret_few = false;
    return false;
}

/* A bit for each member. */
static const uint64_t *find_shadowed(struct arena *arena, const struct value *object)
{
    struct members members;
    if (!sort_members(arena, object, &members))
        return NULL;
    uint64_t *bits = arena_calloc(arena, members.count / 64 + 1, sizeof *bits);
    for (size_t i = 0; bits && i < members.count; i++) {
        uint32_t bit = members.items[i].nth;
        if (is_replaced(&members, i))
            bits[bit / 64] |= UINT64_C(1) << (bit % 64);
    }
    return bits;
}

bool value_walk_is_shadowed(struct value_walk *walk)
{
    bool few;
    if (walk->of.type != VALUE_OBJECT)
        return false;
    if (!walk->shadowed) {
        struct slice name = value_plain(walk->arena, &walk->name);
        bool shadowed = name.text && is_in_rest(walk, name, &few);
        if (!name.text || shadowed || few)
            return shadowed;
        walk->shadowed = find_shadowed(walk->arena, &walk->of);
    }
    return walk->shadowed && walk->shadowed[walk->nth / 64] >> (walk->nth % 64) & 1;
}

/* ---- Comparing -------------------------------------------------------------------------------------------------- */

static bool arrays_equal(struct arena *arena, const struct value *a, const struct value *b)
{
    if (a->doc->tokens[a->token].size != b->doc->tokens[b->token].size)
        return false;
    struct value_walk left = {.of = *a}, right = {.of = *b};
    while (value_walk_next(arena, &left) && value_walk_next(arena, &right))
        if (!value_equal(arena, &left.value, &right.value))
            return false;
    return true;
}

/* The next member that counts. */
static bool next_last_of_name(const struct members *m, size_t *i)
{
    while (is_replaced(m, *i))
        ++*i;
    return *i < m->count;
}

static bool objects_equal(struct arena *arena, const struct value *a, const struct value *b)
{
    struct members left, right;
    if (!sort_members(arena, a, &left) || !sort_members(arena, b, &right))
        return false;
    for (size_t i = 0, j = 0;; i++, j++) {
        bool more = next_last_of_name(&left, &i);
        if (next_last_of_name(&right, &j) != more)
            return false;
        if (!more)
            return true;
        if (!slice_equal(left.items[i].name, right.items[j].name) ||
            !value_equal(arena, &left.items[i].value, &right.items[j].value))
            return false;
    }
}

/* Recursive; a container's depth is LIMIT_JSON_DEPTH at most, or it could not have been tokenised. */
static bool containers_equal(struct arena *arena, const struct value *a, const struct value *b)
{
    struct value left = *a, right = *b;
    /* What stays in a document must not be rewound. */
    if ((left.doc && !value_tokenise(arena, &left)) || (right.doc && !value_tokenise(arena, &right)))
        return false;
    struct arena_mark mark = arena_mark(arena);
    bool equal = value_tokenise(arena, &left) && value_tokenise(arena, &right) &&
                 (left.type == VALUE_ARRAY ? arrays_equal(arena, &left, &right) : objects_equal(arena, &left, &right));
    if (!arena->failed) /* which a rewind would hide */
        arena_rewind(arena, mark);
    return equal;
}

bool value_equal(struct arena *arena, const struct value *a, const struct value *b)
{
    if (a->type != b->type)
        return false;
    if (a->type < VALUE_NUMBER || (a->plain == b->plain && slice_equal(a->text, b->text)))
        return true;
    if (value_is_container(a))
        return containers_equal(arena, a, b);
    int order;
    return value_compare(arena, a, b, &order) && order == 0;
}

bool value_compare(struct arena *arena, const struct value *a, const struct value *b, int *ret_order)
{
    if (a->type != b->type || (a->type != VALUE_NUMBER && a->type != VALUE_STRING))
        return false;
    if (a->type == VALUE_NUMBER) {
        *ret_order = json_number_compare(a->text, b->text);
        return true;
    }
    struct slice left = value_plain(arena, a), right = value_plain(arena, b);
    if (arena->failed)
        return false;
    *ret_order = slice_compare(left, right); /* bytes of UTF-8 order as their code points do */
    return true;
}
