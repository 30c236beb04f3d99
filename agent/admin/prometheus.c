#include "admin/prometheus.h"

#include <dirent.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <sys/resource.h>
#include <unistd.h>

/* ---- Pieces of the format --------------------------------------------------------------------------------------- */

static void head(struct buffer *out, const char *name, const char *type, const char *help)
{
    buffer_printf(out, "# HELP raingauge_%s %s\n# TYPE raingauge_%s %s\n", name, help, name, type);
}

struct label {
    const char *name;
    struct slice value;
};

static void add_label_value(struct buffer *out, struct slice value)
{
    for (size_t i = 0; i < value.len; i++) {
        char c = value.text[i];
        if (c == '\\' || c == '"')
            buffer_add_char(out, '\\');
        if (c == '\n')
            buffer_add_text(out, "\\n");
        else
            buffer_add_char(out, c);
    }
}

static void add_name(struct buffer *out, const char *name, const struct label *labels, size_t count)
{
    buffer_printf(out, "raingauge_%s", name);
    for (size_t i = 0; i < count; i++) {
        buffer_printf(out, "%c%s=\"", i ? ',' : '{', labels[i].name);
        add_label_value(out, labels[i].value);
        buffer_add_char(out, '"');
    }
    if (count)
        buffer_add_char(out, '}');
    buffer_add_char(out, ' ');
}

#define LABELS(...)                                                                                                    \
    ((const struct label[]){__VA_ARGS__}), (sizeof((const struct label[]){__VA_ARGS__}) / sizeof(struct label))

static void count(struct buffer *out, const char *name, const struct label *labels, size_t label_count, uint64_t value)
{
    add_name(out, name, labels, label_count);
    buffer_printf(out, "%" PRIu64 "\n", value);
}

static void real(struct buffer *out, const char *name, const struct label *labels, size_t label_count, double value)
{
    add_name(out, name, labels, label_count);
    buffer_printf(out, "%.6f\n", value);
}

static void plain(struct buffer *out, const char *name, const char *type, const char *help, uint64_t value)
{
    head(out, name, type, help);
    count(out, name, NULL, 0, value);
}

/* ---- Inputs ----------------------------------------------------------------------------------------------------- */

/* One number of an input that is a plain counter or gauge: where it stands in struct input_metrics. */
struct input_series {
    const char *name, *type, *help;
    size_t offset;
};
static const struct input_series input_series[] = {
    {"lines_read_total", "counter", "Lines read, by input.", offsetof(struct input_metrics, lines_read)},
    {"bytes_read_total", "counter", "Bytes read, by input.", offsetof(struct input_metrics, bytes_read)},
    {"lines_held", "gauge", "Lines read whose calls are not settled yet.", offsetof(struct input_metrics, lines_held)},
    {"nul_bytes_total", "counter", "NUL bytes skipped at the start or end of lines.",
     offsetof(struct input_metrics, nul_bytes)},
    {"files_unreadable", "gauge", "Files that could not be looked at or opened.",
     offsetof(struct input_metrics, files_unreadable)},
    {"lag_bytes", "gauge", "Bytes in the input's files that are not delivered yet.",
     offsetof(struct input_metrics, lag_bytes)},
};

static void write_inputs(struct buffer *out, const struct metrics *m)
{
    for (size_t i = 0; i < sizeof input_series / sizeof *input_series; i++) {
        const struct input_series *s = &input_series[i];
        head(out, s->name, s->type, s->help);
        for (const struct input_metrics *in = m->inputs; in; in = in->next) {
            uint64_t value;
            memcpy(&value, (const char *)in + s->offset, sizeof value);
            count(out, s->name, LABELS({"input", slice_from(in->name)}), value);
        }
    }
    head(out, "lag_seconds", "gauge", "Age of the oldest line seen and not delivered.");
    for (const struct input_metrics *in = m->inputs; in; in = in->next)
        real(out, "lag_seconds", LABELS({"input", slice_from(in->name)}), in->lag_seconds);

    head(out, "lines_total", "counter", "Lines by what became of them; each counts once.");
    for (const struct input_metrics *in = m->inputs; in; in = in->next)
        for (int o = 0; o < OUTCOME_COUNT; o++)
            count(out, "lines_total",
                  LABELS({"input", slice_from(in->name)}, {"outcome", slice_from(outcome_names[o])}), in->lines[o]);
    head(out, "bytes_lost_total", "counter", "Bytes that can no longer be read, by why.");
    for (const struct input_metrics *in = m->inputs; in; in = in->next)
        for (int l = 0; l < LOSS_COUNT; l++)
            count(out, "bytes_lost_total",
                  LABELS({"input", slice_from(in->name)}, {"reason", slice_from(loss_names[l])}), in->bytes_lost[l]);
}

/* ---- Rules ------------------------------------------------------------------------------------------------------ */

