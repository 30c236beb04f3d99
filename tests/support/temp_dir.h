/* A directory for one test, below $TMPDIR, else in memory (fsync costs nothing there), else below /tmp. */
#ifndef RAINGAUGE_TEST_TEMP_DIR_H
#define RAINGAUGE_TEST_TEMP_DIR_H

#include <stdbool.h>
#include <stddef.h>

struct temp_dir {
    char path[256];
};

void temp_dir_make(struct temp_dir *d);
void temp_dir_remove(struct temp_dir *d); /* with all that is in it */

/* `d`/name, in a buffer that the next calls but three use again. */
const char *temp_path(const struct temp_dir *d, const char *name);
void temp_write(const struct temp_dir *d, const char *name, const void *bytes, size_t len);
/* The file's bytes, zero-terminated, to be freed; NULL where there is no such file. */
char *temp_read(const struct temp_dir *d, const char *name, size_t *ret_len);
/* How many names begin like that. */
size_t temp_count(const struct temp_dir *d, const char *prefix);

#endif
