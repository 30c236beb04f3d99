/* Reads bytes as records and writes down what came of it, for comparing.
 *
 *     OFFSET [TIME STREAM] text, escaped as in JSON
 *     OFFSET oversized
 *     OFFSET fault: … */
#ifndef RAINGAUGE_TEST_READING_H
#define RAINGAUGE_TEST_READING_H

#include "frames/record_reader.h"

enum { READING_RECORDS_MOST = 4096 };

struct reading {
    struct buffer text;                               /* a line for each record */
    size_t ends[READING_RECORDS_MOST];                /* in `text`, of each record's line */
    struct record_place places[READING_RECORDS_MOST]; /* of each record */
    size_t count;
    struct record_place place; /* behind all of them */
    uint64_t nuls;
};

void reading_init(struct reading *reading);
void reading_release(struct reading *reading);

/* All of `file` from `from` on, at once. */
void reading_whole(struct reading *reading, struct record_reader *r, const struct record_options *options,
                   struct slice file, const struct record_place *from, enum record_end end);
/* The same in pieces, as a file that grows: ending where `cuts` has a bit (for 64 places, again
 * and again; a long file has fewer places). */
void reading_in_pieces(struct reading *reading, struct record_reader *r, const struct record_options *options,
                       struct slice file, enum record_end end, uint64_t cuts);

/* Fails the test where reading in pieces, from any record's place, or from the end's, gives other records. */
void reading_check(struct record_reader *r, const struct record_options *options, struct slice file,
                   enum record_end end, unsigned ways);

#endif
