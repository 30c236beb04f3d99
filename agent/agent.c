/* Wires the parts together and decides, at the end of each turn of the loop, what happens next.
 *
 * The happy path: start() takes the lock, reads the checkpoint and builds the parts; from then on callbacks only record
 * what happened, and on_turn_end() looks at the state and does what follows from it, until everything is read,
 * delivered and saved (--once) or a signal comes.
 * Stopping is the same function with reading bounded: STAGE_LAST_WORDS goes on following for shutdown_follow,
 * STAGE_DRAINING reads to the present end and delivers for shutdown_timeout at most, STAGE_SAVING writes the checkpoint
 * once more, STAGE_CLOSING closes what owns handles, until the loop has nothing left.
 * What can go wrong: the parts say so themselves and go on; only what makes a start impossible ends the agent. */
#include "agent_internal.h"

#include "limits.h"
#include "sandbox/sandbox.h"

#include <assert.h>
#include <malloc.h>
#include <signal.h>
#include <unistd.h>

enum {
    PROGRESS_MS = 100,
    SAVES_APART_MS = 100, /* where calls wait for one */
};

/* ---- What is said ----------------------------------------------------------------------------------------------- */

static void show_progress(struct agent *a, uint64_t now)
{
    if (!a->options->progress)
        return;
    struct progress_state state = {0};
    tailer_progress(a->tailer, &state.bytes_read, &state.bytes_total);
    state.calls_delivered = metrics_calls_delivered(a->metrics);
    progress_update(&a->progress, &state, now);
}

/* ---- The checkpoint --------------------------------------------------------------------------------------------- */

static void on_checkpoint_record(void *context, const struct journal_record *record)
{
    struct agent *a = context;
    bool ok = true;
    switch (record->kind) {
    case JOURNAL_FILE:
        ok = file_table_restore(a->files, &record->entry);
        break;
    case JOURNAL_INPUT:
        ok = file_table_restore_input(a->files, record->input);
        break;
    case JOURNAL_URL:
        if (!slice_is(record->url, a->config->destinations[0].url))
            log_event(a->log, LOG_WARN, "",
                      "the checkpoint was delivered to another URL; what it covers is not sent again",
                      LOG_SLICE("then", record->url), LOG_TEXT("now", a->config->destinations[0].url), LOG_END);
        break;
    case JOURNAL_FORGET:
    case JOURNAL_TOGETHER:
        break;
    }
    if (!ok)
        log_event(a->log, LOG_ERROR, "checkpoint.memory", "no memory to restore a file from the checkpoint", LOG_END);
}

static void on_saved(void *context, bool ok)
{
    struct agent *a = context;
    file_table_saved(a->files, ok);
    delivery_note_save_ended(a->delivery);
    if (ok) {
        uv_timeval64_t wall;
        uv_gettimeofday(&wall);
        a->metrics->checkpoint_saved_ms = wall.tv_sec * 1000 + wall.tv_usec / 1000;
    }
    a->last_save_ok = ok;
    a->saved_once = true;
    a->last_save_done = a->stage == STAGE_SAVING && (!ok || !file_table_has_unsaved(a->files));
}

static void save(struct agent *a, uint64_t now)
{
    struct buffer records;
    buffer_init(&records, LIMIT_CHECKPOINT_FILE);
    bool fold = checkpoint_wants_fold(a->checkpoint);
    if (fold)
        journal_write(&records,
                      &(struct journal_record){.kind = JOURNAL_URL, .url = slice_from(a->config->destinations[0].url)});
    a->save_at = now + a->config->checkpoint_interval_ms;
    a->saved_at = now;
    delivery_note_save_begins(a->delivery);
    if (!file_table_save(a->files, fold, &records) || records.failed) {
        buffer_release(&records);
        on_saved(a, false);
        return;
    }
    if (fold)
        checkpoint_fold(a->checkpoint, &records);
    else
        checkpoint_append(a->checkpoint, &records);
}

/* When the next save is due, if there is something to be saved. */
static uint64_t next_save_at(const struct agent *a)
{
    uint64_t soon = a->saved_at + SAVES_APART_MS;
    return delivery_wants_save(a->delivery) && soon < a->save_at ? soon : a->save_at;
}

/* Files that moved are saved once in an interval, and sooner where calls wait for it; a file that has no entry yet
 * holds its calls back and is saved now. */
