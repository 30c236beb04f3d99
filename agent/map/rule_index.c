/* Built in three steps: the members that several rules look at become keys; each key counts how many rules ask for each
 * of its texts; then every rule is found by the one of its conditions that lets it through least often. */
#include "map/rule_index.h"

#include "base/content_hash.h"
#include "expr/condition.h"

enum {
    RULES_LEAST = 4, /* with fewer that look at the same member it is as quick to try them */
    KEYS_MOST = 64,  /* members that are compared for how many rules look at them */
};

/* ---- Sets -------------------------------------------------------------------------------------------------------- */

static void set_add(struct rule_set set, uint32_t rule)
{
    set.words[rule / 64] |= UINT64_C(1) << (rule % 64);
}

static bool set_has(struct rule_set set, uint32_t rule)
{
    return set.words[rule / 64] >> (rule % 64) & 1;
}

/* ---- What a rule looks at ---------------------------------------------------------------------------------------- */

static bool is_same_member(const struct expr *a, const struct expr *b)
{
    const struct slice *left, *right;
    size_t count, other_count;
    if (!expr_member_chain(a, &left, &count) || !expr_member_chain(b, &right, &other_count) || count != other_count)
        return false;
    for (size_t i = 0; i < count; i++)
        if (!slice_equal(left[i], right[i]))
            return false;
    return true;
}

/* A condition on a member of the record. */
static bool looks_at_member(const struct condition *c)
{
    const struct slice *names;
    size_t count;
    return condition_is_leaf(c) && expr_member_chain(c->key, &names, &count) && count > 0;
}

/* … that it is one of some texts. */
static bool asks_for_texts(const struct condition *c)
{
    if (c->op != COND_EQ && c->op != COND_ONE_OF)
        return false;
    for (size_t i = 0; i < c->literal_count; i++)
        if (c->literals[i].type != VALUE_STRING)
            return false;
    return c->literal_count > 0;
}

/* The next of the conditions that must all hold, from *at on, which looks at a member. */
static const struct condition *next_looking(const struct rule *rule, size_t *at)
{
    const struct condition *when = rule->when;
    size_t count = !when ? 0 : when->op == COND_ALL ? when->child_count : 1;
    while (*at < count) {
        const struct condition *c = when->op == COND_ALL ? &when->children[*at] : when;
        ++*at;
        if (looks_at_member(c))
            return c;
    }
    return NULL;
}

/* ---- Keys -------------------------------------------------------------------------------------------------------- */

static struct rule_key *key_of(struct rule_index *index, const struct condition *c)
{
    for (size_t i = 0; i < index->key_count; i++)
        if (is_same_member(index->keys[i].member, c->key))
            return &index->keys[i];
    return NULL;
}

static void count_members(struct rule_index *index, const struct rule *rule)
{
    const struct condition *c;
    for (size_t at = 0; (c = next_looking(rule, &at));) {
        struct rule_key *key = key_of(index, c);
        if (!key && index->key_count < KEYS_MOST) {
            key = &index->keys[index->key_count++];
            key->member = c->key;
        }
        if (key) {
            key->looking++;
            key->bucket_count += asks_for_texts(c) ? c->literal_count : 0;
        }
    }
}

/* Those that are worth it stay. */
static void choose_keys(struct rule_index *index, struct arena *arena)
{
    size_t kept = 0;
    for (size_t i = 0; i < index->key_count; i++)
        if (index->keys[i].looking >= RULES_LEAST)
            index->keys[kept++] = index->keys[i];
    index->key_count = kept;
    for (size_t i = 0; i < kept && !arena->failed; i++) {
        struct rule_key *key = &index->keys[i];
        size_t texts = key->bucket_count;
        for (key->bucket_count = 8; key->bucket_count < 2 * texts;)
            key->bucket_count *= 2;
        key->buckets = arena_calloc(arena, key->bucket_count, sizeof *key->buckets);
    }
}

static struct rule_bucket *find(const struct rule_key *key, struct slice text)
{
    size_t i = (size_t)content_hash_of(text) & (key->bucket_count - 1);
    while (key->buckets[i].text.text && !slice_equal(key->buckets[i].text, text))
        i = (i + 1) & (key->bucket_count - 1);
    return &key->buckets[i];
}

static void count_texts(struct rule_index *index, const struct rule *rule, struct arena *arena)
{
    const struct condition *c;
    for (size_t at = 0; (c = next_looking(rule, &at));) {
        struct rule_key *key = key_of(index, c);
        for (size_t i = 0; key && asks_for_texts(c) && i < c->literal_count; i++) {
            struct slice text = value_plain(arena, &c->literals[i]);
            if (!text.text)
                return;
            struct rule_bucket *bucket = find(key, text);
            bucket->text = text;
            bucket->asking++;
            key->longest = text.len > key->longest ? text.len : key->longest;
        }
    }
}

/* ---- Each rule's place ------------------------------------------------------------------------------------------- */

enum { NOT_BY_TEXT = 1 << 30 };

