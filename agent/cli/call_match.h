#ifndef RAINGAUGE_CALL_MATCH_H
#define RAINGAUGE_CALL_MATCH_H

#include "json/value.h"

/* Whether a call has what a test expects of it (contract 5): of an object the members that are named, likewise within
 * them; of an array as many elements, each with what is expected of it; other values as they are (numbers by value).
 * The first thing that is not so is said: `ai_data.input: expected "hi", got "ho"`. */
bool call_match(struct arena *arena, const struct value *expected, struct value got, struct buffer *difference)
    __attribute__((warn_unused_result));

#endif
