/* Which file is next. Its job is tailer_slot.c, what that does file_job.c, and what comes of it tailer_outcome.c. */
#include "follow/predecessors.h"
#include "follow/read_ahead.h"

#include <assert.h>
#include <sched.h>
#include <stdlib.h>

const struct input *tailer_input(const struct tailer *t, const struct file *f)
{
    return &t->config->inputs[f->source.input];
}

void tailer_wake(struct file *f, uint64_t at)
{
    if (file_is_in(f, LIST_TIMED) && f->reading.wake_at <= at)
        return;
    f->reading.wake_at = at;
    file_enlist(f, LIST_TIMED);
}

void tailer_note_behind(struct file *f, uint64_t now)
{
    if (f->reading.behind_since == 0)
        f->reading.behind_since = now ? now : 1;
}

/* ---- how many jobs ---- */

/* That this process may run on. */
static unsigned number_of_cores(void)
{
    cpu_set_t cores;
    return sched_getaffinity(0, sizeof cores, &cores) == 0 ? (unsigned)CPU_COUNT(&cores) : 1;
}

/* One that a worker works on for each core; meanwhile one that waits for a worker, one that the loop takes in, and one
 * for another file. */
static unsigned number_of_jobs(unsigned wanted)
{
    unsigned cores = number_of_cores();
    unsigned jobs = wanted ? wanted : cores > 1 ? cores + 3 : 1;
    return jobs > LIMIT_WORKERS ? LIMIT_WORKERS : jobs;
}

static unsigned number_of_workers(unsigned wanted)
{
    unsigned jobs = number_of_jobs(wanted), cores = number_of_cores();
    return wanted == 0 && cores < jobs ? cores : jobs;
}

struct tailer *tailer_new(uv_loop_t *loop, const struct config *config, const struct scan_rules *rules,
                          struct file_table *table, struct delivery *delivery, struct metrics *metrics, struct log *log,
                          const struct tailer_options *options)
{
    struct tailer *t = calloc(1, sizeof *t);
    if (!t)
        return NULL;
    *t = (struct tailer){
        .loop = loop,
        .config = config,
        .rules = rules,
        .table = table,
        .delivery = delivery,
        .metrics = metrics,
        .log = log,
        .options = *options,
    };
    t->recovering = true;
    t->started = uv_now(loop);
    t->queue = (struct read_queue){.table = table, .config = config, .once = options->once};
    open_files_init(&t->open, table, metrics, options->descriptors);
    size_t count = number_of_jobs(options->jobs);
    bool ok = true;
    for (; ok && t->slot_count < count; t->slot_count++)
        ok = slot_init(&t->slots[t->slot_count], t);
    size_t workers = number_of_workers(options->jobs);
    if (ok && crew_start(&t->crew, loop, workers, options->jobs ? workers : count))
        return t;
    for (size_t i = 0; i < t->slot_count; i++)
        slot_free(&t->slots[i]);
    free(t);
    return NULL;
}

/* ---- stopping ---- */

static void close_all(struct tailer *t)
{
    struct file *f;
    while ((f = file_table_list(t->table, LIST_OPEN)->first))
        open_files_close(&t->open, f);
}

static void on_crew_closed(struct crew *crew)
{
    struct tailer *t = (struct tailer *)((char *)crew - offsetof(struct tailer, crew));
    void (*on_stopped)(void *) = t->on_stopped;
    void *context = t->stopped_context;
    free(t);
    on_stopped(context);
}

void tailer_stopped_if_quiet(struct tailer *t)
{
    if (!t->stopping || t->busy)
        return;
    for (size_t i = 0; i < t->slot_count; i++) {
        slot_release(&t->slots[i]);
        slot_free(&t->slots[i]);
    }
    close_all(t);
    crew_close(&t->crew, on_crew_closed);
}

void tailer_stop(struct tailer *t, void (*on_stopped)(void *context), void *context)
{
    assert(!t->stopping);
    t->stopping = true;
    t->on_stopped = on_stopped;
    t->stopped_context = context;
    tailer_stopped_if_quiet(t);
}

/* ---- which file is next ---- */

/* Whether another file of the same order is being read. */
static bool waits_for_another(const struct tailer *t, const struct file *f)
{
    for (size_t i = 0; i < t->slot_count; i++) {
        const struct file *g = t->slots[i].file;
        if (g && read_queue_is_one_order(&t->queue, f, g) &&
            (file_is_begun(g) || read_queue_comes_before(&t->queue, g, f)))
            return true;
    }
    return false;
}

