/* HTTP for the admin endpoint.
 *
 * The happy path: a listening socket and libmicrohttpd's own epoll descriptor for each address; the loop polls that
 * descriptor, MHD_run() reads what has come, on_request() finds the route, its function fills a buffer, and that is the
 * answer. A timer runs MHD when it asks for that (time-outs of connections).
 * What can go wrong: an address that is in use or a socket path that is too long makes a start impossible and is said;
 * a client that is slow, sends too much, or comes as one too many is cut off by libmicrohttpd's own limits. */
#include "admin/server.h"

#include "admin/stream.h"
#include "limits.h"
#include "tcp_listen.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <microhttpd.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

enum { CLIENT_TIMEOUT_S = 10, BACKLOG = 16 };

struct listener {
    struct admin_server *server;
    struct MHD_Daemon *daemon;
    uv_poll_t poll;
    uv_timer_t timer;
    bool local;
    bool open; /* handles are initialised */
};

struct admin_server {
    const struct admin_route *routes;
    void *context;
    struct log *log;
    bool lifted; /* local_only does not hold */
    struct listener unix_, tcp;
    struct admin_streams streams;
    int directory; /* state_dir */
    void (*on_stopped)(void *context);
    void *on_stopped_context;
    int handles;
};

/* ---- Answers ---------------------------------------------------------------------------------------------------- */

static enum MHD_Result send_answer(struct MHD_Connection *connection, unsigned status, const char *type,
                                   struct buffer *body)
{
    size_t len;
    char *data = buffer_take(body, &len);
    struct MHD_Response *response =
        MHD_create_response_from_buffer(len, data, data ? MHD_RESPMEM_MUST_FREE : MHD_RESPMEM_PERSISTENT);
    if (!response) {
        free(data);
        return MHD_NO;
    }
    MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, type);
    MHD_add_response_header(response, MHD_HTTP_HEADER_CACHE_CONTROL, "no-store");
    MHD_add_response_header(response, "X-Content-Type-Options", "nosniff");
    MHD_add_response_header(
        response, "Content-Security-Policy",
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self'; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'");
    enum MHD_Result sent = MHD_queue_response(connection, status, response);
    MHD_destroy_response(response);
    return sent;
}

static enum MHD_Result send_text(struct MHD_Connection *connection, unsigned status, const char *text)
{
    struct buffer body;
    buffer_init(&body, KIB(1));
    buffer_add_text(&body, text);
    return send_answer(connection, status, "text/plain; charset=utf-8", &body);
}

static const struct admin_route *find_route(const struct admin_server *s, const char *path)
{
    for (const struct admin_route *r = s->routes; r->path; r++)
        if (strcmp(r->path, path) == 0)
            return r;
    return NULL;
}

static bool comes_from_here(const struct listener *l, struct MHD_Connection *connection)
{
    if (l->local)
        return true;
    const union MHD_ConnectionInfo *info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
    if (!info || !info->client_addr)
        return false;
    if (info->client_addr->sa_family == AF_INET) {
        struct sockaddr_in address;
        memcpy(&address, info->client_addr, sizeof address);
        return (ntohl(address.sin_addr.s_addr) >> 24) == 127;
    }
    if (info->client_addr->sa_family == AF_INET6) {
        struct sockaddr_in6 address;
        memcpy(&address, info->client_addr, sizeof address);
        return IN6_IS_ADDR_LOOPBACK(&address.sin6_addr);
    }
    return false;
}

/* A browser on this machine asks by one of its own names; by another one where a site's name was made to lead here. */
static bool is_asked_by_own_name(const struct listener *l, struct MHD_Connection *connection)
{
    const char *host = MHD_lookup_connection_value(connection, MHD_HEADER_KIND, MHD_HTTP_HEADER_HOST);
    if (l->local || !host)
        return true;
    struct in_addr v4;
    char name[64];
    size_t len = strcspn(host, ":");
    if (host[0] == '[')
        return true; /* an address */
    if (len >= sizeof name)
        return false;
    memcpy(name, host, len);
    name[len] = '\0';
    return strcmp(name, "localhost") == 0 || inet_pton(AF_INET, name, &v4) == 1;
}

