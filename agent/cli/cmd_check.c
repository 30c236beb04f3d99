/* raingauge check: what is wrong with a configuration, all of it. */
#include "cli/command.h"
#include "cli/online.h"
#include "cli/options.h"
#include "cli/path_warnings.h"
#include "cli/terminal.h"

#include <unistd.h>

static const char *plural(size_t n)
{
    return n == 1 ? "" : "s";
}

static void print_sum(const struct config_options *o, const struct config *config, size_t warnings)
{
    const char *path = options_config_path(o);
    printf("%s: valid, %zu input%s, %zu rule%s, %zu test%s", path ? path : "--preset", config->input_count,
           plural(config->input_count), config->rules.count, plural(config->rules.count), config->test_count,
           plural(config->test_count));
    if (warnings)
        printf(", %zu warning%s", warnings, plural(warnings));
    putchar('\n');
}

/* The exit code. */
static int ask_server(const struct config *config)
{
    fflush(stdout);
    return online_check(config, stdout, terminal_has_colours(STDOUT_FILENO)) ? EXIT_DONE : EXIT_FAILED;
}

static int check(const struct config_options *o, bool online)
{
    struct diagnostics *d = diagnostics_new();
    if (!d) {
        fputs("raingauge check: out of memory\n", stderr);
        return EXIT_FAILED;
    }
    struct config *config = options_load(o, online ? CONFIG_FOR_ONLINE : CONFIG_FOR_CHECK, d);
    if (config)
        path_warnings_add(config, d);
    options_print_diagnostics(d);
    if (config)
        print_sum(o, config, diagnostics_count(d));
    int code = !config ? EXIT_USAGE : online ? ask_server(config) : EXIT_DONE;
    config_free(config);
    diagnostics_free(d);
    return code;
}

static int run(char **arguments)
{
    struct config_options o = {0};
    bool online = false;
    const struct option_row rows[] = {
        {"--online", NULL, OPTION_FLAG, &online}, CONFIG_OPTION_ROWS(&o), PRESET_OPTION_ROW(&o), OPTION_ROWS_END};
    int rest = arguments_parse("check", rows, arguments);
    if (rest < 0 || !options_take_globs(&o, "check", arguments, &rest) || !options_no_rest("check", arguments, rest))
        return EXIT_USAGE;
    return check(&o, online);
}

static const char help[] =
    "Usage: raingauge check [--online] [-c FILE]\n"
    "       raingauge check [--online] --preset NAME GLOB...\n"
    "\n"
    "Validates the configuration and all rules, without a network and without a write key (but for --online).\n"
    "Every error and warning is printed on stderr, one a line, as compilers do:\n"
    "  raingauge.yaml:12:7: error: unknown key \"user\" in event; did you mean \"user_id\"?\n"
    "On a terminal the line in question follows. Paths that match no file are a warning.\n"
    "Where there is no error a line on stdout sums up.\n"
    "\n"
    "Options:\n"
    "  --online               also ask the server whether it takes each destination's write key, and each project "
    "that\n"
    "                         is not an expression: a line for each. An empty list of events is sent, so nothing is\n"
    "                         recorded. A variable that is not set is then an error\n"
    "  -c, --config FILE      the configuration\n"
    "                         (default: $RAINGAUGE_CONFIG, else /etc/raingauge/raingauge.yaml)\n"
    "  --preset NAME GLOB...  a preset on these files in the place of -c\n"
    "  --state-dir DIR        taken as the other commands take it; nothing is read or written there\n"
    "\n"
    "Exit codes: 0 valid, perhaps with warnings; 1 --online: a key or project is not taken, or the server cannot be\n"
    "asked; 2 invalid, or wrong usage.\n"
    "\n"
    "Example: raingauge check --online -c raingauge.yaml\n";

const struct command command_check = {
    .name = "check",
    .summary = "validate configuration and rules, print every error",
    .help = help,
    .run = run,
};
