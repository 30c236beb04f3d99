/* An HTTP sink that costs little: answers 204 to every POST and counts requests, body bytes, and how often a marker
 * stands in the bodies. One thread, epoll, HTTP/1.1 with Content-Length.
 *
 *     sink PORT_FILE [MARKER]     listens on a free port of 127.0.0.1 and writes its number into PORT_FILE;
 *                                 tells "requests N bytes N marks N" whoever asks by GET, and on SIGTERM, when it exits
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

struct connection {
    int fd;
    size_t len, cap;
    char *data;
};

static struct {
    unsigned long requests, bytes, marks;
    const char *marker;
    size_t marker_len;
} sink;

static volatile sig_atomic_t stopping;

static void on_signal(int number)
{
    (void)number;
    stopping = 1;
}

static void count_body(const char *body, size_t len)
{
    sink.requests++;
    sink.bytes += len;
    const char *end = body + len, *at = body;
    while (sink.marker_len && (at = memmem(at, (size_t)(end - at), sink.marker, sink.marker_len))) {
        sink.marks++;
        at += sink.marker_len;
    }
}

static size_t content_length(const char *head, size_t len)
{
    static const char name[] = "content-length:";
    for (size_t i = 0; i + sizeof name < len; i++)
        if (head[i] == '\n' && strncasecmp(head + i + 1, name, sizeof name - 1) == 0)
            return strtoul(head + i + sizeof name, NULL, 10);
    return 0;
}

static int counts(char *text, size_t size)
{
    return snprintf(text, size, "requests %lu bytes %lu marks %lu\n", sink.requests, sink.bytes, sink.marks);
}

static ssize_t answer(int fd, const char *head, size_t len)
{
    static const char taken[] = "HTTP/1.1 204 No Content\r\n\r\n";
    if (len < 4 || memcmp(head, "GET ", 4) != 0)
        return send(fd, taken, sizeof taken - 1, MSG_NOSIGNAL);
    char body[128], text[256];
    int n = counts(body, sizeof body);
    n = snprintf(text, sizeof text, "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s", n, body);
    return send(fd, text, (size_t)n, MSG_NOSIGNAL);
}

/* Answers every whole request in the connection's buffer. */
static void answer_requests(struct connection *c)
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
        if (memcmp(head, "POST", 4) == 0)
            count_body(head + head_len, need - head_len);
        at += need;
        if (answer(c->fd, head, head_len) < 0)
            break;
    }
    memmove(c->data, c->data + at, c->len - at);
    c->len -= at;
}

static void on_readable(struct connection *c)
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
    answer_requests(c);
}

static int listen_on_free_port(const char *port_file)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof address;
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    if (bind(fd, (struct sockaddr *)&address, len) || listen(fd, 128) ||
        getsockname(fd, (struct sockaddr *)&address, &len))
        return -1;
    FILE *f = fopen(port_file, "w");
    if (!f)
        return -1;
    fprintf(f, "%d\n", ntohs(address.sin_port));
    return fclose(f) == 0 ? fd : -1;
}

int main(int argc, char **argv)
{
    if (argc < 2)
        return 2;
    sink.marker = argc > 2 ? argv[2] : "";
    sink.marker_len = strlen(sink.marker);
    struct sigaction action = {.sa_handler = on_signal};
    sigaction(SIGTERM, &action, NULL);
    sigaction(SIGINT, &action, NULL);
    int listener = listen_on_free_port(argv[1]), poller = epoll_create1(0);
    struct epoll_event event = {.events = EPOLLIN}, events[64];
    if (listener < 0 || epoll_ctl(poller, EPOLL_CTL_ADD, listener, &event)) {
        perror("sink");
        return 1;
    }
    while (!stopping) {
        int n = epoll_wait(poller, events, 64, -1);
        for (int i = 0; i < n; i++) {
            if (events[i].data.ptr) {
                on_readable(events[i].data.ptr);
                continue;
            }
            struct connection *c = calloc(1, sizeof *c);
            c->fd = accept(listener, NULL, NULL);
            int one = 1;
            setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
            event.data.ptr = c;
            epoll_ctl(poller, EPOLL_CTL_ADD, c->fd, &event);
        }
    }
    char text[128];
    counts(text, sizeof text);
    fputs(text, stdout);
    return 0;
}
