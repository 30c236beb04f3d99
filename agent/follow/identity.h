#ifndef RAINGAUGE_IDENTITY_H
#define RAINGAUGE_IDENTITY_H

#include "map/source.h"

/* A file is what it holds, not its name (contract 6.5): the same first KiB and the same last KiB before the offset.
 * Blocking reads of an open file; runs on a worker. */

struct file_head { /* the first bytes that were read of a content */
    uint32_t len;  /* at most LIMIT_FINGERPRINT */
    uint64_t hash; /* content_hash_of() them */
};

enum identity {
    IDENTITY_SAME,
    IDENTITY_OTHER,      /* another content: rewritten, or the inode was used again */
    IDENTITY_SHORTER,    /* cut, or a network file system that shows an old size: it begins alike, or is empty */
    IDENTITY_UNREADABLE, /* errno says why */
};

/* What the open file is to a content of which `head` and everything up to `at` were read. */
enum identity identity_check(int fd, uint64_t size, struct file_head head, const struct position *at);

/* Whether the file's first bytes, up to the offset of `at`, are all that was read there (length and hash; of the first
 * `skipped` bytes only the first and last KiB). */
enum identity identity_continues(int fd, uint64_t size, uint64_t skipped, const struct position *at);

/* How much of two files is the same, byte for byte, from the start; at most `len`. False: errno. */
bool identity_common_prefix(int fd, int other, uint64_t len, uint64_t *ret_same) __attribute__((warn_unused_result));

/* The position at `offset`, by reading all before it (of the first `skipped` bytes only the first and last KiB). */
bool identity_position_at(int fd, uint64_t skipped, uint64_t offset, struct position *ret_at)
    __attribute__((warn_unused_result));

/* What stands before the first newline, at most LIMIT_FINGERPRINT bytes. False: too short to say. */
bool identity_first_line(struct slice start, struct slice *ret_line);

#endif
