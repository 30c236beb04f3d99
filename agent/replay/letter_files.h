#ifndef RAINGAUGE_LETTER_FILES_H
#define RAINGAUGE_LETTER_FILES_H

#include "base/buffer.h"
#include "error.h"

#include <stdint.h>

/* The dead-letter files of `replay`, line by line, each to the size that it had when they were opened: what failed
 * again may be appended to one of them meanwhile. They are only read, by any number of cursors.
 *
 *     letter_files_open(&f, names, count, &error);
 *     letter_cursor_init(&c, &f);
 *     while (letter_cursor_peek(&c, &line, &error) == LETTERS_LINE) …; letter_cursor_advance(&c);
 *     letter_cursor_release(&c);
 *     letter_files_release(&f); */
struct letter_file {
    const char *name;
    int fd;
    uint64_t size;
};

struct letter_files {
    struct letter_file *files;
    size_t count;
    uint64_t bytes_total;
};

bool letter_files_open(struct letter_files *f, char *const *names, size_t count, struct error *ret_error)
    __attribute__((warn_unused_result));
void letter_files_release(struct letter_files *f);

struct letter_cursor {
    const struct letter_files *files; /* borrowed */
    size_t current;                   /* the file, */
    uint64_t offset, line_number;     /* … of the next line in it, and its number, from 1 */
    struct buffer bytes;              /* of the current file, from the next line's start */
    size_t taken, looked_at;          /* of these: lines that were taken; where there is no newline */
    uint64_t read;                    /* of the current file */
    size_t line_len;                  /* of the line that was peeked at, with its newline */
};

void letter_cursor_init(struct letter_cursor *c, const struct letter_files *files);
/* Begins where the other one stands. */
void letter_cursor_init_at(struct letter_cursor *c, const struct letter_cursor *other);
void letter_cursor_release(struct letter_cursor *c);
bool letter_cursor_is_at(const struct letter_cursor *c, const struct letter_cursor *other);

/* The line that comes next, without its newline; borrowed until letter_cursor_advance(). */
enum letters_left { LETTERS_LINE, LETTERS_END, LETTERS_FAILED };
enum letters_left letter_cursor_peek(struct letter_cursor *c, struct slice *ret_line, struct error *ret_error);
void letter_cursor_advance(struct letter_cursor *c);
const char *letter_cursor_file(const struct letter_cursor *c); /* the name of the one that the line stands in */

#endif
