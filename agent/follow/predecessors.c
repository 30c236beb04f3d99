#include "follow/predecessors.h"

#include "follow/file_index.h"
#include "follow/file_list.h"
#include "follow/file_search.h"

#include <stdlib.h>

enum { LOOKED_FOR_MS = 30000 }; /* a file that is looked for holds up the others of its input for so long */

/* Nothing of it was taken yet. */
static bool is_fresh(const struct file *f)
{
    return file_offset(f) == f->skipped && !f->resume;
}

static bool is_of_one_directory(const struct file *f, const struct file *g)
{
    return slice_equal(file_directory(file_location(f)), file_directory(file_location(g)));
}

/* It will be read, or looked at, without anything happening to it. */
static bool has_work(const struct file *f)
{
    return f->reading.in_job || file_is_in(f, LIST_CHANGED) || read_queue_has(f) || f->reading.shorter_since;
}

/* NULL: no memory, it is asked again. */
static struct file_marks *marks_of(struct file *f, uint64_t now)
{
    struct file_reading *reading = &f->reading;
    if (!reading->marks && (reading->marks = calloc(1, sizeof *reading->marks)))
        reading->marks->begun_at = f->ledger ? now : 0; /* without one nothing of it was read in this run */
    return reading->marks;
}

/* Whether there is something in it that was there at that time and is not taken. It may grow faster than it is read. */
static bool has_more(struct file *f, uint64_t at, uint64_t now)
{
    struct file_marks *marks = f->reading.marks;
    if (f->gz)
        return f->gz_end.size != f->size;
    if (marks->noted_at < at) {
        marks->noted_at = now;
        marks->noted_size = f->size;
    }
    uint64_t from = file_offset(f) > f->reading.searched_to ? file_offset(f) : f->reading.searched_to;
    return from < marks->noted_size && from < f->reading.limit;
}

/* A file that has its place. What is there counts as what was known there once it was found to be that, later than it
 * was seen to change. */
static bool is_to_be_read(struct read_queue *q, const struct file *f, struct file *g, uint64_t now)
{
    if (g->unreadable || g->reading.held_by || !has_work(g))
        return false;
    struct file_marks *marks = marks_of(g, now);
    if (g->candidate || !marks)
        return true; /* what it continues may go on in it */
    uint64_t at = f->reading.marks->walked_at, found_at = at > marks->changed_at ? at : marks->changed_at;
    if (file_is_begun(g) && (g->former || marks->checked_at <= found_at)) {
        q->check_wanted |= marks->check_after < found_at;
        if (marks->check_after < found_at)
            marks->check_after = found_at;
        return true;
    }
    return has_more(g, at, now) && (!is_fresh(g) || read_queue_comes_before(q, g, f));
}

/* The agent stops, and what comes next in it is not read any more. */
static bool is_cut_off(const struct read_queue *q, const struct file *f, const struct file *g)
{
    return q->finishing && g != f && g->source.input == f->source.input && is_of_one_directory(f, g) &&
           g->reading.limit < g->size && file_offset(g) < g->size && !g->unreadable && !g->candidate &&
           (!is_fresh(g) || read_queue_comes_before(q, g, f));
}

/* What is found of it may have more. Of what was cut or is gone a copy was made before, so where all that is known of
 * it was read one look around is enough. */
static bool is_looked_for(const struct file *f)
{
    if (f->place != FILE_PARTED)
        return !f->unreadable;
    bool looked_around = f->search_at == f->search_until || f->listed_last;
    return file_is_in(f, LIST_SEARCHED) && !f->search_blocked && (f->lost_if_not_continued || !looked_around);
}

static bool comes_first(struct read_queue *q, const struct file *f, struct file *g, uint64_t started, uint64_t now)
{
    if (g == f || g->source.input != f->source.input)
        return false;
    uint64_t begun_at = f->reading.marks->begun_at;
    bool left = g->place == FILE_PARTED || g->place == FILE_UNSEEN
                    ? is_looked_for(g) && now < (begun_at > started ? begun_at : started) + LOOKED_FOR_MS
                    : is_to_be_read(q, f, g, now);
    return left && is_of_one_directory(f, g);
}

/* What one waits for, most others wait for, too. */
static bool is_left(struct read_queue *q, struct file *f, uint64_t started, uint64_t now)
{
    if (q->awaited && comes_first(q, f, q->awaited, started, now))
        return true;
    for (struct file *g = file_table_first(q->table); g; g = file_table_next(g)) {
        if (comes_first(q, f, g, started, now)) {
            q->awaited = g;
            return true;
        }
        if (is_cut_off(q, f, g))
            f->reading.limit = file_offset(f); /* so nothing of this one either */
    }
    return false;
}

bool predecessors_are_left(struct read_queue *q, struct file *f, uint64_t started, uint64_t now)
{
    size_t input = f->source.input;
    if (f->reading.had_turn || !q->config->inputs[input].merges || !file_is_begun(f) || !is_fresh(f))
        return false;
    struct file_marks *marks = marks_of(f, now);
    if (!marks)
        return true;
    if (!marks->walked_at && !q->once) {
        file_table_want_walk(q->table, input, marks->begun_at);
        return true;
    }
    if (!marks->walked_at)
        marks->walked_at = now;
    f->reading.had_turn = !is_left(q, f, started, now);
    return !f->reading.had_turn;
}

void predecessors_note_begun(struct file *f, uint64_t began, uint64_t now)
{
    struct file_marks *marks = marks_of(f, now);
    if (marks)
        *marks = (struct file_marks){.begun_at = now, .checked_at = began};
}

void predecessors_note_walk(struct file_table *t, const struct config *config, const struct scan *scan, uint64_t now)
{
    bool any = false;
    for (size_t i = 0; i < scan->input_count && i < config->input_count; i++)
        any |= scan->walked[i] && config->inputs[i].merges;
    for (struct file *f = file_table_first(t); any && f; f = file_table_next(f)) {
        size_t input = f->source.input;
        bool waits = input < scan->input_count && input < config->input_count && scan->walked[input] &&
                     config->inputs[input].merges && !f->reading.had_turn && file_is_begun(f) && is_fresh(f);
        struct file_marks *marks = waits ? marks_of(f, now) : NULL;
        if (marks && !marks->walked_at && marks->begun_at < scan->began)
            marks->walked_at = now;
    }
}

bool predecessors_want_check(const struct file *f)
{
    const struct file_marks *marks = f->reading.marks;
    return f->former || (marks && marks->check_after && marks->checked_at <= marks->check_after);
}
