#ifndef RAINGAUGE_FILE_TABLE_H
#define RAINGAUGE_FILE_TABLE_H

#include "deliver/ledger.h"
#include "follow/identity.h"
#include "follow/scanner.h"
#include "log.h"
#include "wire/journal.h"

/* The files that are known, and what happened to them. Bookkeeping only: no file is touched here; time comes as an
 * argument. Belongs to the loop's thread.
 *
 *     file_table_restore(t, &entry);                      // each entry of the checkpoint, at start
 *     file_table_reconcile(t, &scan, now);                // compares a scan with what is known …
 *     while ((file = file_table_next_change(t))) …        // … and says which files are to be visited by the tailer
 *     file_table_save(t, all, &records); … file_table_saved(t, ok);
 *
 * A `struct file` is a *content*, and where that is found is one of its properties: a rename gives it another path; a
 * continuation (a copy before a truncation, a .gz) another inode. A file that was cut or rewritten *parts* from its
 * content: the content is kept, without a place, for the file that continues it (file_table_part), and what the inode
 * holds now is another struct file. So its id, its ledger and its offset stay with what they speak of. */

enum file_place {
    FILE_UNSEEN,  /* from the checkpoint, not met yet in this run; or not met by the last scan, being looked for */
    FILE_PRESENT, /* `path` names it */
    FILE_UNNAMED, /* deleted, or moved out of its directory: only a held descriptor leads to it */
    FILE_PARTED,  /* cut, rewritten or gone: without a place, waits for its continuation */
};

struct file {
    /* What it is */
    uint64_t key; /* in the checkpoint; 0: has no entry yet (nothing was read) */
    struct source source;
    bool begun; /* id and position are set */
    struct file_head head;
    uint64_t first_line; /* content_hash_of() it: what contents that may be the same are found by */
    uint64_t skipped;    /* by `start_at: end` */
    struct ledger *ledger;

    /* Where it is */
    enum file_place place;
    char *path;
    uint64_t device, inode, generation;
    bool by_link, matched;
    bool moved;         /* no longer under the name it was read as */
    uint64_t size;      /* as last seen */
    uint64_t most_size; /* the most that was seen of this content */
    int64_t mtime_ns, ctime_ns;
    int64_t last_seen_ms; /* wall clock */
    int unreadable;       /* errno of the last try; 0: fine */

    /* Reading: the tailer's */
    struct file_reading {
        int fd; /* -1 */
        bool queued, in_job, at_end, finished;
        bool change_pending;    /* something happened while a job was under way */
        uint64_t searched_to;   /* no newline between source.at and here */
        uint64_t limit;         /* --once, stopping: not further than this; UINT64_MAX: none */
        uint64_t grown_at;      /* loop time of the last growth */
        uint64_t used_at;       /* … of the last job: whose descriptor is handed back first */
        uint64_t shorter_since; /* found shorter than its offset; 0: no */
        uint64_t unnamed_since;
        uint64_t wake_at;     /* to be visited again then; 0: no */
        struct file *held_by; /* may be a copy of that one: not begun before this is known */
        uint64_t held_since;
        struct file *turn_next;
        struct file *open_prev, *open_next; /* those with a descriptor, the least recently used first */
        struct file *wait_prev, *wait_next; /* those with a wake_at */
    } reading;

    /* The table's */
    bool dirty, in_save, changed, seen;
    struct file_table *table;
    struct file *change_next, *prev, *next, *inode_next, *path_next, *line_next;
};

struct file_table;
struct file_table *file_table_new(const struct config *config, struct metrics *metrics, struct log *log);
void file_table_free(struct file_table *t); /* descriptors must have been given back: tailer_stop() */
bool file_table_configure(struct file_table *t, const struct config *config) __attribute__((warn_unused_result));

/* Before the first scan. False: no memory. */
bool file_table_restore(struct file_table *t, const struct checkpoint_entry *entry) __attribute__((warn_unused_result));
/* An input that was seen in an earlier run: `start_at` is for others (contract 2). */
bool file_table_restore_input(struct file_table *t, struct slice name) __attribute__((warn_unused_result));
/* The checkpoint was damaged and nothing was left: `start_at: end` does not hold. */
void file_table_read_from_beginning(struct file_table *t);

void file_table_reconcile(struct file_table *t, const struct scan *scan, uint64_t now);
/* A hint about a path: true if a known file is there, which is now among the changed. */
bool file_table_touch(struct file_table *t, const char *path);
struct file *file_table_next_change(struct file_table *t); /* NULL: none (left) */

/* Directories in which a file is looked for by its inode or content, and paths that no glob finds: to be put into the
 * next scan. The texts live until the next call. */
size_t file_table_wanted_lists(struct file_table *t, const char *const **ret_directories);
size_t file_table_wanted_looks(struct file_table *t, const char *const **ret_paths);

/* What is saved: records of all files that changed since the last save (`all`: every live one; a fold). Then, when it
 * is known whether they are on disk, file_table_saved(), which lets the calls of new files go. One save at a time. */
bool file_table_has_unsaved(const struct file_table *t);
bool file_table_save(struct file_table *t, bool all, struct buffer *out) __attribute__((warn_unused_result));
void file_table_saved(struct file_table *t, bool ok);

/* Every known file, for `status` and the gauges. */
struct file *file_table_first(const struct file_table *t);
struct file *file_table_next(const struct file *file);
size_t file_table_count(const struct file_table *t);
/* Sets the gauges files_watched, lag_bytes, files_unreadable, deleted_held_bytes. */
void file_table_measure(struct file_table *t);

#endif
