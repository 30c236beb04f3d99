/* For LD_PRELOAD: a world that a test turns hostile while the agent runs in it.
 *
 *  HOSTILE_DIR=DIR      where the test says what is wrong now:
 *    DIR/full           writing to a file below HOSTILE_DISK gets half of the bytes there, then ENOSPC
 *    DIR/no-names       no host's name can be resolved (for now); else every name is 127.0.0.1
 *    DIR/clock          so many seconds are added to the wall clock (decimal); the monotonic one is left alone */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static int path_in(const char *name, char *path, size_t size)
{
    const char *dir = getenv("HOSTILE_DIR");
    return dir && snprintf(path, size, "%s/%s", dir, name) < (int)size;
}

static int is_said(const char *name)
{
    char path[4096];
    return path_in(name, path, sizeof path) && access(path, F_OK) == 0;
}

/* ---- the disk ---- */

static int is_on_full_disk(int fd)
{
    const char *disk = getenv("HOSTILE_DISK");
    char name[64], path[4096];
    snprintf(name, sizeof name, "/proc/self/fd/%d", fd);
    ssize_t n = disk ? readlink(name, path, sizeof path - 1) : -1;
    return n > 0 && strncmp(path, disk, strlen(disk)) == 0 && is_said("full");
}

ssize_t write(int fd, const void *bytes, size_t n)
{
    int reason = errno;
    if (is_on_full_disk(fd)) {
        if (n > 1)
            return syscall(SYS_write, fd, bytes, n / 2);
        errno = ENOSPC;
        return -1;
    }
    errno = reason;
    return syscall(SYS_write, fd, bytes, n);
}

static int sync_with(long call, int fd)
{
    if (is_on_full_disk(fd)) {
        errno = ENOSPC;
        return -1;
    }
    return (int)syscall(call, fd);
}

int fsync(int fd)
{
    return sync_with(SYS_fsync, fd);
}

int fdatasync(int fd)
{
    return sync_with(SYS_fdatasync, fd);
}

/* ---- names ---- */

int getaddrinfo(const char *node, const char *service, const struct addrinfo *hints, struct addrinfo **found)
{
    int (*real)(const char *, const char *, const struct addrinfo *, struct addrinfo **);
    *(void **)&real = dlsym(RTLD_NEXT, "getaddrinfo");
    if (is_said("no-names"))
        return EAI_AGAIN;
    return real(node ? "127.0.0.1" : NULL, service, hints, found);
}

/* ---- the clock ---- */

static long long offset(void)
{
    char path[4096], text[32] = "";
    int reason = errno, fd = path_in("clock", path, sizeof path) ? open(path, O_RDONLY | O_CLOEXEC) : -1;
    if (fd >= 0) {
        if (read(fd, text, sizeof text - 1) < 0)
            text[0] = '\0';
        close(fd);
    }
    errno = reason;
    return strtoll(text, NULL, 10);
}

int clock_gettime(clockid_t clock, struct timespec *now)
{
    int result = (int)syscall(SYS_clock_gettime, clock, now);
    if (result == 0 && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE))
        now->tv_sec += offset();
    return result;
}

int gettimeofday(struct timeval *restrict now, void *restrict zone)
{
    (void)zone;
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    *now = (struct timeval){t.tv_sec, t.tv_nsec / 1000};
    return 0;
}

time_t time(time_t *ret)
{
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    if (ret)
        *ret = t.tv_sec;
    return t.tv_sec;
}
