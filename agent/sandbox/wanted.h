#ifndef RAINGAUGE_WANTED_H
#define RAINGAUGE_WANTED_H

#include "config.h"
#include "sandbox/path_set.h"

/* What the agent has to read beside its state: which directories a configuration names, and which files of the system
 * libc, TLS and the log's reader ask for. Paths are as they were written, absolute, and need not exist. */

void wanted_by_inputs(const struct config *config, struct path_set *set);
/* Targets of links, keys, certificates, and the configuration itself. */
void wanted_beside_inputs(const struct config *config, struct path_set *set);

/* Name resolution and its modules, certificate authorities, time zones, and what the kernel says of this process. */
void wanted_of_system(struct path_set *set);

/* What is granted for a directory at the start: itself, or the nearest above it that is there; never `/`, but where
 * that was asked for. */
void wanted_grant(const char *directory, struct path_set *grants);
/* And, so that one made again stays readable, what holds it, also where a link leads. */
void wanted_grant_with_holder(const char *directory, struct path_set *grants);

#endif
