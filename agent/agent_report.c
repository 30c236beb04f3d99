/* What the agent says of itself: the line of sums now and then, the progress bar, systemd's line of status, and the
 * last line. */
#include "agent_internal.h"

#include "line_sums.h"

#include <inttypes.h>

enum { ONCE_REPORT_MS = 10000 };

static uint64_t report_every(const struct agent *a)
{
    return a->options->once ? ONCE_REPORT_MS : a->config->log_stats_ms;
}

static void report_once(struct agent *a)
{
    if (a->options->progress)
        return;
    struct line_sums sums = metrics_line_sums(a->metrics);
    line_sums_say(a->log, "so far", &sums, &(struct line_sums){0}, NULL);
}

static void report_inputs(struct agent *a, uint64_t now)
{
    file_table_measure(a->files, now);
    for (struct input_metrics *in = a->metrics->inputs; in; in = in->next) {
        struct line_sums sums = {.read = in->lines_read, .held = in->lines_held};
        memcpy(sums.lines, in->lines, sizeof sums.lines);
        const struct log_field more[] = {LOG_TEXT("input", in->name), LOG_DOUBLE("lag_seconds", in->lag_seconds),
                                         LOG_UINT("lag_bytes", in->lag_bytes), LOG_END};
        line_sums_say(a->log, "lines since the last report", &sums, &in->reported, more);
        in->reported = sums;
    }
}

void agent_begin_reports(struct agent *a, uint64_t now)
{
    a->report_at = now + report_every(a);
    notify_init(&a->notify, now);
    notify_say(&a->notify, "READY=1");
}

uint64_t agent_report_deadline(const struct agent *a)
{
    uint64_t beat = notify_deadline(&a->notify);
    return report_every(a) && a->report_at < beat ? a->report_at : beat;
}

static void tell_systemd(struct agent *a, uint64_t now)
{
    char status[700];
    const char *reason = agent_not_ready(a);
    file_table_measure(a->files, now);
    double lag = 0;
    for (const struct input_metrics *in = a->metrics->inputs; in; in = in->next)
        lag = in->lag_seconds > lag ? in->lag_seconds : lag;
    snprintf(status, sizeof status, "%s; %" PRIu64 " calls delivered, %" PRIu64 " lines held, lag %.0f s",
             reason ? reason : "ready", metrics_calls_delivered(a->metrics), metrics_line_sums(a->metrics).held, lag);
    notify_beat(&a->notify, now, status);
}

void agent_report_if_due(struct agent *a, uint64_t now)
{
    if (now >= notify_deadline(&a->notify))
        tell_systemd(a, now);
    if (report_every(a) == 0 || now < a->report_at)
        return;
    a->report_at = now + report_every(a);
    if (a->options->once)
        report_once(a);
    else
        report_inputs(a, now);
}

/* What troubles delivery, of the first destination that is troubled; NULL: nothing does. */
static const char *trouble(const struct agent *a)
{
    for (size_t i = 0; i < a->config->destination_count; i++) {
        struct delivery_view view = delivery_look(a->delivery, a->config->destinations[i].name);
        if (view.reason)
            return view.reason;
    }
    return agent_state_trouble(a);
}

bool agent_could_read_all(const struct agent *a)
{
    for (const struct input_metrics *in = a->metrics->inputs; in; in = in->next)
        if (in->files_unreadable > 0)
            return false;
    return true;
}

static const char *why_it_ends(const struct agent *a)
{
    if (a->why_it_ends)
        return a->why_it_ends;
    return agent_could_read_all(a) ? "all is read" : "not all could be read";
}

void agent_say_end(struct agent *a)
{
    uint64_t bytes = 0, calls = delivery_unsettled_calls(a->delivery);
    file_table_measure(a->files, uv_now(&a->loop));
    for (const struct input_metrics *in = a->metrics->inputs; in; in = in->next)
        bytes += in->lag_bytes;
    const char *why = trouble(a);
    const struct log_field left = calls || bytes ? LOG_UINT("undelivered_calls", calls) : LOG_END;
    const struct log_field more[] = {LOG_TEXT("why", why_it_ends(a)), left, LOG_UINT("undelivered_bytes", bytes),
                                     why ? LOG_TEXT("trouble", why) : LOG_END, LOG_END};
    struct line_sums sums = metrics_line_sums(a->metrics);
    bool once = a->options->once;
    if (once && !a->cut_short && !agent_could_read_all(a))
        log_event(a->log, LOG_ERROR, "", "some files could not be read", LOG_END);
    line_sums_say(a->log,
                  a->cut_short && once ? "ended before its end"
                  : once               ? "done"
                                       : "stopped",
                  &sums, &(struct line_sums){0}, more);
    notify_release(&a->notify);
}
