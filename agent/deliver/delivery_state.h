#ifndef RAINGAUGE_DELIVERY_STATE_H
#define RAINGAUGE_DELIVERY_STATE_H

#include "deliver/dead_letter.h"
#include "deliver/delivery.h"
#include "deliver/identify_cache.h"

/* What delivery.c (what may go, room), delivery_take.c (calls come in) and delivery_answer.c (what became of them)
 * share; nobody else's. */
struct delivery {
    struct metrics *metrics;
    struct log *log;
    struct upload_settings upload;
    struct body_pool bodies;
    struct lane_limits limits;
    struct retry_policy retry;
    size_t destination_count;

    struct outlet *outlets;
    unsigned outlet_count;
    struct group_table groups;
    struct group *turn; /* where the search for the next batch begins */
    struct identify_cache identified;
    struct identify_turns turns;

    unsigned in_flight;
    size_t bytes, calls; /* of everything that is unsettled */
    size_t merging;      /* bytes of records that are open (contract 4.6): in the buffer, too */
    struct dead_letter *letters, **letters_end;
    uint64_t dead_lettered;
    struct saves saves;
    struct arena scratch; /* of one call of a function */
};

/* NULL on lack of memory. */
struct outlet *delivery_outlet(struct delivery *d, const char *name);

/* `growth` more bytes (or fewer, wrapped around) are held for that outlet (NULL: kept lines). */
void delivery_account(struct delivery *d, struct outlet *outlet, size_t growth);
/* A call (or what was kept) is settled: its line, or all lines of its merged record. */
void delivery_settle(struct delivery *d, const struct call *call, enum call_outcome outcome);
void delivery_add_letter(struct delivery *d, struct dead_letter *letter);

/* A paused group says so, once a minute. */
void delivery_complain(struct delivery *d, struct group *g, uint64_t now);
enum { COMPLAIN_EVERY_MS = 60000 };

#endif
