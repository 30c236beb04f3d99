/* Pure: no I/O, no clock, no logging, no uv. */
#ifndef RAINGAUGE_LINE_SPLITTER_H
#define RAINGAUGE_LINE_SPLITTER_H

#include "text/encoding.h"

#include <stdint.h>

/* Cuts a file's bytes into lines and says where each one stood in the file (contract 7).
 *
 *     line_splitter_init(&s, bytes, offset, skipping, max_line);
 *     while (line_splitter_next(&s, &line)) …      // line.text is borrowed from the bytes
 *     s.offset, s.skipping, s.nul_bytes            // where to go on with the bytes that come next
 *
 * Blank lines, and NUL bytes at a line's start or end (as a crash leaves them), are stepped over, however many; a
 * carriage return before the newline and a byte-order mark at offset 0 are no part of a line. A line that is longer
 * than max_line is given once, without its text, as soon as that is seen; the rest of it is skipped.
 *
 * What is given does not hang on how the bytes were cut into pieces. A line of max_line bytes needs a piece of
 * max_line + LIMIT_NUL_STEP + 2 bytes: a run of NUL bytes before it is taken in steps of so many, each of which moves
 * the line's start. */

struct line {
    struct slice text;
    uint64_t offset; /* of the byte after the previous newline */
    uint64_t nuls;   /* NUL bytes that were stepped over before it */
    bool oversized;  /* text is empty */
};

struct line_splitter {
    struct slice rest; /* not yet taken */
    uint64_t offset;   /* of rest in the file */
    size_t max_line;
    bool skipping;      /* rest goes on within an oversized line */
    uint64_t nul_bytes; /* stepped over so far */

    /* May be set behind line_splitter_init(): */
    enum encoding_kind encoding; /* of the bytes (UTF-8); a line's text is not decoded */
    bool keep_blank;             /* blank lines are given, too (no) */
};

void line_splitter_init(struct line_splitter *s, struct slice bytes, uint64_t offset, bool skipping, size_t max_line);

/* The next line that has its newline (or is known to be too long); false where there is none: `rest` waits for more. */
bool line_splitter_next(struct line_splitter *s, struct line *ret_line);

/* Steps over whole lines that somebody else has looked at: `len` bytes of `rest`, which begins with a line. */
void line_splitter_skip(struct line_splitter *s, size_t len);

/* What waits, as a line without its newline; false where it is blank. Takes nothing: line_splitter_take_rest() does,
 * once the line is known to be whole. */
bool line_splitter_peek_rest(const struct line_splitter *s, struct line *ret_line);
void line_splitter_take_rest(struct line_splitter *s);

#endif
