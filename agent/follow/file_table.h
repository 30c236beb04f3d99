#ifndef RAINGAUGE_FILE_TABLE_H
#define RAINGAUGE_FILE_TABLE_H

#include "deliver/ledger.h"
#include "follow/identity.h"
#include "follow/lag.h"
#include "follow/scanner.h"
#include "log.h"
#include "wire/journal.h"

/* The files that are known, and what happened to them. Bookkeeping only: no file is touched here; time comes as an
 * argument (`now`: the loop's, in ms). Belongs to the loop's thread.
 *
 *     file_table_restore(t, &entry);                      // each entry of the checkpoint, at start
 *     file_table_reconcile(t, &scan, now);                // compares a scan with what is known …
 *     while ((file = file_table_next_change(t))) …        // … and says which files are to be visited by the tailer
 *     file_table_save(t, all, &records); … file_table_saved(t, ok);
 *
 * A `struct file` is a *content*, and where that is found is one of its properties: a rename gives it another path; a
 * continuation (a copy before a truncation, a .gz) another inode. A file that was cut or rewritten *parts* from its
 * content: the content is kept, without a place, for the file that continues it, and what the inode holds now is
 * another struct file. So id, ledger and offset stay with what they speak of. */

enum file_place {
    FILE_UNSEEN,  /* from the checkpoint, not met yet in this run; or missed by a scan, and being looked for */
    FILE_PRESENT, /* its location names it */
    FILE_UNNAMED, /* deleted, or moved out of its directory: only a held descriptor leads to it */
    FILE_PARTED,  /* cut, rewritten or gone: without a place, waits for its continuation */
};

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

struct file {
    /* What it is */
    uint64_t key;         /* in the checkpoint; 0: not begun, has no entry */
    struct source source; /* its path is `path` below */
    size_t place_input;   /* the input in whose directories it lies by now; SIZE_MAX: source.input's */
    struct file_head head;
    uint64_t first_line;   /* content_hash_of() it: contents that may be the same are found by it; 0: not known */
    uint64_t skipped;      /* by `start_at: end` */
    bool gz;               /* a gzip file: offsets are of its content, sizes its own */
    struct gz_mark gz_end; /* … was read to its end when it was like this; size 0: not */
    struct ledger *ledger; /* NULL: nothing was read yet in this run */
    struct resume
        *resume;    /* what is unsettled of lines that were taken in an earlier run; NULL: all before is settled */
    uint64_t rules; /* resume_hash() of the configuration by which it was read; 0: not by one alone */

    /* Where it is */
    enum file_place place;
    char *path;      /* the name it was matched by, also when it has another one now: $meta.file */
    char *real_path; /* where it is, if elsewhere: a link's target, or a rotated file's name; else NULL */
    uint64_t device, inode, generation;
    bool candidate;             /* matches no input, but may continue a content that parted */
    bool matched;               /* its present name belongs to an input */
    bool moved;                 /* `path` names it no longer */
    uint64_t size;              /* as last seen */
    uint64_t most_size;         /* … of this content for certain; what is lost with it is counted by that */
    struct file_growth {        /* … and what was seen since then, which may be another content's */
        uint64_t size, seen_at; /* 0: nothing */
        bool cut;               /* it was shorter in between */
    } growth;
    int64_t mtime_ns, ctime_ns;
    uint64_t born_ns; /* 0: not known */
    struct lag lag;
    int64_t last_seen_ms; /* wall clock */
    int unreadable;       /* errno of the last try; 0: fine */

    /* How reading goes: the tailer's */
    struct file_reading {
        struct file_content content; /* fd -1: not open */
        bool in_job;
        bool verified;          /* found in this run to be the content that it was */
        bool at_end;            /* nothing more in it when last looked at */
        bool again;             /* something happened while a job was under way */
        bool start_at_end;      /* not begun: begin at its end … */
        uint64_t found_size;    /* … as it was when it was found: what came since is read */
        bool drop;              /* to be forgotten by the tailer */
        bool last_line_tried;   /* … at this size */
        uint64_t searched_to;   /* no newline between source.at and here */
        uint64_t limit;         /* not to be read further than this; UINT64_MAX: none */
        uint64_t grown_at;      /* when it last grew */
        uint64_t behind_since;  /* when it was found to have more than was read; 0: it was read to its end */
        uint64_t used_at;       /* when its descriptor was last used */
        uint64_t shorter_since; /* found shorter than its offset; 0: no */
        uint64_t unnamed_since; /* 0: no */
        uint64_t wake_at;
        struct file *held_by;    /* may be a copy of that one, and is not begun before this is known */
        uint64_t held_until;     /* … but not longer than this; 0: no end */
        struct position held_at; /* so far it was the same */
        uint64_t held_key;       /* … as the one with this key */
    } reading;

