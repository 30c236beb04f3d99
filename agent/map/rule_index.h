#ifndef RAINGAUGE_RULE_INDEX_H
#define RAINGAUGE_RULE_INDEX_H

#include "config.h"

/* Which rules have to be tried on a record of an input. Where several rules look at one and the same member of the
 * record (`$.msg: a`, `$.msg: [b, c]`, `$.msg: {starts_with: d}`), that is looked up once: those that ask for a text
 * are found by it, of the others that one condition is tried, and only the rules that remain are tried as a whole.
 *
 *     rule_candidates_begin(&candidates, index, &scope, all);
 *     while (rule_candidates_next(&candidates, &rule)) …
 *
 * gives, in the rules' order, every rule whose `when` can hold, and some more. */

struct rule_set { /* a bit for each of config->rules */
    uint64_t *words;
};

struct rule_test { /* a rule that can only hold where this does */
    const struct condition *condition;
    uint32_t rule;
};

struct rule_key {
    const struct expr *member;
    struct rule_bucket {   /* rules that ask for this text */
        struct slice text; /* NULL: a free one */
        size_t asking;     /* rules that could be found by it … */
        uint32_t *rules;   /* … and those that are */
        size_t count;
    } * buckets;                  /* open addressing */
    size_t bucket_count, longest; /* of the texts */
    struct rule_test *tests;      /* of the rules that look at it in another way */
    size_t test_count;
    size_t looking; /* rules that could be found by it */
};

struct rule_index {
    size_t words;           /* of a set */
    struct rule_set all;    /* that look at the input */
    struct rule_set others; /* of `all`: those that are found by no key */
    struct rule_key *keys;
    size_t key_count;
};

/* NULL on lack of memory; lives in the arena. */
const struct rule_index *rule_index_of(const struct config *config, size_t input, struct arena *arena);

struct rule_candidates {
    const uint64_t *words;
    size_t count, at;
    uint64_t left; /* of the word before `at` */
};
/* `all`: every rule that looks at the input. Where memory lacks, scope->arena has `failed` set. */
void rule_candidates_begin(struct rule_candidates *c, const struct rule_index *index, struct scope *scope, bool all);

static inline bool rule_candidates_next(struct rule_candidates *c, uint32_t *ret_rule)
{
    while (c->left == 0) {
        if (c->at == c->count)
            return false;
        c->left = c->words[c->at++];
    }
    *ret_rule = (uint32_t)(64 * (c->at - 1)) + (uint32_t)__builtin_ctzll(c->left);
    c->left &= c->left - 1;
    return true;
}

#endif
