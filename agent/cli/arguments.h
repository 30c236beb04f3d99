#ifndef RAINGAUGE_ARGUMENTS_H
#define RAINGAUGE_ARGUMENTS_H

#include <stdbool.h>
#include <stddef.h>

/* A command's arguments by a table of its options.
 *
 *     bool once = false;
 *     const char *timeout = NULL;
 *     const struct option_row rows[] = {{"--once", NULL, OPTION_FLAG, &once},
 *                                       {"--timeout", NULL, OPTION_TEXT, &timeout},
 *                                       OPTION_ROWS_END};
 *     int rest = arguments_parse("run", rows, arguments);
 *     if (rest < 0) return EXIT_USAGE;           // one clear line is on stderr
 *
 * Taken are `--name VALUE`, `--name=VALUE`, `-c VALUE`, `-cVALUE`, options behind other arguments, and `--` behind
 * which everything is an argument; `-` is an argument too. Of an option that is given twice the last counts. */

enum option_kind {
    OPTION_FLAG, /* target: bool, set to true */
    OPTION_TEXT, /* target: const char *, set to the value (borrowed from the arguments) */
};

struct option_row {
    const char *name;       /* "--once" */
    const char *short_name; /* "-c", or NULL */
    enum option_kind kind;
    void *target;
};
#define OPTION_ROWS_END ((struct option_row){.name = NULL})

/* Sets the targets and moves what is no option to the front of `arguments` (ended by NULL). Returns how many those are,
 * or -1 where the usage is wrong. */
int arguments_parse(const char *command, const struct option_row rows[], char **arguments)
    __attribute__((warn_unused_result));

/* `raingauge COMMAND: …` on stderr, one line; returns EXIT_USAGE. */
int usage_error(const char *command, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
