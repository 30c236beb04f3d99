/* OpenTelemetry's attributes made plain: `object` for lists of {key, value} and typed values, `nest` for dotted names.
 *
 * Names are brought together by sorting, so that a hostile record costs n log n. What can go wrong: nesting deeper than
 * LIMIT_JSON_DEPTH, which `nest` refuses. */
#include "expr/filter_table.h"
#include "limits.h"
#include "json/json_number.h"
#include "json/json_writer.h"

#include <stdlib.h>

/* ---- object ---- */

static bool write_typed(struct arena *arena, struct buffer *out, struct value *v);
static bool write_pairs(struct arena *arena, struct buffer *out, struct value *list);

static bool write_as_is(struct arena *arena, struct buffer *out, struct value *v)
{
    (void)arena;
    value_write(out, v);
    return true;
}

/* 64-bit integers are text in OTLP's JSON. */
static bool write_int(struct arena *arena, struct buffer *out, struct value *v)
{
    struct slice text = value_as_text(arena, v);
    if (v->type == VALUE_STRING && json_number_is(text))
        buffer_add(out, text);
    else
        value_write(out, v);
    return true;
}

static bool write_array(struct arena *arena, struct buffer *out, struct value *v)
{
    struct value values = value_member(arena, v, SLICE("values"));
    bool first = true;
    buffer_add_char(out, '[');
    for (struct value_walk walk = {.of = values}; value_walk_next(arena, &walk); first = false) {
        if (!first)
            buffer_add_char(out, ',');
        write_typed(arena, out, &walk.value);
    }
    buffer_add_char(out, ']');
    return true;
}

static bool write_kvlist(struct arena *arena, struct buffer *out, struct value *v)
{
    struct value values = value_member(arena, v, SLICE("values"));
    if (!value_is_there(&values))
        buffer_add_text(out, "{}");
    else if (values.type != VALUE_ARRAY || !write_pairs(arena, out, &values))
        value_write(out, v);
    return true;
}

static const struct typed {
    const char *name;
    bool (*write)(struct arena *arena, struct buffer *out, struct value *v);
} types[] = {
    {"stringValue", write_as_is},  {"intValue", write_int},     {"doubleValue", write_as_is},
    {"boolValue", write_as_is},    {"bytesValue", write_as_is}, {"arrayValue", write_array},
    {"kvlistValue", write_kvlist},
};

/* The type that an OTLP value has; NULL where it is no such value (then *ret_empty says whether it is `{}`, OTLP's
 * empty value). Of several members the one that is not null counts. */
static const struct typed *type_of(struct arena *arena, struct value *object, struct value *ret_value, bool *ret_empty)
{
    const struct typed *found = NULL;
    *ret_empty = true;
    for (struct value_walk walk = {.of = *object}; value_walk_next(arena, &walk);) {
        struct slice name = value_plain(arena, &walk.name);
        const struct typed *type = NULL;
        for (size_t i = 0; i < sizeof types / sizeof types[0] && !type; i++)
            if (slice_is(name, types[i].name))
                type = &types[i];
        if (!type) {
            *ret_empty = false;
            return NULL;
        }
        if (!found || walk.value.type != VALUE_NULL) {
            found = type;
            *ret_value = walk.value;
        }
    }
    return found;
}

/* Appends the plain form of an OTLP value, or the value itself where it is none (false then). */
static bool write_typed(struct arena *arena, struct buffer *out, struct value *v)
{
    struct value inner;
    bool empty;
    const struct typed *type = v->type == VALUE_OBJECT ? type_of(arena, v, &inner, &empty) : NULL;
    if (type && inner.type != VALUE_NULL)
        return type->write(arena, out, &inner);
    if (type || (v->type == VALUE_OBJECT && empty)) {
        buffer_add_text(out, "null");
        return true;
    }
    value_write(out, v);
    return false;
}

struct pair {
    struct slice key; /* plain */
    size_t at;        /* in the list */
    bool replaced;
    struct value name, value;
};

static int compare_pairs(const void *a, const void *b)
{
    const struct pair *left = *(const struct pair *const *)a, *right = *(const struct pair *const *)b;
    int order = slice_compare(left->key, right->key);
    return order ? order : (left->at > right->at) - (left->at < right->at);
}

