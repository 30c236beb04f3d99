#ifndef RAINGAUGE_CONTENT_H
#define RAINGAUGE_CONTENT_H

#include "follow/gz_reader.h"

/* What an open file holds: its bytes, or, of a gzip file, what they stand for. All offsets are in that. */
struct file_content {
    int fd;               /* -1: not open */
    struct gz_reader *gz; /* NULL: its bytes as they are */
};

/* How large a gzip file is, and content_hash_of() its last KiB, where its checksum stands. */
struct gz_mark {
    uint64_t size, tail;
};

/* pread() that goes on after a short read; less than `len` only at the end. -1: errno. */
ssize_t content_read(const struct file_content *c, char *to, size_t len, uint64_t offset);
/* All `len` bytes. False: errno; 0 where there are less. */
bool content_read_whole(const struct file_content *c, char *to, size_t len, uint64_t offset)
    __attribute__((warn_unused_result));

void content_close(struct file_content *c); /* nothing where it is not open */

#endif
