/* A tree that grows only where values meet: a member that came once stays the text that it was, one that another object
 * meets is taken apart, and joined texts and lists are kept as their pieces until they are written. */
#include "json/json_merge.h"

#include "base/content_hash.h"
#include "json/json_writer.h"

enum node_kind { NODE_EMPTY, NODE_VALUE, NODE_OBJECT, NODE_TEXTS, NODE_LISTS };

struct piece { /* a string's content, or an array's without its brackets */
    struct slice text;
    struct piece *next;
};

struct member {
    struct slice name; /* plain */
    uint64_t hash;
    struct json_merge_node *node;
};

struct json_merge_node {
    enum node_kind kind;
    struct value value;                /* NODE_VALUE */
    struct piece *pieces, **piece_end; /* NODE_TEXTS, NODE_LISTS */
    struct member *members;            /* NODE_OBJECT, in the order they first came */
    size_t count;
    uint32_t *table; /* of member indexes + 1, by hash; NULL while there are few */
    size_t table_size;
};

enum { MEMBERS_WITHOUT_TABLE = 8 };

void json_merge_init(struct json_merge *m, struct arena *arena, const struct json_merge_path *append,
                     size_t append_count)
{
    *m = (struct json_merge){.arena = arena, .append = append, .append_count = append_count};
    m->root = arena_calloc(arena, 1, sizeof *m->root);
}

/* ---- Members ---------------------------------------------------------------------------------------------------- */

static void put_into_table(struct json_merge_node *object, size_t index)
{
    size_t at = (size_t)object->members[index].hash & (object->table_size - 1);
    while (object->table[at])
        at = (at + 1) & (object->table_size - 1);
    object->table[at] = (uint32_t)index + 1;
}

/* The table is at most half full. */
static bool grow_table(struct arena *arena, struct json_merge_node *object)
{
    if (object->count < MEMBERS_WITHOUT_TABLE || 2 * (object->count + 1) <= object->table_size)
        return true;
    object->table_size = object->table_size ? 2 * object->table_size : 4 * MEMBERS_WITHOUT_TABLE;
    object->table = arena_calloc(arena, object->table_size, sizeof *object->table);
    for (size_t i = 0; i < object->count && object->table; i++)
        put_into_table(object, i);
    return object->table != NULL;
}

static uint64_t hash_of(struct slice name)
{
    uint64_t hash = content_hash_of(name);
    return hash ^ hash >> 32;
}

static struct json_merge_node *find(const struct json_merge_node *object, struct slice name, uint64_t hash)
{
    if (!object->table) {
        for (size_t i = 0; i < object->count; i++)
            if (object->members[i].hash == hash && slice_equal(object->members[i].name, name))
                return object->members[i].node;
        return NULL;
    }
    size_t at = (size_t)hash & (object->table_size - 1);
    for (; object->table[at]; at = (at + 1) & (object->table_size - 1)) {
        const struct member *m = &object->members[object->table[at] - 1];
        if (m->hash == hash && slice_equal(m->name, name))
            return m->node;
    }
    return NULL;
}

/* The member's node, made where there is none. NULL: the arena has failed. */
static struct json_merge_node *member(struct arena *arena, struct json_merge_node *object, struct slice name)
{
    uint64_t hash = hash_of(name);
    struct json_merge_node *found = find(object, name, hash);
    if (found)
        return found;
    struct member *grown = arena_grow_array(arena, object->members, object->count, sizeof *grown);
    struct json_merge_node *made = arena_calloc(arena, 1, sizeof *made);
    if (!grown || !made)
        return NULL;
    object->members = grown;
    if (!grow_table(arena, object))
        return NULL;
    object->members[object->count++] = (struct member){name, hash, made};
    if (object->table)
        put_into_table(object, object->count - 1);
    return made;
}

/* ---- Texts and lists that are joined ---------------------------------------------------------------------------- */

static struct slice json_content(struct arena *arena, const struct value *string)
{
    struct buffer written;
    if (!string->plain)
        return string->text;
    buffer_init_in(&written, arena);
    json_write_string(&written, string->text);
    return written.failed ? SLICE("") : slice_of(written.data + 1, written.len - 2);
}

static struct slice list_content(const struct value *array)
{
    struct slice text = array->text;
    text.text++;
    text.len -= 2;
    while (text.len && (text.text[0] == ' ' || text.text[0] == '\t' || text.text[0] == '\n' || text.text[0] == '\r'))
        text = slice_from_offset(text, 1);
    return text;
}

static void add_piece(struct arena *arena, struct json_merge_node *node, const struct value *v)
{
    struct slice text = node->kind == NODE_TEXTS ? json_content(arena, v) : list_content(v);
    struct piece *piece = text.len ? arena_alloc(arena, sizeof *piece) : NULL;
    if (!piece)
        return;
    *piece = (struct piece){text, NULL};
    *node->piece_end = piece;
    node->piece_end = &piece->next;
}

static enum node_kind joined_kind(const struct value *v)
{
    return v->type == VALUE_STRING ? NODE_TEXTS : v->type == VALUE_ARRAY ? NODE_LISTS : NODE_EMPTY;
}

