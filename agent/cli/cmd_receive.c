/* raingauge receive: a stand-in for Raindrop on this machine, until a signal ends it. */
#include "cli/arguments.h"
#include "cli/command.h"
#include "cli/terminal.h"
#include "receive/receive_server.h"
#include "tcp_listen.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#define DEFAULT_ADDRESS "127.0.0.1:9465"

struct receive_options {
    const char *listen, *out, *key;
};

static int failed(const char *what)
{
    fprintf(stderr, "raingauge receive: %s\n", what);
    return EXIT_FAILED;
}

/* Calls are appended to what is there. -1: no file was asked for. False with the reason on stderr. */
static bool open_out(const char *path, int *ret_fd)
{
    *ret_fd = -1;
    if (!path)
        return true;
    *ret_fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (*ret_fd < 0)
        fprintf(stderr, "raingauge receive: open '%s': %s\n", path, strerror(errno));
    return *ret_fd >= 0;
}

/* Shows calls until a signal comes; these are blocked in every thread, so that only this waits for them. */
static int serve(struct receiver *receiver, int listen_fd, const sigset_t *ending)
{
    char name[TCP_NAME_MOST];
    tcp_listen_name(listen_fd, name);
    struct error error;
    struct receive_server *server = receive_server_start(receiver, listen_fd, &error);
    if (!server)
        return failed(error.text);
    printf("listening on http://%s\n", name);
    fflush(stdout);
    int signal_number;
    while (sigwait(ending, &signal_number) != 0)
        ;
    receive_server_stop(server);
    printf("received %llu events, %llu signals, %llu identify calls; refused %llu\n",
           (unsigned long long)receiver->events, (unsigned long long)receiver->signals,
           (unsigned long long)receiver->identifies, (unsigned long long)receiver->refused);
    return EXIT_DONE;
}

static int receive(const struct receive_options *o)
{
    sigset_t ending;
    sigemptyset(&ending);
    sigaddset(&ending, SIGINT);
    sigaddset(&ending, SIGTERM);
    pthread_sigmask(SIG_BLOCK, &ending, NULL);
    signal(SIGPIPE, SIG_IGN); /* whoever reads what is shown may go */

    struct error error;
    int listen_fd = tcp_listen(o->listen, &error);
    if (listen_fd < 0)
        return failed(error.text);
    int out_fd;
    if (!open_out(o->out, &out_fd)) {
        close(listen_fd);
        return EXIT_FAILED;
    }
    struct receiver receiver;
    receiver_init(&receiver, o->key, out_fd, STDOUT_FILENO, terminal_has_colours(STDOUT_FILENO));
    int code = serve(&receiver, listen_fd, &ending);
    receiver_release(&receiver);
    if (out_fd >= 0 && close(out_fd) < 0 && code == EXIT_DONE)
        code = failed(strerror(errno));
    return code;
}

static int run(char **arguments)
{
    struct receive_options o = {.listen = DEFAULT_ADDRESS};
    const struct option_row rows[] = {
        {"--listen", NULL, OPTION_TEXT, &o.listen},
        {"--out", NULL, OPTION_TEXT, &o.out},
        {"--key", NULL, OPTION_TEXT, &o.key},
        OPTION_ROWS_END,
    };
    int rest = arguments_parse("receive", rows, arguments);
    if (rest < 0)
        return EXIT_USAGE;
    if (rest > 0)
        return usage_error("receive", "unexpected argument \"%s\"", arguments[0]);
    if (!tcp_address_is(o.listen))
        return usage_error("receive", "--listen \"%s\" is no ADDR:PORT", o.listen);
    return receive(&o);
}

static const char help[] =
    "Usage: raingauge receive [--listen ADDR:PORT] [--out FILE] [--key KEY]\n"
    "\n"
    "A local stand-in for Raindrop, to try rules without an account or a network. It takes\n"
    "  POST /v1/events/track     an array of events\n"
    "  POST /v1/signals/track    an array of signals\n"
    "  POST /v1/users/identify   an identify call, or an array of them\n"
    "also without /v1, plain or gzip, up to 1 MiB, checks each call against the documented\n"
    "contract, shows it, and answers 204. Where a call is wrong the whole request is answered\n"
    "400, with JSON that names each wrong call by its index and each wrong member by its path;\n"
    "nothing of it is kept. A signal whose event was not seen before is taken, with a warning.\n"
    "SIGINT or SIGTERM ends it, with a line that sums up.\n"
    "\n"
    "Options:\n"
    "  --listen ADDR:PORT  where to listen; port 0 takes a free one (default " DEFAULT_ADDRESS ")\n"
    "  --out FILE          append each call to FILE, before it is answered, as one JSON object a\n"
    "                      line: {\"endpoint\":\"events/track\",\"call\":{...}}, with a \"project\"\n"
    "                      where the request names one\n"
    "  --key KEY           take only this write key; without it any that is not empty\n"
    "\n"
    "Colours are used on a terminal, unless NO_COLOR is set.\n"
    "\n"
    "Exit codes: 0 ended by a signal; 1 could not listen or write; 2 wrong usage.\n"
    "\n"
    "Example, with raindrop: {url: \"http://127.0.0.1:9465/v1\"} in raingauge.yaml:\n"
    "  raingauge receive --out calls.jsonl &\n"
    "  RAINDROP_WRITE_KEY=test raingauge run --once -c raingauge.yaml --state-dir ./state\n";

const struct command command_receive = {
    .name = "receive",
    .summary = "a local stand-in for Raindrop: checks each call, shows it, keeps it",
    .help = help,
    .run = run,
};
