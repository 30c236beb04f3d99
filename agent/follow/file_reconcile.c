/* What a scan means for the files that are known.
 *
 * In this order: what was found gives files their place, size and name (see_file); a path that was looked at and names
 * something else now has lost its file, and so has what a walk should have met and did not (find_missing). Then
 * searches end where the scan has listed (file_search.c).
 *
 * Nothing is missing below a directory that could not be read. */
#include "follow/file_parting.h"
#include "follow/file_search.h"
#include "follow/file_table_internal.h"
#include "follow/predecessors.h"
#include "sandbox/sandbox.h"

#include <stdlib.h>
#include <unistd.h>

enum { RACY_NS = 2000000000 };

static struct file *find_by_inode(const struct file_table *t, uint64_t device, uint64_t inode)
{
    struct file *f = file_index_first(&t->index, INDEX_INODE, file_index_hash_inode(device, inode));
    for (; f; f = file_index_next(INDEX_INODE, f)) {
        if (f->device == device && f->inode == inode && f->place != FILE_PARTED)
            return f;
    }
    return NULL;
}

static struct file *find_by_location(const struct file_table *t, const char *path)
{
    struct file *f = file_index_first(&t->index, INDEX_LOCATION, file_index_hash_location(path));
    while (f && strcmp(file_location(f), path) != 0)
        f = file_index_next(INDEX_LOCATION, f);
    return f;
}

/* A file and the one that took its name have the same location until the first is found elsewhere. */
static struct file *find_next_there(const struct file *f)
{
    struct file *g = file_index_next(INDEX_LOCATION, f);
    while (g && strcmp(file_location(g), file_location(f)) != 0)
        g = file_index_next(INDEX_LOCATION, g);
    return g;
}

static bool is_seen(const struct file *f)
{
    return f->seen_in == f->table->round;
}

static const char *location_of(const struct found_file *found)
{
    return found->real_path ? found->real_path : found->path;
}

/* The same path and inode on another device: its number changed (contract 6.5); the tailer compares the content. */
static struct file *find_renumbered(struct file_table *t, const struct found_file *found)
{
    struct file *f = find_by_location(t, location_of(found));
    if (!f || f->inode != found->inode || is_seen(f) || f->reading.content.fd >= 0 || !file_is_begun(f))
        return NULL;
    file_index_take_out(&t->index, INDEX_INODE, f);
    f->device = found->device;
    file_index_put(&t->index, INDEX_INODE, f);
    file_table_dirty(t, f);
    f->reading.verified = false;
    return f;
}

/* ---- what was found ---- */

static void see_name(struct file_table *t, struct file *f, const struct found_file *found, bool was_present)
{
    const char *location = location_of(found);
    if (!found->matched && f->matched && was_present && strcmp(location, file_location(f)) == 0)
        return; /* a link's target: the name it was matched by is the link's, and is still there as far as is known */
    f->matched = found->matched;
    bool is_adopted = found->matched && !file_is_begun(f) && (f->candidate || f->source.input != found->input);
    if (is_adopted && !file_rename(f, found->path)) /* by this input: a link leads to it, too, or it was moved there */
        return;
    if (found->matched && !file_is_begun(f)) {
        f->source.input = found->input;
        f->candidate = false;
    }
    if (found->matched) /* its lines stay those of the input that began it, wherever it is moved */
        f->place_input = found->input == f->source.input ? SIZE_MAX : found->input;
    if (strcmp(location, file_location(f)) != 0) {
        if (!f->former && file_is_begun(f))
            file_set_former(f, strdup(file_location(f)));
        if (!file_relocate(f, strdup(location)))
            return;
        file_table_dirty(t, f);
        file_table_visit(t, f);
    }
    f->moved = strcmp(found->path, f->path) != 0;
}

static void see_size(struct file_table *t, struct file *f, const struct found_file *found, const struct scan *scan,
                     uint64_t now)
{
    bool changed = f->size != found->size || f->mtime_ns != found->mtime_ns || f->ctime_ns != found->ctime_ns;
    if (changed || f->racy || f->unreadable)
        file_table_visit(t, f);
    if (changed && f->reading.marks)
        f->reading.marks->changed_at = now;
    int64_t age = scan->wall_ms - found->mtime_ns / 1000000; /* what is there was written then, or earlier */
    lag_seen(&f->lag, found->size, (int64_t)now - (age > 0 ? age : 0));
    file_note_size(f, found->size, now);
    f->mtime_ns = found->mtime_ns;
    f->ctime_ns = found->ctime_ns;
    if (!f->born_ns)
        f->born_ns = found->born_ns;
    /* written again within one tick of the file system's clock it would look the same */
    f->racy = scan->wall_ms * 1000000 - found->ctime_ns < RACY_NS;
}

