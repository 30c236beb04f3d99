/* The nodes of a query (RFC 9535, 2.3 and 2.5), as tokens of a document.
 *
 * A list of nodes goes through the segments one after the other; each segment makes a new list out of it. `..` walks
 * down with a list of what is still to be visited, not by recursion, so that only filters within filters nest (at most
 * LIMIT_PATH_DEPTH deep). The lists can grow with every segment, and filters can look at the same things again and
 * again: LIMIT_PATH_NODES and LIMIT_PATH_STEPS end that.
 *
 * Of members with the same name the last counts, everywhere. */
#include "path/jsonpath_eval.h"

#include "limits.h"

bool path_spend(struct path_eval *eval, size_t steps)
{
    if (eval->steps < steps)
        eval->arena->failed = true;
    else
        eval->steps -= steps;
    return !eval->arena->failed;
}

static bool push(struct path_eval *eval, struct path_nodes *nodes, uint32_t token, uint32_t index)
{
    if (nodes->count == nodes->room) {
        size_t room = nodes->room ? 2 * nodes->room : 16;
        struct path_node *list = arena_grow(eval->arena, nodes->list, nodes->room * sizeof *list, room * sizeof *list);
        if (!list)
            return false;
        nodes->list = list;
        nodes->room = room;
    }
    if (nodes->count >= LIMIT_PATH_NODES) {
        eval->arena->failed = true;
        return false;
    }
    nodes->list[nodes->count++] = (struct path_node){token, index};
    return true;
}

/* ---- Children ---------------------------------------------------------------------------------------------------- */

struct children {
    uint32_t *tokens; /* of the values */
    size_t count;
};

/* All of an array's elements; of an object's members those that no later one of the same name replaces. */
static bool children_of(struct path_eval *eval, const struct json_doc *doc, uint32_t container,
                        struct children *ret_children)
{
    struct children children = {NULL, 0};
    struct value_walk walk = {.of = value_of_token(doc, container)};
    if (!path_spend(eval, doc->tokens[container].size))
        return false;
    children.tokens = arena_calloc(eval->arena, doc->tokens[container].size, sizeof *children.tokens);
    struct arena_mark mark = arena_mark(eval->arena);
    while (!eval->arena->failed && value_walk_next(eval->arena, &walk)) {
        if (!value_walk_is_shadowed(&walk))
            children.tokens[children.count++] = walk.value.token;
    }
    if (eval->arena->failed)
        return false;
    arena_rewind(eval->arena, mark);
    *ret_children = children;
    return true;
}

bool path_count_children(struct path_eval *eval, const struct value *container, size_t *ret_count)
{
    struct children children;
    if (!children_of(eval, container->doc, container->token, &children))
        return false;
    *ret_count = children.count;
    return true;
}

/* ---- Selectors --------------------------------------------------------------------------------------------------- */

/* What a name or index leads to; 0: nothing. Both are looked for from the first child on. */
static uint32_t child_at(struct path_eval *eval, const struct json_doc *doc, uint32_t token,
                         const struct path_selector *selector)
{
    const struct json_token *t = &doc->tokens[token];
    if (selector->kind == PATH_NAME)
        return t->type == JSON_OBJECT && path_spend(eval, t->size) ? json_member(doc, token, selector->name) : 0;
    bool near = selector->index >= 0 && selector->index < t->size;
    size_t steps = near ? (size_t)selector->index : t->size;
    return t->type == JSON_ARRAY && path_spend(eval, steps) ? json_element(doc, token, selector->index) : 0;
}

static bool select_name(struct path_eval *eval, const struct json_doc *doc, uint32_t token,
                        const struct path_selector *selector, struct path_nodes *out)
{
    uint32_t child = child_at(eval, doc, token, selector);
    return child ? push(eval, out, child, PATH_MEMBER) : !eval->arena->failed;
}

static bool select_index(struct path_eval *eval, const struct json_doc *doc, uint32_t token,
                         const struct path_selector *selector, struct path_nodes *out)
{
    uint32_t child = child_at(eval, doc, token, selector);
    int64_t index = selector->index < 0 ? selector->index + doc->tokens[token].size : selector->index;
    return child ? push(eval, out, child, (uint32_t)index) : !eval->arena->failed;
}

static uint32_t index_of(const struct json_doc *doc, uint32_t container, size_t i)
{
    return doc->tokens[container].type == JSON_ARRAY ? (uint32_t)i : PATH_MEMBER;
}

static bool select_wildcard(struct path_eval *eval, const struct json_doc *doc, uint32_t token,
                            const struct path_selector *selector, struct path_nodes *out)
{
    (void)selector;
    struct children children;
    if (!children_of(eval, doc, token, &children))
        return false;
    for (size_t i = 0; i < children.count; i++) {
        if (!push(eval, out, children.tokens[i], index_of(doc, token, i)))
            return false;
    }
    return true;
}

