/* The grammar of RFC 9535, by recursive descent, one function a rule; what the grammar alone does not say (types of
 * function arguments, which queries can be compared) is checked where the thing has just been read.
 *
 * A function that reads something returns it, or NULL (false) where there was a mistake, which is then in the lexer's
 * error. Recursion is bounded by LIMIT_PATH_DEPTH. */
#include "path/jsonpath_parse.h"

#include "limits.h"

struct parser {
    struct path_lexer *lexer;
    struct regex_list *regexes;
    unsigned depth; /* filters, parentheses and calls around this place */
    bool uses_record;
};

static const struct path_function functions[] = {
    {"length", PATH_LENGTH, PATH_TYPE_VALUE, 1, {PATH_TYPE_VALUE}},
    {"count", PATH_COUNT, PATH_TYPE_VALUE, 1, {PATH_TYPE_NODES}},
    {"value", PATH_VALUE, PATH_TYPE_VALUE, 1, {PATH_TYPE_NODES}},
    {"match", PATH_MATCH, PATH_TYPE_LOGICAL, 2, {PATH_TYPE_VALUE, PATH_TYPE_VALUE}},
    {"search", PATH_SEARCH, PATH_TYPE_LOGICAL, 2, {PATH_TYPE_VALUE, PATH_TYPE_VALUE}},
};

static const struct {
    const char *text;
    enum path_comparison comparison;
} comparisons[] = {
    {"==", PATH_EQ}, {"!=", PATH_NE}, {"<=", PATH_LE}, {">=", PATH_GE}, {"<", PATH_LT}, {">", PATH_GT},
};

/* The rules that call each other in a circle. */
static bool parse_segments(struct parser *p, struct path_query *query);
static struct path_logic *parse_logical(struct parser *p);
static const struct path_operand *parse_operand(struct parser *p);

static void *new_node(struct parser *p, size_t size)
{
    void *node = arena_calloc(p->lexer->arena, 1, size);
    if (!node)
        path_no_memory(p->lexer);
    return node;
}

static bool enter(struct parser *p)
{
    if (p->depth >= LIMIT_PATH_DEPTH)
        return path_fail(p->lexer, p->lexer->at, "nested deeper than %d", LIMIT_PATH_DEPTH);
    p->depth++;
    return true;
}

/* Skips blanks where that text follows them, and takes it; else stays. */
static bool take_behind_blanks(struct path_lexer *lexer, const char *text)
{
    size_t start = lexer->at;
    path_skip_blanks(lexer);
    if (path_take(lexer, text))
        return true;
    lexer->at = start;
    return false;
}

static bool is_integer_start(char c)
{
    return c == '-' || (c >= '0' && c <= '9');
}

static bool is_quote(char c)
{
    return c == '\'' || c == '"';
}

/* ---- Function calls ---------------------------------------------------------------------------------------------- */

static const struct path_function *function_named(struct slice name)
{
    for (size_t i = 0; i < sizeof functions / sizeof *functions; i++) {
        if (slice_is(name, functions[i].name))
            return &functions[i];
    }
    return NULL;
}

/* Whether a query that began at `at` may stand for a value. */
static bool check_singular(struct parser *p, size_t at, const struct path_query *query)
{
    if (!query->singular)
        return path_fail(p->lexer, at, "here a path must lead to one node at most, by names and indexes");
    return !query->spaced || path_fail(p->lexer, at, "no blanks inside the brackets of a path that is a value here");
}

/* Whether an argument that began at `at` is of its parameter's type (2.4.3). */
static bool check_argument(struct parser *p, const struct path_function *function, size_t index, size_t at,
                           const struct path_operand *argument)
{
    if (function->parameters[index] == PATH_TYPE_NODES) {
        return argument->kind == PATH_QUERY || path_fail(p->lexer, at, "%s() takes a path", function->name);
    }
    if (argument->kind == PATH_QUERY)
        return check_singular(p, at, &argument->query);
    if (argument->kind == PATH_CALL && argument->call.function->result != PATH_TYPE_VALUE)
        return path_fail(p->lexer, at, "%s() takes a value, %s() gives none", function->name,
                         argument->call.function->name);
    return true;
}

static bool wrong_count(struct parser *p, const struct path_function *function)
{
    return path_fail(p->lexer, p->lexer->at, "%s() takes %zu argument%s", function->name, function->parameter_count,
                     function->parameter_count == 1 ? "" : "s");
}

