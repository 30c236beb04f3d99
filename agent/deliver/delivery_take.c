/* A chunk comes in: its counts into the metrics, its lines into the file's ledger, its calls into their lanes, its kept
 * lines to the dead letters. All or nothing: calls are staged first; when the last of the memory is there nothing can
 * fail any more. */
#include "deliver/delivery_state.h"

#include <assert.h>

struct intake {
    struct delivery *d;
    struct ledger *ledger;
    const struct chunk *chunk;
    const struct config *config;
    uint64_t now, first_line;
    struct outlet **outlets;     /* by index of config->destinations, as they are found */
    struct rule_metrics **rules; /* by index of config->rules */
    struct group *group;         /* the last call's; NULL: there is none yet */
    struct slice project;        /* … and its project */
    struct lane *touched;
    uint64_t destinations;
    bool was_settled;      /* the file had no unsettled call before */
    struct call *left_out; /* identify calls that say nothing new */
    size_t left_out_count;
    struct dead_letter *kept, **kept_end;
};

static struct outlet *outlet_of(struct intake *in, uint32_t destination)
{
    assert(destination < in->config->destination_count);
    if (!in->outlets[destination])
        in->outlets[destination] = delivery_outlet(in->d, in->config->destinations[destination].name);
    return in->outlets[destination];
}

static bool find_rule(struct intake *in, uint32_t rule)
{
    assert(rule < in->config->rules.count);
    if (!in->rules[rule])
        in->rules[rule] = metrics_rule(in->d->metrics, in->config->rules.items[rule].name);
    return in->rules[rule] != NULL;
}

static bool is_rejection(const struct map_note *note)
{
    return note->outcome == OUTCOME_REJECTED && note->rule != UINT32_MAX;
}

/* The series of every rule that the chunk speaks of. */
static bool find_rules(struct intake *in)
{
    static const struct rule_counts none;
    const struct chunk *chunk = in->chunk;
    bool ok = true;
    for (size_t i = 0; ok && i < chunk->call_count; i++)
        ok = find_rule(in, chunk->calls[i].rule);
    for (size_t i = 0; ok && i < chunk->note_count; i++)
        ok = !is_rejection(&chunk->notes[i]) || find_rule(in, chunk->notes[i].rule);
    for (uint32_t r = 0; ok && r < chunk->rule_count; r++)
        ok = memcmp(&chunk->rules[r], &none, sizeof none) == 0 || find_rule(in, r);
    for (size_t i = 0; ok && i < chunk->merged_count; i++)
        ok = find_rule(in, chunk->merged[i].rule);
    return ok;
}

/* A merged record stands for its first line; that may be of this very chunk. */
static struct call call_of_merged(const struct intake *in, uint32_t merged)
{
    const struct merged_record *record = &in->chunk->merged[merged - 1];
    struct ledger *first = record->joined->first->ledger;
    return (struct call){.ledger = first ? first : in->ledger, .joined = record->joined, .offset = record->offset};
}

/* Part by part, in its place: a copy of what was just written would have to wait for it. */
static void describe_call(const struct intake *in, const struct mapped_call *mapped, struct call *ret)
{
    if (mapped->merged) {
        *ret = call_of_merged(in, mapped->merged);
    } else {
        ret->ledger = in->ledger;
        ret->line = in->first_line + mapped->line;
        ret->offset = in->chunk->lines[mapped->line].offset;
        ret->joined = NULL;
    }
    ret->rule = in->rules[mapped->rule];
    ret->turn = NULL;
    ret->at = ret->len = 0;
}

static void note_destination(struct intake *in, const struct call *call, const struct outlet *outlet)
{
    uint64_t bit = UINT64_C(1) << outlet->index % 64;
    if (call->ledger == in->ledger)
        in->destinations |= bit;
    else
        ledger_set_destinations(call->ledger, ledger_destinations(call->ledger) | bit);
}

/* Mostly it is that of the call before. */
static struct group *group_of(struct intake *in, struct outlet *outlet, struct slice project)
{
    if (in->group && outlet == in->group->outlet && slice_equal(project, in->project))
        return in->group;
    in->group = outlet ? group_table_get(&in->d->groups, outlet, project) : NULL;
    in->project = project;
    return in->group;
}

static bool stage_call(struct intake *in, const struct mapped_call *mapped)
{
    struct delivery *d = in->d;
    struct outlet *outlet = outlet_of(in, mapped->destination);
    struct group *g = group_of(in, outlet, chunk_text(in->chunk, mapped->project_at, mapped->project_len));
    if (!g)
        return false;
    struct call call;
    describe_call(in, mapped, &call);
    if (mapped->endpoint == ENDPOINT_IDENTIFY &&
        !identify_cache_is_news(&d->identified, mapped->user_hash, mapped->traits_hash)) {
        in->left_out[in->left_out_count++] = call;
        return true;
    }
    struct lane *lane = &g->lanes[mapped->endpoint];
    if (!lane->staging.touched) {
        lane->staging.next = in->touched;
        in->touched = lane;
    }
    note_destination(in, &call, outlet);
    uint64_t fence = mapped->endpoint == ENDPOINT_SIGNAL ? g->lanes[ENDPOINT_EVENT].next_number : 0;
    return lane_stage(lane, &d->limits, &d->turns, &call, chunk_text(in->chunk, mapped->text_at, mapped->text_len),
                      mapped->user_hash, fence, in->now);
}

static bool stage_calls(struct intake *in)
{
    for (size_t i = 0; i < in->chunk->call_count; i++) {
        if (!stage_call(in, &in->chunk->calls[i]))
            return false;
    }
    return true;
}

