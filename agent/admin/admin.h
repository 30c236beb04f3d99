#ifndef RAINGAUGE_ADMIN_H
#define RAINGAUGE_ADMIN_H

#include "admin/prometheus.h"
#include "deliver/delivery.h"
#include "error.h"
#include "log.h"
#include "map/chunk.h"

#include <uv.h>

/* What the admin endpoint shows of the agent (contract 8): /metrics, /healthz, /readyz,
 * /status; POST
 * /reload, over the unix socket only. The HTTP of it is server.h's.
 */
struct admin;
struct file_table;

struct admin_sight { /* what it asks the agent for; all borrowed */
    void *context;
    const struct metrics *metrics;
    const struct file_table *files;
    const struct delivery *delivery;
    const char *state_dir; /* set by admin_start() */
    /* The configuration in force. */
    const struct config *(*config)(void *context);
    /* NULL: ready; else why not, from a fixed list. */
    const char *(*not_ready)(void *context);
    /* Reloads the configuration; appends what is to be said of it. 200, 422: the old one stays, 503: not now. */
    unsigned (*reload)(void *context, struct buffer *said);
    /* Brings the gauges up to date. */
    void (*measure)(void *context);
};

struct admin *admin_start(uv_loop_t *loop, const char *state_dir, const struct config *config,
                          const struct admin_sight *sight, struct log *log, struct error *ret_error);
/* A chunk was taken in: for `tap`. Costs nothing where nobody listens. */
void admin_tell_taken(struct admin *a, const struct chunk *chunk, const struct config *config, struct slice file);
void admin_stop(struct admin *a, void (*on_stopped)(void *context), void *context); /* then it is freed */

#endif
