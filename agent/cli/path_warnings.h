#ifndef RAINGAUGE_PATH_WARNINGS_H
#define RAINGAUGE_PATH_WARNINGS_H

#include "config.h"

/* Warns of each input whose `paths` match no file at the moment (contract 2): looks at the disk. */
void path_warnings_add(const struct config *config, struct diagnostics *d);

#endif
