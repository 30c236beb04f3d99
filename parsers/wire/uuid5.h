/* Pure: no I/O, no clock, no logging, no uv. */
#ifndef RAINGAUGE_UUID5_H
#define RAINGAUGE_UUID5_H

#include "base/slice.h"

/* Version-5 UUIDs (RFC 9562) in the namespace OID: the same bytes, the same id, everywhere and for ever. */

struct uuid {
    unsigned char bytes[16];
};

/* Of the parts' bytes, one behind the other. False: no memory for hashing. */
bool uuid5_of(const struct slice parts[], size_t count, struct uuid *ret_uuid) __attribute__((warn_unused_result));

enum { UUID_TEXT = 36 };
/* Lower-case hex with dashes, without a terminating zero. */
void uuid_write(const struct uuid *uuid, char out[UUID_TEXT]);

#endif
