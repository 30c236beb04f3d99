/* Runs a checked program on a record's scope. Nothing here fails loudly: where there is no value there is NOTHING, and
 * lack of memory shows in scope->arena->failed. All that is made lies in the arena. */
#include "expr/expr_program.h"
#include "limits.h"
#include "json/json_writer.h"

/* A let is evaluated at its first use, once a record; while that lasts it is nothing (it cannot use itself). */
static struct value *let_value(struct scope *scope, size_t slot)
{
    struct let_slot *let = slot < scope->let_count ? &scope->lets[slot] : NULL;
    if (!let || !let->expr || let->state == LET_BUSY)
        return NULL;
    if (let->state == LET_NEW) {
        unsigned refusals = scope->refusals;
        if (scope->depth == LIMIT_EVALUATION_DEPTH)
            return NULL;
        let->state = LET_BUSY;
        scope->depth++;
        let->value = expr_eval(let->expr, scope);
        scope->depth--;
        let->refused = scope->refusals != refusals;
        /* It will be looked into more than once. */
        if (!value_share(scope->arena, &let->value))
            let->value = VALUE_NONE;
        let->state = LET_DONE;
    }
    return &let->value;
}

/* The value a path begins at; NULL where there is none. */
static const struct value *root_value(const struct expr *e, struct scope *scope, struct value *room)
{
    switch (e->path.root) {
    case ROOT_RECORD:
        return &scope->record;
    case ROOT_PARENT:
        return e->path.index < scope->parent_count ? &scope->parents[e->path.index] : NULL;
    case ROOT_ITEM:
        return &scope->item;
    case ROOT_KEY:
        return &scope->key;
    case ROOT_OUTER:
        return &scope->outer;
    case ROOT_LET:
        return let_value(scope, e->path.index);
    case ROOT_META:
        if (!scope->meta)
            return NULL;
        *room = e->path.index == META_ALL ? meta_value(scope->meta, scope->arena)
                                          : meta_member_value(e->path.index, scope->meta, scope->arena);
        return room;
    }
    return NULL;
}

static struct value eval_path(const struct expr *e, struct scope *scope)
{
    struct value room;
    const struct value *root = root_value(e, scope, &room);
    if (!root || !value_is_there(root))
        return VALUE_NONE;
    return e->path.path ? jsonpath_value(scope->arena, e->path.path, root, &scope->record) : *root;
}

static struct value eval_first_of(const struct expr *e, struct scope *scope)
{
    struct value v = VALUE_NONE;
    for (size_t i = 0; i < e->parts.count && value_is_null_or_nothing(&v); i++)
        v = expr_eval(e->parts.items[i], scope);
    return v; /* where none is, the last one's null or nothing */
}

static struct value apply(const struct filter_use *use, struct scope *scope, struct value *in)
{
    const struct filter *f = use->filter;
    if (in->type == VALUE_NOTHING && !(f->traits & TAKES_NOTHING))
        return VALUE_NONE;
    if (in->type == VALUE_NULL && !(f->traits & TAKES_NULL))
        return VALUE_NONE;
    struct filter_run run = {.scope = scope, .arena = scope->arena, .args = use->args, .count = use->count};
    struct value out = f->apply(&run, in);
    scope->refusals += run.refused;
    if (run.refused && scope->filter_failures)
        scope->filter_failures[filter_index(f)]++;
    return out;
}

static struct value eval_filtered(const struct expr *e, struct scope *scope)
{
    struct value v = expr_eval(e->filtered.of, scope);
    for (size_t i = 0; i < e->filtered.count; i++)
        v = apply(&e->filtered.filters[i], scope, &v);
    return v;
}

static struct value eval_template(const struct expr *e, struct scope *scope)
{
    struct buffer b;
    buffer_init_in(&b, scope->arena);
    for (size_t i = 0; i < e->parts.count; i++) {
        struct value v = expr_eval(e->parts.items[i], scope);
        if (value_is_null_or_nothing(&v))
            return VALUE_NONE;
        buffer_add(&b, value_as_text(scope->arena, &v));
    }
    return filter_made_text(&b);
}

