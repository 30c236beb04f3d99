#ifndef RAINGAUGE_IDENTITY_H
#define RAINGAUGE_IDENTITY_H

#include "follow/content.h"
#include "map/source.h"

/* A file is what it holds, not its name (contract 6.5): the same first KiB and the same last KiB before the offset.
 * Blocking reads of an open file; runs on a worker. */

struct file_head { /* the first bytes of a content, as far as they were read */
    uint64_t len;  /* at most LIMIT_FINGERPRINT */
    uint64_t hash; /* content_hash_of() them */
    /* … of the first 16, 32, 64 … of them, 0 where not known (not in the checkpoint): what is left of a file that was
     * cut is mostly seen to begin differently by them. */
    uint64_t marks[6];
};
struct file_head file_head_of(struct slice start);
bool file_head_differs(const struct file_head *a, const struct file_head *b); /* by their marks; false: not known */

enum identity {
    IDENTITY_SAME,
    IDENTITY_OTHER,      /* another content: rewritten, or the inode was used again */
    IDENTITY_SHORTER,    /* cut, or a network file system that shows an old size: it begins alike, or is empty */
    IDENTITY_UNREADABLE, /* errno says why */
};

/* What the open file is to a content of which `head` and everything up to `at` were read. Where it is the same, marks
 * that were not known are now. */
enum identity identity_check(const struct file_content *c, struct file_head *head, const struct position *at);

/* Whether the file begins with all that was read of a content (length and hash; of the first `skipped` bytes only the
 * first and last KiB): SAME, OTHER (also where it is shorter) or UNREADABLE. */
enum identity identity_continues(const struct file_content *c, uint64_t skipped, const struct position *at);

/* Compares two files from their start to the end of the shorter one. *ret_same: so many bytes are the same; is_longer:
 * the first has more, and the other one not, or other bytes. A copy that grows at this moment is never longer: it is
 * read before what it is a copy of. False: errno. */
bool identity_common_prefix(const struct file_content *c, const struct file_content *other, uint64_t *ret_same,
                            bool *ret_is_longer) __attribute__((warn_unused_result));

/* The position at `offset`, by reading all that is before it but for what was skipped; `skipped` <= `offset`. False:
 * errno; the file is shorter: 0. */
bool identity_position_at(const struct file_content *c, uint64_t skipped, uint64_t offset, struct position *ret_at)
    __attribute__((warn_unused_result));

/* The first bytes, `len` of them at most LIMIT_FINGERPRINT. False: errno; the file is shorter: 0. */
bool identity_head(const struct file_content *c, uint64_t len, struct file_head *ret_head)
    __attribute__((warn_unused_result));

#endif
