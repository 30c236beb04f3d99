#include "follow/content.h"

#include <errno.h>
#include <unistd.h>

ssize_t content_read(const struct file_content *c, char *to, size_t len, uint64_t offset)
{
    if (c->gz)
        return gz_reader_read(c->gz, c->fd, to, len, offset);
    size_t done = 0;
    while (done < len) {
        ssize_t n = pread(c->fd, to + done, len - done, (off_t)(offset + done));
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -1;
        if (n == 0)
            break;
        done += (size_t)n;
    }
    return (ssize_t)done;
}

bool content_read_whole(const struct file_content *c, char *to, size_t len, uint64_t offset)
{
    ssize_t n = content_read(c, to, len, offset);
    if (n == (ssize_t)len)
        return true;
    if (n >= 0)
        errno = 0;
    return false;
}

void content_close(struct file_content *c)
{
    if (c->fd >= 0)
        close(c->fd);
    gz_reader_free(c->gz);
    *c = (struct file_content){.fd = -1};
}
