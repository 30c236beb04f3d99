#ifndef RAINGAUGE_BATCH_H
#define RAINGAUGE_BATCH_H

#include "deliver/body_pool.h"
#include "deliver/joined.h"
#include "wire/verdict.h"

/* A request body and the calls that are in it: first open, growing at its end, then sealed and sent until it is
 * settled.
 *
 * Its calls have consecutive numbers of their lane, in the order they were mapped; halves of a batch have the two
 * halves of the numbers. The texts lie in the body just as they are sent: "[a,b,c]", or a single object where the
 * endpoint takes no array. */

struct lane;
struct user_turn;

struct call {
    struct ledger *ledger; /* a reference */
    uint64_t line, offset;
    struct joined *joined; /* of a merged record: a reference, and its lines are settled with it; else NULL */
    const struct rule_metrics *rule;
    struct user_turn *turn; /* an identify's, else NULL */
    uint32_t at, len;       /* its text in the body */
};

struct batch {
    struct lane *lane;
    struct body_pool *pool;
    struct batch *previous, *next; /* in the list that holds it */

    char *body;
    size_t len, cap, expected;
    struct call *calls;
    size_t count, call_cap;
    uint64_t first; /* number of its first call */
    bool array, sealed, in_flight;
    uint64_t began_at; /* when its first call came */
    size_t cost;       /* bytes that are counted for it */

    /* What it waits for */
    uint64_t fence;      /* signals: all events below this number are settled first */
    unsigned blocked;    /* identify: so many of its calls come after an unsettled one of their user */
    size_t registered;   /* so many of its calls may go as far as the checkpoint is concerned */
    uint64_t not_before; /* after a failure */

    /* What became of it so far */
    struct tries tries;
    bool sent_once;
    bool overtaken; /* a half of a batch that the server could not take: it may be overtaken from the start */
    uint64_t send;  /* its group's count of sends, this one included, at its last */
    uint64_t delivered_before; /* … of delivered batches, when it was first sent */
    uint64_t failed_after;     /* … of sends when it (or what it is a half of) first failed; 0: it has not */
};

struct batch *batch_new(struct lane *lane, struct body_pool *pool, uint64_t first, bool array, uint64_t now);
void batch_free(struct batch *b); /* gives back its references to ledgers; turns must have been left */

/* It will probably hold so much: begins with some memory rather than to grow to it by steps. */
void batch_expect(struct batch *b, size_t len, size_t calls);
/* Room for one more call of that length and for the closing bracket. */
bool batch_reserve(struct batch *b, size_t text_len) __attribute__((warn_unused_result));
/* Within the room: cannot fail. The call's place in the body is set here; its reference to the ledger moves in. What
 * is returned stays as it is up to the next one. */
struct call *batch_add(struct batch *b, const struct call *call, struct slice text);
void batch_drop_last(struct batch *b); /* undoes batch_add */
bool batch_has_room(const struct batch *b, size_t text_len, size_t max_calls, size_t max_bytes);
void batch_seal(struct batch *b);

struct slice batch_text(const struct batch *b, size_t call);

/* Cuts a sealed batch in two: the calls from `keep` on are in the new one. NULL on lack of memory: nothing was done. */
struct batch *batch_split(struct batch *b, size_t keep) __attribute__((warn_unused_result));
/* Puts a shorter text in the place of a single call's. */
void batch_shorten(struct batch *b, struct slice text);

/* Sets batch->cost to the memory that it takes, with what its calls hold elsewhere (their lines' entries in ledgers,
 * their turns); returns by how much it grew. */
size_t batch_recost(struct batch *b);

struct batch_list {
    struct batch *first, *last;
};
void batch_list_add(struct batch_list *list, struct batch *b);    /* at the end */
void batch_list_insert(struct batch_list *list, struct batch *b); /* by number */
void batch_list_remove(struct batch_list *list, struct batch *b);

#endif
