#include "admin/admin.h"

#include "admin/effective.h"
#include "admin/page.h"
#include "admin/server.h"
#include "admin/status.h"
#include "admin/stream.h"
#include "map/chunk_print.h"

struct admin {
    struct admin_sight sight;
    struct admin_server *server;
    struct log *log;
    int64_t started_ms;
    struct history history;
    uv_timer_t step; /* of the history */
    int parts_open;
    void (*on_stopped)(void *context);
    void *on_stopped_context;
};

static int64_t wall_clock_ms(void)
{
    uv_timeval64_t wall;
    uv_gettimeofday(&wall);
    return wall.tv_sec * 1000 + wall.tv_usec / 1000;
}

static unsigned answer_metrics(void *context, const struct admin_request *request, struct buffer *body)
{
    struct admin *a = context;
    (void)request;
    a->sight.measure(a->sight.context);
    prometheus_write(body, a->sight.metrics, a->sight.config(a->sight.context), wall_clock_ms());
    return 200;
}

/* That it answers is what it says: the loop turns. */
static unsigned answer_healthz(void *context, const struct admin_request *request, struct buffer *body)
{
    (void)context;
    (void)request;
    buffer_add_text(body, "ok\n");
    return 200;
}

static unsigned answer_readyz(void *context, const struct admin_request *request, struct buffer *body)
{
    struct admin *a = context;
    (void)request;
    const char *reason = a->sight.not_ready(a->sight.context);
    buffer_add_text(body, reason ? reason : "ok");
    buffer_add_char(body, '\n');
    return reason ? 503 : 200;
}

static unsigned answer_status(void *context, const struct admin_request *request, struct buffer *body)
{
    struct admin *a = context;
    (void)request;
    a->sight.measure(a->sight.context);
    const struct status_view view = {
        .metrics = a->sight.metrics,
        .config = a->sight.config(a->sight.context),
        .files = a->sight.files,
        .delivery = a->sight.delivery,
        .log = a->log,
        .history = &a->history,
        .not_ready = a->sight.not_ready(a->sight.context),
        .started_ms = a->started_ms,
        .wall_ms = wall_clock_ms(),
        .now = uv_now(a->step.loop),
    };
    status_write(body, &view);
    return 200;
}

static unsigned answer_config(void *context, const struct admin_request *request, struct buffer *body)
{
    struct admin *a = context;
    (void)request;
    effective_write(body, a->sight.config(a->sight.context), a->sight.state_dir);
    return 200;
}

static unsigned answer_page(void *context, const struct admin_request *request, struct buffer *body)
{
    (void)context;
    const char *name = strcmp(request->path, "/") == 0 ? "index.html" : request->path + 1;
    for (size_t i = 0; i < page_file_count; i++)
        if (strcmp(page_files[i].name, name) == 0)
            buffer_add(body, page_files[i].text);
    return 200;
}

/* UINT32_MAX: none of that name. */
static uint32_t find_rule(const struct config *config, const char *name)
{
    for (size_t i = 0; i < config->rules.count; i++)
        if (slice_is(config->rules.items[i].name, name))
            return (uint32_t)i;
    return UINT32_MAX;
}

/* It shows what stands in the lines: for those alone who may open the socket. */
static unsigned answer_tap(void *context, const struct admin_request *request, struct buffer *body)
{
    struct admin *a = context;
    if (!request->socket) {
        buffer_add_text(body, "only over the unix socket\n");
        return 403;
    }
    if (request->rule && find_rule(a->sight.config(a->sight.context), request->rule) == UINT32_MAX) {
        buffer_add_text(body, "the agent has no rule of that name\n");
        return 404;
    }
    return 200;
}

static unsigned answer_reload(void *context, const struct admin_request *request, struct buffer *body)
{
    struct admin *a = context;
    if (!request->socket) {
        buffer_add_text(body, "only over the unix socket\n");
        return 403;
    }
    return a->sight.reload(a->sight.context, body);
}

