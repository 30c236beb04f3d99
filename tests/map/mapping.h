/* Bytes through a mapper, as the agent gives them: read by read, what was not taken again. */
#ifndef RAINGAUGE_TEST_MAPPING_H
#define RAINGAUGE_TEST_MAPPING_H

#include "merge/merger.h"

struct mapping {
    struct config *config; /* NULL: invalid, and that was printed */
    struct mapper *mapper;
    struct merger *merger; /* what is open at the end of the bytes ends with them */
    struct chunk chunk;
    struct source source;
    struct buffer shown; /* as `raingauge map --all` … */
    bool calls_only;     /* … or without --all */
    uint64_t lines_read, outcomes[OUTCOME_COUNT], nul_bytes, lines_with_calls;
};

void mapping_begin(struct mapping *m, struct slice config); /* with MAP_ALL */
void mapping_set_mode(struct mapping *m, enum map_mode mode);
/* The bytes' parts up to each of `ends` (rising; the last one is all) become readable one after the other. */
void mapping_take(struct mapping *m, struct slice bytes, const size_t ends[], size_t count, size_t budget);
void mapping_end(struct mapping *m);

#endif
