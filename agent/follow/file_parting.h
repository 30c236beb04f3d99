#ifndef RAINGAUGE_FILE_PARTING_H
#define RAINGAUGE_FILE_PARTING_H

#include "follow/file.h"

/* A content leaves its place (it was cut, rewritten, or is gone), and is continued by another file or lost.
 *
 *     file_note_size(f, size, now); … file_note_verified(f);    // what there is of it
 *     file_table_part(t, f, now, &successor);                   // it is not in its file any more, which holds another
 *     while ((g = file_table_next_suspect(t, new, …))) …        // a new file is compared with those it may continue
 *     file_table_continue(t, parted, new);                      // … and takes over; or file_search.h ends in a loss */

/* It was found to be that large. Whether what it grew by is still this content is known when its content is found to be
 * the same (file_note_verified(); one that cannot be read now is only checked), and else not counted where it is cut.
 */
void file_note_size(struct file *f, uint64_t size, uint64_t now);
/* Cut or rewritten: its content is not there any more. What is there now is another file: *ret_successor, among the
 * changed; NULL where the next scan is to say what is there. False: no memory, nothing happened. */
bool file_table_part(struct file_table *t, struct file *f, uint64_t now, struct file **ret_successor)
    __attribute__((warn_unused_result));
void file_table_gone(struct file_table *t, struct file *f, enum loss why, uint64_t now); /* LOSS_GONE, LOSS_DELETED */
void file_table_return(struct file *f);  /* one that was taken for gone was found again, but may be another */
void file_note_verified(struct file *f); /* its content was found to be in its place */
/* `f` was found to continue the content that parted: takes its place; `f` is freed. */
void file_table_continue(struct file_table *t, struct file *parted, struct file *f);
/* The next begun content that may be the same as `f`, by directory and first line, behind `after` (NULL: the first). */
struct file *file_table_next_suspect(struct file_table *t, const struct file *f, uint64_t first_line,
                                     const struct file *after);
/* Bytes that can no longer be read: in the log and counted (contract 6.1). */
void file_table_lost(struct file_table *t, const struct file *f, enum loss why, uint64_t bytes);

#endif
