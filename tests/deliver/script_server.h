/* An HTTP server on the test's own loop that answers with bytes given by the test, one script line a request.
 *
 *     server_start(&s, &loop);
 *     s.answers = (const struct script[]){{.bytes = SLICE(…)}, {.then = SERVER_RESET}}; s.answer_count = 2;
 *     … s.requests[0] is what came …
 *     server_stop(&s);                                 // then run the loop to its end */
#ifndef RAINGAUGE_TEST_SCRIPT_SERVER_H
#define RAINGAUGE_TEST_SCRIPT_SERVER_H

#include "base/buffer.h"

#include <uv.h>

enum server_then { SERVER_KEEP, SERVER_CLOSE, SERVER_RESET };

struct script {
    struct slice bytes; /* empty: nothing */
    size_t filler;      /* so many bytes of 'x' after them */
    enum server_then then;
};

enum { SERVER_REQUESTS = 64 };
struct script_server {
    uv_loop_t *loop;
    uv_tcp_t listener;
    int port;
    const struct script *answers; /* the last one for all further requests, too */
    size_t answer_count;
    struct buffer requests[SERVER_REQUESTS];
    size_t request_count;
    unsigned connections;
    struct server_client *clients;
};

void server_start(struct script_server *s, uv_loop_t *loop);
void server_stop(struct script_server *s); /* closes every handle */
void server_release(struct script_server *s);

/* The value of a header in a request, the empty slice where there is none. */
struct slice request_header(const struct script_server *s, size_t request, const char *name);
struct slice request_body(const struct script_server *s, size_t request);

#endif
