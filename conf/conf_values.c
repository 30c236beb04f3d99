/* YAML values as values of a mapping (contract 3).
 *
 * What a scalar is, a literal, an expression or a template, is decided by the text of the file, before the environment
 * is put in. Lists and maps of literals become one literal, so that nothing is built per record that never changes. */
#include "loader.h"
#include "path/jsonpath.h"
#include "text/utf8.h"
#include "json/json_writer.h"

/* ---- Places within a scalar ------------------------------------------------------------------------------------- */

struct source_place value_place(const struct yaml_node *node, const struct replaced *replaced, size_t at)
{
    struct source_place place = node->place;
    if (!node->one_line)
        return place;
    size_t source = replaced ? replaced_source(replaced, at) : at;
    if (source > node->text.len)
        source = node->text.len;
    place.column = node->text_column + (uint32_t)utf8_count(slice_of(node->text.text, source));
    return place;
}

struct yaml_node value_of_key(const struct yaml_member *member)
{
    return (struct yaml_node){
        .type = YAML_TEXT,
        .place = member->key_place,
        .one_line = member->key_one_line,
        .text_column = member->key_text_column,
        .text = member->key,
    };
}

/* What stands in the file behind a scalar on one line. */
static struct slice source_behind(const struct yaml_node *node)
{
    struct slice text = node->place.file->text;
    if (slice_starts_with(text, SLICE("\xef\xbb\xbf")))
        text = slice_from_offset(text, 3);
    for (uint32_t line = 1; line < node->place.line; line++) {
        const char *end = text.len ? memchr(text.text, '\n', text.len) : NULL;
        text = end ? slice_from_offset(text, (size_t)(end - text.text) + 1) : slice_of("", 0);
    }
    size_t start = utf8_prefix_of_chars(text, node->text_column - 1);
    return slice_from_offset(text, start + node->text.len);
}

/* Quotes or parentheses that are not closed. */
static bool is_cut_off(struct slice text)
{
    char quote = '\0';
    long open = 0;
    for (size_t i = 0; i < text.len; i++) {
        char c = text.text[i];
        if (quote)
            quote = (char)(c == quote ? '\0' : quote);
        else if (c == '"' || c == '\'')
            quote = c;
        else if (strchr("([{", c))
            open++;
        else if (strchr(")]}", c))
            open--;
    }
    return quote || open > 0;
}

/* Where YAML has ended a plain scalar in the middle of an expression: says so, else gives an empty text. */
static const char *quoting_hint(const struct yaml_node *node)
{
    if (!node->one_line || !is_cut_off(node->text))
        return "";
    struct slice behind = source_behind(node);
    while (behind.len > 0 && behind.text[0] == ' ')
        behind = slice_from_offset(behind, 1);
    return behind.len > 0 && strchr(",[]{}#:", behind.text[0])
               ? "; an expression with any of [ ] { } , : # in it must be quoted"
               : "";
}

/* ---- Expressions ------------------------------------------------------------------------------------------------ */

static const struct expr *compile(struct loader *l, struct slice text, enum expr_kind kind, struct expr_error *error)
{
    *error = (struct expr_error){.text = ""};
    return kind == EXPR_KIND_TEMPLATE ? expr_compile_template(l->arena, text, &l->names, error)
                                      : expr_compile(l->arena, text, &l->names, error);
}

static const struct expr *compile_scalar(struct loader *l, const struct yaml_node *node, enum expr_kind kind)
{
    struct replaced replaced;
    struct expr_error error;
    if (!scalar_replace(l, node, kind == EXPR_KIND_TEMPLATE ? REPLACED_TEMPLATE : REPLACED_EXPRESSION, &replaced))
        return NULL;
    const struct expr *e = compile(l, replaced.text, kind, &error);
    if (e || l->arena->failed)
        return e;
    if (replaced.holds_value) {
        /* The message may quote what came out of the environment. If the file's own text is wrong too, that is said. */
        if (compile(l, node->text, kind, &error))
            loader_error(l, node->place, "this is not valid with the value of an environment variable in it");
        else if (!l->arena->failed)
            loader_error(l, value_place(node, NULL, error.at), "%s%s", error.text, quoting_hint(node));
        return NULL;
    }
    loader_error(l, value_place(node, &replaced, error.at), "%s%s", error.text, quoting_hint(node));
    return NULL;
}

