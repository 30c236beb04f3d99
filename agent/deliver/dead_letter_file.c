/* The happy path: open, lock, append, fdatasync, and the directory's sync: whoever made the file may have been killed
 * before that.
 * What can go wrong:
 *  - a crash left half a line at the end: it was never synced, so its call is still unsettled: it is cut off;
 *  - the write or sync fails: the file is cut back to what it was, the caller tries again;
 *  - the file was renamed while we waited for its lock: open again. */
#include "deliver/dead_letter_file.h"

#include "state/file_io.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum { OPEN_TRIES = 16 };
#define BEFORE_TIME "{\"time\":\""

static bool fail(struct error *e, const char *what, const char *path)
{
    error_set(e, "%s '%s': %s", what, path, strerror(errno));
    return false;
}

/* Opened and locked, and still the file of that name. -1 with errno set. */
static int open_locked(const char *path, int flags, struct stat *ret_found)
{
    for (int i = 0; i < OPEN_TRIES; i++) {
        int fd = file_open_regular(path, flags | O_NOFOLLOW);
        if (fd < 0)
            return -1;
        bool locked = flock(fd, LOCK_EX) == 0 && fstat(fd, ret_found) == 0;
        int reason = errno;
        struct stat named;
        if (locked && stat(path, &named) == 0 && named.st_ino == ret_found->st_ino && named.st_dev == ret_found->st_dev)
            return fd;
        close(fd);
        errno = reason;
        if (!locked)
            return -1;
    }
    errno = EAGAIN;
    return -1;
}

/* The whole file, mapped; an empty one is an empty slice. */
static bool map_file(int fd, size_t size, struct slice *ret_text)
{
    void *at = size ? mmap(NULL, size, PROT_READ, MAP_PRIVATE, fd, 0) : NULL;
    if (at == MAP_FAILED)
        return false;
    *ret_text = slice_of(at, size);
    return true;
}

static void unmap(struct slice text)
{
    if (text.len)
        munmap((void *)(uintptr_t)text.text, text.len);
}

static uint64_t count_lines(struct slice text)
{
    uint64_t n = 0;
    for (const char *at; text.len && (at = memchr(text.text, '\n', text.len)); n++)
        text = slice_from_offset(text, (size_t)(at - text.text) + 1);
    return n;
}

/* How many bytes of it are whole lines. */
static bool whole_lines(int fd, size_t size, size_t *ret_len)
{
    char last;
    if (size == 0 || (pread(fd, &last, 1, (off_t)size - 1) == 1 && last == '\n')) {
        *ret_len = size;
        return true;
    }
    struct slice text;
    if (!map_file(fd, size, &text))
        return false;
    const char *newline = memrchr(text.text, '\n', text.len);
    *ret_len = newline ? (size_t)(newline - text.text) + 1 : 0;
    unmap(text);
    return true;
}

static bool count_replaced(const char *path, uint64_t *ret_lines)
{
    struct stat found;
    struct slice text;
    int fd = file_open_regular(path, O_RDONLY | O_NOFOLLOW);
    *ret_lines = 0;
    if (fd < 0)
        return errno == ENOENT;
    bool ok = fstat(fd, &found) == 0 && map_file(fd, (size_t)found.st_size, &text);
    if (ok) {
        *ret_lines = count_lines(text);
        unmap(text);
    }
    close(fd);
    return ok;
}

static bool rotate(const char *path, struct dead_letter_loss *loss, struct error *ret_error)
{
    char older[4096];
    uint64_t lost;
    if (snprintf(older, sizeof older, "%s.1", path) >= (int)sizeof older) {
        errno = ENAMETOOLONG;
        return fail(ret_error, "rotate", path);
    }
    if (!count_replaced(older, &lost))
        return fail(ret_error, "read", older);
    if (rename(path, older) < 0)
        return fail(ret_error, "rename", path);
    loss->lost += lost;
    return file_sync_directory_of(path) || fail(ret_error, "sync the directory of", path);
}

static bool append_to(int fd, const char *path, size_t size, struct slice lines, struct error *ret_error)
{
    if (file_write_all(fd, lines) && fdatasync(fd) == 0 && file_sync_directory_of(path))
        return true;
    fail(ret_error, "write", path);
    if (ftruncate(fd, (off_t)size) < 0)
        error_wrap(ret_error, "cannot be cut back");
    return false;
}

bool dead_letter_file_append(const char *path, struct slice lines, size_t max_bytes, struct dead_letter_loss *loss,
                             struct error *ret_error)
{
    for (;;) {
        struct stat found;
        int fd = open_locked(path, O_RDWR | O_APPEND | O_CREAT, &found);
        if (fd < 0)
            return fail(ret_error, "open", path);
        size_t size = (size_t)found.st_size, whole = 0;
        bool ok = whole_lines(fd, size, &whole) && (whole == size || ftruncate(fd, (off_t)whole) == 0);
        if (!ok)
            fail(ret_error, "mend", path);
        bool full = ok && whole > 0 && (whole >= max_bytes || lines.len > max_bytes - whole);
        ok = ok && (full ? rotate(path, loss, ret_error) : append_to(fd, path, whole, lines, ret_error));
        close(fd);
        if (!ok || !full)
            return ok;
    }
}

/* Where the first line that is not older begins. */
static size_t skip_older(struct slice text, struct slice time, uint64_t *ret_lines)
{
    struct slice rest = text;
    *ret_lines = 0;
    while (rest.len) {
        const char *newline = memchr(rest.text, '\n', rest.len);
        struct slice at = slice_from_offset(rest, sizeof BEFORE_TIME - 1);
        bool timed = slice_starts_with(rest, SLICE(BEFORE_TIME)) && at.len >= time.len;
        if (!newline || !timed || memcmp(at.text, time.text, time.len) >= 0)
            break;
        rest = slice_from_offset(rest, (size_t)(newline - rest.text) + 1);
        ++*ret_lines;
    }
    return text.len - rest.len;
}

bool dead_letter_file_expire(const char *path, const char *time, struct dead_letter_loss *loss, struct error *ret_error)
{
    struct stat found;
    struct slice text;
    int fd = open_locked(path, O_RDONLY, &found);
    if (fd < 0)
        return errno == ENOENT || fail(ret_error, "open", path);
    if (!map_file(fd, (size_t)found.st_size, &text)) {
        fail(ret_error, "read", path);
        close(fd);
        return false;
    }
    uint64_t expired;
    struct slice rest = slice_from_offset(text, skip_older(text, slice_from(time), &expired));
    bool ok = true;
    if (expired > 0 && rest.len > 0)
        ok = file_replace(path, &rest, 1, NULL, ret_error);
    else if (expired > 0)
        ok = unlink(path) == 0 || fail(ret_error, "remove", path);
    loss->expired += ok ? expired : 0;
    unmap(text);
    close(fd);
    return ok;
}
