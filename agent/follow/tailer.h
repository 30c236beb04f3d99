#ifndef RAINGAUGE_TAILER_H
#define RAINGAUGE_TAILER_H

#include "deliver/delivery.h"
#include "follow/file_table.h"
#include "map/mapper.h"

#include <uv.h>

/* Reads the files: a bounded number of jobs at a time, in fair turns. A file has one, and where no other file waits and
 * it is large, further ones that read ahead of it (read_ahead.h).
 *
 *     each turn: tailer_follow_changes(t, now);      // what jobs brought goes to delivery; then the table's changes
 *                … delivery seals, sends, settles …
 *                tailer_read_more(t, now);           // starts jobs
 *                and the agent's timer is set to tailer_deadline(t) at the latest
 *
 * The happy path: a changed file waits in the queue → a job slot is free and delivery has room → on a worker: open if
 * need be, check that it is still the same content, read 1 KiB of history and a block, mapper_take() → on the loop:
 * delivery_take(), the source moves on → back to the queue's end if there is more. Nothing of a partial line is kept in
 * memory: a read always begins at a line's start, and buffers belong to the job slots.
 *
 * What can go wrong:
 *  - another content (cut, rewritten, inode used again): the content parts from the file, what is there now is new;
 *  - a new file that begins like a known one: held back until it is known whether it continues that one;
 *  - a gzip file that is not whole: what can be read of it is; at its end it waits until it is whole or has not changed
 *    for a minute, then its last line is taken as it is, and the rest reported (one that is whole is not inflated again
 *    while it has the same size and end);
 *  - cannot be opened or read: reported once, tried again at every rescan; out of descriptors: the least recently used
 *    are handed back first;
 *  - deleted or moved away: read to its end through the held descriptor; its last line, without a newline, is taken
 *    when it has not grown for 5 s, and then a deleted one is closed, unless somebody still has it open for writing
 *    (then when it has been quiet for close_inactive); given up after `deleted_grace`, with an error and a count of
 *    what is lost;
 *  - no room: the file keeps its place, and nothing is read. */

struct tailer_options {
    /* Where a chunk goes in the place of delivery_take() (NULL: there); it may add calls. False: no memory now, the
     * very same chunk is given again later, before any other. */
    bool (*take)(void *context, struct ledger *l, struct chunk *chunk, const struct config *config, struct slice file,
                 uint64_t now);
    void *take_context;
    unsigned jobs;      /* at a time, 5 at most; 0: one a core and, where there are several, three that wait */
    bool once;          /* files are read to the size they have when first looked at, last lines are taken */
    size_t descriptors; /* that may be open; 0: as many as RLIMIT_NOFILE allows but for 64 */
    struct slice host;  /* for the mappers: $meta.host */
    /* A chunk was taken in; NULL: nobody is told. */
    void (*on_taken)(void *context, const struct chunk *chunk, const struct config *config, struct slice file);
    void *on_taken_context;
};

struct tailer;
struct tailer *tailer_new(uv_loop_t *loop, const struct config *config, const struct scan_rules *rules,
                          struct file_table *table, struct delivery *delivery, struct metrics *metrics, struct log *log,
                          const struct tailer_options *options); /* NULL: no memory */

void tailer_follow_changes(struct tailer *t, uint64_t now);
void tailer_read_more(struct tailer *t, uint64_t now);
uint64_t tailer_deadline(const struct tailer *t);

/* From now on no file is read further than to the size that it is next found to have: a graceful stop. What the table
 * knows to have changed is still read, so that a scan before it finds what no hint said. */
void tailer_read_to_present_end(struct tailer *t);
/* All that is to be read has been read (of `--once`: after the first walk). */
bool tailer_is_done(const struct tailer *t);
bool tailer_is_working(const struct tailer *t); /* a job is under way, or what it brought is not yet looked at */
bool tailer_is_idle(const struct tailer *t);    /* no job is under way */
/* For the progress bar: bytes that were there at the start, and how many of them were read. */
void tailer_progress(const struct tailer *t, uint64_t *ret_read, uint64_t *ret_total);

/* Records are merged (contract 4.6) in the order in which lines are taken. */
/* Lines of that input that were taken in an earlier run are still to be read again; no others are, before that. */
bool tailer_is_recovering(const struct tailer *t, size_t input);
/* Some file of that input has had more than was read of it for longer than a moment. */
bool tailer_is_behind(const struct tailer *t, size_t input, uint64_t now);
bool tailer_holds_a_chunk(const struct tailer *t); /* it was refused, and is to be given again */

/* A reload, after file_table_configure(): jobs that begin from now on use the new configuration; the old one (and its
 * rules) is used no longer once tailer_is_configured(). False: no memory, all is as before. */
bool tailer_configure(struct tailer *t, const struct config *config, const struct scan_rules *rules)
    __attribute__((warn_unused_result));
bool tailer_is_configured(const struct tailer *t);

/* Starts no more jobs, waits for those under way (what they read is dropped), closes descriptors; then calls, and is
 * freed. */
void tailer_stop(struct tailer *t, void (*on_stopped)(void *context), void *context);

#endif
