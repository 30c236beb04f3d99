#include "json/value.h"

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

bool value_tokenise(struct arena *arena, struct value *v)
{
    if (!value_is_container(v))
        return true;
    if (v->doc)
        return json_doc_tokenise(arena, v->doc);
    const struct json_doc *doc;
    if (json_doc_parse(arena, v->text, JSON_ANY_VALUE, &doc) != JSON_OK)
        return false;
    *v = value_of_token(doc, 0);
    return true;
}

bool value_share(struct arena *arena, struct value *v)
{
    if (!value_is_container(v) || v->doc)
        return true;
    struct json_doc *doc = json_doc_of_part(arena, v->text);
    if (!doc || !json_doc_list(arena, doc))
        return false;
    v->doc = doc;
    v->token = 0;
    return true;
}

static struct value member_of_entries(struct arena *arena, struct json_doc *doc, struct slice name)
{
    struct json_entry *entry = json_doc_entry(doc, name);
    if (!entry)
        return VALUE_NONE;
    struct value v = value_of_json(slice_of(doc->text.text + entry->value, entry->value_end - entry->value));
    if (!value_is_container(&v))
        return v;
    if (!entry->doc && !(entry->doc = json_doc_of_part(arena, v.text)))
        return VALUE_NONE;
    v.doc = entry->doc;
    return v;
}

struct value value_member(struct arena *arena, struct value *v, struct slice name)
{
    if (v->type != VALUE_OBJECT)
        return VALUE_NONE;
    if (v->doc && !v->doc->tokens) {
        if (!json_doc_list(arena, v->doc))
            return VALUE_NONE;
        if (v->doc->entries)
            return member_of_entries(arena, v->doc, name);
    }
    if (!value_tokenise(arena, v))
        return VALUE_NONE;
    uint32_t member = json_member(v->doc, v->token, name);
    return member ? value_of_token(v->doc, member) : VALUE_NONE;
}

struct value value_element(struct arena *arena, struct value *v, int64_t index)
{
    if (v->type != VALUE_ARRAY || !value_tokenise(arena, v))
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

/* ---- Members in order of their names ---------------------------------------------------------------------------- */

struct member {
    struct slice name; /* plain */
    uint32_t token;    /* of the name; the value is behind it */
};

static int compare_members(const void *a, const void *b)
{
    const struct member *left = a, *right = b;
    int order = slice_compare(left->name, right->name);
    return order ? order : (left->token > right->token) - (left->token < right->token);
}

/* All members of a tokenised object, those of one name in the order of the text. NULL on lack of memory. Sorting costs
 * n log n whatever the names are; comparing each with each, or hashing, is what a hostile line would make dear. */
static struct member *sorted_members(struct arena *arena, const struct value *object)
{
    const struct json_doc *doc = object->doc;
    struct member *members = arena_calloc(arena, doc->tokens[object->token].size, sizeof *members);
    if (!members)
        return NULL;
    size_t count = 0;
    for (uint32_t key = json_first_child(doc, object->token); key; key = json_next_child(doc, object->token, key)) {
        struct slice name = json_unescape(arena, json_token_text(doc, key));
        if (!name.text)
            return NULL;
        members[count++] = (struct member){name, key};
    }
    qsort(members, count, sizeof *members, compare_members);
    return members;
}

static bool is_replaced(const struct member *members, size_t count, size_t i)
{
    return i + 1 < count && slice_equal(members[i].name, members[i + 1].name);
}

/* ---- Walking ---------------------------------------------------------------------------------------------------- */

bool value_walk_next(struct arena *arena, struct value_walk *walk)
{
    struct value *of = &walk->of;
    if (!walk->started) {
        walk->started = true;
        walk->arena = arena;
        walk->at = value_is_container(of) && value_tokenise(arena, of) ? json_first_child(of->doc, of->token) : 0;
    } else if (walk->at) {
        walk->at = json_next_child(of->doc, of->token, walk->at);
    }
    if (!walk->at)
        return false;
    bool object = of->type == VALUE_OBJECT;
    walk->name = object ? value_of_token(of->doc, walk->at) : VALUE_NONE;
    walk->value = value_of_token(of->doc, walk->at + object);
    return true;
}

enum { FEW_MEMBERS = 16 }; /* looking through the rest is cheaper than sorting */

static bool is_shadowed_by_rest(const struct value_walk *walk)
{
    const struct value *of = &walk->of;
    struct slice name = value_plain(walk->arena, &walk->name);
    uint32_t key = walk->at;
    while ((key = json_next_child(of->doc, of->token, key)))
        if (name.text && json_string_is(of->doc, key, name))
            return true;
    return false;
}

/* Bits by token, counted from the object's own. */
static const uint64_t *find_shadowed(struct arena *arena, const struct value *object)
{
    const struct json_token *token = &object->doc->tokens[object->token];
    uint64_t *bits = arena_calloc(arena, (token->next - object->token) / 64 + 1, sizeof *bits);
    struct member *members = sorted_members(arena, object);
    if (!bits || !members)
        return NULL;
    for (size_t i = 0; i < token->size; i++) {
        uint32_t bit = members[i].token - object->token;
        if (is_replaced(members, token->size, i))
            bits[bit / 64] |= UINT64_C(1) << (bit % 64);
    }
    return bits;
}

bool value_walk_is_shadowed(struct value_walk *walk)
{
    const struct value *of = &walk->of;
    if (of->type != VALUE_OBJECT || !walk->at)
        return false;
    if (of->doc->tokens[of->token].size <= FEW_MEMBERS)
        return is_shadowed_by_rest(walk);
    if (!walk->shadowed)
        walk->shadowed = find_shadowed(walk->arena, of);
    uint32_t bit = walk->at - of->token;
    return walk->shadowed && walk->shadowed[bit / 64] >> (bit % 64) & 1;
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
static bool next_last_of_name(const struct member *members, size_t count, size_t *i)
{
    while (is_replaced(members, count, *i))
        ++*i;
    return *i < count;
}

static bool objects_equal(struct arena *arena, const struct value *a, const struct value *b)
{
    const struct member *left = sorted_members(arena, a), *right = sorted_members(arena, b);
    if (!left || !right)
        return false;
    size_t left_count = a->doc->tokens[a->token].size, right_count = b->doc->tokens[b->token].size;
    for (size_t i = 0, j = 0;; i++, j++) {
        bool more = next_last_of_name(left, left_count, &i);
        if (next_last_of_name(right, right_count, &j) != more)
            return false;
        if (!more)
            return true;
        struct value x = value_of_token(a->doc, left[i].token + 1), y = value_of_token(b->doc, right[j].token + 1);
        if (!slice_equal(left[i].name, right[j].name) || !value_equal(arena, &x, &y))
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