static void save_if_due(struct agent *a, uint64_t now)
{
    if (!checkpoint_may_save(a->checkpoint) || !file_table_has_unsaved(a->files))
        return;
    if (now >= next_save_at(a) || a->stage == STAGE_SAVING || file_table_is_save_urgent(a->files))
        save(a, now);
}

/* What is waited for may be saved already. */
static void note_all_is_saved(struct agent *a)
{
    if (!delivery_wants_save(a->delivery) || !checkpoint_may_save(a->checkpoint) || file_table_has_unsaved(a->files))
        return;
    delivery_note_save_begins(a->delivery);
    delivery_note_save_ended(a->delivery);
}

/* ---- Stopping --------------------------------------------------------------------------------------------------- */

static void closed_one(void *context)
{
    struct agent *a = context;
    a->parts_open--;
}

static void on_handle_closed(uv_handle_t *handle)
{
    closed_one(handle->data);
}

static void close_handle(struct agent *a, uv_handle_t *handle)
{
    handle->data = a;
    a->parts_open++;
    uv_close(handle, on_handle_closed);
}

static void close_parts(struct agent *a)
{
    a->stage = STAGE_CLOSING;
    a->parts_open += 4;
    admin_stop(a->admin, closed_one, a);
    watcher_stop(a->watcher, closed_one, a);
    tailer_stop(a->tailer, closed_one, a);
    curl_transport_stop(a->transport, closed_one, a);
    close_handle(a, (uv_handle_t *)&a->terminate);
    close_handle(a, (uv_handle_t *)&a->interrupt);
    close_handle(a, (uv_handle_t *)&a->hangup);
    close_handle(a, (uv_handle_t *)&a->wake);
    close_handle(a, (uv_handle_t *)&a->turn_end);
}

static void begin_draining(struct agent *a, uint64_t now)
{
    a->stage = STAGE_DRAINING;
    a->stage_ends = now + a->config->upload.shutdown_timeout_ms;
    watcher_scan_now(a->watcher);
}

/* What was written before the stop began is found by one more walk. */
static void bound_reading(struct agent *a)
{
    if (a->stage != STAGE_DRAINING || a->reading_is_bounded || !watcher_is_current(a->watcher))
        return;
    a->reading_is_bounded = true;
    tailer_read_to_present_end(a->tailer);
}

static bool everything_is_read(const struct agent *a)
{
    bool ends = a->reading_is_bounded || (a->options->once && a->stage == STAGE_RUNNING);
    return ends && watcher_walks(a->watcher) > 0 && tailer_is_done(a->tailer) && tailer_is_idle(a->tailer);
}

/* --once has come to its end: what is still open will not be added to. A stop ends no record. */
static bool is_at_end(const struct agent *a)
{
    return a->options->once && a->stage == STAGE_RUNNING && everything_is_read(a);
}

static bool is_drained(const struct agent *a)
{
    return everything_is_read(a) && delivery_is_drained(a->delivery) && (!is_at_end(a) || merging_is_done(a->merging));
}

static void advance_stage(struct agent *a, uint64_t now)
{
    if (a->stage == STAGE_RUNNING && a->give_up_at && now >= a->give_up_at) {
        log_event(a->log, LOG_ERROR, "", "the time given with --timeout is over", LOG_END);
        a->why_it_ends = "--timeout";
        a->cut_short = true;
        begin_draining(a, now);
        a->stage_ends = now;
    }
    if (a->stage == STAGE_LAST_WORDS && now >= a->stage_ends)
        begin_draining(a, now);

    bool over = a->stage == STAGE_DRAINING && now >= a->stage_ends;
    if (over || (a->stage < STAGE_SAVING && is_drained(a))) {
        uploader_cancel_all(a->uploader); /* what is in flight is read again at the next start */
        a->stage = STAGE_SAVING;
        a->last_save_done = !file_table_has_unsaved(a->files) && checkpoint_may_save(a->checkpoint);
        a->last_save_ok |= a->last_save_done;
    }
    if (a->stage == STAGE_SAVING && a->last_save_done && tailer_is_idle(a->tailer) &&
        dead_letters_is_idle(a->dead_letters))
        close_parts(a);
}

static void on_reload_signal(uv_signal_t *handle, int number)
{
    struct agent *a = handle->data;
    (void)number;
    a->reload_wanted = true;
}

