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

/* The text is gone through once, what is made of it is written on the way; what turns out to be replaced, or no OTLP
 * at all, is taken back. */
struct plain {
    struct arena *arena;
    struct buffer *out;
    struct listing *listing; /* for the outermost list of pairs; NULL: in one of the others */
};

/* Where the result's members stand. */
struct listing {
    size_t count; /* more than there is room for: they are not listed */
    struct json_entry members[JSON_LISTED_MOST];
};

static void write_typed(struct plain *p, struct json_walk *at, bool *ret_is);
static bool write_pairs(struct plain *p, struct json_walk *at);

/* All of these take the value that the walk stands on. */

static void write_as_is(struct plain *p, struct json_walk *at)
{
    json_walk_take(at);
    buffer_add(p->out, at->value);
}

/* 64-bit integers are text in OTLP's JSON. */
static void write_int(struct plain *p, struct json_walk *at)
{
    json_walk_take(at);
    struct slice text = at->value;
    if (*text.text == '"')
        text = json_unescape(p->arena, slice_of(text.text + 1, text.len - 2));
    buffer_add(p->out, json_number_is(text) ? text : at->value);
}

static void write_elements(struct plain *p, struct json_walk *at)
{
    bool first = true, is;
    buffer_add_char(p->out, '[');
    if (*at->at == '[' || *at->at == '{') {
        struct json_walk inner = json_walk_into(at);
        for (; json_walk_step(&inner); first = false) {
            if (!first)
                buffer_add_char(p->out, ',');
            write_typed(p, &inner, &is);
        }
        json_walk_out(at, &inner);
    } else {
        json_walk_take(at);
    }
    buffer_add_char(p->out, ']');
}

/* Whether it stands on the member `values` of an object (the last one counts, so what an earlier one wrote behind
 * `start` is gone); another member is taken. */
static bool is_values(struct plain *p, struct json_walk *at, size_t start)
{
    if (!json_walk_is_named(at, SLICE("values"))) {
        json_walk_take(at);
        return false;
    }
    buffer_truncate(p->out, start);
    return true;
}

static void write_array(struct plain *p, struct json_walk *at)
{
    size_t start = p->out->len;
    buffer_add_text(p->out, "[]");
    if (*at->at != '{') {
        json_walk_take(at);
        return;
    }
    struct json_walk inner = json_walk_into(at);
    while (json_walk_step(&inner))
        if (is_values(p, &inner, start))
            write_elements(p, &inner);
    json_walk_out(at, &inner);
}

static void write_kvlist(struct plain *p, struct json_walk *at)
{
    size_t start = p->out->len;
    bool pairs = true;
    buffer_add_text(p->out, "{}");
    if (*at->at != '{') {
        json_walk_take(at);
        return;
    }
    struct json_walk inner = json_walk_into(at);
    while (json_walk_step(&inner)) {
        if (!is_values(p, &inner, start))
            continue;
        pairs = *inner.at == '[';
        if (pairs)
            pairs = write_pairs(p, &inner);
        else
            json_walk_take(&inner);
    }
    json_walk_out(at, &inner);
    if (!pairs) {
        buffer_truncate(p->out, start);
        buffer_add(p->out, at->value);
    }
}

static const struct typed {
    struct slice name;
    void (*write)(struct plain *p, struct json_walk *at);
} types[] = {
    {SLICE("stringValue"), write_as_is},  {SLICE("intValue"), write_int},     {SLICE("doubleValue"), write_as_is},
    {SLICE("boolValue"), write_as_is},    {SLICE("bytesValue"), write_as_is}, {SLICE("arrayValue"), write_array},
    {SLICE("kvlistValue"), write_kvlist},
};

static const struct typed *type_of(const struct json_walk *member)
{
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++)
        if (json_walk_is_named(member, types[i].name))
            return &types[i];
    return NULL;
}

/* Appends the plain form of an OTLP value; the value itself where it is none (*ret_is false then). Of several members
 * the last that is not null counts; `{}` is OTLP's empty value. */
static void write_typed(struct plain *p, struct json_walk *at, bool *ret_is)
{
    size_t start = p->out->len;
    bool is = *at->at == '{', null = true;
    if (!is) {
        *ret_is = false;
        write_as_is(p, at);
        return;
    }
    struct json_walk inner = json_walk_into(at);
    while (json_walk_step(&inner)) {
        const struct typed *type = is ? type_of(&inner) : NULL;
        is = type;
        if (!is || *inner.at == 'n') {
            json_walk_take(&inner);
            continue;
        }
        buffer_truncate(p->out, start);
        type->write(p, &inner);
        null = false;
    }
    json_walk_out(at, &inner);
    if (!is) {
        buffer_truncate(p->out, start);
        buffer_add(p->out, at->value);
    } else if (null) {
        buffer_add_text(p->out, "null");
    }
    *ret_is = is;
}

