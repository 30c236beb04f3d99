/* Pure: no I/O, no clock, no logging, no uv. */
#ifndef RAINGAUGE_RECORD_H
#define RAINGAUGE_RECORD_H

#include "frames/envelope.h"

#include <stdint.h>

struct line_place {
    uint64_t offset;
    uint64_t nuls; /* NUL bytes that were stepped over in the piece before it */
};

/* From where a file's records are read on, so that the same ones follow. It is the start of the oldest record that was
 * not whole; lines of another stream behind it may have been taken already, and must not come again. Where each line is
 * a record all but `at` is zero. */
struct record_place {
    struct line_place at;
    bool skipping; /* within a line that is too long */
    struct record_lanes {
        uint32_t ahead[FRAME_LANES]; /* a lane's lines that begin in so many bytes behind `at` were taken */
        uint32_t skip[FRAME_LANES];  /* enum lane_skip: what is skipped behind them */
    } lanes;
};

/* The fault of a line that has not the envelope that should be there. */
#define RECORD_NO_ENVELOPE "no line of a container"

/* What the parser gets: a line, or what was joined from several. It counts as one line (contract 6.1), however many
 * lines of the file it came from: the parts of a container's line are one line, and so is a multiline record. */
struct record {
    struct slice text;
    struct line_place at;      /* of its first line */
    bool oversized;            /* without text */
    const char *fault;         /* not NULL: there is no such text, it is the line as it is; from a fixed list */
    struct slice time, stream; /* of its first line's envelope; empty: none */
    struct record_place place; /* reading from there gives it first */
};

#endif
