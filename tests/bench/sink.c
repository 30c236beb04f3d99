/* The server that the benchmarks deliver to: counts requests, body bytes, and how often a marker stands in the bodies.
 *
 *     sink PORT_FILE [MARKER]
 *
 * Tells "requests N bytes N marks N first_us N last_us N", the latter two on CLOCK_MONOTONIC when the first and the
 * last request had come, whoever asks by GET, and on SIGTERM, when it exits. */
#include "http_server.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

struct sink {
    unsigned long requests, bytes, marks;
    long long first_us, last_us;
    const char *marker;
    size_t marker_len;
};

static volatile sig_atomic_t stopping;

static void on_signal(int number)
{
    (void)number;
    stopping = 1;
}

static void on_body(void *context, const char *body, size_t len)
{
    struct sink *sink = context;
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    sink->last_us = now.tv_sec * 1000000LL + now.tv_nsec / 1000;
    if (sink->requests++ == 0)
        sink->first_us = sink->last_us;
    sink->bytes += len;
    const char *end = body + len, *at = body;
    while (sink->marker_len && (at = memmem(at, (size_t)(end - at), sink->marker, sink->marker_len))) {
        sink->marks++;
        at += sink->marker_len;
    }
}

static int tell(void *context, char *text, size_t size)
{
    const struct sink *sink = context;
    return snprintf(text, size, "requests %lu bytes %lu marks %lu first_us %lld last_us %lld\n", sink->requests,
                    sink->bytes, sink->marks, sink->first_us, sink->last_us);
}

int main(int argc, char **argv)
{
    if (argc < 2)
        return 2;
    struct sink sink = {.marker = argc > 2 ? argv[2] : ""};
    sink.marker_len = strlen(sink.marker);
    struct http_server server = {.on_body = on_body, .on_get = tell, .context = &sink};
    struct sigaction action = {.sa_handler = on_signal};
    sigaction(SIGTERM, &action, NULL);
    sigaction(SIGINT, &action, NULL);
    if (http_server_open(&server, argv[1]) < 0) {
        perror("sink");
        return 1;
    }
    while (!stopping)
        http_server_turn(&server, -1);
    char text[256];
    tell(&sink, text, sizeof text);
    fputs(text, stdout);
    return 0;
}
