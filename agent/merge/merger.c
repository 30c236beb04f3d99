/* The happy path: take_part() finds the open record by input, rule and key, or opens one, and its text is put behind
 * the others; where it ends, emit() has its calls made. */
#include "merge/merger.h"

#include "limits.h"
#include "merge/merged_calls.h"
#include "merge/open_records.h"
#include "merge/recovery.h"

#include <assert.h>
#include <stdlib.h>

struct merger {
    enum map_mode mode;
    char *host;
    struct open_records open;
    struct recovery *recoveries;
    uint64_t next_number; /* of a part; from 1 */
    struct map_explainer explainer;
    struct arena arena;
    struct record_maker maker;
};

/* ---- Life ------------------------------------------------------------------------------------------------------- */

struct merger *merger_new(enum map_mode mode, struct slice host)
{
    struct merger *m = calloc(1, sizeof *m);
    if (!m)
        return NULL;
    m->mode = mode;
    m->next_number = 1;
    arena_init(&m->arena, LIMIT_RECORD_ARENA);
    m->host = strndup(host.text ? host.text : "", host.len);
    m->maker.host = m->host;
    if (open_records_init(&m->open) && m->host)
        return m;
    merger_free(m);
    return NULL;
}

void merger_free(struct merger *m)
{
    if (!m)
        return;
    recovery_free_all(m->recoveries);
    open_records_release(&m->open);
    record_maker_release(&m->maker);
    arena_release(&m->arena);
    free(m->host);
    free(m);
}

bool merger_configure(struct merger *m, const struct config *config, size_t bytes)
{
    struct mapper *mapper = mapper_new(config, m->mode, slice_from(m->host));
    if (mapper)
        mapper_explain(mapper, m->explainer);
    return open_records_configure(&m->open, config, mapper, bytes);
}

void merger_explain(struct merger *m, struct map_explainer explainer)
{
    m->explainer = explainer;
}

bool merger_uses(const struct merger *m, const struct config *config)
{
    const struct generation *g = open_records_generation(&m->open, config);
    return g && (g == m->open.generations || g->records > 0);
}

size_t merger_open(const struct merger *m)
{
    return m->open.open;
}

size_t merger_bytes(const struct merger *m)
{
    return m->open.bytes;
}

/* ---- Joining ---------------------------------------------------------------------------------------------------- */

static struct open_record *new_record(struct merger *m, const struct joining *j, struct stream **ret_stream)
{
    *ret_stream = open_records_stream(&m->open, j->generation, j->rule, j->input);
    return *ret_stream ? open_record_new(&m->maker, j, &j->generation->config->rules.items[j->rule].merge) : NULL;
}

/* `until` holds, or the checkpoint says how. */
static enum merge_end how_it_ended(const struct joining *j)
{
    if (j->last)
        return MERGE_UNTIL;
    return j->ended < MERGE_END_COUNT ? (enum merge_end)j->ended : MERGE_END;
}

static struct merge_part part_of(const struct joining *j)
{
    return (struct merge_part){
        .offset = j->offset, .record = j->record, .nth = j->nth, .number = j->number, .ended = j->last ? 0 : j->ended};
}

/* `part`: one that is there already; else NULL. NULL: no memory, nothing was done. */
static struct merge_part *join(struct merger *m, const struct joining *j, struct merge_part *part)
{
    uint64_t hash = open_records_hash(j);
    struct stream *stream = NULL;
    struct open_record *found = open_records_find(&m->open, j, hash), *r = found ? found : new_record(m, j, &stream);
    if (!r)
        return NULL;
    struct merge_part *place = part ? part : joined_place(r->joined);
    if (!place || (!r->broken && !open_record_add(r, j))) {
        if (!found)
            open_record_free(r);
        return NULL;
    }
    if (!part)
        *place = part_of(j);
    if (!found)
        open_records_add(&m->open, r, stream, hash);
    joined_add(r->joined, place);
    open_record_fold_if_grown(r, &m->arena);
    open_records_recost(&m->open, r);
    if (j->last || j->ended)
        open_records_end(&m->open, r, how_it_ended(j));
    else if (r->folded.len + r->raw.len > LIMIT_MERGED_RECORD)
        open_records_end(&m->open, r, MERGE_BUFFER);
    open_records_make_room(&m->open, j->generation, j->rule);
    return place;
}

/* ---- Recovery --------------------------------------------------------------------------------------------------- */

