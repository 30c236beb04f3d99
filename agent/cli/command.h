#ifndef RAINGAUGE_COMMAND_H
#define RAINGAUGE_COMMAND_H

#include <stddef.h>

/* What `raingauge COMMAND` can be: one struct for each, in its own cmd_*.c; commands.c lists them. */
struct command {
    const char *name;
    const char *summary; /* one line, for `raingauge --help` */
    const char *help; /* all of `raingauge COMMAND --help`: synopsis, what it does, options, exit codes, an example */
    /* What stands behind the command's name, ended by NULL; may be re-ordered. Gives the exit code. */
    int (*run)(char **arguments);
};

enum exit_code { /* contract 1 */
                 EXIT_DONE = 0,
                 EXIT_FAILED = 1,
                 EXIT_USAGE = 2,       /* or an invalid configuration */
                 EXIT_DEAD_LETTERS = 3 /* done, but some calls are now in the dead-letter file */
};

extern const struct command command_check, command_init, command_map, command_receive, command_reload, command_replay,
    command_run, command_status, command_tap, command_test, command_top;

extern const struct command *const commands[];
extern const size_t command_count;

#endif
