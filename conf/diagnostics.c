/* Mistakes, collected and printed.
 *
 * diagnostics_add() copies the text, and the file it is about once. Nothing here fails on the way: lack of memory is
 * kept as a mark, which the loader looks at once at its end. */
#include "diagnostics.h"

#include "limits.h"
#include "text/utf8.h"

#include <stdarg.h>
#include <stdlib.h>

enum { TEXT_MOST = 1024, KEPT_MOST = 20000 };

struct known_file {
    struct known_file *next;
    struct source_file file; /* its memory belongs to us */
    char *name, *text;
    unsigned order;
};

struct entry {
    struct diagnostic shown; /* place.file points into a known_file */
    char *text;
    unsigned file_order;
    size_t sequence; /* the order in which they came, where their places are the same */
};

struct diagnostics {
    struct known_file *files;
    unsigned file_count;
    struct entry *entries;
    size_t count, room;
    size_t errors_left_out; /* above KEPT_MOST */
    bool out_of_memory;
};

struct diagnostics *diagnostics_new(void)
{
    return calloc(1, sizeof(struct diagnostics));
}

void diagnostics_free(struct diagnostics *d)
{
    if (!d)
        return;
    for (struct known_file *f = d->files, *next; f; f = next) {
        next = f->next;
        free(f->name);
        free(f->text);
        free(f);
    }
    for (size_t i = 0; i < d->count; i++)
        free(d->entries[i].text);
    free(d->entries);
    free(d);
}

static struct known_file *find_file(const struct diagnostics *d, const struct source_file *file)
{
    for (struct known_file *f = d->files; f; f = f->next)
        if (strcmp(f->name, file->name) == 0)
            return f;
    return NULL;
}

/* The file's copy, made at the first call; NULL on lack of memory. */
static struct known_file *know_file(struct diagnostics *d, const struct source_file *file)
{
    struct known_file *f = find_file(d, file);
    if (f)
        return f;
    f = calloc(1, sizeof *f);
    if (!f)
        return NULL;
    f->name = strdup(file->name);
    f->text = malloc(file->text.len + 1);
    if (!f->name || !f->text) {
        free(f->name);
        free(f->text);
        free(f);
        return NULL;
    }
    if (file->text.len > 0)
        memcpy(f->text, file->text.text, file->text.len);
    f->file = (struct source_file){f->name, slice_of(f->text, file->text.len)};
    f->order = d->file_count++;
    f->next = d->files;
    d->files = f;
    return f;
}

void diagnostics_add_file(struct diagnostics *d, const struct source_file *file)
{
    if (!know_file(d, file))
        d->out_of_memory = true;
}

static bool make_room(struct diagnostics *d)
{
    if (d->count < d->room)
        return true;
    size_t room = d->room ? d->room * 2 : 16;
    struct entry *entries = realloc(d->entries, room * sizeof *entries);
    if (!entries)
        return false;
    d->entries = entries;
    d->room = room;
    return true;
}

/* A name from the file may be long, and cut in a character; it may hold what a terminal would obey. */
static void make_printable(char *text)
{
    text[utf8_valid_prefix(slice_from(text))] = '\0';
    for (char *c = text; *c; c++) {
        bool c1 = (unsigned char)c[0] == 0xc2 && (unsigned char)c[1] < 0xa0;
        if (c1)
            *c++ = ' ';
        if (c1 || (unsigned char)*c < 0x20 || *c == 0x7f)
            *c = ' ';
    }
}

void diagnostics_add(struct diagnostics *d, enum severity severity, struct source_place place, const char *format, ...)
{
    char text[TEXT_MOST];
    if (d->count == KEPT_MOST) {
        d->errors_left_out += severity == SEVERITY_ERROR;
        return;
    }
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    make_printable(text);

    struct known_file *file = place.file ? know_file(d, place.file) : NULL;
    if ((place.file && !file) || !make_room(d)) {
        d->out_of_memory = true;
        return;
    }
    char *copy = strdup(text);
    if (!copy) {
        d->out_of_memory = true;
        return;
    }
    place.file = file ? &file->file : NULL;
    d->entries[d->count] = (struct entry){
        .shown = {severity, place, copy}, .text = copy, .file_order = file ? file->order : 0, .sequence = d->count};
    d->count++;
}

size_t diagnostics_errors(const struct diagnostics *d)
{
    size_t errors = d->errors_left_out;
    for (size_t i = 0; i < d->count; i++)
        errors += d->entries[i].shown.severity == SEVERITY_ERROR;
    return errors;
}

size_t diagnostics_count(const struct diagnostics *d)
{
    return d->count;
}

const struct diagnostic *diagnostics_at(const struct diagnostics *d, size_t i)
{
    return i < d->count ? &d->entries[i].shown : NULL;
}

bool diagnostics_out_of_memory(const struct diagnostics *d)
{
    return d->out_of_memory;
}

void diagnostics_set_out_of_memory(struct diagnostics *d)
{
    d->out_of_memory = true;
}

/* ---- Order ------------------------------------------------------------------------------------------------------ */

static int compare_numbers(size_t a, size_t b)
{
    return (a > b) - (a < b);
}

static int by_place(const void *pa, const void *pb)
{
    const struct entry *a = pa, *b = pb;
    int order = compare_numbers(a->file_order, b->file_order);
    if (order == 0)
        order = compare_numbers(a->shown.place.line, b->shown.place.line);
    if (order == 0)
        order = compare_numbers(a->shown.place.column, b->shown.place.column);
    return order ? order : compare_numbers(a->sequence, b->sequence);
}

