#ifndef RAINGAUGE_FILE_SAVING_H
#define RAINGAUGE_FILE_SAVING_H

#include "follow/file.h"
#include "wire/journal.h"

/* What the checkpoint holds of the files: entries taken over at start, and records of what changed.
 *
 *     file_table_restore(t, &entry);                              // each entry, before the first scan
 *     file_table_save(t, all, &records); … file_table_saved(t, ok);
 */

/* Before the first scan. False: no memory. */
bool file_table_restore(struct file_table *t, const struct checkpoint_entry *entry) __attribute__((warn_unused_result));
/* An input that was seen in an earlier run: `start_at` is for others (contract 2). */
bool file_table_restore_input(struct file_table *t, struct slice name) __attribute__((warn_unused_result));
/* The checkpoint was damaged and nothing was left: `start_at: end` does not hold (contract 6.4). */
void file_table_read_from_beginning(struct file_table *t);

/* A chunk of it was taken in, mapped by that configuration; its source has moved on. `unordered`: its ledger was so
 * before (ledger_is_unordered()). */
void file_note_taken(struct file *f, const struct config *config, bool unordered);
/* A number above those of all merged parts in the checkpoint. */
uint64_t file_table_next_part(const struct file_table *t);
const struct position *file_committed(const struct file *f); /* what the checkpoint may say */

/* What is saved: records of all files that changed since the last save (`all`: every one; a fold). Then, when it is
 * known whether they are on disk, file_table_saved(), which lets the calls of new files go. One save at a time. */
bool file_table_has_unsaved(const struct file_table *t);
bool file_table_is_save_urgent(const struct file_table *t); /* a new file's calls wait for it */
bool file_table_save(struct file_table *t, bool all, struct buffer *out) __attribute__((warn_unused_result));
void file_table_saved(struct file_table *t, bool ok);

#endif
