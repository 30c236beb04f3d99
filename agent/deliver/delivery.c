/* What may be sent when, and how much may be read. Calls come in through delivery_take.c, answers through
 * delivery_answer.c.
 *
 * The happy path: an open batch is sealed when it is old enough; the groups take turns, within a group its lanes; the
 * first batch that waits in a lane goes, while fewer than `concurrency` are in flight.
 * What can make a batch wait: a file of its calls that is not in the checkpoint yet; events that its signals speak of;
 * an earlier call of the same user; its own backoff after a failure; its group's: while a group fails or is paused one
 * request at a time tries its luck; Retry-After; the rate limit. All these are looked at in one place, pick(), which
 * also says when to look again, so that nothing can be forgotten while it waits. */
#include "deliver/delivery_state.h"

#include "limits.h"

#include <assert.h>

enum {
    ROOM_FIRST_LOOK = 4 * 1024, /* for a file of which nobody knows where its calls will go */
    RATE_CATCH_UP_MS = 100,
    SPLIT_AGAIN_MS = 1000, /* after lack of memory */
};

/* ---- life ---- */

struct outlet *delivery_outlet(struct delivery *d, const char *name)
{
    for (struct outlet *o = d->outlets; o; o = o->next) {
        if (strcmp(o->name, name) == 0)
            return o;
    }
    struct outlet *o = calloc(1, sizeof *o);
    if (!o || !(o->name = strdup(name)) || !(o->metrics = metrics_destination(d->metrics, name))) {
        if (o)
            free(o->name);
        free(o);
        return NULL;
    }
    o->index = d->outlet_count++;
    o->next = d->outlets;
    return d->outlets = o;
}

bool delivery_configure(struct delivery *d, const struct config *config)
{
    for (size_t i = 0; i < config->destination_count; i++) {
        struct outlet *o = delivery_outlet(d, config->destinations[i].name);
        char *url = o ? strdup(config->destinations[i].url) : NULL;
        if (!url)
            return false;
        free(o->url);
        o->url = url;
    }
    if (!identify_cache_resize(&d->identified, config->identify_cache))
        return false;
    d->upload = config->upload;
    d->limits = (struct lane_limits){
        .max_calls = config->upload.max_calls,
        .max_bytes = config->upload.max_bytes < LIMIT_BODY ? config->upload.max_bytes : LIMIT_BODY,
        .identify_batch = config->upload.identify_batch,
        .bodies = &d->bodies,
    };
    d->retry = (struct retry_policy){config->upload.retry_initial_ms, config->upload.retry_max_ms};
    d->destination_count = config->destination_count;
    return true;
}

struct delivery *delivery_new(const struct config *config, struct metrics *metrics, struct log *log)
{
    struct delivery *d = calloc(1, sizeof *d);
    if (!d)
        return NULL;
    d->metrics = metrics;
    d->log = log;
    d->letters_end = &d->letters;
    arena_init(&d->scratch, LIMIT_RECORD_ARENA);
    if (!delivery_configure(d, config)) {
        delivery_free(d);
        return NULL;
    }
    return d;
}

void delivery_free(struct delivery *d)
{
    if (!d)
        return;
    while (d->letters) {
        struct dead_letter *next = d->letters->next;
        dead_letter_free(d->letters);
        d->letters = next;
    }
    group_table_release(&d->groups, &d->turns);
    while (d->outlets) {
        struct outlet *next = d->outlets->next;
        free(d->outlets->name);
        free(d->outlets->url);
        free(d->outlets);
        d->outlets = next;
    }
    identify_cache_release(&d->identified);
    body_pool_release(&d->bodies);
    arena_release(&d->scratch);
    free(d);
}

/* ---- room ---- */

void delivery_account(struct delivery *d, struct outlet *outlet, size_t growth)
{
    d->bytes += growth;
    if (outlet)
        outlet->bytes += growth;
    d->metrics->buffer_bytes = d->bytes + d->merging;
    d->metrics->buffer_calls = d->calls;
}

void delivery_set_merging(struct delivery *d, size_t bytes)
{
    d->merging = bytes;
    d->metrics->buffer_bytes = d->bytes + d->merging;
}

/* Half of what the others leave: however many destinations do not answer, there is room for one more. */
static size_t room_of_outlet(const struct delivery *d, const struct outlet *o)
{
    size_t others = d->bytes - o->bytes;
    size_t most = others < d->upload.buffer ? (d->upload.buffer - others) / 2 : 0;
    return o->bytes < most ? most - o->bytes : 0;
}

size_t delivery_room(const struct delivery *d, const struct ledger *l)
{
    size_t held = d->bytes + d->merging, room = held < d->upload.buffer ? d->upload.buffer - held : 0;
    if (d->destination_count < 2)
        return room;
    uint64_t destinations = ledger_destinations(l);
    size_t own = room;
    for (const struct outlet *o = d->outlets; o; o = o->next) {
        size_t of_outlet = room_of_outlet(d, o);
        if ((destinations >> o->index % 64 & 1) && of_outlet < own)
            own = of_outlet;
    }
    /* A file with no calls in the buffer waits for nobody: a first look tells where it leads. */
    if (ledger_open_lines(l) == 0 && (own == 0 || destinations == 0))
        own = room > d->upload.buffer / 8 ? ROOM_FIRST_LOOK : 0;
    return own;
}

