/* Pure: no I/O, no clock, no logging, no uv. */
#ifndef RAINGAUGE_TIME_FORMAT_H
#define RAINGAUGE_TIME_FORMAT_H

#include "time/instant.h"

/* strptime(3)'s formats without a locale and without a process-wide zone: %Y %m %d %H %M %S %y %b %B %h %a %A %e %j
 * %I %l %k %p %z %Z %s %T %D %F %R %n %t %%, and %f (also %L and %N): 1 to 9 digits of a fraction. A blank in the
 * format stands for any blanks, none as well; all else for itself. */

/* What is wrong with a format and where, or NULL: an unknown conversion, or one that does not say the date (a day
 * without its year cannot be told without a clock). Empty is fine: it means no format. */
const char *time_format_check(struct slice format, size_t *ret_at);

/* The whole text by the format; without an offset local time of `zone`, or UTC. False: it does not fit. */
bool time_format_read(struct slice format, struct slice text, const struct time_zone *zone, struct instant *ret_instant)
    __attribute__((warn_unused_result));

#endif
