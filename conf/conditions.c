/* `when`: a map of conditions → a tree (contract 4, "Conditions"). */
#include "loader.h"
#include "settings.h"

/* ---- Operators -------------------------------------------------------------------------------------------------- */

enum operand { OPERAND_ANY, OPERAND_ORDERED, OPERAND_BOOL, OPERAND_TEXT, OPERAND_REGEX };

static const struct operator_row {
    const char *name;
    enum condition_op op;
    enum operand operand;
} operators[] = {
    {"eq", COND_EQ, OPERAND_ANY},
    {"ne", COND_NE, OPERAND_ANY},
    {"gt", COND_GT, OPERAND_ORDERED},
    {"gte", COND_GTE, OPERAND_ORDERED},
    {"lt", COND_LT, OPERAND_ORDERED},
    {"lte", COND_LTE, OPERAND_ORDERED},
    {"exists", COND_EXISTS, OPERAND_BOOL},
    {"matches", COND_MATCHES, OPERAND_REGEX},
    {"contains", COND_CONTAINS, OPERAND_ANY},
    {"starts_with", COND_STARTS_WITH, OPERAND_TEXT},
    {"ends_with", COND_ENDS_WITH, OPERAND_TEXT},
};
enum { OPERATOR_COUNT = sizeof operators / sizeof operators[0] };

/* The key and the operator as written. */
static struct slice source_of(struct loader *l, const struct yaml_member *key, const char *operator)
{
    struct buffer text;
    buffer_init_in(&text, l->arena);
    buffer_add(&text, key->key);
    buffer_printf(&text, operator ? ": {%s}" : "%s", operator ? operator : "");
    return text.failed ? key->key : buffer_slice(&text);
}

static bool read_operand(struct loader *l, const struct operator_row *row, const struct yaml_node *node,
                         struct condition *c)
{
    if (row->operand == OPERAND_REGEX) {
        c->regex = scalar_regex(l, node, "matches in when");
        return c->regex != NULL;
    }
    struct value *literal = arena_calloc(l->arena, 1, sizeof *literal);
    if (!literal || !value_literal(l, node, literal))
        return false;
    c->literals = literal;
    c->literal_count = 1;

    const char *wanted = NULL;
    if (row->operand == OPERAND_BOOL && literal->type != VALUE_TRUE && literal->type != VALUE_FALSE)
        wanted = "true or false";
    else if (row->operand == OPERAND_TEXT && literal->type != VALUE_STRING)
        wanted = "text";
    else if (row->operand == OPERAND_ORDERED && literal->type != VALUE_STRING && literal->type != VALUE_NUMBER)
        wanted = "a number or text";
    if (wanted)
        loader_error(l, node->place, "%s in when must be %s", row->name, wanted);
    return !wanted;
}

static bool read_operator(struct loader *l, const struct yaml_member *key, const struct yaml_member *member,
                          struct condition *c)
{
    const char *names[OPERATOR_COUNT];
    for (size_t i = 0; i < OPERATOR_COUNT; i++) {
        names[i] = operators[i].name;
        if (slice_is(member->key, names[i])) {
            c->op = operators[i].op;
            c->source = source_of(l, key, names[i]);
            return read_operand(l, &operators[i], member->value, c);
        }
    }
    loader_error(l, member->key_place, "unknown operator \"%.*s\" in when%s", SLICE_FMT(member->key),
                 did_you_mean(l, member->key, names, OPERATOR_COUNT));
    return false;
}

/* ---- Leaves ----------------------------------------------------------------------------------------------------- */

static bool read_operators(struct loader *l, const struct yaml_member *key, struct condition *c)
{
    const struct yaml_node *map = key->value;
    if (map->count == 0) {
        loader_error(l, map->place, "a condition needs an operator such as eq or exists");
        return false;
    }
    struct condition *leaves = arena_calloc(l->arena, map->count, sizeof *leaves);
    bool good = leaves != NULL;
    for (size_t i = 0; i < map->count && leaves; i++) {
        leaves[i] = (struct condition){.key = c->key, .line = c->line};
        good &= read_operator(l, key, &map->members[i], &leaves[i]);
    }
    if (!good)
        return false;
    if (map->count == 1)
        *c = leaves[0];
    else
        *c = (struct condition){.op = COND_ALL, .children = leaves, .child_count = map->count, .line = c->line};
    return true;
}

