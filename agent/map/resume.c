#include "map/resume.h"

#include "base/content_hash.h"

#include <stdlib.h>

struct resume *resume_new(void)
{
    return calloc(1, sizeof(struct resume));
}

void resume_free(struct resume *r)
{
    if (!r)
        return;
    free(r->lines);
    free(r->parts);
    free(r);
}

static bool grow(void **items, size_t *cap, size_t count, size_t size)
{
    if (count < *cap)
        return true;
    size_t more = *cap ? 2 * *cap : 16;
    void *grown = reallocarray(*items, more, size);
    if (!grown)
        return false;
    *items = grown;
    *cap = more;
    return true;
}

bool resume_add_line(struct resume *r, uint64_t offset, bool calls)
{
    if (!grow((void **)&r->lines, &r->line_cap, r->line_count, sizeof *r->lines))
        return false;
    r->lines[r->line_count++] = (struct resume_line){offset, calls, (uint32_t)r->part_count, 0};
    return true;
}

bool resume_add_part(struct resume *r, const struct resume_part *part)
{
    if (!grow((void **)&r->parts, &r->part_cap, r->part_count, sizeof *r->parts))
        return false;
    r->parts[r->part_count++] = *part;
    r->lines[r->line_count - 1].part_count++;
    return true;
}

static int by_offset(const void *a, const void *b)
{
    const struct resume_line *x = a, *y = b;
    return (x->offset > y->offset) - (x->offset < y->offset);
}

void resume_sort(struct resume *r)
{
    if (r->line_count > 1)
        qsort(r->lines, r->line_count, sizeof *r->lines, by_offset);
}

/* ---- Text ------------------------------------------------------------------------------------------------------- */

/* TAKEN AHEAD AHEAD RULES, then for each line OFFSET (from the one before) CALLS PARTS, and for each of its parts
 * RECORD NTH NUMBER (from the one before, modulo 2^64) ENDED. */
void resume_write(const struct resume *r, struct buffer *out)
{
    uint64_t offset = 0, number = 0;
    buffer_printf(out, "%llu %u %u %llu", (unsigned long long)r->taken, r->ahead[0], r->ahead[1],
                  (unsigned long long)r->rules);
    for (size_t i = 0; i < r->line_count; i++) {
        const struct resume_line *line = &r->lines[i];
        buffer_printf(out, " %llu %d %u", (unsigned long long)(line->offset - offset), line->calls, line->part_count);
        offset = line->offset;
        for (size_t p = line->first_part; p < line->first_part + line->part_count; p++) {
            const struct resume_part *part = &r->parts[p];
            buffer_printf(out, " %u %u %llu %u", part->record, part->nth, (unsigned long long)(part->number - number),
                          part->ended);
            number = part->number;
        }
    }
}

static bool next_number(struct slice *text, uint64_t most, uint64_t *ret)
{
    uint64_t n = 0;
    size_t at = 0;
    for (; at < text->len && text->text[at] >= '0' && text->text[at] <= '9'; at++)
        if (__builtin_mul_overflow(n, 10, &n) || __builtin_add_overflow(n, (uint64_t)(text->text[at] - '0'), &n))
            return false;
    if (at == 0 || n > most || (at < text->len && text->text[at] != ' '))
        return false;
    at += at < text->len;
    *text = slice_from_offset(*text, at);
    *ret = n;
    return true;
}

static bool read_part(struct resume *r, struct slice *text, uint64_t *number)
{
    uint64_t record, nth, more, ended;
    if (!next_number(text, UINT32_MAX, &record) || !next_number(text, UINT32_MAX, &nth) ||
        !next_number(text, UINT64_MAX, &more) || !next_number(text, UINT32_MAX, &ended))
        return false;
    *number += more;
    return resume_add_part(r, &(struct resume_part){(uint32_t)record, (uint32_t)nth, *number, (unsigned)ended});
}

static bool read_line(struct resume *r, struct slice *text, uint64_t *offset, uint64_t *number)
{
    uint64_t more, calls, parts;
    if (!next_number(text, UINT64_MAX, &more) || !next_number(text, 1, &calls) ||
        !next_number(text, UINT32_MAX, &parts))
        return false;
    if (__builtin_add_overflow(*offset, more, offset) || !resume_add_line(r, *offset, calls))
        return false;
    while (parts-- > 0)
        if (!read_part(r, text, number))
            return false;
    return true;
}

struct resume *resume_read(struct slice text)
{
    struct resume *r = resume_new();
    uint64_t ahead[FRAME_LANES], offset = 0, number = 0;
    bool good = r && next_number(&text, UINT64_MAX, &r->taken) && next_number(&text, UINT32_MAX, &ahead[0]) &&
                next_number(&text, UINT32_MAX, &ahead[1]) && next_number(&text, UINT64_MAX, &r->rules);
    while (good && text.len > 0)
        good = read_line(r, &text, &offset, &number);
    for (unsigned i = 0; good && i < FRAME_LANES; i++)
        r->ahead[i] = (uint32_t)ahead[i];
    if (good)
        return r;
    resume_free(r);
    return NULL;
}

/* ---- Looking ---------------------------------------------------------------------------------------------------- */

enum resume_says resume_find(const struct resume *r, uint64_t offset, unsigned lane,
                             const struct resume_line **ret_line)
{
    size_t low = 0, high = r->line_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (r->lines[middle].offset < offset)
            low = middle + 1;
        else
            high = middle;
    }
    if (low < r->line_count && r->lines[low].offset == offset) {
        *ret_line = &r->lines[low];
        return RESUME_OPEN;
    }
    return offset < r->taken + r->ahead[lane] ? RESUME_DONE : RESUME_NEW;
}

const struct resume_part *resume_find_part(const struct resume *r, const struct resume_line *line, uint32_t record,
                                           uint32_t nth)
{
    for (size_t i = line->first_part; i < line->first_part + line->part_count; i++)
        if (r->parts[i].record == record && r->parts[i].nth == nth)
            return &r->parts[i];
    return NULL;
}

uint64_t resume_hash(const char *sha256)
{
    return content_hash_of(slice_from(sha256));
}
