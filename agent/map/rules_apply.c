#include "map/rules_apply.h"

#include "base/digest.h"
#include "limits.h"
#include "map/call_fields.h"
#include "map/event_id.h"
#include "map/privacy.h"
#include "map/route.h"
#include "time/instant.h"
#include "json/json_merge.h"

/* A rule that took the record. */
struct taking {
    struct rules_run *run;
    struct scope *scope;
    const struct rule *rule;
    uint32_t rule_index;
    bool routed;
    struct route route;
    size_t events;         /* tried */
    struct value event_id; /* of the one that was made; NOTHING where it was rejected */
};

static void explain(struct rules_run *run, uint32_t rule, const struct call_rule *call, const struct condition *when,
                    struct scope *scope)
{
    if (!run->explainer.explain)
        return;
    struct explanation e = {run->line.offset, rule, call, when ? condition_why_not(when, scope) : NULL};
    run->explainer.explain(run->explainer.context, &e);
}

/* ---- One call --------------------------------------------------------------------------------------------------- */

static enum map_step reject(struct taking *t, const char *reason)
{
    struct rules_run *run = t->run;
    struct map_note note = {.outcome = OUTCOME_REJECTED,
                            .offset = run->line.offset,
                            .rule = t->rule_index,
                            .reason = reason,
                            .before_call = run->chunk->call_count,
                            .line = UINT32_MAX,
                            .merged = run->line.merged};
    bool keep = run->config->dead_letter_lines && !run->line.rejected;
    run->line.rejected = true;
    return chunk_add_note(run->chunk, &note, run->list_all || keep) ? MAP_DONE : MAP_NO_MEMORY;
}

static bool write_event_id(struct taking *t, size_t call, size_t element, struct value *ret)
{
    struct line_state *line = &t->run->line;
    struct uuid id;
    char text[UUID_TEXT];
    if (!line->id_known) {
        if (!line_id_of(line->file, line->offset, line->content, &line->id))
            return false;
        line->id_known = true;
    }
    if (!event_id_of(&line->id, t->rule->name, (struct call_place){line->record, call, element}, &id))
        return false;
    uuid_write(&id, text);
    struct slice kept = arena_copy(t->run->arena, slice_of(text, sizeof text));
    *ret = value_of_plain(kept);
    return kept.text;
}

/* What the wire wants and the rule did not say: contract 4.1 (signals), 4.3, 4.4. */
static bool fill_in(struct taking *t, const struct call_rule *call, size_t element, struct call_fields *f)
{
    struct instant mapped;
    if (call->endpoint == ENDPOINT_EVENT && call_field_is_empty(&f->event_id) &&
        !write_event_id(t, (size_t)(call - t->rule->calls), element, &f->event_id))
        return false;
    if (call->endpoint == ENDPOINT_SIGNAL && call_field_is_empty(&f->event_id) && t->events == 1)
        f->event_id = t->event_id;
    if (t->run->meta.time.len && !instant_of_value(t->run->arena, &f->timestamp, NULL, &mapped))
        f->timestamp = value_of_plain(t->run->meta.time);
    return true;
}

/* As the SDKs do: `context: true` at the destination. */
static bool add_context(struct taking *t, const struct call_rule *call, struct call_fields *f)
{
    static const char context[] =
        "{\"$context\":{\"library\":{\"name\":\"raingauge\",\"version\":\"" RAINGAUGE_VERSION "\"}}}";
    if (call->endpoint == ENDPOINT_IDENTIFY || !t->run->config->destinations[t->route.destination].context)
        return true;
    const struct value parts[] = {f->properties, value_of_json(SLICE(context))};
    /* Properties nested too deep for that go without it. */
    return properties_merge(t->run->arena, parts, 2, &f->properties) != PROPERTIES_NO_MEMORY;
}

/* All that is done to a call's fields before they are written. False: it is no call, for *ret_reason (NULL: memory, or
 * the arena's ceiling). */
static bool prepare(struct taking *t, const struct call_rule *call, size_t element, struct call_fields *f,
                    const char **ret_reason)
{
    const struct privacy_settings *privacy = &t->run->config->privacy;
    if (!call_fields_evaluate(call, t->scope, f, ret_reason) || !fill_in(t, call, element, f))
        return false;
    if (privacy->set) {
        uint32_t *left_out = &t->run->chunk->rules[t->rule_index].properties_left_out;
        enum privacy_result result = privacy_apply(privacy, t->scope, f, left_out);
        *ret_reason = result == PRIVACY_REFUSED ? "privacy" : NULL;
        if (result != PRIVACY_OK)
            return false;
    }
    return add_context(t, call, f);
}

