/* `when`: a tree of conditions, evaluated on a record's scope. */
#include "expr/condition.h"

typedef bool operator_function(const struct condition *c, struct scope *scope, struct value *v);

static bool holds_eq(const struct condition *c, struct scope *scope, struct value *v)
{
    return value_equal(scope->arena, v, &c->literals[0]);
}

static bool holds_ne(const struct condition *c, struct scope *scope, struct value *v)
{
    return !holds_eq(c, scope, v);
}

static bool holds_order(const struct condition *c, struct scope *scope, struct value *v)
{
    int order;
    if (!value_compare(scope->arena, v, &c->literals[0], &order))
        return false;
    switch (c->op) {
    case COND_GT:
        return order > 0;
    case COND_GTE:
        return order >= 0;
    case COND_LT:
        return order < 0;
    default:
        return order <= 0;
    }
}

static bool holds_one_of(const struct condition *c, struct scope *scope, struct value *v)
{
    for (size_t i = 0; i < c->literal_count; i++)
        if (value_equal(scope->arena, v, &c->literals[i]))
            return true;
    return false;
}

static bool holds_exists(const struct condition *c, struct scope *scope, struct value *v)
{
    (void)scope;
    return value_is_there(v) == (c->literals[0].type == VALUE_TRUE);
}

static bool holds_matches(const struct condition *c, struct scope *scope, struct value *v)
{
    if (v->type != VALUE_STRING)
        return false;
    enum regex_result r = regex_search(c->regex, value_plain(scope->arena, v), 0, NULL);
    if (r == REGEX_LIMIT)
        scope->match_limit_hits++;
    return r == REGEX_YES;
}

static bool array_contains(struct scope *scope, struct value *array, const struct value *element)
{
    struct value_walk walk = {.of = *array};
    while (value_walk_next(scope->arena, &walk))
        if (value_equal(scope->arena, &walk.value, element))
            return true;
    return false;
}

static bool holds_text(const struct condition *c, struct scope *scope, struct value *v)
{
    if (v->type != VALUE_STRING || c->literals[0].type != VALUE_STRING)
        return false;
    struct slice text = value_plain(scope->arena, v), part = value_plain(scope->arena, &c->literals[0]);
    if (c->op == COND_STARTS_WITH)
        return slice_starts_with(text, part);
    if (c->op == COND_ENDS_WITH)
        return slice_ends_with(text, part);
    return part.len == 0 || (text.len && memmem(text.text, text.len, part.text, part.len));
}

static bool holds_contains(const struct condition *c, struct scope *scope, struct value *v)
{
    if (v->type == VALUE_ARRAY)
        return array_contains(scope, v, &c->literals[0]);
    return holds_text(c, scope, v);
}

static const struct operator
{
    operator_function *holds;
    bool on_nothing; /* whether it is asked where there is no value; else it does not hold there */
}
operators[] = {
    [COND_EQ] = {holds_eq, false},
    [COND_NE] = {holds_ne, true},
    [COND_GT] = {holds_order, false},
    [COND_GTE] = {holds_order, false},
    [COND_LT] = {holds_order, false},
    [COND_LTE] = {holds_order, false},
    [COND_ONE_OF] = {holds_one_of, false},
    [COND_EXISTS] = {holds_exists, true},
    [COND_MATCHES] = {holds_matches, false},
    [COND_CONTAINS] = {holds_contains, false},
    [COND_STARTS_WITH] = {holds_text, false},
    [COND_ENDS_WITH] = {holds_text, false},
};

static bool holds_on(const struct condition *c, struct scope *scope, struct value *v)
{
    const struct operator* op = & operators[c->op];
    return (value_is_there(v) || op->on_nothing) && op->holds(c, scope, v);
}

bool condition_can_hold_on(const struct condition *c, struct scope *scope, struct value *v)
{
    return c->op == COND_MATCHES ? v->type == VALUE_STRING : holds_on(c, scope, v);
}

static bool leaf_holds(const struct condition *c, struct scope *scope)
{
    struct value v = expr_eval(c->key, scope);
    return holds_on(c, scope, &v);
}

