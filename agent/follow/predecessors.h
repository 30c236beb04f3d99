#ifndef RAINGAUGE_PREDECESSORS_H
#define RAINGAUGE_PREDECESSORS_H

#include "follow/read_queue.h"

/* Where records are merged (contract 4.6), they are joined in the order in which lines are taken. A log that is rotated
 * goes on in another file, so of an input with such a rule nothing is taken of a file before what was written before
 * it, in files of the same directory, has been taken. Other inputs do not wait.
 *
 * That a file has a line says that what comes before it has been written; what that is says a walk that begins later:
 * how far the others have grown, and whether there are some that nobody has seen yet (a log may be rotated twice
 * between two walks). But what a walk finds under a name may be another content than the one that was known there: so
 * files that changed count as what they were found to be after it. Waited for is
 *  - a file of which something was taken, in this run or an earlier one, until all is taken that was seen by then;
 *  - one of which nothing was taken, and that comes before it by the input's order (`fair`: by time);
 *  - one that is being looked for, for a while: it was moved, or was cut and is continued by a copy.
 *
 *     if (predecessors_are_left(q, f, started, now))        // it waits
 *         if (predecessors_want_check(f)) …                 // JOB_CHECK: others wait for it to be found in its place
 *
 * While the agent stops, a file that comes after one of which not all is read any more is not begun.
 *
 * Once it had its turn a file waits for no other: what comes later in a directory was written later. */

/* `started`: when this run began, by the loop's clock. */
bool predecessors_are_left(struct read_queue *q, struct file *f, uint64_t started, uint64_t now);
bool predecessors_want_check(const struct file *f);

/* The file is begun now, by a job that began at `began`. What a walk found is compared, but for what it says of this.
 */
void predecessors_note_begun(struct file *f, uint64_t began, uint64_t now);
void predecessors_note_walk(struct file_table *t, const struct config *config, const struct scan *scan, uint64_t now);

#endif
