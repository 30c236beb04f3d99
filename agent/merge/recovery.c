#include "merge/recovery.h"

#include "deliver/ledger.h"

#include <stdlib.h>

struct recovery *recovery_of(struct recovery *list, const char *input)
{
    while (list && strcmp(list->input, input) != 0)
        list = list->next;
    return list;
}

bool recovery_begin(struct recovery **list, const char *input)
{
    if (recovery_of(*list, input))
        return true;
    struct recovery *r = calloc(1, sizeof *r);
    if (!r || !(r->input = strdup(input))) {
        free(r);
        return false;
    }
    r->next = *list;
    *list = r;
    return true;
}

/* All that the joining borrows is in one block. */
bool recovery_stage(struct recovery *r, const struct joining *j, struct merge_part *part, size_t *ret_cost)
{
    if (r->count == r->cap) {
        size_t cap = r->cap ? 2 * r->cap : 64;
        struct staged *grown = realloc(r->staged, cap * sizeof *grown);
        if (!grown)
            return false;
        r->staged = grown;
        r->cap = cap;
    }
    const struct slice texts[] = {j->key,        j->as,        j->text,        j->file,        j->meta.file,
                                  j->meta.input, j->meta.time, j->meta.stream, j->parents_text};
    size_t spans = j->parent_count * sizeof *j->parents, len = spans + 1;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        len += texts[i].len;
    struct staged s = {.part = part, .joining = *j, .block = malloc(len)};
    char *at = s.block;
    if (!at)
        return false;
    struct joining *to = &s.joining;
    to->parents = (const struct span *)place_text(&at, slice_of((const char *)j->parents, spans)).text;
    struct slice *places[] = {&to->key,        &to->as,        &to->text,        &to->file,        &to->meta.file,
                              &to->meta.input, &to->meta.time, &to->meta.stream, &to->parents_text};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        *places[i] = place_text(&at, texts[i]);
    *ret_cost = s.cost = len + JOINED_PART_COST;
    r->staged[r->count++] = s;
    return true;
}

static int by_number(const void *a, const void *b)
{
    const struct staged *x = a, *y = b;
    return (x->part->number > y->part->number) - (x->part->number < y->part->number);
}

void recovery_sort(struct recovery *r)
{
    if (!r->over && r->count > 1)
        qsort(r->staged, r->count, sizeof *r->staged, by_number);
    r->over = true;
}

struct staged *recovery_next(struct recovery *r)
{
    return r->joined < r->count ? &r->staged[r->joined] : NULL;
}

void recovery_pop(struct recovery *r)
{
    free(r->staged[r->joined++].block);
}

static void recovery_free(struct recovery *r)
{
    for (size_t i = r->joined; i < r->count; i++) {
        if (r->staged[i].part->ledger)
            ledger_unbind(r->staged[i].part);
        free(r->staged[i].part);
        free(r->staged[i].block);
    }
    free(r->staged);
    free(r->input);
    free(r);
}

void recovery_end(struct recovery **list, struct recovery *r)
{
    while (*list != r)
        list = &(*list)->next;
    *list = r->next;
    recovery_free(r);
}

void recovery_free_all(struct recovery *list)
{
    while (list)
        recovery_end(&list, list);
}