/* A file that cannot be read any more, whatever is in it. True where it was such a one. */
static bool let_go(struct tailer *t, struct file *f, uint64_t now)
{
    if (f->reading.drop || f->place == FILE_UNNAMED)
        t->queue.awaited = NULL; /* it may be this one */
    if (f->reading.drop) {
        open_files_close(&t->open, f);
        file_table_drop(t->table, f);
        return true;
    }
    if (!tailer_follows(t, f)) {
        open_files_close(&t->open, f);
        read_queue_remove(f);
        return true;
    }
    if (f->place != FILE_UNNAMED)
        return false;
    bool given_up = now >= f->reading.unnamed_since + tailer_input(t, f)->deleted_grace_ms;
    if (f->reading.content.fd >= 0 && !given_up)
        return false;
    enum loss why = f->reading.content.fd >= 0 ? LOSS_DELETED : LOSS_GONE;
    open_files_close(&t->open, f);
    read_queue_remove(f);
    if (file_is_begun(f))
        file_table_gone(t->table, f, why, now);
    else
        file_table_drop(t->table, f);
    return true;
}

/* The last line of a file that will not get its newline any more (contract 6.5); a gzip file that is whole is one. */
static bool wants_last_line(const struct file *f, uint64_t now)
{
    return (f->moved || f->gz) && now >= f->reading.grown_at + LAST_LINE_AFTER_MS;
}

/* A record of many lines does not wait for more of them. */
static bool is_at_rest(const struct tailer *t, const struct file *f, uint64_t now)
{
    const struct input *input = tailer_input(t, f);
    return input->multiline_start && now >= f->reading.grown_at + input->multiline_timeout_ms;
}

/* Whether lines of it that were taken in an earlier run are to be read again, and can be. */
static bool is_recovering(const struct tailer *t, const struct file *f)
{
    if (!f->resume || f->unreadable)
        return false;
    bool is_looked_for = f->place == FILE_UNSEEN || (f->place == FILE_PARTED && file_is_in(f, LIST_SEARCHED));
    if (is_looked_for)
        return t->now < t->started + RECOVER_FOR_MS;
    return f->place != FILE_PARTED && !f->reading.at_end;
}

bool tailer_is_recovering(const struct tailer *t, size_t input)
{
    for (const struct file *f = file_table_first(t->table); f && t->recovering; f = file_table_next(f)) {
        if (f->source.input == input && is_recovering(t, f))
            return true;
    }
    return false;
}

static void end_recovery(struct tailer *t)
{
    bool any = false;
    for (size_t i = 0; i < t->config->input_count && t->recovering && !any; i++)
        any = tailer_is_recovering(t, i);
    t->recovering = any;
}

static bool waits_for_recovery(const struct tailer *t, const struct file *f)
{
    return t->recovering && file_is_begun(f) && !f->resume && tailer_is_recovering(t, f->source.input);
}

static bool is_of(const struct file *f, size_t input, uint64_t now)
{
    return f->source.input == input && f->reading.behind_since && now > f->reading.behind_since + BEHIND_AFTER_MS;
}

bool tailer_is_behind(const struct tailer *t, size_t input, uint64_t now)
{
    static const enum file_list_kind lists[] = {LIST_CHANGED, LIST_QUEUED, LIST_ORDERED};
    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++) {
        for (const struct file *f = file_table_list(t->table, lists[i])->first; f; f = f->links[lists[i]].next)
            if (is_of(f, input, now))
                return true;
    }
    for (size_t i = 0; i < t->slot_count; i++) {
        if (t->slots[i].file && is_of(t->slots[i].file, input, now))
            return true;
    }
    return false;
}

bool tailer_holds_a_chunk(const struct tailer *t)
{
    return t->holding != NULL;
}

/* What can be done with the file now. While it waits, it is looked at whether it still is what it was where somebody
 * wants to know. False: nothing. */
static bool next_job(struct tailer *t, struct file *f, bool waits, enum file_job_kind *ret_kind, size_t *ret_room)
{
    *ret_room = 0;
    *ret_kind = file_is_begun(f) ? JOB_READ : JOB_LOOK;
    if (*ret_kind == JOB_LOOK)
        return true;
    struct ledger *ledger = waits ? NULL : file_table_ledger(t->table, f);
    *ret_room = ledger ? delivery_room(t->delivery, ledger) : 0;
    if (*ret_room && !waits_for_another(t, f))
        return true;
    *ret_kind = JOB_CHECK;
    return predecessors_want_check(f) || (!waits && f->growth.size > 0);
}

