#ifndef RAINGAUGE_CONFIG_WATCH_H
#define RAINGAUGE_CONFIG_WATCH_H

#include "config.h"

/* `reload: watch` (contract 2): when the configuration, an included or a key file changed and stayed so for 2 s.
 *
 *     config_watch_init(&w, config);                      // at start and after each reload
 *     if (config_watch_is_due(&w, now)) … reload …        // looks once a second, at config_watch_deadline(&w)
 *     config_watch_release(&w);
 *
 * Files are looked at by stat(2) through their links, so that a ConfigMap's swap of `..data` is seen; their directories
 * too, since a glob of `include` may find a new file there. Nothing is read here: a look that proves to be for nothing
 * costs a load of the configuration. Blocking, but a few stats only. */
struct config_watch {
    char **paths;
    size_t count;
    uint64_t seen;       /* what they looked like, as one number */
    uint64_t changed_at; /* 0: as at the start */
    uint64_t look_at;
    bool on;
};

bool config_watch_init(struct config_watch *w, const struct config *config, uint64_t now)
    __attribute__((warn_unused_result)); /* false: no memory */
void config_watch_release(struct config_watch *w);
bool config_watch_is_due(struct config_watch *w, uint64_t now);
uint64_t config_watch_deadline(const struct config_watch *w); /* UINT64_MAX: not asked for */

#endif
