/* What came of a job.
 *
 * A new file goes LOOK → COMPARE with each content that may be the same → begun, held back, or it continues one; all in
 * one slot. A begun one is READ, and then goes back into the queue, or waits. */
#include "follow/predecessors.h"
#include "follow/read_ahead.h"
#include "map/chunk_log.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

/* A gzip file was read to its end; what it lacks is told once. */
static void report_gz(struct tailer *t, struct file *f, const struct file_job *job)
{
    bool ends_here = job->file.gz_end.size == job->size;
    if (ends_here && f->gz_end.size != job->size) {
        file_table_lost(t->table, f, LOSS_GZIP, job->useless);
        file_table_dirty(t->table, f);
    }
    f->gz_end = job->file.gz_end;
    if (ends_here)
        open_files_drop_gz(f);
}

/* ---- a new file ---- */

/* The one that was compared; NULL: it is known no longer, or elsewhere. */
static struct file *find_compared(const struct slot *slot)
{
    struct file *other = NULL;
    while ((other = file_table_next_suspect(slot->tailer->table, slot->file, slot->first_line_hash, other))) {
        if (other->key == slot->other)
            break;
    }
    return other;
}

static bool was_compared(const struct slot *slot, uint64_t key)
{
    for (size_t i = 0; i < slot->compared_count; i++) {
        if (slot->compared[i] == key)
            return true;
    }
    return false;
}

static bool note_compared(struct slot *slot, uint64_t key)
{
    if (slot->compared_count == slot->compared_cap) {
        size_t cap = slot->compared_cap ? 2 * slot->compared_cap : 16;
        uint64_t *grown = realloc(slot->compared, cap * sizeof *grown);
        if (!grown)
            return false;
        slot->compared = grown;
        slot->compared_cap = cap;
    }
    slot->compared[slot->compared_count++] = key;
    return true;
}

/* The first KiB tells most of them apart without a further read. */
static bool begins_differently(const struct slot *slot, const struct file *other)
{
    if (file_head_differs(&slot->start, &other->head))
        return true;
    return other->head.len <= slot->job.start_len &&
           content_hash_of(slice_of(slot->job.start, (size_t)other->head.len)) != other->head.hash;
}

/* It was held back for as long as that may be: it is a file of its own, unless it continues one that parted. */
static bool time_is_up(const struct slot *slot)
{
    const struct file_reading *reading = &slot->file->reading;
    return reading->held_until && reading->held_until <= slot->tailer->now;
}

static struct file *next_suspect(struct slot *slot)
{
    struct tailer *t = slot->tailer;
    struct file *other = NULL;
    while ((other = file_table_next_suspect(t->table, slot->file, slot->first_line_hash, other))) {
        bool out_of_reach =
            other->place != FILE_PARTED && (other->source.input >= t->config->input_count || time_is_up(slot));
        if (!out_of_reach && !was_compared(slot, other->key) && !begins_differently(slot, other))
            return other;
    }
    return NULL;
}

/* It is not begun before it is known what `by` is, or at the latest `until` (0: no end). */
static void hold(struct slot *slot, struct file *by, uint64_t until)
{
    struct file *f = slot->file;
    file_table_hold(slot->tailer->table, f, slot->first_line_hash, by);
    f->reading.held_key = by->key;
    f->reading.at_end = true;
    if (f->reading.held_until == 0 || until == 0)
        f->reading.held_until = until;
    if (f->reading.held_until)
        tailer_wake(f, f->reading.held_until);
    slot_release(slot);
}

/* The other one cannot be compared now: it is being looked for, or changes at this moment. */
static void hold_for_a_moment(struct slot *slot, struct file *by, uint64_t now)
{
    struct file *f = slot->file;
    hold(slot, by, now + HELD_FOR_MS);
    tailer_wake(f, now + RETRY_MS);
}

static void drop_candidate(struct slot *slot)
{
    struct file *f = slot->file;
    f->reading.again = false;
    slot_release(slot);
    open_files_close(&slot->tailer->open, f);
    file_table_drop(slot->tailer->table, f);
}

/* All of what was looked at, also what lies behind the offset: a copy of it must be known for one even before the first
 * of its calls is settled, as it has to keep its ids. What is not whole may yet be written over (a preallocated file).
 */
static struct slice whole_lines(struct slice start)
{
    const char *newline = start.len ? memrchr(start.text, '\n', start.len) : NULL;
    if (newline)
        start.len = (size_t)(newline - start.text) + 1;
    return start;
}

