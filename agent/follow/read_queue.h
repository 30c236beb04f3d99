#ifndef RAINGAUGE_READ_QUEUE_H
#define RAINGAUGE_READ_QUEUE_H

#include "follow/file_table.h"

/* The files that wait for their turn: those that are read in turn (`order: fair`) first come, first served, in
 * LIST_QUEUED; the others sorted in LIST_ORDERED: by input, and then by time or name. With --once all are ordered, and
 * `fair` means by time (contract 6.3). Files of one order are read one after the other.
 *
 * A file of which all that it holds was read before, as most are after a restart, is only to be checked: those wait in
 * LIST_CHECKED, of which one has its turn after READ_BEFORE_CHECK others, so that what is new is not read behind them.
 */

struct read_queue {
    struct file_table *table;
    const struct config *config;
    bool once;
    bool finishing;       /* the agent stops: files are read to the end that they have now */
    bool check_wanted;    /* since it was looked at, a file is to be checked */
    struct file *awaited; /* one that others wait for; only while the next job is looked for */
    bool unsorted;        /* files were added in bulk */
    unsigned read;        /* turns since a file was only checked */
};
enum { READ_BEFORE_CHECK = 16 };

void read_queue_add(struct read_queue *q, struct file *f);
/* Many at once: read_queue_sort() afterwards. */
void read_queue_add_unsorted(struct read_queue *q, struct file *f);
void read_queue_sort(struct read_queue *q);
void read_queue_remove(struct file *f);
bool read_queue_has(const struct file *f);
/* The list whose first file is next, where those that are read in turn have one; it had its turn. */
enum file_list_kind read_queue_fair(const struct read_queue *q);
void read_queue_note_turn(struct read_queue *q, enum file_list_kind kind);
bool read_queue_is_empty(const struct file_table *t);

bool read_queue_is_ordered(const struct read_queue *q, const struct file *f);
/* Whether one of the two must have been read to its end before the other is begun. */
bool read_queue_is_one_order(const struct read_queue *q, const struct file *f, const struct file *g);
bool read_queue_comes_before(const struct read_queue *q, const struct file *f, const struct file *g);

#endif
