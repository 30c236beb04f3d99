#ifndef RAINGAUGE_RECEIVER_H
#define RAINGAUGE_RECEIVER_H

#include "base/arena.h"
#include "base/buffer.h"
#include "receive/event_ids.h"

#include <stdint.h>

/* A stand-in for Raindrop: takes requests as its API is documented, checks each call, keeps and shows it. Knows nothing
 * of HTTP but its words; one thread uses it.
 *
 *     receiver_init(&r, key, keep_fd, show_fd, colour);
 *     receiver_take(&r, &request, &answer);      // writes to keep_fd before it returns; then the answer may go
 *     receiver_release(&r);
 *
 * A request of which one call is wrong is refused whole, as the service does; nothing of it is kept. */

struct receive_request {
    const char *method, *path;
    const char *authorization, *content_type, *content_encoding, *project; /* headers; NULL: there was none */
    struct slice body;
    bool too_large; /* above LIMIT_BODY: not kept in `body` */
};

struct receive_answer {
    unsigned status;
    struct buffer body; /* JSON; empty with 204 */
};

struct receiver {
    const char *key; /* the only one that is taken; NULL: any */
    int keep_fd;     /* calls are appended here, one JSON object a line; -1: nowhere */
    int show_fd;
    bool colour;
    uint64_t events, signals, identifies, refused; /* calls so far; refused: also a request that is none, as one */
    struct event_ids events_seen;
    struct arena arena;
    struct buffer shown;
};

void receiver_init(struct receiver *r, const char *key, int keep_fd, int show_fd, bool colour);
void receiver_release(struct receiver *r);

/* `answer->body` is initialised here, and released by the caller. */
void receiver_take(struct receiver *r, const struct receive_request *request, struct receive_answer *ret_answer);

#endif
