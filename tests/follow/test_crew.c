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
    enum crew_when when;
    size_t order[JOBS], ended;
    bool closed;
};

/* ---- threads that cannot be had ---- */

static bool no_threads;

int __real_uv_thread_create(uv_thread_t *thread, uv_thread_cb entry, void *context);
int __wrap_uv_thread_create(uv_thread_t *thread, uv_thread_cb entry, void *context);
int __wrap_uv_thread_create(uv_thread_t *thread, uv_thread_cb entry, void *context)
{
    return no_threads ? UV_EAGAIN : __real_uv_thread_create(thread, entry, context);
}

/* ---- the jobs ---- */

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
        assert_true(crew_give(&bed->crew, &job->task, bed->when));
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
    assert_true(crew_start(&bed->crew, &bed->loop, workers, workers));
    for (size_t i = 0; i < JOBS; i++)
        bed->jobs[i] = (struct job){.task = {.run = run, .done = done}, .bed = bed};
}

static void give_all(struct bed *bed)
{
    for (size_t i = 0; i < JOBS; i++)
        assert_true(crew_give(&bed->crew, &bed->jobs[i].task, bed->when));
}

static void run_until_ended(struct bed *bed, size_t ended)
{
    while (bed->ended < ended)
        uv_run(&bed->loop, UV_RUN_ONCE);
}

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
    for (size_t workers = 1; workers <= LIMIT_WORKERS; workers++) {
        struct bed bed;
        unsigned runs = 0, ends = 0;
        open_bed(&bed, workers, TIMES);
        bed.when = workers % 2 ? CREW_IN_TURN : CREW_AT_ONCE;
        give_all(&bed);
        run_until_ended(&bed, JOBS + TIMES);
        for (size_t i = 0; i < JOBS; i++) {
            runs += bed.jobs[i].runs;
            ends += bed.jobs[i].ends;
        }
        assert_int_equal(runs, JOBS + TIMES);
        assert_int_equal(ends, JOBS + TIMES);
        assert_in_range(atomic_load(&bed.most), 1, workers);
        close_bed(&bed);
    }
}

/* One at a time: each finds the workers as they go to sleep, or asleep. */
static void one_that_is_given_while_they_go_to_sleep_is_not_forgotten(void **state)
{
    (void)state;
    for (unsigned when = CREW_AT_ONCE; when <= CREW_IN_TURN; when++) {
        struct bed bed;
        open_bed(&bed, 2, TIMES);
        bed.when = when;
        assert_true(crew_give(&bed.crew, &bed.jobs[0].task, CREW_AT_ONCE));
        run_until_ended(&bed, 1 + TIMES);
        assert_int_equal(bed.jobs[0].runs, 1 + TIMES);
        close_bed(&bed);
    }
}

/* ---- who is woken ---- */

struct meeting {
    struct crew_task task; /* first */
    uv_sem_t *arrived, *leave;
    bool over;
};

static void meet(struct crew_task *task)
{
    struct meeting *m = (struct meeting *)task;
    uv_sem_post(m->arrived);
    uv_sem_wait(m->leave);
}

static void part(struct crew_task *task)
{
    ((struct meeting *)task)->over = true;
}

/* Two that wait for each other: the second one is begun beside the first, also by a worker that slept. */
static void both_work_at_once(void **state)
{
    struct bed bed;
    uv_sem_t one, two;
    (void)state;
    open_bed(&bed, 2, 0);
    uv_sem_init(&one, 0);
    uv_sem_init(&two, 0);
    for (int round = 0; round < 50; round++) {
        struct meeting a = {{.run = meet, .done = part}, &one, &two, false};
        struct meeting b = {{.run = meet, .done = part}, &two, &one, false};
        assert_true(crew_give(&bed.crew, &a.task, CREW_AT_ONCE));
        assert_true(crew_give(&bed.crew, &b.task, CREW_AT_ONCE));
        while (!a.over || !b.over)
            uv_run(&bed.loop, UV_RUN_ONCE);
    }
    uv_sem_destroy(&one);
    uv_sem_destroy(&two);
    close_bed(&bed);
}

