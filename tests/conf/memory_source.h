/* A struct config_source of the test's own: an environment and files that stand in memory, or in one directory. */
#ifndef RAINGAUGE_TEST_MEMORY_SOURCE_H
#define RAINGAUGE_TEST_MEMORY_SOURCE_H

#include "config.h"

struct memory_file {
    const char *name, *text;
};

struct memory_source {
    const char *directory;           /* files are looked for here, too; NULL: only in memory */
    const struct memory_file *files; /* ends with a name NULL */
    const char *variables[16];       /* "NAME=value" */
};

struct config_source memory_source_of(struct memory_source *m);

#endif
