/* Pure: no I/O, no clock, no logging, no uv. */
#ifndef RAINGAUGE_JSONPATH_H
#define RAINGAUGE_JSONPATH_H

#include "expr/regex.h"
#include "json/value.h"

/* JSONPath, RFC 9535, the whole of it: text → AST → checked program → nodes of a value.
 *
 *     struct path_error error;
 *     size_t used;
 *     const struct jsonpath *p =
 *         jsonpath_compile(&arena, &regexes, text, PATH_WHOLE, &used, &error);   // once, for ever
 *     struct value v = jsonpath_value(&scratch, p, &root, &root);                // per record
 *
 * A program lives in the arena it was compiled in and is never written to afterwards: many threads may use one. */

struct path_error {
    size_t at; /* byte offset of the offending character in the text that was given */
    char text[160];
};

struct jsonpath;

enum path_extent {
    PATH_WHOLE, /* the text is a query, from `$` to its end; anything left over is an error */
    PATH_TAIL,  /* the text begins behind an expression's root ($, $item, $meta …): zero or more segments, as far as
                 * they go; *ret_used says where the first byte that belongs to no segment is (an operator, a blank).
                 * Blanks are taken only where a further segment follows them. */
};

/* NULL with `ret_error` filled where the text is not well-formed and valid (types of function arguments, integers in
 * the I-JSON range …) by RFC 9535, or on lack of memory. The patterns of match() and search() that stand in the text
 * are compiled here too and belong to `regexes`, which must live as long as the program. */
const struct jsonpath *jsonpath_compile(struct arena *arena, struct regex_list *regexes, struct slice text,
                                        enum path_extent extent, size_t *ret_used, struct path_error *ret_error)
    __attribute__((warn_unused_result));

/* Whether it can give one node at most (RFC 9535, section 2.3.5.1: names and indexes only). */
bool jsonpath_is_singular(const struct jsonpath *p);

/* Where the whole path is a chain of member names: how many, and each one as plain text. What a pre-filter or an index
 * over rules asks. Zero names: the root itself. */
bool jsonpath_member_chain(const struct jsonpath *p, const struct slice **ret_names, size_t *ret_count);

/* Where a path begins with a member name, in each of its branches: that name as plain text (so that only mentioned
 * members need decoding). False: it may look at anything. */
bool jsonpath_first_member(const struct jsonpath *p, struct slice *ret_name);

/* What the path gives from `start`; `$` inside its filters is `record`. A singular query gives its node or NOTHING; any
 * other an array of its nodes (JSON text in the arena), or NOTHING where there are none. On lack of memory, above
 * LIMIT_PATH_NODES or after LIMIT_PATH_STEPS NOTHING, with arena->failed set. */
struct value jsonpath_value(struct arena *arena, const struct jsonpath *p, const struct value *start,
                            const struct value *record);

/* The nodes one by one, in the order of RFC 9535. `*ret_nodes` is in the arena. False, with arena->failed set, on
 * lack of memory, above LIMIT_PATH_NODES or after LIMIT_PATH_STEPS. */
bool jsonpath_nodes(struct arena *arena, const struct jsonpath *p, const struct value *start,
                    const struct value *record, struct value **ret_nodes, size_t *ret_count)
    __attribute__((warn_unused_result));

/* A node's place, for `for_each`'s $key: the last step's member name or index of each node, beside ret_nodes.
 * NULL may be given where it is not asked for. */
bool jsonpath_nodes_with_keys(struct arena *arena, const struct jsonpath *p, const struct value *start,
                              const struct value *record, struct value **ret_nodes, struct value **ret_keys,
                              size_t *ret_count) __attribute__((warn_unused_result));

#endif
