#include "state/file_io.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

enum { STATE_FILE_MODE = 0600, READ_STEP = 64 * 1024 };

bool file_write_all(int fd, struct slice bytes)
{
    while (bytes.len > 0) {
        ssize_t n = write(fd, bytes.text, bytes.len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n == 0)
            errno = EIO;
        if (n <= 0)
            return false;
        bytes = slice_from_offset(bytes, (size_t)n);
    }
    return true;
}

const char *file_open_strerror(int error)
{
    return error == EINVAL ? "not a regular file" : strerror(error);
}

int file_open_regular(const char *path, int flags)
{
    int fd = open(path, flags | O_CLOEXEC | O_NONBLOCK | O_NOCTTY, STATE_FILE_MODE);
    if (fd < 0)
        return -1;
    struct stat found;
    int reason = fstat(fd, &found) < 0 ? errno : S_ISREG(found.st_mode) ? 0 : EINVAL;
    if (reason == 0)
        return fd;
    close(fd);
    errno = reason;
    return -1;
}

/* One more piece of the file behind *len; false at its end and on failure (errno, 0 at the end). */
static bool read_more(int fd, char **text, size_t *len, size_t *cap)
{
    if (*cap - *len < READ_STEP + 1) {
        size_t grown_cap = *cap * 2 + READ_STEP + 1;
        char *grown = realloc(*text, grown_cap);
        if (!grown) {
            errno = ENOMEM;
            return false;
        }
        *text = grown;
        *cap = grown_cap;
    }
    ssize_t n;
    do
        n = pread(fd, *text + *len, *cap - *len - 1, (off_t)*len);
    while (n < 0 && errno == EINTR);
    if (n == 0)
        errno = 0;
    if (n <= 0)
        return false;
    *len += (size_t)n;
    return true;
}

bool file_read_all(int fd, size_t limit, char **ret_text, size_t *ret_len)
{
    char *text = NULL;
    size_t len = 0, cap = 0;
    while (read_more(fd, &text, &len, &cap)) {
        if (len > limit) {
            errno = EFBIG;
            break;
        }
    }
    int reason = errno;
    if (reason != 0) {
        free(text);
        errno = reason;
        return false;
    }
    text[len] = '\0';
    *ret_text = text;
    *ret_len = len;
    return true;
}

bool file_sync_directory_of(const char *path)
{
    const char *slash = strrchr(path, '/');
    char *directory = !slash ? strdup(".") : slash == path ? strdup("/") : strndup(path, (size_t)(slash - path));
    int fd = directory ? open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
    int reason = errno;
    free(directory);
    if (fd < 0) {
        errno = reason;
        return false;
    }
    bool synced = fsync(fd) == 0 || errno == EINVAL; /* a file system that has no such thing */
    reason = errno;
    close(fd);
    errno = reason;
    return synced;
}

static bool write_parts(int fd, const struct slice parts[], size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (!file_write_all(fd, parts[i]))
            return false;
    }
    return fsync(fd) == 0;
}

bool file_replace(const char *path, const struct slice parts[], size_t count, int *ret_fd, struct error *ret_error)
{
    char *temporary = NULL;
    if (asprintf(&temporary, "%s.tmp", path) < 0) {
        error_set(ret_error, "write '%s': out of memory", path);
        return false;
    }
    int fd = file_open_regular(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_NOFOLLOW);
    if (fd < 0) {
        error_set(ret_error, "create '%s': %s", temporary, strerror(errno));
        goto err_after_name;
    }
    if (!write_parts(fd, parts, count)) {
        error_set(ret_error, "write '%s': %s", temporary, strerror(errno));
        goto err_after_create;
    }
    if (rename(temporary, path) < 0) {
        error_set(ret_error, "rename '%s' to '%s': %s", temporary, path, strerror(errno));
        goto err_after_create;
    }
    if (!file_sync_directory_of(path)) {
        error_set(ret_error, "sync the directory of '%s': %s", path, strerror(errno));
        close(fd);
        goto err_after_name;
    }
    free(temporary);
    if (ret_fd)
        *ret_fd = fd;
    else
        close(fd);
    return true;

err_after_create:
    close(fd);
    unlink(temporary);
err_after_name:
    free(temporary);
    return false;
}
