#ifndef RAINGAUGE_PROGRESS_H
#define RAINGAUGE_PROGRESS_H

#include "base/buffer.h"

#include <stdint.h>

/* The bar of `run --once` on a terminal (contract 1): bytes read of total, calls delivered, rate, time left.
 *
 *     progress_init(&p, STDERR_FILENO, now);             // does nothing from then on where that is no terminal
 *     log_before_line(log, progress_clear, &p);          // a line of log is written in its place
 *     progress_update(&p, &state, now);                  // as often as wanted; draws ten times a second at most
 *     progress_end(&p, &state, now);                     // draws once more and leaves it there
 *
 *     [##########          ]  48%  480.0 MiB of 1000.0 MiB  12345 calls  31.5 MiB/s  0:16 left */
struct progress_state {
    uint64_t bytes_read, bytes_total; /* of the files, to the sizes they had at the start */
    uint64_t calls_delivered;
};

struct progress {
    int fd; /* -1: no terminal */
    uint64_t began, drawn_at;
    uint64_t began_bytes; /* what had been read when it began: a run that goes on where another was */
    bool begun, drawn;
};

void progress_init(struct progress *p, int fd, uint64_t now_ms);
void progress_update(struct progress *p, const struct progress_state *state, uint64_t now_ms);
/* `progress` is the struct: the bar is taken off the terminal until the next update. */
void progress_clear(void *progress);
void progress_end(struct progress *p, const struct progress_state *state, uint64_t now_ms);

/* The bar's text at that width, without moving the cursor: what is drawn. For tests. */
void progress_write(struct buffer *out, const struct progress *p, const struct progress_state *state, uint64_t now_ms,
                    unsigned width);

#endif
