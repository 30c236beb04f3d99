/* A slot: a mapper, and a job at a time with what it needs. A file that has its turn has the slot until it gives it
 * back, also over several jobs; which file that is says tailer.c, what comes of a job tailer_outcome.c.
 *
 * A job has copies of all that it looks at. What can go wrong: no memory for them, or no descriptor: the file is woken
 * a little later. */
#include "follow/read_ahead.h"

#include <assert.h>
#include <stdlib.h>
#include <unistd.h>

bool slot_init(struct slot *slot, struct tailer *t)
{
    *slot = (struct slot){.tailer = t, .config = t->config, .rules = t->rules};
    slot->mapper = mapper_new(t->config, MAP_FOR_RUN, t->options.host);
    file_job_init(&slot->job, slot->mapper);
    return slot->mapper != NULL;
}

void slot_free(struct slot *slot)
{
    file_job_release(&slot->job);
    mapper_free(slot->mapper);
    free(slot->location);
    free(slot->path);
    free(slot->other_location);
    free(slot->compared);
}

bool slot_configure(struct slot *slot)
{
    struct tailer *t = slot->tailer;
    if (slot->config == t->config)
        return true;
    struct mapper *mapper = mapper_new(t->config, MAP_FOR_RUN, t->options.host);
    if (!mapper)
        return false;
    mapper_free(slot->mapper);
    slot->mapper = slot->job.mapper = mapper;
    slot->config = t->config;
    slot->rules = t->rules;
    return true;
}

/* ---- a job ---- */

static struct slot *slot_of(struct crew_task *task)
{
    return (struct slot *)((char *)task - offsetof(struct slot, task));
}

static void run_on_worker(struct crew_task *task)
{
    file_job_run(&slot_of(task)->job);
}

/* Takes back what the job had of the file: the descriptor, and its path. One that read ahead had its own. */
static void take_file_back(struct slot *slot, uint64_t now)
{
    struct tailer *t = slot->tailer;
    struct file *f = slot->file;
    if (slot->job.kind == JOB_READ_AHEAD)
        return;
    uint64_t close_inactive = tailer_follows(t, f) ? tailer_input(t, f)->close_inactive_ms : 0;
    open_files_adopt(&t->open, f, slot->job.file.content, close_inactive, now);
    if (!file_is_begun(f))
        f->gz = slot->job.file.gz == GZ_YES;
    if (slot->promised)
        open_files_keep_promise(&t->open);
    slot->promised = false;
    slot->job.file.source.path = slice_from(f->path);
    slot->job.file.source.input = f->source.input;
}

static void on_job_done(struct crew_task *task)
{
    struct slot *slot = slot_of(task);
    struct tailer *t = slot->tailer;
    assert(!slot->file || slot->file->reading.in_job);
    t->busy--;
    slot->running = false;
    slot->returned = slot->file || slot->ahead_of;
    if (slot->returned)
        take_file_back(slot, t->now);
    else
        file_job_trim(&slot->job);
    tailer_stopped_if_quiet(t);
}

/* Mostly it is the same as for the job before. */
static bool replace(char **copy, const char *text)
{
    if (*copy && strcmp(*copy, text) == 0)
        return true;
    free(*copy);
    *copy = strdup(text);
    return *copy != NULL;
}

static struct job_file job_file_of(const struct file *f, const char *location)
{
    return (struct job_file){
        .content = f->reading.content,
        .gz = f->gz ? GZ_YES : GZ_NO,
        .gz_end = f->gz_end,
        .location = location,
        .input = file_place_input(f),
        .device = f->device,
        .inode = f->inode,
        .source = f->source,
        .head = f->head,
        .skipped = f->skipped,
    };
}

static bool prepare_other(struct slot *slot)
{
    struct file *other = NULL;
    do {
        other = file_table_next_suspect(slot->tailer->table, slot->file, slot->first_line_hash, other);
    } while (other && other->key != slot->other);
    if (!other || !replace(&slot->other_location, file_location(other)))
        return false;
    slot->job.other = job_file_of(other, slot->other_location);
    slot->job.other_parted = other->place == FILE_PARTED;
    slot->job.other.content.gz = NULL;
    if (slot->job.other.content.fd >= 0) /* its own may be handed back meanwhile */
        slot->job.other.content.fd = dup(slot->job.other.content.fd);
    return true;
}