/* Behind what the chunk has, where it stays. On failure nothing of it is left there; NULL with the buffer failed:
 * memory. */
static const char *write_call(struct taking *t, const struct call_rule *call, const struct call_fields *f)
{
    static const char *(*const writers[])(struct buffer *, struct arena *, const struct call_fields *) = {
        [ENDPOINT_EVENT] = call_write_event,
        [ENDPOINT_SIGNAL] = call_write_signal,
        [ENDPOINT_IDENTIFY] = call_write_identify,
    };
    struct buffer *out = &t->run->chunk->text;
    size_t start = out->len, no_limit = out->limit;
    out->limit = start + LIMIT_CALL_RAW;
    const char *reason = writers[call->endpoint](out, t->run->arena, f);
    out->limit = no_limit;
    if (!reason && out->failed && !out->starved)
        reason = "too large";
    if (reason || out->failed)
        buffer_truncate(out, start);
    if (reason)
        out->failed = false;
    return reason;
}

/* For "says something new" (contract 4.7): per destination and project, which are other customers' users. */
static bool hash_identify(const struct taking *t, const struct call_fields *f, struct mapped_call *call)
{
    const struct destination *d = &t->run->config->destinations[t->route.destination];
    unsigned char user[SHA256_BYTES], traits[SHA256_BYTES];
    const struct slice user_parts[] = {slice_from(d->name), SLICE("\0"), t->route.project, SLICE("\0"),
                                       value_as_text(t->run->arena, &f->user_id)};
    if (!sha256_of(user_parts, 5, user) || !sha256_of(&f->properties.text, 1, traits))
        return false;
    memcpy(&call->user_hash, user, sizeof call->user_hash);
    memcpy(&call->traits_hash, traits, sizeof call->traits_hash);
    return true;
}

/* The call's text stands at the end of the chunk's. */
static enum map_step add_call(struct taking *t, const struct call_rule *rule, const struct call_fields *f, size_t start)
{
    struct rules_run *run = t->run;
    struct chunk *chunk = run->chunk;
    struct mapped_call call = {
        .endpoint = rule->endpoint,
        .rule = t->rule_index,
        .line = (uint32_t)chunk->line_count, /* it will be the next one there */
        .merged = run->line.merged,
        .destination = t->route.destination,
        .text_at = start,
        .text_len = chunk->text.len - start,
        .project_at = chunk->text.len,
        .project_len = t->route.project.len,
    };
    run->line.full = call.project_at + call.project_len - run->line.text_start > LIMIT_LINE_CALLS;
    if (run->line.full) {
        buffer_truncate(&chunk->text, start);
        return reject(t, "too large");
    }
    if (rule->endpoint == ENDPOINT_IDENTIFY && !hash_identify(t, f, &call))
        return MAP_NO_MEMORY;
    buffer_add(&chunk->text, t->route.project);
    return !chunk->text.failed && chunk_add_call(chunk, &call) ? MAP_DONE : MAP_NO_MEMORY;
}

/* A call that is too long is cut, and stands in its own place. */
static enum map_step cut_call(struct rules_run *run, size_t start, bool *ret_fits)
{
    struct buffer *out = &run->chunk->text;
    buffer_clear(&run->cut);
    *ret_fits = call_cut(&run->cut, run->arena, slice_from_offset(buffer_slice(out), start), LIMIT_CALL);
    if (run->arena->failed || run->cut.failed)
        return run->cut.starved ? MAP_NO_MEMORY : map_step_of(run->arena);
    buffer_truncate(out, start);
    if (*ret_fits)
        buffer_add(out, buffer_slice(&run->cut));
    return MAP_DONE;
}

static enum map_step finish_call(struct taking *t, const struct call_rule *call, const struct call_fields *f)
{
    struct rules_run *run = t->run;
    size_t start = run->chunk->text.len;
    bool fits = true;
    const char *reason = t->route.rejection ? t->route.rejection : write_call(t, call, f);
    if (reason)
        return reject(t, reason);
    if (run->chunk->text.failed)
        return MAP_NO_MEMORY;
    enum map_step step = map_step_of(run->arena);
    if (step == MAP_DONE && run->chunk->text.len - start > LIMIT_CALL)
        step = cut_call(run, start, &fits);
    if (step != MAP_DONE)
        return step;
    return fits ? add_call(t, call, f, start) : reject(t, "too large");
}

/* Remembers what a signal of the same rule may refer to. */
static void note_event(struct taking *t, const struct call_fields *f, size_t calls_before)
{
    t->events++;
    t->event_id = t->run->chunk->call_count > calls_before ? f->event_id : VALUE_NONE;
}

