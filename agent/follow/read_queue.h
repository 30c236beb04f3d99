#ifndef RAINGAUGE_READ_QUEUE_H
#define RAINGAUGE_READ_QUEUE_H

#include "follow/file_table.h"

/* The files that wait for their turn: those that are read in turn (`order: fair`) first come, first served, in
 * LIST_QUEUED; the others sorted in LIST_ORDERED: by input, and then by time or name. With --once all are ordered, and
 * `fair` means by time (contract 6.3). Files of one order are read one after the other. */

struct read_queue {
    struct file_table *table;
    const struct config *config;
    bool once;
    bool unsorted; /* files were added in bulk */
};

void read_queue_add(struct read_queue *q, struct file *f);
/* Many at once: read_queue_sort() afterwards. */
void read_queue_add_unsorted(struct read_queue *q, struct file *f);
void read_queue_sort(struct read_queue *q);
void read_queue_remove(struct file *f);
bool read_queue_is_empty(const struct file_table *t);

bool read_queue_is_ordered(const struct read_queue *q, const struct file *f);
/* Whether one of the two must have been read to its end before the other is begun. */
bool read_queue_is_one_order(const struct read_queue *q, const struct file *f, const struct file *g);
bool read_queue_comes_before(const struct read_queue *q, const struct file *f, const struct file *g);

#endif
