#include "support/faults.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <unistd.h>

static atomic_uint countdown; /* 0: not armed */
static atomic_int fault_error;
static atomic_bool came;

void faults_arm(unsigned nth, int error)
{
    atomic_store(&came, false);
    atomic_store(&fault_error, error);
    atomic_store(&countdown, nth);
}

bool faults_disarm(void)
{
    atomic_store(&countdown, 0);
    return atomic_load(&came);
}

static bool fails_now(void)
{
    unsigned n = atomic_load(&countdown);
    if (n == 0)
        return false;
    atomic_store(&countdown, n - 1);
    if (n > 1)
        return false;
    atomic_store(&came, true);
    errno = atomic_load(&fault_error);
    return true;
}

ssize_t __real_write(int fd, const void *bytes, size_t n);
ssize_t __wrap_write(int fd, const void *bytes, size_t n);
ssize_t __wrap_write(int fd, const void *bytes, size_t n)
{
    if (!fails_now())
        return __real_write(fd, bytes, n);
    int error = errno;
    if (n > 1 && __real_write(fd, bytes, n / 2) < 0) /* a part of it got there before */
        return -1;
    errno = error;
    return -1;
}

#define WRAP(name, parameters, arguments)                                                                              \
    int __real_##name parameters;                                                                                      \
    int __wrap_##name parameters;                                                                                      \
    int __wrap_##name parameters                                                                                       \
    {                                                                                                                  \
        return fails_now() ? -1 : __real_##name arguments;                                                             \
    }

WRAP(fsync, (int fd), (fd))
WRAP(fdatasync, (int fd), (fd))
WRAP(rename, (const char *from, const char *to), (from, to))
WRAP(link, (const char *from, const char *to), (from, to))
WRAP(ftruncate, (int fd, off_t len), (fd, len))

int __real_open(const char *path, int flags, ...);
int __wrap_open(const char *path, int flags, ...);
int __wrap_open(const char *path, int flags, ...)
{
    va_list args;
    va_start(args, flags);
    mode_t mode = flags & O_CREAT ? va_arg(args, mode_t) : 0;
    va_end(args);
    return fails_now() ? -1 : __real_open(path, flags, mode);
}
