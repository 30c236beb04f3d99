#include "state/lock.h"

#include "state/file_io.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

/* The holder's own words; a lock file is a line that raingauge wrote, but anybody might have put anything there. */
static void name_holder(int fd, const char *state_dir, struct error *ret_error)
{
    char holder[128];
    ssize_t n = pread(fd, holder, sizeof holder - 1, 0);
    size_t len = 0;
    while (n > 0 && len < (size_t)n && holder[len] >= ' ' && holder[len] < 0x7f)
        len++;
    holder[len] = '\0';
    error_set(ret_error, "state directory '%s' is in use by another raingauge (%s)", state_dir,
              len ? holder : "it does not say which");
}

/* Only for the reader's eyes; what locks is flock. On a full disk it stays unsaid, as the agent starts there, too. */
static void write_holder(int fd)
{
    char host[65] = "", since[32] = "", text[160];
    gethostname(host, sizeof host - 1);
    time_t now = time(NULL);
    struct tm parts;
    strftime(since, sizeof since, "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&now, &parts));
    int len = snprintf(text, sizeof text, "pid %ld on %s since %s\n", (long)getpid(), host, since);
    if (ftruncate(fd, 0) == 0)
        (void)!file_write_all(fd, slice_of(text, (size_t)len));
}

bool lock_take(struct lock *lock, const char *state_dir, struct error *ret_error)
{
    char *path = NULL;
    if (asprintf(&path, "%s/lock", state_dir) < 0) {
        error_set(ret_error, "out of memory");
        return false;
    }
    int fd = file_open_regular(path, O_RDWR | O_CREAT | O_NOFOLLOW);
    if (fd < 0) {
        error_set(ret_error, "open '%s': %s", path, strerror(errno));
        goto err_after_name;
    }
    if (flock(fd, LOCK_EX | LOCK_NB) < 0) {
        if (errno == EWOULDBLOCK)
            name_holder(fd, state_dir, ret_error);
        else
            error_set(ret_error, "lock '%s': %s", path, strerror(errno));
        goto err_after_open;
    }
    write_holder(fd);
    free(path);
    lock->fd = fd;
    return true;

err_after_open:
    close(fd);
err_after_name:
    free(path);
    return false;
}

void lock_release(struct lock *lock)
{
    if (lock->fd >= 0)
        close(lock->fd); /* the file stays: removing it could take the name from under the next holder */
    lock->fd = -1;
}