static bool says_the_same(const struct entry *a, const struct entry *b)
{
    return a->file_order == b->file_order && a->shown.place.line == b->shown.place.line &&
           a->shown.place.column == b->shown.place.column && a->shown.severity == b->shown.severity &&
           strcmp(a->text, b->text) == 0;
}

/* Whether the entry repeats one that stands before it at the same place. */
static bool is_repeated(const struct entry *entries, size_t kept, const struct entry *e)
{
    for (size_t i = kept; i > 0; i--) {
        if (says_the_same(&entries[i - 1], e))
            return true;
        if (entries[i - 1].shown.place.line != e->shown.place.line ||
            entries[i - 1].shown.place.column != e->shown.place.column)
            return false;
    }
    return false;
}

void diagnostics_sort(struct diagnostics *d)
{
    if (d->count == 0)
        return;
    qsort(d->entries, d->count, sizeof *d->entries, by_place);
    size_t kept = 0;
    for (size_t i = 0; i < d->count; i++) {
        if (is_repeated(d->entries, kept, &d->entries[i]))
            free(d->entries[i].text);
        else
            d->entries[kept++] = d->entries[i];
    }
    d->count = kept;
}

/* ---- Printing --------------------------------------------------------------------------------------------------- */

static struct slice line_of(struct slice text, uint32_t line)
{
    if (slice_starts_with(text, SLICE("\xef\xbb\xbf")))
        text = slice_from_offset(text, 3);
    for (uint32_t i = 1; text.len > 0; i++) {
        size_t end = 0;
        while (end < text.len && text.text[end] != '\n' && text.text[end] != '\r')
            end++;
        if (i == line)
            return slice_of(text.text, end);
        if (end + 1 < text.len && text.text[end] == '\r' && text.text[end + 1] == '\n')
            end++;
        text = slice_from_offset(text, end + 1);
    }
    return slice_of("", 0);
}

/* A key may stand on the line of its name or on the one below it. */
static bool may_hold_a_key(struct slice text, uint32_t line)
{
    static const struct slice names[] = {{"write_key", 9}, {"headers", 7}, {"proxy", 5}, {"uthorization", 12}};
    for (uint32_t i = line > 1 ? line - 1 : line; i <= line; i++) {
        struct slice l = line_of(text, i);
        for (size_t n = 0; n < sizeof names / sizeof names[0]; n++)
            if (l.len > 0 && memmem(l.text, l.len, names[n].text, names[n].len))
                return true;
    }
    return false;
}

/* The characters that the caret underlines: to the end of the word. */
static size_t word_length(struct slice rest)
{
    size_t end = 1;
    while (end < rest.len && !strchr(" \t:,[]{}\"'", rest.text[end]))
        end++;
    return utf8_count(slice_of(rest.text, end > rest.len ? rest.len : end));
}

static void add_excerpt(struct buffer *out, struct source_place place, bool colour)
{
    struct slice line = line_of(place.file->text, place.line);
    if (line.len == 0 || line.len > 300 || !utf8_is_valid(line) || may_hold_a_key(place.file->text, place.line))
        return;
    for (size_t i = 0; i < line.len; i++)
        if (((unsigned char)line.text[i] < 0x20 && line.text[i] != '\t') || line.text[i] == 0x7f)
            return;
    size_t at = utf8_prefix_of_chars(line, place.column - 1);
    buffer_add(out, SLICE("    "));
    buffer_add(out, line);
    buffer_add(out, SLICE("\n    "));
    for (size_t i = 0; i < at; i++)
        if (((unsigned char)line.text[i] & 0xc0) != 0x80)
            buffer_add_char(out, line.text[i] == '\t' ? '\t' : ' ');
    buffer_add_text(out, colour ? "\x1b[1;32m^" : "^");
    size_t width = at < line.len ? word_length(slice_from_offset(line, at)) : 1;
    for (size_t i = 1; i < width; i++)
        buffer_add_char(out, '~');
    buffer_add_text(out, colour ? "\x1b[0m\n" : "\n");
}

static void print_one(struct buffer *out, const struct diagnostic *d, bool excerpts, bool colour)
{
    static const char *const words[] = {[SEVERITY_ERROR] = "error:", [SEVERITY_WARNING] = "warning:"};
    static const char *const colours[] = {[SEVERITY_ERROR] = "\x1b[1;31m", [SEVERITY_WARNING] = "\x1b[1;35m"};

    if (d->place.file) {
        if (colour)
            buffer_add_text(out, "\x1b[1m");
        buffer_add_text(out, d->place.file->name);
        buffer_printf(out, ":%u:%u:", d->place.line, d->place.column);
        buffer_add_text(out, colour ? "\x1b[0m " : " ");
    }
    if (colour)
        buffer_add_text(out, colours[d->severity]);
    buffer_add_text(out, words[d->severity]);
    buffer_add_text(out, colour ? "\x1b[0m " : " ");
    buffer_add_text(out, d->text);
    buffer_add_char(out, '\n');
    if (excerpts && d->place.file)
        add_excerpt(out, d->place, colour);
}

void diagnostics_print(struct diagnostics *d, struct buffer *out, bool excerpts, bool colour)
{
    diagnostics_sort(d);
    size_t printed = d->count <= LIMIT_CONFIG_ERRORS ? d->count : LIMIT_CONFIG_ERRORS;
    for (size_t i = 0; i < printed; i++)
        print_one(out, &d->entries[i].shown, excerpts, colour);
    if (printed < d->count)
        buffer_printf(out, "and %zu more\n", d->count - printed + d->errors_left_out);
    if (d->out_of_memory)
        buffer_add_text(out, "error: out of memory\n");
}
