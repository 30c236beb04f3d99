#ifndef RAINGAUGE_FRAME_H
#define RAINGAUGE_FRAME_H

#include "config.h"
#include "json/json_shapes.h"

/* What an input's `parser` makes of a line's content: a JSON value (contract 3.1). */
enum frame_result { FRAME_OK, FRAME_INVALID, FRAME_NO_MEMORY /* or the arena's ceiling */ };

/* `ret_reason` of FRAME_INVALID is from a fixed list. The value borrows from the content. */
enum frame_result frame_parse(struct arena *arena, struct json_shapes *shapes, const struct input *input,
                              struct slice content, struct value *ret_value, const char **ret_reason)
    __attribute__((warn_unused_result));

/* Whether a last line that has no newline yet is whole: it parses (raw and regex: always). */
bool frame_is_whole(const struct input *input, struct slice content);

#endif