/* Whether the scan has been where the file was, and did not meet it there. */
static bool has_left_its_location(const struct file *f, const struct scan *scan)
{
    size_t input = file_place_input(f);
    bool walked = f->matched && input < scan->input_count && scan->walked[input] &&
                  !scan_lies_below_unreadable(scan, file_location(f));
    return f->nameless_in == f->table->round || walked || scan_has_listed(scan, file_directory(file_location(f)));
}

static void see_file(struct file_table *t, struct file *f, const struct found_file *found, const struct scan *scan,
                     uint64_t now)
{
    if (is_seen(f) && !(found->matched && !f->matched))
        return; /* a second name: the first one, or the one that matches, counts */
    bool was_present = f->place == FILE_PRESENT;
    f->seen_in = t->round;
    if (!was_present)
        file_table_visit(t, f);
    f->place = FILE_PRESENT;
    f->misses = 0;
    f->reading.unnamed_since = 0;
    file_delist(f, LIST_SEARCHED);
    bool is_second_name = was_present && strcmp(location_of(found), file_location(f)) != 0 &&
                          !has_left_its_location(f, scan); /* a hard link; or the next scan will say so */
    if (!is_second_name)
        see_name(t, f, found, was_present);
    see_size(t, f, found, scan, now);
    file_note_seen(f, scan->wall_ms);
}

static bool is_too_old(const struct file_table *t, const struct found_file *found, int64_t wall_ms)
{
    uint64_t limit = t->config->inputs[found->input].ignore_older_ms;
    return limit && wall_ms - found->mtime_ns / 1000000 > (int64_t)limit;
}

/* A content that parted, is looked for in this directory, and may be in a file of that size. */
static const struct file *one_it_may_continue(const struct file_table *t, const struct found_file *found)
{
    for (const struct file *f = t->lists[LIST_SEARCHED].first; f; f = f->links[LIST_SEARCHED].next) {
        bool may_hold_it = found->size >= file_offset(f) || file_is_named_gz(found->path);
        if (f->place == FILE_PARTED && may_hold_it && found->size > 0 &&
            slice_equal(file_directory(file_location(f)), file_directory(found->path)))
            return f;
    }
    return NULL;
}

static void start_at_end(struct file_table *t, struct file *f, uint64_t size)
{
    const struct input *input = &t->config->inputs[f->source.input];
    struct known_input *known = file_table_known_input(t, slice_from(input->name));
    if (input->start_at != START_AT_END || t->from_beginning || (known && known->walked))
        return;
    if (!known)
        known = file_table_add_input(t, slice_from(input->name));
    if (!known)
        return;
    f->reading.start_at_end = true;
    f->reading.found_size = size;
    known->waiting++;
}

static void see_new(struct file_table *t, const struct found_file *found, const struct scan *scan, uint64_t now)
{
    const struct file *continued = found->matched ? NULL : one_it_may_continue(t, found);
    if (found->matched ? is_too_old(t, found, scan->wall_ms) : !continued)
        return;
    struct file *f = file_add(t, slice_from(found->path), slice_from(found->real_path), found->device, found->inode);
    if (!f) {
        t->is_unsure = true;
        return;
    }
    if (found->matched) {
        f->source.input = found->input;
        start_at_end(t, f, found->size);
    } else {
        f->source.input = continued->source.input;
        f->candidate = true;
    }
    see_file(t, f, found, scan, now);
}

/* The inode was given to another file since the file that had it was deleted. (While that is open it cannot be.) */
static bool is_used_again(const struct file *f, const struct found_file *found)
{
    return f->born_ns && found->born_ns && f->born_ns != found->born_ns && f->reading.content.fd < 0 &&
           !f->reading.in_job;
}

/* It was taken for gone, as it was nowhere where it was looked for: it had been moved out of sight, or to another
 * directory that was not walked meanwhile. The tailer compares the content. */
static struct file *find_returned(struct file_table *t, const struct found_file *found)
{
    struct file *f = file_index_first(&t->index, INDEX_INODE, file_index_hash_inode(found->device, found->inode));
    for (; f; f = file_index_next(INDEX_INODE, f)) {
        bool is_gone = f->place == FILE_PARTED && f->loss != LOSS_TRUNCATED;
        bool may_be_it = f->gz || found->size >= file_offset(f);
        bool is_older = f->born_ns && found->born_ns && f->born_ns != found->born_ns;
        if (f->device == found->device && f->inode == found->inode && is_gone && may_be_it && !is_older)
            break;
    }
    if (f)
        file_table_return(f);
    return f;
}

