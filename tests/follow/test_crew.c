/* Jobs and the few workers that do them. */
#include "follow/crew.h"
#include "support/cmocka_setup.h"

#include <stdatomic.h>

enum { JOBS = 6, TIMES = 2000 };

struct job {
    struct crew_task task; /* first */
    struct bed *bed;
    unsigned runs, ends;
};

struct bed {
    uv_loop_t loop;
    struct crew crew;
    struct job jobs[JOBS];
    atomic_uint working, most;
    unsigned left; /* times that a job is still to be given */
    size_t order[JOBS], ended;
    bool closed;
};

static void run(struct crew_task *task)
{
    struct job *job = (struct job *)task;
    unsigned now = atomic_fetch_add(&job->bed->working, 1) + 1, most = atomic_load(&job->bed->most);
    while (now > most && !atomic_compare_exchange_weak(&job->bed->most, &most, now))
        ;
    job->runs++;
    atomic_fetch_sub(&job->bed->working, 1);
}

static void done(struct crew_task *task)
{
    struct job *job = (struct job *)task;
    struct bed *bed = job->bed;
    job->ends++;
    bed->order[bed->ended++ % JOBS] = (size_t)(job - bed->jobs);
    if (bed->left) {
        bed->left--;
        crew_give(&bed->crew, &job->task);
    }
}

static void on_closed(struct crew *crew)
{
    struct bed *bed = (struct bed *)((char *)crew - offsetof(struct bed, crew));
    bed->closed = true;
}

static void open_bed(struct bed *bed, size_t workers, unsigned left)
{
    *bed = (struct bed){.left = left};
    uv_loop_init(&bed->loop);
    assert_true(crew_start(&bed->crew, &bed->loop, workers));
    for (size_t i = 0; i < JOBS; i++)
        bed->jobs[i] = (struct job){.task = {.run = run, .done = done}, .bed = bed};
}

static void give_all(struct bed *bed)
{
    for (size_t i = 0; i < JOBS; i++)
        crew_give(&bed->crew, &bed->jobs[i].task);
}

static void run_until_ended(struct bed *bed, size_t ended)
{
    while (bed->ended < ended)
        uv_run(&bed->loop, UV_RUN_ONCE);
}

/* With workers that may not have left yet. */
static void close_bed(struct bed *bed)
{
    crew_close(&bed->crew, on_closed);
    uv_run(&bed->loop, UV_RUN_DEFAULT);
    assert_true(bed->closed);
    assert_int_equal(uv_loop_close(&bed->loop), 0);
}

static void a_single_worker_takes_them_in_their_order(void **state)
{
    struct bed bed;
    (void)state;
    open_bed(&bed, 1, 0);
    give_all(&bed);
    run_until_ended(&bed, JOBS);
    for (size_t i = 0; i < JOBS; i++)
        assert_int_equal(bed.order[i], i);
    assert_int_equal(atomic_load(&bed.most), 1);
    close_bed(&bed);
}

static void each_is_run_once_for_each_time_it_is_given(void **state)
{
    (void)state;
    for (size_t workers = 1; workers <= CREW_MOST + 1; workers++) {
        struct bed bed;
        unsigned runs = 0, ends = 0;
        open_bed(&bed, workers, TIMES);
        give_all(&bed);
        run_until_ended(&bed, JOBS + TIMES);
        for (size_t i = 0; i < JOBS; i++) {
            runs += bed.jobs[i].runs;
            ends += bed.jobs[i].ends;
        }
        assert_int_equal(runs, JOBS + TIMES);
        assert_int_equal(ends, JOBS + TIMES);
        assert_in_range(atomic_load(&bed.most), 1, workers < CREW_MOST ? workers : CREW_MOST);
        close_bed(&bed);
    }
}

/* One at a time: each finds the worker as it is leaving, or gone. */
static void one_that_is_given_while_a_worker_leaves_is_not_forgotten(void **state)
{
    struct bed bed;
    (void)state;
    open_bed(&bed, 1, TIMES);
    crew_give(&bed.crew, &bed.jobs[0].task);
    run_until_ended(&bed, 1 + TIMES);
    assert_int_equal(bed.jobs[0].runs, 1 + TIMES);
    close_bed(&bed);
}

static void without_a_job_it_closes(void **state)
{
    struct bed bed;
    (void)state;
    open_bed(&bed, 2, 0);
    close_bed(&bed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_single_worker_takes_them_in_their_order),
        cmocka_unit_test(each_is_run_once_for_each_time_it_is_given),
        cmocka_unit_test(one_that_is_given_while_a_worker_leaves_is_not_forgotten),
        cmocka_unit_test(without_a_job_it_closes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
