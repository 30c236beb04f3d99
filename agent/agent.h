#ifndef RAINGAUGE_AGENT_H
#define RAINGAUGE_AGENT_H

#include "config.h"
#include "error.h"
#include "log.h"

/* The running agent: builds the parts, holds the end of each turn, and the order of stopping. Blocks until it ends. */

struct agent_options {
    /* For a reload: the configuration anew, with the mistakes in `d`; NULL where there are any. */
    struct config *(*load)(void *context, struct diagnostics *d);
    void *load_context;
    /* Where a configuration keeps its state, to be freed: another one than state_dir needs a restart. */
    char *(*state_dir_of)(void *context, const struct config *config);
    const char *state_dir; /* exists */
    bool once;             /* read to the size that the files had at the start, deliver, save, end */
    uint64_t timeout_ms;   /* of --once; 0: none */
    bool progress;         /* --once: a bar on the terminal */
};

/* Exit codes of contract 1: 0; 1 where it failed or --once was ended before its end; 3 where --once delivered all that
 * could be but some calls became dead letters. The reason of a failure is in the log. Takes the configuration, and
 * those that replace it: they are freed before it returns. */
int agent_run(struct config *config, const struct agent_options *options, struct log *log);

/* SIGTERM, SIGINT and SIGHUP wait until agent_run() listens for them: one that comes while the configuration is loaded
 * would end the process unsaid, and be lost on one that is a container's first. */
void agent_hold_signals(bool hold);

#endif
