/* raingauge COMMAND …: finds the command in the table and runs it. */
#include "cli/command.h"
#include "text/nearest.h"

#include <errno.h>

static const struct command *find_command(const char *name)
{
    for (size_t i = 0; i < command_count; i++) {
        if (strcmp(commands[i]->name, name) == 0)
            return commands[i];
    }
    return NULL;
}

static int unknown_command(const char *name)
{
    enum { NAMES_MOST = 32 };
    const char *names[NAMES_MOST];
    size_t count = 0;
    for (; count < command_count && count < NAMES_MOST; count++)
        names[count] = commands[count]->name;
    const char *near = nearest_name(slice_from(name), names, count);
    if (near)
        fprintf(stderr, "raingauge: unknown command \"%s\"; did you mean \"%s\"? (see raingauge --help)\n", name, near);
    else
        fprintf(stderr, "raingauge: unknown command \"%s\" (see raingauge --help)\n", name);
    return EXIT_USAGE;
}

static int print_help(void)
{
    printf("raingauge follows structured log files, turns lines into Raindrop calls by your rules, and delivers them.\n"
           "\n"
           "Usage: raingauge [COMMAND] [OPTIONS] [ARGUMENTS]\n"
           "\n"
           "Commands (without one: run):\n");
    for (size_t i = 0; i < command_count; i++)
        printf("  %-8s  %s\n", commands[i]->name, commands[i]->summary);
    printf("\n"
           "raingauge COMMAND --help says more of each; raingauge --version names the version.\n");
    return EXIT_DONE;
}

/* Help is asked for anywhere before a `--`, so that it may be added to a command line that is already there. */
static bool asks_for_help(char *const *arguments)
{
    for (; *arguments && strcmp(*arguments, "--") != 0; arguments++) {
        if (strcmp(*arguments, "--help") == 0 || strcmp(*arguments, "-h") == 0)
            return true;
    }
    return false;
}

static int run_command(const struct command *command, char **arguments)
{
    if (asks_for_help(arguments)) {
        fputs(command->help, stdout);
        return EXIT_DONE;
    }
    return command->run(arguments);
}

static int run(char **arguments)
{
    const char *first = arguments[0];
    if (first && (strcmp(first, "--help") == 0 || strcmp(first, "-h") == 0 || strcmp(first, "help") == 0)) {
        const struct command *command = arguments[1] ? find_command(arguments[1]) : NULL;
        if (!command)
            return arguments[1] ? unknown_command(arguments[1]) : print_help();
        fputs(command->help, stdout);
        return EXIT_DONE;
    }
    if (first && (strcmp(first, "--version") == 0 || strcmp(first, "-V") == 0)) {
        printf("raingauge %s\n", RAINGAUGE_VERSION);
        return EXIT_DONE;
    }
    if (!first || first[0] == '-') {
        const struct command *standard = find_command("run");
        return standard ? run_command(standard, arguments) : print_help();
    }
    const struct command *command = find_command(first);
    return command ? run_command(command, arguments + 1) : unknown_command(first);
}

int main(int argc, char **argv)
{
    static char *none[] = {NULL};
    int code = run(argc > 0 ? argv + 1 : none);
    errno = 0;
    if ((fflush(stdout) != 0 || ferror(stdout)) && code == EXIT_DONE) {
        if (errno != EPIPE)
            fprintf(stderr, "raingauge: write to standard output: %s\n", strerror(errno ? errno : EIO));
        code = EXIT_FAILED;
    }
    return code;
}
