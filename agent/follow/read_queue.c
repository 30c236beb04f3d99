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

/* File systems keep time in steps of some milliseconds. What was set aside within one is named after the log:
 * "chat.jsonl.1" is older than "chat.jsonl". */
static bool comes_before_by_name(const struct file *f, const struct file *g)
{
    struct slice a = slice_from(file_location(f)), b = slice_from(file_location(g));
    if (a.len != b.len && slice_starts_with(a.len < b.len ? b : a, a.len < b.len ? a : b))
        return a.len > b.len;
    return strcmp(f->path, g->path) < 0;
}

bool read_queue_comes_before(const struct read_queue *q, const struct file *f, const struct file *g)
{
    if (f->source.input != g->source.input)
        return f->source.input < g->source.input;
    bool by_name = f->source.input < q->config->input_count && q->config->inputs[f->source.input].order == ORDER_NAME;
    if (by_name)
        return strcmp(f->path, g->path) < 0;
    return f->mtime_ns != g->mtime_ns ? f->mtime_ns < g->mtime_ns : comes_before_by_name(f, g);
}

/* As far as is known nothing in it is new. */
static bool is_only_checked(const struct file *f)
{
    return file_is_begun(f) && !f->reading.verified && !f->gz && f->place == FILE_PRESENT && f->size == file_offset(f);
}

static void add_fair(struct file *f)
{
    bool check = is_only_checked(f);
    file_delist(f, check ? LIST_QUEUED : LIST_CHECKED);
    file_enlist(f, check ? LIST_CHECKED : LIST_QUEUED);
}

/* The one that was read last is still among the first. */
void read_queue_add(struct read_queue *q, struct file *f)
{
    if (!read_queue_is_ordered(q, f)) {
        add_fair(f);
        return;
    }
    struct file *g = file_table_list(q->table, LIST_ORDERED)->first;
    while (g && !read_queue_comes_before(q, f, g))
        g = g->links[LIST_ORDERED].next;
    file_enlist_before(f, LIST_ORDERED, g);
}

void read_queue_add_unsorted(struct read_queue *q, struct file *f)
{
    if (!read_queue_is_ordered(q, f)) {
        add_fair(f);
        return;
    }
    q->unsorted = true;
    file_enlist(f, LIST_ORDERED);
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
    file_delist(f, LIST_CHECKED);
}

bool read_queue_has(const struct file *f)
{
    return file_is_in(f, LIST_QUEUED) || file_is_in(f, LIST_ORDERED) || file_is_in(f, LIST_CHECKED);
}

bool read_queue_is_empty(const struct file_table *t)
{
    return !file_table_list(t, LIST_QUEUED)->first && !file_table_list(t, LIST_ORDERED)->first &&
           !file_table_list(t, LIST_CHECKED)->first;
}

enum file_list_kind read_queue_fair(const struct read_queue *q)
{
    bool check = file_table_list(q->table, LIST_CHECKED)->first != NULL;
    bool read = file_table_list(q->table, LIST_QUEUED)->first != NULL;
    return check && (!read || q->read >= READ_BEFORE_CHECK) ? LIST_CHECKED : LIST_QUEUED;
}

void read_queue_note_turn(struct read_queue *q, enum file_list_kind kind)
{
    q->read = kind == LIST_CHECKED ? 0 : q->read + 1;
}