static void write_rules(struct buffer *out, const struct metrics *m)
{
    head(out, "calls_total", "counter", "Calls made by the rules.");
    for (const struct rule_metrics *r = m->rules; r; r = r->next)
        for (int e = 0; e < ENDPOINT_COUNT; e++)
            count(out, "calls_total",
                  LABELS({"endpoint", slice_from(endpoint_paths[e])}, {"rule", slice_from(r->name)}), r->calls[e]);
    head(out, "calls_rejected_total", "counter", "Calls that could not be sent as their rule made them.");
    for (const struct rule_metrics *r = m->rules; r; r = r->next)
        for (const struct reason_count *c = r->rejected; c; c = c->next)
            count(out, "calls_rejected_total", LABELS({"rule", slice_from(r->name)}, {"reason", slice_from(c->reason)}),
                  c->count);
    head(out, "filter_failures_total", "counter", "Values that a filter could not take.");
    for (const struct rule_metrics *r = m->rules; r; r = r->next)
        for (size_t f = 0; f < filter_count(); f++)
            if (r->filter_failures[f] || r->filters >> f & 1)
                count(out, "filter_failures_total",
                      LABELS({"rule", slice_from(r->name)}, {"filter", slice_from(filter_name(f))}),
                      r->filter_failures[f]);
    head(out, "match_limit_hits_total", "counter", "Regular expressions that were given up for their cost.");
    for (const struct rule_metrics *r = m->rules; r; r = r->next)
        count(out, "match_limit_hits_total", LABELS({"rule", slice_from(r->name)}), r->match_limit_hits);
    head(out, "merges_ended_total", "counter", "Merged records that have ended, by how.");
    for (const struct rule_metrics *r = m->rules; r; r = r->next)
        for (int how = MERGE_GOES_ON + 1; r->merges && how < MERGE_END_COUNT; how++)
            count(out, "merges_ended_total",
                  LABELS({"rule", slice_from(r->name)}, {"how", slice_from(merge_end_names[how])}),
                  r->merges_ended[how]);
}

/* ---- Delivery --------------------------------------------------------------------------------------------------- */

static void write_destinations(struct buffer *out, const struct metrics *m)
{
    head(out, "calls_delivered_total", "counter", "Calls answered 2xx.");
    for (const struct destination_metrics *d = m->destinations; d; d = d->next)
        for (int e = 0; e < ENDPOINT_COUNT; e++)
            count(out, "calls_delivered_total",
                  LABELS({"endpoint", slice_from(endpoint_paths[e])}, {"destination", slice_from(d->name)}),
                  d->delivered[e]);
    head(out, "requests_total", "counter", "Requests by the code of their answer; 0: none came.");
    for (const struct destination_metrics *d = m->destinations; d; d = d->next)
        for (const struct code_count *c = d->requests; c; c = c->next) {
            char code[16];
            snprintf(code, sizeof code, "%d", c->code);
            count(out, "requests_total",
                  LABELS({"endpoint", slice_from(endpoint_paths[c->endpoint])}, {"destination", slice_from(d->name)},
                         {"code", slice_from(code)}),
                  c->count);
        }
    head(out, "paused", "gauge", "1 while uploading to the destination is paused.");
    for (const struct destination_metrics *d = m->destinations; d; d = d->next)
        count(out, "paused", LABELS({"destination", slice_from(d->name)}), d->paused);
}

static void write_durations(struct buffer *out, const struct metrics *m)
{
    head(out, "request_duration_seconds", "histogram", "Time from a request's start to its answer.");
    uint64_t total = 0;
    for (int i = 0; i < DURATION_BUCKETS; i++) {
        char bound[32];
        snprintf(bound, sizeof bound, "%g", duration_bounds[i]);
        total += m->duration_buckets[i];
        count(out, "request_duration_seconds_bucket", LABELS({"le", slice_from(bound)}), total);
    }
    total += m->duration_buckets[DURATION_BUCKETS];
    count(out, "request_duration_seconds_bucket", LABELS({"le", SLICE("+Inf")}), total);
    real(out, "request_duration_seconds_sum", NULL, 0, m->duration_sum);
    count(out, "request_duration_seconds_count", NULL, 0, total);
}

static void write_dead_letter_reason(struct buffer *out, int endpoint, const char *reason, uint64_t n)
{
    count(out, "dead_letters_total",
          LABELS({"endpoint", slice_from(endpoint_paths[endpoint])}, {"reason", slice_from(reason)}), n);
}

/* Those reasons that are no status are there from the start: an alert on their increase must not miss the first. */
static void write_dead_letters(struct buffer *out, const struct metrics *m)
{
    static const char *const from_start[] = {"too_large", "retries"};
    head(out, "dead_letters_total", "counter", "Calls given up and kept in the dead-letter file, by why.");
    for (int e = 0; e < ENDPOINT_COUNT; e++) {
        for (size_t i = 0; i < sizeof from_start / sizeof *from_start; i++) {
            const struct reason_count *c = m->dead_letters[e];
            while (c && strcmp(c->reason, from_start[i]) != 0)
                c = c->next;
            if (!c)
                write_dead_letter_reason(out, e, from_start[i], 0);
        }
        for (const struct reason_count *c = m->dead_letters[e]; c; c = c->next)
            write_dead_letter_reason(out, e, c->reason, c->count);
    }
}