static int64_t wall_ms(void)
{
    uv_timeval64_t wall;
    return uv_gettimeofday(&wall) == 0 ? wall.tv_sec * 1000 + wall.tv_usec / 1000 : 0;
}

bool tailer_may_be_gz(const struct tailer *t, const struct file *f)
{
    return file_is_begun(f) ? f->gz : tailer_input(t, f)->read_gz && file_is_named_gz(file_location(f));
}

/* Copies all that the job needs. False: no memory, or no descriptor. */
static bool prepare(struct slot *slot, const struct file *f, enum file_job_kind kind)
{
    struct tailer *t = slot->tailer;
    struct file_job *job = &slot->job;
    if (!replace(&slot->location, file_location(f)) || !replace(&slot->path, f->path))
        return false;
    job->kind = kind;
    job->rules = slot->rules;
    job->file = job_file_of(f, slot->location);
    if (!file_is_begun(f) && tailer_may_be_gz(t, f))
        job->file.gz = GZ_MAYBE;
    job->file.source.path = slice_from(slot->path);
    job->searched_to = f->reading.searched_to;
    job->limit = f->reading.limit;
    job->limit_at_size = t->finishing;
    job->skip_to = f->reading.found_size;
    job->max_line = tailer_input(t, f)->max_line_bytes;
    job->piece = mapper_piece(tailer_input(t, f));
    job->encoding = tailer_input(t, f)->encoding;
    job->read_time_ms = wall_ms();
    if (kind == JOB_READ_AHEAD) {
        job->file.content.fd = dup(f->reading.content.fd); /* its own may be handed back meanwhile */
        return job->file.content.fd >= 0;
    }
    return kind != JOB_COMPARE || prepare_other(slot);
}

void tailer_trim_free_slots(struct tailer *t, const struct slot *but)
{
    for (size_t i = 0; i < t->slot_count; i++) {
        if (slot_is_free(&t->slots[i]) && &t->slots[i] != but)
            file_job_trim(&t->slots[i].job);
    }
}

void slot_release(struct slot *slot)
{
    struct file *f = slot->file;
    slot->file = NULL;
    if (!f)
        return;
    read_ahead_drop(slot->tailer, f);
    if (slot->job.at_end)
        tailer_trim_free_slots(slot->tailer, NULL);
    f->reading.in_job = false;
    if (f->reading.again)
        file_table_visit(f->table, f);
    f->reading.again = false;
}

/* Of descriptors. */
static void close_copies(struct slot *slot, enum file_job_kind kind)
{
    if (kind == JOB_READ_AHEAD)
        content_close(&slot->job.file.content);
    if (kind == JOB_COMPARE)
        content_close(&slot->job.other.content);
}

bool slot_queue(struct slot *slot, struct file *f, enum file_job_kind kind)
{
    struct tailer *t = slot->tailer;
    if (!prepare(slot, f, kind))
        return false;
    slot->task = (struct crew_task){.run = run_on_worker, .done = on_job_done};
    bool in_turn = kind == JOB_READ_AHEAD && t->options.jobs == 0;
    if (!crew_give(&t->crew, &slot->task, in_turn ? CREW_IN_TURN : CREW_AT_ONCE)) {
        close_copies(slot, kind);
        return false;
    }
    slot->running = true;
    t->busy++;
    return true;
}

/* Where a file is read as it is written, its lines do not wait for long. */
void slot_set_block(struct slot *slot, const struct file *f, uint64_t from)
{
    bool is_live = slot->tailer->now < slot->tailer->live_until;
    slot->job.pieces = f->reading.pieces && !is_live ? f->reading.pieces : 1;
    slot->job.block_end = from + slot->job.pieces * LIMIT_READ;
}

void slot_run(struct slot *slot, enum file_job_kind kind)
{
    struct tailer *t = slot->tailer;
    struct file *f = slot->file;
    if (slot->config != t->config) { /* a reload came in between: from the start, with the new one */
        file_table_visit(t->table, f);
        slot_release(slot);
        return;
    }
    slot_set_block(slot, f, file_offset(f));
    if (!slot_queue(slot, f, kind)) {
        tailer_wake(f, t->now + RETRY_MS);
        slot_release(slot);
        return;
    }
    f->reading.in_job = true;
}
