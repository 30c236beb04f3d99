#include "http_server.h"

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

struct connection {
    int fd;
    size_t len, cap;
    char *data;
};

static size_t content_length(const char *head, size_t len)
{
    static const char name[] = "content-length:";
    for (size_t i = 0; i + sizeof name < len; i++)
        if (head[i] == '\n' && strncasecmp(head + i + 1, name, sizeof name - 1) == 0)
            return strtoul(head + i + sizeof name, NULL, 10);
    return 0;
}

static ssize_t answer(struct http_server *s, int fd, const char *head, const char *body, size_t body_len)
{
    static const char taken[] = "HTTP/1.1 204 No Content\r\n\r\n";
    if (memcmp(head, "POST", 4) == 0) {
        s->on_body(s->context, body, body_len);
        return send(fd, taken, sizeof taken - 1, MSG_NOSIGNAL);
    }
    char told[256], text[512];
    int n = s->on_get(s->context, told, sizeof told);
    n = snprintf(text, sizeof text, "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s", n, told);
    return send(fd, text, (size_t)n, MSG_NOSIGNAL);
}

/* Answers every whole request in the connection's buffer. */
static void answer_requests(struct http_server *s, struct connection *c)
{
    size_t at = 0;
    for (;;) {
        char *head = c->data + at;
        char *head_end = memmem(head, c->len - at, "\r\n\r\n", 4);
        if (!head_end)
            break;
        size_t head_len = (size_t)(head_end - head) + 4;
        size_t need = head_len + content_length(head, head_len);
        if (c->len - at < need)
            break;
        at += need;
        if (answer(s, c->fd, head, head + head_len, need - head_len) < 0)
            break;
    }
    memmove(c->data, c->data + at, c->len - at);
    c->len -= at;
}

static void on_readable(struct http_server *s, struct connection *c)
{
    if (c->len == c->cap) {
        c->cap = c->cap ? c->cap * 2 : 1 << 16;
        c->data = realloc(c->data, c->cap);
        if (!c->data)
            abort();
    }
    ssize_t got = recv(c->fd, c->data + c->len, c->cap - c->len, 0);
    if (got <= 0) {
        close(c->fd);
        free(c->data);
        free(c);
        return;
    }
    c->len += (size_t)got;
    answer_requests(s, c);
}

static void on_connection(struct http_server *s)
{
    int fd = accept(s->listener, NULL, NULL), one = 1;
    if (fd < 0)
        return;
    struct connection *c = calloc(1, sizeof *c);
    if (!c)
        abort();
    c->fd = fd;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = c};
    epoll_ctl(s->poller, EPOLL_CTL_ADD, fd, &event);
}

int http_server_open(struct http_server *s, const char *port_file)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof address;
    struct epoll_event event = {.events = EPOLLIN};
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    s->listener = socket(AF_INET, SOCK_STREAM, 0);
    s->poller = epoll_create1(0);
    if (bind(s->listener, (struct sockaddr *)&address, len) || listen(s->listener, 128) ||
        getsockname(s->listener, (struct sockaddr *)&address, &len) ||
        epoll_ctl(s->poller, EPOLL_CTL_ADD, s->listener, &event))
        return -1;
    FILE *f = fopen(port_file, "w");
    if (!f)
        return -1;
    fprintf(f, "%d\n", ntohs(address.sin_port));
    return fclose(f);
}

void http_server_turn(struct http_server *s, int timeout_ms)
{
    struct epoll_event events[64];
    int n = epoll_wait(s->poller, events, 64, timeout_ms);
    for (int i = 0; i < n; i++) {
        if (events[i].data.ptr)
            on_readable(s, events[i].data.ptr);
        else
            on_connection(s);
    }
}
