#include "admin/status.h"

#include "follow/file_saving.h"
#include "limits.h"
#include "sandbox/sandbox.h"
#include "json/json_writer.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

static const char *const endpoint_names[ENDPOINT_COUNT] = {"event", "signal", "identify"};

/* ---- Pieces of JSON --------------------------------------------------------------------------------------------- */

/* A comma where something stands before it in its object or array. */
static void separate(struct buffer *out)
{
    char last = out->len ? out->data[out->len - 1] : '{';
    if (last != '{' && last != '[' && last != ':')
        buffer_add_char(out, ',');
}

static void member(struct buffer *out, const char *name)
{
    separate(out);
    json_write_string(out, slice_from(name));
    buffer_add_char(out, ':');
}

static void begin(struct buffer *out, const char *name, char bracket)
{
    if (name)
        member(out, name);
    else
        separate(out);
    buffer_add_char(out, bracket);
}

static void end(struct buffer *out, char bracket)
{
    buffer_add_char(out, bracket);
}

static void add_count(struct buffer *out, const char *name, uint64_t n)
{
    member(out, name);
    buffer_printf(out, "%" PRIu64, n);
}

static void add_seconds(struct buffer *out, const char *name, double seconds)
{
    member(out, name);
    if (isnan(seconds))
        buffer_add_text(out, "null");
    else
        buffer_printf(out, "%.3f", seconds > 0 ? seconds : 0);
}

static void add_text(struct buffer *out, const char *name, const char *text)
{
    member(out, name);
    if (text)
        json_write_string(out, slice_from(text));
    else
        buffer_add_text(out, "null");
}

static void add_flag(struct buffer *out, const char *name, bool on)
{
    member(out, name);
    buffer_add_text(out, on ? "true" : "false");
}

static void add_time(struct buffer *out, const char *name, int64_t wall_ms)
{
    char date[32], stamp[48];
    time_t seconds = (time_t)(wall_ms / 1000);
    struct tm parts = {0};
    gmtime_r(&seconds, &parts);
    strftime(date, sizeof date, "%Y-%m-%dT%H:%M:%S", &parts);
    snprintf(stamp, sizeof stamp, "%s.%03dZ", date, (int)(wall_ms % 1000));
    add_text(out, name, stamp);
}

static void add_calls(struct buffer *out, const char *name, const uint64_t calls[ENDPOINT_COUNT])
{
    begin(out, name, '{');
    for (int e = 0; e < ENDPOINT_COUNT; e++)
        add_count(out, endpoint_names[e], calls[e]);
    end(out, '}');
}

static void add_reasons(struct buffer *out, const char *name, const struct reason_count *list)
{
    begin(out, name, '{');
    for (const struct reason_count *c = list; c; c = c->next)
        if (c->count)
            add_count(out, c->reason, c->count);
    end(out, '}');
}

/* ---- Inputs ----------------------------------------------------------------------------------------------------- */

static void add_lines(struct buffer *out, uint64_t read, const uint64_t lines[OUTCOME_COUNT], uint64_t held)
{
    begin(out, "lines", '{');
    add_count(out, "read", read);
    for (int o = 0; o < OUTCOME_COUNT; o++)
        add_count(out, outcome_names[o], lines[o]);
    add_count(out, "held", held);
    end(out, '}');
}

static void add_input(struct buffer *out, const struct input_metrics *in)
{
    begin(out, NULL, '{');
    add_text(out, "name", in->name);
    add_lines(out, in->lines_read, in->lines, in->lines_held);
    add_count(out, "bytes_read", in->bytes_read);
    begin(out, "bytes_lost", '{');
    for (int l = 0; l < LOSS_COUNT; l++)
        add_count(out, loss_names[l], in->bytes_lost[l]);
    end(out, '}');
    add_count(out, "nul_bytes", in->nul_bytes);
    add_count(out, "files_unreadable", in->files_unreadable);
    add_count(out, "lag_bytes", in->lag_bytes);
    add_seconds(out, "lag_seconds", in->lag_seconds);
    end(out, '}');
}

