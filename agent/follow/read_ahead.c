#include "follow/read_ahead.h"

enum {
    HELD_PART = 3,     /* of the buffer that may be filled: with more it is delivery that is waited for */
    ROOM_PART = 4,     /* of the room that there is: for the calls of a block that is read ahead */
    ROOM_A_BLOCK = 2,  /* its calls may be as many times as large */
    LEFT_ALONE = 16,   /* blocks after a wrong guess */
    SLOTS_TO_SPARE = 2 /* the one that is taken, and one for another file */
};

/* ---- whether it is worth it ---- */

/* The slot's file can be read ahead of, as far as that does not change from block to block. */
static bool is_one_to_guess(const struct tailer *t, const struct slot *slot)
{
    const struct file *f = slot->file;
    bool reads = f && (slot->job.kind == JOB_READ || slot->job.kind == JOB_READ_AHEAD);
    if (!reads || slot->config != t->config || f->reading.drop || f->source.input >= t->config->input_count)
        return false;
    const struct input *input = tailer_input(t, f);
    return !f->gz && f->reading.content.fd >= 0 && f->head.len == LIMIT_FINGERPRINT && !f->resume &&
           !f->source.skipping && !input->multiline_start && !input->merges;
}

/* Where the block ends that is the last one under way. */
static uint64_t end_of_blocks(const struct tailer *t, const struct file *f)
{
    uint64_t end = 0;
    for (size_t i = 0; i < t->slot_count; i++) {
        const struct slot *slot = &t->slots[i];
        if ((slot->file == f || slot->ahead_of == f) && slot->job.block_end > end)
            end = slot->job.block_end;
    }
    return end;
}

static size_t free_slots(const struct tailer *t)
{
    size_t count = 0;
    for (size_t i = 0; i < t->slot_count; i++)
        count += slot_is_free(&t->slots[i]);
    return count;
}

/* For the calls of a block that is read ahead; 0: not enough. */
static size_t budget_for(const struct tailer *t, struct file *f)
{
    if (t->metrics->buffer_bytes > t->config->upload.buffer / HELD_PART)
        return 0;
    struct ledger *ledger = file_table_ledger(t->table, f);
    size_t part = ledger ? delivery_room(t->delivery, ledger) / ROOM_PART : 0;
    return part < ROOM_A_BLOCK * LIMIT_READ ? 0 : part;
}

/* ---- guessing ---- */

static bool start_block(struct slot *slot, struct file *f, size_t budget)
{
    slot->job.budget = budget;
    if (!slot_queue(slot, f, JOB_READ_AHEAD))
        return false;
    slot->ahead_of = f;
    return true;
}

bool read_ahead_start(struct tailer *t, struct slot *slot)
{
    if (t->metrics->buffer_bytes > t->config->upload.buffer / 2) /* but for this one they will not be needed soon */
        tailer_trim_free_slots(t, slot);
    bool is_live = !t->options.once && t->now < t->live_until;
    if (is_live || free_slots(t) < SLOTS_TO_SPARE)
        return false;
    for (size_t i = 0; i < t->slot_count; i++) {
        if (!is_one_to_guess(t, &t->slots[i]))
            continue;
        struct file *f = t->slots[i].file;
        uint64_t from = end_of_blocks(t, f), known = f->size < f->reading.limit ? f->size : f->reading.limit;
        slot_set_block(slot, f, from);
        size_t budget = from < f->reading.ahead_from || slot->job.block_end > known ? 0 : budget_for(t, f);
        if (budget && start_block(slot, f, budget))
            return true;
    }
    return false;
}

/* ---- what comes of it ---- */

/* The slot whose block is the next one. */
static struct slot *next_of(struct tailer *t, const struct file *f)
{
    struct slot *next = NULL;
    for (size_t i = 0; i < t->slot_count; i++) {
        struct slot *slot = &t->slots[i];
        if (slot->ahead_of == f && (!next || slot->job.block_end < next->job.block_end))
            next = slot;
    }
    return next;
}

/* For a while. */
static void leave_alone(const struct slot *slot, struct file *f)
{
    f->reading.ahead_from = slot->job.block_end + LEFT_ALONE * LIMIT_READ;
}

bool read_ahead_follow(struct slot *slot)
{
    struct file *f = slot->file;
    struct slot *next = next_of(slot->tailer, f);
    if (next && slot->job.chunk.result == CHUNK_FULL)
        leave_alone(slot, f);
    if (!next || slot->job.chunk.result == CHUNK_FULL)
        return false;
    slot->file = NULL;
    next->file = f;
    next->ahead_of = NULL;
    return true;
}

/* What was guessed about the places becomes true. */
static void settle_places(struct file_job *job, const struct position *at)
{
    position_settle(&job->file.source.at, at);
    position_settle(&job->chunk.end, at);
    for (size_t i = 0; i < job->chunk.line_count; i++)
        position_settle(&job->chunk.lines[i].start, at);
}

bool read_ahead_is_right(struct slot *slot)
{
    const struct tailer *t = slot->tailer;
    struct file *f = slot->file;
    struct file_job *job = &slot->job;
    struct ledger *ledger = file_table_ledger(t->table, f);
    bool right = job->outcome == JOB_DONE && position_is_as_guessed(&f->source.at, &job->guess) &&
                 !f->source.skipping && f->head.hash == job->file.head.hash;
    bool fits = right && ledger && job->block_end <= f->reading.limit &&
                job->chunk.text.len <= delivery_room(t->delivery, ledger);
    if (!fits) {
        leave_alone(slot, f);
        return false;
    }
    settle_places(job, &f->source.at);
    job->file.source.path = slice_from(f->path);
    job->file.source.input = f->source.input;
    job->limit = f->reading.limit;
    job->size = f->size;
    return true;
}

void read_ahead_drop(struct tailer *t, const struct file *f)
{
    for (size_t i = 0; i < t->slot_count; i++) {
        struct slot *slot = &t->slots[i];
        if (!slot->ahead_of || slot->ahead_of != f)
            continue;
        slot->ahead_of = NULL;
        slot->returned = false;
        if (!slot->running)
            file_job_trim(&slot->job);
    }
}

void read_ahead_drop_all(struct tailer *t)
{
    for (size_t i = 0; i < t->slot_count; i++) {
        if (t->slots[i].ahead_of)
            read_ahead_drop(t, t->slots[i].ahead_of);
    }
}
