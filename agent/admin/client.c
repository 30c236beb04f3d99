/* A client of the admin endpoint's unix socket.
 *
 * The happy path: connect, send the request as HTTP/1.0 (so that the answer comes in one piece and ends with the
 * connection), take the status from the first line, and what stands behind the empty line is the body.
 * What can go wrong is said in words for whoever typed the command: no agent there, somebody else's agent, an agent
 * that does not answer, an answer that is none or was cut short. */
#include "admin/client.h"

#include "admin/server.h"
#include "limits.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

static int refuse(const char *state_dir, int reason, struct error *e)
{
    if (reason == ENOENT || reason == ECONNREFUSED || reason == ENOTDIR)
        error_set(e, "no agent runs on state directory '%s' (nobody listens at its " ADMIN_SOCKET "); %s", state_dir,
                  "is it started, and is this its state_dir? (--state-dir)");
    else if (reason == EACCES || reason == EPERM)
        error_set(e, "'%s/" ADMIN_SOCKET "': permission denied; it is for the agent's user and root", state_dir);
    else
        error_set(e, "'%s/" ADMIN_SOCKET "': %s", state_dir, strerror(reason));
    return -1;
}

static void set_timeout(int fd, unsigned ms)
{
    const struct timeval limit = {.tv_sec = ms / 1000, .tv_usec = (suseconds_t)(ms % 1000) * 1000};
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
}

static int connect_to(const char *state_dir, unsigned timeout_ms, struct error *e)
{
    struct sockaddr_un address;
    int directory = open(state_dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (directory < 0)
        return refuse(state_dir, errno, e);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd >= 0)
        set_timeout(fd, timeout_ms);
    int reason = 0;
    if (fd < 0 || !admin_socket_address(directory, &address) ||
        connect(fd, (struct sockaddr *)&address, sizeof address) != 0)
        reason = errno;
    close(directory);
    if (!reason)
        return fd;
    if (fd >= 0)
        close(fd);
    return refuse(state_dir, reason, e);
}

/* More of the answer. False at its end; *ret_reason: 0, or why it cannot be read further. */
static bool read_more(int fd, struct buffer *in, int *ret_reason)
{
    char *room = buffer_reserve(in, KIB(16));
    if (!room) {
        *ret_reason = EFBIG;
        return false;
    }
    ssize_t n;
    do {
        n = read(fd, room, KIB(16));
    } while (n < 0 && errno == EINTR);
    *ret_reason = n < 0 ? errno : 0;
    if (n > 0)
        in->len += (size_t)n;
    return n > 0;
}

struct head {
    unsigned status;
    size_t body_len; /* SIZE_MAX: to the connection's end */
    size_t len;
};

static bool parse_head(struct slice text, struct head *ret_head)
{
    const char *end = text.len < 12 ? NULL : memmem(text.text, text.len, "\r\n\r\n", 4);
    if (!end || memcmp(text.text, "HTTP/1.", 7) != 0)
        return false;
    struct head head = {.body_len = SIZE_MAX, .len = (size_t)(end - text.text) + 4};
    for (int i = 9; i < 12; i++) {
        if (text.text[i] < '0' || text.text[i] > '9')
            return false;
        head.status = head.status * 10 + (unsigned)(text.text[i] - '0');
    }
    static const char name[] = "\r\nContent-Length:";
    for (const char *at = text.text; at < end; at++)
        if ((size_t)(end - at) > sizeof name && strncasecmp(at, name, sizeof name - 1) == 0)
            head.body_len = strtoul(at + sizeof name - 1, NULL, 10);
    *ret_head = head;
    return true;
}

static void no_answer(const char *state_dir, int reason, unsigned timeout_ms, struct error *e)
{
    if (reason == EAGAIN || reason == EWOULDBLOCK)
        error_set(e, "the agent on '%s' does not answer within %u ms", state_dir, timeout_ms);
    else
        error_set(e, "the agent on '%s' broke its answer off%s%s", state_dir, reason ? ": " : "",
                  reason ? strerror(reason) : "");
}

/* Sends the request and reads the answer's head; what came behind it is left in `body`. */
static int ask(const char *state_dir, const char *method, const char *path, unsigned timeout_ms, struct head *ret_head,
               struct buffer *body, struct error *e)
{
    int fd = connect_to(state_dir, timeout_ms, e);
    if (fd < 0)
        return -1;
    char request[512];
    int n = snprintf(request, sizeof request, "%s %s HTTP/1.0\r\nHost: localhost\r\n%s\r\n", method, path,
                     strcmp(method, "POST") == 0 ? "Content-Length: 0\r\n" : "");
    int reason = 0;
    bool sent = n > 0 && (size_t)n < sizeof request;
    if (sent && send(fd, request, (size_t)n, MSG_NOSIGNAL) != n) { /* so little fits into any socket at once */
        sent = false;
        reason = errno;
    }
    while (sent && !parse_head(buffer_slice(body), ret_head))
        sent = body->len < LIMIT_HTTP_REQUEST_HEADERS && read_more(fd, body, &reason);
    if (!sent) {
        no_answer(state_dir, reason, timeout_ms, e);
        close(fd);
        return -1;
    }
    body->len -= ret_head->len;
    memmove(body->data, body->data + ret_head->len, body->len);
    return fd;
}

bool admin_ask(const char *state_dir, const char *method, const char *path, unsigned timeout_ms, unsigned *ret_status,
               struct buffer *body, struct error *ret_error)
{
    struct head head;
    buffer_clear(body);
    int fd = ask(state_dir, method, path, timeout_ms, &head, body, ret_error);
    if (fd < 0)
        return false;
    int reason = 0;
    while (body->len < head.body_len && read_more(fd, body, &reason))
        ;
    close(fd);
    if (reason || (head.body_len != SIZE_MAX && body->len < head.body_len)) {
        no_answer(state_dir, reason, timeout_ms, ret_error);
        return false;
    }
    *ret_status = head.status;
    return true;
}

int admin_open(const char *state_dir, const char *method, const char *path, unsigned timeout_ms, unsigned *ret_status,
               struct buffer *body, struct error *ret_error)
{
    struct head head;
    buffer_clear(body);
    int fd = ask(state_dir, method, path, timeout_ms, &head, body, ret_error);
    if (fd < 0)
        return -1;
    set_timeout(fd, 0);
    *ret_status = head.status;
    return fd;
}