static enum MHD_Result begin_stream(struct listener *l, struct MHD_Connection *connection,
                                    const struct admin_route *route, const struct admin_request *request)
{
    if (admin_streams_begin(&l->server->streams, connection, request->rule, route->content_type) == MHD_YES)
        return MHD_YES;
    return send_text(connection, MHD_HTTP_SERVICE_UNAVAILABLE, "too many listeners\n");
}

static enum MHD_Result on_request(void *cls, struct MHD_Connection *connection, const char *path, const char *method,
                                  const char *version, const char *upload, size_t *upload_size, void **seen)
{
    struct listener *l = cls;
    (void)version;
    (void)upload;
    if (!*seen) { /* the first call comes with the headers, the answer is queued at the second */
        *seen = l;
        return MHD_YES;
    }
    if (*upload_size) { /* a body is of no interest */
        *upload_size = 0;
        return MHD_YES;
    }
    const struct admin_route *route = find_route(l->server, path);
    if (!route)
        return send_text(connection, MHD_HTTP_NOT_FOUND, "not found\n");
    bool reads = strcmp(method, MHD_HTTP_METHOD_GET) == 0 || strcmp(method, MHD_HTTP_METHOD_HEAD) == 0;
    bool fits = route->post ? strcmp(method, MHD_HTTP_METHOD_POST) == 0 : reads;
    if (!fits)
        return send_text(connection, MHD_HTTP_METHOD_NOT_ALLOWED, "method not allowed\n");
    struct admin_request request = {.path = path,
                                    .local = comes_from_here(l, connection),
                                    .socket = l->local,
                                    .rule = MHD_lookup_connection_value(connection, MHD_GET_ARGUMENT_KIND, "rule")};
    bool for_here = request.local && is_asked_by_own_name(l, connection);
    if (route->local_only && !for_here && !l->server->lifted)
        return send_text(connection, MHD_HTTP_FORBIDDEN, "only from this machine (admin.page: true opens it)\n");

    struct buffer body;
    buffer_init(&body, LIMIT_ADMIN_ANSWER);
    unsigned status = route->answer(l->server->context, &request, &body);
    if (route->stream && status == MHD_HTTP_OK) {
        buffer_release(&body);
        return begin_stream(l, connection, route, &request);
    }
    if (body.failed) {
        buffer_release(&body);
        return send_text(connection, MHD_HTTP_INTERNAL_SERVER_ERROR, "out of memory\n");
    }
    return send_answer(connection, status, route->content_type, &body);
}

/* ---- The loop --------------------------------------------------------------------------------------------------- */

static void run_daemon(struct listener *l);

static void on_timer(uv_timer_t *timer)
{
    run_daemon(timer->data);
}

static void run_daemon(struct listener *l)
{
    MHD_run(l->daemon);
    MHD_UNSIGNED_LONG_LONG wait_ms;
    if (MHD_get_timeout(l->daemon, &wait_ms) == MHD_YES)
        uv_timer_start(&l->timer, on_timer, wait_ms ? wait_ms : 1, 0);
    else
        uv_timer_stop(&l->timer);
}

/* Not at once: a request that waits may ask for something that cannot be done in the middle of a turn. */
static void run_soon(struct listener *l)
{
    uv_timer_start(&l->timer, on_timer, 0, 0);
}

static void on_readable(uv_poll_t *poll, int status, int events)
{
    (void)status; /* MHD looks itself */
    (void)events;
    run_daemon(poll->data);
}

/* Takes the socket over; false: it is closed. */
static bool serve(struct listener *l, struct admin_server *s, uv_loop_t *loop, int fd, bool local)
{
    l->server = s;
    l->local = local;
    l->daemon =
        MHD_start_daemon(MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME, 0, NULL, NULL, on_request, l,
                         MHD_OPTION_LISTEN_SOCKET, fd, MHD_OPTION_CONNECTION_LIMIT, (unsigned)LIMIT_HTTP_CLIENTS,
                         MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)CLIENT_TIMEOUT_S, MHD_OPTION_CONNECTION_MEMORY_LIMIT,
                         (size_t)LIMIT_HTTP_REQUEST_HEADERS, MHD_OPTION_END);
    if (!l->daemon) {
        close(fd);
        return false;
    }
    const union MHD_DaemonInfo *info = MHD_get_daemon_info(l->daemon, MHD_DAEMON_INFO_EPOLL_FD);
    uv_timer_init(loop, &l->timer);
    uv_poll_init(loop, &l->poll, info->epoll_fd);
    l->timer.data = l->poll.data = l;
    uv_poll_start(&l->poll, UV_READABLE, on_readable);
    l->open = true;
    return true;
}

