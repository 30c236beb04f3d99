/* The face of JSONPath: what is asked of a compiled path, and its nodes as values. */
#include "path/jsonpath.h"

#include "limits.h"
#include "path/jsonpath_eval.h"
#include "path/jsonpath_parse.h"

/* ---- Compiling --------------------------------------------------------------------------------------------------- */

/* Fills names and name_count where each segment is one member's name. */
static bool note_names(struct arena *arena, struct jsonpath *path)
{
    size_t count = 0;
    for (const struct path_segment *s = path->query.segments; s; s = s->next) {
        if (!path->query.singular || s->selectors->kind != PATH_NAME)
            return true;
        count++;
    }
    struct slice *names = arena_calloc(arena, count ? count : 1, sizeof *names);
    if (!names)
        return false;
    for (const struct path_segment *s = path->query.segments; s; s = s->next)
        names[path->name_count++] = s->selectors->name;
    path->names = names;
    return true;
}

const struct jsonpath *jsonpath_compile(struct arena *arena, struct regex_list *regexes, struct slice text,
                                        enum path_extent extent, size_t *ret_used, struct path_error *ret_error)
{
    struct path_lexer lexer = {.arena = arena, .text = text, .error = ret_error};
    if (text.len > LIMIT_EXPRESSION) {
        path_fail(&lexer, LIMIT_EXPRESSION, "longer than %zu bytes", LIMIT_EXPRESSION);
        return NULL;
    }
    struct jsonpath *path = arena_calloc(arena, 1, sizeof *path);
    if (!path) {
        path_no_memory(&lexer);
        return NULL;
    }
    if (!path_parse(&lexer, regexes, extent, &path->query, &path->uses_record))
        return NULL;
    if (!note_names(arena, path)) {
        path_no_memory(&lexer);
        return NULL;
    }
    *ret_used = lexer.at;
    return path;
}

/* ---- What a path is ---------------------------------------------------------------------------------------------- */

bool jsonpath_is_singular(const struct jsonpath *p)
{
    return p->query.singular;
}

bool jsonpath_member_chain(const struct jsonpath *p, const struct slice **ret_names, size_t *ret_count)
{
    if (!p->names)
        return false;
    *ret_names = p->names;
    *ret_count = p->name_count;
    return true;
}

bool jsonpath_first_member(const struct jsonpath *p, struct slice *ret_name)
{
    const struct path_segment *first = p->query.segments;
    if (!first || first->descendant || p->uses_record)
        return false;
    const struct path_selector *only = first->selectors;
    if (only->next || only->kind != PATH_NAME)
        return false;
    *ret_name = only->name;
    return true;
}

/* ---- Running ----------------------------------------------------------------------------------------------------- */

/* A copy of a value that has its tokens. */
static bool tokenised(struct arena *arena, const struct value *v, struct value *ret)
{
    *ret = *v;
    return !value_is_container(ret) || value_tokenise(arena, ret);
}

/* The nodes of a path with a segment at least. */
static bool collect(struct arena *arena, const struct jsonpath *p, const struct value *start,
                    const struct value *record, struct path_nodes *ret_nodes)
{
    struct value root = VALUE_NONE;
    if (p->uses_record && !tokenised(arena, record, &root))
        return false;
    struct path_eval eval = {.arena = arena, .record = &root, .steps = LIMIT_PATH_STEPS};
    bool collected = path_collect(&eval, &p->query, start, ret_nodes);
    regex_free_all(&eval.patterns);
    return collected;
}

/* A node's JSON text, a string's quotes included. */
static struct slice json_text_of(const struct json_doc *doc, uint32_t token)
{
    struct slice text = json_token_text(doc, token);
    return doc->tokens[token].type == JSON_STRING ? slice_of(text.text - 1, text.len + 2) : text;
}

static struct value array_of(struct arena *arena, const struct json_doc *doc, const struct path_nodes *nodes)
{
    size_t len = 1; /* brackets and commas: one more than there are nodes */
    for (size_t i = 0; i < nodes->count; i++)
        len += json_text_of(doc, nodes->list[i].token).len + 1;
    char *text = arena_alloc(arena, len);
    if (!text)
        return VALUE_NONE;
    char *at = text;
    for (size_t i = 0; i < nodes->count; i++) {
        struct slice node = json_text_of(doc, nodes->list[i].token);
        *at++ = i ? ',' : '[';
        memcpy(at, node.text, node.len);
        at += node.len;
    }
    *at = ']';
    return value_of_json(slice_of(text, len));
}

struct value jsonpath_value(struct arena *arena, const struct jsonpath *p, const struct value *start,
                            const struct value *record)
{
    struct value from;
    if (!p->query.segments)
        return *start;
    if (p->names) {
        from = *start;
        for (size_t i = 0; i < p->name_count && value_is_there(&from); i++)
            from = value_member(arena, &from, p->names[i]);
        return from;
    }
    if (!tokenised(arena, start, &from))
        return VALUE_NONE;
    if (p->query.singular) {
        struct path_eval eval = {.arena = arena, .steps = SIZE_MAX};
        return path_find(&eval, &p->query, &from);
    }
    struct path_nodes nodes;
    if (!collect(arena, p, &from, record, &nodes) || nodes.count == 0)
        return VALUE_NONE;
    return array_of(arena, from.doc, &nodes);
}

static struct value key_of(struct arena *arena, const struct json_doc *doc, const struct path_node *node)
{
    return node->index == PATH_MEMBER ? value_of_token(doc, node->token - 1) : value_of_int(arena, node->index);
}

bool jsonpath_nodes_with_keys(struct arena *arena, const struct jsonpath *p, const struct value *start,
                              const struct value *record, struct value **ret_nodes, struct value **ret_keys,
                              size_t *ret_count)
{
    struct value from;
    struct path_nodes nodes = {0};
    bool root = !p->query.segments;
    if (!tokenised(arena, start, &from) || (!root && !collect(arena, p, &from, record, &nodes)))
        return false;
    size_t count = root ? value_is_there(start) : nodes.count;
    struct value *values = arena_calloc(arena, count, sizeof *values);
    struct value *keys = ret_keys ? arena_calloc(arena, count, sizeof *keys) : NULL;
    if (!values || (ret_keys && !keys))
        return false;
    if (root && count)
        values[0] = from;
    for (size_t i = 0; i < nodes.count; i++) {
        values[i] = value_of_token(from.doc, nodes.list[i].token);
        if (keys)
            keys[i] = key_of(arena, from.doc, &nodes.list[i]);
    }
    if (arena->failed)
        return false;
    *ret_nodes = values;
    if (ret_keys)
        *ret_keys = keys;
    *ret_count = count;
    return true;
}

bool jsonpath_nodes(struct arena *arena, const struct jsonpath *p, const struct value *start,
                    const struct value *record, struct value **ret_nodes, size_t *ret_count)
{
    return jsonpath_nodes_with_keys(arena, p, start, record, ret_nodes, NULL, ret_count);
}
