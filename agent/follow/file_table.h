#ifndef RAINGAUGE_FILE_TABLE_H
#define RAINGAUGE_FILE_TABLE_H

#include "follow/file.h"
#include "follow/scanner.h"

/* The files that are known, and what happened to them. Bookkeeping only: no file is touched here; time comes as an
 * argument (`now`: the loop's, in ms). Belongs to the loop's thread.
 *
 *     file_table_reconcile(t, &scan, now);                // compares a scan with what is known …
 *     while ((file = file_table_next_change(t))) …        // … and says which files are to be visited by the tailer
 *
 * Its parts have headers of their own: file.h (one file), file_list.h, file_parting.h (a content leaves its place),
 * file_search.h, file_saving.h (the checkpoint). */

struct file_table;
struct file_table *file_table_new(const struct config *config, const struct scan_rules *rules, struct metrics *metrics,
                                  struct log *log);
void file_table_free(struct file_table *t); /* descriptors must have been given back: tailer_stop() */
/* A reload: files are given to the inputs whose paths match them now. */
bool file_table_configure(struct file_table *t, const struct config *config, const struct scan_rules *rules)
    __attribute__((warn_unused_result));

void file_table_reconcile(struct file_table *t, const struct scan *scan, uint64_t now);
/* Something may be where it was that is not known here: the next walk is to look at everything. */
bool file_table_is_unsure(const struct file_table *t);
/* A hint about a path: true if a known file is there, which is now among the changed. */
bool file_table_touch(struct file_table *t, const char *path);
void file_table_visit(struct file_table *t, struct file *f); /* it is among the changed now */
struct file *file_table_next_change(struct file_table *t);   /* NULL: none (left) */

/* What the tailer found out. */
/* A new file is what its first line says, and is read from `at` on. False: no memory, nothing happened. */
bool file_table_begin(struct file_table *t, struct file *f, struct slice first_line, const struct position *at,
                      uint64_t skipped) __attribute__((warn_unused_result));
/* It was looked at and need not begin at its end (any more): it is empty, or begun. */
void file_table_start_settled(struct file_table *t, struct file *f);
void file_table_hold(struct file_table *t, struct file *f, uint64_t first_line, struct file *by);
void file_table_unreadable(struct file_table *t, struct file *f,
                           int error); /* reported when that is new; 0: readable */
void file_table_dirty(struct file_table *t, struct file *f);
void file_table_drop(struct file_table *t, struct file *f); /* not begun, or to be forgotten; frees it */
/* Its ledger, made where there is none. NULL: no memory. */
struct ledger *file_table_ledger(struct file_table *t, struct file *f);
struct input_metrics *file_table_metrics(const struct file_table *t, const struct file *f);

/* Every known file, for `status` and the gauges. */
struct file *file_table_first(const struct file_table *t);
struct file *file_table_next(const struct file *file);
size_t file_table_count(const struct file_table *t);
/* Sets the gauges files_watched, lag_bytes, lag_seconds, files_unreadable, deleted_held_bytes. */
void file_table_measure(struct file_table *t, uint64_t now);
/* Bytes that are not delivered yet, and for how long the oldest line among them has been there (0: none; a last line
 * without its newline is not one yet). */
uint64_t file_lag_bytes(const struct file *f);
uint64_t file_lag_ms(struct file *f, uint64_t now);

#endif
