/* What the configuration builds and asks besides compiling a text: kinds of strings, literals, lists and maps, and what
 * an expression looks at. */
#include "expr/expr_program.h"
#include "json/json_writer.h"

/* ---- what a string is ---- */

static bool begins_expression(struct slice text)
{
    if (text.len == 0 || text.text[0] != '$')
        return false;
    if (text.len == 1)
        return true;
    char c = text.text[1];
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || memchr(" \t\n\r.[|?_", c, 9) != NULL;
}

enum expr_kind expr_kind_of(struct slice text)
{
    if (begins_expression(text))
        return EXPR_KIND_EXPRESSION;
    if (text.len >= 2 && memmem(text.text, text.len, "{{", 2))
        return EXPR_KIND_TEMPLATE;
    return EXPR_KIND_LITERAL;
}

struct slice expr_literal_text(struct slice text)
{
    return slice_starts_with(text, SLICE("$$")) ? slice_from_offset(text, 1) : text;
}

/* ---- string literals in a source ---- */

/* Behind the quoted text that begins at `at`; the source's end where it is not closed. */
static size_t quoted_or_all(struct slice source, size_t at)
{
    size_t end = quoted_end(source, at);
    return end ? end : source.len;
}

bool expr_string_literals(struct slice source, bool (*on_literal)(void *context, size_t start, size_t end),
                          void *context)
{
    for (size_t i = 0; i < source.len;) {
        if (source.text[i] != '"' && source.text[i] != '\'') {
            i++;
            continue;
        }
        size_t end = quoted_or_all(source, i);
        if (!on_literal(context, i, end))
            return false;
        i = end;
    }
    return true;
}

/* The place of the `}}` that ends an expression beginning at `from`: outside of quotes and brackets. */
static size_t expression_end(struct slice source, size_t from)
{
    size_t open = 0;
    for (size_t i = from; i < source.len; i++) {
        char c = source.text[i];
        if (c == '"' || c == '\'')
            i = quoted_or_all(source, i) - 1;
        else if (c == '{' || c == '[' || c == '(')
            open++;
        else if (c == ']' || c == ')' || (c == '}' && open))
            open -= open ? 1 : 0;
        else if (c == '}' && i + 1 < source.len && source.text[i + 1] == '}')
            return i;
    }
    return source.len;
}

bool expr_template_parts(struct slice source,
                         bool (*on_part)(void *context, bool is_expression, size_t start, size_t end), void *context)
{
    for (size_t i = 0; i < source.len;) {
        const char *open = memmem(source.text + i, source.len - i, "{{", 2);
        size_t text_end = open ? (size_t)(open - source.text) : source.len;
        if (text_end > i && !on_part(context, false, i, text_end))
            return false;
        if (!open)
            return true;
        size_t end = expression_end(source, text_end + 2);
        if (!on_part(context, true, text_end + 2, end))
            return false;
        i = end + 2;
    }
    return true;
}

/* ---- pieces ---- */

static struct expr *node_of(struct arena *arena, enum expr_op op)
{
    struct expr *e = arena_calloc(arena, 1, sizeof *e);
    if (e)
        e->op = op;
    return e;
}

/* A text that is the same as JSON is kept as that: it need not be escaped each time it is written. */
static bool is_same_as_json(struct arena *arena, const struct value *v)
{
    struct buffer escaped;
    buffer_init_in(&escaped, arena);
    json_write_escaped(&escaped, v->text);
    return !escaped.failed && slice_equal(buffer_slice(&escaped), v->text);
}

const struct expr *expr_of_literal(struct arena *arena, struct value literal)
{
    struct expr *e = node_of(arena, EXPR_LITERAL);
    if (!e || (value_is_container(&literal) && !value_tokenise(arena, &literal)))
        return NULL;
    if (literal.type == VALUE_STRING && literal.plain && is_same_as_json(arena, &literal))
        literal.plain = false;
    e->literal = literal;
    return e;
}

const struct expr *expr_folded(struct arena *arena, const struct expr *e)
{
    for (size_t i = 0; i < e->parts.count; i++)
        if (e->parts.items[i]->op != EXPR_LITERAL)
            return e;
    struct scope scope = {.arena = arena};
    struct value v = expr_eval(e, &scope);
    return arena->failed ? NULL : expr_of_literal(arena, v);
}

const struct expr *expr_of_list(struct arena *arena, const struct expr *const items[], size_t count)
{
    struct expr *e = node_of(arena, EXPR_LIST);
    if (!e)
        return NULL;
    e->parts.items = items;
    e->parts.count = count;
    return expr_folded(arena, e);
}

const struct expr *expr_of_map(struct arena *arena, const struct slice names[], const struct expr *const values[],
                               size_t count)
{
    struct expr *e = node_of(arena, EXPR_MAP);
    if (!e)
        return NULL;
    e->parts.items = values;
    e->parts.names = names;
    e->parts.count = count;
    return expr_folded(arena, e);
}

/* ---- what an expression looks at ---- */

bool expr_is_constant(const struct expr *e, struct value *ret_value)
{
    if (e->op != EXPR_LITERAL)
        return false;
    *ret_value = e->literal;
    return true;
}

bool expr_member_chain(const struct expr *e, const struct slice **ret_names, size_t *ret_count)
{
    if (e->op != EXPR_PATH || e->path.root != ROOT_RECORD)
        return false;
    if (e->path.path)
        return jsonpath_member_chain(e->path.path, ret_names, ret_count);
    *ret_names = NULL;
    *ret_count = 0;
    return true;
}

static bool arguments_use_root(const struct filter_use *use, struct slice root)
{
    for (size_t i = 0; i < use->count; i++)
        if (use->args[i].of && expr_uses_root(use->args[i].of, root))
            return true;
    return false;
}

bool expr_uses_root(const struct expr *e, struct slice root)
{
    switch (e->op) {
    case EXPR_LITERAL:
        return false;
    case EXPR_PATH:
        return slice_equal(e->path.root_text, root);
    case EXPR_FILTERED:
        for (size_t i = 0; i < e->filtered.count; i++)
            if (arguments_use_root(&e->filtered.filters[i], root))
                return true;
        return expr_uses_root(e->filtered.of, root);
    case EXPR_FIRST_OF:
    case EXPR_TEMPLATE:
    case EXPR_LIST:
    case EXPR_MAP:
        break;
    }
    for (size_t i = 0; i < e->parts.count; i++)
        if (expr_uses_root(e->parts.items[i], root))
            return true;
    return false;
}