/* ---- Pairs ---- */

/* Names that were written: a bit for each. Where one may be there already, all are looked at. */
enum { SEEN_BITS = 1024 };
struct seen {
    uint64_t bits[SEEN_BITS / 64];
    bool again;
    struct listing *listing;
};

static void list_pair(struct listing *listing, size_t start, size_t name_len, size_t end)
{
    if (listing && listing->count < JSON_LISTED_MOST)
        listing->members[listing->count] = (struct json_entry){.name = (uint32_t)start + 1,
                                                               .name_len = (uint32_t)name_len - 3,
                                                               .value = (uint32_t)(start + name_len),
                                                               .value_end = (uint32_t)end};
    if (listing)
        listing->count++;
}

static void note_name(struct seen *seen, struct slice name, bool escaped)
{
    uint64_t head = 0, tail = 0;
    if (name.len >= sizeof head) {
        memcpy(&head, name.text, sizeof head);
        memcpy(&tail, name.text + name.len - sizeof tail, sizeof tail);
    } else {
        for (size_t i = 0; i < name.len; i++)
            head = head << 8 | (unsigned char)name.text[i];
    }
    seen->again |= escaped; /* the same name can be written in other ways */
    uint64_t hash = (head * UINT64_C(0x9E3779B97F4A7C15) ^ tail ^ name.len << 56) * UINT64_C(0xC2B2AE3D27D4EB4F);
    unsigned bit = (unsigned)(hash >> 54);
    seen->again |= seen->bits[bit / 64] >> (bit % 64) & 1;
    seen->bits[bit / 64] |= UINT64_C(1) << (bit % 64);
}

/* Puts a name and its colon behind `start`, in the place of `old` bytes that stand there. */
static size_t put_name(struct plain *p, size_t start, size_t old, struct slice name)
{
    struct buffer *out = p->out;
    size_t len = name.len + 3, behind = out->len - start - old;
    if (len > old && len - old > out->cap - out->len && !buffer_reserve(out, len - old))
        return 0;
    char *at = out->data + start;
    if (behind)
        memmove(at + len, at + old, behind);
    out->len = start + len + behind;
    *at = '"';
    if (name.len)
        memcpy(at + 1, name.text, name.len);
    memcpy(at + 1 + name.len, "\":", 2);
    return len;
}

/* A pair's key, of which the last counts: text, or a number or boolean as text. */
static bool take_key(struct json_walk *at, struct slice *ret_name)
{
    json_walk_take(at);
    struct slice text = at->value;
    *ret_name = *text.text == '"' ? slice_of(text.text + 1, text.len - 2) : text;
    return *text.text != '{' && *text.text != '[' && *text.text != 'n';
}

/* {key, value}; a value that is left out is OTLP's empty one. A key behind the value is put before that in the end:
 * once, however many there are. False, with something written, where it is none. */
static bool write_pair(struct plain *p, struct json_walk *at, struct seen *seen)
{
    size_t start = p->out->len, name_len = 0;
    struct slice name = SLICE("");
    bool has_key = false, has_value = false, key_behind = false, is;
    if (*at->at != '{') {
        json_walk_take(at);
        return false;
    }
    struct json_walk inner = json_walk_into(at);
    while (json_walk_step(&inner)) {
        if (json_walk_is_named(&inner, SLICE("key"))) {
            has_key = take_key(&inner, &name);
            key_behind = has_value;
            if (has_key && !has_value)
                name_len = put_name(p, start, name_len, name);
        } else if (json_walk_is_named(&inner, SLICE("value"))) {
            buffer_truncate(p->out, start + name_len);
            write_typed(p, &inner, &is);
            has_value = true;
        } else {
            json_walk_take(&inner);
        }
    }
    json_walk_out(at, &inner);
    if (has_key && key_behind)
        name_len = put_name(p, start, name_len, name);
    if (!has_value)
        buffer_add_text(p->out, "null");
    if (has_key)
        list_pair(seen->listing, start, name_len, p->out->len);
    if (has_key)
        note_name(seen, name, memchr(name.text, '\\', name.len) != NULL);
    return has_key;
}

