/* raingauge top: the same as `status`, again and again, on the terminal's other screen.
 *
 * The happy path: set the terminal up, then for each second: ask the agent, draw, wait for a key, a signal or the
 * second's end. What can go wrong: an agent that is not there (any more) is said on the screen and asked again; however
 * it ends, the terminal is as it was. */
#include "admin/client.h"
#include "cli/command.h"
#include "cli/options.h"
#include "cli/status_text.h"
#include "cli/terminal.h"
#include "limits.h"
#include "state/file_io.h"

#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <termios.h>
#include <unistd.h>

enum { EVERY_MS = 1000, TIMEOUT_MS = 3000 };

#define OTHER_SCREEN "\x1b[?1049h\x1b[?25l"
#define BACK_AGAIN "\x1b[?25h\x1b[?1049l"
#define HOME "\x1b[H"
#define CLEAR_TO_LINE_END "\x1b[K"
#define CLEAR_TO_SCREEN_END "\x1b[J"

struct top {
    const char *state_dir;
    struct termios before;
    int signals; /* a signalfd */
    struct buffer body, text, screen;
};

static void write_out(struct slice bytes)
{
    (void)!file_write_all(STDOUT_FILENO, bytes);
}

/* ---- Drawing ---------------------------------------------------------------------------------------------------- */

static void put_text(struct top *t, struct winsize size)
{
    const struct status_look look = {.width = size.ws_col,
                                     .height = size.ws_row > 2 ? size.ws_row - 2u : 1,
                                     .colours = terminal_has_colours(STDOUT_FILENO),
                                     .drawing = true};
    struct error error;
    unsigned status = 0;
    buffer_clear(&t->text);
    if (!admin_ask(t->state_dir, "GET", "/status", TIMEOUT_MS, &status, &t->body, &error))
        buffer_printf(&t->text, "%s\n", error.text);
    else if (status != 200 || !status_text_write(&t->text, buffer_slice(&t->body), &look))
        buffer_add_text(&t->text, "the agent's answer is not understood; is it of another release?\n");
}

/* Line by line over what stands there, so that nothing flickers. */
static void draw(struct top *t)
{
    struct winsize size = {.ws_col = 80, .ws_row = 24};
    struct winsize found;
    if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &found) == 0 && found.ws_col && found.ws_row)
        size = found;
    put_text(t, size);
    buffer_clear(&t->screen);
    buffer_add_text(&t->screen, HOME);
    for (struct slice rest = buffer_slice(&t->text); rest.len;) {
        const char *end = memchr(rest.text, '\n', rest.len);
        size_t len = end ? (size_t)(end - rest.text) : rest.len;
        buffer_add(&t->screen, slice_of(rest.text, len));
        buffer_add_text(&t->screen, CLEAR_TO_LINE_END "\r\n");
        rest = slice_from_offset(rest, len + 1);
    }
    buffer_add_text(&t->screen, "q quits" CLEAR_TO_SCREEN_END);
    write_out(buffer_slice(&t->screen));
}

/* ---- The terminal ----------------------------------------------------------------------------------------------- */

static bool set_up(struct top *t)
{
    sigset_t set;
    sigemptyset(&set);
    for (const int *s = (const int[]){SIGINT, SIGTERM, SIGHUP, SIGWINCH, 0}; *s; s++)
        sigaddset(&set, *s);
    if (tcgetattr(STDIN_FILENO, &t->before) != 0 || sigprocmask(SIG_BLOCK, &set, NULL) != 0)
        return false;
    t->signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    if (t->signals < 0)
        return false;
    struct termios raw = t->before;
    raw.c_lflag &= ~(tcflag_t)(ICANON | ECHO);
    raw.c_cc[VSUSP] = _POSIX_VDISABLE; /* stopped it would leave the other screen behind */
    raw.c_cc[VMIN] = 1;
    raw.c_cc[VTIME] = 0;
    tcsetattr(STDIN_FILENO, TCSANOW, &raw);
    write_out(SLICE(OTHER_SCREEN));
    return true;
}

static void restore(struct top *t)
{
    write_out(SLICE(BACK_AGAIN));
    tcsetattr(STDIN_FILENO, TCSANOW, &t->before);
    close(t->signals);
}

/* Until a second is over or the window has another size. False: it is to end. */
static bool wait_for_next(struct top *t)
{
    struct pollfd fds[] = {{.fd = STDIN_FILENO, .events = POLLIN}, {.fd = t->signals, .events = POLLIN}};
    if (poll(fds, 2, EVERY_MS) <= 0)
        return true;
    if (fds[1].revents) {
        struct signalfd_siginfo info;
        return read(t->signals, &info, sizeof info) != sizeof info || info.ssi_signo == SIGWINCH;
    }
    char key;
    return read(STDIN_FILENO, &key, 1) == 1 && key != 'q' && key != 'Q';
}

static int show(const char *state_dir)
{
    struct top t = {.state_dir = state_dir};
    buffer_init(&t.body, LIMIT_ADMIN_ANSWER + KIB(64));
    buffer_init(&t.text, LIMIT_ADMIN_ANSWER);
    buffer_init(&t.screen, LIMIT_ADMIN_ANSWER);
    bool ok = set_up(&t);
    if (ok) {
        do {
            draw(&t);
        } while (wait_for_next(&t));
        restore(&t);
    } else {
        perror("raingauge top");
    }
    buffer_release(&t.body);
    buffer_release(&t.text);
    buffer_release(&t.screen);
    return ok ? EXIT_DONE : EXIT_FAILED;
}

static int run(char **arguments)
{
    struct config_options o = {0};
    const struct option_row rows[] = {CONFIG_OPTION_ROWS(&o), OPTION_ROWS_END};
    int rest = arguments_parse("top", rows, arguments);
    if (rest < 0 || !options_no_rest("top", arguments, rest))
        return EXIT_USAGE;
    if (!terminal_is(STDIN_FILENO) || !terminal_is(STDOUT_FILENO))
        return usage_error("top", "this is no terminal; `raingauge status` says the same once");
    char *state_dir = options_find_state_dir(&o);
    if (!state_dir)
        return EXIT_USAGE;
    int code = show(state_dir);
    free(state_dir);
    return code;
}

const struct command command_top = {
    .name = "top",
    .summary = "the same, live, in the terminal",
    .help = "Usage: raingauge top [-c FILE] [--state-dir DIR]\n"
            "\n"
            "Shows what `raingauge status` shows, anew each second, with the deliveries of the last minutes.\n"
            "\n"
            "  -c, --config FILE  the configuration, for its state_dir alone\n"
            "                     (default: $RAINGAUGE_CONFIG, else /etc/raingauge/raingauge.yaml)\n"
            "  --state-dir DIR    the state directory of the agent\n"
            "\n"
            "Keys: q quits.\n"
            "\n"
            "Exit codes: 0 done; 1 failed; 2 wrong usage, not a terminal, or an invalid configuration.\n"
            "\n"
            "Example: raingauge top --state-dir /var/lib/raingauge\n",
    .run = run,
};
