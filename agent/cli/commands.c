#include "cli/command.h"

/* In the order of `raingauge --help`. */
const struct command *const commands[] = {
    /* clang-format off */
    &command_run,
    &command_check,
    &command_map,
    &command_test,
    &command_init,
    &command_status,
    &command_top,
    &command_tap,
    &command_reload,
    &command_replay,
    &command_receive,
    /* clang-format on */
};
const size_t command_count = sizeof commands / sizeof commands[0];
