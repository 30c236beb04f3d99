/* The known files: their lists and indexes, what a file can become, and what is saved of it. What a scan means for
 * them is file_reconcile.c. */
#include "follow/file_table_internal.h"

#include "limits.h"
#include "sandbox/sandbox.h"

#include <assert.h>
#include <grp.h>
#include <stdlib.h>
#include <unistd.h>

enum {
    SEARCH_FOR_MS = 5000,    /* a content that parted is looked for at once, and again then */
    SEARCH_RETRY_MS = 10000, /* a directory that could not be listed is tried again */
    GROWTH_IS_OWN_AFTER_MS = 1000,
    SEEN_WRITTEN_EVERY_MS = 24 * 3600 * 1000,
};

/* ---- lists ---- */

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
    free(t->texts);
    free(t);
}

bool file_table_configure(struct file_table *t, const struct config *config, const struct scan_rules *rules)
{
    struct input_metrics **series = calloc(config->input_count + 1, sizeof(struct input_metrics *));
    for (size_t i = 0; series && i < config->input_count; i++) {
        series[i] = metrics_input(t->metrics, config->inputs[i].name);
        if (!series[i]) {
            free(series);
            return false;
        }
    }
    if (!series)
        return false;
    free(t->series);
    t->series = series;
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

/* What waits to know about `f` need wait no longer. */
static void release_held(struct file *f)
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
    file_table_start_settled(t, f);
    if (f->reading.held_by)
        f->reading.held_by->holds--;
    f->reading.held_by = NULL;
    release_held(f);
    if (file_is_begun(f))
        forget_key(t, f->key);
    for (int kind = 0; kind < INDEX_COUNT; kind++)
        file_index_take_out(&t->index, (enum file_index_kind)kind, f);
    for (int kind = 0; kind < LIST_COUNT; kind++)
        file_delist(f, (enum file_list_kind)kind);
    file_free(f);
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

static void take_place_away(struct file *f, uint64_t now)
{
    struct file_table *t = f->table;
    f->place = FILE_PARTED;
    file_index_take_out(&t->index, INDEX_LOCATION, f);
    file_delist(f, LIST_CHANGED);
    file_delist(f, LIST_QUEUED);
    file_delist(f, LIST_ORDERED);
    file_delist(f, LIST_CHECKED);
    file_delist(f, LIST_TIMED);
    f->reading.wake_at = f->reading.shorter_since = f->reading.unnamed_since = 0;
    f->search_at = now;
    f->search_until = now + SEARCH_FOR_MS;
    f->listed_last = false;
    f->misses = 0;
    file_enlist(f, LIST_SEARCHED);
    file_table_dirty(t, f);
    release_held(f);
}

/* What is in its place now. */
static struct file *add_successor(struct file_table *t, struct file *f)
{
    struct file *successor =
        file_add(t, slice_from(f->path), slice_from(f->real_path), f->device, f->inode); /* the next generation */
    if (!successor)
        return NULL;
    successor->source.input = f->source.input;
    successor->place_input = f->place_input;
    successor->place = f->place;
    successor->matched = f->matched;
    successor->moved = f->moved;
    successor->size = f->size;
    successor->mtime_ns = f->mtime_ns;
    successor->ctime_ns = f->ctime_ns;
    successor->last_seen_ms = f->last_seen_ms;
    successor->born_ns = f->born_ns;
    successor->seen_in = f->seen_in;
    successor->reading.unnamed_since = f->reading.unnamed_since;
    successor->racy = true;
    file_table_visit(t, successor);
    return successor;
}

/* Of a gzip file it is not known how much is in it before all is read: its own bytes count until then. */
static uint64_t unread_bytes(const struct file *f, uint64_t size, uint64_t offset)
{
    if (f->gz)
        return (f->gz_end.size == size ? 0 : size) + file_offset(f) - offset;
    return size > offset ? size - offset : 0;
}

/* What was known of the content that parts. One that was cut or rewritten may have been so for a moment already. */
static uint64_t size_at_stake(const struct file *f, enum loss why, uint64_t now)
{
    const struct file_growth *growth = &f->growth;
    uint64_t size = f->most_size;
    if (growth->cut || f->former)
        return size;
    if (growth->size > size && (why != LOSS_TRUNCATED || now >= growth->seen_at + GROWTH_IS_OWN_AFTER_MS))
        size = growth->size;
    return f->size > size && why != LOSS_TRUNCATED ? f->size : size;
}

static void part(struct file *f, enum loss why, uint64_t now)
{
    assert(file_is_begun(f) && f->place != FILE_PARTED);
    f->loss = why;
    f->most_size = size_at_stake(f, why, now);
    f->growth = (struct file_growth){0};
    f->lost_if_not_continued = unread_bytes(f, f->most_size, file_offset(f));
    if (f->former) /* where its content was for certain, and what continues it is */
        file_relocate(f, f->former);
    f->former = NULL;
    take_place_away(f, now);
}

bool file_table_part(struct file_table *t, struct file *f, uint64_t now, struct file **ret_successor)
{
    /* Under another name it may never have been this file (its inode was used again): the next scan says what it is. */
    bool left_its_name = f->place == FILE_PRESENT && f->moved;
    *ret_successor = left_its_name ? NULL : add_successor(t, f);
    if (!*ret_successor && !left_its_name)
        return false;
    part(f, LOSS_TRUNCATED, now);
    return true;
}

void file_table_gone(struct file_table *t, struct file *f, enum loss why, uint64_t now)
{
    (void)t;
    part(f, why, now);
}

static void raise_most_size(struct file *f, uint64_t size)
{
    if (size <= f->most_size)
        return;
    f->most_size = size;
    file_table_dirty(f->table, f); /* should it be gone at the next start, it is known what is lost */
}

void file_note_verified(struct file *f)
{
    f->reading.verified = true;
    free(f->former);
    f->former = NULL;
    f->growth = (struct file_growth){0};
    raise_most_size(f, f->size);
}

void file_table_continue(struct file_table *t, struct file *parted, struct file *f)
{
    assert(parted->place == FILE_PARTED && !file_is_begun(f));
    for (int kind = 0; kind < INDEX_COUNT; kind++) /* while its location is still its own */
        file_index_take_out(&t->index, (enum file_index_kind)kind, f);
    char *location = f->real_path ? f->real_path : f->path;
    if (location == f->path)
        f->path = NULL;
    f->real_path = NULL;
    file_index_take_out(&t->index, INDEX_INODE, parted);
    parted->device = f->device;
    parted->inode = f->inode;
    parted->place = f->place;
    parted->place_input = f->source.input == parted->source.input ? f->place_input : f->source.input;
    file_relocate(parted, location);
    file_index_put(&t->index, INDEX_INODE, parted);
    parted->matched = f->matched;
    parted->moved = parted->real_path != NULL;
    parted->size = f->size;
    parted->most_size = f->gz || f->size > parted->most_size ? f->size : parted->most_size;
    parted->mtime_ns = f->mtime_ns;
    parted->ctime_ns = f->ctime_ns;
    parted->born_ns = f->born_ns;
    parted->last_seen_ms = f->last_seen_ms;
    parted->reading.unnamed_since = f->reading.unnamed_since;
    parted->gz = f->gz;
    parted->gz_end = (struct gz_mark){0};
    parted->seen_in = f->seen_in;
    parted->lost_if_not_continued = 0;
    file_note_verified(parted);
    parted->reading.searched_to = 0;
    parted->listed_last = false;
    file_delist(parted, LIST_SEARCHED);
    file_table_drop(t, f);
    file_table_dirty(t, parted);
    file_table_visit(t, parted);
}

struct file *file_table_next_suspect(struct file_table *t, const struct file *f, uint64_t first_line,
                                     const struct file *after)
{
    struct slice directory = file_directory(file_location(f));
    struct file *g = after
                         ? file_index_next(INDEX_LINE, after)
                         : file_index_first(&t->index, INDEX_LINE, file_index_hash_line(file_location(f), first_line));
    for (; g; g = file_index_next(INDEX_LINE, g)) {
        if (g != f && file_is_begun(g) && g->first_line == first_line && (file_offset(g) || g->head.len) &&
            slice_equal(file_directory(file_location(g)), directory))
            return g;
    }
    return NULL;
}

void file_table_missing(struct file_table *t, struct file *f, uint64_t now)
{
    (void)t;
    if (f->place == FILE_PRESENT)
        f->place = FILE_UNSEEN;
    if (file_is_in(f, LIST_SEARCHED))
        return;
    f->misses = 0;
    f->search_at = now;
    file_enlist(f, LIST_SEARCHED);
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

void file_table_lost(struct file_table *t, const struct file *f, enum loss why, uint64_t bytes)
{
    struct input_metrics *series = file_table_metrics(t, f);
    if (!bytes)
        return;
    if (series)
        series->bytes_lost[why] += bytes;
    log_event(t->log, LOG_ERROR, "", "unread bytes of a file are lost", LOG_TEXT("file", f->path),
              LOG_UINT("offset", file_offset(f)), LOG_UINT("bytes", bytes), LOG_TEXT("reason", loss_names[why]),
              LOG_END);
}

/* ---- looking for files ---- */

static bool texts_add(struct file_table *t, size_t count, const char *text)
{
    if (count == t->texts_cap) {
        size_t cap = t->texts_cap ? 2 * t->texts_cap : 64;
        const char **grown = realloc(t->texts, cap * sizeof *grown);
        if (!grown)
            return false;
        t->texts = grown;
        t->texts_cap = cap;
    }
    t->texts[count] = text;
    return true;
}

/* The directories stand in the table's buffer, zero-terminated. */
size_t file_table_wanted_lists(struct file_table *t, uint64_t now, const char *const **ret_directories)
{
    size_t count = 0, used = 0;
    for (struct file *f = t->lists[LIST_SEARCHED].first; f; f = f->links[LIST_SEARCHED].next) {
        if (f->search_at > now || f->listed_last || count >= sizeof t->directories / sizeof *t->directories)
            continue;
        struct slice directory = file_directory(file_location(f));
        bool known = false;
        for (size_t i = 0; i < count && !known; i++)
            known = slice_is(directory, t->directories[i]);
        if (!known && used + directory.len + 1 > sizeof t->directory_text)
            continue; /* with the next scan */
        if (!known) {
            memcpy(t->directory_text + used, directory.text, directory.len);
            t->directory_text[used + directory.len] = '\0';
            t->directories[count++] = t->directory_text + used;
            used += directory.len + 1;
        }
        f->search_at = now + SEARCH_RETRY_MS; /* unless the listing says more */
    }
    *ret_directories = t->directories;
    return count;
}

size_t file_table_wanted_looks(struct file_table *t, const char *const **ret_paths)
{
    size_t count = 0;
    for (struct file *f = t->lists[LIST_ALL].first; f; f = f->links[LIST_ALL].next) {
        bool elsewhere = f->place == FILE_UNSEEN || (f->place == FILE_PRESENT && !f->matched);
        if (elsewhere && f->source.input != SIZE_MAX && texts_add(t, count, file_location(f)))
            count++;
    }
    *ret_paths = t->texts;
    return count;
}

uint64_t file_table_deadline(const struct file_table *t)
{
    uint64_t at = UINT64_MAX;
    for (const struct file *f = t->lists[LIST_SEARCHED].first; f; f = f->links[LIST_SEARCHED].next) {
        if (f->search_at < at)
            at = f->search_at;
    }
    return at;
}

bool file_table_is_searching(const struct file_table *t)
{
    for (const struct file *f = t->lists[LIST_SEARCHED].first; f; f = f->links[LIST_SEARCHED].next) {
        if (!f->search_blocked)
            return true;
    }
    return false;
}

/* ---- the checkpoint ---- */

/* One that cannot be read is as none: then all behind the offset is new, and nothing is lost. */
static void restore_open(struct file_table *t, struct file *f, struct slice open)
{
    f->resume = open.len ? resume_read(open) : NULL;
    f->source.resume = f->resume;
    f->rules = f->resume ? f->resume->rules : 0;
    for (size_t i = 0; f->resume && i < f->resume->part_count; i++)
        if (f->resume->parts[i].number >= t->next_part)
            t->next_part = f->resume->parts[i].number + 1;
}

uint64_t file_table_next_part(const struct file_table *t)
{
    return t->next_part;
}

void file_note_taken(struct file *f, const struct config *config, bool merging)
{
    uint64_t rules = resume_hash(config->sha256);
    const struct resume *r = f->resume;
    if (!merging && !r)
        f->rules = rules;
    else if (f->rules != rules)
        f->rules = 0;
    if (r && file_offset(f) >= r->taken + (r->ahead[0] > r->ahead[1] ? r->ahead[0] : r->ahead[1])) {
        resume_free(f->resume);
        f->resume = NULL;
        f->source.resume = NULL;
    }
    if (ledger_has_parts(f->ledger))
        file_table_dirty(f->table, f);
}

bool file_table_restore(struct file_table *t, const struct checkpoint_entry *e)
{
    struct file *f = file_add(t, e->path, e->real_path, e->device, e->inode);
    if (!f)
        return false;
    f->key = e->key;
    if (e->key >= t->next_key)
        t->next_key = e->key + 1;
    f->generation = e->generation;
    memcpy(f->source.id.bytes, e->id, sizeof e->id);
    f->source.at = (struct position){
        .content = {.h = e->content_h, .pending = e->content_pending, .len = e->offset},
        .tail = e->tail,
        .lanes = {.ahead = {(uint32_t)e->stdout_ahead, (uint32_t)e->stderr_ahead},
                  .skip = {(uint32_t)e->stdout_skip, (uint32_t)e->stderr_skip}},
    };
    f->source.skipping = e->skipping;
    restore_open(t, f, e->open);
    f->gz = e->gz;
    f->gz_end = (struct gz_mark){e->gz_end, e->gz_tail};
    f->source.input = scan_rules_input_of(t->rules, e->path);
    f->head = (struct file_head){.len = e->head_len, .hash = e->head};
    f->skipped = e->skipped;
    f->most_size = e->size;
    f->born_ns = e->born_ns;
    f->last_seen_ms = f->saved_seen_ms = e->last_seen_ms;
    f->registered = f->restored = true;
    f->moved = e->real_path.len != 0;
    f->place = e->gone ? FILE_PARTED : FILE_UNSEEN;
    file_index_by_line(f, e->first_line);
    if (e->gone) {
        file_index_take_out(&t->index, INDEX_LOCATION, f);
        f->search_at = f->search_until = 1;
        f->loss = LOSS_GONE;
        f->lost_if_not_continued = unread_bytes(f, f->most_size, file_offset(f));
        if (f->source.input != SIZE_MAX)
            file_enlist(f, LIST_SEARCHED);
    }
    return true;
}

struct known_input *file_table_known_input(struct file_table *t, struct slice name)
{
    for (size_t i = 0; i < t->known_input_count; i++) {
        if (slice_is(name, t->known_inputs[i].name))
            return &t->known_inputs[i];
    }
    return NULL;
}

struct known_input *file_table_add_input(struct file_table *t, struct slice name)
{
    struct known_input *grown = realloc(t->known_inputs, (t->known_input_count + 1) * sizeof *grown);
    char *copy = grown ? strndup(name.text, name.len) : NULL;
    if (grown)
        t->known_inputs = grown;
    if (!copy)
        return NULL;
    struct known_input *added = &t->known_inputs[t->known_input_count++];
    *added = (struct known_input){.name = copy};
    return added;
}

bool file_table_restore_input(struct file_table *t, struct slice name)
{
    struct known_input *input = file_table_known_input(t, name);
    if (!input)
        input = file_table_add_input(t, name);
    if (input)
        input->walked = input->saved = true;
    return input != NULL;
}

void file_table_read_from_beginning(struct file_table *t)
{
    t->from_beginning = true;
}

static void note_growth(struct file *f, uint64_t size, bool cut, uint64_t now)
{
    struct file_growth *growth = &f->growth;
    if (growth->cut || f->former) /* under another name it may never have been this file */
        return;
    if (growth->size && (cut || now >= growth->seen_at + GROWTH_IS_OWN_AFTER_MS)) {
        raise_most_size(f, growth->size);
        growth->size = 0;
    }
    growth->cut = cut;
    if (!cut && !growth->size && size > f->most_size)
        *growth = (struct file_growth){.size = size, .seen_at = now};
}

void file_note_size(struct file *f, uint64_t size, uint64_t now)
{
    lag_seen(&f->lag, size, (int64_t)now);
    if (size > f->size || f->reading.grown_at == 0) {
        f->reading.grown_at = now;
        f->reading.last_line_tried = false;
    }
    bool cut = size < f->size;
    f->size = size;
    if (file_is_begun(f))
        note_growth(f, size, cut, now);
}

const struct position *file_committed(const struct file *f)
{
    return f->ledger ? ledger_committed(f->ledger) : &f->source.at;
}

static bool has_line(const struct resume *r, size_t count, uint64_t offset)
{
    for (size_t i = 0; i < count; i++)
        if (r->lines[i].offset == offset)
            return true;
    return false;
}

/* What an earlier run left, and this one has not come to. Few lines stand at or behind what was taken, and were taken:
 * those of another stream. */
static bool add_not_taken(const struct file *f, struct resume *r)
{
    const struct resume *left = f->resume;
    uint64_t taken = r->taken;
    size_t count = r->line_count;
    r->taken = left->taken;
    memcpy(r->ahead, left->ahead, sizeof r->ahead);
    for (size_t i = 0; i < left->line_count; i++) {
        const struct resume_line *line = &left->lines[i];
        if (line->offset < taken || has_line(r, count, line->offset))
            continue;
        if (!resume_add_line(r, line->offset, line->calls))
            return false;
        for (size_t p = line->first_part; p < line->first_part + line->part_count; p++)
            if (!resume_add_part(r, &left->parts[p]))
                return false;
    }
    return true;
}

/* False: no memory. Nothing where lines are settled in their order. */
static bool write_open(const struct file *f, struct buffer *out)
{
    struct ledger *l = f->ledger;
    if (!f->resume && !(l && ledger_has_parts(l)))
        return true;
    if (!l) {
        resume_write(f->resume, out);
        return !out->failed;
    }
    struct resume *r = resume_new();
    bool ok = r && ledger_write_resume(l, r) && (!f->resume || add_not_taken(f, r));
    if (ok) {
        resume_sort(r);
        r->rules = f->rules;
        resume_write(r, out);
    }
    resume_free(r);
    return ok && !out->failed;
}

static bool write_entry(const struct file *f, struct buffer *out)
{
    struct buffer open;
    buffer_init(&open, LIMIT_CHECKPOINT_RECORD);
    const struct position *at = file_committed(f);
    const char *certain = f->former ? f->former : f->real_path; /* its inode may have been used again */
    struct journal_record record = {
        .kind = JOURNAL_FILE,
        .entry =
            {
                .key = f->key,
                .path = slice_from(f->path),
                .real_path = slice_from(certain && strcmp(certain, f->path) != 0 ? certain : NULL),
                .device = f->device,
                .inode = f->inode,
                .generation = f->generation,
                .offset = position_offset(at),
                .content_h = at->content.h,
                .content_pending = at->content.pending,
                .tail = at->tail,
                .head_len = f->head.len,
                .head = f->head.hash,
                .first_line = f->first_line,
                .skipped = f->skipped,
                .size = f->most_size,
                .last_seen_ms = f->last_seen_ms,
                .born_ns = f->born_ns,
                .stdout_ahead = at->lanes.ahead[0],
                .stderr_ahead = at->lanes.ahead[1],
                .stdout_skip = at->lanes.skip[0],
                .stderr_skip = at->lanes.skip[1],
                .skipping = f->source.skipping && position_offset(at) == file_offset(f),
                .gz = f->gz,
                .gone = f->place == FILE_PARTED,
            },
    };
    if (position_is(at, &f->source.at)) { /* all that was read of it is settled */
        record.entry.gz_end = f->gz_end.size;
        record.entry.gz_tail = f->gz_end.tail;
    }
    memcpy(record.entry.id, f->source.id.bytes, sizeof record.entry.id);
    bool ok = write_open(f, &open);
    record.entry.open = buffer_slice(&open);
    journal_write(out, &record);
    buffer_release(&open);
    return ok;
}

/* Files whose records were joined must be on disk together; a fold is so anyway. */
static void write_together(const struct file_table *t, struct buffer *out)
{
    uint64_t count = 0;
    bool merged = false;
    for (const struct file *f = t->lists[LIST_DIRTY].first; f; f = f->links[LIST_DIRTY].next) {
        count += file_is_begun(f);
        merged |= f->resume || (f->ledger && ledger_had_parts(f->ledger));
    }
    if (merged && count > 1)
        journal_write(out, &(struct journal_record){.kind = JOURNAL_TOGETHER, .together = count});
}

static void write_others(struct file_table *t, bool all, struct buffer *out)
{
    for (size_t i = 0; i < t->known_input_count; i++) {
        struct known_input *input = &t->known_inputs[i];
        if (!input->walked || input->waiting || (input->saved && !all))
            continue;
        journal_write(out, &(struct journal_record){.kind = JOURNAL_INPUT, .input = slice_from(input->name)});
        input->saved = true;
    }
    for (size_t i = 0; i < t->forgotten_count && !all; i++)
        journal_write(out, &(struct journal_record){.kind = JOURNAL_FORGET, .entry = {.key = t->forgotten[i]}});
}

bool file_table_has_unsaved(const struct file_table *t)
{
    bool inputs = false;
    for (size_t i = 0; i < t->known_input_count; i++)
        inputs |= t->known_inputs[i].walked && !t->known_inputs[i].waiting && !t->known_inputs[i].saved;
    return t->lists[LIST_DIRTY].first || t->forgotten_count || inputs;
}

bool file_table_is_save_urgent(const struct file_table *t)
{
    return t->begun_unsaved;
}

bool file_table_save(struct file_table *t, bool all, struct buffer *out)
{
    assert(!t->lists[LIST_SAVING].first);
    t->begun_unsaved = false;
    struct file *next;
    bool ok = true;
    if (!all)
        write_together(t, out);
    for (struct file *f = t->lists[all ? LIST_ALL : LIST_DIRTY].first; f; f = next) {
        next = f->links[all ? LIST_ALL : LIST_DIRTY].next;
        if (!file_is_begun(f))
            continue;
        ok = write_entry(f, out) && ok;
        f->saved_seen_ms = f->last_seen_ms;
        file_delist(f, LIST_DIRTY);
        file_enlist(f, LIST_SAVING);
    }
    write_others(t, all, out);
    if (out->failed || !ok) {
        file_table_saved(t, false);
        return false;
    }
    t->forgotten_count = 0;
    return true;
}

/* Nothing of it waits, and where it ends is on disk: it is made again with the next line. */
static void drop_ledger_at_rest(struct file *f)
{
    if (!f->ledger || ledger_open_lines(f->ledger) || !position_is(ledger_committed(f->ledger), &f->source.at))
        return;
    ledger_disown(f->ledger);
    f->ledger = NULL;
}

/* After a save that failed the next one is a fold, so what was forgotten need not be said again. */
void file_table_saved(struct file_table *t, bool ok)
{
    struct file *f;
    while ((f = t->lists[LIST_SAVING].first)) {
        file_delist(f, LIST_SAVING);
        f->registered |= ok;
        if (f->ledger)
            ledger_set_registered(f->ledger); /* a checkpoint that cannot be written pauses nothing (contract 6.4) */
        if (ok)
            drop_ledger_at_rest(f);
        else
            file_enlist(f, LIST_DIRTY);
    }
    for (size_t i = 0; !ok && i < t->known_input_count; i++)
        t->known_inputs[i].saved = false;
}

void file_note_seen(struct file *f, int64_t wall_ms)
{
    f->last_seen_ms = wall_ms;
    if (wall_ms - f->saved_seen_ms > SEEN_WRITTEN_EVERY_MS)
        file_table_dirty(f->table, f);
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
    return f->place != FILE_PARTED ? unread_bytes(f, f->size, committed) : 0;
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
