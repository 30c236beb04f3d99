/* Pure: no I/O, no clock, no logging, no uv. */
#ifndef RAINGAUGE_JSON_WRITER_H
#define RAINGAUGE_JSON_WRITER_H

#include "base/buffer.h"

/* Appends plain UTF-8 as the content of a JSON string, without the quotes: `"` `\` and control characters escaped
 * (\n \t … by their short forms, others \u00xx), all else as it is. Invalid UTF-8 becomes U+FFFD. */
void json_write_escaped(struct buffer *out, struct slice plain);
/* The same with quotes around it. */
void json_write_string(struct buffer *out, struct slice plain);

#endif
