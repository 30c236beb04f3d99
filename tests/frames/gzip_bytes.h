/* Gzip files in memory, for tests. */
#ifndef RAINGAUGE_TEST_GZIP_BYTES_H
#define RAINGAUGE_TEST_GZIP_BYTES_H

#include "base/buffer.h"

/* Appends one member. */
void gzip_add(struct buffer *out, struct slice content);

#endif
