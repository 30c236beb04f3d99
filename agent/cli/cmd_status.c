/* raingauge status: what the running agent says of itself, once. */
#include "admin/client.h"
#include "cli/command.h"
#include "cli/options.h"
#include "cli/status_text.h"
#include "cli/terminal.h"
#include "limits.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { TIMEOUT_MS = 10000 };

static int show(const char *what, unsigned status, const struct buffer *body, bool json)
{
    if (!what && !json) {
        struct buffer text;
        buffer_init(&text, LIMIT_ADMIN_ANSWER);
        const struct status_look look = {.width = terminal_is(STDOUT_FILENO) ? terminal_width(STDOUT_FILENO) : 0,
                                         .colours = terminal_has_colours(STDOUT_FILENO)};
        bool ok = status == 200 && status_text_write(&text, buffer_slice(body), &look);
        if (ok)
            fwrite(text.data, 1, text.len, stdout);
        else
            fputs("raingauge status: the agent's answer is not understood; is it of another release?\n", stderr);
        buffer_release(&text);
        return ok ? EXIT_DONE : EXIT_FAILED;
    }
    fwrite(body->data, 1, body->len, status == 200 ? stdout : stderr);
    return status == 200 ? EXIT_DONE : EXIT_FAILED;
}

static int status_of(const char *state_dir, const char *what, bool json)
{
    struct buffer body;
    struct error error;
    unsigned status;
    buffer_init(&body, LIMIT_ADMIN_ANSWER + KIB(64));
    int code = EXIT_FAILED;
    if (admin_ask(state_dir, "GET", what ? what : "/status", TIMEOUT_MS, &status, &body, &error))
        code = show(what, status, &body, json);
    else
        fprintf(stderr, "raingauge status: %s\n", error.text);
    buffer_release(&body);
    return code;
}

static int run(char **arguments)
{
    struct config_options o = {0};
    bool json = false, live = false, ready = false;
    const struct option_row rows[] = {{"--json", NULL, OPTION_FLAG, &json},
                                      {"--live", NULL, OPTION_FLAG, &live},
                                      {"--ready", NULL, OPTION_FLAG, &ready},
                                      CONFIG_OPTION_ROWS(&o),
                                      OPTION_ROWS_END};
    int rest = arguments_parse("status", rows, arguments);
    if (rest < 0 || !options_no_rest("status", arguments, rest))
        return EXIT_USAGE;
    if (json + live + ready > 1)
        return usage_error("status", "one of --json, --live and --ready at a time");
    char *state_dir = options_find_state_dir(&o);
    if (!state_dir)
        return EXIT_USAGE;
    int code = status_of(state_dir, live ? "/healthz" : ready ? "/readyz" : NULL, json);
    free(state_dir);
    return code;
}

const struct command command_status = {
    .name = "status",
    .summary = "every file's offset and lag, deliveries, last error; as a probe",
    .help =
        "Usage: raingauge status [--json | --live | --ready] [-c FILE] [--state-dir DIR]\n"
        "\n"
        "Asks the agent that runs on the state directory: whether it is ready and if not why, destinations and what\n"
        "troubles them, inputs with the sums of their lines and how far they are behind, recent errors, files, rules.\n"
        "\n"
        "  --json             the same as JSON, its shape is in raingauge(1)\n"
        "  --live             as a probe: exit 0 if the agent's loop turns\n"
        "  --ready            as a probe: exit 0 if it is ready, else print why not and exit 1\n"
        "  -c, --config FILE  the configuration, for its state_dir alone\n"
        "                     (default: $RAINGAUGE_CONFIG, else /etc/raingauge/raingauge.yaml)\n"
        "  --state-dir DIR    the state directory of the agent\n"
        "\n"
        "Exit codes: 0 done; 1 no agent runs there, it does not answer, or it is not ready; 2 wrong usage, or an\n"
        "invalid configuration.\n"
        "\n"
        "Example: raingauge status --state-dir /var/lib/raingauge --ready\n",
    .run = run,
};
