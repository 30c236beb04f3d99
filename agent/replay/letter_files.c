/* The happy path: open all, note their sizes, then read each in blocks and cut it at its newlines.
 * What can go wrong: one cannot be opened (nothing is sent at all), or read, or it got shorter; a line is longer than
 * any dead letter can be. A writer holds the file's lock: with it the size is never in the middle of a line. */
#include "replay/letter_files.h"

#include "limits.h"
#include "state/file_io.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

static bool open_one(struct letter_file *file, struct error *ret_error)
{
    struct stat found;
    file->fd = file_open_regular(file->name, O_RDONLY);
    if (file->fd < 0) {
        error_set(ret_error, "open '%s': %s", file->name, strerror(errno));
        return false;
    }
    bool locked = flock(file->fd, LOCK_SH) == 0; /* where there are no locks, a half line is told as that */
    bool ok = fstat(file->fd, &found) == 0;
    if (!ok)
        error_set(ret_error, "stat '%s': %s", file->name, strerror(errno));
    if (locked)
        flock(file->fd, LOCK_UN);
    file->size = ok ? (uint64_t)found.st_size : 0;
    return ok;
}

bool letter_files_open(struct letter_files *f, char *const *names, size_t count, struct error *ret_error)
{
    *f = (struct letter_files){.line_number = 1};
    buffer_init(&f->bytes, LIMIT_DEAD_LETTER_LINE + LIMIT_READ);
    f->files = calloc(count, sizeof *f->files);
    if (!f->files) {
        error_set(ret_error, "out of memory");
        return false;
    }
    for (; f->count < count; f->count++) {
        struct letter_file *file = &f->files[f->count];
        *file = (struct letter_file){.name = names[f->count], .fd = -1};
        if (!open_one(file, ret_error)) {
            f->count++;
            letter_files_release(f);
            return false;
        }
        f->bytes_total += file->size;
    }
    return true;
}

void letter_files_release(struct letter_files *f)
{
    for (size_t i = 0; i < f->count; i++) {
        if (f->files[i].fd >= 0)
            close(f->files[i].fd);
    }
    free(f->files);
    buffer_release(&f->bytes);
    *f = (struct letter_files){0};
}

/* Another block of the file behind what there is. */
static bool read_more(struct letter_files *f, struct letter_file *file, struct error *ret_error)
{
    if (f->taken > 0)
        memmove(f->bytes.data, f->bytes.data + f->taken, f->bytes.len - f->taken);
    f->bytes.len -= f->taken;
    f->looked_at -= f->taken;
    f->taken = 0;
    uint64_t left = file->size - file->read;
    size_t step = left < LIMIT_READ ? (size_t)left : LIMIT_READ;
    char *room = buffer_reserve(&f->bytes, step);
    if (!room) {
        error_set(ret_error, "'%s' line %llu: out of memory", file->name, (unsigned long long)f->line_number);
        return false;
    }
    ssize_t n;
    do
        n = pread(file->fd, room, step, (off_t)file->read);
    while (n < 0 && errno == EINTR);
    if (n <= 0) {
        error_set(ret_error, "read '%s': %s", file->name, n < 0 ? strerror(errno) : "it became shorter");
        return false;
    }
    f->bytes.len += (size_t)n;
    file->read += (uint64_t)n;
    return true;
}

static void next_file(struct letter_files *f)
{
    f->current++;
    f->line_number = 1;
    f->taken = f->looked_at = 0;
    buffer_clear(&f->bytes);
}

enum letters_left letter_files_peek(struct letter_files *f, struct slice *ret_line, struct error *ret_error)
{
    while (f->current < f->count) {
        struct letter_file *file = &f->files[f->current];
        size_t len = f->bytes.len - f->looked_at;
        const char *newline = len ? memchr(f->bytes.data + f->looked_at, '\n', len) : NULL;
        bool end = file->read == file->size;
        if (newline || (end && f->bytes.len > f->taken)) {
            const char *line = f->bytes.data + f->taken, *line_end = newline ? newline : f->bytes.data + f->bytes.len;
            *ret_line = slice_of(line, (size_t)(line_end - line));
            f->line_len = ret_line->len + (newline != NULL);
            return LETTERS_LINE;
        }
        f->looked_at = f->bytes.len;
        if (end)
            next_file(f);
        else if (!read_more(f, file, ret_error))
            return LETTERS_FAILED;
    }
    return LETTERS_END;
}

void letter_files_advance(struct letter_files *f)
{
    f->taken += f->line_len;
    f->looked_at = f->taken;
    f->bytes_taken += f->line_len;
    f->line_number++;
}

const char *letter_files_name(const struct letter_files *f)
{
    return f->files[f->current].name;
}
