#ifndef RAINGAUGE_CHUNK_PRINT_H
#define RAINGAUGE_CHUNK_PRINT_H

#include "map/chunk.h"

/* A chunk as `raingauge map` shows it (contract 1): one JSON object a line, in the order of the lines.
 *
 *     {"endpoint":"events/track","rule":"completion","file":"chat.jsonl","offset":0,"call":{…}}
 *     {"outcome":"unmatched","file":"chat.jsonl","offset":812,"reason":"no rule matches"}      with `all` */
void chunk_print(struct buffer *out, const struct chunk *chunk, const struct config *config, struct slice file,
                 bool all);

/* The same for `tap`: calls and refusals, with `rule` (an index; UINT32_MAX: all) those of it alone. */
void chunk_print_rule(struct buffer *out, const struct chunk *chunk, const struct config *config, struct slice file,
                      uint32_t rule);
uint64_t chunk_count_rule(const struct chunk *chunk, uint32_t rule); /* how many that are */

#endif
