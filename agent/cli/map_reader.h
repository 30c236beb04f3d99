#ifndef RAINGAUGE_MAP_READER_H
#define RAINGAUGE_MAP_READER_H

#include "error.h"
#include "map/mapper.h"

/* A descriptor's bytes through a mapper, block by block to the end; a last line without newline is taken, too.
 *
 *     map_reader_init(&r, mapper, budget);
 *     map_reader_run(&r, fd, &source, on_chunk, context, &error);     // any number of times
 *     map_reader_release(&r); */
struct map_reader {
    struct mapper *mapper;
    size_t budget; /* see mapper_take() */
    struct chunk chunk;
    struct buffer bytes; /* up to LIMIT_FINGERPRINT of what was taken, then what was not */
    size_t taken;        /* so many at the start of `bytes` */
};

void map_reader_init(struct map_reader *r, struct mapper *mapper, size_t budget);
void map_reader_release(struct map_reader *r);

/* The first bytes, read ahead: all up to the first newline, at most LIMIT_FINGERPRINT. They are given to the mapper by
 * map_reader_run(). False: read failed, or no memory. */
bool map_reader_first_line(struct map_reader *r, int fd, struct slice *ret_line, struct error *ret_error)
    __attribute__((warn_unused_result));

/* on_chunk is called for each stretch, and may end it by giving false. The source is set but for its id and path. */
bool map_reader_run(struct map_reader *r, int fd, struct source *source,
                    bool (*on_chunk)(void *context, const struct chunk *chunk), void *context, struct error *ret_error)
    __attribute__((warn_unused_result));

#endif
