/* For LD_PRELOAD: a disk of which every change is known, and whose calls fail when a test wants it.
 *
 *  DISK_DIR=DIR     files below it, and the directory itself, are watched
 *  DISK_RECORD=FD   every change is appended to that descriptor once it was made, in the order they were made:
 *                       OPERATION INODE OTHER NAME\0 LEN BYTES     (native u8 u64 u64, text, u32, bytes)
 *                   create: the new file's inode; write: its offset in OTHER; truncate: the length in OTHER; sync (of a
 *                   file, or of the directory: inode 0); rename and link: INODE is the file's, BYTES the new name;
 *                   unlink.
 *  DISK_FAIL=CALL[,CALL…]   these calls (write, sync, rename, unlink, link, mkdir, open, read, truncate, map) are
 * counted, and DISK_FAIL_AT=N   … the N-th of them fails (0: none), DISK_FAIL_MORE=M … and so do the next M,
 *  DISK_ERRNO=N     … with this errno; 0: a write or read is cut short instead.
 *  DISK_COUNT=FD    the number of calls that were counted is written there at the end
 * DISK_ALSO=DIR     calls on files below that one are counted and fail, too (they are not recorded) */
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

static pthread_mutex_t order = PTHREAD_MUTEX_INITIALIZER;
static const char *watched, *also, *failing;
static int record_fd = -1, count_fd = -1, fail_errno;
static unsigned long fail_at, fail_more, counted;

static long number(const char *name, long otherwise)
{
    const char *text = getenv(name);
    return text ? strtol(text, NULL, 10) : otherwise;
}

__attribute__((constructor)) static void begin(void)
{
    watched = getenv("DISK_DIR");
    also = getenv("DISK_ALSO");
    failing = getenv("DISK_FAIL");
    record_fd = (int)number("DISK_RECORD", -1);
    count_fd = (int)number("DISK_COUNT", -1);
    fail_errno = (int)number("DISK_ERRNO", EIO);
    fail_at = (unsigned long)number("DISK_FAIL_AT", 0);
    fail_more = (unsigned long)number("DISK_FAIL_MORE", 0);
}

__attribute__((destructor)) static void end(void)
{
    char text[32];
    int n = snprintf(text, sizeof text, "%lu", counted);
    if (count_fd >= 0)
        syscall(SYS_write, count_fd, text, n);
}

/* ---- which files ---- */

static const char *below(const char *dir, const char *path)
{
    size_t n = dir ? strlen(dir) : 0;
    if (n == 0 || strncmp(path, dir, n) != 0 || (path[n] != '/' && path[n] != '\0'))
        return NULL;
    return path[n] ? path + n + 1 : path + n;
}

static int path_of(int fd, char path[PATH_MAX])
{
    char name[64];
    snprintf(name, sizeof name, "/proc/self/fd/%d", fd);
    ssize_t n = readlink(name, path, PATH_MAX - 1);
    if (n > 0)
        path[n] = '\0';
    return n > 0;
}

static uint64_t inode_of(int fd)
{
    struct stat found;
    return fstat(fd, &found) == 0 ? found.st_ino : 0;
}

/* ---- failing ---- */

/* Whether this call is to fail; errno is set then, to 0 for one that is to be cut short. */
static int fails(const char *call, const char *path)
{
    size_t n = strlen(call);
    if (!failing || !(below(watched, path) || below(also, path)))
        return 0;
    const char *at = failing;
    while (at && (strncmp(at, call, n) != 0 || (at[n] != '\0' && at[n] != ','))) {
        at = strchr(at, ',');
        at = at ? at + 1 : NULL;
    }
    if (!at)
        return 0;
    unsigned long now = __atomic_add_fetch(&counted, 1, __ATOMIC_SEQ_CST);
    if (fail_at == 0 || now < fail_at || now > fail_at + fail_more)
        return 0;
    errno = fail_errno;
    return 1;
}

static int fails_at(const char *call, int fd)
{
    char path[PATH_MAX];
    return failing && path_of(fd, path) && fails(call, path);
}

/* ---- recording ---- */

static int is_recorded(int fd)
{
    char path[PATH_MAX];
    int reason = errno;
    int yes = record_fd >= 0 && path_of(fd, path) && below(watched, path) != NULL;
    errno = reason;
    return yes;
}

static void put(const void *bytes, size_t n)
{
    for (ssize_t done; n > 0; bytes = (const char *)bytes + done, n -= (size_t)done) {
        done = syscall(SYS_write, record_fd, bytes, n);
        if (done <= 0)
            abort();
    }
}

static void record(char operation, uint64_t inode, uint64_t other, const char *name, const void *bytes, size_t n)
{
    char head[17];
    uint32_t len = (uint32_t)n;
    int reason = errno;
    head[0] = operation;
    memcpy(head + 1, &inode, 8);
    memcpy(head + 9, &other, 8);
    put(head, sizeof head);
    put(name, strlen(name) + 1);
    put(&len, 4);
    put(bytes, n);
    errno = reason;
}

/* ---- the calls ---- */

static int open_as(const char *path, int flags, mode_t mode)
{
    if (fails("open", path))
        return -1;
    const char *name = record_fd >= 0 ? below(watched, path) : NULL;
    if (!name || !(flags & (O_CREAT | O_TRUNC)))
        return (int)syscall(SYS_openat, AT_FDCWD, path, flags, mode);
    pthread_mutex_lock(&order);
    struct stat before;
    int was_there = lstat(path, &before) == 0;
    int fd = (int)syscall(SYS_openat, AT_FDCWD, path, flags, mode);
    if (fd >= 0 && !was_there)
        record('c', inode_of(fd), 0, name, "", 0);
    else if (fd >= 0 && (flags & O_TRUNC) && before.st_size > 0)
        record('t', inode_of(fd), 0, "", "", 0);
    pthread_mutex_unlock(&order);
    return fd;
}

