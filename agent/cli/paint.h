#ifndef RAINGAUGE_PAINT_H
#define RAINGAUGE_PAINT_H

#include "base/buffer.h"

/* JSON, an object a line, coloured for a terminal: names, strings, and what an object says first of itself (its
 * endpoint or outcome). Nothing but colours is added. */
void paint_json_lines(struct slice lines, struct buffer *out);

#endif
