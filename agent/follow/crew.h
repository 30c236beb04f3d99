#ifndef RAINGAUGE_CREW_H
#define RAINGAUGE_CREW_H

#include <stdbool.h>
#include <stddef.h>
#include <uv.h>

/* A few workers for many short jobs, on threads of libuv's pool. That alone would do as well, but wakes a thread for
 * each job, and the loop for each end: with jobs of less than a millisecond this takes a good part of the cores. Here a
 * worker that has done a job goes on with the next one that waits, and leaves when there is none; the loop is told of
 * all that ended meanwhile. No more than `workers` jobs are worked on at a time: where that is one a core, they do not
 * take the cores away from each other, and the pool's other threads are left to others.
 *
 *     crew_start(&crew, loop, workers)   // CREW_MOST at most; false: no memory
 *     crew_give(&crew, &job->task);      // task.run on a worker, then task.done from the loop
 *     crew_close(&crew, on_closed);      // no job may be left; on_closed comes from the loop
 *
 * Jobs are begun in the order in which they are given, and their ends told in the order in which they came. */

enum { CREW_MOST = 5 };

struct crew_task {
    void (*run)(struct crew_task *task);
    void (*done)(struct crew_task *task);
    struct crew_task *next;
};

struct crew {
    uv_loop_t *loop;
    uv_async_t ended;                     /* tells the loop */
    void (*on_closed)(struct crew *crew); /* NULL: it is not to be closed */
    struct crew_worker {
        uv_work_t work;
        struct crew *crew;
        bool busy; /* the loop's: until it is seen to have left */
    } workers[CREW_MOST];
    size_t worker_count;

    uv_mutex_t lock; /* of what follows */
    struct crew_list {
        struct crew_task *first, **end;
    } waiting, done;
};

bool crew_start(struct crew *crew, uv_loop_t *loop, size_t workers) __attribute__((warn_unused_result));
void crew_give(struct crew *crew, struct crew_task *task);
void crew_close(struct crew *crew, void (*on_closed)(struct crew *crew));

#endif
