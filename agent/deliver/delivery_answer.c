/* What became of a batch: verdict_of() says what the answer means, here it is done.
 *
 *  - delivered: its lines are settled, the room is free, its group's trouble is over;
 *  - later, pause: back to its place, the group slows down;
 *  - halve: two batches in its place;
 *  - cut, plain: the same place, at once, in another form;
 *  - dead: the call becomes a dead letter; its line is settled when that is on disk.
 * Lack of memory in any of these: back to its place, to be tried again as if the server had been busy. */
#include "deliver/delivery_state.h"

#include "wire/call.h"
#include "wire/verdict.h"

#include <assert.h>

struct answered {
    struct delivery *d;
    struct batch *batch;
    struct group *group;
    const struct post_result *result;
    struct verdict verdict;
    uint64_t now;
    uint32_t random;
};

/* ---- settling ---- */

static void leave_turns(struct delivery *d, struct batch *b)
{
    for (size_t i = 0; i < b->count; i++) {
        if (b->calls[i].turn)
            identify_turns_leave(&d->turns, b->calls[i].turn);
        b->calls[i].turn = NULL;
    }
}

static void uncount(struct delivery *d, struct group *g, size_t calls, size_t cost)
{
    d->calls -= calls;
    g->calls -= calls;
    delivery_account(d, g->outlet, 0 - cost);
}

static void deliver(const struct answered *a)
{
    struct delivery *d = a->d;
    struct batch *b = a->batch;
    struct group *g = a->group;
    if (group_is_paused(g))
        log_event(d->log, LOG_INFO, "delivery.resumed", "uploading goes on", LOG_TEXT("destination", g->outlet->name),
                  LOG_END);
    group_recover(g, true);
    g->refused_in_row = 0;
    g->taken_batches++;
    if (b->send > g->taken_sends)
        g->taken_sends = b->send;
    g->outlet->metrics->delivered[b->lane->endpoint] += b->count;
    leave_turns(d, b);
    uncount(d, g, b->count, b->cost);
    for (size_t i = 0; i < b->count; i++)
        delivery_settle(d, &b->calls[i], CALL_DELIVERED);
    batch_free(b);
}

/* ---- failing ---- */

static void put_back(const struct answered *a, uint64_t not_before)
{
    a->batch->tries = a->verdict.tries;
    a->batch->not_before = not_before;
    batch_list_insert(&a->batch->lane->waiting, a->batch);
}

static void name_failure(const struct answered *a)
{
    a->group->status = a->result->what == POST_ANSWERED ? a->result->status : 0;
    if (a->result->what == POST_ANSWERED)
        snprintf(a->group->reason, sizeof a->group->reason, "status %d", a->result->status);
    else
        snprintf(a->group->reason, sizeof a->group->reason, "%s", a->result->why ? a->result->why : "no answer");
}

static void say_failure(const struct answered *a)
{
    const struct outlet *o = a->group->outlet;
    const char *why = a->result->why, *meaning = verdict_meaning(a->result->status, a->group->project.len > 0);
    log_event(a->d->log, LOG_WARN, "delivery.failing", "a request failed and will be sent again",
              LOG_TEXT("destination", o->name), LOG_TEXT("endpoint", endpoint_paths[a->batch->lane->endpoint]),
              LOG_UINT("status", a->result->status), LOG_TEXT("url", o->url ? o->url : ""),
              why       ? LOG_TEXT("reason", why)
              : meaning ? LOG_TEXT("meaning", meaning)
                        : LOG_END,
              LOG_END);
}

static void fail(const struct answered *a, enum trouble trouble)
{
    struct group *g = a->group;
    if (trouble == TROUBLE_FAILING)
        say_failure(a);
    if (a->verdict.busy && a->batch->failed_after == 0)
        a->batch->failed_after = g->sends;
    if (a->verdict.hold_ms > 0 && a->now + a->verdict.hold_ms > g->hold_until)
        g->hold_until = a->now + a->verdict.hold_ms;
    if (trouble == TROUBLE_FAILING && g->trouble <= TROUBLE_FAILING)
        name_failure(a);
    group_fail(g, trouble, a->batch->send, &a->d->retry, a->now, a->random);
}

static void try_later(const struct answered *a)
{
    fail(a, TROUBLE_FAILING);
    put_back(a, a->now + a->verdict.wait_ms);
}

