/* A line is put together in a buffer and written with one write(2), so that lines of two processes on one stderr do
 * not mix. What can go wrong: nothing that anybody could be told of; a line that finds no memory or no reader is lost.
 */
#include "log.h"

#include "state/file_io.h"
#include "text/printable.h"

#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/stat.h>

enum { HOLD_AFTER = 5, HOLD_WINDOW_MS = 10000, LINE_MOST = 64 * 1024, KEPT_LINE_MOST = 16 * 1024 };

/* How often a message was said lately. */
struct repeat {
    const char *id; /* a literal of the caller */
    const char *message;
    enum log_level level;
    int64_t window_began_ms;
    unsigned said;
    uint64_t held_back;
    struct repeat *next;
};

struct log {
    int fd;
    bool journald; /* stderr goes to journald: lines begin with a syslog priority */
    enum log_level level;
    bool json;
    struct buffer line;
    struct buffer kept[LOG_KEPT];
    uint64_t kept_count; /* so far */
    struct repeat *repeats;
    void (*before)(void *context);
    void *before_context;
    int64_t (*clock)(void *context);
    void *clock_context;
};

static const struct {
    const char *name;
    const char *priority; /* sd-daemon(3) */
} levels[] = {
    [LOG_ERROR] = {"error", "<3>"},
    [LOG_WARN] = {"warn", "<4>"},
    [LOG_INFO] = {"info", "<6>"},
    [LOG_DEBUG] = {"debug", "<7>"},
};

static int64_t wall_clock_ms(void *context)
{
    (void)context;
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* $JOURNAL_STREAM names the device and inode of the stream that systemd gave (systemd.exec(5)); a child whose stderr
 * was redirected still has the variable. */
static bool is_journal(int fd)
{
    const char *stream = getenv("JOURNAL_STREAM");
    struct stat found;
    if (!stream || fstat(fd, &found) < 0)
        return false;
    char own[64];
    snprintf(own, sizeof own, "%llu:%llu", (unsigned long long)found.st_dev, (unsigned long long)found.st_ino);
    return strcmp(stream, own) == 0;
}

static void write_quoted(struct buffer *out, struct slice text)
{
    buffer_add_char(out, '"');
    printable_write(out, text);
    buffer_add_char(out, '"');
}

/* Whether a text can stand in a logfmt line as it is. */
static bool is_bare(struct slice text)
{
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.text[i];
        if (c <= ' ' || c >= 0x7f || c == '"' || c == '=' || c == '\\')
            return false;
    }
    return text.len > 0;
}

static void write_text(struct buffer *out, bool json, const char *key, struct slice text)
{
    if (json)
        buffer_printf(out, ",\"%s\":", key);
    else
        buffer_printf(out, "%s=", key);
    if (json || !is_bare(text))
        write_quoted(out, text);
    else
        buffer_add(out, text);
    if (!json)
        buffer_add_char(out, ' ');
}

static void write_number(struct buffer *out, bool json, const char *key, const char *number)
{
    if (json)
        buffer_printf(out, ",\"%s\":%s", key, number);
    else
        buffer_printf(out, "%s=%s ", key, number);
}

static void write_field(struct buffer *out, bool json, const struct log_field *field)
{
    char number[40];
    switch (field->type) {
    case LOG_FIELD_END:
        break;
    case LOG_FIELD_TEXT:
        write_text(out, json, field->key, field->text);
        break;
    case LOG_FIELD_UINT:
        snprintf(number, sizeof number, "%llu", (unsigned long long)field->number);
        write_number(out, json, field->key, number);
        break;
    case LOG_FIELD_INT:
        snprintf(number, sizeof number, "%lld", (long long)field->number);
        write_number(out, json, field->key, number);
        break;
    case LOG_FIELD_DOUBLE:
        snprintf(number, sizeof number, "%.3f", field->real);
        write_number(out, json, field->key, isfinite(field->real) ? number : "null");
        break;
    }
}

static void write_head(struct buffer *out, bool json, enum log_level level, const char *message, int64_t now)
{
    char date[32], stamp[48];
    time_t seconds = (time_t)(now / 1000);
    struct tm parts = {0};
    gmtime_r(&seconds, &parts);
    strftime(date, sizeof date, "%Y-%m-%dT%H:%M:%S", &parts);
    snprintf(stamp, sizeof stamp, "%s.%03dZ", date, (int)(now % 1000));
    buffer_printf(out, json ? "{\"time\":\"%s\"" : "time=%s ", stamp);
    write_text(out, json, "level", slice_from(levels[level].name));
    write_text(out, json, "message", slice_from(message));
}

static void write_line(struct log *log)
{
    if (!log->json && log->line.len > 0)
        buffer_truncate(&log->line, log->line.len - 1); /* the blank behind the last field */
    buffer_add_text(&log->line, log->json ? "}\n" : "\n");
    if (log->line.failed)
        return;
    if (log->before)
        log->before(log->before_context);
    int reason = errno;
    if (!file_write_all(log->fd, buffer_slice(&log->line)))
        errno = reason; /* nobody to tell */
}

