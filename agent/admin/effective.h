#ifndef RAINGAUGE_EFFECTIVE_H
#define RAINGAUGE_EFFECTIVE_H

#include "base/buffer.h"
#include "config.h"

/* The configuration in force as YAML to read, defaults filled in, without its secrets: where a key or a header's value
 * would stand it says that there is one, a URL's user and password are left out. Rules and expressions are named by
 * their place in the file. */
void effective_write(struct buffer *out, const struct config *config, const char *state_dir);

#endif