static void begin_pause(const struct answered *a, enum trouble trouble, const char *reason)
{
    struct group *g = a->group;
    bool was = group_is_paused(g);
    if (g->trouble <= trouble) {
        snprintf(g->reason, sizeof g->reason, "%s", reason);
        g->status = a->result->what == POST_ANSWERED ? a->result->status : 0;
    }
    fail(a, trouble);
    if (!was)
        delivery_complain(a->d, g, a->now);
}

static void pause_uploading(const struct answered *a)
{
    char reason[32] = "no_write_key";
    if (a->result->what != POST_NO_KEY)
        snprintf(reason, sizeof reason, "status %d", a->result->status);
    begin_pause(a, TROUBLE_PAUSED, reason);
    put_back(a, a->now + a->verdict.wait_ms);
}

/* ---- the call at fault ---- */

static void halve(const struct answered *a)
{
    struct batch *b = a->batch;
    struct batch *half = lane_split(b, b->count / 2);
    if (!half) {
        try_later(a);
        return;
    }
    if (a->verdict.busy) {
        fail(a, TROUBLE_FAILING);
        b->overtaken = half->overtaken = true;
    } else {
        group_recover(a->group, false);
    }
    struct batch *halves[] = {b, half};
    for (int i = 0; i < 2; i++) {
        halves[i]->tries = (struct tries){0};
        halves[i]->sent_once = false;
        halves[i]->send = 0;
        halves[i]->not_before = a->now;
        batch_list_insert(&b->lane->waiting, halves[i]);
        delivery_account(a->d, a->group->outlet, batch_recost(halves[i]));
    }
}

void delivery_add_letter(struct delivery *d, struct dead_letter *letter)
{
    letter->next = NULL;
    *d->letters_end = letter;
    d->letters_end = &letter->next;
    delivery_account(d, NULL, letter->cost);
}

static void say_dead(const struct answered *a, const struct dead_letter *letter)
{
    const struct call *call = &letter->batch->calls[0];
    log_event(a->d->log, LOG_WARN, "delivery.dead", "a call was refused for good: it goes to the dead-letter file",
              LOG_SLICE("file", ledger_path(call->ledger)), LOG_UINT("offset", call->offset),
              LOG_TEXT("rule", call->rule->name), LOG_TEXT("destination", a->group->outlet->name),
              LOG_TEXT("reason", letter->metric), LOG_END);
}

static void give_up(const struct answered *a)
{
    struct delivery *d = a->d;
    struct batch *b = a->batch;
    struct group *g = a->group;
    if (g->trouble == TROUBLE_ALL_REFUSED) { /* nothing more is given up: the next try is another call's */
        fail(a, TROUBLE_ALL_REFUSED);
        put_back(a, a->now + a->verdict.wait_ms);
        return;
    }
    struct dead_letter *letter = dead_letter_of_call(b, a->verdict.reason, a->result->status, a->result->body);
    if (!letter) {
        try_later(a);
        return;
    }
    if (b->calls[0].turn)
        identify_cache_forget(&d->identified, b->calls[0].turn->user);
    leave_turns(d, b);
    g->dead_events += b->lane->endpoint == ENDPOINT_EVENT;
    say_dead(a, letter);
    delivery_add_letter(d, letter);
    if (a->verdict.reason == DEAD_RETRIES)
        fail(a, TROUBLE_FAILING);
    else
        group_recover(g, false);
    if (a->verdict.reason == DEAD_STATUS && ++g->refused_in_row == d->upload.max_refused)
        begin_pause(a, TROUBLE_ALL_REFUSED, "all_refused");
}

static void shorten(const struct answered *a)
{
    struct delivery *d = a->d;
    struct buffer out;
    arena_reset(&d->scratch);
    buffer_init_in(&out, &d->scratch);
    bool done = call_cut(&out, &d->scratch, batch_text(a->batch, 0), a->verdict.cut_to);
    if (out.failed || d->scratch.failed) {
        try_later(a);
    } else if (!done) {
        struct answered too_large = *a;
        too_large.verdict.reason = DEAD_TOO_LARGE;
        give_up(&too_large);
    } else {
        group_recover(a->group, false);
        batch_shorten(a->batch, buffer_slice(&out));
        delivery_account(d, a->group->outlet, batch_recost(a->batch));
        put_back(a, a->now);
    }
}

static void send_plain(const struct answered *a)
{
    a->group->plain = true;
    group_recover(a->group, false);
    put_back(a, a->now);
}

/* ---- the answer ---- */

