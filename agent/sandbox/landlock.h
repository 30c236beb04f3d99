#ifndef RAINGAUGE_LANDLOCK_H
#define RAINGAUGE_LANDLOCK_H

#include <stdbool.h>
#include <stddef.h>

/* From now on this thread, and those that it starts, open only what lies in these directories (or is one of these
 * files), whatever they may have been allowed before; nothing is executed. What is open stays usable.
 *
 *     struct landlock_grant grants[] = {{"/var/log/chat", false}, {"/var/lib/raingauge", true}};
 *     if (!landlock_enter(grants, 2, &version, &why)) …
 *
 * Paths are followed through links; a rule holds for what is there now, and what is made in it later, not for another
 * directory that gets its name. What is not there is left out. */

struct landlock_grant {
    const char *path;
    bool write; /* also make, write, rename and remove regular files and sockets in it */
};

/* True: in force, *ret_version is the kernel's. False: not, and *ret_why says why, from a fixed list. */
bool landlock_enter(const struct landlock_grant *grants, size_t count, int *ret_version, const char **ret_why)
    __attribute__((warn_unused_result));

#endif