const struct condition *condition_why_not(const struct condition *c, struct scope *scope)
{
    const struct condition *first = NULL;
    switch (c->op) {
    case COND_ALL:
    case COND_NOT:
        for (size_t i = 0; i < c->child_count && !first; i++)
            first = condition_why_not(&c->children[i], scope);
        if (c->op == COND_NOT)
            return first ? NULL : c;
        return first;
    case COND_ANY:
        for (size_t i = 0; i < c->child_count; i++) {
            const struct condition *why = condition_why_not(&c->children[i], scope);
            if (!why)
                return NULL;
            first = first ? first : why;
        }
        return first ? first : c;
    default:
        return leaf_holds(c, scope) ? NULL : c;
    }
}

bool condition_holds(const struct condition *c, struct scope *scope)
{
    return condition_why_not(c, scope) == NULL;
}

/* ---- for the pre-filter ---- */

static bool one_text(struct arena *arena, struct slice text, const struct slice **ret_texts, size_t *ret_count)
{
    struct slice *texts = arena_alloc(arena, sizeof *texts);
    if (!texts)
        return false;
    texts[0] = text;
    *ret_texts = texts;
    *ret_count = 1;
    return true;
}

static bool all_texts(const struct condition *c)
{
    for (size_t i = 0; i < c->literal_count; i++)
        if (c->literals[i].type != VALUE_STRING)
            return false;
    return c->literal_count > 0;
}

/* A member of the record that has to be one of some texts: these; one that has to be there at all: its name. */
static bool leaf_needs_text(const struct condition *c, struct arena *arena, const struct slice **ret_texts,
                            size_t *ret_count)
{
    const struct slice *names;
    size_t count;

    if (c->op == COND_NE || (c->op == COND_EXISTS && c->literals[0].type != VALUE_TRUE))
        return false;
    if (!expr_member_chain(c->key, &names, &count) || count == 0)
        return false;
    if ((c->op != COND_EQ && c->op != COND_ONE_OF) || !all_texts(c))
        return one_text(arena, names[count - 1], ret_texts, ret_count);
    struct slice *texts = arena_calloc(arena, c->literal_count, sizeof *texts);
    if (!texts)
        return false;
    for (size_t i = 0; i < c->literal_count; i++)
        texts[i] = value_plain(arena, &c->literals[i]);
    *ret_texts = texts;
    *ret_count = c->literal_count;
    return !arena->failed;
}

/* Of conditions that must all hold: the set that says most, which is the smallest one, values before names. */
static bool all_need_text(const struct condition *c, struct arena *arena, const struct slice **ret_texts,
                          size_t *ret_count)
{
    bool found = false, found_value = false;
    for (size_t i = 0; i < c->child_count; i++) {
        const struct condition *child = &c->children[i];
        const struct slice *texts;
        size_t count;
        if (!condition_needs_text(child, arena, &texts, &count))
            continue;
        bool value = child->op == COND_EQ || child->op == COND_ONE_OF;
        if (found && (found_value > value || (found_value == value && *ret_count <= count)))
            continue;
        *ret_texts = texts;
        *ret_count = count;
        found = true;
        found_value = value;
    }
    return found;
}

static bool any_needs_text(const struct condition *c, struct arena *arena, const struct slice **ret_texts,
                           size_t *ret_count)
{
    struct slice *all = NULL;
    size_t total = 0;
    for (size_t i = 0; i < c->child_count; i++) {
        const struct slice *texts;
        size_t count;
        if (!condition_needs_text(&c->children[i], arena, &texts, &count))
            return false;
        all = arena_grow(arena, all, total * sizeof *all, (total + count) * sizeof *all);
        if (!all)
            return false;
        memcpy(all + total, texts, count * sizeof *texts);
        total += count;
    }
    *ret_texts = all;
    *ret_count = total;
    return total > 0;
}

bool condition_needs_text(const struct condition *c, struct arena *arena, const struct slice **ret_texts,
                          size_t *ret_count)
{
    switch (c->op) {
    case COND_ALL:
        return all_need_text(c, arena, ret_texts, ret_count);
    case COND_ANY:
        return any_needs_text(c, arena, ret_texts, ret_count);
    case COND_NOT:
        return false;
    default:
        return leaf_needs_text(c, arena, ret_texts, ret_count);
    }
}
