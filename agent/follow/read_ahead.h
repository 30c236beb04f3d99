#ifndef RAINGAUGE_READ_AHEAD_H
#define RAINGAUGE_READ_AHEAD_H

#include "follow/tailer_internal.h"

/* Several blocks of one large file at a time. A file is read by one job at a time, each of which begins where the one
 * before it ended: at the line that is not whole in its block. For most files that is known beforehand, and so, while
 * one slot has the file, others read the blocks that come next:
 *
 *     read_ahead_start(t, slot);       // a slot that no file wants: the next block of one that has another slot
 *     …
 *     read_ahead_follow(slot);         // that slot is done, and there is more: the next one gets the file
 *     read_ahead_is_right(slot);       // … and its job has ended: whether it began where reading has come to
 *     read_ahead_drop(t, f);           // what is being read ahead of the file is for nothing
 *
 * It is a guess, and nothing hangs on it: what was read ahead is taken only if the file was read to the very byte at
 * which it began, with the same last KiB before it, and the file begins as it did; else it is dropped, and the same is
 * read again as if nothing had been. That happens where the block before it stopped early (the budget, no memory) or
 * late (a line longer than a block), where a record goes on over the block's end, or where the file is another one.
 * After a wrong guess the file is left alone for a while.
 *
 * Only where it is worth it: a plain file, which has a whole block more; lines that are records by themselves (no
 * `multiline`, no `merge`), none of which was taken before; one slot at least is left to other files; delivery keeps
 * up; and no file is read to its end as it is written, whose lines would have to wait for a core. */

bool read_ahead_start(struct tailer *t, struct slot *slot);
bool read_ahead_follow(struct slot *slot); /* false: none has it */
bool read_ahead_is_right(struct slot *slot);
void read_ahead_drop(struct tailer *t, const struct file *f);
void read_ahead_drop_all(struct tailer *t);

#endif
