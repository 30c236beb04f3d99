/* libmicrohttpd calls on_request() with the headers, then for each piece of the body, then for the answer. A body that
 * is too large is read to its end all the same, so that the client gets to hear why. */
#include "receive/receive_server.h"

#include "limits.h"

#include <errno.h>
#include <microhttpd.h>
#include <unistd.h>

enum { CLIENT_TIMEOUT_S = 60, CLIENTS_MOST = 256 };

struct receive_server {
    struct MHD_Daemon *daemon;
    struct receiver *receiver;
};

static struct buffer *body_new(void)
{
    struct buffer *body = malloc(sizeof *body);
    if (body)
        buffer_init(body, LIMIT_BODY);
    return body;
}

static enum MHD_Result send_answer(struct MHD_Connection *connection, struct receive_answer *answer)
{
    size_t len;
    char *text = buffer_take(&answer->body, &len);
    struct MHD_Response *response =
        MHD_create_response_from_buffer(len, text, text ? MHD_RESPMEM_MUST_FREE : MHD_RESPMEM_PERSISTENT);
    if (!response) {
        free(text);
        return MHD_NO;
    }
    if (len)
        MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, "application/json");
    if (answer->status == MHD_HTTP_METHOD_NOT_ALLOWED)
        MHD_add_response_header(response, MHD_HTTP_HEADER_ALLOW, MHD_HTTP_METHOD_POST);
    enum MHD_Result sent = MHD_queue_response(connection, answer->status, response);
    MHD_destroy_response(response);
    return sent;
}

static const char *header(struct MHD_Connection *connection, const char *name)
{
    return MHD_lookup_connection_value(connection, MHD_HEADER_KIND, name);
}

static enum MHD_Result on_request(void *context, struct MHD_Connection *connection, const char *path,
                                  const char *method, const char *version, const char *piece, size_t *piece_len,
                                  void **request_body)
{
    (void)version;
    struct receive_server *server = context;
    struct buffer *body = *request_body;
    if (!body) {
        *request_body = body_new();
        return *request_body ? MHD_YES : MHD_NO;
    }
    if (*piece_len > 0) {
        buffer_add(body, slice_of(piece, *piece_len));
        *piece_len = 0;
        return MHD_YES;
    }
    struct receive_request request = {
        .method = method,
        .path = path,
        .authorization = header(connection, MHD_HTTP_HEADER_AUTHORIZATION),
        .content_type = header(connection, MHD_HTTP_HEADER_CONTENT_TYPE),
        .content_encoding = header(connection, MHD_HTTP_HEADER_CONTENT_ENCODING),
        .project = header(connection, "X-Raindrop-Project-Id"),
        .body = buffer_slice(body),
        .too_large = body->failed,
    };
    struct receive_answer answer;
    receiver_take(server->receiver, &request, &answer);
    return send_answer(connection, &answer);
}

static void on_request_ended(void *context, struct MHD_Connection *connection, void **request_body,
                             enum MHD_RequestTerminationCode how)
{
    (void)context, (void)connection, (void)how;
    struct buffer *body = *request_body;
    if (body)
        buffer_release(body);
    free(body);
    *request_body = NULL;
}

/* Its complaints about clients are of no use to anybody here. */
static void on_complaint(void *context, const char *format, va_list args)
{
    (void)context, (void)format, (void)args;
}

struct receive_server *receive_server_start(struct receiver *receiver, int listen_fd, struct error *ret_error)
{
    struct receive_server *server = calloc(1, sizeof *server);
    if (!server) {
        close(listen_fd);
        error_set(ret_error, "out of memory");
        return NULL;
    }
    server->receiver = receiver;
    server->daemon = MHD_start_daemon(MHD_USE_EPOLL_INTERNAL_THREAD | MHD_USE_ERROR_LOG, 0, NULL, NULL, on_request,
                                      server, MHD_OPTION_EXTERNAL_LOGGER, on_complaint, NULL, MHD_OPTION_LISTEN_SOCKET,
                                      listen_fd, MHD_OPTION_NOTIFY_COMPLETED, on_request_ended, NULL,
                                      MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)CLIENT_TIMEOUT_S,
                                      MHD_OPTION_CONNECTION_LIMIT, (unsigned)CLIENTS_MOST, MHD_OPTION_END);
    if (server->daemon)
        return server;
    error_set(ret_error, "start the HTTP server: %s", strerror(errno));
    close(listen_fd);
    free(server);
    return NULL;
}

void receive_server_stop(struct receive_server *server)
{
    MHD_stop_daemon(server->daemon);
    free(server);
}