static void begin(struct slot *slot, const struct position *at, uint64_t skipped)
{
    struct tailer *t = slot->tailer;
    struct file *f = slot->file;
    struct slice head = whole_lines(slice_of(slot->job.start, slot->job.start_len));
    f->head = file_head_of(head);
    f->reading.held_until = f->reading.held_key = 0;
    f->most_size = f->size;
    f->born_ns = slot->job.file.born_ns; /* the inode may have been used again since a scan met it */
    if (tailer_input(t, f)->merges)
        predecessors_note_begun(f, slot->began, t->now);
    bool ok = file_table_begin(t->table, f, slot->first_line, at, skipped);
    slot_release(slot);
    if (ok)
        read_queue_add(&t->queue, f);
    else
        tailer_wake(f, t->now + RETRY_MS);
}

/* It was held back as the same as a content that has parted since, and all of it was read there; or it has no name any
 * more, and the other one is its copy, which was begun before it (a file that was compressed before it was looked at).
 */
static bool was_read_elsewhere(struct slot *slot)
{
    const struct file *f = slot->file;
    struct file *other = NULL;
    if (!f->reading.held_key || f->gz || position_offset(&f->reading.held_at) != slot->job.size)
        return false;
    while ((other = file_table_next_suspect(slot->tailer->table, f, slot->first_line_hash, other))) {
        bool is_it = other->place == FILE_PARTED || f->place == FILE_UNNAMED;
        if (other->key == f->reading.held_key && is_it && file_offset(other) >= slot->job.size)
            return true;
    }
    return false;
}

static void compare_next(struct slot *slot)
{
    struct tailer *t = slot->tailer;
    struct file *f = slot->file;
    struct position beginning;
    struct file *other = next_suspect(slot);
    if (other && other->place == FILE_UNSEEN) {
        hold_for_a_moment(slot, other, t->now);
    } else if (other) {
        slot->other = other->key;
        slot_run(slot, JOB_COMPARE);
    } else if (f->candidate) {
        drop_candidate(slot);
    } else if (f->reading.start_at_end) {
        slot_run(slot, JOB_SKIP);
    } else if (was_read_elsewhere(slot)) {
        begin(slot, &f->reading.held_at, 0);
    } else {
        position_init(&beginning);
        begin(slot, &beginning, 0);
    }
}

/* Whether `--once` takes this line, though it has no newline: if it parses. Half a line is not the first one: an id
 * made of it would be the file's for ever, and its copy, which begins with the whole line, would not be known for one.
 */
static bool is_taken_once(const struct input *input, struct slice line)
{
    bool is_json = input->parser == PARSER_JSON && input->encoding == ENCODING_UTF8 &&
                   (input->envelope == ENVELOPE_NONE || input->envelope == ENVELOPE_DOCKER);
    if (!is_json)
        return true;
    if (slice_starts_with(line, SLICE("\xEF\xBB\xBF"))) /* a byte-order mark */
        line = slice_from_offset(line, 3);
    return json_check(line, JSON_ANY_VALUE) == JSON_OK;
}

/* A last line that is to be taken without its newline. */
static bool is_final(const struct slot *slot, struct slice line)
{
    const struct file_job *job = &slot->job;
    if (job->take_last_line || (job->file.gz == GZ_YES && job->cut_is_final))
        return true;
    return job->once && is_taken_once(tailer_input(slot->tailer, slot->file), line);
}

/* What stands before the first newline; a last line that is to be taken without one counts as such. */
static bool find_first_line(struct slot *slot)
{
    struct slice start = slice_of(slot->job.start, slot->job.start_len);
    const char *newline = start.len ? memchr(start.text, '\n', start.len) : NULL;
    if (newline)
        start.len = (size_t)(newline - start.text);
    else if (start.len < LIMIT_FINGERPRINT && !(start.len && is_final(slot, start)))
        return false;
    slot->start = file_head_of(slice_of(slot->job.start, slot->job.start_len));
    slot->first_line = start;
    slot->first_line_hash = content_hash_of(start);
    return true;
}

/* A gzip file of which nothing can be read, or nothing yet. */
static void on_nothing_in_gz(struct slot *slot, uint64_t now)
{
    struct file *f = slot->file;
    report_gz(slot->tailer, f, &slot->job);
    if (f->gz_end.size != f->size && tailer_cut_is_final_at(f) > now)
        tailer_wake(f, tailer_cut_is_final_at(f));
}

/* What was opened has the inode of the file that a scan met, but is a younger one: the next scan will meet it. */
static void on_younger(struct slot *slot, uint64_t now)
{
    struct file *f = slot->file;
    slot_release(slot);
    open_files_close(&slot->tailer->open, f);
    file_table_missing(slot->tailer->table, f, now);
}

