/* Pure: no I/O, no clock, no logging, no uv. */
#ifndef RAINGAUGE_RECORD_LANE_H
#define RAINGAUGE_RECORD_LANE_H

#include "base/buffer.h"
#include "expr/regex.h"
#include "frames/envelope.h"
#include "frames/record.h"

/* What one stream of a file has open: parts joined to a line, lines joined to a record.
 *
 *     record_lane_reset(&lane, &rules, skip);                           // a new piece of the file
 *     count = record_lane_add(&lane, &rules, &frame, at, records);      // what ends with this line
 *     count = record_lane_flush(&lane, &rules, records);                // what is open, as it is
 *     record_lane_clear_given(&lane);                                   // the records are no longer looked at
 *
 * Without `start` each line is a record; with it a line that matches begins one, and ends the one before. What is
 * longer than max_line is given once, without its text; what remains of it is skipped. A blank record is none.
 * Records are filled but for their place. */

enum lane_skip { SKIP_LINE = 1 /* the parts of a line up to its last */, SKIP_RECORD = 2 /* lines up to a start */ };

struct record_rules {
    const struct regex *start; /* NULL: each line is a record */
    size_t max_line;
};

struct record_stamp { /* copied: a record outlives its first line */
    char time[40], stream[16];
    size_t time_len, stream_len;
};

struct record_lane {
    bool open;    /* `text` holds the lines of a record, then the present line */
    bool in_line; /* … which is not whole */
    unsigned skip;
    struct line_place start, line_start; /* the record's first line, and the present one */
    struct record_stamp stamp, line_stamp, stamp_before;
    struct buffer text, scratch;
    size_t line_at; /* in `text` */
    size_t given;   /* of `text`: went out as records */
};

enum { LANE_RECORDS_MOST = 2 };

void record_lane_init(struct record_lane *lane);
void record_lane_release(struct record_lane *lane);
void record_lane_reset(struct record_lane *lane, const struct record_rules *rules, unsigned skip);
bool record_lane_failed(const struct record_lane *lane); /* no memory */

size_t record_lane_add(struct record_lane *lane, const struct record_rules *rules, const struct frame *frame,
                       struct line_place at, struct record out[LANE_RECORDS_MOST]);
size_t record_lane_flush(struct record_lane *lane, const struct record_rules *rules,
                         struct record out[LANE_RECORDS_MOST]);
/* What is open is waited for no longer: it counts as too long. */
size_t record_lane_give_up(struct record_lane *lane, const struct record_rules *rules,
                           struct record out[LANE_RECORDS_MOST]);
void record_lane_clear_given(struct record_lane *lane);

/* The present line as if `more` were its last part; borrowed until the next call. */
struct slice record_lane_line_with(struct record_lane *lane, struct slice more);

#endif
