/* The happy path: a record is found by its hash, or added at its stream's end; where it ends it goes from the table to
 * the list of those that ended. */
#include "merge/open_records.h"

#include "base/content_hash.h"

#include <stdlib.h>

enum { FIRST_TABLE = 64 };

/* ---- Life ------------------------------------------------------------------------------------------------------- */

bool open_records_init(struct open_records *o)
{
    *o = (struct open_records){.limit = SIZE_MAX, .table_size = FIRST_TABLE};
    o->table = calloc(FIRST_TABLE, sizeof(struct open_record *));
    return o->table != NULL;
}

static void generation_free(struct generation *g)
{
    for (struct stream *s = g->used, *next; s; s = next) {
        next = s->next;
        free(s);
    }
    free(g->streams);
    free(g->open);
    mapper_free(g->mapper);
    free(g);
}

static void free_ended(struct open_records *o)
{
    for (struct open_record *r = o->ended_first, *next; r; r = next) {
        next = r->next;
        open_record_free(r);
    }
}

void open_records_release(struct open_records *o)
{
    for (size_t i = 0; o->table && i < o->table_size; i++) {
        for (struct open_record *r = o->table[i], *next; r; r = next) {
            next = r->chain;
            open_record_free(r);
        }
    }
    free_ended(o);
    for (struct generation *g = o->generations, *next; g; g = next) {
        next = g->next;
        generation_free(g);
    }
    for (struct clock *c = o->clocks, *next; c; c = next) {
        next = c->next;
        free(c->input);
        free(c);
    }
    free(o->table);
}

void open_records_tidy(struct open_records *o)
{
    if (!o->generations)
        return;
    for (struct generation **at = &o->generations->next; *at;) {
        struct generation *g = *at;
        if (g->records > 0) {
            at = &g->next;
            continue;
        }
        *at = g->next;
        generation_free(g);
    }
}

bool open_records_configure(struct open_records *o, const struct config *config, struct mapper *mapper, size_t bytes)
{
    struct generation *g = calloc(1, sizeof *g);
    if (!g) {
        mapper_free(mapper);
        return false;
    }
    g->config = config;
    g->mapper = mapper;
    g->streams = calloc(config->rules.count * config->input_count + 1, sizeof(struct stream *));
    g->open = calloc(config->rules.count + 1, sizeof *g->open);
    if (!g->mapper || !g->streams || !g->open) {
        generation_free(g);
        return false;
    }
    g->next = o->generations;
    o->generations = g;
    o->limit = bytes;
    open_records_tidy(o);
    return true;
}

struct generation *open_records_generation(const struct open_records *o, const struct config *config)
{
    struct generation *g = o->generations;
    while (g && g->config != config)
        g = g->next;
    return g;
}

/* ---- The table ----------------------------------------------------------------------------------------------------
 */

static struct clock *clock_of(struct open_records *o, const char *input)
{
    struct clock *c = o->clocks;
    while (c && strcmp(c->input, input) != 0)
        c = c->next;
    if (c)
        return c;
    c = calloc(1, sizeof *c);
    if (!c || !(c->input = strdup(input))) {
        free(c);
        return NULL;
    }
    c->next = o->clocks;
    return o->clocks = c;
}

struct stream *open_records_stream(struct open_records *o, struct generation *g, uint32_t rule, uint32_t input)
{
    struct stream **at = &g->streams[rule * g->config->input_count + input];
    if (*at)
        return *at;
    struct clock *clock = clock_of(o, g->config->inputs[input].name);
    struct stream *made = clock ? calloc(1, sizeof *made) : NULL;
    if (!made)
        return NULL;
    *made = (struct stream){.next = g->used, .generation = g, .rule = rule, .input = input, .clock = clock};
    g->used = made;
    return *at = made;
}

static struct slice rule_name(const struct generation *g, uint32_t rule)
{
    return g->config->rules.items[rule].name;
}

uint64_t open_records_hash(const struct joining *j)
{
    struct content_hash hash;
    content_hash_init(&hash);
    content_hash_add(&hash, slice_from(j->generation->config->inputs[j->input].name));
    content_hash_add(&hash, SLICE("\n"));
    content_hash_add(&hash, rule_name(j->generation, j->rule));
    content_hash_add(&hash, SLICE("\n"));
    content_hash_add(&hash, j->key);
    uint64_t h = hash.h ^ (hash.pending * UINT64_C(0x9e3779b97f4a7c15));
    return h ^ h >> 29;
}

struct open_record *open_records_find(const struct open_records *o, const struct joining *j, uint64_t hash)
{
    for (struct open_record *r = o->table[hash & (o->table_size - 1)]; r; r = r->chain) {
        const struct generation *g = r->stream->generation;
        if (r->hash == hash && slice_equal(r->key, j->key) &&
            slice_equal(rule_name(g, r->stream->rule), rule_name(j->generation, j->rule)) &&
            strcmp(g->config->inputs[r->stream->input].name, j->generation->config->inputs[j->input].name) == 0)
            return r;
    }
    return NULL;
}

