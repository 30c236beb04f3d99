/* For LD_PRELOAD (glibc): the FAIL_MALLOC_AT-th allocation of the process fails, counted from main() on. On exit the
 * number of allocations is written to descriptor FAIL_MALLOC_FD, where that is given. */
#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

void *__libc_malloc(size_t n);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *p, size_t n);

static atomic_ulong calls;
static unsigned long fail_at;

static void report(void)
{
    const char *fd = getenv("FAIL_MALLOC_FD");
    char text[32];
    int n = snprintf(text, sizeof text, "%lu\n", atomic_load(&calls));
    if (fd && n > 0 && write((int)strtol(fd, NULL, 10), text, (size_t)n) < 0)
        _exit(99);
}

__attribute__((constructor)) static void start(void)
{
    const char *at = getenv("FAIL_MALLOC_AT");
    atexit(report);
    atomic_store(&calls, 0);
    fail_at = at ? strtoul(at, NULL, 10) : 0;
}

static int fails(void)
{
    if (atomic_fetch_add(&calls, 1) + 1 != fail_at)
        return 0;
    errno = ENOMEM;
    return 1;
}

void *malloc(size_t n)
{
    return fails() ? NULL : __libc_malloc(n);
}

void *calloc(size_t count, size_t size)
{
    return fails() ? NULL : __libc_calloc(count, size);
}

void *realloc(void *p, size_t n)
{
    return fails() ? NULL : __libc_realloc(p, n);
}
