#ifndef RAINGAUGE_PROMETHEUS_H
#define RAINGAUGE_PROMETHEUS_H

#include "admin/metrics.h"

/* The counters as Prometheus text (exposition format 0.0.4): names begin with raingauge_, base units, HELP and TYPE for
 * each, label values escaped. Labels are bounded by the configuration: inputs, rules, destinations, reasons from a
 * fixed list, never a file's name. `now_ms` is the wall clock. */
void prometheus_write(struct buffer *out, const struct metrics *m, const struct config *config, int64_t now_ms);

#endif
