#include "deliver/dead_letter.h"

#include "deliver/delivery.h"
#include "json/json_writer.h"

#include <assert.h>

static struct dead_letter *make(struct slice text)
{
    struct dead_letter *letter = calloc(1, sizeof *letter + text.len);
    if (!letter)
        return NULL;
    if (text.len)
        memcpy(letter + 1, text.text, text.len);
    letter->text = slice_of((const char *)(letter + 1), text.len);
    letter->cost = sizeof *letter + text.len;
    return letter;
}

struct dead_letter *dead_letter_of_call(struct batch *b, enum dead_reason reason, int status, struct slice answer)
{
    assert(b->count == 1);
    struct dead_letter *letter = make(answer);
    if (!letter)
        return NULL;
    letter->batch = b;
    letter->is_call = true;
    letter->status = status;
    if (reason == DEAD_STATUS)
        snprintf(letter->metric, sizeof letter->metric, "status_%d", status);
    else
        snprintf(letter->metric, sizeof letter->metric, "%s", reason == DEAD_TOO_LARGE ? "too_large" : "retries");
    return letter;
}

struct dead_letter *dead_letter_of_line(struct ledger *l, uint64_t line, struct joined *joined,
                                        const struct chunk *chunk, const struct map_note *note)
{
    size_t len = note->kept_len + note->kept_time_len + note->kept_stream_len + note->kept_rule_len;
    struct dead_letter *letter = make(chunk_text(chunk, note->kept_at, len));
    if (!letter)
        return NULL;
    const char *text = letter->text.text;
    letter->text.len = note->kept_len;
    letter->time = slice_of(text + note->kept_len, note->kept_time_len);
    letter->stream = slice_of(letter->time.text + letter->time.len, note->kept_stream_len);
    letter->rule = slice_of(letter->stream.text + letter->stream.len, note->kept_rule_len);
    letter->kept_in = ledger_ref(l);
    letter->joined = joined ? joined_ref(joined) : NULL;
    letter->line = line;
    letter->offset = note->offset;
    letter->outcome = outcome_names[note->outcome];
    letter->why = note->reason;
    return letter;
}

struct dead_letter *dead_letter_never_sent(struct ledger *l, uint64_t line, struct slice text)
{
    struct dead_letter *letter = make(text);
    if (!letter)
        return NULL;
    letter->is_call = true;
    letter->kept_in = ledger_ref(l);
    letter->line = line;
    return letter;
}

void dead_letter_free(struct dead_letter *letter)
{
    if (!letter)
        return;
    batch_free(letter->batch);
    joined_unref(letter->joined);
    ledger_unref(letter->kept_in);
    free(letter);
}

struct call dead_letter_call(const struct dead_letter *letter)
{
    if (letter->batch)
        return letter->batch->calls[0];
    return (struct call){.ledger = letter->kept_in, .line = letter->line, .joined = letter->joined};
}

/* ---- as a line of JSON ---- */

void dead_letter_time(int64_t wall_ms, char ret_text[DEAD_LETTER_TIME_LEN + 1])
{
    time_t seconds = (time_t)(wall_ms / 1000);
    struct tm parts;
    gmtime_r(&seconds, &parts);
    snprintf(ret_text, DEAD_LETTER_TIME_LEN + 1, "%04d-%02d-%02dT%02d:%02d:%02d.%03dZ", parts.tm_year + 1900,
             parts.tm_mon + 1, parts.tm_mday, parts.tm_hour, parts.tm_min, parts.tm_sec, (int)(wall_ms % 1000));
}

void dead_letter_write_text(struct buffer *out, const char *name, struct slice text)
{
    if (text.len == 0)
        return;
    buffer_printf(out, ",\"%s\":", name);
    json_write_string(out, text);
}

static void write_file(struct buffer *out, const struct ledger *l, uint64_t offset)
{
    dead_letter_write_text(out, "file", ledger_path(l));
    buffer_printf(out, ",\"offset\":%llu", (unsigned long long)offset);
}

static void write_call(struct buffer *out, const struct dead_letter *letter)
{
    const struct lane *lane = letter->batch->lane;
    const struct call *call = &letter->batch->calls[0];
    dead_letter_write_text(out, "destination", slice_from(lane->group->outlet->name));
    dead_letter_write_text(out, "project", lane->group->project);
    dead_letter_write_text(out, "endpoint", slice_from(endpoint_paths[lane->endpoint]));
    if (call->rule)
        dead_letter_write_text(out, "rule", slice_from(call->rule->name));
    write_file(out, call->ledger, call->offset);
    buffer_printf(out, ",\"status\":%d", letter->status);
    dead_letter_write_text(out, "reason", letter->text.len ? letter->text : slice_from(letter->metric));
    buffer_add(out, SLICE(",\"call\":"));
    buffer_add(out, batch_text(letter->batch, 0));
}

void dead_letter_write(const struct dead_letter *letter, int64_t wall_ms, struct buffer *out)
{
    char time[DEAD_LETTER_TIME_LEN + 1];
    dead_letter_time(wall_ms, time);
    buffer_printf(out, "{\"time\":\"%s\"", time); /* first: dead_letters.c looks for it there */
    if (letter->batch) {
        write_call(out, letter);
    } else if (letter->is_call) {
        buffer_add(out, letter->text);
    } else {
        dead_letter_write_text(out, "outcome", slice_from(letter->outcome));
        dead_letter_write_text(out, "line", letter->text);
        write_file(out, letter->kept_in, letter->offset);
        if (letter->why)
            dead_letter_write_text(out, "reason", slice_from(letter->why));
        dead_letter_write_text(out, "merged_by", letter->rule);
        dead_letter_write_text(out, "line_time", letter->time);
        dead_letter_write_text(out, "line_stream", letter->stream);
    }
    buffer_add(out, SLICE("}\n"));
}
