#include "follow/crew.h"

#include <assert.h>

enum { LATE_MS = 1000 };

static void list_init(struct crew_list *list)
{
    list->first = NULL;
    list->end = &list->first;
    list->count = 0;
}

static void list_add(struct crew_list *list, struct crew_task *task)
{
    task->next = NULL;
    *list->end = task;
    list->end = &task->next;
    list->count++;
}

static struct crew_task *list_take(struct crew_list *list)
{
    struct crew_task *task = list->first;
    list->first = task->next;
    if (!list->first)
        list->end = &list->first;
    list->count--;
    return task;
}

/* ---- on a worker ---- */

/* NULL: it closes. The lock is held. */
static struct crew_task *wait_for_task(struct crew *crew)
{
    crew->idle++;
    while (!crew->waiting.first && !crew->closing)
        uv_cond_wait(&crew->given, &crew->lock);
    crew->idle--;
    if (!crew->waiting.first)
        return NULL;
    struct crew_task *task = list_take(&crew->waiting);
    crew->begun++;
    if (crew->waiting.first && crew->idle)
        uv_cond_signal(&crew->given);
    return task;
}

/* The loop is woken by the first end that it has not heard of. */
static void tell(struct crew *crew, struct crew_task *task)
{
    uv_mutex_lock(&crew->lock);
    bool wake = !crew->done.first;
    list_add(&crew->done, task);
    uv_mutex_unlock(&crew->lock);
    if (wake)
        uv_async_send(&crew->ended);
}

static struct crew_task *next_task(struct crew *crew)
{
    uv_mutex_lock(&crew->lock);
    struct crew_task *task = wait_for_task(crew);
    uv_mutex_unlock(&crew->lock);
    return task;
}

static void work(void *context)
{
    struct crew *crew = context;
    struct crew_task *task;
    while ((task = next_task(crew))) {
        task->run(task);
        tell(crew, task);
    }
}

/* ---- on the loop ---- */

static void on_ended(uv_async_t *handle)
{
    struct crew *crew = handle->data;
    uv_mutex_lock(&crew->lock);
    struct crew_task *task = crew->done.first;
    list_init(&crew->done);
    uv_mutex_unlock(&crew->lock);
    for (struct crew_task *next; task; task = next) {
        next = task->next;
        task->done(task);
    }
}

static bool add_thread(struct crew *crew)
{
    bool added = uv_thread_create(&crew->threads[crew->thread_count], work, crew) == 0;
    crew->thread_count += added;
    return added;
}

static void on_late(uv_timer_t *timer)
{
    struct crew *crew = timer->data;
    uv_mutex_lock(&crew->lock);
    bool wait = crew->waiting.first != NULL, stuck = wait && crew->begun == crew->begun_then;
    bool too_few = stuck && crew->idle == 0;
    if (stuck && crew->idle)
        uv_cond_signal(&crew->given);
    crew->begun_then = crew->begun;
    uv_mutex_unlock(&crew->lock);
    if (too_few && crew->thread_count < crew->most)
        add_thread(crew);
    if (wait)
        uv_timer_start(timer, on_late, LATE_MS, 0);
}

bool crew_give(struct crew *crew, struct crew_task *task, enum crew_when when)
{
    uv_mutex_lock(&crew->lock);
    bool works = crew->idle < crew->thread_count;
    list_add(&crew->waiting, task);
    bool too_few = crew->waiting.count > crew->idle;
    if (crew->idle && (when == CREW_AT_ONCE || !works))
        uv_cond_signal(&crew->given);
    uint64_t begun = crew->begun;
    uv_mutex_unlock(&crew->lock);
    if (too_few && crew->thread_count < crew->workers)
        add_thread(crew);
    if (crew->thread_count == 0) {
        list_take(&crew->waiting); /* there is nobody but the loop */
        return false;
    }
    if (!uv_is_active((uv_handle_t *)&crew->late)) {
        crew->begun_then = begun;
        uv_timer_start(&crew->late, on_late, LATE_MS, 0);
    }
    return true;
}

/* ---- life ---- */

bool crew_start(struct crew *crew, uv_loop_t *loop, size_t workers, size_t most)
{
    assert(workers > 0 && workers <= most && most <= LIMIT_WORKERS);
    *crew = (struct crew){.workers = workers, .most = most, .open_handles = 2};
    list_init(&crew->waiting);
    list_init(&crew->done);
    if (uv_mutex_init(&crew->lock) != 0)
        return false;
    bool has_cond = uv_cond_init(&crew->given) == 0;
    if (!has_cond || uv_async_init(loop, &crew->ended, on_ended) != 0) {
        if (has_cond)
            uv_cond_destroy(&crew->given);
        uv_mutex_destroy(&crew->lock);
        return false;
    }
    uv_timer_init(loop, &crew->late);
    crew->ended.data = crew->late.data = crew;
    return true;
}

static void on_handle_closed(uv_handle_t *handle)
{
    struct crew *crew = handle->data;
    if (--crew->open_handles == 0)
        crew->on_closed(crew);
}

/* Workers have nothing to do and leave at once. */
void crew_close(struct crew *crew, void (*on_closed)(struct crew *crew))
{
    assert(!crew->waiting.first && !crew->done.first);
    uv_mutex_lock(&crew->lock);
    crew->closing = true;
    uv_cond_broadcast(&crew->given);
    uv_mutex_unlock(&crew->lock);
    for (size_t i = 0; i < crew->thread_count; i++)
        uv_thread_join(&crew->threads[i]);
    uv_cond_destroy(&crew->given);
    uv_mutex_destroy(&crew->lock);
    crew->on_closed = on_closed;
    uv_close((uv_handle_t *)&crew->ended, on_handle_closed);
    uv_close((uv_handle_t *)&crew->late, on_handle_closed);
}
