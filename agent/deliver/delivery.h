#ifndef RAINGAUGE_DELIVERY_H
#define RAINGAUGE_DELIVERY_H

#include "deliver/ledger.h"
#include "log.h"

/* Decides what is sent when: mapped calls → lanes → batches → settled. Pure bookkeeping: no socket, no file, no clock;
 * `now` is the loop's time in ms, `random` comes from the caller. Belongs to the loop's thread.
 *
 * A *lane* holds the calls of one endpoint, destination and project, in the order they were mapped; a *batch* is a
 * sealed request body of one lane. A *group* is what one destination and project share: pauses, backoff, Retry-After,
 * probing, and the order between its lanes: a signal is not sent before the events that were mapped by then, from any
 * file, are delivered or dead-lettered (contract 6.3).
 *
 * The happy path: delivery_take() copies a chunk's calls behind the open batch of their lane; delivery_seal_due()
 * closes a batch that is full or old enough; delivery_next_batch() gives the next one that may go; the uploader posts
 * it and brings the answer to delivery_answer(), which settles its lines in their ledgers and frees the room. What can
 * go wrong is table 6.7 of the contract: verdict_of() says what an answer means, delivery does it: later, paused,
 * halved, dead-lettered. */

struct delivery;
struct batch;

struct delivery *delivery_new(const struct config *config, struct metrics *metrics, struct log *log);
void delivery_free(struct delivery *d);
/* New settings after a reload; batches in flight keep the old ones, lanes are carried over by destination name. */
bool delivery_configure(struct delivery *d, const struct config *config) __attribute__((warn_unused_result));

/* Bytes of further calls that may be taken in for this file now (contract 6.6: `upload.buffer`, half of it for one
 * destination while another has calls, and a file waits only for its own). 0: do not read. */
size_t delivery_room(const struct delivery *d, const struct ledger *l);

/* Records that are open (contract 4.6) take so many bytes of the buffer now. */
void delivery_set_merging(struct delivery *d, size_t bytes);

/* The checkpoint is being saved: what is settled, joined or ended by now is in it. It was saved, or could not be (which
 * pauses nothing, contract 6.4). One at a time. Some calls wait for one that begins after they came: of records that
 * would not be joined in the same way again after a restart, as their lines lie in several files, or as no line says
 * where they ended. */
void delivery_note_save_begins(struct delivery *d);
void delivery_note_save_ended(struct delivery *d);
bool delivery_wants_save(const struct delivery *d); /* … that has not begun */

/* Takes in a chunk: its lines into the ledger, its calls into the lanes, its kept lines to the dead letters, its rules'
 * counts into the metrics; of merged records, whose lines are held by their ledgers already, only the calls, and then
 * `l` may be NULL. False on lack of memory: nothing was taken, the same chunk may be given again. */
bool delivery_take(struct delivery *d, struct ledger *l, const struct chunk *chunk, const struct config *config,
                   uint64_t now) __attribute__((warn_unused_result));

/* A chunk of one line with one call that cannot be sent (replay: its destination is no more): it becomes a dead letter;
 * `letter` is what stands behind that one's time in its file. */
bool delivery_take_dead(struct delivery *d, struct ledger *l, const struct chunk *chunk, struct slice letter)
    __attribute__((warn_unused_result));

/* Closes batches that are full or whose first call is max_age old; with `all` every one (stopping, --once at its end).
 */
void delivery_seal_due(struct delivery *d, uint64_t now, bool all);

/* The next batch to be sent, now in flight; NULL where none may go (concurrency, order, pauses, rate limit). */
struct batch *delivery_next_batch(struct delivery *d, uint64_t now);

/* What is to be posted. */
struct slice batch_body(const struct batch *b);
enum endpoint batch_endpoint(const struct batch *b);
const char *batch_destination(const struct batch *b);
struct slice batch_project(const struct batch *b); /* empty: none */
bool batch_is_plain(const struct batch *b);        /* its server takes no gzip */

/* What came of a batch in flight. */
struct post_result {
    enum {
        POST_ANSWERED,
        POST_NO_ANSWER, /* network failure or time-out */
        POST_NO_KEY,    /* not sent: the write key's file cannot be read */
        POST_CANCELLED,
    } what;
    int status;
    const char *why;         /* no answer: a reason from a fixed list */
    struct slice body;       /* the answer's first LIMIT_ANSWER_KEPT bytes */
    uint64_t retry_after_ms; /* 0: none was said */
    bool sent_gzip;
    double seconds;
};
void delivery_answer(struct delivery *d, struct batch *b, const struct post_result *result, uint64_t now,
                     uint32_t random);

/* Calls that were given up (and kept lines), to be written and synced before they are settled: the next one that was
 * not handed out yet, NULL where there is none. dead_letter_write() appends its line for the dead-letter file. */
struct dead_letter;
struct dead_letter *delivery_next_dead_letter(struct delivery *d);
void dead_letter_write(const struct dead_letter *letter, int64_t wall_ms, struct buffer *out);
void delivery_dead_letter_done(struct delivery *d, struct dead_letter *letter); /* it is on disk: its line is settled */

/* When something becomes due by itself (a batch's age, a retry, the end of a pause); UINT64_MAX: never. */
uint64_t delivery_deadline(const struct delivery *d, uint64_t now);

bool delivery_is_drained(const struct delivery *d); /* nothing waits, nothing is in flight, no dead letter unwritten */
size_t delivery_unsettled_calls(const struct delivery *d);
uint64_t delivery_dead_lettered(const struct delivery *d); /* calls so far (not kept lines): exit code 3 */
/* The reason of a pause ("status 401", "all_refused"), NULL where no group is paused. */
const char *delivery_paused(const struct delivery *d);
const char *delivery_paused_destination(const struct delivery *d); /* likewise */

/* How a destination is doing, all its projects together, for `status`: what troubles one of them troubles it. */
struct delivery_view {
    const char *state;   /* "ok", "failing": tried again, "paused" */
    const char *reason;  /* of the trouble, from a fixed list; NULL */
    const char *meaning; /* of that to people; NULL */
    const char *url;     /* where it is; NULL: no trouble */
    size_t calls;        /* not settled */
    unsigned in_flight;  /* requests */
    unsigned failures;   /* in a row */
    uint64_t next_try;   /* 0: no trouble; when the next request may go */
};
struct delivery_view delivery_look(const struct delivery *d, const char *destination);

#endif