/* Of equal keys all but the last are marked. False on lack of memory. */
static bool mark_replaced(struct arena *arena, struct pair *pairs, size_t count)
{
    struct pair **sorted = arena_calloc(arena, count, sizeof *sorted);
    if (!sorted)
        return false;
    for (size_t i = 0; i < count; i++)
        sorted[i] = &pairs[i];
    qsort(sorted, count, sizeof *sorted, compare_pairs);
    for (size_t i = 0; i + 1 < count; i++)
        sorted[i]->replaced = slice_equal(sorted[i]->key, sorted[i + 1]->key);
    return true;
}

/* {key, value}; a value that is left out is OTLP's empty one. */
static bool pair_of(struct arena *arena, struct value *v, struct pair *ret)
{
    struct value key = value_member(arena, v, SLICE("key"));
    if (v->type != VALUE_OBJECT || value_is_null_or_nothing(&key) || value_is_container(&key))
        return false;
    ret->name = key.type == VALUE_STRING ? key : value_of_plain(key.text);
    ret->key = value_plain(arena, &ret->name);
    ret->value = value_member(arena, v, SLICE("value"));
    if (!value_is_there(&ret->value))
        ret->value = value_of_null();
    return true;
}

/* Appends a list of pairs as an object; false where an element is no pair. */
static bool write_pairs(struct arena *arena, struct buffer *out, struct value *list)
{
    if (!value_tokenise(arena, list))
        return false;
    size_t count = 0;
    struct pair *pairs = arena_calloc(arena, list->doc->tokens[list->token].size, sizeof *pairs);
    if (!pairs)
        return false;
    for (struct value_walk walk = {.of = *list}; value_walk_next(arena, &walk); count++) {
        pairs[count].at = count;
        if (!pair_of(arena, &walk.value, &pairs[count]))
            return false;
    }
    if (!mark_replaced(arena, pairs, count))
        return false;
    bool first = true;
    buffer_add_char(out, '{');
    for (size_t i = 0; i < count; i++) {
        if (pairs[i].replaced)
            continue;
        if (!first)
            buffer_add_char(out, ',');
        first = false;
        value_write(out, &pairs[i].name);
        buffer_add_char(out, ':');
        write_typed(arena, out, &pairs[i].value);
    }
    buffer_add_char(out, '}');
    return true;
}

struct value filter_object(struct filter_run *run, struct value *in)
{
    struct buffer b;
    buffer_init_in(&b, run->arena);
    bool taken = in->type == VALUE_ARRAY    ? write_pairs(run->arena, &b, in)
                 : in->type == VALUE_OBJECT ? write_typed(run->arena, &b, in)
                                            : false;
    return taken ? filter_made_json(&b) : filter_refuse(run);
}

/* ---- nest ---- */

/* A member of the object that is nested: its name cut at the dots. */
struct dotted {
    struct slice rest; /* of the name, from the level at hand on */
    bool leaf;         /* the rest is one name: no dot in it, or it is not to be cut */
    size_t at;         /* in the object */
    struct value value;
};

static struct slice first_name(const struct dotted *d)
{
    const char *dot = d->leaf || !d->rest.len ? NULL : memchr(d->rest.text, '.', d->rest.len);
    return dot ? slice_of(d->rest.text, (size_t)(dot - d->rest.text)) : d->rest;
}

static bool is_last_name(const struct dotted *d)
{
    return first_name(d).len == d->rest.len;
}

static int compare_dotted(const void *a, const void *b)
{
    const struct dotted *left = a, *right = b;
    int order = slice_compare(first_name(left), first_name(right));
    return order ? order : (left->at > right->at) - (left->at < right->at);
}

/* Members of one name at a level: a run of the sorted ones. */
struct branch {
    struct slice name;
    struct dotted *members;
    size_t count;
    size_t at; /* where its first member stands: branches keep that order */
};

static int compare_branches(const void *a, const void *b)
{
    const struct branch *left = a, *right = b;
    return (left->at > right->at) - (left->at < right->at);
}

/* 0, 1, 2 … without leading zeros; SIZE_MAX: another name. */
static size_t index_of(struct slice name)
{
    size_t n = 0;
    if (name.len == 0 || name.len > 9 || (name.len > 1 && name.text[0] == '0'))
        return SIZE_MAX;
    for (size_t i = 0; i < name.len; i++) {
        if (name.text[i] < '0' || name.text[i] > '9')
            return SIZE_MAX;
        n = n * 10 + (size_t)(name.text[i] - '0');
    }
    return n;
}

