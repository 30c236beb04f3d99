#ifndef RAINGAUGE_SECCOMP_FILTER_H
#define RAINGAUGE_SECCOMP_FILTER_H

#include <stdbool.h>

/* System calls that the process will never need again are refused from now on, in every thread: starting a program,
 * tracing or reading another process, opening a socket of another kind than HTTP and name resolution use, listening,
 * and what changes the machine. A call that is refused fails with EPERM; nothing is killed.
 *
 * True: in force. False: not, and *ret_why says why, from a fixed list. */
bool seccomp_filter_enter(const char **ret_why) __attribute__((warn_unused_result));

#endif