static bool parse_arguments(struct parser *p, struct path_call *call)
{
    for (size_t i = 0; i < call->function->parameter_count; i++) {
        path_skip_blanks(p->lexer);
        if (path_peek(p->lexer, 0) == ')')
            return wrong_count(p, call->function);
        if (i > 0 && !path_take(p->lexer, ","))
            return path_fail(p->lexer, p->lexer->at, "expected ','");
        path_skip_blanks(p->lexer);
        size_t at = p->lexer->at;
        const struct path_operand *argument = parse_operand(p);
        if (!argument || !check_argument(p, call->function, i, at, argument))
            return false;
        call->arguments[i] = argument;
    }
    path_skip_blanks(p->lexer);
    if (path_peek(p->lexer, 0) == ',')
        return wrong_count(p, call->function);
    return path_take(p->lexer, ")") || path_fail(p->lexer, p->lexer->at, "expected ')'");
}

/* A pattern that stands in the text is compiled now, once for all records. */
static bool compile_pattern(struct parser *p, struct path_call *call, size_t at)
{
    const struct path_operand *pattern = call->arguments[1];
    if (call->function->result != PATH_TYPE_LOGICAL || pattern->kind != PATH_LITERAL)
        return true;
    call->pattern_known = true;
    if (pattern->literal.type != VALUE_STRING)
        return true;
    struct slice pcre = iregexp_to_pcre2(p->lexer->arena, pattern->literal.text);
    if (!pcre.text)
        return !p->lexer->arena->failed || path_no_memory(p->lexer);
    size_t error_at;
    char error[96];
    call->pattern = regex_compile(p->regexes, pcre, &error_at, error, sizeof error);
    return call->pattern || path_fail(p->lexer, at, "the pattern of %s(): %s", call->function->name, error);
}

/* What follows the function's name, which began at `at`. */
static bool parse_call(struct parser *p, size_t at, struct slice name, struct path_call *call)
{
    call->function = function_named(name);
    if (!call->function)
        return path_fail(p->lexer, at, "there is no such function: length, count, value, match and search are known");
    if (!enter(p))
        return false;
    p->lexer->at++; /* ( */
    if (!parse_arguments(p, call) || !compile_pattern(p, call, at))
        return false;
    p->depth--;
    return true;
}

/* ---- Operands ---------------------------------------------------------------------------------------------------- */

static bool parse_word(struct parser *p, struct path_operand *operand)
{
    size_t at = p->lexer->at;
    struct slice word = path_lex_word(p->lexer);
    if (path_peek(p->lexer, 0) == '(') {
        operand->kind = PATH_CALL;
        return parse_call(p, at, word, &operand->call);
    }
    operand->kind = PATH_LITERAL;
    if (slice_is(word, "true") || slice_is(word, "false"))
        operand->literal = value_of_bool(word.text[0] == 't');
    else if (slice_is(word, "null"))
        operand->literal = value_of_null();
    else
        return path_fail(p->lexer, at, "expected a path, a number, a text in quotes, true, false, null or a function");
    return true;
}

static bool parse_literal(struct parser *p, struct path_operand *operand)
{
    struct slice text;
    operand->kind = PATH_LITERAL;
    if (is_quote(path_peek(p->lexer, 0))) {
        if (!path_lex_string(p->lexer, &text))
            return false;
        operand->literal = value_of_plain(text);
    } else {
        if (!path_lex_number(p->lexer, &text))
            return false;
        operand->literal = value_of_number(text);
    }
    return true;
}

static bool parse_subquery(struct parser *p, struct path_operand *operand)
{
    operand->kind = PATH_QUERY;
    operand->query.absolute = path_take(p->lexer, "$");
    if (operand->query.absolute)
        p->uses_record = true;
    else
        p->lexer->at++; /* @ */
    return parse_segments(p, &operand->query);
}

static const struct path_operand *parse_operand(struct parser *p)
{
    struct path_operand *operand = new_node(p, sizeof *operand);
    if (!operand)
        return NULL;
    char c = path_peek(p->lexer, 0);
    bool read;
    if (c == '@' || c == '$')
        read = parse_subquery(p, operand);
    else if (is_quote(c) || is_integer_start(c))
        read = parse_literal(p, operand);
    else
        read = parse_word(p, operand);
    return read ? operand : NULL;
}

/* ---- Logical expressions ----------------------------------------------------------------------------------------- */

/* The comparison that follows, blanks before it included. */
static bool take_comparison(struct parser *p, enum path_comparison *ret_comparison)
{
    for (size_t i = 0; i < sizeof comparisons / sizeof *comparisons; i++) {
        if (take_behind_blanks(p->lexer, comparisons[i].text)) {
            *ret_comparison = comparisons[i].comparison;
            return true;
        }
    }
    return false;
}

/* Whether what began at `at` may stand at a side of a comparison. */
static bool check_comparable(struct parser *p, size_t at, const struct path_operand *operand)
{
    if (operand->kind == PATH_QUERY)
        return check_singular(p, at, &operand->query);
    if (operand->kind == PATH_CALL && operand->call.function->result != PATH_TYPE_VALUE)
        return path_fail(p->lexer, at, "%s() is true or false by itself and cannot be compared",
                         operand->call.function->name);
    return true;
}

