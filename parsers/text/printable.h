/* Pure: no I/O, no clock, no logging, no uv. */
#ifndef RAINGAUGE_PRINTABLE_H
#define RAINGAUGE_PRINTABLE_H

#include "base/buffer.h"

/* Appends text that somebody else wrote for a person to read, on a terminal or in a log: as the content of a JSON
 * string, and besides with what a terminal or a pager would act on as \uXXXX: DEL, C1 controls, the separators of lines
 * and paragraphs, the marks that turn the direction of writing. */
void printable_write(struct buffer *out, struct slice text);

#endif
