#ifndef RAINGAUGE_FILE_JOB_H
#define RAINGAUGE_FILE_JOB_H

#include "follow/identity.h"
#include "follow/scanner.h"
#include "limits.h"
#include "map/mapper.h"

/* What is done with one file at a time on a worker: everything about it that may block. Has copies of what it needs,
 * and touches neither the file table nor the loop.
 *
 *     file_job_init(&job, mapper);
 *     job.kind = …; job.file = …;          // what is to be done
 *     file_job_run(&job);                  // on any thread; job.outcome says what came of it
 *     file_job_release(&job);
 *
 * Opens the file where job.file.content.fd is -1, and leaves it open there, also on failure. */

enum file_job_kind {
    JOB_LOOK,       /* a file that is not begun: how large it is, how it begins → start, size */
    JOB_COMPARE,    /* whether it continues `other`, or is so far the same → comparison, compared_at */
    JOB_SKIP,       /* the start of its last line, before `skip_to` → compared_at */
    JOB_READ,       /* check that the content is the same; a block of it → chunk, file.source, head */
    JOB_CHECK,      /* … and nothing of it */
    JOB_READ_AHEAD, /* the block up to `block_end`, while those before it are being read → chunk, file.source, guess */
};

enum file_job_outcome {
    JOB_DONE,
    JOB_OTHER_CONTENT, /* rewritten, or the inode was used again */
    JOB_SHORTER,       /* than its offset, and not known to begin differently */
    JOB_ELSEWHERE,     /* its location names another file, or nothing */
    JOB_UNREADABLE,    /* `error` */
    JOB_NO_MEMORY,
    JOB_NOT_AHEAD, /* nothing can be read ahead here */
};

enum file_comparison {
    COMPARED_CONTINUES, /* begins with all that was read of the one that parted */
    COMPARED_DIFFERENT, /* or it is the longer one: two files */
    COMPARED_SAME,      /* so far: all of it is in the other one, too; compared_at is its end */
    COMPARED_UNSURE,    /* the other one is not what it was, and has to be visited first */
};

struct job_file {
    struct file_content content; /* fd -1: to be opened */
    enum { GZ_NO, GZ_YES, GZ_MAYBE /* by its name: it is looked at, and is one of the others then */ } gz;
    struct gz_mark gz_end; /* it was read to its end: nothing more is in it while it is as then */
    const char *location;  /* borrowed until the job has ended */
    size_t input;
    uint64_t device, inode;
    uint64_t born_ns; /* out: of what was opened; 0: not known */
    struct source source;
    struct file_head head;
    uint64_t skipped;
};

struct file_job {
    /* In */
    enum file_job_kind kind;
    const struct scan_rules *rules;
    struct mapper *mapper;
    struct job_file file;
    struct job_file other; /* JOB_COMPARE */
    bool other_parted;
    uint64_t searched_to, limit, skip_to;
    bool limit_at_size;      /* where limit is UINT64_MAX: to the size that is found */
    bool take_last_line;     /* it will not become longer */
    bool once;               /* … or will not be read again: it is taken if it parses */
    bool cut_is_final;       /* a gzip file that is not whole will not be any more */
    bool at_rest;            /* it has not grown for long enough to end a record of many lines */
    uint64_t last_line_size; /* … but only if it is still that large */
    uint64_t block_end;      /* where the block ends that is read first; the lines that end in it are its */
    unsigned pieces;         /* of LIMIT_READ, in which it is read */
    size_t budget, max_line, piece;
    enum encoding_kind encoding;
    int64_t read_time_ms;

    /* Out */
    enum file_job_outcome outcome;
    int error;
    uint64_t size;    /* of the file, also of a gzip file */
    uint64_t useless; /* at_end, of a gzip file that is not whole, and cut_is_final: bytes that gave nothing */
    bool deleted;     /* no name has it any more */
    enum { WRITER_UNKNOWN, WRITER_NONE, WRITER_THERE } writer; /* deleted, and at_end: who still has it open */
    bool at_end;                                               /* all that is there was offered to the mapper */
    bool mapped;                                               /* the chunk holds something */
    char start[LIMIT_FINGERPRINT];
    size_t start_len;
    enum file_comparison comparison;
    struct position compared_at;
    struct position guess; /* where the block was begun: counts if reading comes to just there */
    struct chunk chunk;

    struct buffer block; /* a KiB of history, then what is read */
};

void file_job_init(struct file_job *job, struct mapper *mapper);
/* There is nothing more to read for now: large buffers go back to the heap. */
void file_job_trim(struct file_job *job);
void file_job_release(struct file_job *job);
void file_job_run(struct file_job *job);

#endif