/* ---- settling ---- */

void delivery_settle(struct delivery *d, const struct call *call, enum call_outcome outcome)
{
    if (!call->joined)
        ledger_settle(call->ledger, call->line, outcome);
    else if (joined_settle(call->joined, outcome))
        delivery_account(d, NULL, 0 - call->joined->count * JOINED_PART_COST);
}

/* ---- the checkpoint ---- */

void delivery_note_save_begins(struct delivery *d)
{
    d->saves.begun++;
}

void delivery_note_save_ended(struct delivery *d)
{
    d->saves.ended = d->saves.begun;
}

bool delivery_wants_save(const struct delivery *d)
{
    return d->saves.wanted > d->saves.begun;
}

/* ---- sealing ---- */

void delivery_seal_due(struct delivery *d, uint64_t now, bool all)
{
    for (struct group *g = d->groups.first; g; g = g->next) {
        for (int e = 0; e < ENDPOINT_COUNT; e++) {
            struct lane *lane = &g->lanes[e];
            if (lane->open && (all || lane_seal_at(lane, d->upload.max_age_ms) <= now))
                delivery_account(d, g->outlet, lane_seal(lane));
        }
        if (group_is_paused(g) && now - g->said_at >= COMPLAIN_EVERY_MS)
            delivery_complain(d, g, now);
    }
    if (group_table_tidy(&d->groups, &d->turns))
        d->turn = NULL;
    if (d->calls == 0)
        body_pool_release(&d->bodies);
}

/* ---- sending ---- */

static uint64_t events_settled_below(const struct delivery *d, const struct group *g)
{
    const struct lane *events = &g->lanes[ENDPOINT_EVENT];
    uint64_t below = lane_settled_below(events);
    for (const struct dead_letter *letter = d->letters; letter && g->dead_events > 0; letter = letter->next) {
        if (letter->batch && letter->batch->lane == events && letter->batch->first < below)
            below = letter->batch->first;
    }
    return below;
}

/* No destination takes every slot while there is another that could have calls. */
static bool has_slot(const struct delivery *d, const struct group *g)
{
    unsigned concurrency = d->upload.concurrency;
    unsigned most = d->destination_count > 1 && concurrency > 1 ? concurrency - 1 : concurrency;
    return g->outlet->in_flight < most;
}

static struct batch *pick_in_turn(struct delivery *d, struct group *g, uint64_t now, uint64_t *wake)
{
    uint64_t below = events_settled_below(d, g);
    for (unsigned i = 0; i < ENDPOINT_COUNT; i++) {
        struct lane *lane = &g->lanes[(g->next_lane + i) % ENDPOINT_COUNT];
        struct batch *b = lane_pick(lane, &d->turns, below, d->upload.concurrency < 2, now, wake);
        if (b)
            return b;
    }
    return NULL;
}

static struct batch *pick_probe(struct delivery *d, struct group *g)
{
    uint64_t below = events_settled_below(d, g);
    bool in_order = d->upload.concurrency < 2 && g->trouble != TROUBLE_ALL_REFUSED;
    struct batch *longest = NULL;
    for (int e = 0; e < ENDPOINT_COUNT; e++) {
        struct batch *b = lane_pick_probe(&g->lanes[e], &d->turns, below, in_order);
        if (b && (!longest || b->send < longest->send))
            longest = b;
    }
    return longest;
}

/* The batch of a group that may go now; else NULL, and *wake is set back to when it should be asked again, where that
 * depends on nothing but time. */
static struct batch *pick(struct delivery *d, struct group *g, uint64_t now, uint64_t *wake)
{
    bool troubled = g->trouble != TROUBLE_NONE;
    if (g->calls == 0 || !has_slot(d, g) || (troubled && g->in_flight > 0))
        return NULL; /* an answer, or a call, brings it here again */
    uint64_t from = g->hold_until;
    if (d->upload.rate_limit > 0 && (uint64_t)(g->outlet->rate_at + 0.999) > from)
        from = (uint64_t)(g->outlet->rate_at + 0.999);
    if (troubled && g->not_before > from)
        from = g->not_before;

    uint64_t then = UINT64_MAX;
    struct batch *b = troubled ? pick_probe(d, g) : pick_in_turn(d, g, now, &then);
    if (b && from <= now)
        return b;
    if (b || then < from)
        then = from;
    if (then < *wake)
        *wake = then;
    return NULL;
}

static void use_rate(struct delivery *d, struct outlet *o, uint64_t now)
{
    if (d->upload.rate_limit <= 0)
        return;
    double from = (double)now - RATE_CATCH_UP_MS;
    o->rate_at = (o->rate_at > from ? o->rate_at : from) + 1000 / d->upload.rate_limit;
}

