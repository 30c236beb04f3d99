/* raingauge run: follows the files and uploads, until a signal comes or, with --once, until all is delivered. */
#include "agent.h"
#include "cli/command.h"
#include "cli/options.h"
#include "cli/terminal.h"
#include "sandbox/sandbox.h"

#include <unistd.h>

struct run_options {
    struct config_options config;
    bool once, quiet;
    const char *timeout;
};

static struct config *load_again(void *context, struct diagnostics *d)
{
    const struct run_options *o = context;
    return options_load(&o->config, CONFIG_FOR_RUN, d);
}

static char *state_dir_of(void *context, const struct config *config)
{
    const struct run_options *o = context;
    return options_state_dir(&o->config, config);
}

static int run_with(struct config *config, struct run_options *o, uint64_t timeout_ms)
{
    struct error error;
    char *state_dir = options_state_dir(&o->config, config);
    if (!state_dir || !options_make_state_dir(state_dir, &error)) {
        fprintf(stderr, "raingauge: %s\n", state_dir ? error.text : "out of memory");
        free(state_dir);
        config_free(config);
        return EXIT_FAILED;
    }
    struct log *log = log_new(STDERR_FILENO);
    log_configure(log, o->quiet ? LOG_ERROR : config->log_level, config->log_json);
    const struct agent_options options = {.load = load_again,
                                          .load_context = o,
                                          .state_dir_of = state_dir_of,
                                          .state_dir = state_dir,
                                          .once = o->once,
                                          .timeout_ms = timeout_ms,
                                          .progress = o->once && !o->quiet && terminal_is(STDERR_FILENO)};
    int code = agent_run(config, &options, log);
    log_free(log);
    free(state_dir);
    return code;
}

static int cmd_run(char **arguments)
{
    agent_hold_signals(true);
    struct run_options o = {0};
    const struct option_row rows[] = {{"--once", NULL, OPTION_FLAG, &o.once},
                                      {"--quiet", NULL, OPTION_FLAG, &o.quiet},
                                      {"--timeout", NULL, OPTION_TEXT, &o.timeout},
                                      CONFIG_OPTION_ROWS(&o.config),
                                      PRESET_OPTION_ROW(&o.config),
                                      OPTION_ROWS_END};
    int rest = arguments_parse("run", rows, arguments);
    if (rest < 0 || !options_take_globs(&o.config, "run", arguments, &rest) || !options_no_rest("run", arguments, rest))
        return EXIT_USAGE;

    uint64_t timeout_ms = 0;
    if (o.timeout && !o.once)
        return usage_error("run", "--timeout goes with --once");
    if (o.timeout && (!config_parse_duration(slice_from(o.timeout), &timeout_ms) || timeout_ms == 0))
        return usage_error("run", "--timeout \"%s\" is no duration such as 90s or 10m", o.timeout);

    struct config_source source = config_source_system;
    source.explain = sandbox_strerror; /* for reloads: the process is confined by then */
    o.config.source = &source;
    struct config *config = options_load_or_explain(&o.config, CONFIG_FOR_RUN);
    if (!config)
        return EXIT_USAGE;
    return run_with(config, &o, timeout_ms);
}

const struct command command_run = {
    .name = "run",
    .summary = "follow the files and upload; the default command",
    .help =
        "Usage: raingauge run [--once [--timeout DURATION]] [--quiet] [-c FILE | --preset NAME GLOB...] [--state-dir "
        "DIR]\n"
        "\n"
        "Follows the inputs' files, turns their lines into calls by the rules, and delivers them. Goes on where it "
        "was:\n"
        "what was delivered is remembered in the state directory.\n"
        "\n"
        "  --once               read every file to the size it has now, deliver, save, and end\n"
        "  --timeout DURATION   with --once: end after that long, whatever is left (such as 10m)\n"
        "  --quiet              log errors only, and show no progress bar\n"
        "  -c, --config FILE    the configuration (default: $RAINGAUGE_CONFIG, else /etc/raingauge/raingauge.yaml)\n"
        "  --preset NAME GLOB...  in its place: the preset on these files, the key from RAINDROP_WRITE_KEY\n"
        "  --state-dir DIR      checkpoint, dead letters and lock (default: the configuration's state_dir)\n"
        "\n"
        "SIGTERM and SIGINT end it gracefully: what is in the files is read and delivered, for "
        "upload.shutdown_timeout\n"
        "at most; a second one ends it at once.\n"
        "\n"
        "Exit codes: 0 done; 1 failed, or --once was ended by a signal or --timeout, or could not read a file; 2 "
        "wrong\n"
        "usage or an invalid configuration; 3 --once delivered all it could, but some calls are now in the "
        "dead-letter\n"
        "file.\n"
        "\n"
        "Example: raingauge run --once -c raingauge.yaml --state-dir ./state\n",
    .run = cmd_run,
};
