#ifndef RAINGAUGE_OPEN_FILES_H
#define RAINGAUGE_OPEN_FILES_H

#include "follow/file_table.h"

/* The descriptors of the files that are read: no more at a time than the process may have, and none longer than it is
 * of use. A file whose descriptor was handed back is opened again when it changes. One that has no name any more keeps
 * it: nothing else leads to it. */

struct open_files {
    struct file_table *table;
    struct metrics *metrics;
    size_t budget;     /* that may be open */
    size_t promised;   /* to jobs that are about to open one */
    uint64_t close_at; /* when one may have been idle for long enough; UINT64_MAX: none */
};

/* `budget` 0: as many as RLIMIT_NOFILE allows, but for what the rest of the agent needs. */
void open_files_init(struct open_files *o, struct file_table *table, struct metrics *metrics, size_t budget);

/* Before a job that opens a file: true if there is room for its descriptor, or another one could be handed back for it;
 * it is promised then, until open_files_keep_promise(). */
bool open_files_promise(struct open_files *o);
void open_files_keep_promise(struct open_files *o);

/* The job came back with what it had open (fd -1: nothing). */
void open_files_adopt(struct open_files *o, struct file *f, struct file_content content, uint64_t close_inactive,
                      uint64_t now);
void open_files_close(struct open_files *o, struct file *f);
void open_files_move(struct open_files *o, struct file *from, struct file *to);
/* A gzip file that is read keeps its reader, as going back to it means to inflate all of it again: there are no more
 * than LIMIT_GZ_READERS, others wait. True if there is room for another one; one that waits at its end makes room. */
bool open_files_gz_room(struct open_files *o);
void open_files_drop_gz(struct file *f);
/* The system has none left: fewer from now on. */
void open_files_exhausted(struct open_files *o);
bool open_files_is_crowded(const struct open_files *o); /* half of what may be open is */
/* Hands back those of files that were at their end and are idle for close_inactive. */
void open_files_close_idle(struct open_files *o, const struct config *config, uint64_t now);

#endif
