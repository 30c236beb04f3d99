#ifndef RAINGAUGE_RECORDS_H
#define RAINGAUGE_RECORDS_H

#include "map/rules_apply.h"

/* An input's `records` (contract 3.1): the nodes of its paths, each path applied to the nodes of the one before it, as
 * records of their own, in order; $parent is what a record was taken out of, $parent2 the one around that … */
typedef enum map_step record_taker(void *context, const struct value *record, const struct value parents[],
                                   size_t parent_count);

/* MAP_TOO_COMPLEX above LIMIT_RECORDS_A_LINE. What is made of one record in the arena is gone with it. */
enum map_step records_each(struct arena *arena, const struct input *input, const struct value *line, record_taker *take,
                           void *context) __attribute__((warn_unused_result));

#endif