static void write_delivery(struct buffer *out, const struct metrics *m, int64_t now_ms)
{
    write_destinations(out, m);
    write_durations(out, m);
    write_dead_letters(out, m);
    plain(out, "dead_letters_lost_total", "counter", "Dead letters lost as their file was full.", m->dead_letters_lost);
    plain(out, "retries_total", "counter", "Requests that repeated an earlier one.", m->retries);
    plain(out, "identify_left_out_total", "counter", "Identify calls left out as they said nothing new.",
          m->identify_left_out);
    plain(out, "buffer_bytes", "gauge", "Memory of mapped calls that are not delivered yet.", m->buffer_bytes);
    plain(out, "buffer_calls", "gauge", "Mapped calls that are not delivered yet.", m->buffer_calls);
    plain(out, "merges_open", "gauge", "Merged records that have not ended.", m->merges_open);
    plain(out, "files_watched", "gauge", "Files that are followed.", m->files_watched);
    plain(out, "files_open", "gauge", "Files that are open.", m->files_open);
    plain(out, "deleted_held_bytes", "gauge", "Unread bytes of deleted files that are held open.",
          m->deleted_held_bytes);
    head(out, "checkpoint_age_seconds", "gauge", "Time since the checkpoint was last written.");
    double age = m->checkpoint_saved_ms ? (double)(now_ms - m->checkpoint_saved_ms) / 1000 : NAN;
    if (!isnan(age))
        real(out, "checkpoint_age_seconds", NULL, 0, age > 0 ? age : 0);
}

/* ---- The process ------------------------------------------------------------------------------------------------ */

static uint64_t open_descriptors(void)
{
    DIR *dir = opendir("/proc/self/fd");
    if (!dir)
        return 0;
    uint64_t n = 0;
    while (readdir(dir))
        n++;
    closedir(dir);
    return n > 3 ? n - 3 : 0; /* . and .. and the directory itself */
}

static void process_value(struct buffer *out, const char *name, const char *type, const char *help, double value)
{
    buffer_printf(out, "# HELP process_%s %s\n# TYPE process_%s %s\nprocess_%s %.3f\n", name, help, name, type, name,
                  value);
}

/* Fields of /proc/self/stat behind the command's closing bracket: 20 is the start time, 21 the virtual size, 22 the
 * resident pages (proc(5), counted from 0). */
static void write_memory(struct buffer *out, double boot_seconds)
{
    char text[2048];
    FILE *f = fopen("/proc/self/stat", "re");
    size_t n = f ? fread(text, 1, sizeof text - 1, f) : 0;
    if (f)
        fclose(f);
    text[n] = '\0';
    const char *at = strrchr(text, ')');
    unsigned long long start, size;
    long pages;
    if (!at || /* NOLINTNEXTLINE(cert-err34-c): the kernel's numbers fit */
        sscanf(at + 2, "%*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %*u %*u %*d %*d %*d %*d %*d %*d %llu %llu %ld",
               &start, &size, &pages) != 3)
        return;
    process_value(out, "start_time_seconds", "gauge", "Start time of the process since the epoch.",
                  boot_seconds + (double)start / (double)sysconf(_SC_CLK_TCK));
    process_value(out, "virtual_memory_bytes", "gauge", "Virtual memory.", (double)size);
    process_value(out, "resident_memory_bytes", "gauge", "Resident memory.",
                  (double)pages * (double)sysconf(_SC_PAGESIZE));
}

static void write_process(struct buffer *out, int64_t now_ms)
{
    struct rusage use;
    struct rlimit files;
    struct timespec up;
    if (getrusage(RUSAGE_SELF, &use) == 0)
        process_value(out, "cpu_seconds_total", "counter", "User and system CPU time.",
                      (double)(use.ru_utime.tv_sec + use.ru_stime.tv_sec) +
                          (double)(use.ru_utime.tv_usec + use.ru_stime.tv_usec) / 1e6);
    if (clock_gettime(CLOCK_BOOTTIME, &up) == 0)
        write_memory(out, (double)now_ms / 1000 - ((double)up.tv_sec + (double)up.tv_nsec / 1e9));
    process_value(out, "open_fds", "gauge", "Open file descriptors.", (double)open_descriptors());
    if (getrlimit(RLIMIT_NOFILE, &files) == 0)
        process_value(out, "max_fds", "gauge", "Most open file descriptors.", (double)files.rlim_cur);
}

void prometheus_write(struct buffer *out, const struct metrics *m, const struct config *config, int64_t now_ms)
{
    write_inputs(out, m);
    write_rules(out, m);
    write_delivery(out, m, now_ms);
    plain(out, "config_last_reload_successful", "gauge", "1 unless the last reload was refused.", !m->reload_failed);
    head(out, "config_info", "gauge", "The configuration in force.");
    count(out, "config_info", LABELS({"sha256", slice_from(config->sha256)}), 1);
    head(out, "build_info", "gauge", "The program.");
    count(out, "build_info", LABELS({"version", SLICE(RAINGAUGE_VERSION)}), 1);
    write_process(out, now_ms);
}