static void put_into_table(struct open_records *o, struct open_record *r)
{
    struct open_record **at = &o->table[r->hash & (o->table_size - 1)];
    r->chain = *at;
    *at = r;
}

/* Where memory lacks for a larger one, chains get longer. */
static void grow_table(struct open_records *o)
{
    if (o->open < o->table_size)
        return;
    struct open_record **old = o->table, **table = calloc(2 * o->table_size, sizeof(struct open_record *));
    if (!table)
        return;
    size_t size = o->table_size;
    o->table = table;
    o->table_size *= 2;
    for (size_t i = 0; i < size; i++) {
        for (struct open_record *r = old[i], *next; r; r = next) {
            next = r->chain;
            put_into_table(o, r);
        }
    }
    free(old);
}

static void take_out_of_table(struct open_records *o, const struct open_record *r)
{
    struct open_record **at = &o->table[r->hash & (o->table_size - 1)];
    while (*at != r)
        at = &(*at)->chain;
    *at = r->chain;
}

void open_records_add(struct open_records *o, struct open_record *r, struct stream *s, uint64_t hash)
{
    uint64_t timeout = r->merge->timeout_ms;
    r->stream = s;
    r->hash = hash;
    r->deadline = timeout ? s->clock->ms + timeout : UINT64_MAX;
    grow_table(o);
    put_into_table(o, r);
    r->previous = s->last;
    if (s->last)
        s->last->next = r;
    else
        s->first = r;
    s->last = r;
    s->generation->open[s->rule]++;
    s->generation->records++;
    o->open++;
}

void open_records_recost(struct open_records *o, struct open_record *r)
{
    size_t cost = open_record_cost(r);
    o->bytes += cost - r->cost;
    r->cost = cost;
}

/* ---- A record that ends ----------------------------------------------------------------------------------------- */

void open_records_end(struct open_records *o, struct open_record *r, enum merge_end how)
{
    struct stream *s = r->stream;
    take_out_of_table(o, r);
    if (r->previous)
        r->previous->next = r->next;
    else
        s->first = r->next;
    if (r->next)
        r->next->previous = r->previous;
    else
        s->last = r->previous;
    s->generation->open[s->rule]--;
    o->open--;
    o->bytes -= r->cost;
    r->ended = how;
    if (how != MERGE_UNTIL) {
        r->joined->last->ended = how;
        if (r->joined->last->ledger)
            ledger_note_change(r->joined->last->ledger);
    }
    r->next = NULL;
    r->previous = o->ended_last;
    if (o->ended_last)
        o->ended_last->next = r;
    else
        o->ended_first = r;
    o->ended_last = r;
}

void open_records_take(struct open_records *o, struct open_record *r)
{
    if (r->previous)
        r->previous->next = r->next;
    else
        o->ended_first = r->next;
    if (r->next)
        r->next->previous = r->previous;
    else
        o->ended_last = r->previous;
}

/* The oldest of all, or of one rule of a configuration. */
static struct open_record *oldest(const struct open_records *o, const struct generation *only, uint32_t rule)
{
    struct open_record *found = NULL;
    for (const struct generation *g = o->generations; g; g = g->next) {
        for (const struct stream *s = g->used; s; s = s->next) {
            bool counts = s->first && (!only || (g == only && s->rule == rule));
            if (counts && (!found || s->first->number < found->number))
                found = s->first;
        }
    }
    return found;
}

void open_records_make_room(struct open_records *o, struct generation *g, uint32_t rule)
{
    size_t most = g->config->rules.items[rule].merge.max_open;
    while (g->open[rule] > most)
        open_records_end(o, oldest(o, g, rule), MERGE_MAX_OPEN);
    while (o->bytes > o->limit && o->open > 0)
        open_records_end(o, oldest(o, NULL, 0), MERGE_BUFFER);
}

static void end_in_time(struct open_records *o, struct stream *s)
{
    while (s->first && s->first->deadline <= s->clock->ms)
        open_records_end(o, s->first, MERGE_TIMEOUT);
}

void open_records_end_in_time(struct open_records *o)
{
    for (struct generation *g = o->generations; g; g = g->next)
        for (struct stream *s = g->used; s; s = s->next)
            end_in_time(o, s);
}

void open_records_end_all(struct open_records *o)
{
    for (struct open_record *r; (r = oldest(o, NULL, 0));)
        open_records_end(o, r, MERGE_END);
}

uint64_t open_records_next_timeout(const struct open_records *o)
{
    uint64_t least = UINT64_MAX;
    for (const struct generation *g = o->generations; g; g = g->next) {
        for (const struct stream *s = g->used; s; s = s->next) {
            bool ends = s->first && s->first->deadline != UINT64_MAX;
            if (ends && s->first->deadline - s->clock->ms < least)
                least = s->first->deadline - s->clock->ms;
        }
    }
    return least;
}

/* ---- Those that have ended -------------------------------------------------------------------------------------- */

void open_records_forget(struct open_records *o, struct open_record *r)
{
    (void)o;
    r->stream->generation->records--;
    open_record_free(r);
}
