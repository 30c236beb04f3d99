/* Looking for files: which directories and paths the next scan is to look at, and what it means that a file was not
 * found there.
 *
 * A file that is missing is looked for in its directory by its inode; only when two listings of it do not show it (a
 * file that is renamed while its directory is read may be in neither place) it has no name any more. */
#include "follow/file_search.h"

#include "follow/file_parting.h"
#include "follow/file_table_internal.h"
#include "follow/read_queue.h"

#include <stdlib.h>

enum {
    RETRY_MS = 10000, /* a directory that could not be listed is tried again */
    LISTINGS_TO_BE_SURE = 2,
    ASK_AGAIN_MS = 200,
};

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
        f->search_at = now + RETRY_MS; /* unless the listing says more */
    }
    *ret_directories = t->directories;
    return count;
}

size_t file_table_wanted_looks(struct file_table *t, const char *const **ret_paths)
{
    size_t count = 0;
    for (struct file *f = t->lists[LIST_ALL].first; f; f = f->links[LIST_ALL].next) {
        bool elsewhere = (f->place == FILE_UNSEEN && f->real_path) || (f->place == FILE_PRESENT && !f->matched);
        if (elsewhere && f->source.input != SIZE_MAX && texts_add(t, count, file_location(f)))
            count++;
    }
    *ret_paths = t->texts;
    return count;
}

void file_table_want_walk(struct file_table *t, size_t input, uint64_t after)
{
    if (after > t->walks[input].wanted_after)
        t->walks[input].wanted_after = after;
}

bool file_table_wants_walk(const struct file_table *t, size_t input)
{
    const struct walks *walks = &t->walks[input];
    return walks->wanted_after && walks->began <= walks->wanted_after;
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

/* ---- what a scan says ---- */

/* No name leads to it any more. A held descriptor still does; else what was read of it waits for its continuation. */
static void lose_name(struct file_table *t, struct file *f, uint64_t now)
{
    file_delist(f, LIST_SEARCHED);
    if (!file_is_begun(f) || f->reading.content.fd >= 0 || f->reading.in_job) {
        f->place = FILE_UNNAMED;
        f->moved = true;
        f->reading.unnamed_since = now;
        f->reading.drop = !file_is_begun(f);
        file_table_visit(t, f);
        return;
    }
    file_table_gone(t, f, LOSS_GONE, now);
}

/* Whether a file that may be its continuation is still to be looked at, or is (by its inode) still taken for another
 * one. */
static bool may_yet_be_continued(const struct file_table *t, const struct file *f, bool *ret_list_again)
{
    *ret_list_again = false;
    for (const struct file *g = t->lists[LIST_ALL].first; g; g = g->links[LIST_ALL].next) {
        bool waits = g->reading.in_job || file_is_in(g, LIST_CHANGED) || read_queue_has(g) || g->reading.held_by == f;
        bool is_doubtful = g->place == FILE_PRESENT && g->former && !g->unreadable;
        if ((is_doubtful || (waits && !file_is_begun(g))) &&
            slice_equal(file_directory(file_location(f)), file_directory(file_location(g)))) {
            *ret_list_again = is_doubtful;
            return true;
        }
    }
    return false;
}

/* Nothing continues it: what was not read of it is lost. It is said once, also if it is restored. */
static void end_search_of_parted(struct file_table *t, struct file *f, uint64_t now)
{
    bool list_again;
    f->search_at = now + ASK_AGAIN_MS;
    if (may_yet_be_continued(t, f, &list_again)) {
        f->listed_last = !list_again;
        return;
    }
    file_delist(f, LIST_SEARCHED);
    file_table_lost(t, f, f->loss, f->lost_if_not_continued);
    if (f->lost_if_not_continued)
        file_table_dirty(t, f);
    f->lost_if_not_continued = 0;
    if (f->gz)
        f->gz_end.size = f->most_size;
    else
        f->most_size = file_offset(f);
}

void file_table_end_searches(struct file_table *t, const struct scan *scan, uint64_t now)
{
    struct file *next;
    for (struct file *f = t->lists[LIST_SEARCHED].first; f; f = next) {
        next = f->links[LIST_SEARCHED].next;
        if (f->listed_last) {
            end_search_of_parted(t, f, now);
            continue;
        }
        bool was_listed = scan_has_listed(scan, file_directory(file_location(f)));
        f->search_blocked = !was_listed && scan_lies_below_unreadable(scan, file_location(f));
        if (!was_listed)
            continue;
        if (f->place == FILE_PARTED) {
            f->search_at = f->search_until;
            f->listed_last = now >= f->search_until;
            if (f->listed_last)
                end_search_of_parted(t, f, now);
        } else if (++f->misses < LISTINGS_TO_BE_SURE) {
            f->search_at = now;
        } else {
            lose_name(t, f, now);
        }
    }
}
