#ifndef RAINGAUGE_LEDGER_H
#define RAINGAUGE_LEDGER_H

#include "map/chunk.h"

/* Which lines of one file still have unsettled calls, and so how far its checkpoint may go (contract 6.2): the start of
 * the oldest line with an unsettled call, whichever request holds that.
 *
 * A ring of entries in the file's order, one for each line that has calls. Calls name their line by its sequence
 * number. Lines without calls have no entry: they lie between. When the last call of a line is settled the line is
 * counted, once, as the first outcome that fits; when the head of the ring is settled the committed position moves to
 * the next entry's start, or to the end of what was taken in. Belongs to the loop's thread. Reference-counted: a file
 * may be gone before its calls are answered. */
struct ledger;

/* `metrics` is the input's series; `context` is the file that owns it (NULL after ledger_disown). on_moved is called
 * whenever the committed position has moved, never from inside ledger_take. */
struct ledger *ledger_new(const struct position *start, struct input_metrics *metrics, void (*on_moved)(void *context),
                          void *context);
void ledger_disown(struct ledger *l); /* the owner is going: no more callbacks, one reference less */
struct ledger *ledger_ref(struct ledger *l);
void ledger_unref(struct ledger *l);

/* Takes in a chunk's lines: the first one gets *ret_first as its sequence number, the next the one after …; counts
 * lines_read, bytes_read and the outcomes of lines without calls. False on lack of memory: nothing was taken. */
bool ledger_take(struct ledger *l, const struct chunk *chunk, uint64_t *ret_first) __attribute__((warn_unused_result));

enum call_outcome { CALL_DELIVERED, CALL_DEAD_LETTERED, CALL_LEFT_OUT /* an identify that says nothing new */ };
/* One call (or kept text) of that line is settled. */
void ledger_settle(struct ledger *l, uint64_t line, enum call_outcome outcome);

/* Further calls of a line became known (a line's hold on an open merge, a call cut in two …), or were left out. */
void ledger_hold(struct ledger *l, uint64_t line, uint32_t calls);

const struct position *ledger_committed(const struct ledger *l); /* what the checkpoint may say */
const struct position *ledger_taken(const struct ledger *l);     /* the end of the last chunk */
size_t ledger_open_lines(const struct ledger *l);

/* A file whose entry is not yet in the checkpoint must not have its calls sent (contract 4.3). */
void ledger_set_registered(struct ledger *l);
bool ledger_is_registered(const struct ledger *l);

#endif