/* Whether other requests were taken since this one was first sent, ... */
static bool others_were_taken(const struct batch *b)
{
    return b->sent_once && b->lane->group->taken_batches > b->delivered_before;
}

/* ... so that it must be this one that the server cannot take. It is so if one was taken that was sent after the first
 * failure of this one; else (the server may have gone down right between the two) if nothing is left to tell: every
 * other that is unsettled is in the same position. Signals that wait for this event cannot tell either. */
static bool is_proven(const struct batch *b)
{
    const struct group *g = b->lane->group;
    if (!others_were_taken(b))
        return false;
    if (b->failed_after > 0 && g->taken_sends > b->failed_after)
        return true;
    for (int e = 0; e < ENDPOINT_COUNT; e++) {
        const struct lane *lane = &g->lanes[e];
        if (e == ENDPOINT_SIGNAL && b->lane->endpoint == ENDPOINT_EVENT)
            continue;
        if (lane->open || lane->in_flight.first)
            return false;
        for (const struct batch *other = lane->waiting.first; other; other = other->next) {
            if (!others_were_taken(other))
                return false;
        }
    }
    return true;
}

static void land(struct delivery *d, struct batch *b)
{
    assert(b->in_flight);
    b->in_flight = false;
    batch_list_remove(&b->lane->in_flight, b);
    d->in_flight--;
    b->lane->group->in_flight--;
    b->lane->group->outlet->in_flight--;
}

static void judge(struct answered *a)
{
    const struct batch *b = a->batch;
    struct attempt attempt = {
        .status = a->result->what == POST_ANSWERED ? a->result->status
                  : a->result->what == POST_NO_KEY ? 401
                                                   : 0,
        .gzip = a->result->sent_gzip,
        .calls = b->count,
        .call_bytes = b->calls[0].len,
        .retry_after_ms = a->result->retry_after_ms,
        .before = b->tries,
        .others_delivered = others_were_taken(b),
        .proven = b->count == 1 && b->tries.count > 0 && is_proven(b),
    };
    a->verdict = verdict_of(&a->d->retry, &attempt, a->random);
}

void delivery_answer(struct delivery *d, struct batch *b, const struct post_result *result, uint64_t now,
                     uint32_t random)
{
    static void (*const acts[])(const struct answered *) = {
        [VERDICT_DELIVERED] = deliver, [VERDICT_LATER] = try_later, [VERDICT_PAUSE] = pause_uploading,
        [VERDICT_HALVE] = halve,       [VERDICT_CUT] = shorten,     [VERDICT_DEAD] = give_up,
        [VERDICT_PLAIN] = send_plain,
    };
    struct answered a = {.d = d, .batch = b, .group = b->lane->group, .result = result, .now = now, .random = random};
    land(d, b);
    if (result->what == POST_CANCELLED) {
        batch_list_insert(&b->lane->waiting, b);
        return;
    }
    if (result->what != POST_NO_KEY)
        metrics_count_request(a.group->outlet->metrics, b->lane->endpoint, result->status, result->seconds, d->metrics);
    judge(&a);
    acts[a.verdict.kind](&a);
}

/* ---- dead letters ---- */

struct dead_letter *delivery_next_dead_letter(struct delivery *d)
{
    for (struct dead_letter *letter = d->letters; letter; letter = letter->next) {
        if (!letter->handed_out) {
            letter->handed_out = true;
            return letter;
        }
    }
    return NULL;
}

static void unlink_letter(struct delivery *d, struct dead_letter *letter)
{
    struct dead_letter **at = &d->letters;
    while (*at != letter)
        at = &(*at)->next;
    *at = letter->next;
    if (!*at)
        d->letters_end = at;
}

void delivery_dead_letter_done(struct delivery *d, struct dead_letter *letter)
{
    const struct call settled = dead_letter_call(letter);
    struct batch *b = letter->batch;
    unlink_letter(d, letter);
    delivery_account(d, NULL, 0 - letter->cost);
    if (b) {
        enum endpoint endpoint = b->lane->endpoint;
        b->lane->group->dead_events -= endpoint == ENDPOINT_EVENT;
        metrics_count_reason(&d->metrics->dead_letters[endpoint], letter->metric, 1);
        uncount(d, b->lane->group, 1, b->cost);
    }
    d->dead_lettered += letter->is_call;
    delivery_settle(d, &settled, letter->is_call ? CALL_DEAD_LETTERED : CALL_KEPT);
    dead_letter_free(letter);
}
