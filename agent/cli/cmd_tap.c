/* raingauge tap: the running agent's calls and refusals as they are made, on stdout, until it is interrupted. */
#include "admin/client.h"
#include "cli/command.h"
#include "cli/options.h"
#include "limits.h"
#include "state/file_io.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { TIMEOUT_MS = 10000 };

/* A rule's name as a part of a URL. */
static void add_quoted(struct buffer *out, const char *name)
{
    for (const unsigned char *c = (const unsigned char *)name; *c; c++)
        if (*c < 0x80 && (isalnum(*c) || *c == '-' || *c == '_' || *c == '.'))
            buffer_add_char(out, (char)*c);
        else
            buffer_printf(out, "%%%02X", *c);
}

/* Whole lines only; the empty ones only show that the agent is still there. False: nobody reads any more. */
static bool print_lines(struct buffer *in)
{
    size_t from = 0;
    bool ok = true;
    for (const char *end; ok && (end = in->len > from ? memchr(in->data + from, '\n', in->len - from) : NULL);) {
        size_t len = (size_t)(end - in->data) + 1 - from;
        if (len > 1)
            ok = file_write_all(STDOUT_FILENO, slice_of(in->data + from, len));
        from += len;
    }
    if (from) {
        in->len -= from;
        memmove(in->data, in->data + from, in->len);
    }
    return ok;
}

static int follow(int fd, struct buffer *in)
{
    while (print_lines(in)) {
        char *place = buffer_reserve(in, KIB(64));
        ssize_t n = place ? read(fd, place, KIB(64)) : -1;
        if (n < 0 && place && errno == EINTR)
            continue;
        if (n <= 0) {
            fputs("raingauge tap: the agent has ended\n", stderr);
            return EXIT_FAILED;
        }
        in->len += (size_t)n;
    }
    return EXIT_DONE; /* as `head` does to whoever writes to it */
}

static int tap(const char *state_dir, const char *rule)
{
    struct buffer path, in;
    struct error error;
    unsigned status;
    buffer_init(&path, KIB(4));
    buffer_init(&in, LIMIT_ADMIN_ANSWER);
    buffer_add_text(&path, rule ? "/tap?rule=" : "/tap");
    add_quoted(&path, rule ? rule : "");
    buffer_add_char(&path, '\0');
    int code = EXIT_FAILED;
    int fd = path.failed ? -1 : admin_open(state_dir, "GET", path.data, TIMEOUT_MS, &status, &in, &error);
    if (fd < 0) {
        fprintf(stderr, "raingauge tap: %s\n", path.failed ? "that is no rule's name" : error.text);
    } else if (status != 200) {
        char text[512];
        ssize_t n = in.len ? 0 : read(fd, text, sizeof text);
        struct slice why = in.len ? buffer_slice(&in) : slice_of(text, n > 0 ? (size_t)n : 0);
        fprintf(stderr, "raingauge tap: %.*s", SLICE_FMT(why));
    } else {
        code = follow(fd, &in);
    }
    if (fd >= 0)
        close(fd);
    buffer_release(&path);
    buffer_release(&in);
    return code;
}

static int run(char **arguments)
{
    struct config_options o = {0};
    const char *rule = NULL;
    const struct option_row rows[] = {{"--rule", NULL, OPTION_TEXT, &rule}, CONFIG_OPTION_ROWS(&o), OPTION_ROWS_END};
    int rest = arguments_parse("tap", rows, arguments);
    if (rest < 0 || !options_no_rest("tap", arguments, rest))
        return EXIT_USAGE;
    char *state_dir = options_find_state_dir(&o);
    if (!state_dir)
        return EXIT_USAGE;
    int code = tap(state_dir, rule);
    free(state_dir);
    return code;
}

const struct command command_tap = {
    .name = "tap",
    .summary = "the running agent's calls and refusals as they are made",
    .help =
        "Usage: raingauge tap [--rule NAME] [-c FILE] [--state-dir DIR]\n"
        "\n"
        "Prints each call that the running agent makes, and each line or call that it refuses, as one JSON object\n"
        "a line, as `raingauge map` does. It shows what is in the log. It never slows delivery: where the agent is\n"
        "faster than what reads this, calls are left out, and {\"dropped\":N} says how many.\n"
        "\n"
        "  --rule NAME        only what that rule makes and what is refused of it\n"
        "  -c, --config FILE  the configuration, for its state_dir alone\n"
        "                     (default: $RAINGAUGE_CONFIG, else /etc/raingauge/raingauge.yaml)\n"
        "  --state-dir DIR    the state directory of the agent\n"
        "\n"
        "It ends with ^C. Exit codes: 0 done; 1 no agent runs there, or it has ended; 2 wrong usage, or an\n"
        "invalid configuration.\n"
        "\n"
        "Example: raingauge tap --state-dir /var/lib/raingauge --rule completion\n",
    .run = run,
};
