/* The known files: what is done with each of them, from the moment it is found to that in which it is forgotten. How
 * one ends in its place is file_parting.c, how it is looked for file_search.c, what is saved of it file_saving.c; what
 * a scan means for all of them file_reconcile.c. */
#include "follow/file_table_internal.h"

#include "follow/file_saving.h"
#include "sandbox/sandbox.h"

#include <assert.h>
#include <grp.h>
#include <stdlib.h>
#include <unistd.h>

/* ---- the table ---- */

/* "4,24,1000", for messages about what cannot be read. */
static void describe_groups(char *to, size_t size)
{
    gid_t groups[64];
    int n = getgroups((int)(sizeof groups / sizeof *groups), groups);
    int len = snprintf(to, size, "%u", (unsigned)getegid());
    for (int i = 0; i < n && len > 0 && (size_t)len < size; i++) {
        if (groups[i] != getegid())
            len += snprintf(to + len, size - (size_t)len, ",%u", (unsigned)groups[i]);
    }
}

struct file_table *file_table_new(const struct config *config, const struct scan_rules *rules, struct metrics *metrics,
                                  struct log *log)
{
    struct file_table *t = calloc(1, sizeof *t);
    if (!t)
        return NULL;
    t->metrics = metrics;
    t->log = log;
    t->next_key = t->next_part = 1;
    describe_groups(t->groups, sizeof t->groups);
    if (!file_index_init(&t->index) || !file_table_configure(t, config, rules)) {
        file_table_free(t);
        return NULL;
    }
    return t;
}

static void file_free(struct file *f)
{
    if (f->ledger)
        ledger_disown(f->ledger);
    resume_free(f->resume);
    free(f->reading.marks);
    lag_release(&f->lag);
    free(f->path);
    free(f->real_path);
    free(f->former);
    free(f);
}

void file_table_free(struct file_table *t)
{
    if (!t)
        return;
    while (t->lists[LIST_ALL].first) {
        struct file *f = t->lists[LIST_ALL].first;
        assert(f->reading.content.fd < 0);
        for (int kind = 0; kind < LIST_COUNT; kind++)
            file_delist(f, (enum file_list_kind)kind);
        file_free(f);
    }
    for (size_t i = 0; i < t->known_input_count; i++)
        free(t->known_inputs[i].name);
    free(t->known_inputs);
    if (t->index.buckets[0])
        file_index_release(&t->index);
    file_reports_release(&t->reports);
    free(t->forgotten);
    free(t->series);
    free(t->walks);
    free(t->texts);
    free(t);
}

bool file_table_configure(struct file_table *t, const struct config *config, const struct scan_rules *rules)
{
    struct input_metrics **series = calloc(config->input_count + 1, sizeof(struct input_metrics *));
    struct walks *walks = calloc(config->input_count + 1, sizeof *walks);
    bool ok = series && walks;
    for (size_t i = 0; ok && i < config->input_count; i++) {
        series[i] = metrics_input(t->metrics, config->inputs[i].name);
        ok = series[i] != NULL;
    }
    if (!ok) {
        free(series);
        free(walks);
        return false;
    }
    free(t->series);
    free(t->walks);
    t->series = series;
    t->walks = walks;
    t->config = config;
    t->rules = rules;
    for (struct file *f = t->lists[LIST_ALL].first; f; f = f->links[LIST_ALL].next) {
        f->source.input = scan_rules_input_of(rules, slice_from(f->path));
        f->place_input = SIZE_MAX; /* until it is seen again */
        file_table_visit(t, f);
    }
    return true;
}

/* ---- one file ---- */

/* A file that was begun at this place before gives the next one its number. */
static uint64_t next_generation(const struct file_table *t, uint64_t device, uint64_t inode)
{
    uint64_t next = 0;
    for (const struct file *f = file_index_first(&t->index, INDEX_INODE, file_index_hash_inode(device, inode)); f;
         f = file_index_next(INDEX_INODE, f)) {
        if (f->device == device && f->inode == inode && f->generation >= next)
            next = f->generation + 1;
    }
    return next;
}

