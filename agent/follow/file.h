#ifndef RAINGAUGE_FILE_H
#define RAINGAUGE_FILE_H

#include "deliver/ledger.h"
#include "follow/file_list.h"
#include "follow/identity.h"
#include "follow/lag.h"
#include "log.h"

/* A file that is known. Belongs to the loop's thread.
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

struct file_marks {                /* where records are merged, see predecessors.h; times are the loop's */
    uint64_t begun_at;             /* when its first line was known, or later; 0: it is not begun */
    uint64_t walked_at;            /* … and when a later walk had found what was written before; 0: not yet */
    uint64_t checked_at;           /* when the last job began that found its content in its place */
    uint64_t check_after;          /* it is to be looked for there later than this */
    uint64_t changed_at;           /* when a scan found another size or time of what is there */
    uint64_t noted_size, noted_at; /* it had that size then, in the place that it has; 0: it was not noted */
};

struct file { /* there may be very many: what is small stands together */
    /* What it is */
    uint64_t key;         /* in the checkpoint; 0: not begun, has no entry */
    struct source source; /* its path is `path` below */
    size_t place_input;   /* the input in whose directories it lies by now; SIZE_MAX: source.input's */
    struct file_head head;
    uint64_t first_line;   /* content_hash_of() it: contents that may be the same are found by it; 0: not known */
    uint64_t skipped;      /* by `start_at: end` */
    struct gz_mark gz_end; /* of a gzip file: it was read to its end when it was like this; size 0: not */
    struct ledger *ledger; /* NULL: nothing was read yet in this run */
    struct resume
        *resume;    /* what is unsettled of lines that were taken in an earlier run; NULL: all before is settled */
    uint64_t rules; /* resume_hash() of the configuration by which it was read; 0: not by one alone */
    bool gz;        /* a gzip file: offsets are of its content, sizes its own */

    /* Where it is */
    bool candidate; /* matches no input, but may continue a content that parted */
    bool matched;   /* its present name belongs to an input */
    bool moved;     /* `path` names it no longer */
    enum file_place place;
    char *path;      /* the name it was matched by, also when it has another one now: $meta.file */
    char *real_path; /* where it is, if elsewhere: a link's target, or a rotated file's name; else NULL */
    uint64_t device, inode, generation;
    uint64_t size;       /* as last seen */
    uint64_t most_size;  /* … of this content for certain; what is lost with it is counted by that */
    struct file_growth { /* … and what was seen since then, which may be another content's */
        uint64_t size;   /* 0: nothing */
        bool cut;        /* it was shorter in between */
    } growth;
    int64_t mtime_ns, ctime_ns;
    uint64_t born_ns; /* 0: not known */
    struct lag lag;
    int64_t last_seen_ms; /* wall clock */

    /* How reading goes: the tailer's */
    struct file_reading {
        struct file_content content; /* fd -1: not open */
        bool in_job;
        bool verified;          /* found in this run to be the content that it was */
        bool at_end;            /* nothing more in it when last looked at */
        bool again;             /* something happened while a job was under way */
        bool drop;              /* to be forgotten by the tailer */
        bool last_line_tried;   /* … at this size */
        bool had_turn;          /* it waits for no other any more, see predecessors.h */
        uint8_t pieces;         /* in which its blocks are read; 0: as 1, see file_job.h */
        bool start_at_end;      /* not begun: begin at its end … */
        uint64_t found_size;    /* … as it was when it was found: what came since is read */
        uint64_t searched_to;   /* no newline between source.at and here */
        uint64_t limit;         /* not to be read further than this; UINT64_MAX: none */
        uint64_t ahead_from;    /* not to be read ahead of before here: that was tried for nothing */
        uint64_t grown_at;      /* when it last grew */
        uint64_t behind_since;  /* when it was found to have more than was read; 0: it was read to its end */
        uint64_t used_at;       /* when its descriptor was last used */
        uint64_t shorter_since; /* found shorter than its offset; 0: no */
        uint64_t unnamed_since; /* 0: no */
        uint64_t wake_at;
        struct file_marks *marks; /* when what was seen of it; NULL: nobody asked */
        struct file *held_by;     /* may be a copy of that one, and is not begun before this is known */
        uint64_t held_until;      /* … but not longer than this; 0: no end */
        struct position held_at;  /* so far it was the same */
        uint64_t held_key;        /* … as the one with this key */
    } reading;

    /* The table's own */
    char *former;   /* where its content was last found for certain, where that is not its location */
    int unreadable; /* errno of the last try; 0: fine */
    enum loss loss; /* parted */
    bool racy, registered;
    bool search_blocked; /* its directory cannot be read */
    bool listed_last;    /* parted: what may continue it is known */
    bool indexed[3];     /* see file_index.h */
    struct file *chain[3];
    uint64_t seen_in;     /* the scan that met it last */
    uint64_t nameless_in; /* the last scan in which its location was found to name something else, or nothing */
    unsigned misses;      /* listings of its directory that did not show it */
    unsigned holds;       /* files that are held_by this one */
    uint64_t search_at, search_until;
    uint64_t lost_if_not_continued;
    int64_t saved_seen_ms;
    struct file_table *table;
    struct file_link links[LIST_COUNT];
    unsigned lists; /* it is in, a bit each */
};

static inline const char *file_location(const struct file *f)
{
    return f->real_path ? f->real_path : f->path;
}
/* Where its content was for certain; what continues it is in that directory. */
static inline const char *file_home(const struct file *f)
{
    return f->former ? f->former : file_location(f);
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

#endif
