#ifndef RAINGAUGE_MAP_READER_H
#define RAINGAUGE_MAP_READER_H

#include "error.h"
#include "follow/content.h"
#include "merge/merger.h"

/* A descriptor's bytes through a mapper, block by block to the end; a last line without newline is taken, too. Records
 * are merged across all descriptors that are given.
 *
 *     map_reader_init(&r, mapper, merger, config, budget);
 *     map_reader_first_line(&r, &content, &line, &error);
 *     map_reader_run(&r, &source, name, on_chunk, context, &error);         // both any number of times
 *     map_reader_end(&r, on_chunk, context, &error);                        // what is still open
 *     map_reader_release(&r); */
struct map_reader {
    struct mapper *mapper;
    struct merger *merger;
    const struct config *config;
    size_t budget;               /* see mapper_take() */
    struct file_content content; /* of the file at hand; borrowed */
    uint64_t read;               /* of a gzip file's content */
    struct chunk chunk;
    struct buffer bytes; /* up to LIMIT_FINGERPRINT of what was taken, then what was not */
    size_t taken;        /* so many at the start of `bytes` */
};

void map_reader_init(struct map_reader *r, struct mapper *mapper, struct merger *merger, const struct config *config,
                     size_t budget);
void map_reader_release(struct map_reader *r);

/* Begins a file, whose descriptor may be a pipe's unless it is read as a gzip file. The first bytes, read ahead: all up
 * to the first newline, at most LIMIT_FINGERPRINT. They are given to the mapper by map_reader_run(). False: read
 * failed, or no memory. */
bool map_reader_first_line(struct map_reader *r, const struct file_content *content, struct slice *ret_line,
                           struct error *ret_error) __attribute__((warn_unused_result));

/* on_chunk is called for each stretch, and may end it by giving false. The source is set but for its id and path;
 * `name` is how the file is shown. */
bool map_reader_run(struct map_reader *r, struct source *source, struct slice name,
                    bool (*on_chunk)(void *context, const struct chunk *chunk), void *context, struct error *ret_error)
    __attribute__((warn_unused_result));
bool map_reader_end(struct map_reader *r, bool (*on_chunk)(void *context, const struct chunk *chunk), void *context,
                    struct error *ret_error) __attribute__((warn_unused_result));

#endif