const struct expr *value_expression(struct loader *l, const struct yaml_node *node, const char *what)
{
    if (node->type == YAML_TEXT && expr_kind_of(node->text) == EXPR_KIND_EXPRESSION)
        return compile_scalar(l, node, EXPR_KIND_EXPRESSION);
    loader_error(l, node->place, "%s must be an expression such as $.name", what);
    return NULL;
}

const struct jsonpath *value_path(struct loader *l, const struct yaml_node *node, const char *what)
{
    struct replaced replaced;
    struct path_error error = {.text = ""};
    size_t used;

    if (node->type != YAML_TEXT || expr_kind_of(node->text) != EXPR_KIND_EXPRESSION) {
        loader_error(l, node->place, "%s must be a path such as $.items[*]", what);
        return NULL;
    }
    if (!scalar_replace(l, node, REPLACED_EXPRESSION, &replaced))
        return NULL;
    const struct jsonpath *path =
        jsonpath_compile(l->arena, &l->config->regexes, replaced.text, PATH_WHOLE, &used, &error);
    if (!path && !l->arena->failed)
        loader_error(l, value_place(node, &replaced, error.at), "%s%s",
                     replaced.holds_value ? "not a valid path" : error.text, quoting_hint(node));
    return path;
}

/* ---- Literals --------------------------------------------------------------------------------------------------- */

/* A literal's text: the environment put in, and a `$$` at its beginning, unless that was `$${`, standing for `$`. */
static bool literal_text(struct loader *l, const struct yaml_node *node, struct slice *ret)
{
    struct replaced replaced;
    if (!scalar_replace(l, node, REPLACED_TEXT, &replaced))
        return false;
    bool escaped_reference = slice_starts_with(node->text, SLICE("$${"));
    bool doubled = slice_starts_with(node->text, SLICE("$$"));
    *ret = doubled && !escaped_reference ? slice_from_offset(replaced.text, 1) : replaced.text;
    return true;
}

static bool literal_scalar(struct loader *l, const struct yaml_node *node, bool verbatim, struct value *ret)
{
    struct replaced replaced;
    struct slice text;
    switch (node->type) {
    case YAML_NULL:
        *ret = value_of_null();
        return true;
    case YAML_BOOL:
        *ret = value_of_bool(node->boolean);
        return true;
    case YAML_NUMBER:
        *ret = value_of_number(node->text);
        return true;
    default:
        if (verbatim) {
            if (!scalar_replace(l, node, REPLACED_TEXT, &replaced))
                return false;
            text = replaced.text;
        } else if (!literal_text(l, node, &text)) {
            return false;
        }
        *ret = value_of_plain(text);
        return true;
    }
}

/* A member's name: what it is in the file, the environment put in. */
static bool member_name(struct loader *l, const struct yaml_member *member, struct slice *ret)
{
    struct yaml_node key = value_of_key(member);
    struct replaced replaced;
    if (!scalar_replace(l, &key, REPLACED_TEXT, &replaced))
        return false;
    *ret = replaced.text;
    return true;
}

/* A template whose value never depends on the record, such as {{ "{{" }}, is a literal too. */
static bool constant_template(struct loader *l, const struct yaml_node *node, struct value *ret)
{
    size_t errors = diagnostics_count(l->d);
    const struct expr *e = compile_scalar(l, node, EXPR_KIND_TEMPLATE);
    if (e && expr_is_constant(e, ret))
        return true;
    if (e && diagnostics_count(l->d) == errors)
        loader_error(l, node->place, "this must be a literal: nothing is taken from the record here");
    return false;
}

static bool write_literal(struct loader *l, const struct yaml_node *node, bool verbatim, struct buffer *out)
{
    bool good = true;
    if (node->type != YAML_LIST && node->type != YAML_MAP) {
        struct value v;
        good = verbatim ? literal_scalar(l, node, true, &v) : value_literal(l, node, &v);
        if (good)
            value_write(out, &v);
        return good;
    }
    buffer_add_char(out, node->type == YAML_LIST ? '[' : '{');
    for (size_t i = 0; i < node->count; i++) {
        struct slice name;
        if (i > 0)
            buffer_add_char(out, ',');
        if (node->type == YAML_MAP) {
            good &= member_name(l, &node->members[i], &name);
            if (good)
                json_write_string(out, name);
            buffer_add_char(out, ':');
        }
        good &= write_literal(l, node->type == YAML_LIST ? node->items[i] : node->members[i].value, verbatim, out);
    }
    buffer_add_char(out, node->type == YAML_LIST ? ']' : '}');
    return good;
}

