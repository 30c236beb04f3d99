#ifndef RAINGAUGE_PREFILTER_H
#define RAINGAUGE_PREFILTER_H

#include "config.h"

/* Tells lines that no rule can match without parsing them (`validate: matched`). Each rule's `when` may need one of
 * some texts to stand in the record as a JSON string; a line with none of them is unmatched, whatever else is in it. It
 * only ever errs on the side of parsing: a line may hold a text in another form where it has an escape that can stand
 * for one of its characters, one without an object's braces is no record.
 *
 * Most lines of most logs are such, so they are skipped many at a time:
 *
 *     prefilter_scan_begin(&scan, &prefilter, bytes);
 *     len = prefilter_skip(&scan, rest, max_line, &lines);    // rest: from a line's start to the end of the bytes
 *
 *     if (prefilter_scan_may_match(&scan, line)) …             // one that has to be looked at; lines come in order
 *
 * where prefilter_may_match(), which looks at a line by itself, is the plain way to say the same. */

enum {
    NEEDLES_MOST = 1024,
    NEEDLES_FEW = 4, /* so many are looked for one by one; of more, each string of a line is looked at */
};

struct prefilter {
    const struct slice *needles; /* with the quote behind them, in order */
    size_t count;                /* 0: every line is parsed */
    struct probe {
        size_t first, second; /* where in the needle two bytes stand that are rare in logs */
    } probes[NEEDLES_FEW];
    uint64_t *pairs;          /* a bit for each two bytes that some needle begins with */
    bool beyond_ascii, slash; /* there is such a character in some needle */
    bool escaped;             /* ... or one that JSON has to escape */
};

/* Of the rules that look at that input; lives in the arena. Where memory lacks it lets every line through. */
struct prefilter prefilter_of(const struct config *config, size_t input, struct arena *arena);

bool prefilter_may_match(const struct prefilter *p, struct slice line);

/* Where in the bytes each needle was last found, and the next escape that may matter, or how far there is none. */
struct prefilter_scan {
    const struct prefilter *of;
    const char *needles[NEEDLES_FEW]; /* of many: the next of any is needles[0] */
    const char *escape;
    bool escape_found; /* else none stands before it */
    const char *asked; /* what was found is behind it */
    const char *end;
};
void prefilter_scan_begin(struct prefilter_scan *scan, const struct prefilter *p, struct slice bytes);

/* Of a line that may, but need not, be a part of the bytes, behind those that were asked for before. */
bool prefilter_scan_may_match(struct prefilter_scan *scan, struct slice line);

/* How many bytes of whole lines, from the first on, no rule can match; what comes then has to be looked at by itself.
 * The cost of all calls on the bytes together grows with the bytes and what is found in them. */
size_t prefilter_skip(struct prefilter_scan *scan, struct slice rest, size_t max_line, size_t *ret_lines);

#endif
