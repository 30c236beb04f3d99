#ifndef RAINGAUGE_REJECTIONS_H
#define RAINGAUGE_REJECTIONS_H

#include "config.h"

/* What calls of a rule may be rejected for (contract 4.2), as far as its mapping tells: a field that is a literal is
 * never missing. So that the series of these reasons are there before the first rejection: an alert on an increase
 * does not see a series that begins at 1. Gives each reason at least once; texts are static. */
void rejections_of(const struct config *config, const struct rule *rule,
                   void (*on_reason)(void *context, const char *reason), void *context);

#endif
