#include "map/rule_index.h"

#include "base/content_hash.h"
#include "expr/condition.h"

enum {
    RULES_LEAST = 4, /* with fewer that ask for the same member it is as quick to try them */
    KEYS_MOST = 64,  /* members that are compared for how many rules ask for them */
};

/* ---- What a rule asks for ---------------------------------------------------------------------------------------- */

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

/* A condition that a member of the record is one of some texts. */
static bool asks_for_texts(const struct condition *c)
{
    const struct slice *names;
    size_t count;
    if ((c->op != COND_EQ && c->op != COND_ONE_OF) || !expr_member_chain(c->key, &names, &count) || count == 0)
        return false;
    for (size_t i = 0; i < c->literal_count; i++)
        if (c->literals[i].type != VALUE_STRING)
            return false;
    return true;
}

/* The next of the conditions that must all hold, from *at on, which asks for texts; of `key`, if that is given. */
static const struct condition *next_asking(const struct condition *when, const struct expr *key, size_t *at)
{
    size_t count = !when ? 0 : when->op == COND_ALL ? when->child_count : 1;
    while (*at < count) {
        const struct condition *c = when->op == COND_ALL ? &when->children[*at] : when;
        ++*at;
        if (asks_for_texts(c) && (!key || is_same_member(c->key, key)))
            return c;
    }
    return NULL;
}

static const struct condition *asking_for(const struct rule *rule, const struct expr *key)
{
    size_t at = 0;
    return key ? next_asking(rule->when, key, &at) : NULL;
}

/* ---- Building ---------------------------------------------------------------------------------------------------- */

struct key_count {
    const struct expr *key;
    size_t rules;
};

static void count_keys(const struct rule *rule, struct key_count *keys, size_t *count)
{
    const struct condition *c;
    for (size_t at = 0; (c = next_asking(rule->when, NULL, &at));) {
        size_t i = 0;
        while (i < *count && !is_same_member(keys[i].key, c->key))
            i++;
        if (i == KEYS_MOST)
            continue;
        *count += i == *count;
        keys[i].key = c->key;
        keys[i].rules++;
    }
}

/* The member that most rules ask for. */
static const struct expr *best_key(const struct config *config, const struct rule_list *rules)
{
    struct key_count keys[KEYS_MOST] = {{0}};
    size_t count = 0, best = 0;
    for (size_t i = 0; i < rules->count; i++)
        count_keys(&config->rules.items[rules->items[i]], keys, &count);
    for (size_t i = 1; i < count; i++)
        if (keys[i].rules > keys[best].rules)
            best = i;
    return keys[best].rules >= RULES_LEAST ? keys[best].key : NULL;
}

static void add(struct arena *arena, struct rule_list *list, uint32_t rule)
{
    if (list->count && list->items[list->count - 1] == rule)
        return;
    list->items = arena_grow_array(arena, list->items, list->count, sizeof *list->items);
    if (list->items)
        list->items[list->count++] = rule;
}

static struct rule_bucket *find(const struct rule_index *index, struct slice text)
{
    size_t i = (size_t)content_hash_of(text) & (index->bucket_count - 1);
    while (index->buckets[i].rules.count && !slice_equal(index->buckets[i].text, text))
        i = (i + 1) & (index->bucket_count - 1);
    return &index->buckets[i];
}

static bool make_buckets(struct rule_index *index, const struct config *config, struct arena *arena)
{
    size_t texts = 0;
    for (size_t i = 0; i < index->all.count; i++) {
        const struct condition *c = asking_for(&config->rules.items[index->all.items[i]], index->key);
        texts += c ? c->literal_count : 0;
    }
    for (index->bucket_count = 8; index->bucket_count < 2 * texts;)
        index->bucket_count *= 2;
    index->buckets = arena_calloc(arena, index->bucket_count, sizeof *index->buckets);
    return index->buckets;
}

static void fill(struct rule_index *index, const struct config *config, struct arena *arena)
{
    for (size_t i = 0; i < index->all.count && !arena->failed; i++) {
        uint32_t rule = index->all.items[i];
        const struct condition *c = asking_for(&config->rules.items[rule], index->key);
        if (!c)
            add(arena, &index->others, rule);
        for (size_t k = 0; c && k < c->literal_count && !arena->failed; k++) {
            struct rule_bucket *bucket = find(index, value_plain(arena, &c->literals[k]));
            bucket->text = value_plain(arena, &c->literals[k]);
            add(arena, &bucket->rules, rule);
        }
    }
}

const struct rule_index *rule_index_of(const struct config *config, size_t input, struct arena *arena)
{
    struct rule_index *index = arena_calloc(arena, 1, sizeof *index);
    if (!index)
        return NULL;
    for (uint32_t i = 0; i < config->rules.count && !arena->failed; i++) {
        const struct rule *rule = &config->rules.items[i];
        if (!rule->applies_to_input || rule->applies_to_input[input])
            add(arena, &index->all, i);
    }
    index->key = arena->failed ? NULL : best_key(config, &index->all);
    if (index->key && make_buckets(index, config, arena))
        fill(index, config, arena);
    return arena->failed ? NULL : index;
}

/* ---- Using ------------------------------------------------------------------------------------------------------- */

void rule_candidates_begin(struct rule_candidates *c, const struct rule_index *index, struct scope *scope, bool all)
{
    *c = (struct rule_candidates){.first = index->all};
    if (all || !index->key)
        return;
    struct value v = expr_eval(index->key, scope);
    c->first = index->others;
    if (v.type != VALUE_STRING)
        return;
    struct slice text = value_plain(scope->arena, &v);
    if (text.text)
        c->second = find(index, text)->rules;
}
