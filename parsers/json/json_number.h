/* Pure: no I/O, no clock, no logging, no uv. */
#ifndef RAINGAUGE_JSON_NUMBER_H
#define RAINGAUGE_JSON_NUMBER_H

#include "base/slice.h"

#include <stdint.h>

/* Numbers as their JSON text. Nothing here rounds unless it says double. */

/* The number that begins the text, by RFC 8259's grammar: its length, or 0. */
size_t json_number_span(struct slice text);
/* The whole text is one JSON number. */
bool json_number_is(struct slice text);

/* Orders by exact decimal value, whatever the exponents (-0 = 0, 1.10 = 1.1, 1e400 > 1e399). Works in time linear in
 * the texts, without big numbers. Both must be JSON numbers. */
int json_number_compare(struct slice a, struct slice b);

/* An integer by value (12, 1.2e1, 12.0), if it is whole and fits. */
bool json_number_to_int64(struct slice number, int64_t *ret);
double json_number_to_double(struct slice number); /* nearest; may be infinite; locale-independent */

/* Shortest text that reads back as the same double; whole numbers below 1e21 without point or exponent. Returns the
 * length (at most 32), 0 where it is not finite. Locale-independent. */
size_t json_number_from_double(double d, char out[32]);

#endif
