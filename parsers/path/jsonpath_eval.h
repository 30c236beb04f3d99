/* Pure: no I/O, no clock, no logging, no uv. */
#ifndef RAINGAUGE_JSONPATH_EVAL_H
#define RAINGAUGE_JSONPATH_EVAL_H

#include "path/jsonpath_ast.h"

/* Running a query. jsonpath_eval.c gives the nodes of queries and asks jsonpath_filter.c of each child whether a filter
 * holds there, which asks for nodes in its turn.
 *
 * One struct path_eval is one evaluation; all it allocates is in the arena (but for a pattern out of the data, which
 * path_eval_end() gives back). Where memory or the steps are used up it ends early with arena->failed set; what the
 * functions return then means nothing. */
struct path_eval {
    struct arena *arena;
    bool by_text;               /* nodes are places in the text, which is walked through (json_walk.h); else tokens */
    const struct value *record; /* what `$` means in filters; tokenised */
    size_t steps;               /* left of LIMIT_PATH_STEPS */

    /* The last pattern of match() or search() that came out of the data, as it stands there, and compiled. */
    bool has_pattern;
    struct slice pattern_text;
    const struct regex *pattern;
    struct regex_list patterns;
};

/* Whether a query can run by text, so that no part of the text is walked through more often than it has segments and
 * filters: nothing in it looks at the same things again and again, or needs more of a document than the nodes. */
bool path_runs_by_text(const struct path_segment *segments);

/* Counts work. False where it is too much. */
bool path_spend(struct path_eval *eval, size_t steps);

struct path_node {
    uint32_t at;        /* the token; by text: where it begins, … */
    uint32_t end, name; /* … ends, and where its name begins, without the quote */
    uint32_t index;     /* in its array; PATH_MEMBER: a member */
};
#define PATH_MEMBER UINT32_MAX

struct path_nodes { /* all of one document */
    struct path_node *list;
    size_t count, room;
};

struct value path_node_value(const struct path_eval *eval, struct json_doc *doc, const struct path_node *node);
/* Its member's name or index. */
struct value path_node_key(const struct path_eval *eval, struct json_doc *doc, const struct path_node *node);

/* What a singular query leads to, or NOTHING. `start` has its document where it is an array or object, and its tokens
 * where they are wanted. */
struct value path_find(struct path_eval *eval, const struct path_query *query, const struct value *start);

/* The nodes, in order, that one segment at least lead to, in start->doc. */
bool path_collect(struct path_eval *eval, const struct path_segment *segments, const struct value *start,
                  struct path_nodes *ret_nodes) __attribute__((warn_unused_result));

/* Elements of an array, or members of an object that count. */
bool path_count_children(struct path_eval *eval, const struct value *container, size_t *ret_count)
    __attribute__((warn_unused_result));

/* Whether a filter holds where `@` is `current`. In jsonpath_filter.c. */
bool path_holds(struct path_eval *eval, const struct path_logic *logic, const struct value *current);

#endif
