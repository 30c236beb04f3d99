/* Filters (RFC 9535, 2.3.5) and functions (2.4). On lack of memory or steps arena->failed is set and what is returned
 * means nothing; select_filter() looks. */
#include "path/jsonpath_eval.h"

#include "limits.h"
#include "text/utf8.h"

/* What things cost, in steps. */
enum {
    STEPS_A_PATTERN = 1000,                        /* compiling one */
    STEPS_A_MATCH = 20,                            /* an ordinary one */
    STEPS_A_SURRENDER = LIMIT_PATH_STEPS / 100,    /* one that gave up */
    STEPS_A_LONG_SURRENDER = LIMIT_PATH_STEPS / 16 /* ... in a long text, after LIMIT_REGEX_STEPS */
};
/* How many bytes are a step. */
enum {
    TEXT_A_STEP = 64,     /* compared or searched */
    CONTAINER_A_STEP = 4, /* compared: members are sorted for it */
};

static struct value value_of_operand(struct path_eval *eval, const struct path_operand *operand,
                                     const struct value *current);

static const struct value *start_of(const struct path_eval *eval, const struct path_query *query,
                                    const struct value *current)
{
    return query->absolute ? eval->record : current;
}

/* How many nodes a query gives, and the first of them where there is any. */
static size_t count_nodes(struct path_eval *eval, const struct path_query *query, const struct value *current,
                          struct value *ret_first)
{
    const struct value *start = start_of(eval, query, current);
    if (query->singular) {
        *ret_first = path_find(eval, query, start);
        return value_is_there(ret_first) ? 1 : 0;
    }
    struct path_nodes nodes;
    if (!path_collect(eval, query->segments, start, &nodes))
        return 0;
    if (nodes.count)
        *ret_first = path_node_value(eval, start->doc, &nodes.list[0]);
    return nodes.count;
}

/* ---- Functions --------------------------------------------------------------------------------------------------- */

static struct value call_length(struct path_eval *eval, const struct path_call *call, const struct value *current)
{
    struct value v = value_of_operand(eval, call->arguments[0], current);
    size_t length = 0;
    if (v.type == VALUE_STRING)
        length = utf8_count(value_plain(eval->arena, &v));
    else if (!value_is_container(&v) || !path_count_children(eval, &v, &length))
        return VALUE_NONE;
    return path_spend(eval, v.text.len / TEXT_A_STEP) ? value_of_int(eval->arena, (int64_t)length) : VALUE_NONE;
}

static struct value call_count(struct path_eval *eval, const struct path_call *call, const struct value *current)
{
    struct value first;
    size_t count = count_nodes(eval, &call->arguments[0]->query, current, &first);
    return value_of_int(eval->arena, (int64_t)count);
}

static struct value call_value(struct path_eval *eval, const struct path_call *call, const struct value *current)
{
    struct value first;
    return count_nodes(eval, &call->arguments[0]->query, current, &first) == 1 ? first : VALUE_NONE;
}

/* A pattern out of the data, compiled; NULL: it is none. The last one is kept, as it is mostly the same for all nodes.
 * Its text is part of a document, so it lives as long as the evaluation. */
static const struct regex *compile_kept(struct path_eval *eval, const struct value *pattern)
{
    if (eval->has_pattern && slice_equal(eval->pattern_text, pattern->text))
        return eval->pattern;
    regex_free_all(&eval->patterns);
    eval->pattern = NULL;
    eval->pattern_text = pattern->text;
    eval->has_pattern = true;
    if (!path_spend(eval, STEPS_A_PATTERN + pattern->text.len))
        return NULL;
    struct slice plain = value_plain(eval->arena, pattern);
    struct slice pcre = iregexp_to_pcre2(eval->arena, plain);
    size_t error_at;
    char error[96];
    if (pcre.text && !eval->arena->failed)
        eval->pattern = regex_compile(&eval->patterns, pcre, &error_at, error, sizeof error);
    return eval->pattern;
}

static const struct regex *pattern_of(struct path_eval *eval, const struct path_call *call, const struct value *current)
{
    if (call->pattern_known)
        return call->pattern;
    struct value pattern = value_of_operand(eval, call->arguments[1], current);
    return pattern.type == VALUE_STRING ? compile_kept(eval, &pattern) : NULL;
}