/* False: it keeps its place in the queue. */
static bool start(struct tailer *t, struct slot *slot, struct file *f, bool waits, uint64_t now)
{
    size_t room;
    enum file_job_kind kind;
    if (!next_job(t, f, waits, &kind, &room))
        return false;
    if (tailer_may_be_gz(t, f) && !f->reading.content.gz && !open_files_gz_room(&t->open))
        return false;
    if (f->reading.content.fd < 0 && !open_files_promise(&t->open))
        return false;
    slot->promised = f->reading.content.fd < 0;
    read_queue_remove(f);
    slot->file = f;
    slot->began = now;
    slot->compared_count = 0;
    slot->job.budget = room;
    slot->job.take_last_line = wants_last_line(f, now);
    slot->job.cut_is_final = now >= tailer_cut_is_final_at(f);
    slot->job.at_rest = is_at_rest(t, f, now);
    slot->job.last_line_size = f->size;
    slot->job.once = t->options.once;
    slot_run(slot, kind);
    if (!slot->file && slot->promised) { /* it came to nothing */
        open_files_keep_promise(&t->open);
        slot->promised = false;
    }
    return true;
}

/* Other files of its input come first, whatever their place in the queue. */
static bool waits_for_others(struct tailer *t, struct file *f, uint64_t now)
{
    return waits_for_recovery(t, f) || predecessors_are_left(&t->queue, f, t->started, now);
}

/* The first of a list that may be read now. */
static bool start_first_of(struct tailer *t, struct slot *slot, enum file_list_kind kind, uint64_t now)
{
    struct file *next;
    for (struct file *f = file_table_list(t->table, kind)->first; f; f = next) {
        next = f->links[kind].next;
        if (!let_go(t, f, now) && start(t, slot, f, waits_for_others(t, f, now), now)) {
            read_queue_note_turn(&t->queue, kind);
            return true;
        }
    }
    return false;
}

static bool start_fair(struct tailer *t, struct slot *slot, uint64_t now)
{
    enum file_list_kind first = read_queue_fair(&t->queue);
    return start_first_of(t, slot, first, now) ||
           start_first_of(t, slot, first == LIST_QUEUED ? LIST_CHECKED : LIST_QUEUED, now);
}

/* The first of an order that has it; where that one must wait, all of its order do. */
static bool start_ordered(struct tailer *t, struct slot *slot, uint64_t now)
{
    const struct file *waits = NULL, *passed = NULL;
    struct file *next;
    for (struct file *f = file_table_list(t->table, LIST_ORDERED)->first; f; f = next) {
        next = f->links[LIST_ORDERED].next;
        if (let_go(t, f, now))
            continue;
        if (passed && t->options.once && passed->source.input != f->source.input)
            break;
        bool for_others = waits_for_others(t, f, now);
        if (!for_others && waits && read_queue_is_one_order(&t->queue, waits, f))
            continue;
        if (start(t, slot, f, for_others, now))
            return true;
        if (for_others) { /* those that it waits for are of its input, and may stand behind it */
            passed = f;
            continue;
        }
        waits = f;
        if (t->options.once)
            break;
    }
    return false;
}

static void configure_free_slots(struct tailer *t)
{
    for (size_t i = 0; i < t->slot_count; i++) {
        if (slot_is_free(&t->slots[i]))
            slot_configure(&t->slots[i]); /* else, and on lack of memory, before its next job */
    }
}

/* Twice where the first look says that a file is to be checked that it has passed already. */
static bool start_any(struct tailer *t, struct slot *slot, uint64_t now)
{
    t->queue.check_wanted = false;
    if (start_fair(t, slot, now) || start_ordered(t, slot, now))
        return true;
    return t->queue.check_wanted && (start_fair(t, slot, now) || start_ordered(t, slot, now));
}

void tailer_read_more(struct tailer *t, uint64_t now)
{
    t->queue.awaited = NULL;
    configure_free_slots(t);
    for (size_t i = 0; i < t->slot_count && !t->stopping; i++) {
        struct slot *slot = &t->slots[i];
        if (slot_is_free(slot) && slot->config == t->config && !start_any(t, slot, now) && !read_ahead_start(t, slot))
            return;
    }
}

static struct slot *next_returned(struct tailer *t)
{
    for (size_t i = 0; i < t->slot_count; i++) {
        if (t->slots[i].returned && t->slots[i].file)
            return &t->slots[i];
    }
    return NULL;
}