/* Whether what began at `at` may stand alone. */
static bool check_test(struct parser *p, size_t at, const struct path_operand *operand)
{
    if (operand->kind == PATH_LITERAL)
        return path_fail(p->lexer, at, "a literal must be compared with something");
    if (operand->kind == PATH_CALL && operand->call.function->result == PATH_TYPE_VALUE)
        return path_fail(p->lexer, at, "what %s() gives must be compared with something", operand->call.function->name);
    return true;
}

/* A comparison, or a test whether something is there. */
static struct path_logic *parse_comparison_or_test(struct parser *p)
{
    struct path_logic *logic = new_node(p, sizeof *logic);
    size_t at = p->lexer->at;
    if (!logic || !(logic->left = parse_operand(p)))
        return NULL;
    if (!take_comparison(p, &logic->comparison)) {
        logic->kind = PATH_TEST;
        if (take_behind_blanks(p->lexer, "="))
            path_fail(p->lexer, p->lexer->at - 1, "to compare write '=='");
        return !p->lexer->failed && check_test(p, at, logic->left) ? logic : NULL;
    }
    logic->kind = PATH_COMPARE;
    if (!check_comparable(p, at, logic->left))
        return NULL;
    path_skip_blanks(p->lexer);
    at = p->lexer->at;
    logic->right = parse_operand(p);
    return logic->right && check_comparable(p, at, logic->right) ? logic : NULL;
}

static struct path_logic *parse_parenthesised(struct parser *p)
{
    p->lexer->at++; /* ( */
    path_skip_blanks(p->lexer);
    struct path_logic *logic = parse_logical(p);
    if (!logic)
        return NULL;
    path_skip_blanks(p->lexer);
    size_t end = p->lexer->at;
    enum path_comparison comparison;
    if (!path_take(p->lexer, ")"))
        path_fail(p->lexer, end, "expected ')'");
    else if (take_comparison(p, &comparison))
        path_fail(p->lexer, end + 1, "what stands in parentheses cannot be compared");
    return p->lexer->failed ? NULL : logic;
}

static struct path_logic *parse_basic(struct parser *p)
{
    size_t at = p->lexer->at;
    bool negated = path_take(p->lexer, "!");
    if (negated)
        path_skip_blanks(p->lexer);
    bool parenthesised = path_peek(p->lexer, 0) == '(';
    struct path_logic *logic = parenthesised ? parse_parenthesised(p) : parse_comparison_or_test(p);
    if (!logic || !negated)
        return logic;

    if (logic->kind == PATH_COMPARE && !parenthesised) {
        path_fail(p->lexer, at, "to negate a comparison put it in parentheses: !(…)");
        return NULL;
    }
    struct path_logic *negation = new_node(p, sizeof *negation);
    if (negation)
        *negation = (struct path_logic){.kind = PATH_NOT, .parts = logic};
    return negation;
}

/* One or more of what `parse_part` reads, joined by an operator; one alone stands for itself. A long chain is a flat
 * list, so that it costs no depth. */
static struct path_logic *parse_joined(struct parser *p, enum path_logic_kind kind, const char *symbol,
                                       struct path_logic *(*parse_part)(struct parser *))
{
    struct path_logic *first = parse_part(p);
    if (!first || !take_behind_blanks(p->lexer, symbol))
        return first;
    struct path_logic *joined = new_node(p, sizeof *joined);
    if (!joined)
        return NULL;
    *joined = (struct path_logic){.kind = kind, .parts = first};
    struct path_logic *last = first;
    do {
        path_skip_blanks(p->lexer);
        struct path_logic *part = parse_part(p);
        if (!part)
            return NULL;
        last->next = part;
        last = part;
    } while (take_behind_blanks(p->lexer, symbol));
    return joined;
}

static struct path_logic *parse_and(struct parser *p)
{
    return parse_joined(p, PATH_AND, "&&", parse_basic);
}

static struct path_logic *parse_logical(struct parser *p)
{
    if (!enter(p))
        return NULL;
    struct path_logic *logic = parse_joined(p, PATH_OR, "||", parse_and);
    p->depth--;
    return logic;
}

/* ---- Selectors and segments -------------------------------------------------------------------------------------- */

/* [start] : [end] [: [step]], from behind the start on. */
static bool parse_range(struct parser *p, struct path_range *range)
{
    struct path_lexer *lexer = p->lexer;
    range->step = 1;
    path_skip_blanks(lexer); /* the colon is already taken */
    range->has_end = is_integer_start(path_peek(lexer, 0));
    if (range->has_end && !path_lex_integer(lexer, &range->end))
        return false;
    if (!take_behind_blanks(lexer, ":"))
        return true;
    path_skip_blanks(lexer);
    return !is_integer_start(path_peek(lexer, 0)) || path_lex_integer(lexer, &range->step);
}