static struct value eval_list(const struct expr *e, struct scope *scope)
{
    struct buffer b;
    bool map = e->op == EXPR_MAP;
    buffer_init_in(&b, scope->arena);
    buffer_add_char(&b, map ? '{' : '[');
    for (size_t i = 0; i < e->parts.count; i++) {
        struct value v = expr_eval(e->parts.items[i], scope);
        if (!value_is_there(&v))
            continue;
        if (b.len > 1)
            buffer_add_char(&b, ',');
        if (map) {
            json_write_string(&b, e->parts.names[i]);
            buffer_add_char(&b, ':');
        }
        value_write(&b, &v);
    }
    buffer_add_char(&b, map ? '}' : ']');
    return filter_made_json(&b);
}

static struct value eval_nested(const struct expr *e, struct scope *scope)
{
    struct value v = VALUE_NONE;
    if (scope->depth == LIMIT_EVALUATION_DEPTH)
        return v;
    scope->depth++;
    switch (e->op) {
    case EXPR_FIRST_OF:
        v = eval_first_of(e, scope);
        break;
    case EXPR_FILTERED:
        v = eval_filtered(e, scope);
        break;
    case EXPR_TEMPLATE:
        v = eval_template(e, scope);
        break;
    case EXPR_LIST:
    case EXPR_MAP:
        v = eval_list(e, scope);
        break;
    case EXPR_LITERAL:
    case EXPR_PATH:
        break;
    }
    scope->depth--;
    return v;
}

/* How deep it goes is counted where one waits for another; only a long chain of lets comes to the limit. */
struct value expr_eval(const struct expr *e, struct scope *scope)
{
    if (e->op == EXPR_PATH) /* made where the caller wants it: a copy would have to wait for its parts */
        return eval_path(e, scope);
    return e->op == EXPR_LITERAL ? e->literal : eval_nested(e, scope);
}

/* ---- for_each ---- */

static bool each_of_query(const struct expr *e, struct scope *scope, struct value **ret_items, struct value **ret_keys,
                          size_t *ret_count)
{
    struct value room;
    const struct value *root = root_value(e, scope, &room);
    if (!root || !value_is_there(root)) {
        *ret_count = 0;
        return !scope->arena->failed;
    }
    return jsonpath_nodes_with_keys(scope->arena, e->path.path, root, &scope->record, ret_items, ret_keys, ret_count);
}

static bool each_part(struct arena *arena, struct value *of, struct value **ret_items, struct value **ret_keys,
                      size_t *ret_count)
{
    size_t count = 0, i = 0;
    struct value_walk walk = {.of = *of};
    while (value_walk_next(arena, &walk))
        count++;
    struct value *items = arena_calloc(arena, count, sizeof *items);
    struct value *keys = arena_calloc(arena, count, sizeof *keys);
    if (!items || !keys)
        return false;
    for (walk = (struct value_walk){.of = *of}; i < count && value_walk_next(arena, &walk);) {
        if (of->type == VALUE_OBJECT && value_walk_is_shadowed(&walk))
            continue;
        items[i] = walk.value;
        keys[i] = of->type == VALUE_OBJECT ? walk.name : value_of_int(arena, (int64_t)i);
        i++;
    }
    *ret_items = items;
    *ret_keys = keys;
    *ret_count = i;
    return !arena->failed;
}

bool expr_eval_each(const struct expr *e, struct scope *scope, struct value **ret_items, struct value **ret_keys,
                    size_t *ret_count)
{
    if (e->op == EXPR_PATH && e->path.path && !jsonpath_is_singular(e->path.path))
        return each_of_query(e, scope, ret_items, ret_keys, ret_count);

    struct value v = expr_eval(e, scope);
    if (scope->arena->failed)
        return false;
    if (value_is_container(&v))
        return value_know(scope->arena, &v) && each_part(scope->arena, &v, ret_items, ret_keys, ret_count);
    struct value *one = arena_calloc(scope->arena, 2, sizeof *one);
    if (!one)
        return false;
    one[0] = v; /* one[1], its key, is NOTHING */
    *ret_items = &one[0];
    *ret_keys = &one[1];
    *ret_count = value_is_there(&v) ? 1 : 0;
    return true;
}