static void take_results(struct tailer *t, uint64_t now)
{
    if (t->holding && now < t->hold_until)
        return;
    if (t->holding) { /* before all others: what was joined of it is not in its ledger yet */
        struct slot *slot = t->holding;
        t->holding = NULL;
        tailer_on_outcome(slot, now);
    }
    struct slot *slot;
    while (!t->holding && (slot = next_returned(t))) {
        slot->returned = false;
        if (slot->file->reading.drop)
            slot_release(slot);
        else
            tailer_on_outcome(slot, now);
    }
}

static void wake_due(struct tailer *t, uint64_t now)
{
    struct file *next;
    for (struct file *f = file_table_list(t->table, LIST_TIMED)->first; f; f = next) {
        next = f->links[LIST_TIMED].next;
        if (f->reading.wake_at > now)
            continue;
        file_delist(f, LIST_TIMED);
        f->reading.wake_at = 0;
        file_table_visit(t->table, f);
    }
}

void tailer_follow_changes(struct tailer *t, uint64_t now)
{
    struct file *f;
    if (t->stopping)
        return;
    t->now = now;
    end_recovery(t);
    take_results(t, now);
    wake_due(t, now);
    while ((f = file_table_next_change(t->table))) {
        if (t->options.once && f->reading.limit == UINT64_MAX && f->place == FILE_PRESENT)
            f->reading.limit = f->size; /* as it was found */
        tailer_note_behind(f, now);
        if (f->reading.in_job)
            f->reading.again = true;
        else
            read_queue_add_unsorted(&t->queue, f);
    }
    read_queue_sort(&t->queue);
    open_files_close_idle(&t->open, t->config, now);
}

uint64_t tailer_deadline(const struct tailer *t)
{
    uint64_t at = t->open.close_at;
    if (t->holding && t->hold_until < at)
        at = t->hold_until;
    for (const struct file *f = file_table_list(t->table, LIST_TIMED)->first; f; f = f->links[LIST_TIMED].next) {
        if (f->reading.wake_at < at)
            at = f->reading.wake_at;
    }
    return at;
}

/* ---- ends, reload ---- */

void tailer_read_to_present_end(struct tailer *t)
{
    t->finishing = t->queue.finishing = true;
    for (struct file *f = file_table_list(t->table, LIST_OPEN)->first; f; f = f->links[LIST_OPEN].next)
        file_table_visit(t->table, f);
}

bool tailer_is_idle(const struct tailer *t)
{
    return t->busy == 0;
}

bool tailer_is_working(const struct tailer *t)
{
    for (size_t i = 0; i < t->slot_count; i++) {
        if (t->slots[i].file)
            return true;
    }
    return false;
}

/* Whether a file waits for a moment that decides whether there is more to read. */
static bool is_undecided(const struct file *f)
{
    return f->reading.shorter_since || f->reading.held_until;
}

bool tailer_is_done(const struct tailer *t)
{
    if (tailer_is_working(t) || !read_queue_is_empty(t->table) || file_table_list(t->table, LIST_CHANGED)->first)
        return false;
    if (!t->options.once || t->finishing)
        return t->finishing;
    for (const struct file *f = file_table_list(t->table, LIST_TIMED)->first; f; f = f->links[LIST_TIMED].next) {
        if (is_undecided(f))
            return false;
    }
    return !file_table_is_searching(t->table);
}

void tailer_progress(const struct tailer *t, uint64_t *ret_read, uint64_t *ret_total)
{
    uint64_t read = 0, total = 0;
    for (const struct file *f = file_table_first(t->table); f; f = file_table_next(f)) {
        if (f->place == FILE_PARTED || !tailer_follows(t, f))
            continue;
        uint64_t end = f->reading.limit < f->size ? f->reading.limit : f->size;
        total += end;
        uint64_t offset = !f->gz ? file_offset(f) : f->gz_end.size == f->size ? end : 0;
        read += offset < end ? offset : end;
    }
    *ret_read = read;
    *ret_total = total;
}

static void requeue(struct tailer *t, struct file *f)
{
    read_queue_remove(f);
    file_table_visit(t->table, f);
}

bool tailer_configure(struct tailer *t, const struct config *config, const struct scan_rules *rules)
{
    t->config = t->queue.config = config;
    t->rules = rules;
    read_ahead_drop_all(t);
    while (file_table_list(t->table, LIST_ORDERED)->first) /* the order may be another now */
        requeue(t, file_table_list(t->table, LIST_ORDERED)->first);
    configure_free_slots(t);
    return true;
}

bool tailer_is_configured(const struct tailer *t)
{
    for (size_t i = 0; i < t->slot_count; i++) {
        if (t->slots[i].config != t->config)
            return false;
    }
    return true;
}
