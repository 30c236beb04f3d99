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

static bool is_singular(const struct path_segment *s)
{
    return !s->descendant && !s->selectors->next &&
           (s->selectors->kind == PATH_NAME || s->selectors->kind == PATH_INDEX);
}

/* How many comparisons a filter makes of a child at most. */
static size_t passes_of(const struct path_logic *logic)
{
    size_t passes = logic->kind >= PATH_COMPARE;
    for (const struct path_logic *part = logic->parts; part; part = part->next)
        passes += passes_of(part);
    return passes;
}

static void note_how_to_run(struct jsonpath *path)
{
    for (path->many = path->query.segments; path->many && is_singular(path->many); path->many = path->many->next)
        ;
    path->by_text = path_runs_by_text(path->many);
    for (const struct path_segment *s = path->by_text ? path->many : NULL; s; s = s->next)
        for (const struct path_selector *selector = s->selectors; selector; selector = selector->next)
            path->passes += 1 + (selector->kind == PATH_FILTER ? passes_of(selector->filter) : 0);
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
    note_how_to_run(path);
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

/* Nodes of a path, and how they were found. */
struct found {
    struct path_eval eval;
    struct json_doc *doc;
    struct path_nodes nodes;
};

/* The node that the names and indexes at its beginning lead to. */
static struct value first_steps(struct arena *arena, const struct jsonpath *p, const struct value *start)
{
    struct value v = *start;
    for (const struct path_segment *s = p->query.segments; s != p->many && value_is_there(&v); s = s->next)
        v = s->selectors->kind == PATH_NAME ? value_member(arena, &v, s->selectors->name)
                                            : value_element(arena, &v, s->selectors->index);
    return v;
}

/* The nodes that the segments, some of the path's, lead to from there. */
static bool collect(struct arena *arena, const struct jsonpath *p, const struct path_segment *segments,
                    struct value *from, const struct value *record, struct found *ret)
{
    struct value root = VALUE_NONE;
    *ret = (struct found){.eval = {.arena = arena, .record = &root, .steps = LIMIT_PATH_STEPS}};
    if (!value_is_container(from))
        return true;
    if (!value_know(arena, from))
        return false;
    ret->eval.by_text = p->by_text && !from->doc->tokens && json_doc_walk(arena, from->doc, p->passes * from->text.len);
    if (p->uses_record) {
        root = *record;
        if (!value_tokenise(arena, &root))
            return false;
    }
    if (!ret->eval.by_text && !value_tokenise(arena, from))
        return false;
    bool collected = path_collect(&ret->eval, segments, from, &ret->nodes);
    ret->doc = from->doc;
    regex_free_all(&ret->eval.patterns);
    return collected;
}

/* A node's JSON text, a string's quotes included. */
static struct slice json_text_of(const struct found *found, size_t i)
{
    struct value v = path_node_value(&found->eval, found->doc, &found->nodes.list[i]);
    return v.type == VALUE_STRING ? slice_of(v.text.text - 1, v.text.len + 2) : v.text;
}

static struct value array_of(struct arena *arena, const struct found *found)
{
    size_t len = 1; /* brackets and commas: one more than there are nodes */
    for (size_t i = 0; i < found->nodes.count; i++)
        len += json_text_of(found, i).len + 1;
    char *text = arena_alloc(arena, len);
    if (!text)
        return VALUE_NONE;
    char *at = text;
    for (size_t i = 0; i < found->nodes.count; i++) {
        struct slice node = json_text_of(found, i);
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
    if (p->name_count == 1)
        return value_member_of(arena, start, p->names[0]);
    struct value from = first_steps(arena, p, start);
    struct found found;
    if (!p->many || !value_is_there(&from))
        return from;
    if (!collect(arena, p, p->many, &from, record, &found) || found.nodes.count == 0)
        return VALUE_NONE;
    return array_of(arena, &found);
}

bool jsonpath_nodes_with_keys(struct arena *arena, const struct jsonpath *p, const struct value *start,
                              const struct value *record, struct value **ret_nodes, struct value **ret_keys,
                              size_t *ret_count)
{
    const struct path_segment *segments =
        p->many || !ret_keys ? p->many : p->query.segments; /* a key is one of a step */
    struct value from = segments == p->many ? first_steps(arena, p, start) : *start;
    struct found found = {0};
    if (segments ? !collect(arena, p, segments, &from, record, &found) : !value_know(arena, &from))
        return false;
    size_t count = segments ? found.nodes.count : value_is_there(&from);
    struct value *values = arena_calloc(arena, count, sizeof *values);
    struct value *keys = ret_keys ? arena_calloc(arena, count, sizeof *keys) : NULL;
    if (!values || (ret_keys && !keys))
        return false;
    if (!segments && count)
        values[0] = from;
    for (size_t i = 0; i < found.nodes.count; i++) {
        values[i] = path_node_value(&found.eval, found.doc, &found.nodes.list[i]);
        if (keys)
            keys[i] = path_node_key(&found.eval, found.doc, &found.nodes.list[i]);
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
