#include "follow/crew.h"

#include <assert.h>

static void list_init(struct crew_list *list)
{
    list->first = NULL;
    list->end = &list->first;
}

static void list_add(struct crew_list *list, struct crew_task *task)
{
    task->next = NULL;
    *list->end = task;
    list->end = &task->next;
}

static struct crew_task *list_take(struct crew_list *list)
{
    struct crew_task *task = list->first;
    if (!task)
        return NULL;
    list->first = task->next;
    if (!list->first)
        list->end = &list->first;
    return task;
}

/* ---- on a worker ---- */

/* `task` is done (NULL: the first one is asked for). The loop is woken by the first one that it has not heard of; where
 * none is next, by the worker's leaving. */
static struct crew_task *next_after(struct crew *crew, struct crew_task *task)
{
    uv_mutex_lock(&crew->lock);
    struct crew_task *next = list_take(&crew->waiting);
    bool tell = task && next && !crew->done.first;
    if (task)
        list_add(&crew->done, task);
    uv_mutex_unlock(&crew->lock);
    if (tell)
        uv_async_send(&crew->ended);
    return next;
}

static void work_on(uv_work_t *work)
{
    struct crew_worker *worker = work->data;
    struct crew_task *task = NULL;
    while ((task = next_after(worker->crew, task)))
        task->run(task);
}

/* ---- on the loop ---- */

static void tell_done(struct crew *crew)
{
    struct crew_list told;
    list_init(&told);
    uv_mutex_lock(&crew->lock);
    if (crew->done.first) {
        told = crew->done;
        list_init(&crew->done);
    }
    uv_mutex_unlock(&crew->lock);
    for (struct crew_task *task = told.first, *next; task; task = next) {
        next = task->next;
        task->done(task);
    }
}

static void on_ended(uv_async_t *handle)
{
    tell_done(handle->data);
}

static void on_async_closed(uv_handle_t *handle)
{
    struct crew *crew = handle->data;
    uv_mutex_destroy(&crew->lock);
    crew->on_closed(crew);
}

static void close_if_all_left(struct crew *crew)
{
    if (!crew->on_closed || uv_is_closing((uv_handle_t *)&crew->ended))
        return;
    for (size_t i = 0; i < crew->worker_count; i++) {
        if (crew->workers[i].busy)
            return;
    }
    uv_close((uv_handle_t *)&crew->ended, on_async_closed);
}

static void send_to_work(struct crew_worker *worker); /* with on_left() */

/* Something may have been given while it was leaving. */
static void on_left(uv_work_t *work, int status)
{
    struct crew_worker *worker = work->data;
    struct crew *crew = worker->crew;
    (void)status;
    uv_mutex_lock(&crew->lock);
    worker->busy = crew->waiting.first != NULL;
    uv_mutex_unlock(&crew->lock);
    if (worker->busy)
        send_to_work(worker);
    tell_done(crew);
    close_if_all_left(crew);
}

static void send_to_work(struct crew_worker *worker)
{
    worker->busy = true;
    int result = uv_queue_work(worker->crew->loop, &worker->work, work_on, on_left);
    assert(result == 0); /* it fails only without a callback */
    (void)result;
}

void crew_give(struct crew *crew, struct crew_task *task)
{
    uv_mutex_lock(&crew->lock);
    list_add(&crew->waiting, task);
    uv_mutex_unlock(&crew->lock);
    for (size_t i = 0; i < crew->worker_count; i++) {
        if (!crew->workers[i].busy) {
            send_to_work(&crew->workers[i]);
            return;
        }
    }
}

/* ---- life ---- */

bool crew_start(struct crew *crew, uv_loop_t *loop, size_t workers)
{
    *crew = (struct crew){.loop = loop, .worker_count = workers < CREW_MOST ? workers : CREW_MOST};
    list_init(&crew->waiting);
    list_init(&crew->done);
    for (size_t i = 0; i < crew->worker_count; i++) {
        crew->workers[i].crew = crew;
        crew->workers[i].work.data = &crew->workers[i];
    }
    if (uv_mutex_init(&crew->lock) != 0)
        return false;
    if (uv_async_init(loop, &crew->ended, on_ended) != 0) {
        uv_mutex_destroy(&crew->lock);
        return false;
    }
    crew->ended.data = crew;
    return true;
}

void crew_close(struct crew *crew, void (*on_closed)(struct crew *crew))
{
    assert(!crew->waiting.first && !crew->done.first);
    crew->on_closed = on_closed;
    close_if_all_left(crew);
}
