#ifndef RAINGAUGE_CHUNK_PRINT_H
#define RAINGAUGE_CHUNK_PRINT_H

#include "map/chunk.h"

/* A chunk as `raingauge map` shows it (contract 1): one JSON object a line, in the order of the lines.
 *
 *     {"endpoint":"events/track","rule":"completion","file":"chat.jsonl","offset":0,"call":{…}}
 *     {"outcome":"unmatched","file":"chat.jsonl","offset":812,"reason":"no rule matches"}      with `all` */
void chunk_print(struct buffer *out, const struct chunk *chunk, const struct config *config, struct slice file,
                 bool all);

#endif
