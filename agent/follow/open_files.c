#include "follow/open_files.h"

#include "limits.h"

#include <assert.h>
#include <sys/resource.h>

enum { FOR_THE_REST = 64, AT_LEAST = 4 };

void open_files_init(struct open_files *o, struct file_table *table, struct metrics *metrics, size_t budget)
{
    struct rlimit limit;
    *o = (struct open_files){.table = table, .metrics = metrics, .budget = budget, .close_at = UINT64_MAX};
    if (budget)
        return;
    o->budget = 1024 - FOR_THE_REST;
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
        size_t most = limit.rlim_cur == RLIM_INFINITY ? 1 << 20 : (size_t)limit.rlim_cur;
        o->budget = most >= 2 * FOR_THE_REST ? most - FOR_THE_REST : most / 2;
    }
    if (o->budget < AT_LEAST)
        o->budget = AT_LEAST;
}

static void count(struct open_files *o)
{
    o->metrics->files_open = file_table_list(o->table, LIST_OPEN)->count;
}

void open_files_close(struct open_files *o, struct file *f)
{
    if (f->reading.content.fd < 0)
        return;
    content_close(&f->reading.content);
    file_delist(f, LIST_OPEN);
    count(o);
}

static bool close_least_used(struct open_files *o)
{
    for (struct file *f = file_table_list(o->table, LIST_OPEN)->first; f; f = f->links[LIST_OPEN].next) {
        if (f->reading.in_job || f->place == FILE_UNNAMED)
            continue;
        open_files_close(o, f);
        return true;
    }
    return false;
}

bool open_files_promise(struct open_files *o)
{
    while (file_table_list(o->table, LIST_OPEN)->count + o->promised >= o->budget) {
        if (!close_least_used(o))
            return false;
    }
    o->promised++;
    return true;
}

void open_files_keep_promise(struct open_files *o)
{
    assert(o->promised);
    o->promised--;
}

void open_files_adopt(struct open_files *o, struct file *f, struct file_content content, uint64_t close_inactive,
                      uint64_t now)
{
    file_delist(f, LIST_OPEN);
    f->reading.content = content;
    f->reading.used_at = now;
    if (content.fd >= 0) {
        file_enlist(f, LIST_OPEN); /* at the end: the most recently used */
        if (now + close_inactive < o->close_at)
            o->close_at = now + close_inactive;
    }
    count(o);
}

void open_files_move(struct open_files *o, struct file *from, struct file *to)
{
    assert(to->reading.content.fd < 0);
    if (from->reading.content.fd < 0)
        return;
    file_delist(from, LIST_OPEN);
    to->reading.content = from->reading.content;
    from->reading.content = (struct file_content){.fd = -1};
    to->reading.used_at = from->reading.used_at;
    file_enlist(to, LIST_OPEN);
    count(o);
}

bool open_files_gz_room(struct open_files *o)
{
    size_t readers = 0;
    struct file *idle = NULL;
    for (struct file *f = file_table_list(o->table, LIST_OPEN)->first; f; f = f->links[LIST_OPEN].next) {
        readers += f->reading.content.gz != NULL;
        if (!idle && f->reading.content.gz && f->reading.at_end && !f->reading.in_job)
            idle = f;
    }
    if (readers >= LIMIT_GZ_READERS && idle)
        open_files_drop_gz(idle);
    return readers < LIMIT_GZ_READERS || idle;
}

void open_files_drop_gz(struct file *f)
{
    gz_reader_free(f->reading.content.gz);
    f->reading.content.gz = NULL;
}

void open_files_exhausted(struct open_files *o)
{
    size_t open = file_table_list(o->table, LIST_OPEN)->count;
    if (open < o->budget)
        o->budget = open > AT_LEAST ? open : AT_LEAST;
    close_least_used(o);
}

bool open_files_is_crowded(const struct open_files *o)
{
    return file_table_list(o->table, LIST_OPEN)->count > o->budget / 2;
}

void open_files_close_idle(struct open_files *o, const struct config *config, uint64_t now)
{
    struct file *next;
    if (now < o->close_at)
        return;
    o->close_at = UINT64_MAX;
    for (struct file *f = file_table_list(o->table, LIST_OPEN)->first; f; f = next) {
        next = f->links[LIST_OPEN].next;
        if (f->place == FILE_UNNAMED || f->source.input >= config->input_count)
            continue;
        uint64_t at = f->reading.used_at + config->inputs[f->source.input].close_inactive_ms;
        if (at <= now && !f->reading.in_job && f->reading.at_end)
            open_files_close(o, f);
        else if (at <= now)
            at = now + 1000; /* being read */
        if (at > now && at < o->close_at)
            o->close_at = at;
    }
}