static void see_regular(struct file_table *t, const struct found_file *found, const struct scan *scan, uint64_t now)
{
    struct file *f = find_by_inode(t, found->device, found->inode);
    if (f && is_used_again(f, found)) {
        if (file_is_begun(f))
            file_table_gone(t, f, LOSS_GONE, now);
        else
            file_table_drop(t, f);
        f = NULL;
    }
    if (!f)
        f = find_renumbered(t, found);
    if (!f)
        f = find_returned(t, found);
    if (f)
        see_file(t, f, found, scan, now);
    else
        see_new(t, found, scan, now);
}

static const char *kind_of(const struct found_file *found)
{
    if (found->kind == FOUND_FORBIDDEN)
        return "a link out of the allowed directories is not followed";
    return found->is_directory ? "a directory matches paths" : "not a regular file, is not opened";
}

/* What is no file to be read: said once. */
static void see_other(struct file_table *t, const struct found_file *found)
{
    struct file *f;
    switch (found->kind) {
    case FOUND_OTHER:
    case FOUND_FORBIDDEN:
        if (found->matched && file_reports_add(&t->reports, found->path, found->input))
            log_event(t->log, LOG_WARN, "", kind_of(found), LOG_TEXT("file", found->path), LOG_END);
        break;
    case FOUND_UNREADABLE:
        f = find_by_location(t, found->path);
        if (f) {
            f->seen_in = t->round;
            file_table_unreadable(t, f, found->error);
            break;
        }
        t->unreadable_directories++;
        if (file_reports_add(&t->reports, found->path, found->input))
            log_event(t->log, LOG_WARN, "", "cannot be looked at", LOG_TEXT("file", found->path),
                      LOG_TEXT("error", sandbox_strerror(found->path, found->error)), LOG_UINT("user", geteuid()),
                      LOG_TEXT("groups", t->groups), LOG_END);
        break;
    case FOUND_FILE:
    case FOUND_NOTHING:
    case FOUND_DIRECTORY:
        break;
    }
}

/* ---- what was not looked at ---- */

