#include "notify.h"

#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

enum { BEAT_MS = 10000 };

/* Half of what the watchdog allows, as sd_watchdog_enabled(3) advises. 0: there is none, or it is another process's. */
static uint64_t watchdog_ms(void)
{
    const char *usec = getenv("WATCHDOG_USEC"), *pid = getenv("WATCHDOG_PID");
    if (!usec || (pid && strtol(pid, NULL, 10) != (long)getpid()))
        return 0;
    return strtoull(usec, NULL, 10) / 2000;
}

void notify_init(struct notify *n, uint64_t now)
{
    *n = (struct notify){.fd = -1};
    const char *path = getenv("NOTIFY_SOCKET");
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    size_t len = path ? strlen(path) : 0;
    if (len < 2 || len >= sizeof address.sun_path || (path[0] != '/' && path[0] != '@'))
        return;
    memcpy(address.sun_path, path, len);
    if (path[0] == '@')
        address.sun_path[0] = '\0'; /* an abstract name */
    n->fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    socklen_t size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len);
    if (n->fd >= 0 && connect(n->fd, (const struct sockaddr *)&address, size) != 0)
        notify_release(n);
    uint64_t watchdog = watchdog_ms();
    n->every_ms = watchdog && watchdog < BEAT_MS ? watchdog : BEAT_MS;
    n->at = now;
}

void notify_release(struct notify *n)
{
    if (n->fd >= 0)
        close(n->fd);
    n->fd = -1;
}

void notify_say(const struct notify *n, const char *state)
{
    if (n->fd >= 0)
        (void)!send(n->fd, state, strlen(state), MSG_NOSIGNAL);
}

void notify_reloading(const struct notify *n)
{
    struct timespec now;
    char text[64];
    clock_gettime(CLOCK_MONOTONIC, &now);
    snprintf(text, sizeof text, "RELOADING=1\nMONOTONIC_USEC=%" PRIu64,
             (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000);
    notify_say(n, text);
}

uint64_t notify_deadline(const struct notify *n)
{
    return n->fd >= 0 ? n->at : UINT64_MAX;
}

void notify_beat(struct notify *n, uint64_t now, const char *status)
{
    char text[1024];
    n->at = now + n->every_ms;
    snprintf(text, sizeof text, "WATCHDOG=1\nSTATUS=%s", status);
    notify_say(n, text);
}