/* False: they are not two texts or two lists. */
static bool join(struct arena *arena, struct json_merge_node *node, const struct value *v)
{
    enum node_kind kind = joined_kind(v);
    bool first = node->kind == NODE_VALUE && kind != NODE_EMPTY && joined_kind(&node->value) == kind;
    if (v->type == VALUE_NULL)
        return node->kind == NODE_TEXTS || node->kind == NODE_LISTS ||
               (node->kind == NODE_VALUE && joined_kind(&node->value) != NODE_EMPTY);
    if (kind == NODE_EMPTY || (!first && node->kind != kind))
        return false;
    if (first) {
        node->kind = kind;
        node->pieces = NULL;
        node->piece_end = &node->pieces;
        add_piece(arena, node, &node->value);
    }
    add_piece(arena, node, v);
    return true;
}

/* ---- Folding ---------------------------------------------------------------------------------------------------- */

/* The append paths that lead through the place at hand: so many of their names were followed. */
struct paths {
    const struct json_merge_path **items;
    size_t count, followed;
};

static bool ends_here(const struct paths *p)
{
    for (size_t i = 0; i < p->count; i++)
        if (p->items[i]->count == p->followed)
            return true;
    return false;
}

static struct paths paths_below(struct arena *arena, const struct paths *p, struct slice name)
{
    struct paths below = {.followed = p->followed + 1};
    below.items = p->count ? arena_calloc(arena, p->count, sizeof(struct json_merge_path *)) : NULL;
    for (size_t i = 0; i < p->count && below.items; i++)
        if (p->items[i]->count > p->followed && slice_equal(p->items[i]->names[p->followed], name))
            below.items[below.count++] = p->items[i];
    return below;
}

static void fold(struct arena *arena, struct json_merge_node *node, const struct value *v, const struct paths *p);

static void fold_members(struct arena *arena, struct json_merge_node *object, const struct value *v,
                         const struct paths *p)
{
    struct value_walk walk = {.of = *v};
    while (value_walk_next(arena, &walk) && !arena->failed) {
        if (value_walk_is_shadowed(&walk))
            continue;
        struct slice name = value_plain(arena, &walk.name);
        struct json_merge_node *node = name.text ? member(arena, object, name) : NULL;
        if (!node)
            return;
        struct paths below = paths_below(arena, p, name);
        fold(arena, node, &walk.value, &below);
    }
}

/* What stood there as a text is taken apart. */
static void become_object(struct arena *arena, struct json_merge_node *node)
{
    static const struct paths none;
    struct value was = node->value;
    bool is_object = node->kind == NODE_VALUE && was.type == VALUE_OBJECT;
    *node = (struct json_merge_node){.kind = NODE_OBJECT};
    if (is_object)
        fold_members(arena, node, &was, &none);
}

/* Recursive: as deep as a record is nested. */
static void fold(struct arena *arena, struct json_merge_node *node, const struct value *v, const struct paths *p)
{
    if (p->count && ends_here(p) && join(arena, node, v))
        return;
    bool meets = node->kind == NODE_OBJECT || (node->kind == NODE_VALUE && node->value.type == VALUE_OBJECT);
    if (v->type != VALUE_OBJECT || !meets) {
        *node = (struct json_merge_node){.kind = NODE_VALUE, .value = *v};
        return;
    }
    if (node->kind != NODE_OBJECT)
        become_object(arena, node);
    fold_members(arena, node, v, p);
}

void json_merge_begin(struct json_merge *m, const struct value *merged)
{
    if (m->root)
        *m->root = (struct json_merge_node){.kind = NODE_VALUE, .value = *merged};
}

void json_merge_add(struct json_merge *m, const struct slice *name, const struct value *value)
{
    struct json_merge_node *node = m->root;
    struct paths all = {.items = arena_calloc(m->arena, m->append_count + 1, sizeof(struct json_merge_path *))};
    if (!node || !all.items)
        return;
    for (; all.count < m->append_count; all.count++)
        all.items[all.count] = &m->append[all.count];
    if (name) {
        if (node->kind != NODE_OBJECT)
            become_object(m->arena, node);
        node = member(m->arena, node, *name);
    }
    if (node && !m->arena->failed)
        fold(m->arena, node, value, &all);
}

/* ---- Writing ---------------------------------------------------------------------------------------------------- */

static void write_pieces(struct buffer *out, const struct json_merge_node *node)
{
    bool texts = node->kind == NODE_TEXTS;
    buffer_add_char(out, texts ? '"' : '[');
    for (const struct piece *piece = node->pieces; piece; piece = piece->next) {
        if (!texts && piece != node->pieces)
            buffer_add_char(out, ',');
        buffer_add(out, piece->text);
    }
    buffer_add_char(out, texts ? '"' : ']');
}

static void write_node(struct buffer *out, const struct json_merge_node *node)
{
    switch (node->kind) {
    case NODE_EMPTY:
        break;
    case NODE_VALUE:
        value_write(out, &node->value);
        break;
    case NODE_TEXTS:
    case NODE_LISTS:
        write_pieces(out, node);
        break;
    case NODE_OBJECT:
        buffer_add_char(out, '{');
        for (size_t i = 0; i < node->count; i++) {
            if (i > 0)
                buffer_add_char(out, ',');
            json_write_string(out, node->members[i].name);
            buffer_add_char(out, ':');
            write_node(out, node->members[i].node);
        }
        buffer_add_char(out, '}');
        break;
    }
}

void json_merge_write(const struct json_merge *m, struct buffer *out)
{
    if (m->root)
        write_node(out, m->root);
}
