#ifndef RAINGAUGE_BENCH_HTTP_SERVER_H
#define RAINGAUGE_BENCH_HTTP_SERVER_H

#include <stddef.h>

/* An HTTP/1.1 server that costs little: one thread, epoll, Content-Length only. Each POST is answered 204 and its body
 * shown to on_body, at once when its last byte has come; each GET is answered with the text that on_get writes.
 *
 *     struct http_server s = {.on_body = …, .on_get = …, .context = …};
 *     if (http_server_open(&s, port_file) < 0) … perror …      // a free port of 127.0.0.1, its number in port_file
 *     for (;;) http_server_turn(&s, timeout_ms);               // answers what has come; -1 waits, a signal ends it
 * early
 *
 * A broken connection is closed; out of memory aborts. The process ends with the one that started it. */
struct http_server {
    void (*on_body)(void *context, const char *body, size_t len);
    int (*on_get)(void *context, char *text, size_t size); /* gives the length */
    void *context;
    int listener, poller;
};

int http_server_open(struct http_server *s, const char *port_file);
void http_server_turn(struct http_server *s, int timeout_ms);

#endif
