#ifndef RAINGAUGE_RECOVERY_H
#define RAINGAUGE_RECOVERY_H

#include "merge/open_record.h"

/* After a restart: the parts of an input wait until all that the checkpoint names have been read again, and are then
 * joined in the order in which they once were (mapped_part.number), new ones behind them.
 *
 *     recovery_begin(&list, input)
 *     r = recovery_of(list, input)                      // NULL: it is not being recovered
 *     recovery_stage(r, &joining, part)                 // copies what the joining borrows, and takes the part
 *     recovery_sort(r)
 *     while ((s = recovery_next(r))) { … s->joining, s->part …; recovery_pop(r); }
 *     recovery_end(&list, r) */

struct staged { /* a part that waits */
    struct merge_part *part;
    struct joining joining; /* its texts in `block` */
    char *block;
    size_t cost;
};

struct recovery {
    struct recovery *next;
    char *input;
    bool over;
    struct staged *staged;
    size_t count, cap, joined;
};

bool recovery_begin(struct recovery **list, const char *input)
    __attribute__((warn_unused_result)); /* false: no memory */
struct recovery *recovery_of(struct recovery *list, const char *input);
/* *ret_cost: the bytes that it takes. False: no memory. */
bool recovery_stage(struct recovery *r, const struct joining *j, struct merge_part *part, size_t *ret_cost)
    __attribute__((warn_unused_result));
void recovery_sort(struct recovery *r); /* once */
struct staged *recovery_next(struct recovery *r);
void recovery_pop(struct recovery *r); /* it was joined */
void recovery_end(struct recovery **list, struct recovery *r);
void recovery_free_all(struct recovery *list);

#endif
