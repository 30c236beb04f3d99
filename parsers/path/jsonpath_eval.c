/* The nodes of a query (RFC 9535, 2.3 and 2.5), as tokens of a document, or as places in its text.
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

static bool push(struct path_eval *eval, struct path_nodes *nodes, const struct path_node *node)
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
    nodes->list[nodes->count++] = *node;
    return true;
}

/* ---- Nodes ------------------------------------------------------------------------------------------------------- */

static struct slice text_of(const struct json_doc *doc, const struct path_node *node)
{
    return slice_of(doc->text.text + node->at, node->end - node->at);
}

static struct path_node node_at(const struct path_eval *eval, const struct value *container)
{
    const char *text = container->doc->text.text;
    if (!eval->by_text)
        return (struct path_node){.at = container->token, .index = PATH_MEMBER};
    size_t at = (size_t)(container->text.text - text);
    return (struct path_node){.at = (uint32_t)at, .end = (uint32_t)(at + container->text.len), .index = PATH_MEMBER};
}

static struct path_node node_of_walk(const struct json_doc *doc, const struct json_walk *walk, size_t index)
{
    const char *text = doc->text.text;
    return (struct path_node){.at = (uint32_t)(walk->value.text - text),
                              .end = (uint32_t)(walk->at - text),
                              .name = walk->object ? (uint32_t)(walk->name.text - text) : 0,
                              .index = walk->object ? PATH_MEMBER : (uint32_t)index};
}

static enum json_type type_of(const struct path_eval *eval, const struct json_doc *doc, const struct path_node *node)
{
    return eval->by_text ? json_type_of_text(doc->text.text[node->at]) : (enum json_type)doc->tokens[node->at].type;
}

struct value path_node_value(const struct path_eval *eval, struct json_doc *doc, const struct path_node *node)
{
    return eval->by_text ? value_of_part(doc, text_of(doc, node)) : value_of_token(doc, node->at);
}

struct value path_node_key(const struct path_eval *eval, struct json_doc *doc, const struct path_node *node)
{
    bool escaped;
    if (node->index != PATH_MEMBER)
        return value_of_int(eval->arena, node->index);
    if (!eval->by_text)
        return value_of_token(doc, node->at - 1);
    const char *name = doc->text.text + node->name;
    const char *quote = json_quote_of(name, doc->text.text + doc->text.len, &escaped);
    return (struct value){.type = VALUE_STRING, .text = slice_of(name, (size_t)(quote - name))};
}

/* ---- Children ---------------------------------------------------------------------------------------------------- */

static bool children_by_token(struct path_eval *eval, struct json_doc *doc, uint32_t container, struct path_nodes *ret)
{
    struct path_nodes children = {.room = doc->tokens[container].size};
    struct value_walk walk = {.of = value_of_token(doc, container)};
    if (!path_spend(eval, children.room))
        return false;
    children.list = arena_calloc(eval->arena, children.room, sizeof *children.list);
    struct arena_mark mark = arena_mark(eval->arena);
    while (!eval->arena->failed && value_walk_next(eval->arena, &walk)) {
        bool member = walk.of.type == VALUE_OBJECT;
        if (!member || !value_walk_is_shadowed(&walk))
            children.list[children.count++] =
                (struct path_node){.at = walk.at + member, .index = member ? PATH_MEMBER : walk.nth};
    }
    if (eval->arena->failed)
        return false;
    arena_rewind(eval->arena, mark);
    *ret = children;
    return true;
}

static bool elements_by_text(struct path_eval *eval, const struct json_doc *doc, const struct path_node *array,
                             struct path_nodes *ret)
{
    for (struct json_walk walk = json_walk_of(text_of(doc, array), doc->index); json_walk_next(&walk);) {
        struct path_node node = node_of_walk(doc, &walk, ret->count);
        if (!path_spend(eval, 1) || !push(eval, ret, &node))
            return false;
    }
    return true;
}

static bool members_by_text(struct path_eval *eval, struct json_doc *doc, const struct path_node *object,
                            struct path_nodes *ret)
{
    struct value_walk walk = {.of = value_of_part(doc, text_of(doc, object)), .by_text = true};
    while (value_walk_next(eval->arena, &walk)) {
        struct path_node node = node_of_walk(doc, &walk.text, 0);
        if (!path_spend(eval, 1) || (!value_walk_is_shadowed(&walk) && !push(eval, ret, &node)))
            return false;
    }
    return !eval->arena->failed;
}

