/* Pure: no I/O, no clock, no logging, no uv. */
#ifndef RAINGAUGE_MULTILINE_H
#define RAINGAUGE_MULTILINE_H

#include "base/buffer.h"
#include "expr/regex.h"

/* Whether a line begins a record: `start` matches in it (contract 2, `multiline`). A blank line never does. `scratch`
 * takes a copy of a line that is no valid UTF-8. A pattern that gives up has not matched. */
bool multiline_starts(const struct regex *start, struct slice line, struct buffer *scratch);

/* Without the blank lines at its end: what separates two records belongs to neither. */
struct slice multiline_trim(struct slice record);

#endif
