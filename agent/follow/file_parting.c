/* A content that leaves its place, and the file that continues it. */
#include "follow/file_parting.h"

#include "follow/file_table_internal.h"

#include <assert.h>
#include <stdlib.h>

enum { SEARCH_FOR_MS = 5000 }; /* a content that parted is looked for at once, and again then */

/* ---- what there is of it ---- */

/* Of a gzip file it is not known how much is in it before all is read: its own bytes count until then. */
uint64_t file_unread_bytes(const struct file *f, uint64_t size, uint64_t offset)
{
    if (f->gz)
        return (f->gz_end.size == size ? 0 : size) + file_offset(f) - offset;
    return size > offset ? size - offset : 0;
}

/* What was known of the content that parts. One that was cut or rewritten may have been so for a while already. */
static uint64_t size_at_stake(const struct file *f, enum loss why)
{
    const struct file_growth *growth = &f->growth;
    uint64_t size = f->most_size;
    if (growth->cut || f->former)
        return size;
    if (growth->size > size && why != LOSS_TRUNCATED)
        size = growth->size;
    return f->size > size && why != LOSS_TRUNCATED ? f->size : size;
}

static void raise_most_size(struct file *f, uint64_t size)
{
    if (size <= f->most_size)
        return;
    f->most_size = size;
    file_table_dirty(f->table, f); /* should it be gone at the next start, it is known what is lost */
}

static void note_growth(struct file *f, uint64_t size, bool cut)
{
    struct file_growth *growth = &f->growth;
    if (growth->cut || f->former) /* under another name it may never have been this file */
        return;
    growth->size = !cut && size > f->most_size ? size : 0;
    growth->cut = cut;
}

void file_note_size(struct file *f, uint64_t size, uint64_t now)
{
    lag_seen(&f->lag, size, (int64_t)now);
    if (size > f->size || f->reading.grown_at == 0) {
        f->reading.grown_at = now;
        f->reading.last_line_tried = false;
    }
    bool cut = size < f->size;
    if (cut && f->reading.marks)
        f->reading.marks->noted_at = 0;
    f->size = size;
    if (file_is_begun(f))
        note_growth(f, size, cut);
}

void file_note_verified(struct file *f)
{
    f->reading.verified = true;
    if (f->former && !slice_equal(file_directory(f->former), file_directory(file_location(f))))
        file_release_held(f); /* what is in that directory does not continue it any more */
    file_set_former(f, NULL);
    f->growth = (struct file_growth){0};
    raise_most_size(f, f->size);
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

/* ---- it parts ---- */

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
    file_release_held(f);
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

static void part(struct file *f, enum loss why, uint64_t now)
{
    assert(file_is_begun(f) && f->place != FILE_PARTED);
    f->loss = why;
    f->most_size = size_at_stake(f, why);
    f->growth = (struct file_growth){0};
    f->lost_if_not_continued = file_unread_bytes(f, f->most_size, file_offset(f));
    char *home = f->former ? strdup(f->former) : NULL;
    file_set_former(f, NULL);
    file_relocate(f, home); /* where its content was for certain, and what continues it is */
    take_place_away(f, now);
}

bool file_table_part(struct file_table *t, struct file *f, uint64_t now, struct file **ret_successor)
{
    /* Under another name it may never have been this file (its inode was used again): the next scan says what it is. */
    bool left_its_name = f->place == FILE_PRESENT && f->moved;
    *ret_successor = left_its_name ? NULL : add_successor(t, f);
    t->is_unsure |= left_its_name;
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

void file_table_return(struct file *f)
{
    assert(f->place == FILE_PARTED);
    f->place = FILE_UNSEEN;
    f->reading.verified = f->listed_last = false;
    f->lost_if_not_continued = 0;
    file_delist(f, LIST_SEARCHED);
    file_index_put(&f->table->index, INDEX_LOCATION, f);
    file_table_dirty(f->table, f);
}

/* ---- it is continued ---- */

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
    if (parted->reading.marks)
        parted->reading.marks->noted_at = 0;
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
            slice_equal(file_directory(file_home(g)), directory))
            return g;
    }
    return NULL;
}
