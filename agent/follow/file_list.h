#ifndef RAINGAUGE_FILE_LIST_H
#define RAINGAUGE_FILE_LIST_H

#include <stdbool.h>
#include <stddef.h>

struct file;
struct file_table;

/* The lists a file can be in, each with a link of its own. All are the table's, so that a file that is dropped is in
 * none; what the last ones mean is the tailer's. */
enum file_list_kind {
    LIST_ALL,
    LIST_CHANGED,  /* to be visited */
    LIST_SEARCHED, /* its directory is to be listed */
    LIST_DIRTY,    /* to be saved */
    LIST_SAVING,   /* in the save that is under way */
    LIST_QUEUED,   /* the tailer's: waits for its turn */
    LIST_ORDERED,  /* … in an order, see read_queue.h */
    LIST_CHECKED,  /* … but only to see whether it still is what it was */
    LIST_OPEN,     /* … has a descriptor, the least recently used first */
    LIST_TIMED,    /* … is to be visited again at wake_at */
    LIST_COUNT
};
struct file_list {
    struct file *first, *last;
    size_t count;
};
struct file_link {
    struct file *prev, *next;
};

void file_enlist(struct file *f, enum file_list_kind kind); /* at the end; nothing where it is in it */
void file_enlist_before(struct file *f, enum file_list_kind kind, struct file *next); /* NULL: at the end */
void file_delist(struct file *f, enum file_list_kind kind);
const struct file_list *file_table_list(const struct file_table *t, enum file_list_kind kind);
/* Sorts a list; stable, and fast where it is nearly sorted already. */
void file_table_sort(struct file_table *t, enum file_list_kind kind,
                     bool (*comes_before)(const void *context, const struct file *f, const struct file *g),
                     const void *context);

#endif
