/* Pure: no I/O, no clock, no logging, no uv. */
#ifndef RAINGAUGE_JSONPATH_AST_H
#define RAINGAUGE_JSONPATH_AST_H

#include "expr/regex.h"
#include "json/value.h"

/* What a path means: written once by the parser, only read by the evaluator. The words are those of RFC 9535: a query
 * is a list of segments, a segment one or more selectors, a filter selector a logical expression over operands. What
 * comes in lists is linked by `next`. */

/* ---- Selectors and segments (RFC 9535, 2.3 and 2.5) -------------------------------------------------------------- */

struct path_logic;

struct path_range { /* start:end:step */
    int64_t start, end, step;
    bool has_start, has_end;
};

enum path_selector_kind { PATH_NAME, PATH_INDEX, PATH_WILDCARD, PATH_SLICE, PATH_FILTER };

struct path_selector {
    const struct path_selector *next;
    enum path_selector_kind kind;
    union {
        struct slice name; /* plain UTF-8 */
        int64_t index;
        struct path_range range;
        const struct path_logic *filter;
    };
};

struct path_segment {
    const struct path_segment *next;
    const struct path_selector *selectors; /* at least one */
    bool descendant;                       /* `..`: applied to the node and to all below it */
};

struct path_query {
    const struct path_segment *segments; /* NULL: the root itself */
    bool absolute;                       /* begins at `$`, not at `@` */
    bool singular;                       /* gives one node at most */
    bool spaced;                         /* blanks inside its brackets, which the grammar of 2.3.5.1 has not */
};

/* ---- Operands (2.3.5.1 and 2.4) ---------------------------------------------------------------------------------- */

enum path_type { PATH_TYPE_VALUE, PATH_TYPE_LOGICAL, PATH_TYPE_NODES };

enum path_function_id { PATH_LENGTH, PATH_COUNT, PATH_VALUE, PATH_MATCH, PATH_SEARCH };

enum { PATH_ARGUMENTS_MAX = 2 };

struct path_function {
    const char *name;
    enum path_function_id id;
    enum path_type result;
    size_t parameter_count;
    enum path_type parameters[PATH_ARGUMENTS_MAX];
};

struct path_call {
    const struct path_function *function;
    const struct path_operand *arguments[PATH_ARGUMENTS_MAX];
    bool pattern_known;          /* match() and search(): the pattern is a literal … */
    const struct regex *pattern; /* … compiled; NULL where it is no I-Regexp: then nothing matches (2.4.6) */
};

enum path_operand_kind { PATH_LITERAL, PATH_QUERY, PATH_CALL };

struct path_operand {
    enum path_operand_kind kind;
    union {
        struct value literal;
        struct path_query query;
        struct path_call call;
    };
};

/* ---- Logical expressions (2.3.5) --------------------------------------------------------------------------------- */

enum path_comparison { PATH_EQ, PATH_NE, PATH_LE, PATH_GE, PATH_LT, PATH_GT };

enum path_logic_kind { PATH_OR, PATH_AND, PATH_NOT, PATH_COMPARE, PATH_TEST };

struct path_logic {
    const struct path_logic *next; /* among the parts of the same `||` or `&&` */
    enum path_logic_kind kind;
    enum path_comparison comparison;
    const struct path_logic *parts;          /* OR, AND: two or more; NOT: one */
    const struct path_operand *left, *right; /* COMPARE: both; TEST: left, a query or a call of a logical function */
};

/* ---- The program ------------------------------------------------------------------------------------------------- */

struct jsonpath {
    struct path_query query;
    const struct path_segment *many; /* the first one that can give several nodes; NULL: the path is singular */
    bool by_text;                    /* from there on it can run by text ... */
    size_t passes;                   /* ... walking through it so many times at most */
    bool uses_record;                /* a filter in it looks at `$` */
    const struct slice *names;       /* a chain of member names: all of them; NULL: it is no such chain */
    size_t name_count;
};

#endif
