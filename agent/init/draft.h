#ifndef RAINGAUGE_DRAFT_H
#define RAINGAUGE_DRAFT_H

#include "init/samples.h"

/* Rules for lines that no preset knows, from what their members are called and what stands in them, with a comment on
 * how sure each is. Appends `tables:` and `rules:`. False on lack of memory. */
bool draft_rules(const struct samples *s, struct buffer *out) __attribute__((warn_unused_result));

/* Rules that fit any line: each is an event with its text, or its members as properties. */
void draft_fallback(const struct samples *s, struct buffer *out);

#endif
