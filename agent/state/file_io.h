#ifndef RAINGAUGE_FILE_IO_H
#define RAINGAUGE_FILE_IO_H

#include "base/slice.h"
#include "error.h"

/* Files of the state directory, written so that a crash at any moment leaves the old content or the new one. Blocking:
 * at start, at the end, or on a worker. Mode 0600. */

/* All of it: short writes and EINTR are gone on from. False with errno set. */
bool file_write_all(int fd, struct slice bytes) __attribute__((warn_unused_result));

/* Opens a regular file, for reading or (O_RDWR, O_APPEND …) as flags say, without waiting for a FIFO's other end and
 * without making it a child's. -1 with errno set (EINVAL: not a regular file). */
int file_open_regular(const char *path, int flags) __attribute__((warn_unused_result));
const char *file_open_strerror(int error); /* what that errno means */

/* Everything that is in the file from its start; zero-terminated beyond *ret_len, to be freed. False with errno set,
 * EFBIG above `limit`. */
bool file_read_all(int fd, size_t limit, char **ret_text, size_t *ret_len) __attribute__((warn_unused_result));

/* Puts the parts, one after the other, in the place of `path`: written to `path`.tmp, synced, renamed, and the
 * directory synced. Where ret_fd is given, the new file stays open there for appending. On failure the old file is as
 * it was (where only the directory's sync failed: it may be either), and no temporary file is left. */
bool file_replace(const char *path, const struct slice parts[], size_t count, int *ret_fd, struct error *ret_error)
    __attribute__((warn_unused_result));

/* Makes names that were made, changed or removed in the directory that holds `path` last. False with errno set. */
bool file_sync_directory_of(const char *path) __attribute__((warn_unused_result));

#endif
