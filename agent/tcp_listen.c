#include "tcp_listen.h"

#include <errno.h>
#include <netdb.h>
#include <sys/socket.h>
#include <unistd.h>

enum { BACKLOG = 64, HOST_MOST = 256, PORT_MOST = 16 };

static bool is_port(const char *text)
{
    size_t digits = strspn(text, "0123456789");
    return digits > 0 && digits <= 5 && text[digits] == '\0' && strtoul(text, NULL, 10) <= 65535;
}

/* "[::1]:9464" → "::1", "9464". */
static bool split(const char *address, char host[HOST_MOST], char port[PORT_MOST])
{
    const char *colon = strrchr(address, ':');
    if (!colon || !is_port(colon + 1))
        return false;
    size_t len = (size_t)(colon - address);
    if (len >= 2 && address[0] == '[' && address[len - 1] == ']') {
        address++;
        len -= 2;
    }
    if (len >= HOST_MOST)
        return false;
    memcpy(host, address, len);
    host[len] = '\0';
    memcpy(port, colon + 1, strlen(colon));
    return true;
}

static int listen_at(const struct addrinfo *at)
{
    int fd = socket(at->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return -1;
    int one = 1;
    if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one) == 0 && bind(fd, at->ai_addr, at->ai_addrlen) == 0 &&
        listen(fd, BACKLOG) == 0)
        return fd;
    int reason = errno;
    close(fd);
    errno = reason;
    return -1;
}

bool tcp_address_is(const char *text)
{
    char host[HOST_MOST], port[PORT_MOST];
    return split(text, host, port);
}

int tcp_listen(const char *address, struct error *ret_error)
{
    char host[HOST_MOST], port[PORT_MOST];
    if (!split(address, host, port)) {
        error_set(ret_error, "'%s' is no ADDRESS:PORT", address);
        return -1;
    }
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE | AI_NUMERICSERV}, *found = NULL;
    int failed = getaddrinfo(host[0] ? host : NULL, port, &hints, &found);
    if (failed) {
        error_set(ret_error, "'%s': %s", address, gai_strerror(failed));
        return -1;
    }
    int fd = listen_at(found);
    if (fd < 0)
        error_set(ret_error, "listen on '%s': %s", address, strerror(errno));
    freeaddrinfo(found);
    return fd;
}

void tcp_listen_name(int fd, char name[TCP_NAME_MOST])
{
    struct sockaddr_storage at;
    socklen_t len = sizeof at;
    char host[64] = "?", port[PORT_MOST] = "?";
    if (getsockname(fd, (struct sockaddr *)&at, &len) == 0)
        getnameinfo((struct sockaddr *)&at, len, host, sizeof host, port, sizeof port, NI_NUMERICHOST | NI_NUMERICSERV);
    snprintf(name, TCP_NAME_MOST, at.ss_family == AF_INET6 ? "[%s]:%s" : "%s:%s", host, port);
}
