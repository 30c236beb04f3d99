#ifndef RAINGAUGE_IDENTIFY_TURNS_H
#define RAINGAUGE_IDENTIFY_TURNS_H

#include "deliver/batch.h"

/* Who may go of the identify calls of one user: the one that was mapped first, the next when that is settled (contract
 * 4.7: never two in flight together, and an older one never overwrites a newer). Each unsettled identify call has a
 * turn; batch->blocked counts the calls of a batch whose turn has not come. */
struct user_turn {
    uint64_t user;
    struct batch *batch;
    struct user_turn *before, *behind; /* of the same user */
    struct user_turn *last;            /* of the foremost one: the end of the row */
    struct user_turn *in_bucket;       /* of the foremost one: another user's */
};

enum { IDENTIFY_TURN_BUCKETS = 1024 };
struct identify_turns {
    struct user_turn *buckets[IDENTIFY_TURN_BUCKETS];
};

/* The batches that have the user's first and last turn; NULL: he has none. */
struct batch *identify_turns_first(const struct identify_turns *t, uint64_t user);
struct batch *identify_turns_last(const struct identify_turns *t, uint64_t user);
/* A turn behind those of the same user. NULL on lack of memory. */
struct user_turn *identify_turns_join(struct identify_turns *t, uint64_t user, struct batch *batch);
/* Wherever it stands; frees it. */
void identify_turns_leave(struct identify_turns *t, struct user_turn *turn);
#endif
