#ifndef RAINGAUGE_PREFILTER_H
#define RAINGAUGE_PREFILTER_H

#include "config.h"

/* Tells lines that no rule can match without parsing them (`validate: matched`). Each rule's `when` may need one of
 * some texts to stand in the record as a JSON string; a line with none of them is unmatched, whatever else is in it. It
 * only ever errs on the side of parsing: a line with a backslash may hold a text in another form, one without an
 * object's braces is none. */
struct prefilter {
    const struct slice *needles; /* with the quote behind them */
    size_t count;                /* 0: every line is parsed */
    bool begins[256];            /* some needle begins with that byte */
};

/* Of the rules that look at that input; lives in the arena. Where memory lacks it lets every line through. */
struct prefilter prefilter_of(const struct config *config, size_t input, struct arena *arena);

bool prefilter_may_match(const struct prefilter *p, struct slice line);

#endif
