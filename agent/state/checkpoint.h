#ifndef RAINGAUGE_CHECKPOINT_H
#define RAINGAUGE_CHECKPOINT_H

#include "error.h"
#include "log.h"
#include "wire/journal.h"

#include <uv.h>

/* The checkpoint file (contract 6.4): state_dir/checkpoint, a journal whose cost grows with the files that changed,
 * folded now and then into a fresh one (temp file, fsync, rename, fsync of the directory).
 *
 *     checkpoint_open(&c, loop, dir, log, on_record, context, &error);      // reads it: each live record once
 *     if (checkpoint_may_save(c)) checkpoint_append(c, records);            // one write at a time, on a worker
 *     … on_saved(context, ok) …                                            // synced, or it failed and is to be
 * repeated checkpoint_close(c);
 *
 * It holds no entries itself: who saves gives the bytes (journal_write). When checkpoint_wants_fold() says so, the next
 * save is to be checkpoint_fold() with a record for every live file.
 * What can go wrong: a torn tail (a bad record with no good one after it, and a good one before) is cut off; other
 * damage: the file is set aside as checkpoint.corrupt-<time>, reported, and all good records count; a newer version, or
 * a file that cannot be opened, is refused. A save that fails is reported once, and the following is a fold (nobody
 * knows what of the append is on disk). */
struct checkpoint;

struct checkpoint_callbacks {
    void (*on_saved)(void *context, bool ok);
    void *context;
};

/* NULL with the reason. *ret_damaged: nothing good was left of a damaged one (files are then read from the beginning,
 * whatever start_at says). The record's texts are borrowed for the call. */
struct checkpoint *checkpoint_open(uv_loop_t *loop, const char *state_dir, struct log *log,
                                   void (*on_record)(void *context, const struct journal_record *record), void *context,
                                   struct checkpoint_callbacks callbacks, bool *ret_damaged, struct error *ret_error);
void checkpoint_close(struct checkpoint *c); /* no write may be under way; frees it */

const char *checkpoint_trouble(const struct checkpoint *c); /* why the last save failed; NULL: it did not */
bool checkpoint_may_save(const struct checkpoint *c);       /* no write is under way */
bool checkpoint_wants_fold(const struct checkpoint *c);
/* Takes the buffer's memory; on_saved is called later, never from inside. */
void checkpoint_append(struct checkpoint *c, struct buffer *records);
void checkpoint_fold(struct checkpoint *c, struct buffer *records);

#endif
