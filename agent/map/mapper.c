#include "map/mapper.h"

#include "limits.h"
#include "map/frame.h"
#include "map/prefilter.h"
#include "map/records.h"
#include "map/rules_apply.h"
#include "text/line_splitter.h"

#include <stdlib.h>

struct mapper {
    const struct config *config;
    bool list_all;
    char *host;
    struct prefilter *prefilters; /* one for each input; with list_all they let all through */
    struct arena own;             /* what lives as long as the mapper */
    struct arena arena;           /* one line's values */
    struct rules_run run;
};

/* One call of mapper_take. */
struct taking {
    struct mapper *m;
    const struct source *source;
    const struct input *input;
    struct chunk *chunk;
    struct slice bytes;
    size_t history;
    struct position at; /* moves behind the lines, only where it is asked for */
};

static bool make_prefilters(struct mapper *m)
{
    m->prefilters = arena_calloc(&m->own, m->config->input_count + 1, sizeof *m->prefilters);
    for (size_t i = 0; m->prefilters && !m->list_all && i < m->config->input_count; i++)
        m->prefilters[i] = prefilter_of(m->config, i, &m->own);
    return !m->own.failed;
}

struct mapper *mapper_new(const struct config *config, enum map_mode mode, struct slice host)
{
    struct mapper *m = calloc(1, sizeof *m);
    if (!m)
        return NULL;
    m->config = config;
    m->list_all = mode == MAP_ALL;
    m->host = strndup(host.text ? host.text : "", host.len);
    m->run.lets = calloc(config->rules.max_slots + 1, sizeof *m->run.lets);
    arena_init(&m->own, LIMIT_RECORD_ARENA);
    arena_init(&m->arena, LIMIT_RECORD_ARENA);
    buffer_init(&m->run.call, LIMIT_CALL_RAW);
    buffer_init(&m->run.cut, LIMIT_CALL_RAW);
    if (!m->host || !m->run.lets || !make_prefilters(m)) {
        mapper_free(m);
        return NULL;
    }
    m->run.config = config;
    m->run.list_all = m->list_all;
    m->run.arena = &m->arena;
    return m;
}

void mapper_free(struct mapper *m)
{
    if (!m)
        return;
    arena_release(&m->own);
    arena_release(&m->arena);
    buffer_release(&m->run.call);
    buffer_release(&m->run.cut);
    free(m->run.lets);
    free(m->host);
    free(m);
}

void mapper_explain(struct mapper *m, struct map_explainer explainer)
{
    m->run.explainer = explainer;
}

/* ---- Where things stand ----------------------------------------------------------------------------------------- */

static void move_to(struct taking *t, uint64_t offset)
{
    size_t from = (size_t)(position_offset(&t->at) - position_offset(&t->source->at));
    size_t len = (size_t)(offset - position_offset(&t->at));
    position_move(&t->at, slice_of(t->bytes.text + from, len), t->history + from);
}

static bool add_line(struct taking *t, const struct line *line, struct mapped_line mapped)
{
    move_to(t, line->offset);
    mapped.start = t->at;
    return chunk_add_line(t->chunk, &mapped);
}

/* ---- What came of a line ---------------------------------------------------------------------------------------- */

/* The line's text goes to the dead letters (dead_letter.lines): it is one more thing to be settled. */
static bool keep_text(struct taking *t, const struct line *line, struct map_note *note, struct mapped_line *mapped)
{
    note->kept_at = t->chunk->text.len;
    note->kept_len = line->text.len;
    note->line = (uint32_t)t->chunk->line_count;
    buffer_add(&t->chunk->text, line->text);
    mapped->calls++;
    return !t->chunk->text.failed;
}

/* A line that is settled here and now. */
static bool settle(struct taking *t, const struct line *line, enum outcome outcome, uint32_t rule, const char *reason)
{
    struct chunk *chunk = t->chunk;
    struct map_note note = {.outcome = outcome,
                            .offset = line->offset,
                            .rule = rule,
                            .reason = reason,
                            .before_call = chunk->call_count,
                            .line = UINT32_MAX};
    bool keep = outcome == OUTCOME_INVALID && t->m->config->dead_letter_lines;
    bool listed = outcome == OUTCOME_INVALID || outcome == OUTCOME_OVERSIZED;
    if (keep) {
        struct mapped_line mapped = {.invalid = true};
        if (!keep_text(t, line, &note, &mapped) || !add_line(t, line, mapped))
            return false;
    } else {
        chunk->outcomes[outcome]++;
    }
    return (!listed && !t->m->list_all) || chunk_add_note(chunk, &note, t->m->list_all || keep);
}

static bool settle_without_call(struct taking *t, const struct line *line)
{
    const struct line_state *state = &t->m->run.line;
    if (state->sampled)
        return settle(t, line, OUTCOME_SAMPLED, state->decided_by, "sampled out");
    if (state->dropped)
        return settle(t, line, OUTCOME_DROPPED, state->decided_by,
                      t->m->config->rules.items[state->decided_by].drop ? "dropped by rule" : "no call of its rule");
    return settle(t, line, OUTCOME_UNMATCHED, UINT32_MAX, state->record ? "no rule matches" : "no records");
}

