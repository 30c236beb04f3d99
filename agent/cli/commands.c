#include "cli/command.h"

/* In the order of `raingauge --help`. */
const struct command *const commands[] = {
    &command_run, &command_check, &command_map, &command_test, &command_receive,
};
const size_t command_count = sizeof commands / sizeof commands[0];
