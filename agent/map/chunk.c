#include "map/chunk.h"

#include "limits.h"

#include <stdlib.h>

enum { KEPT_TEXT = 8 * LIMIT_READ, KEPT_ITEMS = 16384, FIRST_CAP = 16 };

static bool grow(void **items, size_t *cap, size_t item_size)
{
    size_t more = *cap ? *cap * 2 : FIRST_CAP;
    void *grown = reallocarray(*items, more, item_size);
    if (!grown)
        return false;
    *items = grown;
    *cap = more;
    return true;
}

/* An unusually large one goes back to the heap. */
static void forget(void **items, size_t *count, size_t *cap)
{
    *count = 0;
    if (*cap <= KEPT_ITEMS)
        return;
    free(*items);
    *items = NULL;
    *cap = 0;
}

void chunk_init(struct chunk *c)
{
    *c = (struct chunk){0};
    buffer_init(&c->text, SIZE_MAX); /* bounded by the budget and LIMIT_LINE_CALLS */
}

bool chunk_clear(struct chunk *c, size_t rule_count)
{
    buffer_clear(&c->text);
    if (c->text.cap > KEPT_TEXT)
        buffer_release(&c->text);
    forget((void **)&c->calls, &c->call_count, &c->call_cap);
    forget((void **)&c->lines, &c->line_count, &c->line_cap);
    forget((void **)&c->notes, &c->note_count, &c->note_cap);
    forget((void **)&c->parts, &c->part_count, &c->part_cap);
    forget((void **)&c->origins, &c->origin_count, &c->origin_cap);
    forget((void **)&c->parents, &c->parent_count, &c->parent_cap);
    forget((void **)&c->merged, &c->merged_count, &c->merged_cap);
    c->parts_joined = c->calls_inserted = c->notes_inserted = 0;
    c->notes_left_out = 0;
    c->lines_read = c->bytes_read = c->nul_bytes = 0;
    memset(c->outcomes, 0, sizeof c->outcomes);
    c->consumed = 0;
    c->result = CHUNK_ALL_TAKEN;
    if (c->rule_count != rule_count) {
        free(c->rules);
        c->rules = calloc(rule_count, sizeof *c->rules);
        c->rule_count = c->rules ? rule_count : 0;
        return c->rules || rule_count == 0;
    }
    if (rule_count)
        memset(c->rules, 0, rule_count * sizeof *c->rules);
    return true;
}

void chunk_trim(struct chunk *c)
{
    if (c->text.cap > LIMIT_KEPT_AT_REST)
        buffer_release(&c->text);
}

void chunk_release(struct chunk *c)
{
    buffer_release(&c->text);
    free(c->calls);
    free(c->lines);
    free(c->notes);
    free(c->parts);
    free(c->origins);
    free(c->parents);
    free(c->merged);
    free(c->rules);
    *c = (struct chunk){0};
}

bool chunk_add_call(struct chunk *c, const struct mapped_call *call)
{
    if (c->call_count == c->call_cap && !grow((void **)&c->calls, &c->call_cap, sizeof *c->calls))
        return false;
    c->calls[c->call_count++] = *call;
    return true;
}

bool chunk_add_line(struct chunk *c, const struct mapped_line *line)
{
    if (c->line_count == c->line_cap && !grow((void **)&c->lines, &c->line_cap, sizeof *c->lines))
        return false;
    c->lines[c->line_count++] = *line;
    return true;
}

bool chunk_add_part(struct chunk *c, const struct mapped_part *part)
{
    if (c->part_count == c->part_cap && !grow((void **)&c->parts, &c->part_cap, sizeof *c->parts))
        return false;
    c->parts[c->part_count++] = *part;
    return true;
}

bool chunk_add_origin(struct chunk *c, const struct mapped_origin *origin)
{
    if (c->origin_count == c->origin_cap && !grow((void **)&c->origins, &c->origin_cap, sizeof *c->origins))
        return false;
    c->origins[c->origin_count++] = *origin;
    return true;
}

bool chunk_add_parent(struct chunk *c, struct span parent)
{
    if (c->parent_count == c->parent_cap && !grow((void **)&c->parents, &c->parent_cap, sizeof *c->parents))
        return false;
    c->parents[c->parent_count++] = parent;
    return true;
}

bool chunk_add_merged(struct chunk *c, const struct merged_record *merged)
{
    if (c->merged_count == c->merged_cap && !grow((void **)&c->merged, &c->merged_cap, sizeof *c->merged))
        return false;
    c->merged[c->merged_count++] = *merged;
    return true;
}

static struct map_note *note_like(struct chunk *c, const struct map_note *note)
{
    for (size_t i = c->note_count; i-- > 0;)
        if (c->notes[i].outcome == note->outcome && c->notes[i].rule == note->rule &&
            c->notes[i].reason == note->reason)
            return &c->notes[i];
    return NULL;
}

bool chunk_add_note(struct chunk *c, const struct map_note *note, bool all)
{
    struct map_note *like = !all && c->note_count >= LIMIT_CHUNK_NOTES ? note_like(c, note) : NULL;
    if (like) {
        like->more++;
        c->notes_left_out++;
        return true;
    }
    if (c->note_count == c->note_cap && !grow((void **)&c->notes, &c->note_cap, sizeof *c->notes))
        return false;
    c->notes[c->note_count++] = *note;
    return true;
}
