/* Pure: no I/O, no clock, no logging, no uv. */
#ifndef RAINGAUGE_RECORD_READER_H
#define RAINGAUGE_RECORD_READER_H

#include "frames/record.h"
#include "frames/record_lane.h"
#include "text/line_splitter.h"

/* A file's bytes → what the parser gets: lines, decoded, their envelope taken off, the parts of a line joined for each
 * stream, lines joined to records (contract 3.1).
 *
 *     record_reader_init(&r);                                    // keeps its buffers from one piece to the next
 *     record_reader_begin(&r, &options, bytes, &place, end);
 *     while (record_reader_next(&r, &record)) …                  // texts are borrowed until the next call
 *     if (r.failed) …                                            // no memory: nothing of it counts
 *     place = record_reader_place(&r);                           // where to begin with the bytes that come next
 *     record_reader_release(&r);
 *
 * Nothing of a record that is not whole is kept from one piece to the next: a piece begins at the start of the oldest
 * one. Streams stand mixed in a file, and what came of the other one behind that start is remembered in the place, so
 * that from any place and in any pieces the same records follow.
 *
 * What can go wrong:
 *  - a record's text is longer than max_line, or its lines stand further than LIMIT_RECORD_REACH apart (the end of a
 *    line does not come while another stream goes on): it is given once, without its text, and skipped to its end;
 *  - a line has not the envelope that should be there: it is given with a `fault`, and ends what lane 0 has open;
 *  - a line of the file is too long to see whose it is: it is given without its text, and ends what is open. */

struct record_options {
    enum encoding_kind encoding;
    enum envelope_kind envelope;
    const struct regex *multiline_start; /* NULL: each line is a record */
    size_t max_line;
    /* Whether a text that might still go on is whole (it parses). NULL: any is. */
    bool (*is_whole)(const void *context, struct slice text);
    const void *context;
};

enum record_end {                       /* what the end of the bytes is */
                  RECORDS_GO_ON,        /* more comes */
                  RECORDS_AT_REST,      /* the file has not grown for a while: no record waits for more lines */
                  RECORDS_END_IF_WHOLE, /* the file's end: a line without its newline, and a part, is taken if it is
                                           whole … */
                  RECORDS_END,          /* … or whatever it is */
};

/* Bytes that a piece needs so that something is taken of it for sure. */
size_t record_reader_piece(const struct record_options *options);

enum { RECORDS_A_LINE = 2 * LANE_RECORDS_MOST + 1 }; /* end with it, at most */

struct record_reader {
    bool failed;

    /* private */
    struct record_options options;
    struct record_rules rules;
    bool joins; /* not each line is a record */
    enum record_end end;
    enum { END_NOT_REACHED, END_LAST_LINE, END_LANES, END_DONE } ending;
    struct line_splitter splitter;
    struct line_place here; /* the line at hand: all before it was taken */
    struct frame held;      /* … and that it comes again, as there was something to end before it */
    bool holds;
    struct record_lane lanes[FRAME_LANES];
    unsigned lane_count;
    uint64_t taken_to[FRAME_LANES]; /* by an earlier reading */
    struct record given[RECORDS_A_LINE];
    size_t first, count;
    struct arena arena; /* of the line at hand */
    struct buffer decoded;
};

void record_reader_init(struct record_reader *r);
void record_reader_release(struct record_reader *r);
void record_reader_begin(struct record_reader *r, const struct record_options *options, struct slice bytes,
                         const struct record_place *from, enum record_end end);
bool record_reader_next(struct record_reader *r, struct record *ret_record);

/* What comes behind the record that was given last, where each line of it is a record by itself; else nothing. Whole
 * lines of it may be skipped, so that the next record comes behind them. */
struct slice record_reader_rest(const struct record_reader *r);
void record_reader_skip(struct record_reader *r, size_t len);

/* Behind the record that was given last. */
struct record_place record_reader_place(const struct record_reader *r);
bool record_reader_has_rest(const struct record_reader *r); /* there is more behind it */

#endif