/* ---- Files ------------------------------------------------------------------------------------------------------ */

static const char *state_of(const struct file *f, uint64_t lag_bytes)
{
    if (f->unreadable)
        return "unreadable";
    if (f->place == FILE_UNSEEN)
        return "not found";
    if (f->place == FILE_UNNAMED)
        return "deleted";
    if (f->moved)
        return "renamed";
    if (lag_bytes == 0)
        return "current";
    if (f->gz || f->size > f->reading.searched_to)
        return "behind";
    return file_offset(f) > position_offset(file_committed(f)) ? "undelivered" : "unfinished line";
}

static void add_file(struct buffer *out, struct file *f, const struct status_view *view)
{
    const struct input_metrics *input = file_table_metrics(view->files, f);
    uint64_t lag_bytes = file_lag_bytes(f);
    begin(out, NULL, '{');
    add_text(out, "path", f->path);
    if (f->real_path)
        add_text(out, "location", f->real_path);
    add_text(out, "input", input ? input->name : NULL);
    add_text(out, "state", state_of(f, lag_bytes));
    add_text(out, "reason", f->unreadable ? sandbox_strerror(file_location(f), f->unreadable) : NULL);
    add_count(out, "inode", f->inode);
    add_count(out, "offset", position_offset(file_committed(f)));
    add_count(out, "read_to", file_offset(f));
    add_count(out, "size", f->size);
    add_count(out, "lag_bytes", lag_bytes);
    add_seconds(out, "lag_seconds", (double)file_lag_ms(f, view->now) / 1000);
    add_flag(out, "open", f->reading.content.fd >= 0);
    end(out, '}');
}

/* What is only remembered, for a continuation or should it come back, is left out; so is what would make the answer
 * larger than it may be. */
static void add_files(struct buffer *out, const struct status_view *view)
{
    uint64_t left_out = 0, remembered = 0;
    begin(out, "files", '[');
    for (struct file *f = file_table_first(view->files); f; f = file_table_next(f)) {
        bool at_present = f->place == FILE_PRESENT || f->place == FILE_UNNAMED || f->unreadable;
        if (!at_present)
            remembered++;
        else if (out->len > LIMIT_ADMIN_ANSWER / 2)
            left_out++;
        else
            add_file(out, f, view);
    }
    end(out, ']');
    add_count(out, "files_left_out", left_out);
    add_count(out, "files_remembered", remembered);
}

/* ---- Rules and destinations ------------------------------------------------------------------------------------- */

static void add_rule(struct buffer *out, const struct rule_metrics *r)
{
    begin(out, NULL, '{');
    add_text(out, "name", r->name);
    add_calls(out, "calls", r->calls);
    add_reasons(out, "rejected", r->rejected);
    begin(out, "filter_failures", '{');
    for (size_t f = 0; f < filter_count(); f++)
        if (r->filter_failures[f])
            add_count(out, filter_name(f), r->filter_failures[f]);
    end(out, '}');
    add_count(out, "match_limit_hits", r->match_limit_hits);
    end(out, '}');
}

/* Requests by the code of their answer, over all endpoints; "0": no answer came. */
static void add_requests(struct buffer *out, const struct destination_metrics *d)
{
    begin(out, "requests", '{');
    for (const struct code_count *c = d->requests; c; c = c->next) {
        const struct code_count *first = d->requests;
        while (first->code != c->code)
            first = first->next;
        if (first != c)
            continue;
        uint64_t sum = 0;
        for (const struct code_count *same = c; same; same = same->next)
            sum += same->code == c->code ? same->count : 0;
        char code[16];
        snprintf(code, sizeof code, "%d", c->code);
        add_count(out, code, sum);
    }
    end(out, '}');
}