static void on_looked(struct slot *slot, uint64_t now)
{
    struct file *f = slot->file;
    uint64_t born_ns = slot->job.file.born_ns;
    if (f->born_ns && born_ns && f->born_ns != born_ns && f->place == FILE_PRESENT) {
        on_younger(slot, now);
        return;
    }
    if (find_first_line(slot)) {
        compare_next(slot);
        return;
    }
    file_table_start_settled(slot->tailer->table, f);
    f->reading.at_end = true;
    if (f->candidate) {
        drop_candidate(slot);
        return;
    }
    if (f->gz)
        on_nothing_in_gz(slot, now);
    else if (f->moved && f->size)
        tailer_wake(f, now > f->reading.grown_at + LAST_LINE_AFTER_MS ? now + LAST_LINE_AFTER_MS
                                                                      : f->reading.grown_at + LAST_LINE_AFTER_MS);
    slot_release(slot);
}

uint64_t tailer_cut_is_final_at(const struct file *f)
{
    return f->reading.grown_at + CUT_IS_FINAL_AFTER_MS;
}

/* A minute since it was made or changed (which no copy pretends) counts as one in which it was the same. */
static uint64_t held_until(const struct file *f, uint64_t size, int64_t wall_ms, uint64_t now)
{
    if (size >= LIMIT_FINGERPRINT)
        return 0;
    int64_t age = wall_ms - f->ctime_ns / 1000000;
    return age <= 0 ? now + HELD_FOR_MS : age >= HELD_FOR_MS ? now : now + (uint64_t)(HELD_FOR_MS - age);
}

static void on_compared(struct slot *slot, uint64_t now)
{
    struct tailer *t = slot->tailer;
    struct file *f = slot->file, *other = find_compared(slot);
    uint64_t until;
    if (other && (other->place == FILE_PARTED) != slot->job.other_parted) {
        compare_next(slot); /* it parted meanwhile (or is continued): once more */
        return;
    }
    if (!note_compared(slot, slot->other)) {
        tailer_wake(f, now + RETRY_MS);
        slot_release(slot);
        return;
    }
    switch (other ? slot->job.comparison : COMPARED_DIFFERENT) {
    case COMPARED_CONTINUES:
        f->reading.again = false;
        slot_release(slot);
        open_files_move(&t->open, f, other);
        file_table_continue(t->table, other, f);
        return;
    case COMPARED_DIFFERENT:
        break;
    case COMPARED_SAME:
        until = held_until(f, position_offset(&slot->job.compared_at), slot->job.read_time_ms, now);
        if (until && until <= now) {
            f->reading.held_until = until;
            break; /* they are two files */
        }
        f->reading.held_at = slot->job.compared_at;
        hold(slot, other, until);
        return;
    case COMPARED_UNSURE:
        if (other->place != FILE_PARTED)
            file_table_visit(t->table, other);
        hold_for_a_moment(slot, other, now);
        return;
    }
    compare_next(slot);
}

/* ---- a file that is read ---- */

static bool give(struct slot *slot, struct ledger *ledger, uint64_t now)
{
    struct tailer *t = slot->tailer;
    struct chunk *chunk = &slot->job.chunk;
    struct slice path = slice_from(slot->file->path);
    if (t->options.take)
        return t->options.take(t->options.take_context, ledger, chunk, slot->config, path, now);
    if (!delivery_take(t->delivery, ledger, chunk, slot->config, now))
        return false;
    chunk_log_notes(t->log, chunk, slot->config, path);
    return true;
}

/* Where few lines give calls, jobs are so short that what is done around them weighs: then the next block is larger, as
 * long as its calls take no more memory than those of a small one can. */
static void fit_block(struct file *f, const struct file_job *job)
{
    size_t len = job->chunk.text.len;
    if (len <= LIMIT_READ / 2 && job->pieces < LIMIT_READ_PIECES && !f->gz)
        f->reading.pieces = (uint8_t)(2 * job->pieces);
    else if (len > LIMIT_READ)
        f->reading.pieces = 1;
}

/* The chunk goes to delivery, and the source moves on; or nothing happens and the same is read again. */
static bool take_chunk(struct slot *slot, uint64_t now)
{
    struct tailer *t = slot->tailer;
    struct file *f = slot->file;
    struct file_job *job = &slot->job;
    struct ledger *ledger = file_table_ledger(t->table, f);
    if (!ledger)
        return false;
    struct position committed = *ledger_committed(ledger);
    bool unordered = ledger_is_unordered(ledger);
    if (!give(slot, ledger, now))
        return false;
    if (t->options.on_taken)
        t->options.on_taken(t->options.on_taken_context, &job->chunk, slot->config, slice_from(f->path));
    if (!position_is(ledger_committed(ledger), &committed) || f->head.len != job->file.head.len)
        file_table_dirty(t->table, f);
    f->source = job->file.source;
    f->head = job->file.head;
    fit_block(f, job);
    file_note_taken(f, slot->config, unordered);
    return true;
}

