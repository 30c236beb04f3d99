#include "map/mapper.h"

#include "frames/container_path.h"
#include "frames/record_reader.h"
#include "limits.h"
#include "map/frame.h"
#include "map/prefilter.h"
#include "map/records.h"
#include "map/rules_apply.h"

#include <stdlib.h>

struct mapper {
    const struct config *config;
    bool list_all;
    char *host;
    const struct rule_index **indexes; /* one for each input */
    struct prefilter *prefilters;      /* one for each input; with list_all they let all through */
    struct arena own;                  /* what lives as long as the mapper */
    struct arena arena;                /* one line's values */
    struct rules_run run;
    struct record_reader reader;
    struct json_shapes *shapes;
};

/* One call of mapper_take. */
struct taking {
    struct mapper *m;
    const struct source *source;
    const struct input *input;
    struct chunk *chunk;
    struct slice bytes;
    size_t history;
    struct position at;                    /* moves behind the lines, only where it is asked for */
    const struct resume_line *resume_line; /* of the line at hand, where it was taken before */
    struct prefilter_scan scan;
};

static bool make_indexes(struct mapper *m)
{
    m->indexes = arena_calloc(&m->own, m->config->input_count, sizeof(struct rule_index *));
    for (size_t i = 0; m->indexes && i < m->config->input_count; i++)
        m->indexes[i] = rule_index_of(m->config, i, &m->own);
    return !m->own.failed;
}

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
    buffer_init(&m->run.cut, LIMIT_CALL_RAW);
    record_reader_init(&m->reader);
    m->shapes = json_shapes_new();
    if (!m->host || !m->shapes || !m->run.lets || !make_prefilters(m) || !make_indexes(m)) {
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
    buffer_release(&m->run.cut);
    record_reader_release(&m->reader);
    json_shapes_free(m->shapes);
    free(m->run.lets);
    free(m->host);
    free(m);
}

void mapper_explain(struct mapper *m, struct map_explainer explainer)
{
    m->run.explainer = explainer;
}

/* ---- Where things stand ----------------------------------------------------------------------------------------- */

static void move_to(struct taking *t, const struct record_place *place)
{
    size_t from = (size_t)(position_offset(&t->at) - position_offset(&t->source->at));
    size_t len = (size_t)(place->at.offset - position_offset(&t->at));
    position_move(&t->at, slice_of(t->bytes.text + from, len), t->history + from);
    t->at.lanes = place->lanes;
}

static bool add_line(struct taking *t, const struct record *line, struct mapped_line mapped)
{
    move_to(t, &line->place);
    mapped.start = t->at;
    mapped.offset = line->at.offset;
    return chunk_add_line(t->chunk, &mapped);
}

/* ---- What came of a line ---------------------------------------------------------------------------------------- */

/* What goes to the dead letters: a text, and behind it what its envelope said. */
static bool keep(struct chunk *chunk, struct slice text, const struct record_meta *meta, struct map_note *note)
{
    note->kept_at = chunk->text.len;
    note->kept_len = text.len;
    note->kept_time_len = (uint32_t)meta->time.len;
    note->kept_stream_len = (uint32_t)meta->stream.len;
    buffer_add(&chunk->text, text);
    buffer_add(&chunk->text, meta->time);
    buffer_add(&chunk->text, meta->stream);
    return !chunk->text.failed;
}

/* The line's text is kept (dead_letter.lines): it is one more thing to be settled. */
static bool keep_text(struct taking *t, const struct record *line, struct map_note *note, struct mapped_line *mapped)
{
    note->line = (uint32_t)t->chunk->line_count;
    mapped->calls++;
    return keep(t->chunk, line->text, &(struct record_meta){.time = line->time, .stream = line->stream}, note);
}

/* A line that is settled here and now. */
static bool settle(struct taking *t, const struct record *line, enum outcome outcome, uint32_t rule, const char *reason)
{
    struct chunk *chunk = t->chunk;
    struct map_note note = {.outcome = outcome,
                            .offset = line->at.offset,
                            .rule = rule,
                            .reason = reason,
                            .before_call = chunk->call_count,
                            .line = UINT32_MAX};
    bool kept = outcome == OUTCOME_INVALID && t->m->config->dead_letter_lines;
    bool listed = outcome == OUTCOME_INVALID || outcome == OUTCOME_OVERSIZED;
    if (kept) {
        struct mapped_line mapped = {.invalid = true};
        if (!keep_text(t, line, &note, &mapped) || !add_line(t, line, mapped))
            return false;
    } else {
        chunk->outcomes[outcome]++;
    }
    return (!listed && !t->m->list_all) || chunk_add_note(chunk, &note, t->m->list_all || kept);
}

