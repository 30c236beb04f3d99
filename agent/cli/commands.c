#include "cli/command.h"

/* In the order of `raingauge --help`. The first is what runs where no command is named. */
const struct command *const commands[] = {
    NULL,
};
const size_t command_count = sizeof commands / sizeof commands[0] - 1;