static enum map_step make_call(struct taking *t, const struct call_rule *call, size_t element)
{
    struct rules_run *run = t->run;
    struct call_fields fields;
    const char *reason;
    size_t calls_before = run->chunk->call_count;
    call_lets_begin(t->rule, call, t->scope);
    if (call->when) {
        bool holds = condition_holds(call->when, t->scope);
        explain(run, t->rule_index, call, call->when, t->scope);
        if (!holds)
            return map_step_of(run->arena);
    }
    if (!t->routed)
        t->route = route_of(run->config, run->line.input, t->rule, t->scope);
    t->routed = true;
    enum map_step step;
    if (run->line.full)
        step = reject(t, "too large");
    else if (prepare(t, call, element, &fields, &reason))
        step = finish_call(t, call, &fields);
    else if (reason)
        step = reject(t, reason);
    else
        step = run->arena->failed ? map_step_of(run->arena) : MAP_NO_MEMORY;
    if (call->endpoint == ENDPOINT_EVENT)
        note_event(t, &fields, calls_before);
    return step != MAP_DONE ? step : map_step_of(run->arena);
}

static enum map_step make_calls(struct taking *t, const struct call_rule *call)
{
    struct value *items, *keys;
    size_t count;
    enum map_step step = MAP_DONE;
    if (!call->for_each)
        return make_call(t, call, 0);
    call_lets_begin(t->rule, call, t->scope);
    if (!expr_eval_each(call->for_each, t->scope, &items, &keys, &count))
        return map_step_of(t->run->arena);
    for (size_t i = 0; i < count && step == MAP_DONE; i++) {
        t->scope->item = items[i];
        t->scope->key = keys[i];
        step = make_call(t, call, i);
    }
    t->scope->item = t->scope->key = VALUE_NONE;
    return step;
}

/* ---- One rule --------------------------------------------------------------------------------------------------- */

/* The first 8 bytes of the SHA-256 (contract 4.5): never changes between versions. */
static bool sample_hash(struct rules_run *run, struct slice text, uint64_t *ret)
{
    unsigned char hash[SHA256_BYTES];
    if (!sha256_of(&text, 1, hash)) {
        run->arena->failed = run->arena->starved = true;
        return false;
    }
    *ret = 0;
    for (size_t i = 0; i < 8; i++)
        *ret = *ret << 8 | hash[i];
    return true;
}

static bool is_sampled_in(struct rules_run *run, const struct sample_rule *sample, struct scope *scope)
{
    struct slice text = run->line.content;
    uint64_t hash = run->line.sample;
    bool by_line = true;
    if (!sample->set || sample->all || run->line.sampled_in)
        return true;
    if (sample->by) {
        struct value by = expr_eval(sample->by, scope);
        by_line = value_is_null_or_nothing(&by);
        if (!by_line)
            text = value_as_text(scope->arena, &by);
    }
    if (by_line && run->line.merged)
        return hash < sample->below;
    return sample_hash(run, text, &hash) && hash < sample->below;
}

/* Sampled out counts before dropped, the first rule that did it is named. */
static void came_to_nothing(struct line_state *line, bool sampled, uint32_t rule)
{
    if (line->sampled || (line->dropped && !sampled))
        return;
    line->sampled = sampled;
    line->dropped = !sampled;
    line->decided_by = rule;
}

static enum map_step take(struct rules_run *run, uint32_t rule_index, struct scope *scope)
{
    struct taking t = {
        .run = run, .scope = scope, .rule = &run->config->rules.items[rule_index], .rule_index = rule_index};
    bool kept = is_sampled_in(run, &t.rule->sample, scope);
    if (!kept || t.rule->drop) {
        came_to_nothing(&run->line, !kept, rule_index);
        return map_step_of(run->arena);
    }
    size_t calls_before = run->chunk->call_count;
    enum map_step step = MAP_DONE;
    for (size_t i = 0; i < t.rule->call_count && step == MAP_DONE; i++)
        step = make_calls(&t, &t.rule->calls[i]);
    if (run->chunk->call_count == calls_before)
        came_to_nothing(&run->line, false, rule_index);
    return step;
}

static void begin_rule(struct scope *scope, const struct rule *rule, struct rule_counts *counts)
{
    scope->let_count = rule->slot_count;
    for (size_t i = 0; i < rule->slot_count; i++)
        scope->lets[i] = (struct let_slot){.expr = i < rule->lets.count ? rule->lets.items[i].value : NULL};
    scope->filter_failures = counts->filter_failures;
    scope->match_limit_hits = 0;
}

