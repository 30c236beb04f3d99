#ifndef RAINGAUGE_CREW_H
#define RAINGAUGE_CREW_H

#include "limits.h"

#include <stdbool.h>
#include <stddef.h>
#include <uv.h>

/* A few workers, threads of their own, for many short jobs. libuv's pool wakes a thread for each job, and the loop for
 * each end; with jobs of less than a millisecond that takes a good part of the cores. Here a worker that has done a job
 * goes on with the next one that waits, and the loop is told of all that ended meanwhile. With a worker a core they do
 * not take the cores away from each other.
 *
 *     crew_start(&crew, loop, workers, most) // of them, and where some are stuck; false: no memory
 *     crew_give(&crew, &job->task, when);  // task.run on a worker, then task.done from the loop; false: no thread
 *     crew_close(&crew, on_closed);        // no job may be left; on_closed comes from the loop
 *
 * Jobs are begun in the order in which they are given, and their ends told in the order in which they came.
 *
 * A thread that is woken is put on an idle core if there is one at that moment, or else behind one that works, where it
 * may stay for long: with two cores, one of which the loop has while it wakes, that is so more often than not. So a job
 * that need not begin at once wakes no one while somebody works: that worker, when it goes on, wakes the next one.
 *
 * What can go wrong: a job does not come back for long, as on a file system whose server is away. Where others wait and
 * none was begun for a second, an idle worker is woken, or there is one more, up to LIMIT_WORKERS. */

enum crew_when {
    CREW_AT_ONCE,
    CREW_IN_TURN, /* when a worker has done another one */
};

struct crew_task {
    void (*run)(struct crew_task *task);
    void (*done)(struct crew_task *task);
    struct crew_task *next;
};

struct crew {
    uv_async_t ended; /* tells the loop */
    uv_timer_t late;  /* while jobs wait, or did a moment ago */
    unsigned open_handles;
    void (*on_closed)(struct crew *crew);
    uv_thread_t threads[LIMIT_WORKERS];
    size_t thread_count, workers, most;
    uint64_t begun_then; /* when the timer was started */

    uv_mutex_t lock; /* of what follows */
    uv_cond_t given; /* or closing */
    size_t idle;     /* threads that wait, also one that was woken and does not run yet */
    uint64_t begun;  /* jobs so far */
    bool closing;
    struct crew_list {
        struct crew_task *first, **end;
        size_t count;
    } waiting, done;
};

bool crew_start(struct crew *crew, uv_loop_t *loop, size_t workers, size_t most) __attribute__((warn_unused_result));
bool crew_give(struct crew *crew, struct crew_task *task, enum crew_when when) __attribute__((warn_unused_result));
void crew_close(struct crew *crew, void (*on_closed)(struct crew *crew));

#endif
