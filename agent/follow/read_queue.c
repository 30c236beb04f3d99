#include "follow/read_queue.h"

bool read_queue_is_ordered(const struct read_queue *q, const struct file *f)
{
    if (f->source.input >= q->config->input_count)
        return false;
    return q->once || q->config->inputs[f->source.input].order != ORDER_FAIR;
}

bool read_queue_is_one_order(const struct read_queue *q, const struct file *f, const struct file *g)
{
    return read_queue_is_ordered(q, f) && read_queue_is_ordered(q, g) &&
           (q->once || f->source.input == g->source.input);
}

bool read_queue_comes_before(const struct read_queue *q, const struct file *f, const struct file *g)
{
    if (f->source.input != g->source.input)
        return f->source.input < g->source.input;
    bool by_name = f->source.input < q->config->input_count && q->config->inputs[f->source.input].order == ORDER_NAME;
    if (!by_name && f->mtime_ns != g->mtime_ns)
        return f->mtime_ns < g->mtime_ns;
    return strcmp(f->path, g->path) < 0;
}

/* The one that was read last is still among the first. */
void read_queue_add(struct read_queue *q, struct file *f)
{
    if (!read_queue_is_ordered(q, f)) {
        file_enlist(f, LIST_QUEUED);
        return;
    }
    struct file *g = file_table_list(q->table, LIST_ORDERED)->first;
    while (g && !read_queue_comes_before(q, f, g))
        g = g->links[LIST_ORDERED].next;
    file_enlist_before(f, LIST_ORDERED, g);
}

void read_queue_add_unsorted(struct read_queue *q, struct file *f)
{
    bool ordered = read_queue_is_ordered(q, f);
    q->unsorted |= ordered;
    file_enlist(f, ordered ? LIST_ORDERED : LIST_QUEUED);
}

static bool comes_before(const void *context, const struct file *f, const struct file *g)
{
    return read_queue_comes_before(context, f, g);
}

void read_queue_sort(struct read_queue *q)
{
    if (q->unsorted)
        file_table_sort(q->table, LIST_ORDERED, comes_before, q);
    q->unsorted = false;
}

void read_queue_remove(struct file *f)
{
    file_delist(f, LIST_QUEUED);
    file_delist(f, LIST_ORDERED);
}

bool read_queue_is_empty(const struct file_table *t)
{
    return !file_table_list(t, LIST_QUEUED)->first && !file_table_list(t, LIST_ORDERED)->first;
}
