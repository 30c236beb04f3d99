#ifndef RAINGAUGE_TABLE_H
#define RAINGAUGE_TABLE_H

#include "base/arena.h"
#include "base/buffer.h"

/* A table of text for a terminal: as wide as its cells need, cut at the terminal's edge. Whatever the cells hold, no
 * byte of it reaches the terminal as a command.
 *
 *     struct table t;
 *     table_init(&t, &arena, 3, "FILE|>SIZE|PATH");       // > : right-aligned
 *     table_add(&t, text, TABLE_PLAIN); …                 // cell by cell, row after row
 *     table_write(&t, out, width, rows_most, colours);    // width 0: not cut
 *
 * Without memory cells are left out. */

enum table_colour { TABLE_PLAIN, TABLE_GOOD, TABLE_WARN, TABLE_BAD, TABLE_DIM, TABLE_BOLD };

enum { TABLE_COLUMNS_MOST = 12 };

struct table {
    struct arena *arena;
    const char *heads[TABLE_COLUMNS_MOST];
    size_t head_lens[TABLE_COLUMNS_MOST];
    bool right[TABLE_COLUMNS_MOST];
    size_t columns;
    struct table_cell {
        struct slice text; /* printable */
        size_t width;
        enum table_colour colour;
    } * cells;
    size_t count;
};

void table_init(struct table *t, struct arena *arena, const char *heads);
void table_add(struct table *t, struct slice text, enum table_colour colour);
void table_addf(struct table *t, enum table_colour colour, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* Rows that were written, the heads' line included; of a table without a row nothing. Where there are more rows than
 * rows_most the last line says how many. */
size_t table_write(const struct table *t, struct buffer *out, size_t width, size_t rows_most, bool colours);

/* One line of printable text, cut at the width; with its end of line. */
void table_line(struct buffer *out, struct slice text, size_t width, enum table_colour colour, bool colours);

#endif
