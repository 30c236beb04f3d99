#ifndef RAINGAUGE_LAG_H
#define RAINGAUGE_LAG_H

#include <stdbool.h>
#include <stdint.h>

/* When which part of a file was first seen, in a few marks, so that it can be said how long its oldest undelivered line
 * has been there. Bookkeeping only; `now` is the loop's time in ms.
 *
 *     struct lag lag = {0};
 *     lag_seen(&lag, size, at);                        // the file had that size then
 *     age = lag_age(&lag, committed, now);             // of the oldest byte from `committed` on; 0: there is none
 *     lag_release(&lag);
 *
 * There are LAG_MARKS marks. Where a file grows while nothing is delivered, neighbours are made one, the two that lie
 * closest in time, and the older time counts: an age may come out a little larger than it is, never smaller. One mark
 * is all that most files have most of the time; room for more is on the heap (where there is none, the last is made
 * longer). */

enum { LAG_MARKS = 8 };
struct lag {
    struct lag_mark {
        uint64_t end; /* bytes up to here … */
        int64_t at;   /* … were there at this time; may be before the loop's clock began */
    } first, *more;   /* more: the others, or NULL */
    unsigned count;
};

void lag_seen(struct lag *lag, uint64_t size, int64_t at);
/* Forgets what is before `committed`. */
uint64_t lag_age(struct lag *lag, uint64_t committed, uint64_t now);
void lag_release(struct lag *lag);

#endif