/* No memory for the chunk. One with merged parts is half taken already, and is kept; any other is read again. */
static void on_refused(struct slot *slot, uint64_t now)
{
    struct tailer *t = slot->tailer;
    if (slot->job.chunk.part_count) {
        t->holding = slot;
        t->hold_until = now + RETRY_MS;
        return;
    }
    tailer_wake(slot->file, now + RETRY_MS);
    slot_release(slot);
}

/* It is whole, and its last line is taken without a newline when it stays so; or it is not, and may yet become so. */
static void wait_for_rest_of_gz(struct file *f, bool partial, uint64_t now)
{
    uint64_t last_line_at = f->reading.grown_at + LAST_LINE_AFTER_MS, final_at = tailer_cut_is_final_at(f);
    if (partial && last_line_at > now)
        tailer_wake(f, last_line_at);
    else if (final_at > now)
        tailer_wake(f, final_at);
}

/* When a file without a name that was read to its end has been quiet for long enough. Its descriptor costs one, and the
 * disk its space; but what is still written into it is found through nothing else. */
static uint64_t let_go_at(const struct tailer *t, const struct file *f, const struct file_job *job)
{
    uint64_t quiet_ms = tailer_input(t, f)->close_inactive_ms;
    uint64_t since = f->reading.grown_at > f->reading.unnamed_since ? f->reading.grown_at : f->reading.unnamed_since;
    uint64_t most_ms = UINT64_MAX;
    if (job->writer == WRITER_NONE || open_files_is_crowded(&t->open))
        most_ms = LAST_LINE_AFTER_MS;
    else if (job->deleted && job->writer == WRITER_UNKNOWN)
        most_ms = WRITER_MAY_BE_THERE_MS;
    return since + (quiet_ms < most_ms ? quiet_ms : most_ms);
}

/* At the end of what there is: what may still come of it, and when. */
static void wait_at_end(struct tailer *t, struct file *f, const struct file_job *job, uint64_t now)
{
    const struct input *input = tailer_input(t, f);
    uint64_t end = f->gz ? f->reading.searched_to : f->reading.limit < f->size ? f->reading.limit : f->size;
    uint64_t quiet_until = let_go_at(t, f, job);
    bool partial = file_offset(f) < end;
    if (f->gz && f->gz_end.size != f->size)
        wait_for_rest_of_gz(f, partial, now);
    else if (partial && f->moved && !f->reading.last_line_tried)
        tailer_wake(f, f->reading.grown_at + LAST_LINE_AFTER_MS);
    else if (partial && input->multiline_start && now < f->reading.grown_at + input->multiline_timeout_ms)
        tailer_wake(f, f->reading.grown_at + input->multiline_timeout_ms);
    else if (f->place == FILE_UNNAMED && now >= quiet_until) {
        open_files_close(&t->open, f);
        file_table_gone(t->table, f, LOSS_DELETED, now);
    } else if (f->place == FILE_UNNAMED)
        tailer_wake(f, quiet_until);
}

static void note_in_place(struct slot *slot)
{
    struct file *f = slot->file;
    file_note_verified(f);
    f->born_ns = slot->job.file.born_ns;
    f->reading.shorter_since = 0;
    if (f->reading.marks)
        f->reading.marks->checked_at = slot->began;
}

static void on_read(struct slot *slot, uint64_t now)
{
    struct tailer *t = slot->tailer;
    struct file *f = slot->file;
    struct file_job *job = &slot->job;
    note_in_place(slot);
    f->reading.limit = job->limit;
    if (!job->mapped)
        f->head = job->file.head; /* its marks may be known now */
    if (job->mapped && !take_chunk(slot, now)) {
        on_refused(slot, now);
        return;
    }
    f->reading.searched_to = job->searched_to;
    f->reading.at_end = job->at_end;
    if (job->at_end)
        f->reading.behind_since = 0;
    if (job->at_end && job->mapped)
        t->live_until = now + LIVE_FOR_MS;
    if (job->take_last_line && job->at_end)
        f->reading.last_line_tried = true;
    if (f->gz)
        report_gz(t, f, job);
    if (!job->at_end && read_ahead_follow(slot))
        return;
    slot_release(slot);
    if (!job->at_end)
        read_queue_add(&t->queue, f);
    else
        wait_at_end(t, f, job, now);
}

