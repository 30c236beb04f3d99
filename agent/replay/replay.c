/* The happy path: at the end of each turn of the loop letters are read as far as there is room for their calls, batches
 * are sealed and sent, and what failed again is appended to the dead-letter file, until all files are read to the sizes
 * they had at the start and every call is settled.
 * What can go wrong: a line is no dead letter (it is said, the others go on, exit code 1); a file cannot be read on
 * (what was read is delivered, exit code 1); the server cannot be reached or pauses us (we wait); a signal or --timeout
 * (no more is read; after a signal what was read is delivered for shutdown_timeout). Nothing is remembered between two
 * runs: the next one sends all of it again, with the same ids. */
#include "replay/replay.h"

#include "cli/command.h"
#include "cli/progress.h"
#include "deliver/curl_transport.h"
#include "deliver/dead_letters.h"
#include "deliver/uploader.h"
#include "limits.h"
#include "line_sums.h"
#include "replay/letter_files.h"
#include "replay/letter_queues.h"

#include <assert.h>
#include <signal.h>
#include <unistd.h>
#include <uv.h>

enum { REPORT_MS = 10000, PROGRESS_MS = 100, MEMORY_AGAIN_MS = 1000 };

enum stage {
    STAGE_READING,
    STAGE_DELIVERING, /* no more is read */
    STAGE_ENDING,     /* nothing more is sent; a write that is under way ends */
    STAGE_CLOSING,
};

struct replay {
    struct config *config;
    const struct replay_options *options;
    struct log *log;
    struct metrics *metrics;

    uv_loop_t loop;
    uv_prepare_t turn_end;
    uv_timer_t wake;
    uv_signal_t terminate, interrupt;

    struct letter_files letters;
    struct letter_intake *intake;
    struct letter_queues queues;
    struct delivery *delivery;
    struct curl_transport *transport;
    struct uploader *uploader;
    struct dead_letters *dead_letters;
    struct progress progress;

    enum stage stage;
    uint64_t stage_ends, give_up_at; /* UINT64_MAX: no end */
    uint64_t read_again_at;          /* after lack of memory */
    uint64_t report_at;
    bool more_to_read; /* at once */
    bool cut_short, failed;
};

/* ---- Reading ---------------------------------------------------------------------------------------------------- */

static void end_reading(struct replay *r)
{
    r->stage = STAGE_DELIVERING;
    r->more_to_read = false;
}

/* What is not as it should be with the line that was just looked at. */
static void say(struct replay *r, const struct letter_seen *seen)
{
    if (seen->bad) {
        r->failed = true;
        log_event(r->log, LOG_ERROR, "replay.bad", "a dead letter cannot be sent again", LOG_TEXT("file", seen->file),
                  LOG_UINT("line", seen->line), LOG_TEXT("reason", seen->bad), LOG_END);
    }
    if (seen->no_destination.len)
        log_event(r->log, LOG_ERROR, "replay.destination",
                  "a dead letter's destination is not in the configuration: it stays a dead letter",
                  LOG_TEXT("file", seen->file), LOG_UINT("line", seen->line),
                  LOG_SLICE("destination", seen->no_destination), LOG_END);
}

/* So much at once that the loop still turns. */
static void read_more(struct replay *r, uint64_t now)
{
    uint64_t enough = r->queues.bytes_seen + LIMIT_READ;
    r->more_to_read = false;
    if (now < r->read_again_at)
        return;
    struct letter_seen seen;
    struct error error;
    enum letter_step step;
    while ((step = letter_queues_step(&r->queues, now, &seen, &error)) == LETTERS_STEPPED) {
        say(r, &seen);
        if (r->queues.bytes_seen >= enough) {
            r->more_to_read = true;
            return;
        }
    }
    if (step == LETTERS_UNREADABLE) {
        log_event(r->log, LOG_ERROR, "", error.text, LOG_END);
        r->failed = true;
    }
    if (step == LETTERS_UNREADABLE || step == LETTERS_ALL_TAKEN)
        end_reading(r);
    else if (step == LETTERS_WAIT_FOR_MEMORY)
        r->read_again_at = now + MEMORY_AGAIN_MS;
}

/* ---- Ending ----------------------------------------------------------------------------------------------------- */

static void on_transport_stopped(void *context)
{
    (void)context; /* the loop ends when nothing is left in it */
}

