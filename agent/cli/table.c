#include "cli/table.h"

#include "limits.h"
#include "text/printable.h"

#include <stdarg.h>
#include <stdio.h>

static const char *const colour_codes[] = {
    [TABLE_PLAIN] = "",       [TABLE_GOOD] = "\x1b[32m", [TABLE_WARN] = "\x1b[33m",
    [TABLE_BAD] = "\x1b[31m", [TABLE_DIM] = "\x1b[2m",   [TABLE_BOLD] = "\x1b[1m",
};

/* Code points: what is wider or narrower than one column only spoils the alignment. */
static size_t width_of(struct slice text)
{
    size_t width = 0;
    for (size_t i = 0; i < text.len; i++)
        width += ((unsigned char)text.text[i] & 0xc0) != 0x80;
    return width;
}

static struct slice cut_to(struct slice text, size_t width)
{
    size_t i = 0;
    for (size_t seen = 0; i < text.len; i++) {
        seen += ((unsigned char)text.text[i] & 0xc0) != 0x80;
        if (seen > width)
            break;
    }
    return slice_of(text.text, i);
}

static void add_coloured(struct buffer *out, struct slice text, enum table_colour colour, bool colours)
{
    if (colours)
        buffer_add_text(out, colour_codes[colour]);
    buffer_add(out, text);
    if (colours && colour != TABLE_PLAIN)
        buffer_add_text(out, "\x1b[0m");
}

void table_init(struct table *t, struct arena *arena, const char *heads)
{
    *t = (struct table){.arena = arena};
    while (*heads && t->columns < TABLE_COLUMNS_MOST) {
        t->right[t->columns] = *heads == '>';
        heads += *heads == '>';
        size_t len = strcspn(heads, "|");
        t->heads[t->columns] = heads;
        t->head_lens[t->columns++] = len;
        heads += len + (heads[len] == '|');
    }
}

void table_add(struct table *t, struct slice text, enum table_colour colour)
{
    struct table_cell *cells = arena_grow_array(t->arena, t->cells, t->count, sizeof *cells);
    if (!cells)
        return;
    t->cells = cells;
    struct buffer printable;
    buffer_init_in(&printable, t->arena);
    printable_write(&printable, text);
    struct slice shown = buffer_slice(&printable);
    t->cells[t->count++] = (struct table_cell){.text = shown, .width = width_of(shown), .colour = colour};
}

void table_addf(struct table *t, enum table_colour colour, const char *format, ...)
{
    char text[256];
    va_list arguments;
    va_start(arguments, format);
    int n = vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    if (n >= 0)
        table_add(t, slice_of(text, (size_t)n < sizeof text ? (size_t)n : sizeof text - 1), colour);
}

struct row_writer {
    struct buffer *out;
    size_t width, used; /* width 0: no end */
    bool colours;
};

static void put(struct row_writer *w, struct slice text, size_t width, enum table_colour colour)
{
    if (w->width && w->used + width > w->width) {
        text = cut_to(text, w->width - w->used);
        width = w->width - w->used;
    }
    add_coloured(w->out, text, colour, w->colours);
    w->used += width;
}

static void pad(struct row_writer *w, size_t n)
{
    for (; n > 0 && (!w->width || w->used < w->width); n--, w->used++)
        buffer_add_char(w->out, ' ');
}

static void put_cell(struct row_writer *w, const struct table *t, size_t column, const struct table_cell *cell,
                     size_t wide)
{
    if (column > 0)
        pad(w, 2);
    if (t->right[column])
        pad(w, wide - cell->width);
    put(w, cell->text, cell->width, cell->colour);
    if (!t->right[column] && column + 1 < t->columns)
        pad(w, wide - cell->width);
}

size_t table_write(const struct table *t, struct buffer *out, size_t width, size_t rows_most, bool colours)
{
    size_t rows = t->columns ? t->count / t->columns : 0, wide[TABLE_COLUMNS_MOST];
    if (rows == 0 || rows_most == 0)
        return 0;
    bool cut = rows + 1 > rows_most;
    size_t shown = cut ? (rows_most > 2 ? rows_most - 2 : 0) : rows;
    for (size_t c = 0; c < t->columns; c++) {
        wide[c] = t->head_lens[c];
        for (size_t r = 0; r < shown; r++)
            if (t->cells[r * t->columns + c].width > wide[c])
                wide[c] = t->cells[r * t->columns + c].width;
    }
    struct row_writer w = {.out = out, .width = width, .colours = colours};
    for (size_t c = 0; c < t->columns; c++) {
        const struct table_cell head = {slice_of(t->heads[c], t->head_lens[c]), t->head_lens[c], TABLE_DIM};
        put_cell(&w, t, c, &head, wide[c]);
    }
    buffer_add_char(out, '\n');
    for (size_t r = 0; r < shown; r++) {
        w.used = 0;
        for (size_t c = 0; c < t->columns; c++)
            put_cell(&w, t, c, &t->cells[r * t->columns + c], wide[c]);
        buffer_add_char(out, '\n');
    }
    if (!cut)
        return rows + 1;
    if (rows_most < 2)
        return 1;
    char more[48];
    snprintf(more, sizeof more, "... and %zu more", rows - shown);
    table_line(out, slice_from(more), width, TABLE_DIM, colours);
    return shown + 2;
}

void table_line(struct buffer *out, struct slice text, size_t width, enum table_colour colour, bool colours)
{
    struct buffer printable;
    buffer_init(&printable, KIB(64));
    printable_write(&printable, text);
    struct slice shown = buffer_slice(&printable);
    add_coloured(out, width ? cut_to(shown, width) : shown, colour, colours);
    buffer_add_char(out, '\n');
    buffer_release(&printable);
}
