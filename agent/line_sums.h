#ifndef RAINGAUGE_LINE_SUMS_H
#define RAINGAUGE_LINE_SUMS_H

#include "admin/metrics.h"
#include "log.h"

/* The sum of contract 6.1 as a line of log: `… read=N delivered=N dropped=N …`, what was added since `before`; and more
 * fields, LINE_SUMS_MORE at most, ended by LOG_END (NULL: none). */
enum { LINE_SUMS_MORE = 4 };
void line_sums_say(struct log *log, const char *message, const struct line_sums *now, const struct line_sums *before,
                   const struct log_field *more);

#endif
