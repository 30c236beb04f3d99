#ifndef RAINGAUGE_OPTIONS_H
#define RAINGAUGE_OPTIONS_H

#include "cli/arguments.h"
#include "config.h"
#include "error.h"

/* Where a command's configuration and state come from: -c FILE, --state-dir DIR, --preset NAME GLOB… (contract 1).
 *
 *     struct config_options options = {0};
 *     const struct option_row rows[] = {{"--all", NULL, OPTION_FLAG, &all}, CONFIG_OPTION_ROWS(&options),
 *                                       PRESET_OPTION_ROW(&options), OPTION_ROWS_END};
 *     int rest = arguments_parse("map", rows, arguments);
 *     if (rest < 0 || !options_take_globs(&options, "map", arguments, &rest)) return EXIT_USAGE;
 *     struct config *config = options_load_or_explain(&options, CONFIG_FOR_MAP);
 *     if (!config) return EXIT_USAGE;            // all mistakes are on stderr
 *     char *state_dir = options_state_dir(&options, config);
 *     …
 *     free(state_dir), config_free(config);
 *
 * The struct borrows from the arguments and may be kept for reloads. */

struct config_options {
    const char *config_path; /* NULL: $RAINGAUGE_CONFIG, else /etc/raingauge/raingauge.yaml */
    const char *state_dir;   /* NULL: the configuration's, else the default */
    const char *preset;      /* NULL: none */
    char *const *globs;      /* of the preset */
    size_t glob_count;
    const struct config_source *source; /* NULL: config_source_system */
};

#define CONFIG_OPTION_ROWS(o)                                                                                          \
    {"--config", "-c", OPTION_TEXT, &(o)->config_path},                                                                \
    {                                                                                                                  \
        "--state-dir", NULL, OPTION_TEXT, &(o)->state_dir                                                              \
    }
#define PRESET_OPTION_ROW(o)                                                                                           \
    {                                                                                                                  \
        "--preset", NULL, OPTION_TEXT, &(o)->preset                                                                    \
    }

/* With --preset the arguments are its GLOBs: they move into `o`, *rest becomes 0. (But for a lone `-`, the standard
 * input of `map`, which stays.) False with a line on stderr where --preset has no GLOB or stands beside -c. Without
 * --preset nothing happens. */
bool options_take_globs(struct config_options *o, const char *command, char **arguments, int *rest)
    __attribute__((warn_unused_result));

/* Whether there is such a preset; where there is none, a line on stderr says so. */
bool options_preset_is_known(const char *command, const char *name) __attribute__((warn_unused_result));

/* For commands that take no arguments but GLOBs: false with a line on stderr where some are left. */
bool options_no_rest(const char *command, char *const *arguments, int rest) __attribute__((warn_unused_result));

/* The file that is read; with --preset NULL. */
const char *options_config_path(const struct config_options *o);

/* The configuration that --preset stands for, as a file. */
void options_write_preset(const struct config_options *o, struct buffer *out);

/* The configuration, or NULL with its errors in `d`. May be called again for a reload. */
struct config *options_load(const struct config_options *o, enum config_purpose purpose, struct diagnostics *d)
    __attribute__((warn_unused_result));
/* The same, with errors and warnings printed on stderr. */
struct config *options_load_or_explain(const struct config_options *o, enum config_purpose purpose)
    __attribute__((warn_unused_result));
/* Prints what is in `d` on stderr: as a terminal wants it (excerpts, colours), else one a line. */
void options_print_diagnostics(struct diagnostics *d);

/* The state directory: --state-dir, the configuration's (may be NULL), $STATE_DIRECTORY, for a user other than root
 * $XDG_STATE_HOME/raingauge or ~/.local/state/raingauge, /var/lib/raingauge. To be freed; NULL on lack of memory. */
char *options_state_dir(const struct config_options *o, const struct config *config)
    __attribute__((warn_unused_result));
/* The same for commands that need nothing else of the configuration (status, top, tap, reload): it is read only where
 * --state-dir is not given, and need not be there unless it was named. NULL with the reason on stderr. */
char *options_find_state_dir(const struct config_options *o) __attribute__((warn_unused_result));
/* Makes it, and what holds it, where it is missing; mode 0700. */
bool options_make_state_dir(const char *state_dir, struct error *ret_error) __attribute__((warn_unused_result));

#endif
