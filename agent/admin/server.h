#ifndef RAINGAUGE_ADMIN_SERVER_H
#define RAINGAUGE_ADMIN_SERVER_H

#include "base/buffer.h"
#include "error.h"
#include "log.h"

#include <sys/un.h>
#include <uv.h>

/* The admin endpoint: a small HTTP server in the agent's loop (libmicrohttpd with external polling, no thread of its
 * own), on the unix socket state_dir/admin.sock and, where configured, on a TCP address.
 *
 *     s = admin_server_new(loop, state_dir, "127.0.0.1:9464", routes, context, log, &error);
 *     admin_server_stop(s, on_stopped, context);
 *
 * Answers are made at once, from memory, by the route's function; only GET and HEAD, and POST where a route says so.
 * Requests are bounded in size, number and time, so that a slow or hostile client cannot disturb the loop. What the TCP
 * address may show beyond loopback is the route's `local_only`. */

struct admin_request {
    const char *path;
    bool local;       /* over the unix socket, or from a loopback address */
    bool socket;      /* over the unix socket: whoever may open it */
    const char *rule; /* ?rule=…; NULL: not given */
};

struct admin_route {
    const char *path;
    const char *content_type;
    bool post;       /* POST instead of GET */
    bool stream;     /* after a 200 the answer goes on with what admin_server_tell() tells */
    bool local_only; /* 403 for others, unless `admin.page` opens it */
    /* Writes the body, returns the status. */
    unsigned (*answer)(void *context, const struct admin_request *request, struct buffer *body);
};

struct admin_server;
/* `listen` may be NULL; routes end with one whose path is NULL and are borrowed. `open` lifts local_only. */
struct admin_server *admin_server_new(uv_loop_t *loop, const char *state_dir, const char *listen, bool open,
                                      const struct admin_route *routes, void *context, struct log *log,
                                      struct error *ret_error);
/* For the streams; costs nothing where nobody listens. */
struct admin_news;
bool admin_server_has_listeners(const struct admin_server *s);
void admin_server_tell(struct admin_server *s, const struct admin_news *news);
void admin_server_beat(struct admin_server *s); /* every few seconds */
/* Closes its sockets and handles, removes the unix socket; then calls, and is freed. */
void admin_server_stop(struct admin_server *s, void (*on_stopped)(void *context), void *context);

/* Where it listens, for those who ask it: the socket in the state directory that `directory` is open on. */
#define ADMIN_SOCKET "admin.sock"
bool admin_socket_address(int directory, struct sockaddr_un *ret_address);

#endif