static void on_stop_signal(uv_signal_t *handle, int number)
{
    struct agent *a = handle->data;
    if (a->stage != STAGE_RUNNING) {
        log_event(a->log, LOG_WARN, "", "second signal: ends at once", LOG_UINT("signal", number), LOG_END);
        log_held_back(a->log);
        a->why_it_ends = "second signal";
        agent_say_end(a);
        _exit(1);
    }
    uint64_t now = uv_now(&a->loop);
    log_event(a->log, LOG_INFO, "", "stopping", LOG_TEXT("signal", number == SIGTERM ? "SIGTERM" : "SIGINT"), LOG_END);
    notify_say(&a->notify, "STOPPING=1");
    a->why_it_ends = number == SIGTERM ? "SIGTERM" : "SIGINT";
    a->cut_short = true;
    a->stage = STAGE_LAST_WORDS;
    a->stage_ends = now + (a->options->once ? 0 : a->config->upload.shutdown_follow_ms);
}

/* ---- The turn --------------------------------------------------------------------------------------------------- */

static void on_wake(uv_timer_t *handle)
{
    (void)handle; /* it only ends the sleep: the turn's end looks at everything */
}

static uint64_t earlier(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

static void wake_in_time(struct agent *a, uint64_t now)
{
    uint64_t at = UINT64_MAX;
    if (a->stage < STAGE_SAVING) { /* else nothing is read or sent any more */
        at = earlier(delivery_deadline(a->delivery, now), tailer_deadline(a->tailer));
        at = earlier(at, merging_deadline(a->merging, now));
        at = earlier(at, earlier(watcher_deadline(a->watcher), dead_letters_deadline(a->dead_letters)));
    }
    if (file_table_has_unsaved(a->files) && checkpoint_may_save(a->checkpoint))
        at = earlier(at, next_save_at(a));
    at = earlier(at, agent_report_deadline(a));
    at = earlier(at, config_watch_deadline(&a->config_watch));
    if (a->options->progress)
        at = earlier(at, now + PROGRESS_MS);
    if (a->stage == STAGE_LAST_WORDS || a->stage == STAGE_DRAINING)
        at = earlier(at, a->stage_ends);
    if (a->give_up_at && a->stage == STAGE_RUNNING)
        at = earlier(at, a->give_up_at);
    if (at == UINT64_MAX)
        uv_timer_stop(&a->wake);
    else
        uv_timer_start(&a->wake, on_wake, at > now ? at - now : 0, 0);
}

static void on_taken(void *context, const struct chunk *chunk, const struct config *config, struct slice file)
{
    const struct agent *a = context;
    admin_tell_taken(a->admin, chunk, config, file);
}

/* Runs once per turn of the loop, before it sleeps. The order matters: first what changes the state on the spot (a
 * batch is sealed, settled calls free room), then what only starts work. Started work wakes the loop when it ends, so
 * nothing due is left lying when we sleep. */
static void on_turn_end(uv_prepare_t *handle)
{
    struct agent *a = handle->data;
    uint64_t now = uv_now(&a->loop);

    agent_reload_if_wanted(a, now);
    if (a->stage < STAGE_SAVING) {
        watcher_scan_if_due(a->watcher, now); /* what scans and jobs have brought … */
        bound_reading(a);
        tailer_follow_changes(a->tailer, now);
        merging_turn(a->merging, a->tailer, is_at_end(a), (struct merging_teller){on_taken, a}, now);
        delivery_seal_due(a->delivery, now, everything_is_read(a));
        dead_letters_write_waiting(a->dead_letters, now);
        note_all_is_saved(a);
        uploader_send_waiting(a->uploader, now);
        tailer_read_more(a->tailer, now); /* … and the next ones */
    }
    advance_stage(a, now);
    if (a->stage == STAGE_CLOSING)
        return;
    agent_report_if_due(a, now);
    show_progress(a, now);
    save_if_due(a, now);
    wake_in_time(a, now);
}

/* ---- What the admin endpoint sees -------------------------------------------------------------------------------- */

static const struct config *config_in_force(void *context)
{
    const struct agent *a = context;
    return a->config;
}

const char *agent_state_trouble(const struct agent *a)
{
    const char *trouble = checkpoint_trouble(a->checkpoint);
    return trouble ? trouble : dead_letters_trouble(a->dead_letters);
}

const char *agent_not_ready(struct agent *a)
{
    const char *paused = delivery_paused(a->delivery);
    const char *checkpoint = checkpoint_trouble(a->checkpoint), *letters = dead_letters_trouble(a->dead_letters);
    if (!checkpoint && a->saved_once && !a->last_save_ok)
        checkpoint = "out of memory";
    if (a->stage != STAGE_RUNNING)
        return "stopping";
    if (checkpoint)
        snprintf(a->why_not_ready, sizeof a->why_not_ready, "the checkpoint cannot be written: %s", checkpoint);
    else if (letters)
        snprintf(a->why_not_ready, sizeof a->why_not_ready, "dead letters cannot be written: %s", letters);
    else if (paused)
        snprintf(a->why_not_ready, sizeof a->why_not_ready, "uploading is paused: %s, %s",
                 delivery_paused_destination(a->delivery), paused);
    return checkpoint || letters || paused ? a->why_not_ready : NULL;
}

static void measure(void *context)
{
    const struct agent *a = context;
    file_table_measure(a->files, uv_now(&a->loop));
}

static const char *not_ready(void *context)
{
    return agent_not_ready(context);
}

/* ---- Starting --------------------------------------------------------------------------------------------------- */

static bool open_state(struct agent *a, struct error *e)
{
    if (!lock_take(&a->lock, a->options->state_dir, e))
        return false;
    bool nothing_left;
    struct checkpoint_callbacks callbacks = {.on_saved = on_saved, .context = a};
    a->checkpoint =
        checkpoint_open(&a->loop, a->options->state_dir, a->log, on_checkpoint_record, a, callbacks, &nothing_left, e);
    if (!a->checkpoint)
        return false;
    if (nothing_left)
        file_table_read_from_beginning(a->files);
    return true;
}

static bool build_parts(struct agent *a, struct error *e)
{
    a->delivery = delivery_new(a->config, a->metrics, a->log);
    if (a->delivery)
        a->merging = merging_new(a->config, a->delivery, a->metrics, a->log, slice_from(a->host));
    const struct tailer_options reading = {.take = merging_take,
                                           .take_context = a->merging,
                                           .once = a->options->once,
                                           .host = slice_from(a->host),
                                           .on_taken = on_taken,
                                           .on_taken_context = a};
    a->transport = curl_transport_start(&a->loop, e);
    if (!a->transport)
        return false;
    if (a->merging && merging_recover(a->merging, a->files))
        a->uploader = uploader_new(&a->loop, a->delivery, curl_transport_seam(a->transport), a->log);
    if (a->uploader && uploader_configure(a->uploader, a->config))
        a->dead_letters = dead_letters_new(&a->loop, a->options->state_dir, a->delivery, a->metrics, a->log);
    if (a->dead_letters) {
        dead_letters_configure(a->dead_letters, a->config);
        a->watcher = watcher_new(&a->loop, a->config, a->scan_rules, a->files, a->log);
    }
    if (a->watcher)
        a->tailer = tailer_new(&a->loop, a->config, a->scan_rules, a->files, a->delivery, a->metrics, a->log, &reading);
    if (!a->tailer)
        error_set(e, "out of memory");
    return a->tailer != NULL;
}

static bool start(struct agent *a, struct error *e)
{
    a->metrics = metrics_new();
    if (!a->metrics || !agent_begin_series(a->metrics, a->config)) {
        error_set(e, "out of memory");
        return false;
    }
    a->scan_rules = scan_rules_new(a->config);
    if (a->scan_rules)
        a->files = file_table_new(a->config, a->scan_rules, a->metrics, a->log);
    if (!a->files) {
        error_set(e, "out of memory");
        return false;
    }
    if (!open_state(a, e) || !build_parts(a, e))
        return false;
    const struct admin_sight sight = {.context = a,
                                      .metrics = a->metrics,
                                      .files = a->files,
                                      .delivery = a->delivery,
                                      .config = config_in_force,
                                      .not_ready = not_ready,
                                      .reload = agent_reload_on_request,
                                      .measure = measure};
    a->admin = admin_start(&a->loop, a->options->state_dir, a->config, &sight, a->log, e);
    return a->admin != NULL;
}

static void listen_for(struct agent *a, uv_signal_t *handle, int number, uv_signal_cb on_signal)
{
    uv_signal_init(&a->loop, handle);
    handle->data = a;
    uv_signal_start(handle, on_signal, number);
}

void agent_hold_signals(bool hold)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGHUP);
    pthread_sigmask(hold ? SIG_BLOCK : SIG_UNBLOCK, &set, NULL);
}