static void close_parts(struct replay *r)
{
    r->stage = STAGE_CLOSING;
    curl_transport_stop(r->transport, on_transport_stopped, NULL);
    uv_close((uv_handle_t *)&r->terminate, NULL);
    uv_close((uv_handle_t *)&r->interrupt, NULL);
    uv_close((uv_handle_t *)&r->wake, NULL);
    uv_close((uv_handle_t *)&r->turn_end, NULL);
}

static void advance_stage(struct replay *r, uint64_t now)
{
    if (now >= r->give_up_at && r->stage < STAGE_ENDING) {
        log_event(r->log, LOG_ERROR, "", "the time given with --timeout is over", LOG_END);
        r->cut_short = true;
        r->stage_ends = now;
        end_reading(r);
    }
    if (r->stage == STAGE_DELIVERING && (now >= r->stage_ends || delivery_is_drained(r->delivery))) {
        uploader_cancel_all(r->uploader);
        r->stage = STAGE_ENDING;
    }
    if (r->stage == STAGE_ENDING && dead_letters_is_idle(r->dead_letters))
        close_parts(r);
}

static void say_end(const struct replay *r)
{
    struct line_sums sums = metrics_line_sums(r->metrics);
    line_sums_say(r->log, r->cut_short ? "ended before its end" : "done", &sums, &(struct line_sums){0}, NULL);
}

static void on_stop_signal(uv_signal_t *handle, int number)
{
    struct replay *r = handle->data;
    if (r->cut_short) {
        log_event(r->log, LOG_WARN, "", "second signal: ends at once", LOG_UINT("signal", number), LOG_END);
        log_held_back(r->log);
        say_end(r);
        _exit(EXIT_FAILED);
    }
    log_event(r->log, LOG_INFO, "", "stopping", LOG_TEXT("signal", number == SIGTERM ? "SIGTERM" : "SIGINT"), LOG_END);
    r->cut_short = true;
    r->stage_ends = uv_now(&r->loop) + r->config->upload.shutdown_timeout_ms;
    if (r->stage == STAGE_READING)
        end_reading(r);
}

/* ---- The turn --------------------------------------------------------------------------------------------------- */

static struct progress_state how_far(const struct replay *r)
{
    return (struct progress_state){.bytes_read = r->queues.bytes_settled,
                                   .bytes_total = r->letters.bytes_total,
                                   .calls_delivered = metrics_calls_delivered(r->metrics)};
}

static void report(struct replay *r, uint64_t now)
{
    if (r->options->progress) {
        struct progress_state state = how_far(r);
        progress_update(&r->progress, &state, now);
    } else if (now >= r->report_at) {
        struct line_sums sums = metrics_line_sums(r->metrics);
        r->report_at = now + REPORT_MS;
        line_sums_say(r->log, "so far", &sums, &(struct line_sums){0}, NULL);
    }
}

static void on_wake(uv_timer_t *handle)
{
    (void)handle; /* it only ends the sleep: the turn's end looks at everything */
}

static void wake_in_time(struct replay *r, uint64_t now)
{
    const uint64_t deadlines[] = {delivery_deadline(r->delivery, now),
                                  dead_letters_deadline(r->dead_letters),
                                  r->options->progress ? now + PROGRESS_MS : r->report_at,
                                  r->stage_ends,
                                  r->give_up_at,
                                  r->more_to_read          ? now
                                  : now < r->read_again_at ? r->read_again_at
                                                           : UINT64_MAX};
    uint64_t at = UINT64_MAX;
    for (size_t i = 0; i < sizeof deadlines / sizeof *deadlines; i++)
        at = deadlines[i] < at ? deadlines[i] : at;
    uv_timer_start(&r->wake, on_wake, at > now ? at - now : 0, 0);
}

static void on_turn_end(uv_prepare_t *handle)
{
    struct replay *r = handle->data;
    uint64_t now = uv_now(&r->loop);
    if (r->stage == STAGE_READING)
        read_more(r, now);
    if (r->stage < STAGE_ENDING) {
        delivery_seal_due(r->delivery, now, r->stage == STAGE_DELIVERING);
        dead_letters_write_waiting(r->dead_letters, now);
        uploader_send_waiting(r->uploader, now);
    }
    advance_stage(r, now);
    if (r->stage == STAGE_CLOSING)
        return;
    report(r, now);
    wake_in_time(r, now);
}

