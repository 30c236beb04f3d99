#include "deliver/script_server.h"

#include "limits.h"
#include "support/cmocka_setup.h"

#include <strings.h>

struct server_client {
    uv_tcp_t tcp;
    struct script_server *server;
    struct buffer in;
    struct server_client *previous, *next;
};

struct sent {
    uv_write_t write;
    char *filler;
    struct server_client *client;
    enum server_then then;
};

static void on_client_closed(uv_handle_t *handle)
{
    struct server_client *c = handle->data;
    buffer_release(&c->in);
    free(c);
}

static void close_client(struct server_client *c, bool reset)
{
    if (uv_is_closing((uv_handle_t *)&c->tcp))
        return;
    *(c->previous ? &c->previous->next : &c->server->clients) = c->next;
    if (c->next)
        c->next->previous = c->previous;
    if (!reset || uv_tcp_close_reset(&c->tcp, on_client_closed) < 0)
        uv_close((uv_handle_t *)&c->tcp, on_client_closed);
}

static void on_sent(uv_write_t *write, int status)
{
    struct sent *sent = write->data;
    (void)status;
    if (sent->then != SERVER_KEEP)
        close_client(sent->client, sent->then == SERVER_RESET);
    free(sent->filler);
    free(sent);
}

static void answer_request(struct server_client *c)
{
    struct script_server *s = c->server;
    assert_true(s->answer_count > 0);
    size_t i = s->request_count - 1 < s->answer_count ? s->request_count - 1 : s->answer_count - 1;
    const struct script *a = &s->answers[i];
    if (a->bytes.len == 0) {
        if (a->then != SERVER_KEEP)
            close_client(c, a->then == SERVER_RESET);
        return;
    }
    struct sent *sent = calloc(1, sizeof *sent);
    sent->write.data = sent;
    sent->client = c;
    sent->then = a->then;
    sent->filler = malloc(a->filler + 1);
    memset(sent->filler, 'x', a->filler + 1);
    uv_buf_t bufs[] = {uv_buf_init((char *)(uintptr_t)a->bytes.text, (unsigned)a->bytes.len),
                       uv_buf_init(sent->filler, (unsigned)a->filler)};
    uv_write(&sent->write, (uv_stream_t *)&c->tcp, bufs, a->filler ? 2 : 1, on_sent);
}

static struct slice header_of(struct slice request, const char *name)
{
    size_t n = strlen(name);
    for (const char *at; (at = memmem(request.text, request.len, "\r\n", 2)) && at + 2 < request.text + request.len;) {
        request = slice_from_offset(request, (size_t)(at + 2 - request.text));
        if (request.len > n + 2 && strncasecmp(request.text, name, n) == 0 && request.text[n] == ':') {
            const char *end = memmem(request.text, request.len, "\r\n", 2);
            return slice_of(request.text + n + 2, (size_t)(end - request.text) - n - 2);
        }
        if (slice_starts_with(request, SLICE("\r\n")))
            break;
    }
    return (struct slice){0};
}

/* The length of the whole request, 0 while it is not all there. */
static size_t whole_request(struct slice in)
{
    const char *end = in.len ? memmem(in.text, in.len, "\r\n\r\n", 4) : NULL;
    if (!end)
        return 0;
    struct slice length = header_of(in, "Content-Length");
    size_t whole = (size_t)(end - in.text) + 4 + (length.len ? strtoul(length.text, NULL, 10) : 0);
    return in.len >= whole ? whole : 0;
}

static void on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *ret)
{
    struct server_client *c = handle->data;
    char *at = buffer_reserve(&c->in, suggested);
    *ret = uv_buf_init(at, at ? (unsigned)suggested : 0);
}

static void on_bytes(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf)
{
    (void)buf;
    struct server_client *c = stream->data;
    struct script_server *s = c->server;
    if (n < 0) {
        close_client(c, false);
        return;
    }
    c->in.len += (size_t)n;
    size_t whole;
    while (!uv_is_closing((uv_handle_t *)stream) && (whole = whole_request(buffer_slice(&c->in))) > 0) {
        assert_true(s->request_count < SERVER_REQUESTS);
        struct buffer *request = &s->requests[s->request_count++];
        buffer_init(request, MIB(8));
        buffer_add(request, slice_of(c->in.data, whole));
        memmove(c->in.data, c->in.data + whole, c->in.len - whole);
        c->in.len -= whole;
        answer_request(c);
    }
}

static void on_connection(uv_stream_t *listener, int status)
{
    assert_int_equal(status, 0);
    struct script_server *s = listener->data;
    struct server_client *c = calloc(1, sizeof *c);
    c->server = s;
    buffer_init(&c->in, MIB(8));
    c->tcp.data = c;
    uv_tcp_init(s->loop, &c->tcp);
    assert_int_equal(uv_accept(listener, (uv_stream_t *)&c->tcp), 0);
    c->tcp.data = c;
    c->next = s->clients;
    if (c->next)
        c->next->previous = c;
    s->clients = c;
    s->connections++;
    uv_read_start((uv_stream_t *)&c->tcp, on_alloc, on_bytes);
}

void server_start(struct script_server *s, uv_loop_t *loop)
{
    *s = (struct script_server){.loop = loop};
    struct sockaddr_in address;
    int len = sizeof address;
    uv_ip4_addr("127.0.0.1", 0, &address);
    uv_tcp_init(loop, &s->listener);
    s->listener.data = s;
    assert_int_equal(uv_tcp_bind(&s->listener, (const struct sockaddr *)&address, 0), 0);
    assert_int_equal(uv_listen((uv_stream_t *)&s->listener, 16, on_connection), 0);
    uv_tcp_getsockname(&s->listener, (struct sockaddr *)&address, &len);
    s->port = ntohs(address.sin_port);
}

void server_stop(struct script_server *s)
{
    uv_close((uv_handle_t *)&s->listener, NULL);
    while (s->clients)
        close_client(s->clients, false);
}

void server_release(struct script_server *s)
{
    for (size_t i = 0; i < s->request_count; i++)
        buffer_release(&s->requests[i]);
}

struct slice request_header(const struct script_server *s, size_t request, const char *name)
{
    return header_of(buffer_slice(&s->requests[request]), name);
}

struct slice request_body(const struct script_server *s, size_t request)
{
    struct slice all = buffer_slice(&s->requests[request]);
    const char *end = memmem(all.text, all.len, "\r\n\r\n", 4);
    return slice_from_offset(all, (size_t)(end - all.text) + 4);
}
