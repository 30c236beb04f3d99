#include "deliver/lane.h"

#include <assert.h>

enum { TRIES_UNTIL_OVERTAKEN = 3 };

void lane_init(struct lane *lane, struct group *group, enum endpoint endpoint)
{
    *lane = (struct lane){.group = group, .endpoint = endpoint};
}

static void leave_turns(struct batch *b, struct identify_turns *turns)
{
    for (size_t i = 0; i < b->count; i++) {
        if (b->calls[i].turn)
            identify_turns_leave(turns, b->calls[i].turn);
    }
}

static void drop_batch(struct batch *b, struct identify_turns *turns)
{
    if (b)
        leave_turns(b, turns);
    batch_free(b);
}

static void drop_list(struct batch_list *list, struct identify_turns *turns)
{
    while (list->first) {
        struct batch *b = list->first;
        batch_list_remove(list, b);
        drop_batch(b, turns);
    }
}

void lane_release(struct lane *lane, struct identify_turns *turns)
{
    drop_list(&lane->waiting, turns);
    drop_list(&lane->in_flight, turns);
    drop_batch(lane->open, turns);
    lane->open = NULL;
}

/* ---- taking in ---- */

static void begin_staging(struct lane *lane)
{
    struct lane_staging *s = &lane->staging;
    if (s->touched)
        return;
    s->touched = true;
    s->open = lane->open;
    s->open_calls = lane->open ? lane->open->count : 0;
    s->next_number = lane->next_number;
}

bool lane_stage(struct lane *lane, const struct lane_limits *limits, struct identify_turns *turns,
                const struct call *call, struct slice text, uint64_t user, uint64_t fence, uint64_t now)
{
    bool identify = lane->endpoint == ENDPOINT_IDENTIFY;
    bool array = !identify || limits->identify_batch;
    begin_staging(lane);
    if (lane->open && (!batch_has_room(lane->open, text.len, limits->max_calls, limits->max_bytes) ||
                       lane->open->array != array || (identify && identify_turns_last(turns, user) == lane->open))) {
        batch_list_add(&lane->staging.full, lane->open);
        lane->open = NULL;
    }
    if (!lane->open) {
        lane->open = batch_new(lane, limits->bodies, lane->next_number, array, now);
        if (!lane->open)
            return false;
        batch_expect(lane->open, lane->last_len, lane->last_calls);
    }
    struct user_turn *turn = NULL;
    if (!batch_reserve(lane->open, text.len))
        return false;
    if (identify && !(turn = identify_turns_join(turns, user, lane->open)))
        return false;
    ledger_ref(call->ledger);
    if (call->joined)
        joined_ref(call->joined);
    batch_add(lane->open, call, text)->turn = turn;
    lane->open->fence = fence;
    lane->next_number++;
    return true;
}

void lane_unstage(struct lane *lane, struct identify_turns *turns)
{
    struct lane_staging *s = &lane->staging;
    if (lane->open)
        batch_list_add(&s->full, lane->open);
    while (s->full.first) {
        struct batch *b = s->full.first;
        batch_list_remove(&s->full, b);
        if (b != s->open) {
            drop_batch(b, turns);
            continue;
        }
        while (b->count > s->open_calls) {
            if (b->calls[b->count - 1].turn)
                identify_turns_leave(turns, b->calls[b->count - 1].turn);
            batch_drop_last(b);
        }
    }
    lane->open = s->open;
    lane->next_number = s->next_number;
    lane->staging = (struct lane_staging){0};
}

size_t lane_seal(struct lane *lane)
{
    struct batch *b = lane->open;
    lane->open = NULL;
    lane->last_len = b->len;
    lane->last_calls = b->count;
    batch_seal(b);
    batch_list_add(&lane->waiting, b);
    return batch_recost(b);
}

size_t lane_commit(struct lane *lane, const struct lane_limits *limits)
{
    size_t growth = 0;
    struct batch *open = lane->open;
    while ((lane->open = lane->staging.full.first)) {
        batch_list_remove(&lane->staging.full, lane->open);
        growth += lane_seal(lane);
    }
    lane->open = open;
    lane->staging = (struct lane_staging){0};
    if (open && !batch_has_room(open, 1, limits->max_calls, limits->max_bytes))
        growth += lane_seal(lane);
    else if (open)
        growth += batch_recost(open);
    return growth;
}

/* ---- sealing ---- */

uint64_t lane_seal_at(const struct lane *lane, uint64_t max_age)
{
    const struct batch *last = lane->waiting.last;
    if (!lane->open || (last && !last->sent_once && last->blocked == 0))
        return UINT64_MAX;
    return lane->open->began_at + max_age;
}

struct batch *lane_split(struct batch *b, size_t keep)
{
    struct batch *half = batch_split(b, keep);
    for (size_t i = 0; half && i < half->count; i++) {
        if (half->calls[i].turn)
            half->calls[i].turn->batch = half;
    }
    return half;
}

/* ---- which may go ---- */

uint64_t lane_settled_below(const struct lane *lane)
{
    uint64_t below = lane->open ? lane->open->first : lane->next_number;
    if (lane->waiting.first && lane->waiting.first->first < below)
        below = lane->waiting.first->first;
    for (const struct batch *b = lane->in_flight.first; b; b = b->next) {
        if (b->first < below)
            below = b->first;
    }
    return below;
}

static bool is_call_registered(const struct call *call)
{
    return ledger_is_registered(call->ledger) && (!call->joined || joined_may_go(call->joined));
}

/* The files of its calls are in the checkpoint, and what they were joined from: a restart makes the same of them again
 * (contract 4.3, 4.6). */
static bool is_registered(struct batch *b)
{
    while (b->registered < b->count && is_call_registered(&b->calls[b->registered]))
        b->registered++;
    return b->registered == b->count;
}

static bool is_ready(struct batch *b, uint64_t events_settled_below)
{
    return b->blocked == 0 && b->fence <= events_settled_below && is_registered(b);
}

/* A call of it comes after one of the same user that is in flight. */
static bool waits_for_flight(const struct batch *b, const struct identify_turns *turns)
{
    for (size_t i = 0; i < b->count; i++) {
        if (identify_turns_first(turns, b->calls[i].turn->user)->in_flight)
            return true;
    }
    return false;
}

static bool may_be_overtaken(const struct batch *b, const struct identify_turns *turns, bool in_order)
{
    if (b->overtaken)
        return true;
    if (b->blocked > 0) /* by calls that wait themselves, and were overtaken */
        return !waits_for_flight(b, turns);
    return b->sent_once && (!in_order || b->tries.count >= TRIES_UNTIL_OVERTAKEN);
}

struct batch *lane_pick(struct lane *lane, const struct identify_turns *turns, uint64_t events_settled_below,
                        bool in_order, uint64_t now, uint64_t *wake)
{
    for (struct batch *b = lane->waiting.first; b; b = b->next) {
        if (is_ready(b, events_settled_below)) {
            if (b->not_before <= now)
                return b;
            if (b->not_before < *wake)
                *wake = b->not_before;
        }
        if (!may_be_overtaken(b, turns, in_order))
            return NULL;
    }
    return NULL;
}

struct batch *lane_pick_probe(struct lane *lane, const struct identify_turns *turns, uint64_t events_settled_below,
                              bool in_order)
{
    struct batch *longest = NULL;
    for (struct batch *b = lane->waiting.first; b; b = b->next) {
        if (is_ready(b, events_settled_below) && (!longest || b->send < longest->send))
            longest = b;
        if (!may_be_overtaken(b, turns, in_order))
            break;
    }
    return longest;
}