    /* The table's own */
    char *former; /* where its content was last found for certain, where that is not its location */
    bool racy, registered, restored;
    bool search_blocked; /* its directory cannot be read */
    bool listed_last;    /* parted: what may continue it is known */
    uint64_t seen_in;    /* the scan that met it last */
    unsigned misses;     /* listings of its directory that did not show it */
    unsigned holds;      /* files that are held_by this one */
    uint64_t search_at, search_until;
    uint64_t lost_if_not_continued;
    enum loss loss;
    int64_t saved_seen_ms;
    struct file_table *table;
    struct file_link links[LIST_COUNT];
    unsigned lists;        /* it is in, a bit each */
    struct file *chain[3]; /* see file_index.h */
    bool indexed[3];
};

static inline const char *file_location(const struct file *f)
{
    return f->real_path ? f->real_path : f->path;
}
static inline size_t file_place_input(const struct file *f)
{
    return f->place_input == SIZE_MAX ? f->source.input : f->place_input;
}
static inline bool file_is_begun(const struct file *f)
{
    return f->key != 0;
}
static inline uint64_t file_offset(const struct file *f)
{
    return position_offset(&f->source.at);
}

static inline bool file_is_named_gz(const char *path)
{
    return slice_ends_with(slice_from(path), SLICE(".gz"));
}

static inline bool file_is_in(const struct file *f, enum file_list_kind kind)
{
    return f->lists >> kind & 1;
}
void file_enlist(struct file *f, enum file_list_kind kind); /* at the end; nothing where it is in it */
void file_enlist_before(struct file *f, enum file_list_kind kind, struct file *next); /* NULL: at the end */
void file_delist(struct file *f, enum file_list_kind kind);

struct file_table;
const struct file_list *file_table_list(const struct file_table *t, enum file_list_kind kind);
/* Sorts a list; stable, and fast where it is nearly sorted already. */
void file_table_sort(struct file_table *t, enum file_list_kind kind,
                     bool (*comes_before)(const void *context, const struct file *f, const struct file *g),
                     const void *context);
struct file_table *file_table_new(const struct config *config, const struct scan_rules *rules, struct metrics *metrics,
                                  struct log *log);
void file_table_free(struct file_table *t); /* descriptors must have been given back: tailer_stop() */
/* A reload: files are given to the inputs whose paths match them now. */
bool file_table_configure(struct file_table *t, const struct config *config, const struct scan_rules *rules)
    __attribute__((warn_unused_result));

/* Before the first scan. False: no memory. */
bool file_table_restore(struct file_table *t, const struct checkpoint_entry *entry) __attribute__((warn_unused_result));
/* An input that was seen in an earlier run: `start_at` is for others (contract 2). */
bool file_table_restore_input(struct file_table *t, struct slice name) __attribute__((warn_unused_result));
/* The checkpoint was damaged and nothing was left: `start_at: end` does not hold (contract 6.4). */
void file_table_read_from_beginning(struct file_table *t);

void file_table_reconcile(struct file_table *t, const struct scan *scan, uint64_t now);
/* A hint about a path: true if a known file is there, which is now among the changed. */
bool file_table_touch(struct file_table *t, const char *path);
void file_table_visit(struct file_table *t, struct file *f); /* it is among the changed now */
struct file *file_table_next_change(struct file_table *t);   /* NULL: none (left) */

/* Directories in which a file is looked for by its inode or content, to be put into the next scan, and when the next
 * such scan is due; paths that no walk finds, to be looked at with every walk. The texts live until the next call. */
size_t file_table_wanted_lists(struct file_table *t, uint64_t now, const char *const **ret_directories);
size_t file_table_wanted_looks(struct file_table *t, const char *const **ret_paths);
uint64_t file_table_deadline(const struct file_table *t);