static bool stage_kept_lines(struct intake *in)
{
    in->kept_end = &in->kept;
    for (size_t i = 0; i < in->chunk->note_count; i++) {
        const struct map_note *note = &in->chunk->notes[i];
        if (note->kept_len == 0)
            continue;
        struct call call = {.ledger = in->ledger, .line = in->first_line + note->line};
        if (note->merged)
            call = call_of_merged(in, note->merged);
        struct dead_letter *letter = dead_letter_of_line(call.ledger, call.line, call.joined, in->chunk, note);
        if (!letter)
            return false;
        *in->kept_end = letter;
        in->kept_end = &letter->next;
    }
    return true;
}

static void take_back(struct intake *in)
{
    for (struct lane *lane = in->touched, *next; lane; lane = next) {
        next = lane->staging.next;
        lane_unstage(lane, &in->d->turns);
    }
    /* What the cache took for the last call of a user was none: the next one is news. */
    for (size_t i = 0; i < in->chunk->call_count; i++) {
        if (in->chunk->calls[i].endpoint == ENDPOINT_IDENTIFY)
            identify_cache_forget(&in->d->identified, in->chunk->calls[i].user_hash);
    }
    while (in->kept) {
        struct dead_letter *next = in->kept->next;
        dead_letter_free(in->kept);
        in->kept = next;
    }
}

static void count_rules(const struct intake *in)
{
    const struct chunk *chunk = in->chunk;
    for (size_t r = 0; r < chunk->rule_count; r++) {
        const struct rule_counts *counts = &chunk->rules[r];
        struct rule_metrics *m = in->rules[r];
        if (!m)
            continue;
        for (size_t e = 0; e < ENDPOINT_COUNT; e++)
            m->calls[e] += counts->calls[e];
        for (size_t i = 0; i < FILTER_COUNT_MAX; i++)
            m->filter_failures[i] += counts->filter_failures[i];
        m->match_limit_hits += counts->match_limit_hits;
    }
    for (size_t i = 0; i < chunk->note_count; i++) {
        const struct map_note *note = &chunk->notes[i];
        if (is_rejection(note))
            metrics_count_reason(&in->rules[note->rule]->rejected, note->reason, 1 + note->more);
    }
}

/* Records that have ended: from here on their calls hold their lines. */
static void begin_merged(struct intake *in)
{
    for (size_t i = 0; i < in->chunk->merged_count; i++) {
        const struct merged_record *record = &in->chunk->merged[i];
        unsigned flags = (record->rejected ? LINE_REJECTED : 0) | (record->invalid ? LINE_INVALID : 0) |
                         (record->sampled ? LINE_SAMPLED : 0);
        in->rules[record->rule]->merges_ended[record->how]++;
        if (record->how != MERGE_UNTIL || joined_spans_files(record->joined))
            joined_wait_for(record->joined, &in->d->saves);
        if (!joined_begin(record->joined, record->calls, flags))
            delivery_account(in->d, NULL, record->joined->count * JOINED_PART_COST);
    }
}

static void commit(struct intake *in)
{
    struct delivery *d = in->d;
    count_rules(in);
    for (struct lane *lane = in->touched, *next; lane; lane = next) {
        next = lane->staging.next;
        size_t calls = (size_t)(lane->next_number - lane->staging.next_number);
        d->calls += calls;
        lane->group->calls += calls;
        delivery_account(d, lane->group->outlet, lane_commit(lane, &d->limits));
    }
    while (in->kept) {
        struct dead_letter *letter = in->kept;
        in->kept = letter->next;
        delivery_add_letter(d, letter);
    }
    if (in->ledger) {
        uint64_t before = in->was_settled ? 0 : ledger_destinations(in->ledger);
        ledger_set_destinations(in->ledger, before | in->destinations);
    }
    begin_merged(in);
    d->metrics->identify_left_out += in->left_out_count;
    for (size_t i = 0; i < in->left_out_count; i++)
        delivery_settle(d, &in->left_out[i], CALL_LEFT_OUT);
}

bool delivery_take(struct delivery *d, struct ledger *l, const struct chunk *chunk, const struct config *config,
                   uint64_t now)
{
    struct intake in = {
        .d = d,
        .ledger = l,
        .chunk = chunk,
        .config = config,
        .now = now,
        .first_line = l ? ledger_next_line(l) : 0,
        .was_settled = l && ledger_open_lines(l) == 0,
    };
    arena_reset(&d->scratch);
    in.outlets = arena_calloc(&d->scratch, config->destination_count, sizeof(struct outlet *));
    in.rules = arena_calloc(&d->scratch, config->rules.count, sizeof(struct rule_metrics *));
    in.left_out = arena_calloc(&d->scratch, chunk->call_count, sizeof *in.left_out);
    if (!in.outlets || !in.rules || !in.left_out || !find_rules(&in))
        return false;
    uint64_t first_line = 0;
    if (!stage_calls(&in) || !stage_kept_lines(&in) || (l && !ledger_take(l, chunk, &first_line))) {
        take_back(&in);
        return false;
    }
    assert(first_line == in.first_line);
    commit(&in);
    return true;
}

bool delivery_take_dead(struct delivery *d, struct ledger *l, const struct chunk *chunk, struct slice letter)
{
    uint64_t line;
    struct dead_letter *made = dead_letter_never_sent(l, ledger_next_line(l), letter);
    if (!made || !ledger_take(l, chunk, &line)) {
        dead_letter_free(made);
        return false;
    }
    delivery_add_letter(d, made);
    return true;
}
