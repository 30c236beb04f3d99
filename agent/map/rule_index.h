#ifndef RAINGAUGE_RULE_INDEX_H
#define RAINGAUGE_RULE_INDEX_H

#include "config.h"

/* Which rules have to be tried on a record of an input. Where many rules tell their records by one and the same member
 * (`$.msg: a`, `$.msg: [b, c]`), they are found by that member's text instead of being tried one after the other.
 *
 *     rule_candidates_begin(&candidates, index, &scope, all);
 *     while (rule_candidates_next(&candidates, &rule)) …
 *
 * gives, in the rules' order, every rule whose `when` can hold, and some more. */

struct rule_list {
    uint32_t *items; /* indexes in config->rules, rising */
    size_t count;
};

struct rule_index {
    struct rule_list all;    /* that look at the input */
    const struct expr *key;  /* the member; NULL: there is none to go by */
    struct rule_list others; /* of `all`: those that do not ask for a text of it */
    struct rule_bucket {
        struct slice text;
        struct rule_list rules;
    } * buckets; /* open addressing; a bucket without rules is free */
    size_t bucket_count;
};

/* NULL on lack of memory; lives in the arena. */
const struct rule_index *rule_index_of(const struct config *config, size_t input, struct arena *arena);

struct rule_candidates {
    struct rule_list first, second; /* what is left of each */
};
/* `all`: every rule that looks at the input. Where memory lacks, scope->arena has `failed` set. */
void rule_candidates_begin(struct rule_candidates *c, const struct rule_index *index, struct scope *scope, bool all);

static inline bool rule_candidates_next(struct rule_candidates *c, uint32_t *ret_rule)
{
    struct rule_list *from = &c->first;
    if (c->second.count && (!from->count || *c->second.items < *from->items))
        from = &c->second;
    if (!from->count)
        return false;
    *ret_rule = *from->items++;
    from->count--;
    return true;
}

#endif
