#include "deliver/joined.h"

#include <assert.h>
#include <stdlib.h>

enum { FEW = sizeof((struct joined *)0)->few / sizeof(struct merge_part), LARGEST_BLOCK = 256 };

struct joined *joined_new(void)
{
    struct joined *j = calloc(1, sizeof *j);
    if (j)
        j->references = 1;
    return j;
}

struct joined *joined_ref(struct joined *j)
{
    j->references++;
    return j;
}

void joined_unref(struct joined *j)
{
    if (!j || --j->references > 0)
        return;
    for (struct merge_part *part = j->first, *next; part; part = next) {
        next = part->next;
        if (part->ledger)
            ledger_unbind(part);
        if (part->allocated)
            free(part);
    }
    for (struct part_block *block = j->blocks, *next; block; block = next) {
        next = block->next;
        free(block);
    }
    free(j);
}

static struct part_block *add_block(struct joined *j)
{
    size_t count = j->blocks ? 2 * j->blocks->count : 2 * FEW;
    if (count > LARGEST_BLOCK)
        count = LARGEST_BLOCK;
    struct part_block *block = malloc(sizeof *block + count * sizeof *block->parts);
    if (!block)
        return NULL;
    *block = (struct part_block){.next = j->blocks, .count = count};
    return j->blocks = block;
}

struct merge_part *joined_place(struct joined *j)
{
    if (j->few_used < FEW)
        return &j->few[j->few_used];
    struct part_block *block = j->blocks;
    if (!block || block->used == block->count)
        block = add_block(j);
    return block ? &block->parts[block->used] : NULL;
}

static void note_used(struct joined *j)
{
    if (j->few_used < FEW)
        j->few_used++;
    else
        j->blocks->used++;
}

void joined_add(struct joined *j, struct merge_part *part)
{
    part->next = NULL;
    if (!part->allocated)
        note_used(j);
    if (j->last)
        j->last->next = part;
    else
        j->first = part;
    j->last = part;
    j->count++;
}

bool joined_spans_files(const struct joined *j)
{
    for (const struct merge_part *part = j->first; part; part = part->next)
        if (part->ledger != j->first->ledger)
            return true;
    return false;
}

void joined_wait_for(struct joined *j, struct saves *saves)
{
    j->saves = saves;
    j->save = saves->wanted = saves->begun + 1; /* one that is under way may not have it */
}

bool joined_may_go(const struct joined *j)
{
    return !j->saves || j->saves->ended >= j->save;
}

/* A file's committed position may move with each: callbacks only take note of that. */
static bool finish(struct joined *j)
{
    for (struct merge_part *part = j->first; part; part = part->next)
        if (part->ledger)
            ledger_settle_part(part, j->flags);
    return true;
}

bool joined_begin(struct joined *j, uint32_t calls, unsigned flags)
{
    j->unsettled = calls;
    j->flags = flags;
    return calls == 0 && finish(j);
}

bool joined_settle(struct joined *j, enum call_outcome outcome)
{
    assert(j->unsettled > 0);
    j->flags |= line_flag_of(outcome);
    return --j->unsettled == 0 && finish(j);
}