/* ---- Sockets ---------------------------------------------------------------------------------------------------- */

/* A socket's address holds 107 bytes of path only, a state directory's may be longer: so it is named by a descriptor of
 * the directory. */
bool admin_socket_address(int directory, struct sockaddr_un *ret_address)
{
    *ret_address = (struct sockaddr_un){.sun_family = AF_UNIX};
    int n = snprintf(ret_address->sun_path, sizeof ret_address->sun_path, "/proc/self/fd/%d/" ADMIN_SOCKET, directory);
    return n > 0 && (size_t)n < sizeof ret_address->sun_path;
}

static int listen_unix(struct admin_server *s, const char *state_dir, struct error *e)
{
    struct sockaddr_un address;
    s->directory = open(state_dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
    int fd = s->directory >= 0 ? socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0) : -1;
    if (fd >= 0)
        unlinkat(s->directory, ADMIN_SOCKET, 0); /* the lock is ours: what lies there is a killed agent's */
    mode_t old = umask(0177);
    bool bound = fd >= 0 && admin_socket_address(s->directory, &address) &&
                 bind(fd, (struct sockaddr *)&address, sizeof address) == 0;
    umask(old);
    if (bound && listen(fd, BACKLOG) == 0)
        return fd;
    error_set(e, "admin socket '%s/" ADMIN_SOCKET "': %s", state_dir, strerror(errno));
    if (fd >= 0)
        close(fd);
    if (s->directory >= 0)
        close(s->directory);
    return -1;
}

/* ---- Life ------------------------------------------------------------------------------------------------------- */

static void on_closed(uv_handle_t *handle)
{
    struct admin_server *s = ((struct listener *)handle->data)->server;
    if (--s->handles > 0)
        return;
    s->on_stopped(s->on_stopped_context);
    free(s);
}

static void close_listener(struct listener *l)
{
    if (!l->open)
        return;
    uv_poll_stop(&l->poll);
    MHD_stop_daemon(l->daemon);
    l->server->handles += 2;
    uv_close((uv_handle_t *)&l->poll, on_closed);
    uv_close((uv_handle_t *)&l->timer, on_closed);
}

struct admin_server *admin_server_new(uv_loop_t *loop, const char *state_dir, const char *listen_on, bool open,
                                      const struct admin_route *routes, void *context, struct log *log,
                                      struct error *ret_error)
{
    int tcp = -1;
    if (listen_on && (tcp = tcp_listen(listen_on, ret_error)) < 0) {
        error_wrap(ret_error, "admin.listen");
        return NULL;
    }
    struct admin_server *s = calloc(1, sizeof *s);
    if (!s) {
        error_set(ret_error, "out of memory");
        goto err_after_tcp;
    }
    *s = (struct admin_server){.routes = routes, .context = context, .log = log, .lifted = open};
    int local = listen_unix(s, state_dir, ret_error);
    if (local < 0)
        goto err_after_alloc;
    if (!serve(&s->unix_, s, loop, local, true) || (tcp >= 0 && !serve(&s->tcp, s, loop, tcp, false))) {
        /* Without memory for a daemon there is no agent either: the process ends. */
        error_set(ret_error, "the admin endpoint cannot be started");
        return NULL;
    }
    return s;

err_after_alloc:
    free(s);
err_after_tcp:
    if (tcp >= 0)
        close(tcp);
    return NULL;
}

void admin_server_stop(struct admin_server *s, void (*on_stopped)(void *context), void *context)
{
    s->on_stopped = on_stopped;
    s->on_stopped_context = context;
    unlinkat(s->directory, ADMIN_SOCKET, 0);
    close(s->directory);
    admin_streams_end(&s->streams);
    close_listener(&s->unix_);
    close_listener(&s->tcp);
}

bool admin_server_has_listeners(const struct admin_server *s)
{
    return s->streams.count > 0;
}

void admin_server_tell(struct admin_server *s, const struct admin_news *news)
{
    admin_streams_tell(&s->streams, news);
    run_soon(&s->unix_);
}

void admin_server_beat(struct admin_server *s)
{
    if (s->streams.count == 0)
        return;
    admin_streams_beat(&s->streams);
    run_soon(&s->unix_);
}
