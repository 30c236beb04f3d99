/* Pure: no I/O, no clock, no logging, no uv. */
#ifndef RAINGAUGE_CONDITION_H
#define RAINGAUGE_CONDITION_H

#include "expr/expr.h"
#include "expr/regex.h"

/* `when` (contract 4, "Conditions"), as the configuration compiles it: a tree that is never written to afterwards. */
enum condition_op {
    COND_ALL,
    COND_ANY,
    COND_NOT, /* children (not: all of them must hold, and that is turned round) */
    COND_EQ,
    COND_NE,
    COND_GT,
    COND_GTE,
    COND_LT,
    COND_LTE,     /* literal[0] */
    COND_ONE_OF,  /* literals */
    COND_EXISTS,  /* literal[0]: true or false */
    COND_MATCHES, /* regex */
    COND_CONTAINS,
    COND_STARTS_WITH,
    COND_ENDS_WITH, /* literal[0] */
};

struct condition {
    enum condition_op op;
    const struct expr *key; /* leaves: what is compared */
    const struct value *literals;
    size_t literal_count;
    const struct regex *regex;
    const struct condition *children;
    size_t child_count;
    struct slice source; /* the key and operator as written, for `map --explain` */
    unsigned line;       /* of the configuration, likewise */
};

/* On nothing only `exists: false` and `ne` hold. A match limit that is hit does not hold and is counted in the scope.
 */
bool condition_holds(const struct condition *c, struct scope *scope);

static inline bool condition_is_leaf(const struct condition *c)
{
    return c->op > COND_NOT;
}
/* Whether a leaf can hold where its key gives `v`. It is that it does, but for a regular expression, which is not
 * searched for. */
bool condition_can_hold_on(const struct condition *c, struct scope *scope, struct value *v);

/* The first leaf that decided against it (or a `not` whose children all hold), for `map --explain`; NULL where it
 * holds. */
const struct condition *condition_why_not(const struct condition *c, struct scope *scope);

/* A necessary condition for the pre-filter: where every record for which `c` holds must contain, as a JSON string, one
 * of some plain texts: those texts. False where no such set is known. Texts in the arena. */
bool condition_needs_text(const struct condition *c, struct arena *arena, const struct slice **ret_texts,
                          size_t *ret_count);

#endif
