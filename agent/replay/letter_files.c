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
        error_set(ret_error, "open '%s': %s", file->name, file_open_strerror(errno));
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
    *f = (struct letter_files){.files = calloc(count, sizeof *f->files)};
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
    *f = (struct letter_files){0};
}

/* ---- A cursor --------------------------------------------------------------------------------------------------- */

void letter_cursor_init(struct letter_cursor *c, const struct letter_files *files)
{
    *c = (struct letter_cursor){.files = files, .line_number = 1};
    buffer_init(&c->bytes, LIMIT_DEAD_LETTER_LINE + LIMIT_READ);
}

void letter_cursor_init_at(struct letter_cursor *c, const struct letter_cursor *other)
{
    letter_cursor_init(c, other->files);
    c->current = other->current;
    c->line_number = other->line_number;
    c->offset = c->read = other->offset;
}

void letter_cursor_release(struct letter_cursor *c)
{
    buffer_release(&c->bytes);
}

bool letter_cursor_is_at(const struct letter_cursor *c, const struct letter_cursor *other)
{
    return c->current == other->current && c->offset == other->offset;
}

/* Another block of the file behind what there is. */
static bool read_more(struct letter_cursor *c, const struct letter_file *file, struct error *ret_error)
{
    if (c->taken > 0)
        memmove(c->bytes.data, c->bytes.data + c->taken, c->bytes.len - c->taken);
    c->bytes.len -= c->taken;
    c->looked_at -= c->taken;
    c->taken = 0;
    uint64_t left = file->size - c->read;
    size_t step = left < LIMIT_READ ? (size_t)left : LIMIT_READ;
    char *room = buffer_reserve(&c->bytes, step);
    if (!room) {
        error_set(ret_error, "'%s' line %llu: out of memory", file->name, (unsigned long long)c->line_number);
        return false;
    }
    ssize_t n;
    do
        n = pread(file->fd, room, step, (off_t)c->read);
    while (n < 0 && errno == EINTR);
    if (n <= 0) {
        error_set(ret_error, "read '%s': %s", file->name, n < 0 ? strerror(errno) : "it became shorter");
        return false;
    }
    c->bytes.len += (size_t)n;
    c->read += (uint64_t)n;
    return true;
}

static void next_file(struct letter_cursor *c)
{
    c->current++;
    c->line_number = 1;
    c->offset = c->read = 0;
    c->taken = c->looked_at = 0;
    buffer_clear(&c->bytes);
}

enum letters_left letter_cursor_peek(struct letter_cursor *c, struct slice *ret_line, struct error *ret_error)
{
    while (c->current < c->files->count) {
        const struct letter_file *file = &c->files->files[c->current];
        size_t len = c->bytes.len - c->looked_at;
        const char *newline = len ? memchr(c->bytes.data + c->looked_at, '\n', len) : NULL;
        bool end = c->read == file->size;
        if (newline || (end && c->bytes.len > c->taken)) {
            const char *line = c->bytes.data + c->taken, *line_end = newline ? newline : c->bytes.data + c->bytes.len;
            *ret_line = slice_of(line, (size_t)(line_end - line));
            c->line_len = ret_line->len + (newline != NULL);
            return LETTERS_LINE;
        }
        c->looked_at = c->bytes.len;
        if (end)
            next_file(c);
        else if (!read_more(c, file, ret_error))
            return LETTERS_FAILED;
    }
    return LETTERS_END;
}

void letter_cursor_advance(struct letter_cursor *c)
{
    c->taken += c->line_len;
    c->looked_at = c->taken;
    c->offset += c->line_len;
    c->line_number++;
}

const char *letter_cursor_file(const struct letter_cursor *c)
{
    return c->files->files[c->current].name;
}
