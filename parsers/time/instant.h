/* Pure: no I/O, no clock, no logging, no uv. */
#ifndef RAINGAUGE_INSTANT_H
#define RAINGAUGE_INSTANT_H

#include "time/zone.h"
#include "json/value.h"

/* A moment, to the nanosecond, with as many digits of fraction as its source had: years 0 to 9999, as RFC 3339 has.
 *
 *     if (instant_of_value(arena, &v, NULL, &t)) len = instant_write(&t, text);    // "2026-01-02T03:04:05.678Z"
 */
struct instant {
    int64_t seconds; /* since the epoch, rounded down */
    uint32_t ns;     /* 0 to 999,999,999 */
    unsigned digits; /* of the fraction, 0 to 9 */
};

/* All that the filter `time` takes without a format: ISO 8601 (without an offset it is local time of `zone`, or UTC
 * where that is NULL), seconds to nanoseconds since the epoch by their magnitude, [s, ns]. False: it is no time. */
bool instant_of_value(struct arena *arena, const struct value *v, const struct time_zone *zone,
                      struct instant *ret_instant) __attribute__((warn_unused_result));

/* 2026-01-02T03:04:05.678+01:00, with a blank for the T, a comma before the fraction, an offset without colon, the form
 * without `-` and `:`, a bare date. */
bool instant_of_iso(struct slice text, const struct time_zone *zone, struct instant *ret_instant)
    __attribute__((warn_unused_result));
/* A JSON number: below 1e11 seconds, 1e14 ms, 1e17 µs, above ns. */
bool instant_of_number(struct slice number, struct instant *ret_instant) __attribute__((warn_unused_result));
struct instant instant_of_ms(int64_t ms);

/* Civil time as it was read. `offset` in seconds; where it has none, the zone's (NULL: UTC). False: no such date. */
struct civil {
    int year, month, day, hour, minute, second;
    uint32_t ns;
    unsigned digits;
    bool has_offset;
    int32_t offset;
};
bool instant_of_civil(const struct civil *c, const struct time_zone *zone, struct instant *ret_instant)
    __attribute__((warn_unused_result));

/* Up to 9 digits of a fraction at text[*at]: moves *at behind them. False: none, or more than 9. */
bool fraction_read(struct slice text, size_t *at, uint32_t *ret_ns, unsigned *ret_digits)
    __attribute__((warn_unused_result));
/* Z, z, +hh:mm, +hhmm, +hh at text[*at]. */
bool offset_read(struct slice text, size_t *at, int32_t *ret_offset) __attribute__((warn_unused_result));

enum { INSTANT_TEXT_MOST = 40 };
size_t instant_write(const struct instant *t, char out[INSTANT_TEXT_MOST]);
/* Whether instant_write() would write the instant that this text is just so: it need not be read to be copied. */
bool instant_is_written(struct slice text);

#endif