struct file *file_add(struct file_table *t, struct slice path, struct slice real_path, uint64_t device, uint64_t inode)
{
    struct file *f = calloc(1, sizeof *f);
    if (!f)
        return NULL;
    f->path = strndup(path.text, path.len);
    f->real_path = real_path.len ? strndup(real_path.text, real_path.len) : NULL;
    if (!f->path || (real_path.len && !f->real_path)) {
        free(f->path);
        free(f->real_path);
        free(f);
        return NULL;
    }
    f->table = t;
    f->device = device;
    f->inode = inode;
    f->generation = next_generation(t, device, inode);
    f->source.path = slice_from(f->path);
    f->source.input = f->place_input = SIZE_MAX;
    f->reading = (struct file_reading){.content.fd = -1, .limit = UINT64_MAX};
    position_init(&f->source.at);
    file_index_grow(&t->index, &t->lists[LIST_ALL]);
    file_enlist(f, LIST_ALL);
    file_index_put(&t->index, INDEX_INODE, f);
    file_index_put(&t->index, INDEX_LOCATION, f);
    return f;
}

void file_index_by_line(struct file *f, uint64_t first_line)
{
    file_index_take_out(&f->table->index, INDEX_LINE, f);
    f->first_line = first_line;
    if (first_line)
        file_index_put(&f->table->index, INDEX_LINE, f);
}

void file_set_former(struct file *f, char *former)
{
    file_index_take_out(&f->table->index, INDEX_LINE, f);
    free(f->former);
    f->former = former;
    file_index_by_line(f, f->first_line);
}

bool file_relocate(struct file *f, char *location)
{
    struct file_index *index = &f->table->index;
    if (!location)
        return false;
    file_index_take_out(index, INDEX_LOCATION, f);
    file_index_take_out(index, INDEX_LINE, f);
    free(f->real_path);
    f->real_path = location;
    if (strcmp(location, f->path) == 0) {
        free(location);
        f->real_path = NULL;
    }
    if (f->place != FILE_PARTED)
        file_index_put(index, INDEX_LOCATION, f);
    file_index_by_line(f, f->first_line);
    return true;
}

bool file_rename(struct file *f, const char *path)
{
    char *location = strdup(file_location(f)), *copy = strdup(path);
    if (!location || !copy) {
        free(location);
        free(copy);
        return false;
    }
    file_index_take_out(&f->table->index, INDEX_LOCATION, f);
    file_index_take_out(&f->table->index, INDEX_LINE, f);
    free(f->path);
    f->path = copy;
    f->source.path = slice_from(copy);
    return file_relocate(f, location);
}

void file_table_visit(struct file_table *t, struct file *f)
{
    (void)t;
    if (f->place != FILE_PARTED)
        file_enlist(f, LIST_CHANGED);
}

void file_table_dirty(struct file_table *t, struct file *f)
{
    (void)t;
    if (file_is_begun(f))
        file_enlist(f, LIST_DIRTY);
}

struct file *file_table_next_change(struct file_table *t)
{
    struct file *f = t->lists[LIST_CHANGED].first;
    if (f)
        file_delist(f, LIST_CHANGED);
    return f;
}

void file_release_held(struct file *f)
{
    for (struct file *g = f->table->lists[LIST_ALL].first; g && f->holds; g = g->links[LIST_ALL].next) {
        if (g->reading.held_by != f)
            continue;
        g->reading.held_by = NULL;
        f->holds--;
        file_table_visit(f->table, g);
    }
}

void file_table_hold(struct file_table *t, struct file *f, uint64_t first_line, struct file *by)
{
    (void)t;
    if (f->reading.held_by)
        f->reading.held_by->holds--;
    f->reading.held_by = by;
    if (by)
        by->holds++;
    file_index_by_line(f, first_line);
}

static void forget_key(struct file_table *t, uint64_t key)
{
    if (t->forgotten_count == t->forgotten_cap) {
        size_t cap = t->forgotten_cap ? 2 * t->forgotten_cap : 16;
        uint64_t *grown = realloc(t->forgotten, cap * sizeof *grown);
        if (!grown)
            return; /* the next fold leaves it out */
        t->forgotten = grown;
        t->forgotten_cap = cap;
    }
    t->forgotten[t->forgotten_count++] = key;
}

void file_table_drop(struct file_table *t, struct file *f)
{
    assert(f->reading.content.fd < 0 && !f->reading.in_job);
    t->is_unsure = true;
    file_table_start_settled(t, f);
    if (f->reading.held_by)
        f->reading.held_by->holds--;
    f->reading.held_by = NULL;
    file_release_held(f);
    if (file_is_begun(f))
        forget_key(t, f->key);
    for (int kind = 0; kind < INDEX_COUNT; kind++)
        file_index_take_out(&t->index, (enum file_index_kind)kind, f);
    for (int kind = 0; kind < LIST_COUNT; kind++)
        file_delist(f, (enum file_list_kind)kind);
    file_free(f);
}