/* ---- Merging ---------------------------------------------------------------------------------------------------- */

static struct span keep_in_chunk(struct chunk *chunk, struct slice text)
{
    struct span span = {chunk->text.len, text.len};
    buffer_add(&chunk->text, text);
    return span;
}

static bool makes_ids(const struct rule *rule)
{
    for (size_t i = 0; i < rule->call_count; i++)
        if (rule->calls[i].endpoint == ENDPOINT_EVENT)
            return true;
    return false;
}

/* They lie in the outermost one's text, which is kept once a line. */
static bool keep_parents(struct rules_run *run, struct mapped_origin *origin, const struct value parents[],
                         size_t count)
{
    struct chunk *chunk = run->chunk;
    const struct value *line = &parents[count - 1];
    struct span *kept = &run->line.parents_text;
    if (kept->len == 0) {
        kept->at = chunk->text.len;
        value_write(&chunk->text, line);
        kept->len = chunk->text.len - kept->at;
    }
    origin->first_parent = chunk->parent_count;
    origin->parent_count = count;
    origin->parents_text = *kept;
    for (size_t i = 0; i < count; i++) {
        struct span place = {0, kept->len};
        if (value_is_container(line)) {
            size_t quote = parents[i].type == VALUE_STRING;
            place.at = (size_t)(parents[i].text.text - line->text.text) - quote;
            place.len = parents[i].text.len + 2 * quote;
        }
        if (!chunk_add_parent(chunk, place))
            return false;
    }
    return !chunk->text.failed;
}

/* What a merged record needs of its first line. Those of one line without $parent share it. */
static bool add_origin(struct rules_run *run, const struct rule *rule, struct scope *scope)
{
    struct chunk *chunk = run->chunk;
    struct line_state *line = &run->line;
    bool parents = rule->merge.uses_parents && scope->parent_count > 0;
    bool hashed = rule->sample.set && !rule->sample.all;
    struct mapped_origin origin = {.offset = line->offset, .read_time_ms = run->meta.read_time_ms};
    if (makes_ids(rule) && !line->id_known) {
        if (!line_id_of(line->file, line->offset, line->content, &line->id))
            return false;
        line->id_known = true;
    }
    memcpy(origin.id, line->id.bytes, sizeof origin.id);
    if (hashed && !sample_hash(run, line->content, &origin.sample))
        return false;
    origin.time = keep_in_chunk(chunk, run->meta.time);
    origin.stream = keep_in_chunk(chunk, run->meta.stream);
    if (parents && !keep_parents(run, &origin, scope->parents, scope->parent_count))
        return false;
    return chunk_add_origin(chunk, &origin);
}

static enum map_step add_part(struct rules_run *run, uint32_t rule_index, struct scope *scope, const struct value *by,
                              const struct resume_part *resume)
{
    const struct merge_rule *merge = &run->config->rules.items[rule_index].merge;
    struct chunk *chunk = run->chunk;
    struct mapped_part part = {.rule = rule_index,
                               .line = (uint32_t)chunk->line_count,
                               .record = (uint32_t)run->line.record,
                               .nth = run->line.merging - 1,
                               .before_call = chunk->call_count,
                               .before_note = chunk->note_count,
                               .number = resume ? resume->number : 0,
                               .ended = resume ? resume->ended : 0};
    struct value name = merge->as ? expr_eval(merge->as, scope) : VALUE_NONE;
    part.last = merge->until && condition_holds(merge->until, scope);
    if (!add_origin(run, &run->config->rules.items[rule_index], scope))
        return MAP_NO_MEMORY;
    part.origin = (uint32_t)chunk->origin_count - 1;
    part.named = !value_is_null_or_nothing(&name);
    part.key = keep_in_chunk(chunk, value_as_text(run->arena, by));
    if (part.named)
        part.as = keep_in_chunk(chunk, value_as_text(run->arena, &name));
    part.text.at = chunk->text.len;
    value_write(&chunk->text, &scope->record);
    part.text.len = chunk->text.len - part.text.at;
    if (run->arena->failed)
        return map_step_of(run->arena);
    return !chunk->text.failed && chunk_add_part(chunk, &part) ? MAP_DONE : MAP_NO_MEMORY;
}