/* ---- Starting --------------------------------------------------------------------------------------------------- */

/* Every identify call is sent, however like the last; nothing is deleted for its age; and a kept line that fails again
 * is kept again. */
static void adapt(struct config *config)
{
    config->identify_cache = 0;
    config->dead_letter_max_age_ms = 0;
    config->dead_letter_lines = true;
}

static bool build_parts(struct replay *r, struct error *e)
{
    char host[256] = "";
    gethostname(host, sizeof host - 1);
    if (!letter_files_open(&r->letters, r->options->files, r->options->file_count, e))
        return false;
    r->transport = curl_transport_start(&r->loop, e);
    if (!r->transport)
        return false;
    error_set(e, "out of memory");
    r->metrics = metrics_new();
    if (r->metrics)
        r->delivery = delivery_new(r->config, r->metrics, r->log);
    if (r->delivery)
        r->intake = letter_intake_new(r->config, r->delivery, r->metrics, slice_from(host));
    if (r->intake && letter_queues_init(&r->queues, &r->letters, r->intake))
        r->uploader = uploader_new(&r->loop, r->delivery, curl_transport_seam(r->transport), r->log);
    if (r->uploader && uploader_configure(r->uploader, r->config))
        r->dead_letters = dead_letters_new(&r->loop, r->options->state_dir, r->delivery, r->metrics, r->log);
    if (r->dead_letters)
        dead_letters_configure(r->dead_letters, r->config);
    return r->dead_letters != NULL;
}

static void listen_for(struct replay *r, uv_signal_t *handle, int number)
{
    uv_signal_init(&r->loop, handle);
    handle->data = r;
    uv_signal_start(handle, on_stop_signal, number);
}

static void run_loop(struct replay *r)
{
    listen_for(r, &r->terminate, SIGTERM);
    listen_for(r, &r->interrupt, SIGINT);
    uv_timer_init(&r->loop, &r->wake);
    uv_prepare_init(&r->loop, &r->turn_end);
    r->turn_end.data = r;
    uv_prepare_start(&r->turn_end, on_turn_end);

    uint64_t now = uv_now(&r->loop);
    r->stage_ends = UINT64_MAX;
    r->give_up_at = r->options->timeout_ms ? now + r->options->timeout_ms : UINT64_MAX;
    r->report_at = now + REPORT_MS;
    progress_init(&r->progress, r->options->progress ? STDERR_FILENO : -1, now);
    if (r->options->progress)
        log_before_line(r->log, progress_clear, &r->progress);
    uv_run(&r->loop, UV_RUN_DEFAULT);

    struct progress_state state = how_far(r);
    if (r->options->progress)
        progress_end(&r->progress, &state, uv_now(&r->loop));
    log_before_line(r->log, NULL, NULL);
    log_held_back(r->log);
}

static void release(struct replay *r)
{
    uploader_free(r->uploader);
    dead_letters_free(r->dead_letters);
    if (r->intake)
        letter_queues_release(&r->queues);
    letter_intake_free(r->intake);
    delivery_free(r->delivery);
    letter_files_release(&r->letters);
    metrics_free(r->metrics);
    config_free(r->config);
}

static int exit_code(const struct replay *r)
{
    if (r->cut_short || r->failed)
        return EXIT_FAILED;
    return delivery_dead_lettered(r->delivery) ? EXIT_DEAD_LETTERS : EXIT_DONE;
}

int replay_run(struct config *config, const struct replay_options *options, struct log *log)
{
    struct replay r = {.config = config, .options = options, .log = log};
    struct error error;
    int code = EXIT_FAILED;
    signal(SIGPIPE, SIG_IGN);
    uv_loop_init(&r.loop);
    adapt(config);
    if (build_parts(&r, &error)) {
        run_loop(&r);
        code = exit_code(&r);
        say_end(&r);
    } else {
        log_event(log, LOG_ERROR, "", error.text, LOG_END);
        if (r.transport)
            curl_transport_stop(r.transport, on_transport_stopped, NULL);
        uv_run(&r.loop, UV_RUN_DEFAULT);
    }
    release(&r);
    if (uv_loop_close(&r.loop) != 0)
        log_event(log, LOG_DEBUG, "", "the loop was left with open handles", LOG_END);
    return code;
}