/* It cannot be read now, and goes back to where it waits. */
static void on_checked(struct slot *slot, uint64_t now)
{
    struct file *f = slot->file;
    (void)now;
    note_in_place(slot);
    slot_release(slot);
    read_queue_add(&slot->tailer->queue, f);
}

static void on_read_ahead(struct slot *slot, uint64_t now)
{
    struct file *f = slot->file;
    if (read_ahead_is_right(slot)) {
        on_read(slot, now);
        return;
    }
    slot_release(slot);
    read_queue_add(&slot->tailer->queue, f);
}

/* ---- what goes wrong ---- */

static void part(struct slot *slot, uint64_t now)
{
    struct tailer *t = slot->tailer;
    struct file *f = slot->file;
    f->reading.again = false; /* its successor will be visited */
    slot_release(slot);
    struct file *successor;
    if (!file_table_part(t->table, f, now, &successor))
        tailer_wake(f, now + RETRY_MS);
    else if (successor)
        open_files_move(&t->open, f, successor);
    else
        open_files_close(&t->open, f);
}

static void on_shorter(struct slot *slot, uint64_t now)
{
    struct file *f = slot->file;
    if (!file_is_begun(f)) { /* cut while it was looked at */
        file_table_visit(slot->tailer->table, f);
        slot_release(slot);
        return;
    }
    if (!f->reading.shorter_since)
        f->reading.shorter_since = now;
    if (now >= f->reading.shorter_since + SHORTER_FOR_MS) {
        part(slot, now);
        return;
    }
    tailer_wake(f, f->reading.shorter_since + SHORTER_FOR_MS);
    slot_release(slot);
}

static void on_elsewhere(struct slot *slot, uint64_t now)
{
    struct file *f = slot->file;
    if (!file_is_begun(f) && f->candidate) {
        drop_candidate(slot);
        return;
    }
    slot_release(slot);
    file_table_missing(slot->tailer->table, f, now);
}

static void on_unreadable(struct slot *slot, uint64_t now)
{
    struct tailer *t = slot->tailer;
    struct file *f = slot->file;
    int error = slot->job.error;
    slot_release(slot);
    if (error == EMFILE || error == ENFILE) {
        open_files_exhausted(&t->open);
        if (!t->descriptors_reported)
            log_event(t->log, LOG_WARN, "",
                      "out of file descriptors: files are read in turn; raise the limit (ulimit -n)",
                      LOG_UINT("open", t->metrics->files_open), LOG_END);
        t->descriptors_reported = true;
        tailer_wake(f, now + RETRY_MS);
        return;
    }
    if (error == ESTALE)
        open_files_close(&t->open, f);
    file_table_unreadable(t->table, f, error);
}

static void on_done(struct slot *slot, uint64_t now)
{
    static void (*const follows[])(struct slot *, uint64_t) = {
        [JOB_LOOK] = on_looked,
        [JOB_COMPARE] = on_compared,
        [JOB_READ] = on_read,
        [JOB_CHECK] = on_checked,
    };
    if (slot->job.kind == JOB_SKIP)
        begin(slot, &slot->job.compared_at, position_offset(&slot->job.compared_at));
    else
        follows[slot->job.kind](slot, now);
}

void tailer_on_outcome(struct slot *slot, uint64_t now)
{
    struct tailer *t = slot->tailer;
    struct file *f = slot->file;
    enum file_job_outcome outcome = slot->job.outcome;
    if (slot->job.kind == JOB_READ_AHEAD) {
        on_read_ahead(slot, now);
        return;
    }
    if (outcome != JOB_UNREADABLE && outcome != JOB_NO_MEMORY)
        file_table_unreadable(t->table, f, 0);
    if (outcome == JOB_DONE || outcome == JOB_SHORTER || outcome == JOB_OTHER_CONTENT)
        file_note_size(f, slot->job.size, now);
    switch (outcome) {
    case JOB_DONE:
        on_done(slot, now);
        break;
    case JOB_OTHER_CONTENT:
        part(slot, now);
        break;
    case JOB_SHORTER:
        on_shorter(slot, now);
        break;
    case JOB_ELSEWHERE:
        on_elsewhere(slot, now);
        break;
    case JOB_UNREADABLE:
        on_unreadable(slot, now);
        break;
    case JOB_NOT_AHEAD:
    case JOB_NO_MEMORY:
        tailer_wake(f, now + RETRY_MS);
        slot_release(slot);
        break;
    }
}