static bool literal_of(struct loader *l, const struct yaml_node *node, bool verbatim, struct value *ret)
{
    struct buffer json;
    buffer_init_in(&json, l->arena);
    if (!write_literal(l, node, verbatim, &json) || json.failed)
        return false;
    *ret = value_of_json(buffer_slice(&json));
    return true;
}

bool value_literal(struct loader *l, const struct yaml_node *node, struct value *ret)
{
    if (node->type == YAML_LIST || node->type == YAML_MAP)
        return literal_of(l, node, false, ret);
    enum expr_kind kind = node->type == YAML_TEXT ? expr_kind_of(node->text) : EXPR_KIND_LITERAL;
    if (kind == EXPR_KIND_TEMPLATE)
        return constant_template(l, node, ret);
    if (kind == EXPR_KIND_LITERAL)
        return literal_scalar(l, node, false, ret);
    loader_error(l, node->place, "this must be a literal, not an expression; text that begins with $ is written $$");
    return false;
}

bool value_verbatim(struct loader *l, const struct yaml_node *node, struct value *ret)
{
    return node->type == YAML_LIST || node->type == YAML_MAP ? literal_of(l, node, true, ret)
                                                             : literal_scalar(l, node, true, ret);
}

/* ---- Values of a mapping ---------------------------------------------------------------------------------------- */

/* `{$.x}`, or `{$.a, $.b}`: YAML makes a map with empty values of it. */
static bool check_member(struct loader *l, const struct yaml_member *member)
{
    const struct yaml_node *value = member->value;
    if (value->type != YAML_NULL || value->text.len > 0 || expr_kind_of(member->key) != EXPR_KIND_EXPRESSION)
        return true;
    loader_error(l, member->key_place,
                 "an expression stands without braces, a template in quotes, as in \"{{ $.name }}\"");
    return false;
}

static const struct expr *read_container(struct loader *l, const struct yaml_node *node)
{
    const struct expr **values = arena_calloc(l->arena, node->count, sizeof *values);
    struct slice *names = arena_calloc(l->arena, node->count, sizeof *names);
    bool good = values && names;

    for (size_t i = 0; i < node->count && values && names; i++) {
        const struct yaml_node *child = node->type == YAML_LIST ? node->items[i] : node->members[i].value;
        if (node->type == YAML_MAP)
            good &= check_member(l, &node->members[i]) && member_name(l, &node->members[i], &names[i]);
        values[i] = value_read(l, child);
        good &= values[i] != NULL;
    }
    if (!good)
        return NULL;
    return node->type == YAML_LIST ? expr_of_list(l->arena, values, node->count)
                                   : expr_of_map(l->arena, names, values, node->count);
}

const struct expr *value_read(struct loader *l, const struct yaml_node *node)
{
    if (node->type == YAML_LIST || node->type == YAML_MAP)
        return read_container(l, node);
    enum expr_kind kind = node->type == YAML_TEXT ? expr_kind_of(node->text) : EXPR_KIND_LITERAL;
    if (kind != EXPR_KIND_LITERAL)
        return compile_scalar(l, node, kind);
    struct value v;
    return literal_scalar(l, node, false, &v) ? expr_of_literal(l->arena, v) : NULL;
}

const struct expr *value_of_record(struct loader *l, const struct yaml_node *node, const char *what)
{
    struct value v;
    const struct expr *e = value_read(l, node);
    if (e && expr_is_constant(e, &v)) {
        loader_error(l, node->place, "%s must be an expression such as $.name", what);
        return NULL;
    }
    return e;
}

bool value_may_be_time(struct loader *l, const struct expr *e)
{
    struct value v;
    struct expr_error error;
    struct buffer source;
    if (!expr_is_constant(e, &v) || value_as_text(l->arena, &v).len == 0)
        return true;
    buffer_init_in(&source, l->arena);
    value_write(&source, &v);
    buffer_add_text(&source, " | time");
    const struct expr *time = source.failed ? NULL : expr_compile(l->arena, buffer_slice(&source), &l->names, &error);
    struct scope scope = {.arena = l->arena, .record = value_of_json(SLICE("{}"))};
    struct value t = time ? expr_eval(time, &scope) : VALUE_NONE;
    return value_is_there(&t);
}
