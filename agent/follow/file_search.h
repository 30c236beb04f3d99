#ifndef RAINGAUGE_FILE_SEARCH_H
#define RAINGAUGE_FILE_SEARCH_H

#include "follow/file.h"
#include "follow/scanner.h"

/* Looking for a file that is not where it was, or for the one that continues it.
 *
 *     file_table_missing(t, f, now);                    // it is looked for …
 *     file_table_wanted_lists(t, now, &directories);    // … with the next scan
 *     file_table_end_searches(t, &scan, now);           // … which the reconciliation ends with: found, gone, or once
 * more
 */

/* Its location names something else, or nothing: it is looked for. */
void file_table_missing(struct file_table *t, struct file *f, uint64_t now);
/* Directories in which a file is looked for by its inode or content, to be put into the next scan, and when the next
 * such scan is due; paths that no walk finds, to be looked at with every walk. The texts live until the next call. */
size_t file_table_wanted_lists(struct file_table *t, uint64_t now, const char *const **ret_directories);
size_t file_table_wanted_looks(struct file_table *t, const char *const **ret_paths);
uint64_t file_table_deadline(const struct file_table *t);

/* A walk of that input that begins after `after` (the loop's time) is wanted; whether one is (so far), by index of the
 * configuration. */
void file_table_want_walk(struct file_table *t, size_t input, uint64_t after);
bool file_table_wants_walk(const struct file_table *t, size_t input);

bool file_table_is_searching(const struct file_table *t); /* a file is being looked for (where that can be done) */
/* Of the files that are looked for where the scan has been, those that it did not show. */
void file_table_end_searches(struct file_table *t, const struct scan *scan, uint64_t now);

#endif
