/* Pure: no I/O, no clock, no logging, no uv. */
#ifndef RAINGAUGE_NEAREST_H
#define RAINGAUGE_NEAREST_H

#include "base/slice.h"

/* The nearest of some names (edit distance with transpositions, at most a third of the name's length, but one at
 * least), NULL where none is near: `did you mean "..."`. Of equally near ones the first. A name that is another's first
 * word is near as well: `user` to `user_id`, `event_name` to `event`. */
const char *nearest_name(struct slice name, const char *const names[], size_t count);

#endif