/* All of an array's elements; of an object's members those that no later one of the same name replaces. */
static bool children_of(struct path_eval *eval, struct json_doc *doc, const struct path_node *node,
                        struct path_nodes *ret_children)
{
    *ret_children = (struct path_nodes){0};
    if (!eval->by_text)
        return children_by_token(eval, doc, node->at, ret_children);
    switch (type_of(eval, doc, node)) {
    case JSON_ARRAY:
        return elements_by_text(eval, doc, node, ret_children);
    case JSON_OBJECT:
        return members_by_text(eval, doc, node, ret_children);
    default:
        return true;
    }
}

bool path_count_children(struct path_eval *eval, const struct value *container, size_t *ret_count)
{
    struct path_node node = node_at(eval, container);
    struct path_nodes children;
    if (!children_of(eval, container->doc, &node, &children))
        return false;
    *ret_count = children.count;
    return true;
}

/* What a name or index leads to; both are looked for from the first child on. False: nothing, or an end of the work. */
static bool child_by_token(struct path_eval *eval, const struct json_doc *doc, uint32_t token,
                           const struct path_selector *selector, struct path_node *ret)
{
    const struct json_token *t = &doc->tokens[token];
    uint32_t child;
    if (selector->kind == PATH_NAME) {
        child = t->type == JSON_OBJECT && path_spend(eval, t->size) ? json_member(doc, token, selector->name) : 0;
        *ret = (struct path_node){.at = child, .index = PATH_MEMBER};
        return child;
    }
    int64_t index = selector->index < 0 ? selector->index + t->size : selector->index;
    size_t steps = selector->index >= 0 && index < t->size ? (size_t)index : t->size;
    child = t->type == JSON_ARRAY && path_spend(eval, steps) ? json_element(doc, token, selector->index) : 0;
    *ret = (struct path_node){.at = child, .index = (uint32_t)index};
    return child;
}

/* ... in the document's own object, whose members are listed. */
static bool member_by_entry(const struct json_doc *doc, struct slice name, struct path_node *ret)
{
    const struct json_entry *entry = json_doc_entry(doc, name);
    if (entry)
        *ret =
            (struct path_node){.at = entry->value, .end = entry->value_end, .name = entry->name, .index = PATH_MEMBER};
    return entry;
}

static bool member_by_text(struct path_eval *eval, const struct json_doc *doc, struct slice object, struct slice name,
                           struct path_node *ret)
{
    if (object.text == doc->text.text && doc->is_listed && doc->entries)
        return path_spend(eval, doc->entry_count) && member_by_entry(doc, name, ret);
    bool found = false;
    size_t members = 0;
    for (struct json_walk walk = json_walk_of(object, doc->index); json_walk_next(&walk); members++) {
        if (!json_walk_is_named(&walk, name))
            continue;
        *ret = node_of_walk(doc, &walk, 0);
        found = true;
    }
    return path_spend(eval, members) && found;
}

static bool element_by_text(struct path_eval *eval, const struct json_doc *doc, struct slice array, int64_t index,
                            struct path_node *ret)
{
    struct json_walk walk = json_walk_of(array, doc->index);
    size_t steps = 0;
    if (index < 0) {
        for (; json_walk_next(&walk); steps++)
            index++;
        walk = json_walk_of(array, doc->index);
    }
    for (int64_t i = 0; index >= 0 && json_walk_next(&walk); i++, steps++) {
        *ret = node_of_walk(doc, &walk, (size_t)i);
        if (i == index)
            return path_spend(eval, steps);
    }
    path_spend(eval, steps);
    return false;
}

static bool child_at(struct path_eval *eval, const struct json_doc *doc, const struct path_node *node,
                     const struct path_selector *selector, struct path_node *ret)
{
    if (!eval->by_text)
        return child_by_token(eval, doc, node->at, selector, ret);
    if (selector->kind == PATH_NAME)
        return type_of(eval, doc, node) == JSON_OBJECT &&
               member_by_text(eval, doc, text_of(doc, node), selector->name, ret);
    return type_of(eval, doc, node) == JSON_ARRAY &&
           element_by_text(eval, doc, text_of(doc, node), selector->index, ret);
}

/* ---- Selectors --------------------------------------------------------------------------------------------------- */

static bool select_child(struct path_eval *eval, struct json_doc *doc, const struct path_node *node,
                         const struct path_selector *selector, struct path_nodes *out)
{
    struct path_node child;
    bool found = child_at(eval, doc, node, selector, &child);
    return found ? push(eval, out, &child) : !eval->arena->failed;
}

