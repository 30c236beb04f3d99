#ifndef RAINGAUGE_HISTORY_H
#define RAINGAUGE_HISTORY_H

#include "admin/metrics.h"

/* What was done in each of the last steps of HISTORY_STEP_S seconds, for the page's drawing: the growth of a few
 * counters. */
enum { HISTORY_STEP_S = 5, HISTORY_POINTS = 120 };

struct history_point {
    uint64_t lines, delivered, failed, dead; /* lines read; calls taken; requests not answered 2xx; dead letters */
};
struct history {
    struct history_point points[HISTORY_POINTS]; /* a ring */
    uint64_t count;                              /* so far */
    struct history_point sums;                   /* at the last step */
};

/* The sums over all series. */
struct history_point history_sums(const struct metrics *m);
/* A step is over. */
void history_step(struct history *h, const struct metrics *m);
/* A JSON array of the points, oldest first: [[lines,delivered,failed,dead],…] */
void history_write(const struct history *h, struct buffer *out);

#endif
