#ifndef RAINGAUGE_LETTER_FILES_H
#define RAINGAUGE_LETTER_FILES_H

#include "base/buffer.h"
#include "error.h"

#include <stdint.h>

/* The dead-letter files of `replay`, line by line, each to the size that it had when they were opened: what failed
 * again may be appended to one of them meanwhile. They are only read.
 *
 *     letter_files_open(&f, names, count, &error);
 *     while (letter_files_peek(&f, &line, &error) == LETTERS_LINE) …; letter_files_advance(&f);
 *     letter_files_release(&f); */
struct letter_file {
    const char *name;
    int fd;
    uint64_t size, read;
};

struct letter_files {
    struct letter_file *files;
    size_t count, current;
    struct buffer bytes;     /* of the current file, from a line's start */
    size_t taken, looked_at; /* of these: lines that were taken; where there is no newline */
    size_t line_len;         /* of the line that was peeked at, with its newline; 0: none */
    uint64_t line_number;    /* in the current file, from 1 */
    uint64_t bytes_taken, bytes_total;
};

bool letter_files_open(struct letter_files *f, char *const *names, size_t count, struct error *ret_error)
    __attribute__((warn_unused_result));
void letter_files_release(struct letter_files *f);

/* The line that comes next, without its newline; borrowed until letter_files_advance(). */
enum letters_left { LETTERS_LINE, LETTERS_END, LETTERS_FAILED };
enum letters_left letter_files_peek(struct letter_files *f, struct slice *ret_line, struct error *ret_error);
void letter_files_advance(struct letter_files *f);
const char *letter_files_name(const struct letter_files *f); /* of the file that the line stands in */

#endif
