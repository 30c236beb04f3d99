#ifndef RAINGAUGE_LOCK_H
#define RAINGAUGE_LOCK_H

#include "error.h"

#include <stdbool.h>

/* One agent for each state directory: state_dir/lock, held with flock(2) for the process's life, so that a killed agent
 * leaves nothing behind. Its text names the holder (pid, host, since when), which the second one prints. */
struct lock {
    int fd;
};
bool lock_take(struct lock *lock, const char *state_dir, struct error *ret_error);
void lock_release(struct lock *lock);

#endif