bool file_table_is_unsure(const struct file_table *t)
{
    return t->is_unsure || t->lists[LIST_SEARCHED].first;
}

/* ---- what the tailer finds out ---- */

bool file_table_begin(struct file_table *t, struct file *f, struct slice first_line, const struct position *at,
                      uint64_t skipped)
{
    assert(!file_is_begun(f));
    f->source.at = *at;
    f->source.id = file_id_of(f->device, f->inode, f->generation, first_line);
    f->key = t->next_key++;
    if (!file_table_ledger(t, f)) {
        f->key = 0;
        return false;
    }
    file_table_hold(t, f, content_hash_of(first_line), NULL);
    f->skipped = skipped;
    file_table_start_settled(t, f);
    f->reading.verified = true;
    t->begun_unsaved = true;
    file_table_dirty(t, f);
    return true;
}

void file_table_unreadable(struct file_table *t, struct file *f, int error)
{
    if (error && error != f->unreadable)
        log_event(t->log, LOG_WARN, "file.unreadable", "file cannot be read", LOG_TEXT("file", file_location(f)),
                  LOG_TEXT("error", sandbox_strerror(file_location(f), error)), LOG_UINT("user", geteuid()),
                  LOG_TEXT("groups", t->groups), LOG_END);
    else if (!error && f->unreadable)
        log_event(t->log, LOG_INFO, "file.readable", "file can be read again", LOG_TEXT("file", file_location(f)),
                  LOG_END);
    f->unreadable = error;
}

static void on_committed_moved(void *context)
{
    struct file *f = context;
    file_table_dirty(f->table, f);
}

struct input_metrics *file_table_metrics(const struct file_table *t, const struct file *f)
{
    return f->source.input < t->config->input_count ? t->series[f->source.input] : NULL;
}

struct ledger *file_table_ledger(struct file_table *t, struct file *f)
{
    if (f->ledger)
        return f->ledger;
    f->ledger = ledger_new(&f->source.at, file_table_metrics(t, f), on_committed_moved, f);
    if (f->ledger && !ledger_set_path(f->ledger, slice_from(f->path))) {
        ledger_disown(f->ledger);
        f->ledger = NULL;
    }
    if (f->ledger && f->registered)
        ledger_set_registered(f->ledger);
    return f->ledger;
}

/* ---- to look at ---- */

struct file *file_table_first(const struct file_table *t)
{
    return t->lists[LIST_ALL].first;
}

struct file *file_table_next(const struct file *f)
{
    return f->links[LIST_ALL].next;
}

size_t file_table_count(const struct file_table *t)
{
    return t->lists[LIST_ALL].count;
}

uint64_t file_lag_bytes(const struct file *f)
{
    uint64_t committed = position_offset(file_committed(f));
    return f->place != FILE_PARTED ? file_unread_bytes(f, f->size, committed) : 0;
}

uint64_t file_lag_ms(struct file *f, uint64_t now)
{
    uint64_t committed = position_offset(file_committed(f));
    bool only_half_a_line = committed == file_offset(f) && !f->gz && f->size <= f->reading.searched_to;
    if (f->place == FILE_PARTED || only_half_a_line || (f->gz && file_lag_bytes(f) == 0))
        return 0;
    return lag_age(&f->lag, committed, now);
}

void file_table_measure(struct file_table *t, uint64_t now)
{
    for (size_t i = 0; i < t->config->input_count; i++) {
        t->series[i]->lag_bytes = t->series[i]->files_unreadable = 0;
        t->series[i]->lag_seconds = 0;
    }
    t->metrics->files_watched = t->metrics->deleted_held_bytes = 0;
    for (struct file *f = file_table_first(t); f; f = file_table_next(f)) {
        struct input_metrics *series = file_table_metrics(t, f);
        if (!series || f->place == FILE_PARTED)
            continue;
        t->metrics->files_watched++;
        series->files_unreadable += f->unreadable != 0;
        series->lag_bytes += file_lag_bytes(f);
        double lag = (double)file_lag_ms(f, now) / 1000;
        if (lag > series->lag_seconds)
            series->lag_seconds = lag;
        if (f->place == FILE_UNNAMED)
            t->metrics->deleted_held_bytes += f->size;
    }
    for (size_t i = 0; i < t->config->input_count; i++)
        t->series[i]->files_unreadable += t->unreadable_directories;
}
