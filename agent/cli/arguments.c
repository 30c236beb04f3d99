#include "cli/arguments.h"

#include "cli/command.h"
#include "text/nearest.h"

#include <assert.h>
#include <stdarg.h>

enum { ROWS_MOST = 32 };

int usage_error(const char *command, const char *format, ...)
{
    fprintf(stderr, "raingauge %s: ", command);
    va_list args;
    va_start(args, format);
    vfprintf(stderr, format, args);
    va_end(args);
    fprintf(stderr, " (see raingauge %s --help)\n", command);
    return EXIT_USAGE;
}

static void unknown_option(const char *command, const struct option_row rows[], struct slice name)
{
    const char *names[ROWS_MOST];
    size_t count = 0;
    for (; rows[count].name; count++) {
        assert(count < ROWS_MOST);
        names[count] = rows[count].name;
    }
    const char *near = nearest_name(name, names, count);
    if (near)
        usage_error(command, "unknown option \"%.*s\"; did you mean \"%s\"?", SLICE_FMT(name), near);
    else
        usage_error(command, "unknown option \"%.*s\"", SLICE_FMT(name));
}

/* The row an argument names; *ret_value is what follows within the same argument (`=VALUE`, or behind a letter). */
static const struct option_row *find_row(const struct option_row rows[], const char *argument, const char **ret_value)
{
    size_t name_len = strcspn(argument, "=");
    for (const struct option_row *row = rows; row->name; row++) {
        if (slice_is(slice_of(argument, name_len), row->name)) {
            *ret_value = argument[name_len] ? argument + name_len + 1 : NULL;
            return row;
        }
        if (row->short_name && strncmp(argument, row->short_name, 2) == 0) {
            *ret_value = argument[2] ? argument + 2 : NULL;
            return row;
        }
    }
    return NULL;
}

/* Sets the row's target; *at is moved on where the value is an argument of its own. */
static bool take_option(const char *command, const struct option_row *row, const char *value, char **arguments,
                        size_t *at)
{
    if (row->kind == OPTION_FLAG) {
        if (value) {
            usage_error(command, "option \"%s\" takes no value", row->name);
            return false;
        }
        *(bool *)row->target = true;
        return true;
    }
    if (!value)
        value = arguments[*at] ? arguments[(*at)++] : NULL;
    if (!value || !*value) {
        usage_error(command, "option \"%s\" needs a value", row->name);
        return false;
    }
    *(const char **)row->target = value;
    return true;
}

int arguments_parse(const char *command, const struct option_row rows[], char **arguments)
{
    size_t at = 0;
    int rest = 0;
    bool options_over = false;
    while (arguments[at]) {
        char *argument = arguments[at++];
        if (options_over || argument[0] != '-' || argument[1] == '\0') {
            arguments[rest++] = argument;
            continue;
        }
        if (strcmp(argument, "--") == 0) {
            options_over = true;
            continue;
        }
        const char *value = NULL;
        const struct option_row *row = find_row(rows, argument, &value);
        if (!row) {
            unknown_option(command, rows, slice_of(argument, strcspn(argument, "=")));
            return -1;
        }
        if (!take_option(command, row, value, arguments, &at))
            return -1;
    }
    arguments[rest] = NULL;
    return rest;
}
