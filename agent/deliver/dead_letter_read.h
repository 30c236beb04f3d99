#ifndef RAINGAUGE_DEAD_LETTER_READ_H
#define RAINGAUGE_DEAD_LETTER_READ_H

#include "config.h"

/* A line of a dead-letter file, taken apart again for `replay` (contract 6.8): a call, or a kept log line. Texts are
 * borrowed from the line or lie in the arena; what a line does not name is empty. */
struct dead_letter_read {
    struct slice file; /* of the log line it came of */
    uint64_t offset;
    bool is_line; /* a kept line; else a call */

    struct slice line;         /* a kept line's text, … */
    bool in_envelope;          /* … as it stood in the file, or: */
    struct slice time, stream; /* what its envelope said */
    struct slice merged_by;    /* it is what this rule had merged */

    enum endpoint endpoint; /* a call's, as the next ones */
    struct slice destination, project, rule;
    struct slice user; /* its user_id */
    struct slice call; /* its JSON text, as it is */
};

/* NULL, or what is wrong with it, from a fixed list. The file may be anybody's: everything is checked. */
const char *dead_letter_read(struct arena *arena, struct slice text, struct dead_letter_read *ret_letter)
    __attribute__((warn_unused_result));

/* The call as a line of the dead-letter file again, refused for that reason: what stands behind the line's time. */
void dead_letter_write_again(const struct dead_letter_read *letter, const char *reason, struct buffer *out);

#endif
