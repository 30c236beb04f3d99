#ifndef RAINGAUGE_STATUS_H
#define RAINGAUGE_STATUS_H

#include "admin/history.h"
#include "deliver/delivery.h"
#include "follow/file_table.h"

/* The agent's state as JSON, for /status, `raingauge status` and the page. Its shape is documented in raingauge(1);
 * "status_version" changes when a member is taken away or means something else, not when one is added.
 *
 *     {"status_version":1, "version":…, "started":…, "ready":…, "reason":…, "config":{…}, "lines":{…}, "inputs":[…],
 *      "files":[…], "rules":[…], "destinations":[…], "delivery":{…}, "checkpoint":{…}, "history":{…}, "recent":[…]}
 *
 * Nothing from inside a log line is in it, and no key. */
enum { STATUS_VERSION = 1 };

struct status_view {               /* all borrowed */
    const struct metrics *metrics; /* gauges up to date */
    const struct config *config;
    const struct file_table *files;
    const struct delivery *delivery;
    const struct log *log;
    const struct history *history;
    const char *not_ready; /* NULL: ready */
    int64_t started_ms, wall_ms;
    uint64_t now; /* the loop's */
};

void status_write(struct buffer *out, const struct status_view *view);

#endif
