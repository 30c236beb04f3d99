#include "deliver/curl_loop.h"

#include <assert.h>

struct watched {
    uv_poll_t poll;
    struct curl_loop *l;
    curl_socket_t socket;
    int events;
};

/* After every call of curl_multi_socket_action(), whether transfers still run or not. */
static void tell_of_finished(struct curl_loop *l)
{
    CURLMsg *message;
    int left;
    while ((message = curl_multi_info_read(l->multi, &left))) {
        if (message->msg != CURLMSG_DONE)
            continue;
        CURL *easy = message->easy_handle; /* the message is gone with the transfer */
        CURLcode code = message->data.result;
        l->on_transfer(l, easy, code);
    }
}

static int start_poll(struct watched *w); /* with on_socket() */

static void on_socket(uv_poll_t *poll, int status, int events)
{
    struct watched *w = poll->data;
    struct curl_loop *l = w->l;
    int flags = 0, running;
    if (status < 0 || events & UV_READABLE)
        flags |= CURL_CSELECT_IN;
    if (status < 0 || events & UV_WRITABLE)
        flags |= CURL_CSELECT_OUT;
    curl_multi_socket_action(l->multi, w->socket, flags, &running);
    if (status < 0 && !uv_is_closing((uv_handle_t *)poll))
        start_poll(w);
    tell_of_finished(l);
}

static void on_time(uv_timer_t *timer)
{
    struct curl_loop *l = timer->data;
    int running;
    curl_multi_socket_action(l->multi, CURL_SOCKET_TIMEOUT, 0, &running);
    tell_of_finished(l);
}

/* ---- what curl asks for ---- */

static int set_timer(CURLM *multi, long timeout_ms, void *context)
{
    (void)multi;
    struct curl_loop *l = context;
    if (timeout_ms < 0) {
        uv_timer_stop(&l->timer);
    } else {
        uv_update_time(l->loop); /* else the time of this turn's beginning would count */
        uv_timer_start(&l->timer, on_time, (uint64_t)timeout_ms, 0);
    }
    return 0;
}

static void stopped_if_closed(struct curl_loop *l)
{
    if (l->open == 0 && l->on_stopped)
        l->on_stopped(l);
}

static void on_watch_closed(uv_handle_t *handle)
{
    struct watched *w = handle->data;
    struct curl_loop *l = w->l;
    free(w);
    l->open--;
    stopped_if_closed(l);
}

static struct watched *watch(struct curl_loop *l, curl_socket_t socket)
{
    struct watched *w = calloc(1, sizeof *w);
    if (!w)
        return NULL;
    w->l = l;
    w->socket = socket;
    if (uv_poll_init_socket(l->loop, &w->poll, socket) < 0) {
        free(w);
        return NULL;
    }
    w->poll.data = w;
    l->open++;
    curl_multi_assign(l->multi, socket, w);
    return w;
}

static int start_poll(struct watched *w)
{
    return uv_poll_start(&w->poll, w->events, on_socket) < 0 ? -1 : 0;
}

static int set_watch(CURL *easy, curl_socket_t socket, int what, void *context, void *of_socket)
{
    (void)easy;
    struct curl_loop *l = context;
    struct watched *w = of_socket;
    if (what == CURL_POLL_REMOVE) {
        if (w) {
            curl_multi_assign(l->multi, socket, NULL);
            uv_poll_stop(&w->poll); /* the descriptor may be another's before the handle is closed */
            uv_close((uv_handle_t *)&w->poll, on_watch_closed);
        }
        return 0;
    }
    if (!w && !(w = watch(l, socket)))
        return -1;
    w->events = (what & CURL_POLL_IN ? UV_READABLE : 0) | (what & CURL_POLL_OUT ? UV_WRITABLE : 0);
    return start_poll(w);
}

/* ---- life ---- */

static void on_timer_closed(uv_handle_t *handle)
{
    struct curl_loop *l = handle->data;
    l->open--;
    stopped_if_closed(l);
}

bool curl_loop_start(struct curl_loop *l, uv_loop_t *loop,
                     void (*on_transfer)(struct curl_loop *l, CURL *easy, CURLcode code), struct error *ret_error)
{
    *l = (struct curl_loop){.loop = loop, .on_transfer = on_transfer};
    CURLcode code = curl_global_init(CURL_GLOBAL_DEFAULT);
    if (code == CURLE_OK)
        l->multi = curl_multi_init();
    if (!l->multi) {
        error_set(ret_error, "start libcurl: %s", code != CURLE_OK ? curl_easy_strerror(code) : "out of memory");
        if (code == CURLE_OK)
            curl_global_cleanup();
        return false;
    }
    curl_multi_setopt(l->multi, CURLMOPT_SOCKETFUNCTION, set_watch);
    curl_multi_setopt(l->multi, CURLMOPT_SOCKETDATA, l);
    curl_multi_setopt(l->multi, CURLMOPT_TIMERFUNCTION, set_timer);
    curl_multi_setopt(l->multi, CURLMOPT_TIMERDATA, l);
    uv_timer_init(loop, &l->timer);
    l->timer.data = l;
    l->open = 1;
    return true;
}

void curl_loop_authorities(const char **ret_file, const char **ret_directory)
{
    const curl_version_info_data *built = curl_version_info(CURLVERSION_NOW);
    *ret_file = built->cainfo;
    *ret_directory = built->capath;
}

void curl_loop_stop(struct curl_loop *l, void (*on_stopped)(struct curl_loop *l))
{
    curl_multi_cleanup(l->multi); /* closes idle connections: set_watch() may be called once more for each */
    l->multi = NULL;
    curl_global_cleanup();
    l->on_stopped = on_stopped;
    uv_close((uv_handle_t *)&l->timer, on_timer_closed);
}

bool curl_loop_add(struct curl_loop *l, CURL *easy)
{
    return curl_multi_add_handle(l->multi, easy) == CURLM_OK;
}

void curl_loop_remove(struct curl_loop *l, CURL *easy)
{
    curl_multi_remove_handle(l->multi, easy);
}
