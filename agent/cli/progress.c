#include "cli/progress.h"

#include "cli/terminal.h"
#include "state/file_io.h"

enum { DRAW_EVERY_MS = 100, BAR_MOST = 40, BAR_LEAST = 8, PART_MOST = 64, TEXT_MOST = 512, RATE_AFTER_MS = 1000 };

#define CLEAR_LINE "\r\x1b[K"

static void write_bytes(struct buffer *out, double bytes)
{
    static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB"};
    size_t unit = 0;
    for (; bytes >= 1024 && unit + 1 < sizeof units / sizeof *units; unit++)
        bytes /= 1024;
    buffer_printf(out, unit ? "%.1f %s" : "%.0f %s", bytes, units[unit]);
}

/* "0:16", "12:05", "1:02:03" */
static void write_duration(struct buffer *out, uint64_t seconds)
{
    if (seconds >= 3600)
        buffer_printf(out, "%llu:%02u:%02u", (unsigned long long)(seconds / 3600), (unsigned)(seconds / 60 % 60),
                      (unsigned)(seconds % 60));
    else
        buffer_printf(out, "%u:%02u", (unsigned)(seconds / 60), (unsigned)(seconds % 60));
}

/* What the line says, from left to right. */
enum part { PART_PERCENT, PART_BYTES, PART_CALLS, PART_RATE, PART_LEFT, PART_COUNT };
/* Where the terminal is too narrow they go whole, in this order; the last one stays. */
static const enum part first_to_go[] = {PART_RATE, PART_CALLS, PART_BYTES, PART_LEFT};

struct parts {
    char text[PART_COUNT][PART_MOST]; /* empty: not there */
};

static void set_part(struct parts *parts, enum part part, const struct buffer *text)
{
    snprintf(parts->text[part], PART_MOST, "%.*s", (int)text->len, text->data ? text->data : "");
}

/* Rate over the whole time, which does not jump about as one over the last second would; and what is left by it. */
static void say_rate(struct parts *parts, const struct progress *p, const struct progress_state *state, uint64_t now)
{
    uint64_t elapsed = now - p->began;
    struct buffer text;
    if (elapsed < RATE_AFTER_MS || state->bytes_read <= p->began_bytes)
        return;
    double rate = (double)(state->bytes_read - p->began_bytes) * 1000 / (double)elapsed;
    buffer_init(&text, PART_MOST);
    write_bytes(&text, rate);
    buffer_add_text(&text, "/s");
    set_part(parts, PART_RATE, &text);
    buffer_clear(&text);
    if (state->bytes_read < state->bytes_total) {
        write_duration(&text, (uint64_t)((double)(state->bytes_total - state->bytes_read) / rate + 0.5));
        buffer_add_text(&text, " left");
        set_part(parts, PART_LEFT, &text);
    }
    buffer_release(&text);
}

static void say_sums(struct parts *parts, const struct progress_state *state)
{
    struct buffer text;
    buffer_init(&text, PART_MOST);
    write_bytes(&text, (double)state->bytes_read);
    buffer_add_text(&text, " of ");
    write_bytes(&text, (double)state->bytes_total);
    set_part(parts, PART_BYTES, &text);
    buffer_release(&text);
    snprintf(parts->text[PART_CALLS], PART_MOST, "%llu calls", (unsigned long long)state->calls_delivered);
}

/* Side by side, two blanks between them. */
static size_t join(const struct parts *parts, char text[static TEXT_MOST])
{
    size_t len = 0;
    for (int i = 0; i < PART_COUNT; i++)
        if (parts->text[i][0])
            len += (size_t)snprintf(text + len, TEXT_MOST - len, "%s%s", len ? "  " : "", parts->text[i]);
    return len;
}

static double part_of(const struct progress_state *state)
{
    if (state->bytes_total == 0 || state->bytes_read >= state->bytes_total)
        return 1;
    return (double)state->bytes_read / (double)state->bytes_total;
}

static void write_bar(struct buffer *out, double part, size_t room)
{
    size_t cells = room < BAR_MOST ? room : BAR_MOST;
    size_t full = (size_t)(part * (double)cells);
    buffer_add_char(out, '[');
    for (size_t i = 0; i < cells; i++)
        buffer_add_char(out, i < full ? '#' : ' ');
    buffer_add_text(out, "]  ");
}

void progress_write(struct buffer *out, const struct progress *p, const struct progress_state *state, uint64_t now_ms,
                    unsigned width)
{
    double part = part_of(state);
    struct parts parts = {0};
    char text[TEXT_MOST];
    snprintf(parts.text[PART_PERCENT], PART_MOST, "%3d%%", (int)(part * 100));
    say_sums(&parts, state);
    say_rate(&parts, p, state, now_ms);

    size_t room = width > 1 ? width - 1 : 0; /* in the last column some terminals begin a new line */
    size_t frame = strlen("[]  "), len = join(&parts, text);
    for (size_t i = 0; len > room && i < sizeof first_to_go / sizeof *first_to_go; i++) {
        parts.text[first_to_go[i]][0] = '\0';
        len = join(&parts, text);
    }
    if (room >= len + frame + BAR_LEAST)
        write_bar(out, part, room - len - frame);
    buffer_add(out, slice_of(text, len < room ? len : room));
}

static void draw(struct progress *p, const struct progress_state *state, uint64_t now_ms, const char *end)
{
    struct buffer line;
    buffer_init(&line, TEXT_MOST * 2);
    buffer_add_text(&line, CLEAR_LINE);
    progress_write(&line, p, state, now_ms, terminal_width(p->fd));
    buffer_add_text(&line, end);
    p->drawn = file_write_all(p->fd, buffer_slice(&line));
    p->drawn_at = now_ms;
    buffer_release(&line);
}

void progress_init(struct progress *p, int fd, uint64_t now_ms)
{
    *p = (struct progress){.fd = terminal_is(fd) ? fd : -1, .began = now_ms};
}

void progress_update(struct progress *p, const struct progress_state *state, uint64_t now_ms)
{
    if (!p->begun) {
        p->begun = true;
        p->began_bytes = state->bytes_read;
    }
    if (p->fd >= 0 && (!p->drawn || now_ms - p->drawn_at >= DRAW_EVERY_MS))
        draw(p, state, now_ms, "");
}

void progress_clear(void *progress)
{
    struct progress *p = progress;
    if (p->fd < 0 || !p->drawn)
        return;
    p->drawn = false;
    (void)!file_write_all(p->fd, SLICE(CLEAR_LINE));
}

void progress_end(struct progress *p, const struct progress_state *state, uint64_t now_ms)
{
    if (p->fd < 0)
        return;
    draw(p, state, now_ms, "\n");
    p->drawn = false;
}