/* What the tailer found out. */
/* A new file is what its first line says, and is read from `at` on. False: no memory, nothing happened. */
bool file_table_begin(struct file_table *t, struct file *f, struct slice first_line, const struct position *at,
                      uint64_t skipped) __attribute__((warn_unused_result));
/* It was looked at and need not begin at its end (any more): it is empty, or begun. */
void file_table_start_settled(struct file_table *t, struct file *f);
/* Cut or rewritten: its content is not there any more. What is there now is another file: *ret_successor, among the
 * changed; NULL where the next scan is to say what is there. False: no memory, nothing happened. */
bool file_table_part(struct file_table *t, struct file *f, uint64_t now, struct file **ret_successor)
    __attribute__((warn_unused_result));
void file_table_gone(struct file_table *t, struct file *f, enum loss why, uint64_t now); /* LOSS_GONE, LOSS_DELETED */
void file_note_verified(struct file *f); /* its content was found to be in its place */
/* `f` was found to continue the content that parted: takes its place; `f` is freed. */
void file_table_continue(struct file_table *t, struct file *parted, struct file *f);
/* The next begun content that may be the same as `f`, by directory and first line, behind `after` (NULL: the first). */
struct file *file_table_next_suspect(struct file_table *t, const struct file *f, uint64_t first_line,
                                     const struct file *after);
void file_table_hold(struct file_table *t, struct file *f, uint64_t first_line, struct file *by);
/* Its location names something else, or nothing: it is looked for. */
void file_table_missing(struct file_table *t, struct file *f, uint64_t now);
void file_table_unreadable(struct file_table *t, struct file *f,
                           int error); /* reported when that is new; 0: readable */
void file_table_dirty(struct file_table *t, struct file *f);
void file_table_drop(struct file_table *t, struct file *f); /* not begun, or to be forgotten; frees it */
/* Its ledger, made where there is none. NULL: no memory. */
struct ledger *file_table_ledger(struct file_table *t, struct file *f);
struct input_metrics *file_table_metrics(const struct file_table *t, const struct file *f);
/* Bytes that can no longer be read: in the log and counted (contract 6.1). */
void file_table_lost(struct file_table *t, const struct file *f, enum loss why, uint64_t bytes);
bool file_table_is_searching(const struct file_table *t); /* a file is being looked for (where that can be done) */

/* A chunk of it was taken in, mapped by that configuration; its source has moved on. `merging`: parts of merged records
 * were unsettled before. */
void file_note_taken(struct file *f, const struct config *config, bool merging);
/* A number above those of all merged parts in the checkpoint. */
uint64_t file_table_next_part(const struct file_table *t);

/* What is saved: records of all files that changed since the last save (`all`: every one; a fold). Then, when it is
 * known whether they are on disk, file_table_saved(), which lets the calls of new files go. One save at a time. */
bool file_table_has_unsaved(const struct file_table *t);
bool file_table_is_save_urgent(const struct file_table *t); /* a new file's calls wait for it */
bool file_table_save(struct file_table *t, bool all, struct buffer *out) __attribute__((warn_unused_result));
void file_table_saved(struct file_table *t, bool ok);

/* Every known file, for `status` and the gauges. */
struct file *file_table_first(const struct file_table *t);
struct file *file_table_next(const struct file *file);
size_t file_table_count(const struct file_table *t);
/* It was found to be that large. Whether what it grew by is still this content is known for certain when its content is
 * found to be the same (file_note_verified()), taken for certain after a second, and else not counted where it parts.
 */
void file_note_size(struct file *f, uint64_t size, uint64_t now);
const struct position *file_committed(const struct file *f); /* what the checkpoint may say */
/* Sets the gauges files_watched, lag_bytes, lag_seconds, files_unreadable, deleted_held_bytes. */
void file_table_measure(struct file_table *t, uint64_t now);
/* Bytes that are not delivered yet, and for how long the oldest line among them has been there (0: none; a last line
 * without its newline is not one yet). */
uint64_t file_lag_bytes(const struct file *f);
uint64_t file_lag_ms(struct file *f, uint64_t now);

#endif
