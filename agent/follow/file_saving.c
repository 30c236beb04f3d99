/* What is saved of the files, and taken over from what was saved. */
#include "follow/file_saving.h"

#include "follow/file_table_internal.h"
#include "limits.h"

#include <assert.h>
#include <stdlib.h>

enum { SEEN_WRITTEN_EVERY_MS = 24 * 3600 * 1000 };

/* ---- at start ---- */

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
    f->registered = true;
    f->moved = e->real_path.len != 0;
    f->place = e->gone ? FILE_PARTED : FILE_UNSEEN;
    file_index_by_line(f, e->first_line);
    if (e->gone) {
        file_index_take_out(&t->index, INDEX_LOCATION, f);
        f->search_at = f->search_until = 1;
        f->loss = LOSS_GONE;
        f->lost_if_not_continued = file_unread_bytes(f, f->most_size, file_offset(f));
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

uint64_t file_table_next_part(const struct file_table *t)
{
    return t->next_part;
}

/* ---- one entry ---- */

void file_note_taken(struct file *f, const struct config *config, bool unordered)
{
    uint64_t rules = resume_hash(config->sha256);
    const struct resume *r = f->resume;
    if (r)
        ledger_note_unordered(f->ledger);
    if (!unordered && !r)
        f->rules = rules;
    else if (f->rules != rules)
        f->rules = 0;
    if (r && file_offset(f) >= r->taken + (r->ahead[0] > r->ahead[1] ? r->ahead[0] : r->ahead[1])) {
        resume_free(f->resume);
        f->resume = NULL;
        f->source.resume = NULL;
    }
    if (ledger_is_unordered(f->ledger))
        file_table_dirty(f->table, f);
}

void file_note_seen(struct file *f, int64_t wall_ms)
{
    f->last_seen_ms = wall_ms;
    if (wall_ms - f->saved_seen_ms > SEEN_WRITTEN_EVERY_MS)
        file_table_dirty(f->table, f);
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
    if (!f->resume && !(l && ledger_is_unordered(l)))
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

/* ---- a save ---- */

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
