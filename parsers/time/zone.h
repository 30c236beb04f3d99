/* Pure: no I/O, no clock, no logging, no uv. */
#ifndef RAINGAUGE_ZONE_H
#define RAINGAUGE_ZONE_H

#include "base/arena.h"

#include <stdint.h>

/* Time zones from the bytes of TZif files (RFC 8536), so that no process-wide TZ is touched and many threads may
 * convert at once.
 *
 *     zone = time_zone_decode(&arena, bytes_of_the_file);     // NULL: not a TZif file, or damaged
 *     utc = time_zone_to_utc(zone, local_seconds);
 *
 * A local time that comes twice (the clock is set back) is the first of the two; one that never comes (it is set
 * forward) is read as if it had not been set yet. */
struct time_zone;

/* UTC, GMT, Z, or an offset such as +02:00; NULL where the name is none of these. */
const struct time_zone *time_zone_fixed(struct arena *arena, struct slice name);

/* Whether a name may be handed to whoever looks for zone files: a relative path that stays below, such as
 * America/Argentina/La_Rioja. */
bool time_zone_name_is_plain(struct slice name);

const struct time_zone *time_zone_decode(struct arena *arena, struct slice tzif);

/* Seconds since the epoch of a local time, which is given as the seconds since the epoch that it would be in UTC. */
int64_t time_zone_to_utc(const struct time_zone *zone, int64_t local);

/* Seconds to add to UTC at that moment. */
int32_t time_zone_offset_at(const struct time_zone *zone, int64_t utc);

#endif