static mode_t mode_in(int flags, va_list args)
{
    return flags & (O_CREAT | __O_TMPFILE) ? va_arg(args, mode_t) : 0;
}

int open(const char *path, int flags, ...)
{
    va_list args;
    va_start(args, flags);
    mode_t mode = mode_in(flags, args);
    va_end(args);
    return open_as(path, flags, mode);
}

int open64(const char *path, int flags, ...)
{
    va_list args;
    va_start(args, flags);
    mode_t mode = mode_in(flags, args);
    va_end(args);
    return open_as(path, flags, mode);
}

DIR *opendir(const char *path)
{
    DIR *(*real)(const char *);
    *(void **)&real = dlsym(RTLD_NEXT, "opendir");
    return fails("open", path) ? NULL : real(path);
}

/* The scanner opens log files with openat2(2). */
long syscall(long which, ...)
{
    static long (*real)(long, ...);
    long a[6];
    va_list args;
    va_start(args, which);
    for (int i = 0; i < 6; i++)
        a[i] = va_arg(args, long);
    va_end(args);
    if (!real)
        *(void **)&real = dlsym(RTLD_NEXT, "syscall");
    if (which == SYS_openat2) {
        char directory[PATH_MAX], path[2 * PATH_MAX];
        const char *name = (const char *)(uintptr_t)a[1];
        int known = (int)a[0] == AT_FDCWD || name[0] == '/' || path_of((int)a[0], directory);
        if (known && (int)a[0] != AT_FDCWD && name[0] != '/')
            snprintf(path, sizeof path, "%s/%s", directory, name);
        else
            snprintf(path, sizeof path, "%s", name);
        if (fails("open", path))
            return -1;
    }
    return real(which, a[0], a[1], a[2], a[3], a[4], a[5]);
}

ssize_t write(int fd, const void *bytes, size_t n)
{
    if (fails_at("write", fd)) {
        if (errno != 0)
            return -1;
        n = n > 1 ? n / 2 : n;
    }
    if (!is_recorded(fd))
        return syscall(SYS_write, fd, bytes, n);
    pthread_mutex_lock(&order);
    struct stat found;
    int appends = fcntl(fd, F_GETFL) & O_APPEND;
    off_t at = appends && fstat(fd, &found) == 0 ? found.st_size : lseek(fd, 0, SEEK_CUR);
    ssize_t done = syscall(SYS_write, fd, bytes, n);
    if (done > 0)
        record('w', inode_of(fd), (uint64_t)at, "", bytes, (size_t)done);
    pthread_mutex_unlock(&order);
    return done;
}

ssize_t read(int fd, void *bytes, size_t n)
{
    if (fails_at("read", fd)) {
        if (errno != 0)
            return -1;
        n = n > 1 ? n / 2 : n;
    }
    return syscall(SYS_read, fd, bytes, n);
}

ssize_t pread(int fd, void *bytes, size_t n, off_t at)
{
    if (fails_at("read", fd)) {
        if (errno != 0)
            return -1;
        n = n > 1 ? n / 2 : n;
    }
    return syscall(SYS_pread64, fd, bytes, n, at);
}

void *mmap(void *at, size_t n, int protection, int flags, int fd, off_t offset)
{
    if (fd >= 0 && fails_at("map", fd))
        return MAP_FAILED;
    return (void *)syscall(SYS_mmap, at, n, protection, flags, fd, offset);
}

static int sync_with(long call, int fd)
{
    char path[PATH_MAX];
    if (fails_at("sync", fd))
        return -1;
    int result = (int)syscall(call, fd);
    if (result == 0 && is_recorded(fd) && path_of(fd, path)) {
        pthread_mutex_lock(&order);
        record('s', *below(watched, path) ? inode_of(fd) : 0, 0, "", "", 0);
        pthread_mutex_unlock(&order);
    }
    return result;
}

int fsync(int fd)
{
    return sync_with(SYS_fsync, fd);
}

int fdatasync(int fd)
{
    return sync_with(SYS_fdatasync, fd);
}

int ftruncate(int fd, off_t len)
{
    if (fails_at("truncate", fd))
        return -1;
    pthread_mutex_lock(&order);
    int result = (int)syscall(SYS_ftruncate, fd, len);
    if (result == 0 && is_recorded(fd))
        record('t', inode_of(fd), (uint64_t)len, "", "", 0);
    pthread_mutex_unlock(&order);
    return result;
}

static int change_names(const char *call, char operation, const char *from, const char *to, long number)
{
    if (fails(call, from))
        return -1;
    const char *name = record_fd >= 0 ? below(watched, from) : NULL;
    pthread_mutex_lock(&order);
    struct stat found = {0};
    if (name)
        lstat(from, &found);
    int result = (int)syscall(number, from, to);
    if (result == 0 && name)
        record(operation, found.st_ino, 0, name, to ? below(watched, to) : "", to ? strlen(below(watched, to)) : 0);
    pthread_mutex_unlock(&order);
    return result;
}

int rename(const char *from, const char *to)
{
    return change_names("rename", 'r', from, to, SYS_rename);
}

int link(const char *from, const char *to)
{
    return change_names("link", 'l', from, to, SYS_link);
}

int unlink(const char *path)
{
    return change_names("unlink", 'u', path, NULL, SYS_unlink);
}

int mkdir(const char *path, mode_t mode)
{
    return fails("mkdir", path) ? -1 : (int)syscall(SYS_mkdir, path, mode);
}
