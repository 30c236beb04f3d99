#ifndef RAINGAUGE_ROUTE_H
#define RAINGAUGE_ROUTE_H

#include "config.h"

/* Where a rule's calls of one record go (contract 2): `to` and `project_id` of the rule, else of its input, else the
 * defaults. One that is none is never replaced by a default: the call is rejected. */
struct route {
    uint32_t destination;  /* index in config->destinations */
    struct slice project;  /* its slug; empty: none */
    const char *rejection; /* NULL, or "destination", "project" */
};

struct route route_of(const struct config *config, const struct input *input, const struct rule *rule,
                      struct scope *scope);

#endif
