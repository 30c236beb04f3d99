#ifndef RAINGAUGE_LOG_H
#define RAINGAUGE_LOG_H

#include "config.h"

/* raingauge's own log, on stderr (contract 1): `log.format: text` (logfmt-like) or `json`.
 *
 *     log_event(log, LOG_WARN, "file.invalid", "line is not JSON", LOG_TEXT("file", path), LOG_UINT("offset", at),
 *               LOG_END);
 *     time=2026-11-25T03:05:37.123Z level=warn message="line is not JSON" file=/var/log/a.jsonl offset=812
 *
 * Under journald (JOURNAL_STREAM names stderr) each line begins with its priority, <4> for a warning.
 *
 * `id`, a literal, names the kind of message: after 5 of one id within 10 s the others are held back, and the next one
 * that is let through says how many (`held_back=N`). An empty id is never held back. `message` is a literal too.
 *
 * Nothing from inside a log line, and no key, is ever given to it: file, offset, rule, and a reason from a fixed list.
 * Values are escaped, paths are hostile input too. Errors of writing to stderr are ignored. One thread (the loop's). */

struct log;

enum log_field_type { LOG_FIELD_END, LOG_FIELD_TEXT, LOG_FIELD_UINT, LOG_FIELD_INT, LOG_FIELD_DOUBLE };
struct log_field {
    enum log_field_type type;
    const char *key;
    struct slice text;
    uint64_t number;
    double real;
};
#define LOG_END ((struct log_field){.type = LOG_FIELD_END})
#define LOG_TEXT(k, zero_terminated)                                                                                   \
    ((struct log_field){.type = LOG_FIELD_TEXT, .key = (k), .text = slice_from(zero_terminated)})
#define LOG_SLICE(k, s) ((struct log_field){.type = LOG_FIELD_TEXT, .key = (k), .text = (s)})
#define LOG_UINT(k, n) ((struct log_field){.type = LOG_FIELD_UINT, .key = (k), .number = (uint64_t)(n)})
#define LOG_DOUBLE(k, d) ((struct log_field){.type = LOG_FIELD_DOUBLE, .key = (k), .real = (d)})

struct log *log_new(int fd);
void log_free(struct log *log);
void log_configure(struct log *log, enum log_level level, bool json);
/* For tests: the wall clock in ms. */
void log_use_clock(struct log *log, int64_t (*wall_ms)(void *context), void *context);
/* For tests and the progress bar: called before a line is written, to clear what stands on the terminal. */
void log_before_line(struct log *log, void (*before)(void *context), void *context);

/* Fields follow, ended by LOG_END. A NULL log drops everything. Time is the wall clock's. */
void log_event(struct log *log, enum log_level level, const char *id, const char *message, ...);

/* The last LOG_KEPT errors and warnings that were said, as JSON objects with commas between them, the newest first. */
enum { LOG_KEPT = 50 };
void log_write_kept(const struct log *log, struct buffer *out);

/* Says of each message of which some are still held back how many: now and then, and before the last line. */
void log_held_back(struct log *log);

#endif
