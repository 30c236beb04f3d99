/* raingauge reload: has the running agent take its configuration anew, and prints what it says. */
#include "admin/client.h"
#include "cli/command.h"
#include "cli/options.h"
#include "limits.h"

#include <unistd.h>

enum {
    ANSWER_MS = 60000,
    ASK_AGAIN_MS = 50,
    ASK_MOST = 200,
    STATUS_DONE = 200,
    STATUS_INVALID = 422,
    STATUS_NOT_NOW = 503
};

/* The last reload may not be over yet: jobs end with the configuration they began with. */
static bool ask(const char *state_dir, unsigned *ret_status, struct buffer *said, struct error *e)
{
    for (int asked = 0; asked < ASK_MOST; asked++) {
        buffer_clear(said);
        if (!admin_ask(state_dir, "POST", "/reload", ANSWER_MS, ret_status, said, e))
            return false;
        if (*ret_status != STATUS_NOT_NOW)
            return true;
        usleep(ASK_AGAIN_MS * 1000);
    }
    return true;
}

static int reload(const char *state_dir)
{
    struct buffer said;
    struct error e;
    unsigned status = 0;
    buffer_init(&said, LIMIT_ADMIN_ANSWER);
    bool answered = ask(state_dir, &status, &said, &e);
    if (!answered)
        fprintf(stderr, "raingauge reload: %s\n", e.text);
    else if (said.len)
        fwrite(said.data, 1, said.len, status == STATUS_DONE ? stdout : stderr);
    buffer_release(&said);
    if (answered && status == STATUS_DONE)
        puts("reloaded: the new configuration is in force");
    if (answered && status == STATUS_INVALID)
        fputs("raingauge reload: the agent kept its old configuration\n", stderr);
    return answered && status == STATUS_DONE      ? EXIT_DONE
           : answered && status == STATUS_INVALID ? EXIT_USAGE
                                                  : EXIT_FAILED;
}

static int cmd_reload(char **arguments)
{
    struct config_options o = {0};
    const struct option_row rows[] = {CONFIG_OPTION_ROWS(&o), OPTION_ROWS_END};
    int rest = arguments_parse("reload", rows, arguments);
    if (rest < 0 || !options_no_rest("reload", arguments, rest))
        return EXIT_USAGE;
    char *state_dir = options_find_state_dir(&o);
    if (!state_dir)
        return EXIT_USAGE;
    int code = reload(state_dir);
    free(state_dir);
    return code;
}

const struct command command_reload = {
    .name = "reload",
    .summary = "have the running agent reload its configuration",
    .help =
        "Usage: raingauge reload [-c FILE] [--state-dir DIR]\n"
        "\n"
        "Has the agent that runs on the state directory load its configuration anew, and prints what it says. When "
        "this\n"
        "ends the new rules are in force: every line that is read from now on is mapped by them. An invalid\n"
        "configuration changes nothing.\n"
        "\n"
        "  -c, --config FILE    where state_dir is looked up (default: $RAINGAUGE_CONFIG, else\n"
        "                       /etc/raingauge/raingauge.yaml); nothing else of it is used\n"
        "  --state-dir DIR      the agent's state directory\n"
        "\n"
        "Exit codes: 0 reloaded; 1 no agent runs there, or it does not answer; 2 wrong usage, or the configuration is\n"
        "invalid and the agent kept the old one.\n"
        "\n"
        "Example: raingauge reload -c raingauge.yaml\n",
    .run = cmd_reload,
};
