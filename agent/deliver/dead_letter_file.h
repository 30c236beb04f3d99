#ifndef RAINGAUGE_DEAD_LETTER_FILE_H
#define RAINGAUGE_DEAD_LETTER_FILE_H

#include "base/slice.h"
#include "error.h"

#include <stdint.h>

/* The dead-letter file on disk: lines of JSON that begin with {"time":"…". Blocking: for a worker. The file's lock is
 * held meanwhile, so that two processes can write. */

struct dead_letter_loss {
    uint64_t lost;    /* lines that a rotation replaced */
    uint64_t expired; /* lines that were too old */
};

/* Appends whole lines and syncs them, or leaves the file as it was. Where it would pass max_bytes with them it is
 * renamed to `path`.1 first. */
bool dead_letter_file_append(const char *path, struct slice lines, size_t max_bytes, struct dead_letter_loss *loss,
                             struct error *ret_error) __attribute__((warn_unused_result));

/* Takes out the lines from before `time` (as dead_letter_time() writes it). */
bool dead_letter_file_expire(const char *path, const char *time, struct dead_letter_loss *loss, struct error *ret_error)
    __attribute__((warn_unused_result));

#endif
