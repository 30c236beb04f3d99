#include "follow/file_list.h"

#include "follow/file_table_internal.h"

void file_enlist_before(struct file *f, enum file_list_kind kind, struct file *next)
{
    struct file_list *list = &f->table->lists[kind];
    struct file_link *link = &f->links[kind];
    if (file_is_in(f, kind))
        return;
    *link = (struct file_link){.prev = next ? next->links[kind].prev : list->last, .next = next};
    f->lists |= 1U << kind;
    if (link->prev)
        link->prev->links[kind].next = f;
    else
        list->first = f;
    if (next)
        next->links[kind].prev = f;
    else
        list->last = f;
    list->count++;
}

void file_enlist(struct file *f, enum file_list_kind kind)
{
    file_enlist_before(f, kind, NULL);
}

void file_delist(struct file *f, enum file_list_kind kind)
{
    struct file_list *list = &f->table->lists[kind];
    struct file_link *link = &f->links[kind];
    if (!file_is_in(f, kind))
        return;
    if (link->prev)
        link->prev->links[kind].next = link->next;
    else
        list->first = link->next;
    if (link->next)
        link->next->links[kind].prev = link->prev;
    else
        list->last = link->prev;
    *link = (struct file_link){NULL, NULL};
    f->lists &= ~(1U << kind);
    list->count--;
}

const struct file_list *file_table_list(const struct file_table *t, enum file_list_kind kind)
{
    return &t->lists[kind];
}

/* Merges two chains (linked by `next` alone). */
static struct file *merge(struct file *a, struct file *b, enum file_list_kind kind,
                          bool (*comes_before)(const void *, const struct file *, const struct file *),
                          const void *context)
{
    struct file *first = NULL, **end = &first;
    while (a && b) {
        struct file **least = comes_before(context, b, a) ? &b : &a;
        *end = *least;
        end = &(*least)->links[kind].next;
        *least = *end;
    }
    *end = a ? a : b;
    return first;
}

/* Takes the sorted run that the chain begins with off it. */
static struct file *take_run(struct file **chain, enum file_list_kind kind,
                             bool (*comes_before)(const void *, const struct file *, const struct file *),
                             const void *context)
{
    struct file *first = *chain, *last = first;
    struct file *next;
    while ((next = last->links[kind].next) && !comes_before(context, next, last))
        last = next;
    last->links[kind].next = NULL;
    *chain = next;
    return first;
}

void file_table_sort(struct file_table *t, enum file_list_kind kind,
                     bool (*comes_before)(const void *context, const struct file *f, const struct file *g),
                     const void *context)
{
    struct file_list *list = &t->lists[kind];
    struct file *sorted[64] = {NULL}; /* [i]: 2^i runs merged, or none */
    struct file *rest = list->first, *all = NULL;
    while (rest) {
        struct file *run = take_run(&rest, kind, comes_before, context);
        size_t i = 0;
        for (; sorted[i]; sorted[i++] = NULL)
            run = merge(sorted[i], run, kind, comes_before, context);
        sorted[i] = run;
    }
    for (size_t i = 0; i < sizeof sorted / sizeof *sorted; i++) {
        if (sorted[i])
            all = merge(sorted[i], all, kind, comes_before, context);
    }
    list->first = all;
    list->last = NULL;
    for (struct file *f = all; f; f = f->links[kind].next) {
        f->links[kind].prev = list->last;
        list->last = f;
    }
}