static int compare_paths(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* The directories that were known not to have changed, sorted. False: no memory. */
static bool known_directories(const struct scan *scan, const char ***ret_paths, size_t *ret_count)
{
    size_t count = 0;
    const char **paths = calloc(scan->count ? scan->count : 1, sizeof *paths);
    if (!paths)
        return false;
    for (size_t i = 0; i < scan->count; i++) {
        if (scan->found[i].kind == FOUND_DIRECTORY && scan->found[i].known)
            paths[count++] = scan->found[i].path;
    }
    qsort(paths, count, sizeof *paths, compare_paths);
    *ret_paths = paths;
    *ret_count = count;
    return true;
}

static bool is_one_of(struct slice directory, const char *const *sorted, size_t count)
{
    size_t first = 0;
    while (first < count) {
        size_t middle = first + (count - first) / 2;
        int order = slice_compare(directory, slice_from(sorted[middle]));
        if (order == 0)
            return true;
        if (order > 0)
            first = middle + 1;
        else
            count = middle;
    }
    return false;
}

/* A file in a directory that is as it was is as it was. One that could not be read is tried again. */
static void see_known(struct file_table *t, const struct scan *scan)
{
    const char **known;
    size_t count;
    struct slice last = {0};
    bool is_known = false;
    if (!scan->has_known || !known_directories(scan, &known, &count))
        return;
    for (struct file *f = t->lists[LIST_ALL].first; f; f = f->links[LIST_ALL].next) {
        if (is_seen(f) || f->place != FILE_PRESENT || !f->matched)
            continue;
        struct slice directory = file_directory(file_location(f));
        if (!slice_equal(directory, last)) {
            last = directory;
            is_known = is_one_of(directory, known, count);
        }
        if (!is_known)
            continue;
        f->seen_in = t->round;
        file_note_seen(f, scan->wall_ms);
        if (f->unreadable)
            file_table_visit(t, f);
    }
    free(known);
}

/* ---- what was not found ---- */

static bool should_have_been_met(const struct file *f, const struct scan *scan)
{
    size_t input = file_place_input(f);
    if (is_seen(f) || input >= scan->input_count || !scan->walked[input])
        return false;
    return f->place == FILE_UNSEEN || (f->place == FILE_PRESENT && f->matched);
}

static void find_missing(struct file_table *t, const struct scan *scan, uint64_t now)
{
    for (size_t i = 0; i < scan->count; i++) {
        const struct found_file *found = &scan->found[i];
        if (found->kind == FOUND_UNREADABLE || found->kind == FOUND_DIRECTORY)
            continue;
        struct file *f = find_by_location(t, location_of(found));
        for (; f; f = find_next_there(f)) {
            if (!is_seen(f) && f->place == FILE_PRESENT)
                file_table_missing(t, f, now);
        }
    }
    bool walked = false;
    for (size_t i = 0; i < scan->input_count; i++)
        walked |= scan->walked[i];
    for (struct file *f = t->lists[LIST_ALL].first; walked && f; f = f->links[LIST_ALL].next) {
        if (should_have_been_met(f, scan) && !scan_lies_below_unreadable(scan, file_location(f)))
            file_table_missing(t, f, now);
    }
}

/* ---- what is forgotten ---- */

static void forget_old(struct file_table *t, const struct scan *scan)
{
    struct file *next;
    for (struct file *f = t->lists[LIST_ALL].first; f; f = next) {
        next = f->links[LIST_ALL].next;
        bool absent = f->place == FILE_PARTED || (f->place == FILE_UNSEEN && f->source.input == SIZE_MAX);
        bool settled = !f->ledger || ledger_open_lines(f->ledger) == 0;
        if (absent && settled && !file_is_in(f, LIST_SEARCHED) && !f->reading.in_job && f->reading.content.fd < 0 &&
            scan->wall_ms - f->last_seen_ms > (int64_t)t->config->checkpoint_forget_after_ms)
            file_table_drop(t, f);
    }
}

/* What was at that path, and is another file than the one that was found there now, has left it. */
static void note_nameless(struct file_table *t, const struct found_file *found, const struct file *is_there)
{
    if (found->kind == FOUND_UNREADABLE || found->kind == FOUND_DIRECTORY)
        return;
    for (struct file *f = find_by_location(t, location_of(found)); f; f = find_next_there(f)) {
        if (f != is_there)
            f->nameless_in = t->round;
    }
}

/* Files that are where they were come first: another name of one of them is then known to be one. */
static void see_all(struct file_table *t, const struct scan *scan, uint64_t now)
{
    for (size_t i = 0; i < scan->count; i++) {
        const struct found_file *found = &scan->found[i];
        struct file *f = found->kind == FOUND_FILE ? find_by_inode(t, found->device, found->inode) : NULL;
        bool is_at_home = f && strcmp(location_of(found), file_location(f)) == 0;
        note_nameless(t, found, is_at_home ? f : NULL);
        if (found->kind != FOUND_FILE)
            see_other(t, found);
        else if (is_at_home)
            see_regular(t, found, scan, now);
    }
    for (size_t i = 0; i < scan->count; i++) {
        const struct found_file *found = &scan->found[i];
        struct file *f = found->kind == FOUND_FILE ? find_by_inode(t, found->device, found->inode) : NULL;
        if (found->kind == FOUND_FILE && (!f || !is_seen(f) || !f->matched))
            see_regular(t, found, scan, now);
    }
}

static void note_walked(struct file_table *t, const struct scan *scan)
{
    for (size_t i = 0; i < scan->input_count && i < t->config->input_count; i++) {
        if (!scan->walked[i])
            continue;
        struct slice name = slice_from(t->config->inputs[i].name);
        struct known_input *input = file_table_known_input(t, name);
        if (!input)
            input = file_table_add_input(t, name);
        if (input)
            input->walked = true;
        if (scan->began > t->walks[i].began)
            t->walks[i].began = scan->began;
    }
}

void file_table_reconcile(struct file_table *t, const struct scan *scan, uint64_t now)
{
    if (scan->failed)
        return;
    t->round++;
    bool walked_all = scan->input_count != 0;
    for (size_t i = 0; i < scan->input_count; i++)
        walked_all &= scan->walked[i];
    if (walked_all)
        t->unreadable_directories = 0;
    if (walked_all && !scan->has_known)
        t->is_unsure = false;
    see_all(t, scan, now);
    see_known(t, scan);
    find_missing(t, scan, now);
    file_table_end_searches(t, scan, now);
    note_walked(t, scan);
    predecessors_note_walk(t, t->config, scan, now);
    file_reports_end_round(&t->reports, scan->walked, scan->input_count);
    if (walked_all)
        forget_old(t, scan);
}

bool file_table_touch(struct file_table *t, const char *path)
{
    struct file *first = find_by_location(t, path);
    for (struct file *f = first; f; f = find_next_there(f))
        file_table_visit(t, f);
    return first != NULL;
}

void file_table_start_settled(struct file_table *t, struct file *f)
{
    if (!f->reading.start_at_end)
        return;
    f->reading.start_at_end = false;
    struct known_input *known = f->source.input < t->config->input_count
                                    ? file_table_known_input(t, slice_from(t->config->inputs[f->source.input].name))
                                    : NULL;
    if (known && known->waiting)
        known->waiting--;
}
