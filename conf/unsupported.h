/* Pure. Private to conf/. */
#ifndef RAINGAUGE_UNSUPPORTED_H
#define RAINGAUGE_UNSUPPORTED_H

#include "yaml_tree.h"

/* Keys that the contract knows and the agent does not do yet: a configuration that asks for one is refused rather than
 * half obeyed. One table, which shrinks. */
bool unsupported_here(const char *section, const char *key, const struct yaml_node *value);

#endif
