#ifndef RAINGAUGE_FILE_TABLE_INTERNAL_H
#define RAINGAUGE_FILE_TABLE_INTERNAL_H

#include "follow/file_index.h"
#include "follow/file_report.h"
#include "follow/file_table.h"

/* What the parts of the file table (file_*.c) share, and nobody else. */

struct known_input {
    char *name;
    bool walked;    /* `start_at` is for files that are there when it is walked first */
    bool saved;     /* the checkpoint knows it */
    size_t waiting; /* files of that walk that were not looked at yet: the checkpoint must not know it before */
};

struct file_table {
    const struct config *config;
    const struct scan_rules *rules;
    struct metrics *metrics;
    struct input_metrics **series; /* by input */
    struct walks {                 /* by input */
        uint64_t began;            /* the last one that was compared, by the loop's clock; 0: none yet */
        uint64_t wanted_after;     /* one that begins later is wanted */
    } * walks;
    struct log *log;
    char groups[256]; /* of this process, for messages */

    struct file_list lists[LIST_COUNT];
    struct file_index index;
    struct file_reports reports;
    size_t unreadable_directories;
    bool is_unsure; /* see file_table_is_unsure() */
    uint64_t round; /* of scans */

    uint64_t next_key;
    uint64_t next_part;  /* see file_table_next_part() */
    bool begun_unsaved;  /* a file was begun since the last save: its calls wait for the next */
    uint64_t *forgotten; /* keys to be forgotten by the checkpoint */
    size_t forgotten_count, forgotten_cap;
    struct known_input *known_inputs;
    size_t known_input_count;
    bool from_beginning; /* whatever start_at says */

    const char **texts; /* wanted_looks */
    size_t texts_cap;
    const char *directories[256]; /* wanted_lists, in … */
    char directory_text[64 * 1024];
};

/* NULL: no memory. */
struct file *file_add(struct file_table *t, struct slice path, struct slice real_path, uint64_t device, uint64_t inode);
/* Takes `location`, which may be NULL: no memory, and false. */
bool file_relocate(struct file *f, char *location);
/* `path` is the name by which it was matched; it stays where it is. False: no memory, nothing happened. */
bool file_rename(struct file *f, const char *path);
/* Its content was there for certain (NULL: in its location). Takes `former`, as it replaces what was known. */
void file_set_former(struct file *f, char *former);
void file_index_by_line(struct file *f, uint64_t first_line);
void file_note_seen(struct file *f, int64_t wall_ms);
void file_release_held(struct file *f); /* what waits to know about it need wait no longer */
/* Behind an offset, in a file that is or was that large. */
uint64_t file_unread_bytes(const struct file *f, uint64_t size, uint64_t offset);

struct known_input *file_table_known_input(struct file_table *t, struct slice name);
struct known_input *file_table_add_input(struct file_table *t, struct slice name);

#endif