static void begin_line(struct log *log, enum log_level level, const char *message, int64_t now)
{
    buffer_clear(&log->line);
    if (log->journald)
        buffer_add_text(&log->line, levels[level].priority);
    write_head(&log->line, log->json, level, message, now);
}

/* The same as JSON into the ring of the last ones, in the place of the oldest. */
static void keep(struct log *log, enum log_level level, const char *message, int64_t now, va_list fields)
{
    struct buffer *kept = &log->kept[log->kept_count % LOG_KEPT];
    buffer_clear(kept);
    write_head(kept, true, level, message, now);
    for (;;) {
        struct log_field field = va_arg(fields, struct log_field);
        if (field.type == LOG_FIELD_END)
            break;
        write_field(kept, true, &field);
    }
    buffer_add_char(kept, '}');
    if (!kept->failed)
        log->kept_count++;
}

static struct repeat *repeat_of(struct log *log, const char *id)
{
    for (struct repeat *r = log->repeats; r; r = r->next) {
        if (strcmp(r->id, id) == 0)
            return r;
    }
    struct repeat *r = calloc(1, sizeof *r);
    if (!r)
        return NULL;
    r->id = id;
    r->next = log->repeats;
    return log->repeats = r;
}

/* Whether it may be said now; counts it. *ret_held_back: how many of its kind were not, before this one. */
static bool may_say(struct log *log, enum log_level level, const char *id, const char *message, int64_t now,
                    uint64_t *ret_held_back)
{
    *ret_held_back = 0;
    struct repeat *r = id && *id ? repeat_of(log, id) : NULL;
    if (!r)
        return true;
    r->message = message;
    r->level = level;
    bool window_over = now >= r->window_began_ms + HOLD_WINDOW_MS || now < r->window_began_ms;
    if (r->said == 0 || window_over) {
        r->window_began_ms = now;
        r->said = 0;
    }
    if (r->said >= HOLD_AFTER) {
        r->held_back++;
        return false;
    }
    r->said++;
    *ret_held_back = r->held_back;
    r->held_back = 0;
    return true;
}

struct log *log_new(int fd)
{
    struct log *log = calloc(1, sizeof *log);
    if (!log)
        return NULL;
    log->fd = fd;
    log->journald = is_journal(fd);
    log->level = LOG_INFO;
    log->clock = wall_clock_ms;
    buffer_init(&log->line, LINE_MOST);
    for (int i = 0; i < LOG_KEPT; i++)
        buffer_init(&log->kept[i], KEPT_LINE_MOST);
    return log;
}

void log_free(struct log *log)
{
    if (!log)
        return;
    while (log->repeats) {
        struct repeat *next = log->repeats->next;
        free(log->repeats);
        log->repeats = next;
    }
    buffer_release(&log->line);
    for (int i = 0; i < LOG_KEPT; i++)
        buffer_release(&log->kept[i]);
    free(log);
}

void log_configure(struct log *log, enum log_level level, bool json)
{
    log->level = level;
    log->json = json;
}

void log_before_line(struct log *log, void (*before)(void *context), void *context)
{
    log->before = before;
    log->before_context = context;
}

void log_use_clock(struct log *log, int64_t (*wall_ms)(void *context), void *context)
{
    log->clock = wall_ms;
    log->clock_context = context;
}

void log_event(struct log *log, enum log_level level, const char *id, const char *message, ...)
{
    if (!log || level > log->level)
        return;
    int64_t now = log->clock(log->clock_context);
    uint64_t held_back;
    if (!may_say(log, level, id, message, now, &held_back))
        return;
    va_list fields;
    if (level <= LOG_WARN) {
        va_start(fields, message);
        keep(log, level, message, now, fields);
        va_end(fields);
    }
    begin_line(log, level, message, now);
    va_start(fields, message);
    for (;;) {
        struct log_field field = va_arg(fields, struct log_field);
        if (field.type == LOG_FIELD_END)
            break;
        write_field(&log->line, log->json, &field);
    }
    va_end(fields);
    if (held_back)
        write_field(&log->line, log->json, &LOG_UINT("held_back", held_back));
    write_line(log);
}

void log_held_back(struct log *log)
{
    if (!log)
        return;
    int64_t now = log->clock(log->clock_context);
    for (struct repeat *r = log->repeats; r; r = r->next) {
        if (r->held_back == 0)
            continue;
        begin_line(log, r->level, r->message, now);
        write_field(&log->line, log->json, &LOG_UINT("held_back", r->held_back));
        write_line(log);
        r->held_back = 0;
    }
}

void log_write_kept(const struct log *log, struct buffer *out)
{
    uint64_t first = log->kept_count > LOG_KEPT ? log->kept_count - LOG_KEPT : 0;
    for (uint64_t i = log->kept_count; i > first; i--) {
        if (i < log->kept_count)
            buffer_add_char(out, ',');
        buffer_add(out, buffer_slice(&log->kept[(i - 1) % LOG_KEPT]));
    }
}