/* Workers that do not come back: others take their place, up to the most there may be. */
static void stuck_workers_are_replaced(void **state)
{
    enum { STUCK = 3 };
    struct bed bed;
    uv_sem_t arrived, leave;
    struct meeting stuck[STUCK];
    (void)state;
    open_bed(&bed, 2, 0);
    bed.crew.most = STUCK + 1;
    uv_sem_init(&arrived, 0);
    uv_sem_init(&leave, 0);
    for (size_t i = 0; i < STUCK; i++) {
        stuck[i] = (struct meeting){{.run = meet, .done = part}, &arrived, &leave, false};
        assert_true(crew_give(&bed.crew, &stuck[i].task, CREW_AT_ONCE));
    }
    give_all(&bed); /* behind them */
    run_until_ended(&bed, JOBS);
    assert_int_equal(bed.crew.thread_count, STUCK + 1);
    for (size_t i = 0; i < STUCK; i++) {
        uv_sem_wait(&arrived);
        uv_sem_post(&leave);
    }
    while (!stuck[0].over || !stuck[1].over || !stuck[2].over)
        uv_run(&bed.loop, UV_RUN_ONCE);
    uv_sem_destroy(&arrived);
    uv_sem_destroy(&leave);
    close_bed(&bed);
}

/* One that is to be begun in its turn, while the only one that works is stuck: the idle one takes it all the same. */
static void in_turn_does_not_wait_for_a_stuck_worker(void **state)
{
    struct bed bed;
    uv_sem_t arrived, leave;
    struct meeting stuck = {{.run = meet, .done = part}, &arrived, &leave, false};
    (void)state;
    open_bed(&bed, 2, 0);
    uv_sem_init(&arrived, 0);
    uv_sem_init(&leave, 0);
    assert_true(crew_give(&bed.crew, &stuck.task, CREW_AT_ONCE));
    uv_sem_wait(&arrived);
    assert_true(
        crew_give(&bed.crew, &bed.jobs[0].task, CREW_AT_ONCE)); /* so that there is a second one, and it sleeps */
    run_until_ended(&bed, 1);
    assert_true(crew_give(&bed.crew, &bed.jobs[1].task, CREW_IN_TURN));
    run_until_ended(&bed, 2);
    assert_false(stuck.over);
    uv_sem_post(&leave);
    while (!stuck.over)
        uv_run(&bed.loop, UV_RUN_ONCE);
    uv_sem_destroy(&arrived);
    uv_sem_destroy(&leave);
    close_bed(&bed);
}

static void without_a_thread_it_takes_nothing(void **state)
{
    struct bed bed;
    (void)state;
    open_bed(&bed, 2, 0);
    no_threads = true;
    assert_false(crew_give(&bed.crew, &bed.jobs[0].task, CREW_AT_ONCE));
    no_threads = false;
    assert_true(crew_give(&bed.crew, &bed.jobs[1].task, CREW_AT_ONCE));
    no_threads = true; /* one is enough */
    assert_true(crew_give(&bed.crew, &bed.jobs[2].task, CREW_AT_ONCE));
    run_until_ended(&bed, 2);
    no_threads = false;
    assert_int_equal(bed.jobs[0].runs, 0);
    assert_int_equal(bed.jobs[1].runs + bed.jobs[2].runs, 2);
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
        cmocka_unit_test(one_that_is_given_while_they_go_to_sleep_is_not_forgotten),
        cmocka_unit_test(both_work_at_once),
        cmocka_unit_test(stuck_workers_are_replaced),
        cmocka_unit_test(in_turn_does_not_wait_for_a_stuck_worker),
        cmocka_unit_test(without_a_thread_it_takes_nothing),
        cmocka_unit_test(without_a_job_it_closes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
