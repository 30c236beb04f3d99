/* The happy path: take_part() finds the open record by input, rule and key, or opens one; its text is put behind the
 * others; where it ends, emit() folds the texts, has the rule's calls made of them, and moves those to their place in
 * the chunk. */
#include "merge/merger.h"

#include "base/content_hash.h"
#include "frames/container_path.h"
#include "limits.h"

#include <assert.h>
#include <stdlib.h>

enum { FOLD_FROM = KIB(16), FIRST_TABLE = 64, RECORD_COST = 256 };

struct clock { /* of an input: ms in which it was read to its end */
    struct clock *next;
    char *input;
    uint64_t ms;
};

/* The line that records took their $parents out of; they share it. */
struct parents_text {
    unsigned references;
    size_t len;
    char text[];
};

struct stream { /* the open records of one rule and input, the oldest first */
    struct stream *next;
    struct generation *generation;
    uint32_t rule, input;
    struct clock *clock;
    struct open_record *first, *last;
};

struct generation { /* a configuration under which records were begun */
    struct generation *next;
    const struct config *config;
    struct mapper *mapper;
    struct stream **streams; /* by rule, then input; NULL: none yet */
    struct stream *used;     /* all there are */
    size_t *open;            /* by rule */
    size_t records;          /* that are not forgotten */
};

struct open_record {
    struct joined *joined;
    struct stream *stream;
    struct open_record *previous, *next; /* in the stream; then among those that ended */
    struct open_record *chain;           /* in the table */
    uint64_t hash;
    uint64_t number;   /* of its first part */
    uint64_t deadline; /* of the stream's clock; UINT64_MAX: none */
    enum merge_end ended;
    bool broken; /* it is too complex to be folded */

    char *texts; /* the key, and what is known of the first line, in one block */
    struct slice key, file;
    struct record_meta meta;
    unsigned char id[16];
    uint64_t sample;
    uint32_t record;
    struct parents_text *parents_text;
    struct span *parents;
    size_t parent_count;

    struct buffer folded, raw; /* JSON so far, then what came behind it: struct raw_head, name, text … */
    size_t cost;
};

struct raw_head {
    size_t name, text; /* lengths */
    bool named;
};

/* A part, wherever it comes from. */
struct joining {
    struct generation *generation;
    uint32_t rule, input;
    uint32_t record, nth;
    uint64_t number, offset;
    unsigned ended;
    bool last, named;
    struct slice key, as, text, file;
    struct record_meta meta;
    unsigned char id[16];
    uint64_t sample;
    struct slice parents_text;
    const struct span *parents;
    size_t parent_count;
};

struct staged { /* a part that waits for its input to be recovered */
    struct merge_part *part;
    struct joining joining; /* its texts in `block` */
    char *block;
};

struct recovery {
    struct recovery *next;
    char *input;
    bool over;
    struct staged *staged;
    size_t count, cap, joined;
};

struct merger {
    enum map_mode mode;
    char *host;
    size_t limit;
    struct generation *generations; /* the newest first */
    struct clock *clocks;
    struct recovery *recoveries;

    struct open_record **table;
    size_t table_size, open;
    size_t bytes;         /* of open records, staged parts included */
    uint64_t next_number; /* of a part; from 1 */
    struct open_record *ended_first, *ended_last;

    struct map_explainer explainer;
    struct arena arena;
    struct parents_text *last_parents; /* those of the last line, … */
    const char *last_parents_from;     /* … which stood there */
};

/* ---- Life ------------------------------------------------------------------------------------------------------- */