static bool settle_without_call(struct taking *t, const struct record *line)
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
static bool finish_line(struct taking *t, const struct record *line, size_t notes)
{
    struct chunk *chunk = t->chunk;
    const struct line_state *state = &t->m->run.line;
    size_t parts = chunk->part_count - state->part_start;
    struct mapped_line mapped = {.calls = (uint32_t)(chunk->call_count - state->call_start + parts),
                                 .rejected = state->rejected,
                                 .sampled = state->sampled};
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

static void begin_line(struct taking *t, const struct record *line)
{
    struct rules_run *run = &t->m->run;
    arena_reset(&t->m->arena);
    run->chunk = t->chunk;
    run->meta.offset = line->at.offset;
    const struct source_text *text = t->source->text;
    run->meta.time = text && !text->in_envelope ? text->time : line->time;
    run->meta.stream = text && !text->in_envelope ? text->stream : line->stream;
    run->line = (struct line_state){.input = t->input,
                                    .file = &t->source->id,
                                    .offset = line->at.offset,
                                    .content = line->text,
                                    .text_start = t->chunk->text.len,
                                    .call_start = t->chunk->call_count,
                                    .part_start = t->chunk->part_count,
                                    .origin_start = t->chunk->origin_count,
                                    .parent_start = t->chunk->parent_count,
                                    .resume = t->resume_line};
}

/* A line that asks for more than the ceilings allow would do so each time: it is given up, with what was made of it. */
static bool give_up(struct taking *t, const struct record *line, size_t notes)
{
    t->chunk->call_count = t->m->run.line.call_start;
    t->chunk->note_count = notes;
    t->chunk->part_count = t->m->run.line.part_start;
    t->chunk->origin_count = t->m->run.line.origin_start;
    t->chunk->parent_count = t->m->run.line.parent_start;
    buffer_truncate(&t->chunk->text, t->m->run.line.text_start);
    return settle(t, line, OUTCOME_INVALID, UINT32_MAX, "too complex");
}

static bool finish(struct taking *t, const struct record *line, enum map_step step, size_t notes)
{
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

/* A merged record that was kept: sampled in then, and matched. */
static bool map_merged(struct taking *t, const struct record *line, uint32_t rule)
{
    struct input plain = {.parser = PARSER_JSON};
    struct value value;
    const char *reason;
    size_t notes = t->chunk->note_count;
    begin_line(t, line);
    t->m->run.line.sampled_in = true;
    enum frame_result parsed = frame_parse(&t->m->arena, t->m->shapes, &plain, line->text, &value, &reason);
    if (parsed == FRAME_INVALID)
        return settle(t, line, OUTCOME_INVALID, UINT32_MAX, reason);
    enum map_step step =
        parsed == FRAME_OK ? rules_apply_merged(&t->m->run, rule, &value, NULL, 0) : map_step_of(&t->m->arena);
    return finish(t, line, step, notes);
}

static bool map_line(struct taking *t, const struct record *line)
{
    struct value value;
    const char *reason;
    size_t notes = t->chunk->note_count;
    if (!prefilter_scan_may_match(&t->scan, line->text))
        return settle(t, line, OUTCOME_UNMATCHED, UINT32_MAX, "no rule matches");
    begin_line(t, line);
    enum frame_result parsed = frame_parse(&t->m->arena, t->m->shapes, t->input, line->text, &value, &reason);
    if (parsed == FRAME_INVALID)
        return settle(t, line, OUTCOME_INVALID, UINT32_MAX, reason);
    enum map_step step = parsed == FRAME_OK ? records_each(&t->m->arena, t->input, &value, take_record, &t->m->run)
                                            : map_step_of(&t->m->arena);
    return finish(t, line, step, notes);
}

/* Whether it was taken before, and all of it is settled. */
static bool is_done(struct taking *t, const struct record *line)
{
    const struct resume *resume = t->source->resume;
    t->resume_line = NULL;
    return resume && resume_find(resume, line->at.offset, frame_lane_of(line->stream), &t->resume_line) == RESUME_DONE;
}

static bool take_line(struct taking *t, const struct record *line)
{
    if (is_done(t, line))
        return true;
    t->chunk->lines_read++;
    if (line->oversized)
        return settle(t, line, OUTCOME_OVERSIZED, UINT32_MAX, "longer than max_line_bytes");
    if (line->fault)
        return settle(t, line, OUTCOME_INVALID, UINT32_MAX, line->fault);
    uint32_t merged_by = t->source->text ? t->source->text->merged_by : 0;
    return merged_by ? map_merged(t, line, merged_by - 1) : map_line(t, line);
}

/* ---- The loop --------------------------------------------------------------------------------------------------- */

static bool is_whole(const void *input, struct slice text)
{
    return frame_is_whole(input, text);
}

static struct record_options options_of(const struct input *input)
{
    return (struct record_options){.encoding = input->encoding,
                                   .envelope = input->envelope,
                                   .multiline_start = input->multiline_start,
                                   .max_line = input->max_line_bytes,
                                   .is_whole = is_whole,
                                   .context = input};
}

size_t mapper_piece(const struct input *input)
{
    struct record_options options = options_of(input);
    return record_reader_piece(&options);
}

static enum record_end end_of(unsigned flags)
{
    if (flags & MAP_TAKE_LAST_LINE_ANYHOW)
        return RECORDS_END;
    if (flags & MAP_TAKE_LAST_LINE)
        return RECORDS_END_IF_WHOLE;
    return flags & MAP_AT_REST ? RECORDS_AT_REST : RECORDS_GO_ON;
}

/* Lines that no rule can match, as far as they come next. */
static void skip_lines(struct taking *t)
{
    struct record_reader *reader = &t->m->reader;
    if (t->source->resume || t->source->text) /* some of them may have been taken before, or are merged */
        return;
    size_t lines, len = prefilter_skip(&t->scan, record_reader_rest(reader), t->input->max_line_bytes, &lines);
    if (len == 0)
        return;
    record_reader_skip(reader, len);
    t->chunk->lines_read += lines;
    t->chunk->outcomes[OUTCOME_UNMATCHED] += lines;
}

/* False on lack of memory. *ret_full: stopped before the end, as there are enough calls. */
static bool take_lines(struct taking *t, size_t budget, bool *ret_full)
{
    struct record_reader *reader = &t->m->reader;
    struct record line;
    prefilter_scan_begin(&t->scan, &t->m->prefilters[t->source->input], t->bytes);
    *ret_full = false;
    while (!*ret_full) {
        skip_lines(t);
        if (!record_reader_next(reader, &line))
            break;
        if (!take_line(t, &line))
            return false;
        *ret_full = t->chunk->text.len >= budget && record_reader_has_rest(reader);
    }
    return !reader->failed;
}

static void set_meta(struct mapper *m, const struct source *source, const struct input *input, int64_t read_time_ms)
{
    struct container_path container;
    container_path_read(source->path, &container);
    m->run.meta = (struct record_meta){.file = source->path,
                                       .input = slice_from(input->name),
                                       .host = slice_from(m->host),
                                       .namespace_ = container.namespace_,
                                       .pod = container.pod,
                                       .container = container.container,
                                       .pod_uid = container.pod_uid,
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
    struct record_options options = options_of(t.input);
    if (source->text) {
        options.encoding = ENCODING_UTF8;
        options.envelope = source->text->in_envelope ? options.envelope : ENVELOPE_NONE;
        options.multiline_start = source->text->merged_by ? NULL : options.multiline_start;
        options.max_line = source->text->in_envelope ? options.max_line : SIZE_MAX;
    }
    struct record_place place = {
        .at.offset = position_offset(&source->at), .skipping = source->skipping, .lanes = source->at.lanes};
    bool full;
    set_meta(m, source, t.input, read_time_ms);
    m->run.resume = source->resume;
    m->run.same_rules = source->resume && source->resume->rules == resume_hash(m->config->sha256);
    m->run.index = m->indexes[source->input];
    record_reader_begin(&m->reader, &options, bytes, &place, end_of(flags));
    chunk->input = source->input;
    chunk->meta = m->run.meta;
    bool cleared = flags & MAP_GO_ON || chunk_clear(chunk, m->config->rules.count);
    uint64_t lines_before = chunk->lines_read;
    if (!cleared || !take_lines(&t, budget, &full)) {
        chunk->consumed = 0;
        chunk->result = CHUNK_NO_MEMORY;
        return;
    }
    place = record_reader_place(&m->reader);
    move_to(&t, &place);
    size_t consumed = (size_t)(place.at.offset - position_offset(&source->at));
    chunk->consumed += consumed;
    chunk->bytes_read += consumed;
    chunk->nul_bytes += place.at.nuls;
    chunk->end = t.at;
    bool nothing = consumed == 0 && chunk->lines_read == lines_before && bytes.len > 0;
    chunk->result = full ? CHUNK_FULL : nothing ? CHUNK_NEEDS_MORE : CHUNK_ALL_TAKEN;
    source->at = t.at;
    source->skipping = place.skipping;
}

/* ---- A merged record -------------------------------------------------------------------------------------------- */

static bool read_parents(struct arena *arena, const struct merged_view *view, struct value **ret)
{
    *ret = arena_calloc(arena, view->parent_count + 1, sizeof **ret);
    for (size_t i = 0; *ret && i < view->parent_count; i++) {
        const char *text = view->parents_text.text + view->parents[i].at;
        (*ret)[i] = value_of_json(slice_of(text, view->parents[i].len));
    }
    return *ret != NULL;
}

static void begin_merged(struct mapper *m, const struct merged_view *view, struct chunk *chunk)
{
    arena_reset(&m->arena);
    m->run.chunk = chunk;
    m->run.meta = *view->meta;
    m->run.resume = NULL;
    m->run.line = (struct line_state){.input = &m->config->inputs[view->input],
                                      .offset = view->meta->offset,
                                      .id_known = true,
                                      .record = view->record,
                                      .text_start = chunk->text.len,
                                      .call_start = chunk->call_count,
                                      .merged = (uint32_t)chunk->merged_count + 1,
                                      .sample = view->sample};
    memcpy(m->run.line.id.bytes, view->id, sizeof view->id);
}

static void undo_merged(struct chunk *chunk, const struct line_state *state, size_t notes)
{
    chunk->call_count = state->call_start;
    chunk->note_count = notes;
    chunk->text.failed = chunk->text.starved = false;
    buffer_truncate(&chunk->text, state->text_start);
}

/* What is refused of it is kept as the text that its lines were joined to (dead_letter.lines), with the rule's name. */
static bool keep_merged(struct mapper *m, struct chunk *chunk, const struct merged_view *view, struct map_note *note,
                        struct merged_record *ret)
{
    struct slice rule = m->config->rules.items[view->rule].name;
    ret->calls++;
    note->kept_rule_len = (uint32_t)rule.len;
    bool kept = keep(chunk, view->text, view->meta, note);
    buffer_add(&chunk->text, rule);
    return kept && !chunk->text.failed;
}

static bool give_up_merged(struct mapper *m, const struct merged_view *view, struct chunk *chunk, size_t notes,
                           const char *reason, struct merged_record *ret)
{
    undo_merged(chunk, &m->run.line, notes);
    struct map_note note = {.outcome = OUTCOME_INVALID,
                            .offset = view->meta->offset,
                            .rule = view->rule,
                            .reason = reason,
                            .before_call = chunk->call_count,
                            .line = UINT32_MAX,
                            .merged = m->run.line.merged};
    ret->invalid = true;
    bool kept = m->config->dead_letter_lines && view->text.len > 0;
    if (kept && !keep_merged(m, chunk, view, &note, ret))
        return false;
    return chunk_add_note(chunk, &note, m->list_all || kept);
}

static bool finish_merged(struct mapper *m, const struct merged_view *view, struct chunk *chunk, size_t notes,
                          struct merged_record *ret)
{
    const struct line_state *state = &m->run.line;
    ret->calls = (uint32_t)(chunk->call_count - state->call_start);
    ret->rejected = state->rejected;
    ret->sampled = state->sampled;
    if (state->rejected && m->config->dead_letter_lines && !keep_merged(m, chunk, view, &chunk->notes[notes], ret))
        return false;
    for (size_t i = state->call_start; i < chunk->call_count; i++)
        chunk->rules[view->rule].calls[chunk->calls[i].endpoint]++;
    return true;
}

bool mapper_take_merged(struct mapper *m, const struct merged_view *view, struct chunk *chunk,
                        struct merged_record *ret)
{
    size_t notes = chunk->note_count;
    struct value record = view->broken ? VALUE_NONE : value_of_json(view->text), *parents;
    *ret = (struct merged_record){.offset = view->meta->offset, .rule = view->rule};
    begin_merged(m, view, chunk);
    bool whole = value_tokenise(&m->arena, &record), taken = false;
    enum map_step step = view->broken ? MAP_TOO_COMPLEX : MAP_DONE;
    if (whole && !view->broken && read_parents(&m->arena, view, &parents))
        step = rules_apply_merged(&m->run, view->rule, &record, parents, view->parent_count);
    if (m->arena.failed)
        step = map_step_of(&m->arena);
    if (step == MAP_TOO_COMPLEX || (!whole && step == MAP_DONE))
        taken =
            give_up_merged(m, view, chunk, notes, whole || m->arena.failed ? "too complex" : "nested too deep", ret);
    else if (step == MAP_DONE)
        taken = finish_merged(m, view, chunk, notes, ret);
    if (!taken)
        undo_merged(chunk, &m->run.line, notes);
    return taken;
}