static int64_t clamp(int64_t i, int64_t low, int64_t high)
{
    return i < low ? low : i > high ? high : i;
}

/* The bounds and the order are those of RFC 9535, 2.3.4.2.2. */
static bool select_slice(struct path_eval *eval, const struct json_doc *doc, uint32_t token,
                         const struct path_selector *selector, struct path_nodes *out)
{
    const struct path_range *range = &selector->range;
    struct children elements;
    if (doc->tokens[token].type != JSON_ARRAY || range->step == 0)
        return true;
    if (!children_of(eval, doc, token, &elements))
        return false;
    int64_t len = (int64_t)elements.count;
    bool forward = range->step > 0;
    int64_t low = forward ? 0 : -1;
    int64_t high = forward ? len : len - 1;
    int64_t start = range->start < 0 ? range->start + len : range->start;
    int64_t end = range->end < 0 ? range->end + len : range->end;
    start = range->has_start ? clamp(start, low, high) : forward ? low : high;
    end = range->has_end ? clamp(end, low, high) : forward ? high : low;
    for (int64_t i = start; forward ? i < end : i > end; i += range->step) {
        if (!push(eval, out, elements.tokens[i], (uint32_t)i))
            return false;
    }
    return true;
}

static bool select_filter(struct path_eval *eval, const struct json_doc *doc, uint32_t token,
                          const struct path_selector *selector, struct path_nodes *out)
{
    struct children children;
    if (!children_of(eval, doc, token, &children))
        return false;
    for (size_t i = 0; i < children.count; i++) {
        struct value current = value_of_token(doc, children.tokens[i]);
        struct arena_mark mark = arena_mark(eval->arena);
        bool holds = path_holds(eval, selector->filter, &current);
        if (eval->arena->failed)
            return false;
        arena_rewind(eval->arena, mark);
        if (holds && !push(eval, out, children.tokens[i], index_of(doc, token, i)))
            return false;
    }
    return true;
}

static bool (*const selectors[])(struct path_eval *, const struct json_doc *, uint32_t, const struct path_selector *,
                                 struct path_nodes *) = {
    [PATH_NAME] = select_name,   [PATH_INDEX] = select_index,   [PATH_WILDCARD] = select_wildcard,
    [PATH_SLICE] = select_slice, [PATH_FILTER] = select_filter,
};

/* ---- Segments and queries ---------------------------------------------------------------------------------------- */

static bool apply_selectors(struct path_eval *eval, const struct json_doc *doc, uint32_t token,
                            const struct path_segment *segment, struct path_nodes *out)
{
    for (const struct path_selector *s = segment->selectors; s; s = s->next) {
        if (!selectors[s->kind](eval, doc, token, s, out))
            return false;
    }
    return true;
}

/* The selectors applied to the node and to everything below it, a node before its children. */
static bool apply_below(struct path_eval *eval, const struct json_doc *doc, uint32_t token,
                        const struct path_segment *segment, struct path_nodes *out)
{
    struct path_nodes to_visit = {0};
    if (!push(eval, &to_visit, token, PATH_MEMBER))
        return false;
    while (to_visit.count) {
        uint32_t here = to_visit.list[--to_visit.count].token;
        struct children children;
        if (!apply_selectors(eval, doc, here, segment, out) || !children_of(eval, doc, here, &children))
            return false;
        for (size_t i = children.count; i-- > 0;) {
            bool container = doc->tokens[children.tokens[i]].type >= JSON_ARRAY;
            if (container && !push(eval, &to_visit, children.tokens[i], PATH_MEMBER))
                return false;
        }
    }
    return true;
}

struct value path_find(struct path_eval *eval, const struct path_query *query, const struct value *start)
{
    if (!query->segments)
        return *start;
    if (!value_is_container(start))
        return VALUE_NONE;
    uint32_t token = start->token;
    for (const struct path_segment *s = query->segments; s; s = s->next) {
        token = child_at(eval, start->doc, token, s->selectors);
        if (!token)
            return VALUE_NONE;
    }
    return value_of_token(start->doc, token);
}

bool path_collect(struct path_eval *eval, const struct path_query *query, const struct value *start,
                  struct path_nodes *ret_nodes)
{
    struct path_nodes nodes = {0};
    if (value_is_container(start) && !push(eval, &nodes, start->token, PATH_MEMBER))
        return false;
    for (const struct path_segment *s = query->segments; s; s = s->next) {
        struct path_nodes next = {0};
        for (size_t i = 0; i < nodes.count; i++) {
            if (!(s->descendant ? apply_below : apply_selectors)(eval, start->doc, nodes.list[i].token, s, &next))
                return false;
        }
        nodes = next;
    }
    *ret_nodes = nodes;
    return true;
}