bool merger_recover(struct merger *m, const char *input, uint64_t next_number)
{
    if (m->next_number < next_number)
        m->next_number = next_number;
    return recovery_begin(&m->recoveries, input);
}

static struct merge_part *stage(struct merger *m, struct recovery *r, const struct joining *j)
{
    size_t cost;
    struct merge_part *part = calloc(1, sizeof *part);
    if (!part)
        return NULL;
    *part = part_of(j);
    part->allocated = true;
    if (!recovery_stage(r, j, part, &cost)) {
        free(part);
        return NULL;
    }
    j->generation->records++;
    m->open.bytes += cost;
    return part;
}

bool merger_recovered(struct merger *m, const char *input)
{
    struct recovery *r = recovery_of(m->recoveries, input);
    struct staged *s;
    if (!r)
        return true;
    recovery_sort(r);
    while ((s = recovery_next(r))) {
        m->maker.last_parents_from = NULL; /* a block's address may be one that was used before */
        m->open.bytes -= s->cost;
        if (!join(m, &s->joining, s->part)) {
            m->open.bytes += s->cost;
            return false;
        }
        s->joining.generation->records--;
        recovery_pop(r);
    }
    recovery_end(&m->recoveries, r);
    return true;
}

/* ---- Calls ------------------------------------------------------------------------------------------------------ */

/* False: no memory now, and nothing was done. */
static bool emit(struct merger *m, struct open_record *r, struct chunk *chunk, const struct mapped_part *place)
{
    if (!merged_calls_add(r, m->mode == MAP_ALL, &m->arena, chunk, place))
        return false;
    open_records_take(&m->open, r);
    return true;
}

void merger_forget(struct merger *m, struct chunk *chunk)
{
    for (size_t i = 0; i < chunk->merged_count; i++)
        open_records_forget(&m->open, chunk->merged[i].record);
    chunk->merged_count = 0;
    open_records_tidy(&m->open);
}

bool merger_has_ended(const struct merger *m)
{
    return m->open.ended_first != NULL;
}

bool merger_add_ended(struct merger *m, struct chunk *chunk, const struct config *config)
{
    for (struct open_record *r = m->open.ended_first, *next; r; r = next) {
        next = r->next;
        if (r->stream->generation->config == config && !emit(m, r, chunk, NULL))
            return false;
    }
    return true;
}

bool merger_next(struct merger *m, struct chunk *chunk, const struct config **ret_config)
{
    if (!m->open.ended_first)
        return false;
    struct generation *g = m->open.ended_first->stream->generation;
    if (!chunk_clear(chunk, g->config->rules.count))
        return false;
    while (m->open.ended_first && m->open.ended_first->stream->generation == g && chunk->text.len < LIMIT_READ)
        if (!emit(m, m->open.ended_first, chunk, NULL))
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
    struct recovery *recovery = recovery_of(m->recoveries, g->config->inputs[j.input].name);
    if (!j.number)
        j.number = m->next_number;
    struct merge_part *kept = recovery ? stage(m, recovery, &j) : join(m, &j, NULL);
    if (!kept)
        return false;
    m->next_number += j.number == m->next_number;
    part->kept = kept;
    return true;
}

bool merger_take(struct merger *m, struct chunk *chunk, const struct config *config, struct slice file)
{
    struct generation *g = open_records_generation(&m->open, config);
    assert(g || chunk->part_count == 0);
    m->maker.last_parents_from = NULL;
    for (; chunk->parts_joined < chunk->part_count; chunk->parts_joined++) {
        struct mapped_part *part = &chunk->parts[chunk->parts_joined];
        if (!part->kept && !take_part(m, chunk, part, g, file))
            return false;
        for (struct open_record *r = m->open.ended_first, *next; r; r = next) {
            next = r->next;
            if (r->stream->generation == g && !emit(m, r, chunk, part))
                return false;
        }
    }
    return true;
}

/* ---- Ends ------------------------------------------------------------------------------------------------------- */

void merger_tick(struct merger *m, uint64_t ms, bool (*counts)(void *context, const char *input), void *context)
{
    for (struct clock *c = m->open.clocks; c; c = c->next)
        if (!recovery_of(m->recoveries, c->input) && counts(context, c->input))
            c->ms += ms;
    open_records_end_in_time(&m->open);
}

uint64_t merger_next_timeout(const struct merger *m)
{
    return open_records_next_timeout(&m->open);
}

void merger_end_all(struct merger *m)
{
    open_records_end_all(&m->open);
}
