/* Pure: no I/O, no clock, no logging, no uv. Private to parsers/expr: what expr_parse makes and expr_eval runs. */
#ifndef RAINGAUGE_EXPR_PROGRAM_H
#define RAINGAUGE_EXPR_PROGRAM_H

#include "expr/expr.h"
#include "expr/filter_table.h"
#include "path/jsonpath.h"

enum expr_op {
    EXPR_LITERAL,
    EXPR_PATH,     /* a root, and what the path gives from there */
    EXPR_FIRST_OF, /* a ?? b ?? … */
    EXPR_FILTERED, /* of | filter | filter … */
    EXPR_TEMPLATE, /* the texts of its parts, one behind the other */
    EXPR_LIST,
    EXPR_MAP,
};

enum expr_root { ROOT_RECORD, ROOT_PARENT, ROOT_ITEM, ROOT_KEY, ROOT_OUTER, ROOT_LET, ROOT_META };

struct expr {
    enum expr_op op;
    union {
        struct value literal;
        struct {
            enum expr_root root;
            size_t index;                /* which parent, which slot of the lets, which member of $meta */
            const struct jsonpath *path; /* NULL: the root itself */
            struct slice root_text;      /* "$item" */
        } path;
        struct {
            const struct expr *const *items;
            const struct slice *names; /* maps only */
            size_t count;
        } parts;
        struct {
            const struct expr *of;
            const struct filter_use *filters;
            size_t count;
        } filtered;
    };
};

/* $meta's members: by name, for the compiler, and what they are of a line. META_ALL stands for $meta itself. */
enum { META_ALL = 64 };
size_t meta_member_find(struct slice name); /* META_ALL where there is none */
const char *meta_member_nearest(struct slice name);
struct value meta_member_value(size_t member, const struct record_meta *meta, struct arena *arena);
struct value meta_value(const struct record_meta *meta, struct arena *arena); /* all of them, as an object */

/* What is made of parts that are all literals is one itself: its value, or `e` as it is. NULL on lack of memory. */
const struct expr *expr_folded(struct arena *arena, const struct expr *e);

/* What the parser needs of the argument checker and the other way round. */
struct parser {
    struct arena *arena;
    struct slice source; /* lives in the arena: literals are parts of it */
    size_t at;
    const struct expr_names *names;
    struct expr_error *error;
    unsigned depth;
};
/* Notes the mistake; false and NULL, so that it can stand in a return. The first one counts. */
bool parser_fail(struct parser *p, size_t at, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* Reads the argument `i` of a filter at p->at, checks it as far as it can be known now, and prepares it. */
bool filter_argument_parse(struct parser *p, const struct filter *filter, size_t i, struct filter_arg *ret_arg)
    __attribute__((warn_unused_result));
const struct expr *parse_expression(struct parser *p);
void skip_blanks(struct parser *p);
/* Behind the closing quote of the text that begins at `at`; 0 where there is none. */
size_t quoted_end(struct slice source, size_t at);

#endif
