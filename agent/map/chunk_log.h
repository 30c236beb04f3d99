#ifndef RAINGAUGE_CHUNK_LOG_H
#define RAINGAUGE_CHUNK_LOG_H

#include "log.h"
#include "map/chunk.h"

/* What came to nothing, in the agent's log (contract 7, 4.2): file, offset, rule and reason. */
void chunk_log_notes(struct log *log, const struct chunk *chunk, const struct config *config, struct slice file);

#endif
