/* raingauge replay: sends dead letters again. */
#include "cli/command.h"
#include "cli/options.h"
#include "cli/terminal.h"
#include "replay/replay.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static int replay_with(struct config *config, struct replay_options *options, const struct config_options *o)
{
    struct error error;
    char *state_dir = options_state_dir(o, config);
    if (!state_dir || !options_make_state_dir(state_dir, &error)) {
        fprintf(stderr, "raingauge replay: %s\n", state_dir ? error.text : "out of memory");
        free(state_dir);
        config_free(config);
        return EXIT_FAILED;
    }
    struct log *log = log_new(STDERR_FILENO);
    log_configure(log, config->log_level, config->log_json);
    options->state_dir = state_dir;
    options->progress = terminal_is(STDERR_FILENO);
    int code = replay_run(config, options, log);
    log_free(log);
    free(state_dir);
    return code;
}

static int cmd_replay(char **arguments)
{
    struct config_options o = {0};
    struct replay_options options = {0};
    const char *timeout = NULL;
    const struct option_row rows[] = {
        {"--timeout", NULL, OPTION_TEXT, &timeout}, CONFIG_OPTION_ROWS(&o), OPTION_ROWS_END};
    int rest = arguments_parse("replay", rows, arguments);
    if (rest < 0)
        return EXIT_USAGE;
    if (rest == 0)
        return usage_error("replay", "which dead-letter file? (the agent's is STATE_DIR/dead-letter.jsonl)");
    if (timeout && (!config_parse_duration(slice_from(timeout), &options.timeout_ms) || options.timeout_ms == 0))
        return usage_error("replay", "--timeout \"%s\" is no duration such as 90s or 10m", timeout);
    options.files = arguments;
    options.file_count = (size_t)rest;
    struct config *config = options_load_or_explain(&o, CONFIG_FOR_RUN);
    return config ? replay_with(config, &options, &o) : EXIT_USAGE;
}

const struct command command_replay = {
    .name = "replay",
    .summary = "send dead letters again",
    .help =
        "Usage: raingauge replay [--timeout DURATION] [-c FILE] [--state-dir DIR] DEADLETTERFILE...\n"
        "\n"
        "Sends the calls of dead-letter files again, once what the server refused them for is mended. Each is read to\n"
        "the size it has now and left as it is. A call goes where it was to go, with the present write key, as it is;\n"
        "a log line that was kept (dead_letter.lines) is mapped again by the present rules. What fails again is\n"
        "appended to the state directory's dead-letter file.\n"
        "\n"
        "It runs beside the agent or without it, and may be interrupted and repeated: a repeated call bears the same\n"
        "event_id. It waits as long as the server cannot be reached or pauses it. On a terminal it shows how far it "
        "is.\n"
        "A destination that takes nothing holds up no other. A call whose destination is no longer configured stays a "
        "dead\n"
        "letter: it is named, and appended again.\n"
        "\n"
        "Options:\n"
        "  --timeout DURATION   end after that long, whatever is left (such as 10m)\n"
        "  -c, --config FILE    the configuration (default: $RAINGAUGE_CONFIG, else /etc/raingauge/raingauge.yaml)\n"
        "  --state-dir DIR      where the dead-letter file is (default: the configuration's state_dir)\n"
        "\n"
        "SIGTERM and SIGINT end it: what was read is delivered, for upload.shutdown_timeout at most; a second one "
        "ends\n"
        "it at once.\n"
        "\n"
        "Exit codes: 0 every call was delivered; 1 failed, or ended by a signal or --timeout, or a line of a file is "
        "no\n"
        "dead letter; 2 wrong usage or an invalid configuration; 3 some calls failed again, or have no destination "
        "any\n"
        "more, and are in the dead-letter file anew.\n"
        "\n"
        "Example: keep what is there apart, then send it:\n"
        "  mv /var/lib/raingauge/dead-letter.jsonl /tmp/again.jsonl && raingauge replay /tmp/again.jsonl\n",
    .run = cmd_replay,
};
