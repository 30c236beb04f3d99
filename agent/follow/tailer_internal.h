#ifndef RAINGAUGE_TAILER_INTERNAL_H
#define RAINGAUGE_TAILER_INTERNAL_H

#include "follow/crew.h"
#include "follow/file_job.h"
#include "follow/file_parting.h"
#include "follow/file_saving.h"
#include "follow/file_search.h"
#include "follow/open_files.h"
#include "follow/read_queue.h"
#include "follow/tailer.h"

/* What tailer.c (which file is next), tailer_slot.c (its job), tailer_outcome.c (what came of the job) and read_ahead.c
 * share, and nobody else. */

enum {
    SHORTER_FOR_MS = 5000,          /* a file shorter than its offset is looked at again for so long (contract 6.5) */
    LAST_LINE_AFTER_MS = 5000,      /* a moved file has not grown: its last line is taken without newline */
    WRITER_MAY_BE_THERE_MS = 60000, /* a deleted file is held for so long where it is not known who writes into it */
    CUT_IS_FINAL_AFTER_MS = 60000,  /* a gzip file that is not whole has not changed */
    HELD_FOR_MS = 60000,            /* a small file that is the same as another one is held back */
    BEHIND_AFTER_MS = 1000,         /* so long a file may have more than was read of it and count as read */
    RECOVER_FOR_MS = 30000,         /* files that are looked for hold up the others of their input for so long */
    RETRY_MS = 1000,                /* after a lack of memory or descriptors */
    LIVE_FOR_MS = 1000,             /* so long a file that was read to its end leaves no core to what is read ahead */
};

struct slot { /* a job, and what it needs from one to the next */
    struct tailer *tailer;
    struct file *file;     /* whose turn it is here; NULL: none */
    struct file *ahead_of; /* that another slot has: its next block is read here, see read_ahead.h */
    struct file_job job;
    struct mapper *mapper;
    const struct config *config; /* that the mapper is made for */
    const struct scan_rules *rules;
    struct crew_task task;
    uint64_t began; /* the first job of this turn */
    bool running;
    bool returned;         /* it has ended, and is to be looked at at the end of this turn */
    bool promised;         /* a descriptor */
    char *location, *path; /* copies for the job */
    char *other_location;
    uint64_t other;     /* key of the one that is compared with */
    uint64_t *compared; /* keys of those the file was compared with */
    size_t compared_count, compared_cap;
    struct file_head start;  /* of job.start */
    struct slice first_line; /* in job.start */
    uint64_t first_line_hash;
};

struct tailer {
    uv_loop_t *loop;
    const struct config *config;
    const struct scan_rules *rules;
    struct file_table *table;
    struct delivery *delivery;
    struct metrics *metrics;
    struct log *log;
    struct tailer_options options;
    struct open_files open;
    struct read_queue queue;

    struct slot slots[LIMIT_WORKERS];
    size_t slot_count, busy;
    struct crew crew;     /* works on their jobs */
    uint64_t now;         /* of this turn */
    uint64_t live_until;  /* something that was just written was read */
    struct slot *holding; /* its chunk is to be given again; nothing else is taken before it */
    uint64_t hold_until;
    uint64_t started;
    bool recovering; /* some file has lines that were taken in an earlier run */
    bool finishing;  /* read_to_present_end */
    bool stopping;
    bool descriptors_reported;
    void (*on_stopped)(void *context);
    void *stopped_context;
};

/* tailer.c */
void tailer_note_behind(struct file *f, uint64_t now); /* it has more than was read of it, from now on */
void tailer_wake(struct file *f, uint64_t at);         /* to be visited again then, if not sooner */
const struct input *tailer_input(const struct tailer *t, const struct file *f);
static inline bool tailer_follows(const struct tailer *t, const struct file *f) /* it is an input's */
{
    return f->source.input < t->config->input_count;
}
void tailer_stopped_if_quiet(struct tailer *t); /* tailer_stop() waits for jobs; frees the tailer */

/* tailer_slot.c */
bool slot_init(struct slot *slot, struct tailer *t) __attribute__((warn_unused_result)); /* false: no memory */
void slot_free(struct slot *slot);
/* The mapper of the configuration in force. False: no memory, it has the one before. */
bool slot_configure(struct slot *slot);
static inline bool slot_is_free(const struct slot *slot)
{
    return !slot->file && !slot->ahead_of && !slot->running;
}
/* A block from there, as large as it may be. */
void slot_set_block(struct slot *slot, const struct file *f, uint64_t from);
/* Sets a job to work on what is known of the file. False: no memory. */
bool slot_queue(struct slot *slot, struct file *f, enum file_job_kind kind) __attribute__((warn_unused_result));
/* Runs the next job of a file that has the slot. */
void slot_run(struct slot *slot, enum file_job_kind kind);
/* The file gives the slot back, and is visited again if something happened meanwhile. */
void slot_release(struct slot *slot);
void tailer_trim_free_slots(struct tailer *t, const struct slot *but); /* their large buffers go back to the heap */
bool tailer_may_be_gz(const struct tailer *t, const struct file *f);   /* by its name, before its first bytes decide */

/* tailer_outcome.c */
/* The job has ended: what follows from it. Runs the next one in this slot, or releases it. */
void tailer_on_outcome(struct slot *slot, uint64_t now);

/* When a gzip file that is not whole has not changed for so long that it will not become so. */
uint64_t tailer_cut_is_final_at(const struct file *f);
#endif
