#ifndef RAINGAUGE_PATH_SET_H
#define RAINGAUGE_PATH_SET_H

#include "sandbox/landlock.h"

/* Paths that the process needs: a list without doubles. Owns its texts.
 *
 *     struct path_set set = {0};
 *     path_set_add(&set, "/var/log", false);
 *     if (set.failed) …                    // no memory; looked at once, at the end
 *     path_set_release(&set); */
struct path_set {
    struct landlock_grant *at;
    size_t count, cap;
    bool failed;
};

void path_set_add(struct path_set *set, const char *path, bool write);
void path_set_release(struct path_set *set);
bool path_set_has(const struct path_set *set, const char *path);
/* Whether an absolute path is one of these or lies in one. Compares texts. */
bool path_set_covers(const struct path_set *set, const char *path);

#endif