static const struct admin_route routes[] = {
    {.path = "/metrics", .content_type = "text/plain; version=0.0.4; charset=utf-8", .answer = answer_metrics},
    {.path = "/healthz", .content_type = "text/plain; charset=utf-8", .answer = answer_healthz},
    {.path = "/readyz", .content_type = "text/plain; charset=utf-8", .answer = answer_readyz},
    {.path = "/status", .content_type = "application/json", .local_only = true, .answer = answer_status},
    {.path = "/config", .content_type = "text/plain; charset=utf-8", .local_only = true, .answer = answer_config},
    {.path = "/", .content_type = "text/html; charset=utf-8", .local_only = true, .answer = answer_page},
    {.path = "/page.css", .content_type = "text/css; charset=utf-8", .local_only = true, .answer = answer_page},
    {.path = "/page.js", .content_type = "text/javascript; charset=utf-8", .local_only = true, .answer = answer_page},
    {.path = "/tap", .content_type = "application/jsonl", .stream = true, .answer = answer_tap},
    {.path = "/reload", .content_type = "text/plain; charset=utf-8", .post = true, .answer = answer_reload},
    {.path = NULL},
};

static void on_step(uv_timer_t *timer)
{
    struct admin *a = timer->data;
    history_step(&a->history, a->sight.metrics);
    admin_server_beat(a->server);
}

struct admin *admin_start(uv_loop_t *loop, const char *state_dir, const struct config *config,
                          const struct admin_sight *sight, struct log *log, struct error *ret_error)
{
    struct admin *a = calloc(1, sizeof *a);
    if (!a) {
        error_set(ret_error, "out of memory");
        return NULL;
    }
    a->sight = *sight;
    a->sight.state_dir = state_dir;
    a->server = admin_server_new(loop, state_dir, config->admin_listen, config->admin_page, routes, a, log, ret_error);
    if (!a->server) {
        free(a);
        return NULL;
    }
    a->log = log;
    a->started_ms = wall_clock_ms();
    uv_timer_init(loop, &a->step);
    a->step.data = a;
    uv_timer_start(&a->step, on_step, HISTORY_STEP_S * 1000, HISTORY_STEP_S * 1000);
    return a;
}

static void closed_one(void *context)
{
    struct admin *a = context;
    if (--a->parts_open > 0)
        return;
    a->on_stopped(a->on_stopped_context);
    free(a);
}

static void on_step_closed(uv_handle_t *handle)
{
    closed_one(handle->data);
}

void admin_stop(struct admin *a, void (*on_stopped)(void *context), void *context)
{
    a->on_stopped = on_stopped;
    a->on_stopped_context = context;
    a->parts_open = 2;
    uv_close((uv_handle_t *)&a->step, on_step_closed);
    admin_server_stop(a->server, closed_one, a);
}

struct taken { /* news of a chunk */
    const struct chunk *chunk;
    const struct config *config;
    struct slice file;
};

static void write_taken(void *context, const char *rule, struct buffer *out)
{
    const struct taken *t = context;
    uint32_t index = rule ? find_rule(t->config, rule) : UINT32_MAX;
    if (!rule || index != UINT32_MAX)
        chunk_print_rule(out, t->chunk, t->config, t->file, index);
}

static uint64_t count_taken(void *context, const char *rule)
{
    const struct taken *t = context;
    uint32_t index = rule ? find_rule(t->config, rule) : UINT32_MAX;
    return !rule || index != UINT32_MAX ? chunk_count_rule(t->chunk, index) : 0;
}

void admin_tell_taken(struct admin *a, const struct chunk *chunk, const struct config *config, struct slice file)
{
    if (!admin_server_has_listeners(a->server))
        return;
    struct taken taken = {.chunk = chunk, .config = config, .file = file};
    admin_server_tell(a->server, &(struct admin_news){.context = &taken, .write = write_taken, .count = count_taken});
}