static bool read_literals(struct loader *l, const struct yaml_node *list, struct condition *c)
{
    struct value *literals = arena_calloc(l->arena, list->count, sizeof *literals);
    bool good = literals != NULL;
    if (list->count == 0) {
        loader_error(l, list->place, "a list of values must not be empty: nothing is one of none");
        return false;
    }
    for (size_t i = 0; i < list->count && literals; i++)
        good &= value_literal(l, list->items[i], &literals[i]);
    c->op = COND_ONE_OF;
    c->literals = literals;
    c->literal_count = list->count;
    return good;
}

static bool read_leaf(struct loader *l, const struct yaml_member *member, struct condition *c)
{
    struct yaml_node key = value_of_key(member);
    *c = (struct condition){.op = COND_EQ, .line = member->key_place.line, .source = source_of(l, member, NULL)};
    c->key = value_expression(l, &key, "a condition's key");
    bool good = c->key != NULL;

    if (member->value->type == YAML_MAP)
        return read_operators(l, member, c) && good;
    if (member->value->type == YAML_LIST)
        return read_literals(l, member->value, c) && good;
    struct value *literal = arena_calloc(l->arena, 1, sizeof *literal);
    good &= literal && value_literal(l, member->value, literal);
    c->literals = literal;
    c->literal_count = 1;
    return good;
}

/* ---- The tree --------------------------------------------------------------------------------------------------- */

static bool read_map(struct loader *l, const struct yaml_node *map, const char *what, enum condition_op op,
                     struct condition *c);

/* any: [...], all: [...] */
static bool read_branches(struct loader *l, const struct yaml_member *member, enum condition_op op, const char *what,
                          struct condition *c)
{
    const struct yaml_node *list = member->value;
    if (list->type != YAML_LIST || list->count == 0) {
        loader_error(l, list->place, "%s must be a list of conditions", what);
        return false;
    }
    struct condition *children = arena_calloc(l->arena, list->count, sizeof *children);
    bool good = children != NULL;
    for (size_t i = 0; i < list->count && children; i++)
        good &= read_map(l, list->items[i], what, COND_ALL, &children[i]);
    *c = (struct condition){.op = op, .children = children, .child_count = list->count, .line = member->key_place.line};
    return good;
}

static bool read_member(struct loader *l, const struct yaml_member *member, struct condition *c)
{
    if (slice_is(member->key, "not")) {
        bool good = read_map(l, member->value, "not in when", COND_NOT, c);
        c->line = member->key_place.line;
        return good;
    }
    if (slice_is(member->key, "any"))
        return read_branches(l, member, COND_ANY, "any in when", c);
    if (slice_is(member->key, "all"))
        return read_branches(l, member, COND_ALL, "all in when", c);
    if (expr_kind_of(member->key) == EXPR_KIND_EXPRESSION)
        return read_leaf(l, member, c);
    loader_error(l, member->key_place,
                 "unknown key \"%.*s\" in when; a key is an expression such as $.name, or not, any or all",
                 SLICE_FMT(member->key));
    return false;
}

static bool read_map(struct loader *l, const struct yaml_node *map, const char *what, enum condition_op op,
                     struct condition *c)
{
    if (map->type != YAML_MAP) {
        loader_error(l, map->place, "%s must be a map of conditions", what);
        return false;
    }
    struct condition *children = arena_calloc(l->arena, map->count, sizeof *children);
    bool good = children != NULL;
    for (size_t i = 0; i < map->count && children; i++)
        good &= read_member(l, &map->members[i], &children[i]);
    *c = (struct condition){.op = op, .children = children, .child_count = map->count, .line = map->place.line};
    if (good && op == COND_ALL && map->count == 1)
        *c = children[0];
    return good;
}

const struct condition *condition_read(struct loader *l, const struct yaml_node *node)
{
    struct condition *c = arena_calloc(l->arena, 1, sizeof *c);
    return c && read_map(l, node, "when", COND_ALL, c) ? c : NULL;
}