/* match() and search(). A pattern that gives up does not match; it has cost a great deal. */
static bool call_pattern(struct path_eval *eval, const struct path_call *call, const struct value *current)
{
    struct value v = value_of_operand(eval, call->arguments[0], current);
    const struct regex *pattern = v.type == VALUE_STRING ? pattern_of(eval, call, current) : NULL;
    if (!pattern || !path_spend(eval, STEPS_A_MATCH + v.text.len / TEXT_A_STEP))
        return false;
    struct slice text = value_plain(eval->arena, &v);
    if (eval->arena->failed)
        return false;
    enum regex_result result =
        call->function->id == PATH_MATCH ? regex_match_whole(pattern, text) : regex_search(pattern, text, 0, NULL);
    if (result == REGEX_LIMIT)
        path_spend(eval, text.len > LIMIT_REGEX_UNCOUNTED ? STEPS_A_LONG_SURRENDER : STEPS_A_SURRENDER);
    return result == REGEX_YES;
}

static struct value (*const value_functions[])(struct path_eval *, const struct path_call *, const struct value *) = {
    [PATH_LENGTH] = call_length,
    [PATH_COUNT] = call_count,
    [PATH_VALUE] = call_value,
};

/* ---- Comparisons and tests --------------------------------------------------------------------------------------- */

static struct value value_of_operand(struct path_eval *eval, const struct path_operand *operand,
                                     const struct value *current)
{
    switch (operand->kind) {
    case PATH_LITERAL:
        return operand->literal;
    case PATH_QUERY:
        return path_find(eval, &operand->query, start_of(eval, &operand->query, current));
    case PATH_CALL:
        return value_functions[operand->call.function->id](eval, &operand->call, current);
    }
    return VALUE_NONE;
}

static size_t cost_of_comparing(const struct value *a, const struct value *b)
{
    bool containers = value_is_container(a) && a->type == b->type;
    return 1 + (a->text.len + b->text.len) / (containers ? CONTAINER_A_STEP : TEXT_A_STEP);
}

/* RFC 9535, 2.3.5.2.2: nothing equals nothing; only numbers, and only texts, are less or greater. */
static bool compare(struct path_eval *eval, const struct path_logic *logic, const struct value *current)
{
    struct value left = value_of_operand(eval, logic->left, current);
    struct value right = value_of_operand(eval, logic->right, current);
    if (!path_spend(eval, cost_of_comparing(&left, &right)))
        return false;
    int order;
    switch (logic->comparison) {
    case PATH_EQ:
        return value_equal(eval->arena, &left, &right);
    case PATH_NE:
        return !value_equal(eval->arena, &left, &right);
    case PATH_LE:
    case PATH_GE:
        if (value_equal(eval->arena, &left, &right))
            return true;
        break;
    case PATH_LT:
    case PATH_GT:
        break;
    }
    bool less = logic->comparison == PATH_LT || logic->comparison == PATH_LE;
    return value_compare(eval->arena, &left, &right, &order) && (less ? order < 0 : order > 0);
}

/* Whether a query gives any node, or a function says yes. */
static bool test(struct path_eval *eval, const struct path_operand *operand, const struct value *current)
{
    struct value first;
    if (operand->kind == PATH_QUERY)
        return count_nodes(eval, &operand->query, current, &first) > 0;
    return call_pattern(eval, &operand->call, current);
}

bool path_holds(struct path_eval *eval, const struct path_logic *logic, const struct value *current)
{
    bool is_or = logic->kind == PATH_OR;
    switch (logic->kind) {
    case PATH_OR:
    case PATH_AND:
        for (const struct path_logic *part = logic->parts; part; part = part->next) {
            if (path_holds(eval, part, current) == is_or)
                return is_or;
        }
        return !is_or;
    case PATH_NOT:
        return !path_holds(eval, logic->parts, current);
    case PATH_COMPARE:
        return compare(eval, logic, current);
    case PATH_TEST:
        return test(eval, logic->left, current);
    }
    return false;
}

/* ---- Filters that can run by text -------------------------------------------------------------------------------- */

static bool is_near(const struct path_operand *operand)
{
    return operand->kind == PATH_QUERY && operand->query.singular && !operand->query.absolute;
}

static bool logic_runs_by_text(const struct path_logic *logic)
{
    switch (logic->kind) {
    case PATH_OR:
    case PATH_AND:
    case PATH_NOT:
        for (const struct path_logic *part = logic->parts; part; part = part->next)
            if (!logic_runs_by_text(part))
                return false;
        return true;
    case PATH_COMPARE: /* a literal is no array or object */
        return (is_near(logic->left) && logic->right->kind == PATH_LITERAL) ||
               (is_near(logic->right) && logic->left->kind == PATH_LITERAL);
    case PATH_TEST:
        return is_near(logic->left);
    }
    return false;
}

bool path_runs_by_text(const struct path_segment *segments)
{
    for (const struct path_segment *segment = segments; segment; segment = segment->next) {
        if (segment->descendant)
            return false;
        for (const struct path_selector *s = segment->selectors; s; s = s->next)
            if (s->kind == PATH_FILTER && !logic_runs_by_text(s->filter))
                return false;
    }
    return true;
}
