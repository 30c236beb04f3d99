#ifndef RAINGAUGE_REPLAY_H
#define RAINGAUGE_REPLAY_H

#include "config.h"
#include "log.h"

/* `raingauge replay`: sends dead letters again. Runs beside an agent or without one: it takes no lock but that of the
 * dead-letter file while it appends. */

struct replay_options {
    const char *state_dir; /* exists */
    char *const *files;    /* dead-letter files */
    size_t file_count;
    uint64_t timeout_ms; /* 0: none */
    bool progress;       /* a bar on the terminal */
};

/* Exit codes of contract 1, as agent_run(). Takes the configuration. */
int replay_run(struct config *config, const struct replay_options *options, struct log *log);

#endif