struct pair {
    struct slice name; /* plain */
    size_t nth;
    bool replaced;
    struct slice text; /* of both */
};

static int compare_pairs(const void *a, const void *b)
{
    const struct pair *left = *(const struct pair *const *)a, *right = *(const struct pair *const *)b;
    int order = slice_compare(left->name, right->name);
    return order ? order : (left->nth > right->nth) - (left->nth < right->nth);
}

/* The members of an object; of those of one name all but the last are marked. False on lack of memory. */
static bool mark_replaced(struct arena *arena, struct slice object, struct pair **ret_pairs, size_t *ret_count)
{
    struct pair *pairs = NULL;
    size_t count = 0;
    for (struct json_walk walk = json_walk_of(object, NULL); json_walk_next(&walk); count++) {
        struct slice name = json_unescape(arena, walk.name), text = {walk.name.text - 1, 0};
        text.len = (size_t)(walk.at - text.text);
        pairs = arena_grow_array(arena, pairs, count, sizeof *pairs);
        if (!pairs || !name.text)
            return false;
        pairs[count] = (struct pair){.name = name, .nth = count, .text = text};
    }
    struct pair **sorted = arena_calloc(arena, count, sizeof *sorted);
    if (!sorted)
        return false;
    for (size_t i = 0; i < count; i++)
        sorted[i] = &pairs[i];
    qsort(sorted, count, sizeof *sorted, compare_pairs);
    for (size_t i = 0; i + 1 < count; i++)
        sorted[i]->replaced = slice_equal(sorted[i]->name, sorted[i + 1]->name);
    *ret_pairs = pairs;
    *ret_count = count;
    return true;
}

/* Takes out of the object behind `start` what a later pair of the same key replaces. False on lack of memory. */
static bool leave_last(struct plain *p, size_t start)
{
    struct pair *pairs;
    size_t count;
    char *object = p->out->data + start, *to = object + 1;
    if (!mark_replaced(p->arena, slice_from_offset(buffer_slice(p->out), start), &pairs, &count))
        return false;
    for (size_t i = 0; i < count; i++) {
        if (pairs[i].replaced)
            continue;
        if (to > object + 1)
            *to++ = ',';
        memmove(to, pairs[i].text.text, pairs[i].text.len);
        to += pairs[i].text.len;
    }
    *to++ = '}';
    buffer_truncate(p->out, start + (size_t)(to - object));
    return true;
}

/* Appends a list of pairs as an object; false, with something written, where an element is no pair. */
static bool write_pairs(struct plain *p, struct json_walk *at)
{
    struct seen seen = {.listing = p->listing};
    size_t start = p->out->len;
    p->listing = NULL;
    struct json_walk list = json_walk_into(at);
    bool pairs = true, first = true;
    buffer_add_char(p->out, '{');
    for (; json_walk_step(&list); first = false) {
        if (!first)
            buffer_add_char(p->out, ',');
        if (pairs)
            pairs = write_pair(p, &list, &seen);
        else
            json_walk_take(&list);
    }
    json_walk_out(at, &list);
    buffer_add_char(p->out, '}');
    if (seen.again && seen.listing)
        seen.listing->count = SIZE_MAX;
    return pairs && !p->out->failed && (!seen.again || leave_last(p, start));
}

struct value filter_object(struct filter_run *run, struct value *in)
{
    struct buffer b;
    buffer_init_in(&b, run->arena);
    struct listing listing;
    listing.count = 0;
    struct plain p = {run->arena, &b, in->type == VALUE_ARRAY ? &listing : NULL};
    bool taken = false;
    if (!value_is_container(in) || !value_know(run->arena, in))
        return run->arena->failed ? VALUE_NONE : filter_refuse(run);
    if (!buffer_reserve(&b, in->text.len)) {
        run->arena->failed = true;
        return VALUE_NONE;
    }
    struct json_walk at = {.at = in->text.text, .end = in->text.text + in->text.len};
    if (in->type == VALUE_ARRAY)
        taken = write_pairs(&p, &at);
    else
        write_typed(&p, &at, &taken);
    if (!taken && !run->arena->failed)
        return filter_refuse(run);
    struct value v = filter_made_of_known(run->arena, &b);
    bool listed = in->type == VALUE_ARRAY && v.doc && listing.count <= JSON_LISTED_MOST;
    if (listed && !json_doc_list_known(run->arena, v.doc, listing.members, listing.count))
        return VALUE_NONE;
    return v;
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