static bool select_wildcard(struct path_eval *eval, struct json_doc *doc, const struct path_node *node,
                            const struct path_selector *selector, struct path_nodes *out)
{
    (void)selector;
    struct path_nodes children;
    if (!children_of(eval, doc, node, &children))
        return false;
    if (eval->by_text && out->count == 0) { /* they were pushed one by one: the ceiling was looked at */
        *out = children;
        return true;
    }
    for (size_t i = 0; i < children.count; i++) {
        if (!push(eval, out, &children.list[i]))
            return false;
    }
    return true;
}

static int64_t clamp(int64_t i, int64_t low, int64_t high)
{
    return i < low ? low : i > high ? high : i;
}

/* The bounds and the order are those of RFC 9535, 2.3.4.2.2. */
static bool select_slice(struct path_eval *eval, struct json_doc *doc, const struct path_node *node,
                         const struct path_selector *selector, struct path_nodes *out)
{
    const struct path_range *range = &selector->range;
    struct path_nodes elements;
    if (type_of(eval, doc, node) != JSON_ARRAY || range->step == 0)
        return true;
    if (!children_of(eval, doc, node, &elements))
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
        if (!push(eval, out, &elements.list[i]))
            return false;
    }
    return true;
}

static bool select_filter(struct path_eval *eval, struct json_doc *doc, const struct path_node *node,
                          const struct path_selector *selector, struct path_nodes *out)
{
    struct path_nodes children;
    if (!children_of(eval, doc, node, &children))
        return false;
    for (size_t i = 0; i < children.count; i++) {
        struct value current = path_node_value(eval, doc, &children.list[i]);
        struct arena_mark mark = arena_mark(eval->arena);
        bool holds = path_holds(eval, selector->filter, &current);
        if (eval->arena->failed)
            return false;
        arena_rewind(eval->arena, mark);
        if (holds && !push(eval, out, &children.list[i]))
            return false;
    }
    return true;
}

static bool (*const selectors[])(struct path_eval *, struct json_doc *, const struct path_node *,
                                 const struct path_selector *, struct path_nodes *) = {
    [PATH_NAME] = select_child,  [PATH_INDEX] = select_child,   [PATH_WILDCARD] = select_wildcard,
    [PATH_SLICE] = select_slice, [PATH_FILTER] = select_filter,
};

/* ---- Segments and queries ---------------------------------------------------------------------------------------- */

static bool apply_selectors(struct path_eval *eval, struct json_doc *doc, const struct path_node *node,
                            const struct path_segment *segment, struct path_nodes *out)
{
    for (const struct path_selector *s = segment->selectors; s; s = s->next) {
        if (!selectors[s->kind](eval, doc, node, s, out))
            return false;
    }
    return true;
}

/* The selectors applied to the node and to everything below it, a node before its children. */
static bool apply_below(struct path_eval *eval, struct json_doc *doc, const struct path_node *node,
                        const struct path_segment *segment, struct path_nodes *out)
{
    struct path_nodes to_visit = {0};
    if (!push(eval, &to_visit, node))
        return false;
    while (to_visit.count) {
        struct path_node here = to_visit.list[--to_visit.count];
        struct path_nodes children;
        if (!apply_selectors(eval, doc, &here, segment, out) || !children_of(eval, doc, &here, &children))
            return false;
        for (size_t i = children.count; i-- > 0;) {
            bool container = type_of(eval, doc, &children.list[i]) >= JSON_ARRAY;
            if (container && !push(eval, &to_visit, &children.list[i]))
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
    struct path_node node = node_at(eval, start);
    for (const struct path_segment *s = query->segments; s; s = s->next) {
        if (!child_at(eval, start->doc, &node, s->selectors, &node))
            return VALUE_NONE;
    }
    return path_node_value(eval, start->doc, &node);
}

bool path_collect(struct path_eval *eval, const struct path_segment *segments, const struct value *start,
                  struct path_nodes *ret_nodes)
{
    struct path_nodes nodes = {0};
    if (value_is_container(start)) {
        struct path_node node = node_at(eval, start);
        if (!push(eval, &nodes, &node))
            return false;
    }
    for (const struct path_segment *s = segments; s; s = s->next) {
        struct path_nodes next = {0};
        for (size_t i = 0; i < nodes.count; i++) {
            if (!(s->descendant ? apply_below : apply_selectors)(eval, start->doc, &nodes.list[i], s, &next))
                return false;
        }
        nodes = next;
    }
    *ret_nodes = nodes;
    return true;
}