static void add_destination(struct buffer *out, const struct destination_metrics *d, const struct status_view *view)
{
    struct delivery_view now = delivery_look(view->delivery, d->name);
    double wait = now.next_try > view->now ? (double)(now.next_try - view->now) / 1000 : 0;
    begin(out, NULL, '{');
    add_text(out, "name", d->name);
    add_text(out, "state", now.state);
    add_text(out, "reason", now.reason);
    add_text(out, "meaning", now.meaning);
    add_text(out, "url", now.url);
    add_count(out, "failures_in_a_row", now.failures);
    add_seconds(out, "next_try_seconds", now.reason ? wait : (double)NAN);
    add_calls(out, "delivered", d->delivered);
    add_requests(out, d);
    add_count(out, "requests_in_flight", now.in_flight);
    add_count(out, "calls_waiting", now.calls);
    end(out, '}');
}

static void add_delivery(struct buffer *out, const struct status_view *view)
{
    const struct metrics *m = view->metrics;
    begin(out, "delivery", '{');
    add_count(out, "buffer_bytes", m->buffer_bytes);
    add_count(out, "buffer_limit_bytes", view->config->upload.buffer);
    add_count(out, "buffer_calls", m->buffer_calls);
    add_count(out, "retries", m->retries);
    add_count(out, "identify_left_out", m->identify_left_out);
    begin(out, "dead_letters", '{');
    for (int e = 0; e < ENDPOINT_COUNT; e++)
        add_reasons(out, endpoint_names[e], m->dead_letters[e]);
    end(out, '}');
    add_count(out, "dead_letters_lost", m->dead_letters_lost);
    end(out, '}');
}

/* ---- The whole -------------------------------------------------------------------------------------------------- */

static void add_agent(struct buffer *out, const struct status_view *view)
{
    add_count(out, "status_version", STATUS_VERSION);
    add_text(out, "version", RAINGAUGE_VERSION);
    add_count(out, "pid", (uint64_t)getpid());
    add_time(out, "started", view->started_ms);
    add_time(out, "now", view->wall_ms);
    add_seconds(out, "uptime_seconds", (double)(view->wall_ms - view->started_ms) / 1000);
    add_flag(out, "ready", !view->not_ready);
    add_text(out, "reason", view->not_ready);
    begin(out, "config", '{');
    add_text(out, "path", view->config->path);
    add_text(out, "sha256", view->config->sha256);
    add_flag(out, "last_reload_successful", !view->metrics->reload_failed);
    end(out, '}');
}

static void add_history(struct buffer *out, const struct status_view *view)
{
    begin(out, "history", '{');
    add_count(out, "step_seconds", HISTORY_STEP_S);
    begin(out, "members", '[');
    buffer_add_text(out, "\"lines_read\",\"calls_delivered\",\"requests_failed\",\"dead_letters\"");
    end(out, ']');
    member(out, "points");
    history_write(view->history, out);
    end(out, '}');
}

void status_write(struct buffer *out, const struct status_view *view)
{
    const struct metrics *m = view->metrics;
    struct line_sums sums = metrics_line_sums(m);
    begin(out, NULL, '{');
    add_agent(out, view);
    add_lines(out, sums.read, sums.lines, sums.held);
    begin(out, "inputs", '[');
    for (const struct input_metrics *in = m->inputs; in; in = in->next)
        add_input(out, in);
    end(out, ']');
    add_files(out, view);
    begin(out, "rules", '[');
    for (const struct rule_metrics *r = m->rules; r; r = r->next)
        add_rule(out, r);
    end(out, ']');
    begin(out, "destinations", '[');
    for (const struct destination_metrics *d = m->destinations; d; d = d->next)
        add_destination(out, d, view);
    end(out, ']');
    add_delivery(out, view);
    begin(out, "checkpoint", '{');
    add_seconds(out, "age_seconds",
                m->checkpoint_saved_ms ? (double)(view->wall_ms - m->checkpoint_saved_ms) / 1000 : (double)NAN);
    end(out, '}');
    add_history(out, view);
    begin(out, "recent", '[');
    log_write_kept(view->log, out);
    end(out, ']');
    end(out, '}');
    buffer_add_char(out, '\n');
}