/* Its calls are in the chunk; `notes` is how many notes there were before it. */
static bool finish_line(struct taking *t, const struct line *line, size_t notes)
{
    struct chunk *chunk = t->chunk;
    const struct line_state *state = &t->m->run.line;
    struct mapped_line mapped = {.calls = (uint32_t)(chunk->call_count - state->call_start),
                                 .rejected = state->rejected};
    for (size_t i = state->call_start; i < chunk->call_count; i++)
        chunk->rules[chunk->calls[i].rule].calls[chunk->calls[i].endpoint]++;
    if (state->rejected && t->m->config->dead_letter_lines && !keep_text(t, line, &chunk->notes[notes], &mapped))
        return false;
    if (mapped.calls)
        return add_line(t, line, mapped);
    if (!state->rejected)
        return settle_without_call(t, line);
    chunk->outcomes[OUTCOME_REJECTED]++;
    return true;
}

/* ---- A line ----------------------------------------------------------------------------------------------------- */

static enum map_step take_record(void *context, const struct value *record, const struct value parents[],
                                 size_t parent_count)
{
    struct rules_run *run = context;
    enum map_step step = rules_apply(run, record, parents, parent_count);
    run->line.record++;
    return step;
}

static void begin_line(struct taking *t, const struct line *line)
{
    struct rules_run *run = &t->m->run;
    arena_reset(&t->m->arena);
    run->chunk = t->chunk;
    run->meta.offset = line->offset;
    run->line = (struct line_state){.input = t->input,
                                    .input_index = t->source->input,
                                    .file = &t->source->id,
                                    .offset = line->offset,
                                    .content = line->text,
                                    .text_start = t->chunk->text.len,
                                    .call_start = t->chunk->call_count};
}

/* A line that asks for more than the ceilings allow would do so each time: it is given up, with what was made of it. */
static bool give_up(struct taking *t, const struct line *line, size_t notes)
{
    t->chunk->call_count = t->m->run.line.call_start;
    t->chunk->note_count = notes;
    buffer_truncate(&t->chunk->text, t->m->run.line.text_start);
    return settle(t, line, OUTCOME_INVALID, UINT32_MAX, "too complex");
}

static bool map_line(struct taking *t, const struct line *line)
{
    struct value value;
    const char *reason;
    size_t notes = t->chunk->note_count;
    begin_line(t, line);
    if (!prefilter_may_match(&t->m->prefilters[t->source->input], line->text))
        return settle(t, line, OUTCOME_UNMATCHED, UINT32_MAX, "no rule matches");
    enum frame_result parsed = frame_parse(&t->m->arena, t->input, line->text, &value, &reason);
    if (parsed == FRAME_INVALID)
        return settle(t, line, OUTCOME_INVALID, UINT32_MAX, reason);
    enum map_step step = parsed == FRAME_OK ? records_each(&t->m->arena, t->input, &value, take_record, &t->m->run)
                                            : map_step_of(&t->m->arena);
    switch (step) {
    case MAP_DONE:
        return finish_line(t, line, notes);
    case MAP_TOO_COMPLEX:
        return give_up(t, line, notes);
    case MAP_NO_MEMORY:
        break;
    }
    return false;
}

static bool take_line(struct taking *t, const struct line *line)
{
    t->chunk->lines_read++;
    if (line->oversized)
        return settle(t, line, OUTCOME_OVERSIZED, UINT32_MAX, "longer than max_line_bytes");
    return map_line(t, line);
}

/* ---- The loop --------------------------------------------------------------------------------------------------- */

/* False on lack of memory. *ret_full: stopped before the end, as there are enough calls. */
static bool take_lines(struct taking *t, struct line_splitter *splitter, unsigned flags, size_t budget, bool *ret_full)
{
    struct line line;
    *ret_full = false;
    while (!*ret_full && line_splitter_next(splitter, &line)) {
        if (!take_line(t, &line))
            return false;
        *ret_full = t->chunk->text.len >= budget && splitter->rest.len > 0;
    }
    if (*ret_full || !(flags & (MAP_TAKE_LAST_LINE | MAP_TAKE_LAST_LINE_ANYHOW)) ||
        !line_splitter_peek_rest(splitter, &line))
        return true;
    if (!(flags & MAP_TAKE_LAST_LINE_ANYHOW) && !frame_is_whole(t->input, line.text))
        return true;
    line_splitter_take_rest(splitter);
    return take_line(t, &line);
}

static void set_meta(struct mapper *m, const struct source *source, const struct input *input, int64_t read_time_ms)
{
    m->run.meta = (struct record_meta){.file = source->path,
                                       .input = slice_from(input->name),
                                       .host = slice_from(m->host),
                                       .read_time_ms = read_time_ms};
}

void mapper_take(struct mapper *m, struct source *source, struct slice bytes, size_t history, unsigned flags,
                 size_t budget, int64_t read_time_ms, struct chunk *chunk)
{
    struct taking t = {.m = m,
                       .source = source,
                       .input = &m->config->inputs[source->input],
                       .chunk = chunk,
                       .bytes = bytes,
                       .history = history,
                       .at = source->at};
    struct line_splitter splitter;
    bool full;
    set_meta(m, source, t.input, read_time_ms);
    line_splitter_init(&splitter, bytes, position_offset(&source->at), source->skipping, t.input->max_line_bytes);
    if (!chunk_clear(chunk, m->config->rules.count) || !take_lines(&t, &splitter, flags, budget, &full)) {
        chunk->consumed = 0;
        chunk->result = CHUNK_NO_MEMORY;
        return;
    }
    move_to(&t, splitter.offset);
    chunk->consumed = bytes.len - splitter.rest.len;
    chunk->bytes_read = chunk->consumed;
    chunk->nul_bytes = splitter.nul_bytes;
    chunk->end = t.at;
    chunk->result = full ? CHUNK_FULL : chunk->consumed == 0 && splitter.rest.len ? CHUNK_NEEDS_MORE : CHUNK_ALL_TAKEN;
    source->at = t.at;
    source->skipping = splitter.skipping;
}
