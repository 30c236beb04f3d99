#ifndef RAINGAUGE_SANDBOX_H
#define RAINGAUGE_SANDBOX_H

#include "config.h"
#include "error.h"
#include "log.h"

/* The process confines itself once it has started: it reads only what its configuration names and the system's
 * libraries need, writes only its state, starts no program and opens only the sockets it needs (contract 9).
 *
 *     if (!sandbox_enter(config, state_dir, log, &error)) …      // all is open; no thread runs yet
 *     text = sandbox_strerror(path, errno);                      // instead of strerror(): names the sandbox where it
 * is path = sandbox_lacks(new_config);                          // before a reload: what needs a restart
 *
 * There is one confinement, the process's own, and it is never lifted; what is known of it is set once, before threads
 * begin, and only read after that. A process that never entered is allowed everything. */

/* False: `sandbox: require` and the kernel lacks something, or there is no memory; the error says what. With `auto`
 * what is missing is a line of log. */
bool sandbox_enter(const struct config *config, const char *state_dir, struct log *log, struct error *ret_error)
    __attribute__((warn_unused_result));

/* The directory that this configuration needs and the confinement does not allow, to be freed; NULL: none. */
char *sandbox_lacks(const struct config *config) __attribute__((warn_unused_result));

/* What errno says of a path that could not be opened: it may be the confinement's doing. */
const char *sandbox_strerror(const char *path, int error);

#endif