static bool parse_index_or_slice(struct parser *p, struct path_selector *selector)
{
    int64_t index = 0;
    bool has_index = is_integer_start(path_peek(p->lexer, 0));
    if (has_index && !path_lex_integer(p->lexer, &index))
        return false;
    if (take_behind_blanks(p->lexer, ":")) {
        selector->kind = PATH_SLICE;
        selector->range = (struct path_range){.has_start = has_index, .start = index};
        return parse_range(p, &selector->range);
    }
    selector->kind = PATH_INDEX;
    selector->index = index;
    return true;
}

static bool parse_filter(struct parser *p, struct path_selector *selector)
{
    p->lexer->at++; /* ? */
    path_skip_blanks(p->lexer);
    selector->kind = PATH_FILTER;
    selector->filter = parse_logical(p);
    return selector->filter;
}

static bool parse_selector(struct parser *p, struct path_selector *selector)
{
    char c = path_peek(p->lexer, 0);
    if (is_quote(c)) {
        selector->kind = PATH_NAME;
        return path_lex_string(p->lexer, &selector->name);
    }
    if (c == '?')
        return parse_filter(p, selector);
    if (is_integer_start(c) || c == ':')
        return parse_index_or_slice(p, selector);
    selector->kind = PATH_WILDCARD;
    return path_take(p->lexer, "*") ||
           path_fail(p->lexer, p->lexer->at, "expected a name in quotes, an index, a slice, '*' or '?'");
}

/* What stands between brackets, from behind the opening one on. `spaced` is set where there are blanks. */
static bool parse_bracketed(struct parser *p, struct path_segment *segment, bool *spaced)
{
    const struct path_selector **link = &segment->selectors;
    *spaced = *spaced || path_is_blank(path_peek(p->lexer, 0));
    do {
        struct path_selector *selector = new_node(p, sizeof *selector);
        if (!selector)
            return false;
        path_skip_blanks(p->lexer);
        if (!parse_selector(p, selector))
            return false;
        *link = selector;
        link = &selector->next;
        *spaced = *spaced || path_is_blank(path_peek(p->lexer, 0));
        path_skip_blanks(p->lexer);
    } while (path_take(p->lexer, ","));
    return path_take(p->lexer, "]") || path_fail(p->lexer, p->lexer->at, "expected ',' or ']'");
}

/* What stands behind `.` or `..`. */
static bool parse_dotted(struct parser *p, struct path_segment *segment)
{
    struct path_selector *selector = new_node(p, sizeof *selector);
    if (!selector)
        return false;
    segment->selectors = selector;
    selector->kind = path_take(p->lexer, "*") ? PATH_WILDCARD : PATH_NAME;
    return selector->kind == PATH_WILDCARD || path_lex_name(p->lexer, &selector->name);
}

static bool parse_segment(struct parser *p, struct path_segment *segment, bool *spaced)
{
    segment->descendant = path_take(p->lexer, "..");
    if (!segment->descendant && path_take(p->lexer, "."))
        return parse_dotted(p, segment);
    return path_take(p->lexer, "[") ? parse_bracketed(p, segment, spaced) : parse_dotted(p, segment);
}

static bool is_singular(const struct path_segment *segment)
{
    const struct path_selector *only = segment->selectors;
    return !segment->descendant && !only->next && (only->kind == PATH_NAME || only->kind == PATH_INDEX);
}

static bool parse_segments(struct parser *p, struct path_query *query)
{
    const struct path_segment **link = &query->segments;
    query->singular = true;
    for (;;) {
        size_t end = p->lexer->at;
        path_skip_blanks(p->lexer);
        char c = path_peek(p->lexer, 0);
        if (c != '.' && c != '[') {
            p->lexer->at = end;
            return true;
        }
        struct path_segment *segment = new_node(p, sizeof *segment);
        if (!segment || !parse_segment(p, segment, &query->spaced))
            return false;
        query->singular = query->singular && is_singular(segment);
        *link = segment;
        link = &segment->next;
    }
}

bool path_parse(struct path_lexer *lexer, struct regex_list *regexes, enum path_extent extent,
                struct path_query *ret_query, bool *ret_uses_record)
{
    struct parser p = {.lexer = lexer, .regexes = regexes};
    struct path_query query = {.absolute = true};
    if (extent == PATH_WHOLE && !path_take(lexer, "$"))
        return path_fail(lexer, lexer->at, "a path begins with '$'");
    if (!parse_segments(&p, &query))
        return false;
    if (extent == PATH_WHOLE && lexer->at < lexer->text.len)
        return path_fail(lexer, lexer->at, "this does not belong to a path");
    *ret_query = query;
    *ret_uses_record = p.uses_record;
    return true;
}