/* Names 0 … n-1, each once as branches are: then they are put in that order. */
static bool is_array(struct branch *branches, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        size_t index = index_of(branches[i].name);
        if (index >= count)
            return false;
        branches[i].at = index;
    }
    return count > 0;
}

/* Puts members of one name together. NULL on lack of memory. */
static struct branch *branches_of(struct arena *arena, struct dotted *members, size_t count, size_t *ret_count)
{
    struct branch *branches = arena_calloc(arena, count, sizeof *branches);
    size_t n = 0;
    if (!branches)
        return NULL;
    qsort(members, count, sizeof *members, compare_dotted);
    for (size_t i = 0; i < count; i++) {
        struct slice name = first_name(&members[i]);
        if (!n || !slice_equal(branches[n - 1].name, name))
            branches[n++] = (struct branch){.name = name, .members = &members[i], .at = members[i].at};
        branches[n - 1].count++;
    }
    *ret_count = n;
    return branches;
}

static bool write_level(struct arena *arena, struct buffer *out, struct dotted *members, size_t count, unsigned depth);

static bool write_branch(struct arena *arena, struct buffer *out, struct branch *b, unsigned depth)
{
    size_t nested = 0;
    const struct value *value = NULL;
    for (size_t i = 0; i < b->count; i++) { /* in the object's order: the last value of a name wins */
        struct dotted *d = &b->members[i];
        if (is_last_name(d)) {
            value = &d->value;
            continue;
        }
        b->members[nested] = *d; /* where a name is both value and prefix, the nested one stays */
        b->members[nested].rest = slice_from_offset(d->rest, b->name.len + 1);
        nested++;
    }
    if (nested)
        return write_level(arena, out, b->members, nested, depth + 1);
    value_write(out, value);
    return true;
}

static bool write_level(struct arena *arena, struct buffer *out, struct dotted *members, size_t count, unsigned depth)
{
    size_t n;
    if (depth > LIMIT_JSON_DEPTH)
        return false;
    struct branch *branches = branches_of(arena, members, count, &n);
    if (!branches)
        return false;
    bool array = is_array(branches, n);
    if (!array) /* which may have begun to number them */
        for (size_t i = 0; i < n; i++)
            branches[i].at = branches[i].members[0].at;
    qsort(branches, n, sizeof *branches, compare_branches);
    buffer_add_char(out, array ? '[' : '{');
    for (size_t i = 0; i < n; i++) {
        if (i)
            buffer_add_char(out, ',');
        if (!array) {
            json_write_string(out, branches[i].name);
            buffer_add_char(out, ':');
        }
        if (!write_branch(arena, out, &branches[i], depth))
            return false;
    }
    buffer_add_char(out, array ? ']' : '}');
    return true;
}

/* Whether the name has a part that is empty: then it is no dotted name. */
static bool has_empty_part(struct slice name)
{
    return name.len == 0 || name.text[0] == '.' || name.text[name.len - 1] == '.' ||
           memmem(name.text, name.len, "..", 2) != NULL;
}

struct value filter_nest(struct filter_run *run, struct value *in)
{
    struct buffer b;
    if (in->type != VALUE_OBJECT)
        return filter_refuse(run);
    if (!value_tokenise(run->arena, in))
        return VALUE_NONE;
    size_t count = 0;
    struct dotted *members = arena_calloc(run->arena, in->doc->tokens[in->token].size, sizeof *members);
    if (!members)
        return VALUE_NONE;
    for (struct value_walk walk = {.of = *in}; value_walk_next(run->arena, &walk); count++) {
        struct slice name = value_plain(run->arena, &walk.name);
        members[count] = (struct dotted){name, has_empty_part(name), count, walk.value};
    }
    buffer_init_in(&b, run->arena);
    if (!write_level(run->arena, &b, members, count, 1))
        return run->arena->failed ? VALUE_NONE : filter_refuse(run);
    struct value v = filter_made_json(&b);
    /* Values lie deeper than before; what is too deep to be looked into is refused here. */
    return value_tokenise(run->arena, &v) ? v : filter_refuse(run);
}