static void open_handles(struct agent *a)
{
    listen_for(a, &a->terminate, SIGTERM, on_stop_signal);
    listen_for(a, &a->interrupt, SIGINT, on_stop_signal);
    listen_for(a, &a->hangup, SIGHUP, on_reload_signal);
    agent_hold_signals(false);
    uv_timer_init(&a->loop, &a->wake);
    a->wake.data = a;
    uv_prepare_init(&a->loop, &a->turn_end);
    a->turn_end.data = a;
    uv_prepare_start(&a->turn_end, on_turn_end);
}

/* False: it may not run unconfined; the reason is in the log. */
static bool run_loop(struct agent *a)
{
    struct error error;
    uint64_t now = uv_now(&a->loop);
    open_handles(a);
    if (!sandbox_enter(a->config, a->options->state_dir, a->log, &error)) { /* no thread runs yet */
        log_event(a->log, LOG_ERROR, "", error.text, LOG_END);
        close_parts(a);
        uv_run(&a->loop, UV_RUN_DEFAULT);
        return false;
    }
    if (!config_watch_init(&a->config_watch, a->config, now))
        log_event(a->log, LOG_ERROR, "", "no memory to watch the configuration", LOG_END);
    progress_init(&a->progress, a->options->progress ? STDERR_FILENO : -1, now);
    if (a->options->progress)
        log_before_line(a->log, progress_clear, &a->progress);
    a->give_up_at = a->options->timeout_ms ? now + a->options->timeout_ms : 0;
    log_event(a->log, LOG_INFO, "", "started", LOG_TEXT("version", RAINGAUGE_VERSION),
              LOG_TEXT("config", a->config->path), LOG_TEXT("state", a->options->state_dir),
              LOG_UINT("inputs", a->config->input_count), LOG_UINT("rules", a->config->rules.count), LOG_END);
    agent_begin_reports(a, now);
    uv_run(&a->loop, UV_RUN_DEFAULT);
    assert(a->parts_open == 0);
    return true;
}