/* A merged record of one: `let` is evaluated again where it has another form than the single record. */
static enum map_step take_alone(struct rules_run *run, uint32_t rule_index, struct scope *scope)
{
    const struct rule *rule = &run->config->rules.items[rule_index];
    struct value name = rule->merge.as ? expr_eval(rule->merge.as, scope) : VALUE_NONE;
    if (value_is_null_or_nothing(&name))
        return take(run, rule_index, scope);
    struct slice as = value_as_text(run->arena, &name);
    const struct value single = scope->record;
    struct json_merge merge;
    struct buffer text;
    json_merge_init(&merge, run->arena, NULL, 0);
    json_merge_add(&merge, &as, &single);
    buffer_init_in(&text, run->arena);
    json_merge_write(&merge, &text);
    if (run->arena->failed || text.failed)
        return map_step_of(run->arena);
    scope->record = value_of_json(buffer_slice(&text));
    begin_rule(scope, rule, &run->chunk->rules[rule_index]);
    enum map_step step = take(run, rule_index, scope);
    scope->record = single;
    return step;
}

/* A line that was taken before, by these rules: only what is not settled of it is made again. */
static enum map_step take_or_merge(struct rules_run *run, uint32_t rule_index, struct scope *scope)
{
    const struct merge_rule *merge = &run->config->rules.items[rule_index].merge;
    const struct resume_line *resume = run->line.resume;
    struct value by = merge->set ? expr_eval(merge->by, scope) : VALUE_NONE;
    if (value_is_null_or_nothing(&by)) {
        if (resume && run->same_rules && !resume->calls)
            return map_step_of(run->arena);
        return merge->set ? take_alone(run, rule_index, scope) : take(run, rule_index, scope);
    }
    uint32_t nth = run->line.merging++;
    const struct resume_part *part =
        resume ? resume_find_part(run->resume, resume, (uint32_t)run->line.record, nth) : NULL;
    if (resume && run->same_rules && !part)
        return map_step_of(run->arena);
    return add_part(run, rule_index, scope, &by, part);
}

/* ---- A record --------------------------------------------------------------------------------------------------- */

/* What an earlier rule's let of the same text gave for this record. */
static void take_shared_lets(const struct rules_run *run, const struct rule *rule)
{
    for (size_t i = 0; i < rule->lets.count; i++) {
        uint32_t shared = rule->lets.items[i].shared;
        if (shared != LET_NOT_SHARED && run->shared[shared].state == LET_DONE)
            run->lets[i] = run->shared[shared];
    }
}

static void give_shared_lets(struct rules_run *run, const struct rule *rule)
{
    for (size_t i = 0; i < rule->lets.count; i++) {
        uint32_t shared = rule->lets.items[i].shared;
        if (shared != LET_NOT_SHARED && run->lets[i].state == LET_DONE && !run->lets[i].refused)
            run->shared[shared] = run->lets[i];
    }
}

static struct scope scope_of(const struct rules_run *run, const struct value *record, const struct value parents[],
                             size_t parent_count)
{
    return (struct scope){.arena = run->arena,
                          .record = *record,
                          .parents = parents,
                          .parent_count = parent_count,
                          .lets = run->lets,
                          .meta = &run->meta};
}

enum map_step rules_apply(struct rules_run *run, const struct value *record, const struct value parents[],
                          size_t parent_count)
{
    const struct rules *rules = &run->config->rules;
    struct scope scope = scope_of(run, record, parents, parent_count);
    run->line.merging = 0;
    struct rule_candidates candidates;
    rule_candidates_begin(&candidates, run->index, &scope, run->explainer.explain);
    enum map_step step = map_step_of(run->arena);
    for (uint32_t i = 0; i < rules->shared_lets; i++)
        run->shared[i].state = LET_NEW;
    for (uint32_t i; step == MAP_DONE && rule_candidates_next(&candidates, &i);) {
        const struct rule *rule = &rules->items[i];
        begin_rule(&scope, rule, &run->chunk->rules[i]);
        take_shared_lets(run, rule);
        bool holds = !rule->when || condition_holds(rule->when, &scope);
        explain(run, i, NULL, rule->when, &scope);
        step = map_step_of(run->arena);
        give_shared_lets(run, rule);
        if (holds && step == MAP_DONE)
            step = take_or_merge(run, i, &scope);
        run->chunk->rules[i].match_limit_hits += scope.match_limit_hits;
        if (holds && !rule->continue_)
            break;
    }
    return step;
}

enum map_step rules_apply_merged(struct rules_run *run, uint32_t rule, const struct value *record,
                                 const struct value parents[], size_t parent_count)
{
    struct scope scope = scope_of(run, record, parents, parent_count);
    begin_rule(&scope, &run->config->rules.items[rule], &run->chunk->rules[rule]);
    enum map_step step = take(run, rule, &scope);
    run->chunk->rules[rule].match_limit_hits += scope.match_limit_hits;
    return step;
}
