#ifndef RAINGAUGE_AGENT_H
#define RAINGAUGE_AGENT_H

#include "config.h"
#include "error.h"
#include "log.h"

/* The running agent: builds the parts, holds the end of each turn, and the order of stopping. Blocks until it ends. */

struct agent_options {
    const char *state_dir; /* exists */
    bool once;             /* read to the size that the files had at the start, deliver, save, end */
    uint64_t timeout_ms;   /* of --once; 0: none */
    bool progress;         /* --once: a bar on the terminal */
};

/* Exit codes of contract 1: 0; 1 where it failed or --once was ended before its end; 3 where --once delivered all that
 * could be but some calls became dead letters. The reason of a failure is in the log. */
int agent_run(const struct config *config, const struct agent_options *options, struct log *log);

#endif
