#ifndef RAINGAUGE_GZ_READER_H
#define RAINGAUGE_GZ_READER_H

#include "base/slice.h"

#include <stdint.h>
#include <sys/types.h>

/* The content of an open gzip file, as if it were a file: read like pread(), cheap where each read begins within the
 * one before it or behind it. A read further back inflates again from the file's start. Blocking; runs on a worker.
 *
 *     g = gz_reader_new();
 *     gz_reader_renew(g, fd);                        // before each job: has the file been written over meanwhile?
 *     n = gz_reader_read(g, fd, to, len, offset);    // short at the end of what can be read: gz_reader_end(g) says why
 *     gz_reader_free(g);
 *
 * Memory: the state of zlib, and what was read last, but no more than LIMIT_PIECE. */

enum gz_end {
    GZ_MORE,    /* is still to be read */
    GZ_WHOLE,   /* the file's end, behind a member */
    GZ_CUT,     /* … within one: it is being written, or was cut */
    GZ_DAMAGED, /* what follows cannot be read */
};

struct gz_reader;
struct gz_reader *gz_reader_new(void); /* NULL: no memory */
void gz_reader_free(struct gz_reader *g);

/* Begins anew where the file is not the one that was read: shorter, or other bytes at its start or where it was read up
 * to. False: errno. */
bool gz_reader_renew(struct gz_reader *g, int fd) __attribute__((warn_unused_result));
/* Less than `len` only at the end. -1: errno. */
ssize_t gz_reader_read(struct gz_reader *g, int fd, char *to, size_t len, uint64_t offset);
enum gz_end gz_reader_end(const struct gz_reader *g);
/* Bytes of the file, which is `size` long, that nothing could be made of; 1 where it is not known what is missing. */
uint64_t gz_reader_useless(const struct gz_reader *g, uint64_t size);

#endif