struct merger *merger_new(enum map_mode mode, struct slice host)
{
    struct merger *m = calloc(1, sizeof *m);
    if (!m)
        return NULL;
    m->mode = mode;
    m->next_number = 1;
    m->limit = SIZE_MAX;
    arena_init(&m->arena, LIMIT_RECORD_ARENA);
    m->host = strndup(host.text ? host.text : "", host.len);
    m->table = calloc(FIRST_TABLE, sizeof(struct open_record *));
    m->table_size = FIRST_TABLE;
    if (m->host && m->table)
        return m;
    merger_free(m);
    return NULL;
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

static void parents_unref(struct parents_text *p)
{
    if (p && --p->references == 0)
        free(p);
}

static void record_free(struct open_record *r)
{
    joined_unref(r->joined);
    parents_unref(r->parents_text);
    buffer_release(&r->folded);
    buffer_release(&r->raw);
    free(r->parents);
    free(r->texts);
    free(r);
}

static void recovery_free(struct recovery *r)
{
    for (size_t i = r->joined; i < r->count; i++) {
        if (r->staged[i].part->ledger)
            ledger_unbind(r->staged[i].part);
        free(r->staged[i].part);
        free(r->staged[i].block);
    }
    free(r->staged);
    free(r->input);
    free(r);
}

static void free_ended(struct merger *m)
{
    for (struct open_record *r = m->ended_first, *next; r; r = next) {
        next = r->next;
        record_free(r);
    }
}

void merger_free(struct merger *m)
{
    if (!m)
        return;
    for (size_t i = 0; m->table && i < m->table_size; i++) {
        for (struct open_record *r = m->table[i], *next; r; r = next) {
            next = r->chain;
            record_free(r);
        }
    }
    free_ended(m);
    for (struct recovery *r = m->recoveries, *next; r; r = next) {
        next = r->next;
        recovery_free(r);
    }
    for (struct generation *g = m->generations, *next; g; g = next) {
        next = g->next;
        generation_free(g);
    }
    for (struct clock *c = m->clocks, *next; c; c = next) {
        next = c->next;
        free(c->input);
        free(c);
    }
    parents_unref(m->last_parents);
    arena_release(&m->arena);
    free(m->table);
    free(m->host);
    free(m);
}

/* Older configurations go with their last record. */
static void drop_unused(struct merger *m)
{
    if (!m->generations)
        return;
    for (struct generation **at = &m->generations->next; *at;) {
        struct generation *g = *at;
        if (g->records > 0) {
            at = &g->next;
            continue;
        }
        *at = g->next;
        generation_free(g);
    }
}

bool merger_configure(struct merger *m, const struct config *config, size_t bytes)
{
    struct generation *g = calloc(1, sizeof *g);
    if (!g)
        return false;
    g->config = config;
    g->mapper = mapper_new(config, m->mode, slice_from(m->host));
    g->streams = calloc(config->rules.count * config->input_count + 1, sizeof(struct stream *));
    g->open = calloc(config->rules.count + 1, sizeof *g->open);
    if (!g->mapper || !g->streams || !g->open) {
        generation_free(g);
        return false;
    }
    mapper_explain(g->mapper, m->explainer);
    g->next = m->generations;
    m->generations = g;
    m->limit = bytes;
    drop_unused(m);
    return true;
}

void merger_explain(struct merger *m, struct map_explainer explainer)
{
    m->explainer = explainer;
}

static struct generation *generation_of(struct merger *m, const struct config *config)
{
    struct generation *g = m->generations;
    while (g && g->config != config)
        g = g->next;
    return g;
}

bool merger_uses(const struct merger *m, const struct config *config)
{
    for (const struct generation *g = m->generations; g; g = g->next)
        if (g->config == config)
            return g == m->generations || g->records > 0;
    return false;
}

size_t merger_open(const struct merger *m)
{
    return m->open;
}

size_t merger_bytes(const struct merger *m)
{
    return m->bytes;
}

/* ---- Clocks ----------------------------------------------------------------------------------------------------- */

static struct clock *clock_of(struct merger *m, const char *input)
{
    struct clock *c = m->clocks;
    while (c && strcmp(c->input, input) != 0)
        c = c->next;
    if (c)
        return c;
    c = calloc(1, sizeof *c);
    if (!c || !(c->input = strdup(input))) {
        free(c);
        return NULL;
    }
    c->next = m->clocks;
    return m->clocks = c;
}

static struct stream *stream_of(struct merger *m, struct generation *g, uint32_t rule, uint32_t input)
{
    struct stream **at = &g->streams[rule * g->config->input_count + input];
    if (*at)
        return *at;
    struct clock *clock = clock_of(m, g->config->inputs[input].name);
    struct stream *made = clock ? calloc(1, sizeof *made) : NULL;
    if (!made)
        return NULL;
    *made = (struct stream){.next = g->used, .generation = g, .rule = rule, .input = input, .clock = clock};
    g->used = made;
    return *at = made;
}

/* ---- The table of open records ---------------------------------------------------------------------------------- */

static struct slice rule_name(const struct generation *g, uint32_t rule)
{
    return g->config->rules.items[rule].name;
}

static const struct merge_rule *merge_of(const struct open_record *r)
{
    return &r->stream->generation->config->rules.items[r->stream->rule].merge;
}

static uint64_t hash_of(const struct joining *j)
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

static struct open_record *find(const struct merger *m, const struct joining *j, uint64_t hash)
{
    for (struct open_record *r = m->table[hash & (m->table_size - 1)]; r; r = r->chain) {
        const struct generation *g = r->stream->generation;
        if (r->hash == hash && slice_equal(r->key, j->key) &&
            slice_equal(rule_name(g, r->stream->rule), rule_name(j->generation, j->rule)) &&
            strcmp(g->config->inputs[r->stream->input].name, j->generation->config->inputs[j->input].name) == 0)
            return r;
    }
    return NULL;
}

static void put_into_table(struct merger *m, struct open_record *r)
{
    struct open_record **at = &m->table[r->hash & (m->table_size - 1)];
    r->chain = *at;
    *at = r;
}

/* Where memory lacks for a larger one, chains get longer. */
static void grow_table(struct merger *m)
{
    if (m->open < m->table_size)
        return;
    struct open_record **old = m->table, **table = calloc(2 * m->table_size, sizeof(struct open_record *));
    if (!table)
        return;
    size_t size = m->table_size;
    m->table = table;
    m->table_size *= 2;
    for (size_t i = 0; i < size; i++) {
        for (struct open_record *r = old[i], *next; r; r = next) {
            next = r->chain;
            put_into_table(m, r);
        }
    }
    free(old);
}

static void take_out_of_table(struct merger *m, const struct open_record *r)
{
    struct open_record **at = &m->table[r->hash & (m->table_size - 1)];
    while (*at != r)
        at = &(*at)->chain;
    *at = r->chain;
}

static void recost(struct merger *m, struct open_record *r)
{
    size_t cost = sizeof *r + RECORD_COST + r->key.len + r->folded.cap + r->raw.cap +
                  r->joined->count * JOINED_PART_COST +
                  (r->parents_text ? r->parents_text->len / r->parents_text->references : 0);
    m->bytes += cost - r->cost;
    r->cost = cost;
}

/* ---- A record that ends ----------------------------------------------------------------------------------------- */

static void end_record(struct merger *m, struct open_record *r, enum merge_end how)
{
    struct stream *s = r->stream;
    take_out_of_table(m, r);
    if (r->previous)
        r->previous->next = r->next;
    else
        s->first = r->next;
    if (r->next)
        r->next->previous = r->previous;
    else
        s->last = r->previous;
    s->generation->open[s->rule]--;
    m->open--;
    m->bytes -= r->cost;
    r->ended = how;
    if (how != MERGE_UNTIL) {
        r->joined->last->ended = how;
        if (r->joined->last->ledger)
            ledger_note_change(r->joined->last->ledger);
    }
    r->next = NULL;
    r->previous = m->ended_last;
    if (m->ended_last)
        m->ended_last->next = r;
    else
        m->ended_first = r;
    m->ended_last = r;
}

static void take_from_ended(struct merger *m, struct open_record *r)
{
    if (r->previous)
        r->previous->next = r->next;
    else
        m->ended_first = r->next;
    if (r->next)
        r->next->previous = r->previous;
    else
        m->ended_last = r->previous;
}

/* The oldest of all, or of one rule of a configuration. */
static struct open_record *oldest(const struct merger *m, const struct generation *only, uint32_t rule)
{
    struct open_record *found = NULL;
    for (const struct generation *g = m->generations; g; g = g->next) {
        for (const struct stream *s = g->used; s; s = s->next) {
            bool counts = s->first && (!only || (g == only && s->rule == rule));
            if (counts && (!found || s->first->number < found->number))
                found = s->first;
        }
    }
    return found;
}

static void make_room(struct merger *m, struct generation *g, uint32_t rule)
{
    size_t most = g->config->rules.items[rule].merge.max_open;
    while (g->open[rule] > most)
        end_record(m, oldest(m, g, rule), MERGE_MAX_OPEN);
    while (m->bytes > m->limit && m->open > 0)
        end_record(m, oldest(m, NULL, 0), MERGE_BUFFER);
}

/* ---- Opening, joining ------------------------------------------------------------------------------------------- */

static struct slice place_text(char **at, struct slice text)
{
    struct slice placed = slice_of(*at, text.len);
    if (text.len)
        memcpy(*at, text.text, text.len);
    *at += text.len;
    return placed;
}

/* The texts of a part's first line, in one block that the caller frees. NULL: no memory. */
static char *copy_texts(const struct merger *m, const struct joining *j, struct slice *key, struct slice *file,
                        struct record_meta *meta)
{
    struct container_path container;
    const struct record_meta *from = &j->meta;
    const struct slice all[] = {j->key, j->file, from->file, from->input, from->time, from->stream};
    size_t len = 1;
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        len += all[i].len;
    char *block = malloc(len), *at = block;
    if (!block)
        return NULL;
    *meta = *from;
    *key = place_text(&at, j->key);
    *file = place_text(&at, j->file);
    meta->file = place_text(&at, from->file);
    meta->input = place_text(&at, from->input);
    meta->time = place_text(&at, from->time);
    meta->stream = place_text(&at, from->stream);
    meta->host = slice_from(m->host);
    container_path_read(meta->file, &container);
    meta->namespace_ = container.namespace_;
    meta->pod = container.pod;
    meta->container = container.container;
    meta->pod_uid = container.pod_uid;
    return block;
}

static bool share_parents(struct merger *m, struct open_record *r, const struct joining *j)
{
    if (j->parent_count == 0)
        return true;
    if (m->last_parents_from != j->parents_text.text) {
        struct parents_text *p = malloc(sizeof *p + j->parents_text.len);
        if (!p)
            return false;
        p->references = 1;
        p->len = j->parents_text.len;
        memcpy(p->text, j->parents_text.text, p->len);
        parents_unref(m->last_parents);
        m->last_parents = p;
        m->last_parents_from = j->parents_text.text;
    }
    r->parents = calloc(j->parent_count, sizeof *r->parents);
    if (!r->parents)
        return false;
    memcpy(r->parents, j->parents, j->parent_count * sizeof *r->parents);
    r->parent_count = j->parent_count;
    r->parents_text = m->last_parents;
    r->parents_text->references++;
    return true;
}

static struct open_record *record_new(struct merger *m, const struct joining *j, uint64_t hash)
{
    struct stream *s = stream_of(m, j->generation, j->rule, j->input);
    struct open_record *r = s ? calloc(1, sizeof *r) : NULL;
    if (!r)
        return NULL;
    *r = (struct open_record){.stream = s, .hash = hash, .number = j->number, .sample = j->sample, .record = j->record};
    memcpy(r->id, j->id, sizeof r->id);
    buffer_init(&r->folded, LIMIT_JSON_TEXT);
    buffer_init(&r->raw, LIMIT_JSON_TEXT);
    r->joined = joined_new();
    r->texts = copy_texts(m, j, &r->key, &r->file, &r->meta);
    if (r->joined && r->texts && share_parents(m, r, j))
        return r;
    record_free(r);
    return NULL;
}

static void open_record(struct merger *m, struct open_record *r)
{
    struct stream *s = r->stream;
    uint64_t timeout = merge_of(r)->timeout_ms;
    r->deadline = timeout ? s->clock->ms + timeout : UINT64_MAX;
    grow_table(m);
    put_into_table(m, r);
    r->previous = s->last;
    if (s->last)
        s->last->next = r;
    else
        s->first = r;
    s->last = r;
    s->generation->open[s->rule]++;
    s->generation->records++;
    m->open++;
}

static bool add_text(struct open_record *r, const struct joining *j)
{
    struct raw_head head = {.named = j->named, .name = j->as.len, .text = j->text.len};
    size_t before = r->raw.len;
    buffer_add(&r->raw, slice_of((const char *)&head, sizeof head));
    buffer_add(&r->raw, j->as);
    buffer_add(&r->raw, j->text);
    if (!r->raw.failed)
        return true;
    bool starved = r->raw.starved;
    r->raw.failed = r->raw.starved = false;
    buffer_truncate(&r->raw, before);
    r->broken |= !starved;
    return !starved;
}

/* All that came → one JSON text. False: no memory now; the record is as before. */
static bool fold(struct merger *m, struct open_record *r)
{
    const struct merge_rule *merge = merge_of(r);
    struct json_merge fold;
    struct buffer folded;
    arena_reset(&m->arena);
    json_merge_init(&fold, &m->arena, merge->append_paths, merge->append_count);
    struct value before = r->folded.len ? value_of_json(buffer_slice(&r->folded)) : VALUE_NONE;
    if (r->folded.len)
        json_merge_begin(&fold, &before);
    for (size_t at = 0; at < r->raw.len && !m->arena.failed;) {
        struct raw_head head;
        memcpy(&head, r->raw.data + at, sizeof head);
        struct slice name = slice_of(r->raw.data + at + sizeof head, head.name);
        struct value value = value_of_json(slice_of(name.text + name.len, head.text));
        json_merge_add(&fold, head.named ? &name : NULL, &value);
        at += sizeof head + head.name + head.text;
    }
    buffer_init(&folded, LIMIT_JSON_TEXT);
    if (!m->arena.failed)
        json_merge_write(&fold, &folded);
    bool failed = m->arena.failed || folded.failed, starved = m->arena.starved || folded.starved;
    arena_reset(&m->arena);
    if (failed) {
        buffer_release(&folded);
        r->broken |= !starved;
        return !starved;
    }
    buffer_release(&r->folded);
    buffer_release(&r->raw);
    r->folded = folded;
    return true;
}

/* A record that is joined does not cost its parts' texts for ever. */
static void fold_if_grown(struct merger *m, struct open_record *r)
{
    if (!r->broken && r->raw.len > FOLD_FROM && r->raw.len > 2 * r->folded.len && !fold(m, r))
        return; /* it is tried again with the next part */
    if (r->broken) {
        buffer_release(&r->raw);
        buffer_release(&r->folded);
    }
}

/* False: no memory, nothing was done. */
static bool join(struct merger *m, struct joining *j, struct merge_part *part)
{
    uint64_t hash = hash_of(j);
    struct open_record *found = find(m, j, hash), *r = found ? found : record_new(m, j, hash);
    if (!r)
        return false;
    if (!r->broken && !add_text(r, j)) {
        if (!found)
            record_free(r);
        return false;
    }
    if (!found)
        open_record(m, r);
    joined_add(r->joined, part);
    fold_if_grown(m, r);
    recost(m, r);
    if (j->last || j->ended)
        end_record(m, r, j->last ? MERGE_UNTIL : j->ended < MERGE_END_COUNT ? (enum merge_end)j->ended : MERGE_END);
    else if (r->folded.len + r->raw.len > LIMIT_MERGED_RECORD)
        end_record(m, r, MERGE_BUFFER);
    make_room(m, j->generation, j->rule);
    return true;
}

/* ---- Recovery --------------------------------------------------------------------------------------------------- */

static struct recovery *recovery_of(const struct merger *m, const char *input)
{
    struct recovery *r = m->recoveries;
    while (r && strcmp(r->input, input) != 0)
        r = r->next;
    return r;
}

bool merger_recover(struct merger *m, const char *input, uint64_t next_number)
{
    if (m->next_number < next_number)
        m->next_number = next_number;
    if (recovery_of(m, input))
        return true;
    struct recovery *r = calloc(1, sizeof *r);
    if (!r || !(r->input = strdup(input))) {
        free(r);
        return false;
    }
    r->next = m->recoveries;
    m->recoveries = r;
    return true;
}

/* All that the joining borrows, in one block. */
static bool stage(struct merger *m, struct recovery *r, const struct joining *j, struct merge_part *part)
{
    if (r->count == r->cap) {
        size_t cap = r->cap ? 2 * r->cap : 64;
        struct staged *grown = realloc(r->staged, cap * sizeof *grown);
        if (!grown)
            return false;
        r->staged = grown;
        r->cap = cap;
    }
    const struct slice texts[] = {j->key,        j->as,        j->text,        j->file,        j->meta.file,
                                  j->meta.input, j->meta.time, j->meta.stream, j->parents_text};
    size_t spans = j->parent_count * sizeof *j->parents, len = spans + 1;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        len += texts[i].len;
    struct staged s = {.part = part, .joining = *j, .block = malloc(len)};
    char *at = s.block;
    if (!at)
        return false;
    struct joining *to = &s.joining;
    to->parents = (const struct span *)place_text(&at, slice_of((const char *)j->parents, spans)).text;
    struct slice *places[] = {&to->key,        &to->as,        &to->text,        &to->file,        &to->meta.file,
                              &to->meta.input, &to->meta.time, &to->meta.stream, &to->parents_text};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        *places[i] = place_text(&at, texts[i]);
    r->staged[r->count++] = s;
    j->generation->records++;
    m->bytes += len + JOINED_PART_COST;
    return true;
}

static int by_number(const void *a, const void *b)
{
    const struct staged *x = a, *y = b;
    return (x->part->number > y->part->number) - (x->part->number < y->part->number);
}

static size_t block_len(const struct joining *j)
{
    return j->parent_count * sizeof *j->parents + 1 + j->key.len + j->as.len + j->text.len + j->file.len +
           j->meta.file.len + j->meta.input.len + j->meta.time.len + j->meta.stream.len + j->parents_text.len;
}

bool merger_recovered(struct merger *m, const char *input)
{
    struct recovery *r = recovery_of(m, input);
    if (!r)
        return true;
    if (!r->over && r->count > 1)
        qsort(r->staged, r->count, sizeof *r->staged, by_number);
    r->over = true;
    for (; r->joined < r->count; r->joined++) {
        struct staged *s = &r->staged[r->joined];
        size_t cost = block_len(&s->joining) + JOINED_PART_COST;
        m->last_parents_from = NULL; /* a block's address may be one that was used before */
        m->bytes -= cost;
        if (!join(m, &s->joining, s->part)) {
            m->bytes += cost;
            return false;
        }
        s->joining.generation->records--;
        free(s->block);
    }
    struct recovery **at = &m->recoveries;
    while (*at != r)
        at = &(*at)->next;
    *at = r->next;
    recovery_free(r);
    return true;
}

/* ---- Calls ------------------------------------------------------------------------------------------------------ */

static void reverse(char *items, size_t size, size_t from, size_t to)
{
    char swap[sizeof(struct mapped_call) + sizeof(struct map_note)];
    for (; from + 1 < to; from++, to--) {
        memcpy(swap, items + from * size, size);
        memcpy(items + from * size, items + (to - 1) * size, size);
        memcpy(items + (to - 1) * size, swap, size);
    }
}

/* What stands from `first` on goes to `at`. */
static void move_to(void *items, size_t size, size_t at, size_t first, size_t end)
{
    reverse(items, size, at, first);
    reverse(items, size, first, end);
    reverse(items, size, at, end);
}

/* The calls and notes that were added behind the others go to the part's place. */
static void insert(struct chunk *chunk, const struct mapped_part *part, size_t calls, size_t notes)
{
    size_t call = part->before_call + chunk->calls_inserted, note = part->before_note + chunk->notes_inserted;
    size_t more_calls = chunk->call_count - calls, more_notes = chunk->note_count - notes;
    for (size_t i = notes; i < chunk->note_count; i++)
        chunk->notes[i].before_call -= calls - call;
    for (size_t i = note; i < notes; i++)
        chunk->notes[i].before_call += more_calls;
    if (more_calls)
        move_to(chunk->calls, sizeof *chunk->calls, call, calls, chunk->call_count);
    if (more_notes)
        move_to(chunk->notes, sizeof *chunk->notes, note, notes, chunk->note_count);
    chunk->calls_inserted += more_calls;
    chunk->notes_inserted += more_notes;
}

/* `map --all`: a line that came to nothing is named, each of those that were joined. */
static bool list_lines(const struct open_record *r, struct chunk *chunk, const struct merged_record *merged)
{
    const struct rule *rule = &r->stream->generation->config->rules.items[merged->rule];
    struct map_note note = {.outcome = merged->sampled ? OUTCOME_SAMPLED : OUTCOME_DROPPED,
                            .rule = merged->rule,
                            .reason = merged->sampled ? "sampled out"
                                      : rule->drop    ? "dropped by rule"
                                                      : "no call of its rule",
                            .before_call = chunk->call_count,
                            .line = UINT32_MAX,
                            .merged = (uint32_t)chunk->merged_count + 1};
    for (const struct merge_part *part = r->joined->first; part; part = part->next) {
        note.offset = part->offset;
        if (!chunk_add_note(chunk, &note, true))
            return false;
    }
    return true;
}

static bool make_calls(struct merger *m, struct open_record *r, struct chunk *chunk, struct merged_record *ret)
{
    struct merged_view view = {.rule = r->stream->rule,
                               .input = r->stream->input,
                               .text = buffer_slice(&r->folded),
                               .meta = &r->meta,
                               .sample = r->sample,
                               .record = r->record,
                               .parents = r->parents,
                               .parent_count = r->parent_count,
                               .broken = r->broken};
    memcpy(view.id, r->id, sizeof view.id);
    if (r->parents_text)
        view.parents_text = slice_of(r->parents_text->text, r->parents_text->len);
    size_t calls = chunk->call_count, notes = chunk->note_count;
    if (!mapper_take_merged(r->stream->generation->mapper, &view, chunk, ret))
        return false;
    bool nothing = ret->calls == 0 && !ret->rejected && !ret->invalid;
    if (m->mode != MAP_ALL || !nothing || list_lines(r, chunk, ret))
        return true;
    chunk->call_count = calls;
    chunk->note_count = notes;
    return false;
}

/* False: no memory now, and nothing was done. */
static bool emit(struct merger *m, struct open_record *r, struct chunk *chunk, const struct mapped_part *place)
{
    struct merged_record merged;
    size_t calls = chunk->call_count, notes = chunk->note_count;
    if (!r->broken && r->raw.len && !fold(m, r))
        return false;
    if (!make_calls(m, r, chunk, &merged))
        return false;
    merged.joined = r->joined;
    merged.file = (struct span){chunk->text.len, r->file.len};
    buffer_add(&chunk->text, r->file);
    merged.how = r->ended;
    merged.record = r;
    if (chunk->text.failed || !chunk_add_merged(chunk, &merged)) {
        chunk->text.failed = chunk->text.starved = false;
        chunk->call_count = calls;
        chunk->note_count = notes;
        return false;
    }
    if (place)
        insert(chunk, place, calls, notes);
    take_from_ended(m, r);
    return true;
}

void merger_forget(struct merger *m, struct chunk *chunk)
{
    for (size_t i = 0; i < chunk->merged_count; i++) {
        struct open_record *r = chunk->merged[i].record;
        r->stream->generation->records--;
        record_free(r);
    }
    chunk->merged_count = 0;
    drop_unused(m);
}

bool merger_has_ended(const struct merger *m)
{
    return m->ended_first != NULL;
}

bool merger_add_ended(struct merger *m, struct chunk *chunk, const struct config *config)
{
    for (struct open_record *r = m->ended_first, *next; r; r = next) {
        next = r->next;
        if (r->stream->generation->config == config && !emit(m, r, chunk, NULL))
            return false;
    }
    return true;
}

bool merger_next(struct merger *m, struct chunk *chunk, const struct config **ret_config)
{
    if (!m->ended_first)
        return false;
    struct generation *g = m->ended_first->stream->generation;
    if (!chunk_clear(chunk, g->config->rules.count))
        return false;
    while (m->ended_first && m->ended_first->stream->generation == g && chunk->text.len < LIMIT_READ)
        if (!emit(m, m->ended_first, chunk, NULL))
            break;
    *ret_config = g->config;
    return chunk->merged_count > 0;
}

/* ---- A chunk ---------------------------------------------------------------------------------------------------- */

static struct joining joining_of(const struct chunk *chunk, struct generation *g, const struct mapped_part *part,
                                 struct slice file)
{
    const struct mapped_origin *origin = &chunk->origins[part->origin];
    struct joining j = {.generation = g,
                        .rule = part->rule,
                        .input = (uint32_t)chunk->input,
                        .record = part->record,
                        .nth = part->nth,
                        .number = part->number,
                        .offset = origin->offset,
                        .ended = part->ended,
                        .last = part->last,
                        .named = part->named,
                        .key = chunk_span(chunk, part->key),
                        .as = chunk_span(chunk, part->as),
                        .text = chunk_span(chunk, part->text),
                        .file = file,
                        .meta = chunk->meta,
                        .sample = origin->sample,
                        .parents_text = chunk_span(chunk, origin->parents_text),
                        .parents = origin->parent_count ? chunk->parents + origin->first_parent : NULL,
                        .parent_count = origin->parent_count};
    memcpy(j.id, origin->id, sizeof j.id);
    j.meta.offset = origin->offset;
    j.meta.time = chunk_span(chunk, origin->time);
    j.meta.stream = chunk_span(chunk, origin->stream);
    j.meta.read_time_ms = origin->read_time_ms;
    return j;
}

static bool take_part(struct merger *m, struct chunk *chunk, struct mapped_part *part, struct generation *g,
                      struct slice file)
{
    struct joining j = joining_of(chunk, g, part, file);
    struct recovery *recovery = recovery_of(m, g->config->inputs[j.input].name);
    struct merge_part *kept = calloc(1, sizeof *kept);
    if (!kept)
        return false;
    if (!j.number)
        j.number = m->next_number;
    *kept = (struct merge_part){
        .offset = j.offset, .record = j.record, .nth = j.nth, .number = j.number, .ended = j.last ? 0 : j.ended};
    if (!(recovery ? stage(m, recovery, &j, kept) : join(m, &j, kept))) {
        free(kept);
        return false;
    }
    m->next_number += j.number == m->next_number;
    part->kept = kept;
    return true;
}

bool merger_take(struct merger *m, struct chunk *chunk, const struct config *config, struct slice file)
{
    struct generation *g = generation_of(m, config);
    assert(g || chunk->part_count == 0);
    m->last_parents_from = NULL;
    for (; chunk->parts_joined < chunk->part_count; chunk->parts_joined++) {
        struct mapped_part *part = &chunk->parts[chunk->parts_joined];
        if (!part->kept && !take_part(m, chunk, part, g, file))
            return false;
        for (struct open_record *r = m->ended_first, *next; r; r = next) {
            next = r->next;
            if (r->stream->generation == g && !emit(m, r, chunk, part))
                return false;
        }
    }
    return true;
}

/* ---- Ends ------------------------------------------------------------------------------------------------------- */

static void end_in_time(struct merger *m, struct stream *s)
{
    while (s->first && s->first->deadline <= s->clock->ms)
        end_record(m, s->first, MERGE_TIMEOUT);
}

void merger_tick(struct merger *m, uint64_t ms, bool (*counts)(void *context, const char *input), void *context)
{
    for (struct clock *c = m->clocks; c; c = c->next)
        if (!recovery_of(m, c->input) && counts(context, c->input))
            c->ms += ms;
    for (struct generation *g = m->generations; g; g = g->next)
        for (struct stream *s = g->used; s; s = s->next)
            end_in_time(m, s);
}

uint64_t merger_next_timeout(const struct merger *m)
{
    uint64_t least = UINT64_MAX;
    for (const struct generation *g = m->generations; g; g = g->next) {
        for (const struct stream *s = g->used; s; s = s->next) {
            bool ends = s->first && s->first->deadline != UINT64_MAX;
            if (ends && s->first->deadline - s->clock->ms < least)
                least = s->first->deadline - s->clock->ms;
        }
    }
    return least;
}

void merger_end_all(struct merger *m)
{
    for (struct open_record *r; (r = oldest(m, NULL, 0));)
        end_record(m, r, MERGE_END);
}
