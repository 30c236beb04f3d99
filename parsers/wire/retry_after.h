/* Pure: no I/O, no clock, no logging, no uv. */
#ifndef RAINGAUGE_RETRY_AFTER_H
#define RAINGAUGE_RETRY_AFTER_H

#include "base/slice.h"

#include <stdint.h>

/* How long a server asks to be left alone: the value of its `Retry-After` header, as seconds or as an HTTP date, which
 * is counted from the answer's own `Date` (the two clocks may differ). In milliseconds, at most LIMIT_RETRY_AFTER_S;
 * 0 where nothing was asked, where it lies in the past, or where it cannot be read. */
uint64_t retry_after_ms(struct slice retry_after, struct slice date);

/* An HTTP date in any of the three forms of RFC 9110, as seconds since 1970. */
bool http_date_parse(struct slice text, int64_t *ret_seconds);

#endif
