#ifndef RAINGAUGE_MERGED_CALLS_H
#define RAINGAUGE_MERGED_CALLS_H

#include "merge/open_record.h"

/* A record that has ended → its rule's calls, in the chunk: at the place of the part that it ended with, so that `map`
 * shows them in the order of the lines, or behind all others (NULL). With `list_all` its lines are named where it came
 * to nothing (`map --all`). The chunk's struct merged_record has the record's `joined`, and the record. False: no
 * memory now, and nothing was done. */
bool merged_calls_add(struct open_record *r, bool list_all, struct arena *arena, struct chunk *chunk,
                      const struct mapped_part *place) __attribute__((warn_unused_result));

#endif
