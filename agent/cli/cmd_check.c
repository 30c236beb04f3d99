/* raingauge check: what is wrong with a configuration, all of it. */
#include "cli/command.h"
#include "cli/options.h"
#include "cli/path_warnings.h"

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

static int check(const struct config_options *o)
{
    struct diagnostics *d = diagnostics_new();
    if (!d) {
        fputs("raingauge check: out of memory\n", stderr);
        return EXIT_FAILED;
    }
    struct config *config = options_load(o, CONFIG_FOR_CHECK, d);
    if (config)
        path_warnings_add(config, d);
    options_print_diagnostics(d);
    if (config)
        print_sum(o, config, diagnostics_count(d));
    int code = config ? EXIT_DONE : EXIT_USAGE;
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
    if (online)
        return usage_error("check", "--online is not supported yet");
    return check(&o);
}

static const char help[] =
    "Usage: raingauge check [-c FILE]\n"
    "       raingauge check --preset NAME GLOB...\n"
    "\n"
    "Validates the configuration and all rules, without a network and without a write key.\n"
    "Every error and warning is printed on stderr, one a line, as compilers do:\n"
    "  raingauge.yaml:12:7: error: unknown key \"user\" in event; did you mean \"user_id\"?\n"
    "On a terminal the line in question follows. Paths that match no file are a warning.\n"
    "Where there is no error a line on stdout sums up.\n"
    "\n"
    "Options:\n"
    "  -c, --config FILE      the configuration\n"
    "                         (default: $RAINGAUGE_CONFIG, else /etc/raingauge/raingauge.yaml)\n"
    "  --preset NAME GLOB...  a preset on these files in the place of -c\n"
    "  --state-dir DIR        taken as the other commands take it; nothing is read or written there\n"
    "\n"
    "Exit codes: 0 valid, perhaps with warnings; 2 invalid, or wrong usage.\n";

const struct command command_check = {
    .name = "check",
    .summary = "validate configuration and rules, print every error",
    .help = help,
    .run = run,
};