/* Once its end is said, for which the files were measured. */
static int exit_code(const struct agent *a)
{
    if (!a->options->once)
        return 0;
    if (a->cut_short || !a->last_save_ok || !agent_could_read_all(a))
        return 1;
    return delivery_dead_lettered(a->delivery) ? 3 : 0;
}

static void release(struct agent *a)
{
    uploader_free(a->uploader);
    dead_letters_free(a->dead_letters);
    file_table_free(a->files);
    merging_free(a->merging);
    delivery_free(a->delivery);
    config_watch_release(&a->config_watch);
    for (size_t i = 0; i < a->retired_count; i++) {
        scan_rules_free(a->retired[i].scan_rules);
        config_free(a->retired[i].config);
    }
    free(a->retired);
    scan_rules_free(a->scan_rules);
    config_free(a->config);
    if (a->checkpoint)
        checkpoint_close(a->checkpoint);
    lock_release(&a->lock);
    metrics_free(a->metrics);
}

/* libuv makes its threads with the first work for them: a scan, a save of the checkpoint, and one of dead letters wait
 * for none of the others. A size that the user has set holds. */
static void set_threads(void)
{
    setenv("UV_THREADPOOL_SIZE", "3", 0);
}

/* What was needed for a moment, by a walk over many files or a save of all of them, goes back to the system: glibc
 * would keep as much as was ever needed at once, and that for each thread. Bodies and blocks lie outside of its heaps,
 * where smaller things would come to lie in their place. */
static void set_heap(void)
{
    mallopt(M_MMAP_THRESHOLD, KIB(256));
    mallopt(M_TRIM_THRESHOLD, KIB(256));
}

int agent_run(struct config *config, const struct agent_options *options, struct log *log)
{
    struct agent a = {.config = config, .options = options, .log = log, .lock.fd = -1};
    struct error error;
    int code = 1;

    signal(SIGPIPE, SIG_IGN);
    signal(SIGIO, SIG_IGN); /* of a lease, see file_job.c */
    set_threads();
    set_heap();
    uv_loop_init(&a.loop);
    if (gethostname(a.host, sizeof a.host - 1) != 0)
        a.host[0] = '\0';
    if (!start(&a, &error)) {
        log_event(log, LOG_ERROR, "", error.text, LOG_END);
    } else if (run_loop(&a)) {
        log_before_line(log, NULL, NULL);
        log_held_back(log);
        agent_say_end(&a);
        code = exit_code(&a);
    }
    release(&a);
    if (uv_loop_close(&a.loop) != 0)
        log_event(log, LOG_DEBUG, "", "the loop was left with open handles", LOG_END);
    return code;
}
