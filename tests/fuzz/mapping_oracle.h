/* For the fuzz targets of the mapper: bytes as a log, whole and in pieces, must give the same; each call must be what
 * the wire takes, each line counted once, and lines that are not parsed give no other calls. Aborts otherwise. */
#ifndef RAINGAUGE_FUZZ_MAPPING_ORACLE_H
#define RAINGAUGE_FUZZ_MAPPING_ORACLE_H

#include "config.h"

extern const struct config_source fuzz_empty_world;

/* `seed` says how the bytes are cut. */
void mapping_oracle(const struct config *config, struct slice bytes, uint32_t seed);

#endif