/* How many rules are let through with this one; the less, the better it is found so. */
static size_t company(const struct rule_key *key, const struct condition *c, struct arena *arena)
{
    size_t most = 0;
    if (!asks_for_texts(c))
        return NOT_BY_TEXT + (size_t)(c->op == COND_EXISTS || c->op == COND_NE);
    for (size_t i = 0; i < c->literal_count && !arena->failed; i++) {
        size_t asking = find(key, value_plain(arena, &c->literals[i]))->asking;
        most = asking > most ? asking : most;
    }
    return most;
}

static void add_to_buckets(struct rule_key *key, const struct condition *c, uint32_t rule, struct arena *arena)
{
    for (size_t i = 0; i < c->literal_count && !arena->failed; i++) {
        struct rule_bucket *bucket = find(key, value_plain(arena, &c->literals[i]));
        if (bucket->count && bucket->rules[bucket->count - 1] == rule)
            continue;
        bucket->rules = arena_grow_array(arena, bucket->rules, bucket->count, sizeof *bucket->rules);
        if (bucket->rules)
            bucket->rules[bucket->count++] = rule;
    }
}

static void add_test(struct rule_key *key, const struct condition *c, uint32_t rule, struct arena *arena)
{
    key->tests = arena_grow_array(arena, key->tests, key->test_count, sizeof *key->tests);
    if (key->tests)
        key->tests[key->test_count++] = (struct rule_test){c, rule};
}

static void place(struct rule_index *index, const struct rule *rule, uint32_t number, struct arena *arena)
{
    const struct condition *c, *best = NULL;
    size_t least = SIZE_MAX;
    for (size_t at = 0; (c = next_looking(rule, &at));) {
        const struct rule_key *key = key_of(index, c);
        size_t others = key ? company(key, c, arena) : SIZE_MAX;
        if (others < least) {
            least = others;
            best = c;
        }
    }
    if (!best)
        set_add(index->others, number);
    else if (asks_for_texts(best))
        add_to_buckets(key_of(index, best), best, number, arena);
    else
        add_test(key_of(index, best), best, number, arena);
}

static void build(struct rule_index *index, const struct config *config, struct arena *arena)
{
    const struct rule *rules = config->rules.items;
    for (uint32_t i = 0; i < config->rules.count; i++)
        if (set_has(index->all, i))
            count_members(index, &rules[i]);
    choose_keys(index, arena);
    for (uint32_t i = 0; i < config->rules.count && !arena->failed; i++)
        if (set_has(index->all, i))
            count_texts(index, &rules[i], arena);
    for (uint32_t i = 0; i < config->rules.count && !arena->failed; i++)
        if (set_has(index->all, i))
            place(index, &rules[i], i, arena);
}

const struct rule_index *rule_index_of(const struct config *config, size_t input, struct arena *arena)
{
    struct rule_index *index = arena_calloc(arena, 1, sizeof *index);
    if (!index)
        return NULL;
    index->words = config->rules.count / 64 + 1;
    index->all.words = arena_calloc(arena, index->words, sizeof(uint64_t));
    index->others.words = arena_calloc(arena, index->words, sizeof(uint64_t));
    index->keys = arena_calloc(arena, KEYS_MOST, sizeof *index->keys);
    if (arena->failed)
        return NULL;
    for (uint32_t i = 0; i < config->rules.count; i++) {
        const struct rule *rule = &config->rules.items[i];
        if (rule_applies_to(rule, input))
            set_add(index->all, i);
    }
    build(index, config, arena);
    return arena->failed ? NULL : index;
}

/* ---- Using ------------------------------------------------------------------------------------------------------- */

static void add_by_text(const struct rule_key *key, struct slice text, struct rule_set to)
{
    const struct rule_bucket *bucket = find(key, text);
    for (size_t i = 0; i < bucket->count; i++)
        set_add(to, bucket->rules[i]);
}

static void add_by_key(const struct rule_key *key, struct scope *scope, struct rule_set to)
{
    struct value v = expr_eval(key->member, scope);
    if (v.type == VALUE_STRING) {
        v = value_of_plain(value_plain(scope->arena, &v));
        if (!v.text.text)
            return;
        if (v.text.len <= key->longest)
            add_by_text(key, v.text, to);
    }
    for (size_t i = 0; i < key->test_count; i++)
        if (condition_can_hold_on(key->tests[i].condition, scope, &v))
            set_add(to, key->tests[i].rule);
}

void rule_candidates_begin(struct rule_candidates *c, const struct rule_index *index, struct scope *scope, bool all)
{
    *c = (struct rule_candidates){.words = all ? index->all.words : index->others.words, .count = index->words};
    if (all || !index->key_count)
        return;
    struct rule_set found = {arena_alloc(scope->arena, index->words * sizeof(uint64_t))};
    if (!found.words) {
        c->count = 0;
        return;
    }
    memcpy(found.words, index->others.words, index->words * sizeof(uint64_t));
    for (size_t i = 0; i < index->key_count; i++)
        add_by_key(&index->keys[i], scope, found);
    c->words = found.words;
}
