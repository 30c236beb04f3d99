#ifndef RAINGAUGE_LEDGER_H
#define RAINGAUGE_LEDGER_H

#include "map/chunk.h"
#include "map/resume.h"

/* Which lines of one file still have unsettled calls, and so how far its checkpoint may go (contract 6.2): the start of
 * the oldest line with an unsettled call, whichever request holds that.
 *
 * Entries in the file's order, one for each line with unsettled calls. Calls name their line by its sequence number.
 * Lines without calls have no entry: they lie between. When the last call of a line is settled the line is counted,
 * once, as the first outcome that fits; when the first entry is settled the committed position moves to the next
 * entry's start, or to the end of what was taken in. Belongs to the loop's thread. Reference-counted: a file may be
 * gone before its calls are answered. */
struct ledger;
struct merge_part;

/* `metrics` is the input's series (NULL: nothing is counted); `context` is the file that owns it (NULL after
 * ledger_disown). on_moved is called whenever the committed position has moved, never from inside ledger_take. */
struct ledger *ledger_new(const struct position *start, struct input_metrics *metrics, void (*on_moved)(void *context),
                          void *context);
void ledger_disown(struct ledger *l); /* the owner is going: no more callbacks, one reference less */
struct ledger *ledger_ref(struct ledger *l);
void ledger_unref(struct ledger *l);

/* What dead letters call the file (copied); empty until it is said. False on lack of memory: the old name stays. */
bool ledger_set_path(struct ledger *l, struct slice path);
struct slice ledger_path(const struct ledger *l);

/* Takes in a chunk's lines: the first one gets *ret_first as its sequence number (which is ledger_next_line() of
 * before), the next the one after …; counts lines_read, bytes_read, nul_bytes and the outcomes of lines without calls.
 * False on lack of memory: nothing was taken. */
bool ledger_take(struct ledger *l, const struct chunk *chunk, uint64_t *ret_first) __attribute__((warn_unused_result));
uint64_t ledger_next_line(const struct ledger *l);

enum call_outcome {
    CALL_DELIVERED,
    CALL_DEAD_LETTERED,
    CALL_LEFT_OUT, /* an identify that says nothing new */
    CALL_KEPT,     /* no call, but the line's own text, now in the dead-letter file */
};
/* What is known of a line; together they say as what it counts (contract 6.1). */
enum line_flag {
    LINE_DELIVERED = 1,
    LINE_DEAD = 2,
    LINE_REJECTED = 4,
    LINE_INVALID = 8,
    LINE_SAMPLED = 16,
};
unsigned line_flag_of(enum call_outcome outcome); /* 0: it says nothing of the line */

/* One call (or kept text) of that line is settled. */
void ledger_settle(struct ledger *l, uint64_t line, enum call_outcome outcome);

/* Parts of merged records are bound to their lines by ledger_take(), each by a reference to the ledger. A part is
 * settled with its record; unbound, it stays unsettled for ever (the agent ends). */
void ledger_settle_part(struct merge_part *part, unsigned flags);
void ledger_unbind(struct merge_part *part);
void ledger_note_change(struct ledger *l); /* of a part: what is to be remembered of the file is another */

/* Where records are merged, lines are not settled in their order: behind the committed position there may be some that
 * are, with others of the same record that lie before it. Read again alone they would make half a record, so as long
 * as something is unsettled it is to be remembered what is: appended to `r`, the lines up to the end of what was taken.
 * False on lack of memory. */
bool ledger_is_unordered(const struct ledger *l);
void ledger_note_unordered(struct ledger *l);  /* an earlier run left its lines so; nothing where all is settled */
bool ledger_had_parts(const struct ledger *l); /* lines of merged records, since the ledger was made */
bool ledger_write_resume(const struct ledger *l, struct resume *r) __attribute__((warn_unused_result));

const struct position *ledger_committed(const struct ledger *l); /* what the checkpoint may say */
const struct position *ledger_taken(const struct ledger *l);     /* the end of the last chunk */
size_t ledger_open_lines(const struct ledger *l);

/* A file whose entry is not yet in the checkpoint must not have its calls sent (contract 4.3). */
void ledger_set_registered(struct ledger *l);
bool ledger_is_registered(const struct ledger *l);

/* Delivery's note of the destinations that the file's calls go to, a bit each. */
uint64_t ledger_destinations(const struct ledger *l);
void ledger_set_destinations(struct ledger *l, uint64_t destinations);

#endif
