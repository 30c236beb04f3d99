#ifndef RAINGAUGE_LANE_H
#define RAINGAUGE_LANE_H

#include "deliver/batch.h"
#include "deliver/identify_turns.h"

/* The calls of one endpoint, destination and project, in the order they were mapped: an open batch that grows, sealed
 * ones that wait in order (one that failed is back in its place among them), and those in flight.
 *
 * Calls of a chunk are first staged, so that lack of memory in the middle leaves no trace:
 *
 *     lane_stage(lane, …) for each call;                 // false: lane_unstage() every touched lane
 *     lane_commit(lane);                                 // seals what got full
 *
 * Which batch may go: the first that waits, unless it may be overtaken (contract 6.3: first sent in order, always; with
 * one request at a time also arriving in order, but for those that failed three times). */

struct group;

struct lane {
    struct group *group;
    enum endpoint endpoint;
    uint64_t next_number; /* of the next call */
    struct batch *open;
    size_t last_len, last_calls; /* of the batch that was sealed last: the next one will be like it */
    struct batch_list waiting, in_flight;

    struct lane_staging {
        struct lane *next; /* touched */
        bool touched;
        struct batch_list full; /* batches that got full, the one that was open at the beginning too */
        struct batch *open;     /* at the beginning, with so many calls */
        size_t open_calls;
        uint64_t next_number;
    } staging;
};

struct lane_limits {
    size_t max_calls, max_bytes;
    bool identify_batch;
    struct body_pool *bodies; /* where batches take memory from */
};

void lane_init(struct lane *lane, struct group *group, enum endpoint endpoint);
void lane_release(struct lane *lane, struct identify_turns *turns);

/* Puts a call at the end (its ledger is referenced). `user`: an identify's. `fence`: a signal's. False on lack of
 * memory. */
bool lane_stage(struct lane *lane, const struct lane_limits *limits, struct identify_turns *turns,
                const struct call *call, struct slice text, uint64_t user, uint64_t fence, uint64_t now)
    __attribute__((warn_unused_result));
void lane_unstage(struct lane *lane, struct identify_turns *turns);
/* Both return by how much the lane's memory grew (less than 0 wraps around, as sums of size_t take it). */
size_t lane_commit(struct lane *lane, const struct lane_limits *limits);

/* Whether the open batch is to be closed, now or at lane_seal_at(). As long as one waits that was never sent, nothing
 * is won by closing: more calls fit into it. */
uint64_t lane_seal_at(const struct lane *lane, uint64_t max_age); /* UINT64_MAX: not by time */
size_t lane_seal(struct lane *lane);

/* Cuts one of its sealed batches in two, as batch_split() does, with the users' turns. */
struct batch *lane_split(struct batch *b, size_t keep) __attribute__((warn_unused_result));

/* The number below which every call of the lane is settled (or a dead letter that is not yet on disk). */
uint64_t lane_settled_below(const struct lane *lane);

/* The first batch that may go at `now`; else NULL, and *wake is set back to the time when one may, where time is all it
 * waits for. */
struct batch *lane_pick(struct lane *lane, const struct identify_turns *turns, uint64_t events_settled_below,
                        bool in_order, uint64_t now, uint64_t *wake);
/* While everything fails: the one that was not tried for the longest time, whatever its own not_before. */
struct batch *lane_pick_probe(struct lane *lane, const struct identify_turns *turns, uint64_t events_settled_below,
                              bool in_order);

#endif
