/* Source text → checked program: expressions and templates.
 *
 * The happy path:
 *  - expr_compile() copies the source into the arena and reads operands, joined by `??`, then filters, joined by `|`;
 *  - an operand is a root and a path behind it (read by jsonpath_compile) or a JSON literal;
 *  - each filter is looked up and its arguments are checked and prepared (expr_arguments.c);
 *  - a template is text and expressions in turn.
 * What can go wrong: any mistake in the source; the first one is noted with the byte where it stands, and everything
 * returns. Lack of memory is reported the same way. Nesting is bounded by LIMIT_PATH_DEPTH. */
#include "expr/expr_program.h"
#include "limits.h"
#include "text/nearest.h"
#include "text/utf8.h"
#include "json/json_number.h"

#include <stdarg.h>
#include <stdio.h>

bool parser_fail(struct parser *p, size_t at, const char *format, ...)
{
    if (p->error->text[0])
        return false;
    va_list args;
    va_start(args, format);
    vsnprintf(p->error->text, sizeof p->error->text, format, args);
    va_end(args);
    p->error->at = at;
    return false;
}

static bool no_memory(struct parser *p)
{
    return parser_fail(p, 0, "not enough memory");
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static bool is_name_start(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

static bool is_name_part(char c)
{
    return is_name_start(c) || (c >= '0' && c <= '9');
}

void skip_blanks(struct parser *p)
{
    while (p->at < p->source.len && is_blank(p->source.text[p->at]))
        p->at++;
}

static struct slice rest(const struct parser *p)
{
    return slice_from_offset(p->source, p->at);
}

static bool take(struct parser *p, const char *sign)
{
    skip_blanks(p);
    if (!slice_starts_with(rest(p), slice_from(sign)))
        return false;
    p->at += strlen(sign);
    return true;
}

static struct slice take_name(struct parser *p)
{
    size_t from = p->at;
    if (p->at < p->source.len && is_name_start(p->source.text[p->at]))
        while (p->at < p->source.len && is_name_part(p->source.text[p->at]))
            p->at++;
    return slice_of(p->source.text + from, p->at - from);
}

static struct expr *new_node(struct parser *p, enum expr_op op)
{
    struct expr *e = arena_calloc(p->arena, 1, sizeof *e);
    if (e)
        e->op = op;
    else
        no_memory(p);
    return e;
}

static const struct expr *new_literal(struct parser *p, struct value value)
{
    struct expr *e = new_node(p, EXPR_LITERAL);
    if (e)
        e->literal = value;
    return e;
}

static const struct expr *folded(struct parser *p, const struct expr *e)
{
    const struct expr *f = e ? expr_folded(p->arena, e) : NULL;
    if (!f)
        no_memory(p);
    return f;
}

/* ---- roots ---- */

/* `$parent`, `$parent2` …: its number, from 1; 0: another name. */
static size_t parent_number(struct slice name)
{
    if (!slice_starts_with(name, SLICE("parent")))
        return 0;
    struct slice digits = slice_from_offset(name, 6);
    if (digits.len == 0)
        return 1;
    if (digits.len > 3 || digits.text[0] == '0' || slice_is(digits, "1"))
        return 0;
    size_t n = 0;
    for (size_t i = 0; i < digits.len; i++) {
        if (digits.text[i] < '0' || digits.text[i] > '9')
            return 0;
        n = n * 10 + (size_t)(digits.text[i] - '0');
    }
    return n;
}

static bool find_let(const struct expr_names *names, struct slice name, size_t *ret_slot)
{
    for (size_t i = names->let_count; i-- > 0;) {
        if (slice_equal(names->lets[i], name)) {
            *ret_slot = i;
            return true;
        }
    }
    return false;
}

static bool unknown_root(struct parser *p, size_t at, struct slice name)
{
    static const char *const known[] = {"parent", "item", "key", "outer", "env", "meta"};
    const char *near = nearest_name(name, known, sizeof known / sizeof known[0]);
    if (near)
        return parser_fail(p, at, "unknown name $%.*s; did you mean \"$%s\"?", SLICE_FMT(name), near);
    return parser_fail(p, at,
                       "unknown name $%.*s: there is no `let` of that name here (a member of the record is "
                       "$.%.*s)",
                       SLICE_FMT(name), SLICE_FMT(name));
}

/* A root that the names tell, but for $env and $meta: sets e->path's root and index. */
static bool resolve_root(struct parser *p, size_t at, struct slice name, struct expr *e)
{
    size_t parent = parent_number(name);
    bool in_each = (p->names->roots & (EXPR_ITEM | EXPR_OUTER)) != 0;

    if (name.len == 0) {
        e->path.root = ROOT_RECORD;
    } else if (slice_is(name, "item") || slice_is(name, "key")) {
        if (!in_each)
            return parser_fail(p, at, "$%.*s is only there with `for_each`", SLICE_FMT(name));
        e->path.root = slice_is(name, "item") ? ROOT_ITEM : ROOT_KEY;
    } else if (slice_is(name, "outer")) {
        if (!(p->names->roots & EXPR_OUTER))
            return parser_fail(p, at, "$outer is only there inside an attachment's own `for_each`");
        e->path.root = ROOT_OUTER;
    } else if (parent) {
        if (parent > p->names->parents)
            return parser_fail(p, at, "there is no $%.*s here: it is what `records` took a record out of",
                               SLICE_FMT(name));
        e->path.root = ROOT_PARENT;
        e->path.index = parent - 1;
    } else if (find_let(p->names, name, &e->path.index)) {
        e->path.root = ROOT_LET;
    } else {
        return unknown_root(p, at, name);
    }
    return true;
}

static const struct expr *environment_value(struct parser *p, size_t at, const struct jsonpath *path)
{
    const struct slice *names;
    size_t count;
    struct slice value;

    if (!path || !jsonpath_member_chain(path, &names, &count) || count != 1) {
        parser_fail(p, at, "the environment is asked by name: $env.NAME");
        return NULL;
    }
    if (!p->names->environment || !p->names->environment(p->names->environment_context, names[0], &value))
        return new_literal(p, VALUE_NONE);
    value = arena_copy(p->arena, value);
    if (!value.text) {
        no_memory(p);
        return NULL;
    }
    struct buffer repaired;
    buffer_init_in(&repaired, p->arena);
    if (!utf8_is_valid(value)) {
        utf8_repair(&repaired, value);
        value = buffer_slice(&repaired);
    }
    return new_literal(p, value_of_plain(value));
}

/* $meta.file and so on become a look at one member; anything less plain looks into an object of all. */
static bool resolve_meta(struct parser *p, size_t at, struct expr *e)
{
    const struct slice *names;
    size_t count;

    e->path.root = ROOT_META;
    e->path.index = META_ALL;
    if (!e->path.path || !jsonpath_member_chain(e->path.path, &names, &count) || count == 0)
        return true;
    e->path.index = meta_member_find(names[0]);
    if (e->path.index != META_ALL && count == 1) {
        e->path.path = NULL;
        return true;
    }
    if (e->path.index != META_ALL)
        return parser_fail(p, at, "$meta.%.*s has no members", SLICE_FMT(names[0]));
    const char *near = meta_member_nearest(names[0]);
    if (near)
        return parser_fail(p, at, "$meta has no \"%.*s\"; did you mean \"%s\"?", SLICE_FMT(names[0]), near);
    return parser_fail(p, at, "$meta has no \"%.*s\"", SLICE_FMT(names[0]));
}

static const struct expr *parse_path(struct parser *p)
{
    size_t at = p->at++; /* the `$` */
    struct slice name = take_name(p);
    bool env = slice_is(name, "env"), meta = slice_is(name, "meta");
    struct expr *e = new_node(p, EXPR_PATH);
    struct path_error error = {0};
    size_t used = 0, tail = p->at;

    if (!e || (!env && !meta && !resolve_root(p, at, name, e)))
        return NULL;
    e->path.root_text = slice_of(p->source.text + at, name.len + 1);
    const struct jsonpath *path = jsonpath_compile(p->arena, p->names->regexes, rest(p), PATH_TAIL, &used, &error);
    if (!path) {
        parser_fail(p, p->at + error.at, "%s", error.text);
        return NULL;
    }
    p->at += used;
    e->path.path = used ? path : NULL;
    if (env)
        return environment_value(p, used ? tail + 1 : at, e->path.path);
    if (meta && !resolve_meta(p, used ? tail + 1 : at, e))
        return NULL;
    return e;
}

/* ---- literals ---- */

size_t quoted_end(struct slice source, size_t at)
{
    char quote = source.text[at];
    for (size_t i = at + 1; i < source.len; i++) {
        if (source.text[i] == '\\')
            i++;
        else if (source.text[i] == quote)
            return i + 1;
    }
    return 0;
}

/* Behind the bracket that closes the one at `at`, strings stepped over; 0 where there is none. */
static size_t bracket_end(struct slice source, size_t at)
{
    size_t open = 0;
    for (size_t i = at; i < source.len; i++) {
        char c = source.text[i];
        if (c == '"') {
            size_t end = quoted_end(source, i);
            if (!end)
                return 0;
            i = end - 1;
        } else if (c == '[' || c == '{') {
            open++;
        } else if (c == ']' || c == '}') {
            if (--open == 0)
                return i + 1;
        }
    }
    return 0;
}

static size_t word_end(const struct parser *p)
{
    size_t i = p->at;
    while (i < p->source.len && is_name_part(p->source.text[i]))
        i++;
    return i;
}

static size_t literal_end(const struct parser *p)
{
    char c = p->source.text[p->at];
    if (c == '"')
        return quoted_end(p->source, p->at);
    if (c == '[' || c == '{')
        return bracket_end(p->source, p->at);
    if (c == '-' || (c >= '0' && c <= '9')) {
        size_t n = json_number_span(rest(p));
        return n ? p->at + n : 0;
    }
    return word_end(p);
}

static const struct expr *parse_literal(struct parser *p)
{
    size_t at = p->at;
    char c = at < p->source.len ? p->source.text[at] : '\0';

    if (at >= p->source.len) {
        parser_fail(p, at, "an expression ends too early: a path or a JSON value is missing");
        return NULL;
    }
    if (c == '\'') {
        parser_fail(p, at, "text stands in double quotes");
        return NULL;
    }
    size_t end = literal_end(p);
    if (!end && (c == '"' || c == '[' || c == '{')) {
        parser_fail(p, at, c == '"' ? "text without its closing quote" : "a bracket that is not closed");
        return NULL;
    }
    const struct json_doc *doc;
    struct slice text = slice_of(p->source.text + at, end > at ? end - at : 0);
    enum json_fault fault = text.len ? json_doc_parse(p->arena, text, JSON_ANY_VALUE, &doc) : JSON_NOT_JSON;
    if (fault == JSON_NO_MEMORY) {
        no_memory(p);
        return NULL;
    }
    if (fault != JSON_OK) {
        if (c == '"')
            parser_fail(p, at, "not a JSON string (a backslash in it is written twice)");
        else if (text.len && is_name_start(c))
            parser_fail(p, at, "unexpected \"%.*s\": a path begins with $, text stands in double quotes",
                        (int)(text.len < 40 ? text.len : 40), text.text);
        else
            parser_fail(p, at, "expected a path or a JSON value");
        return NULL;
    }
    p->at = end;
    return new_literal(p, value_of_token(doc, 0));
}

/* ---- expressions ---- */

/* A list whose length is not known before it is read: grown in the arena, by doubling. */
static bool push(struct parser *p, void **items, size_t *count, size_t size, const void *item)
{
    bool full = (*count & (*count - 1)) == 0; /* 0, 1, 2, 4 … */
    if (full) {
        void *grown = arena_grow(p->arena, *items, *count * size, (*count ? *count * 2 : 1) * size);
        if (!grown)
            return no_memory(p);
        *items = grown;
    }
    memcpy((char *)*items + *count * size, item, size);
    ++*count;
    return true;
}

static bool parse_arguments(struct parser *p, size_t name_at, struct filter_use *use)
{
    const struct filter *f = use->filter;
    void *args = NULL;

    if (take(p, "(") && !take(p, ")")) {
        do {
            struct filter_arg arg = {0};
            skip_blanks(p);
            if (use->count == f->most)
                return parser_fail(p, p->at, f->most ? "%s takes %u argument%s at most" : "%s takes no arguments",
                                   f->name, f->most, f->most == 1 ? "" : "s");
            if (!filter_argument_parse(p, f, use->count, &arg) || !push(p, &args, &use->count, sizeof arg, &arg))
                return false;
        } while (take(p, ","));
        if (!take(p, ")"))
            return parser_fail(p, p->at, "expected `,` or `)` in the arguments of %s", f->name);
    }
    use->args = args;
    if (use->count < f->least)
        return parser_fail(p, name_at, "%s needs %s%u argument%s", f->name, f->most > f->least ? "at least " : "",
                           f->least, f->least == 1 ? "" : "s");
    size_t which = 0;
    const char *mistake = f->check ? f->check(use, &which) : NULL;
    return !mistake || parser_fail(p, use->args[which].at, "%s: %s", f->name, mistake);
}

static bool parse_filter(struct parser *p, struct filter_use *use)
{
    skip_blanks(p);
    size_t at = p->at;
    struct slice name = take_name(p);

    if (name.len == 0)
        return parser_fail(p, at, "expected the name of a filter");
    use->filter = filter_find(name);
    if (!use->filter) {
        const char *near = filter_nearest(name);
        int len = (int)(name.len < 64 ? name.len : 64);
        if (near)
            return parser_fail(p, at, "unknown filter \"%.*s\"; did you mean \"%s\"?", len, name.text, near);
        return parser_fail(p, at, "unknown filter \"%.*s\"", len, name.text);
    }
    if (p->names->filters)
        *p->names->filters |= UINT64_C(1) << filter_index(use->filter);
    return parse_arguments(p, at, use);
}

static const struct expr *parse_operand(struct parser *p)
{
    skip_blanks(p);
    if (p->at < p->source.len && p->source.text[p->at] == '$')
        return parse_path(p);
    return parse_literal(p);
}

static const struct expr *parse_first_of(struct parser *p)
{
    void *items = NULL;
    size_t count = 0;
    do {
        const struct expr *operand = parse_operand(p);
        if (!operand || !push(p, &items, &count, sizeof operand, &operand))
            return NULL;
    } while (take(p, "??"));
    if (count == 1)
        return *(const struct expr **)items;
    struct expr *e = new_node(p, EXPR_FIRST_OF);
    if (e) {
        e->parts.items = items;
        e->parts.count = count;
    }
    return folded(p, e);
}

static const struct expr *parse_filtered(struct parser *p)
{
    const struct expr *of = parse_first_of(p);
    void *filters = NULL;
    size_t count = 0;

    if (!of)
        return NULL;
    while (take(p, "|")) {
        struct filter_use use = {0};
        if (!parse_filter(p, &use) || !push(p, &filters, &count, sizeof use, &use))
            return NULL;
    }
    if (count == 0)
        return of;
    struct expr *e = new_node(p, EXPR_FILTERED);
    if (e) {
        e->filtered.of = of;
        e->filtered.filters = filters;
        e->filtered.count = count;
    }
    return e;
}

const struct expr *parse_expression(struct parser *p)
{
    if (p->depth == LIMIT_PATH_DEPTH) {
        parser_fail(p, p->at, "nested too deep");
        return NULL;
    }
    p->depth++;
    const struct expr *e = parse_filtered(p);
    p->depth--;
    skip_blanks(p);
    return e;
}

static bool left_over(struct parser *p)
{
    if (slice_starts_with(rest(p), SLICE("??")))
        return parser_fail(p, p->at, "`?\?` goes before the filters; behind them there is default(…)");
    return parser_fail(p, p->at, "unexpected text behind the expression");
}

static bool begin(struct parser *p, struct arena *arena, struct slice source, const struct expr_names *names,
                  struct expr_error *ret_error)
{
    *ret_error = (struct expr_error){0};
    *p = (struct parser){.arena = arena, .names = names, .error = ret_error};
    if (source.len > LIMIT_EXPRESSION)
        return parser_fail(p, 0, "longer than %zu bytes", LIMIT_EXPRESSION);
    size_t valid = utf8_valid_prefix(source);
    if (valid < source.len)
        return parser_fail(p, valid, "not valid UTF-8");
    p->source = arena_copy(arena, source);
    return p->source.text || no_memory(p);
}

const struct expr *expr_compile(struct arena *arena, struct slice source, const struct expr_names *names,
                                struct expr_error *ret_error)
{
    struct parser p;
    if (!begin(&p, arena, source, names, ret_error))
        return NULL;
    const struct expr *e = parse_expression(&p);
    if (e && p.at < p.source.len) {
        left_over(&p);
        e = NULL;
    }
    return e;
}

/* ---- templates ---- */

static size_t find(struct slice text, size_t from, struct slice what)
{
    struct slice behind = slice_from_offset(text, from);
    const char *at = memmem(behind.text, behind.len, what.text, what.len);
    return at ? (size_t)(at - text.text) : text.len;
}

static const struct expr *parse_template_part(struct parser *p)
{
    if (!slice_starts_with(rest(p), SLICE("{{"))) {
        size_t from = p->at;
        p->at = find(p->source, from, SLICE("{{"));
        return new_literal(p, value_of_plain(slice_of(p->source.text + from, p->at - from)));
    }
    size_t open = p->at;
    p->at += 2;
    skip_blanks(p);
    if (slice_starts_with(rest(p), SLICE("}}"))) {
        parser_fail(p, p->at, "an empty {{ }}");
        return NULL;
    }
    const struct expr *e = parse_expression(p);
    if (!e || take(p, "}}"))
        return e;
    if (p->at == p->source.len)
        parser_fail(p, open, "{{ without its }}");
    else
        left_over(p);
    return NULL;
}

const struct expr *expr_compile_template(struct arena *arena, struct slice source, const struct expr_names *names,
                                         struct expr_error *ret_error)
{
    struct parser p;
    void *parts = NULL;
    size_t count = 0;

    if (!begin(&p, arena, source, names, ret_error))
        return NULL;
    while (p.at < p.source.len) {
        const struct expr *part = parse_template_part(&p);
        if (!part || !push(&p, &parts, &count, sizeof part, &part))
            return NULL;
    }
    struct expr *e = new_node(&p, EXPR_TEMPLATE);
    if (e) {
        e->parts.items = parts;
        e->parts.count = count;
    }
    return folded(&p, e);
}
