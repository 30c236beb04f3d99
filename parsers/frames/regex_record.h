/* Pure: no I/O, no clock, no logging, no uv. */
#ifndef RAINGAUGE_REGEX_RECORD_H
#define RAINGAUGE_REGEX_RECORD_H

#include "base/buffer.h"
#include "expr/regex.h"

/* A line by a pattern → an object of its named groups, those that took part, as text. Invalid UTF-8 is mended first. On
 * lack of memory arena->failed. */
enum regex_result regex_record_to_json(struct arena *arena, const struct regex *pattern, struct slice line,
                                       struct buffer *out) __attribute__((warn_unused_result));

#endif