/* When every call is refused, each try sends a single one (contract 6.7, max_refused). */
static bool split_off_first(struct delivery *d, struct batch *b)
{
    if (b->lane->group->trouble != TROUBLE_ALL_REFUSED || b->count == 1)
        return true;
    struct batch *rest = lane_split(b, 1);
    if (!rest)
        return false;
    batch_list_insert(&b->lane->waiting, rest);
    delivery_account(d, b->lane->group->outlet, batch_recost(b) + batch_recost(rest));
    return true;
}

static void send(struct delivery *d, struct batch *b, uint64_t now)
{
    struct group *g = b->lane->group;
    batch_list_remove(&b->lane->waiting, b);
    batch_list_add(&b->lane->in_flight, b);
    b->in_flight = true;
    b->send = ++g->sends;
    if (!b->sent_once && !b->failed_after)
        b->delivered_before = g->taken_batches;
    b->sent_once = true;
    d->metrics->retries += b->tries.count > 0;
    d->in_flight++;
    g->in_flight++;
    g->outlet->in_flight++;
    g->next_lane = (unsigned)b->lane->endpoint + 1;
    use_rate(d, g->outlet, now);
    d->turn = g->next;
}

struct batch *delivery_next_batch(struct delivery *d, uint64_t now)
{
    if (d->in_flight >= d->upload.concurrency || !d->groups.first)
        return NULL;
    struct group *from = d->turn ? d->turn : d->groups.first, *g = from;
    uint64_t wake = UINT64_MAX;
    do {
        struct batch *b = pick(d, g, now, &wake);
        if (b && split_off_first(d, b)) {
            send(d, b, now);
            return b;
        }
        if (b)
            g->not_before = now + SPLIT_AGAIN_MS;
        g = g->next ? g->next : d->groups.first;
    } while (g != from);
    return NULL;
}

uint64_t delivery_deadline(const struct delivery *d, uint64_t now)
{
    uint64_t wake = UINT64_MAX;
    struct delivery *looked_at = (struct delivery *)(uintptr_t)d; /* pick() only notes which files are registered */
    for (struct group *g = d->groups.first; g; g = g->next) {
        for (int e = 0; e < ENDPOINT_COUNT; e++) {
            uint64_t seal = lane_seal_at(&g->lanes[e], d->upload.max_age_ms);
            if (seal < wake)
                wake = seal;
        }
        if (group_is_paused(g) && g->said_at + COMPLAIN_EVERY_MS < wake)
            wake = g->said_at + COMPLAIN_EVERY_MS;
        if (d->in_flight < d->upload.concurrency && pick(looked_at, g, now, &wake))
            wake = now;
    }
    return wake;
}

/* ---- what is to be posted ---- */

enum endpoint batch_endpoint(const struct batch *b)
{
    return b->lane->endpoint;
}

const char *batch_destination(const struct batch *b)
{
    return b->lane->group->outlet->name;
}

struct slice batch_project(const struct batch *b)
{
    return b->lane->group->project;
}

bool batch_is_plain(const struct batch *b)
{
    return b->lane->group->plain;
}

/* ---- how it stands ---- */

bool delivery_is_drained(const struct delivery *d)
{
    return d->calls == 0 && !d->letters;
}

size_t delivery_unsettled_calls(const struct delivery *d)
{
    return d->calls;
}

uint64_t delivery_dead_lettered(const struct delivery *d)
{
    return d->dead_lettered;
}

static const struct group *first_paused(const struct delivery *d)
{
    const struct group *g = d->groups.first;
    while (g && !group_is_paused(g))
        g = g->next;
    return g;
}

const char *delivery_paused(const struct delivery *d)
{
    const struct group *g = first_paused(d);
    return g ? g->reason : NULL;
}

const char *delivery_paused_destination(const struct delivery *d)
{
    const struct group *g = first_paused(d);
    return g ? g->outlet->name : NULL;
}

struct delivery_view delivery_look(const struct delivery *d, const char *destination)
{
    struct delivery_view view = {.state = "ok"};
    enum trouble worst = TROUBLE_NONE;
    for (const struct group *g = d->groups.first; g; g = g->next) {
        if (strcmp(g->outlet->name, destination) != 0)
            continue;
        view.calls += g->calls;
        view.in_flight += g->in_flight;
        if (g->trouble <= worst)
            continue;
        worst = g->trouble;
        view.state = group_is_paused(g) ? "paused" : "failing";
        view.reason = g->reason;
        view.meaning = group_meaning(g);
        view.url = g->outlet->url;
        view.failures = g->failures;
        view.next_try = g->not_before > g->hold_until ? g->not_before : g->hold_until;
    }
    return view;
}

void delivery_complain(struct delivery *d, struct group *g, uint64_t now)
{
    g->said_at = now;
    const char *meaning = group_meaning(g), *url = g->outlet->url;
    log_event(d->log, LOG_ERROR, "", "uploading is paused: the server takes nothing from us; nothing is dropped",
              LOG_TEXT("destination", g->outlet->name), LOG_TEXT("reason", g->reason), LOG_TEXT("url", url ? url : ""),
              LOG_UINT("waiting", g->calls), meaning ? LOG_TEXT("meaning", meaning) : LOG_END, LOG_END);
}
