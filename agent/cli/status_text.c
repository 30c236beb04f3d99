/* Reads the members it knows and leaves out what is not there, so that an agent of another release is shown too.
 *
 * In a terminal of a certain height everything has its share: what is in trouble (destinations, recent messages) first,
 * files get what is left. */
#include "cli/status_text.h"

#include "cli/table.h"
#include "limits.h"
#include "json/value.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

struct page {
    struct arena arena;
    struct buffer *out;
    const struct status_look *look;
    size_t lines; /* written */
};

/* ---- Reading ---------------------------------------------------------------------------------------------------- */

static struct value get(struct page *p, const struct value *object, const char *name)
{
    struct value v = *object;
    return value_member(&p->arena, &v, slice_from(name));
}

static struct slice get_text(struct page *p, const struct value *object, const char *name)
{
    struct value v = get(p, object, name);
    return v.type == VALUE_STRING ? value_plain(&p->arena, &v) : slice_of("", 0);
}

static double get_number(struct page *p, const struct value *object, const char *name)
{
    struct value v = get(p, object, name);
    char text[64];
    if (v.type != VALUE_NUMBER || v.text.len >= sizeof text)
        return 0;
    memcpy(text, v.text.text, v.text.len);
    text[v.text.len] = '\0';
    return strtod(text, NULL);
}

static uint64_t get_count(struct page *p, const struct value *object, const char *name)
{
    double n = get_number(p, object, name);
    return n > 0 && n < 1.8e19 ? (uint64_t)n : 0;
}

static struct value_walk walk(struct page *p, const struct value *object, const char *name)
{
    return (struct value_walk){.of = get(p, object, name)};
}

/* ---- Words ------------------------------------------------------------------------------------------------------ */

static const char *write_bytes(char out[static 32], double bytes)
{
    static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB"};
    size_t unit = 0;
    for (; bytes >= 1024 && unit + 1 < sizeof units / sizeof *units; unit++)
        bytes /= 1024;
    snprintf(out, 32, unit ? "%.1f %s" : "%.0f %s", bytes, units[unit]);
    return out;
}

static const char *write_age(char out[static 32], double seconds)
{
    unsigned long s = seconds > 0 && seconds < 1e15 ? (unsigned long)seconds : 0;
    if (s >= 86400)
        snprintf(out, 32, "%lud%02luh", s / 86400, s / 3600 % 24);
    else if (s >= 3600)
        snprintf(out, 32, "%luh%02lum", s / 3600, s / 60 % 60);
    else if (s >= 60)
        snprintf(out, 32, "%lum%02lus", s / 60, s % 60);
    else
        snprintf(out, 32, "%.1fs", seconds > 0 ? seconds : 0);
    return out;
}

static enum table_colour colour_of(struct slice state)
{
    static const struct {
        const char *state;
        enum table_colour colour;
    } known[] = {
        {"ok", TABLE_GOOD},        {"current", TABLE_GOOD}, {"behind", TABLE_WARN},
        {"failing", TABLE_WARN},   {"paused", TABLE_BAD},   {"error", TABLE_BAD},
        {"unreadable", TABLE_BAD}, {"warn", TABLE_WARN},    {"undelivered", TABLE_WARN},
    };
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (slice_is(state, known[i].state))
            return known[i].colour;
    return TABLE_PLAIN;
}

/* ---- Sections --------------------------------------------------------------------------------------------------- */

static size_t room(const struct page *p)
{
    if (p->look->height == 0)
        return SIZE_MAX;
    return p->look->height > p->lines ? p->look->height - p->lines : 0;
}

static void print(struct page *p, struct slice text, enum table_colour colour)
{
    if (room(p) == 0)
        return;
    table_line(p->out, text, p->look->width, colour, p->look->colours);
    p->lines++;
}

/* A table and an empty line before it, in so many lines at most. */
static void print_table(struct page *p, const struct table *t, size_t lines_most)
{
    size_t most = room(p) < lines_most ? room(p) : lines_most;
    if (t->count == 0 || most < 3)
        return;
    print(p, SLICE(""), TABLE_PLAIN);
    p->lines += table_write(t, p->out, p->look->width, most - 1, p->look->colours);
}

static void print_head(struct page *p, const struct value *s)
{
    struct buffer line;
    buffer_init_in(&line, &p->arena);
    char age[32];
    struct slice version = get_text(p, s, "version"), reason = get_text(p, s, "reason");
    bool ready = get(p, s, "ready").type == VALUE_TRUE;
    buffer_add_text(&line, "raingauge ");
    buffer_add(&line, version);
    buffer_add_text(&line, ready ? "  ready" : "  NOT READY: ");
    buffer_add(&line, reason);
    buffer_printf(&line, "  up %s  pid %" PRIu64, write_age(age, get_number(p, s, "uptime_seconds")),
                  get_count(p, s, "pid"));
    print(p, buffer_slice(&line), ready ? TABLE_BOLD : TABLE_BAD);

    struct value config = get(p, s, "config"), checkpoint = get(p, s, "checkpoint");
    bool reloaded = get(p, &config, "last_reload_successful").type != VALUE_FALSE;
    struct slice sha256 = get_text(p, &config, "sha256");
    buffer_init_in(&line, &p->arena);
    buffer_add_text(&line, reloaded ? "" : "THE LAST RELOAD FAILED (see the log)  ");
    buffer_add_text(&line, "config ");
    buffer_add(&line, get_text(p, &config, "path"));
    buffer_add_text(&line, "  sha256 ");
    buffer_add(&line, slice_of(sha256.text, sha256.len < 12 ? sha256.len : 12));
    if (get(p, &checkpoint, "age_seconds").type == VALUE_NUMBER)
        buffer_printf(&line, "  checkpoint %s old", write_age(age, get_number(p, &checkpoint, "age_seconds")));
    print(p, buffer_slice(&line), reloaded ? TABLE_PLAIN : TABLE_BAD);
}

static void print_sums(struct page *p, const struct value *s)
{
    struct buffer line;
    char used[32], most[32];
    buffer_init_in(&line, &p->arena);
    buffer_add_text(&line, "lines ");
    for (struct value_walk w = walk(p, s, "lines"); value_walk_next(&p->arena, &w);) {
        buffer_add_char(&line, ' ');
        buffer_add(&line, value_plain(&p->arena, &w.name));
        buffer_add_char(&line, ' ');
        buffer_add(&line, w.value.text);
    }
    print(p, buffer_slice(&line), TABLE_PLAIN);
    struct value d = get(p, s, "delivery");
    buffer_init_in(&line, &p->arena);
    buffer_printf(&line, "buffer %s of %s, %" PRIu64 " calls  retries %" PRIu64,
                  write_bytes(used, get_number(p, &d, "buffer_bytes")),
                  write_bytes(most, get_number(p, &d, "buffer_limit_bytes")), get_count(p, &d, "buffer_calls"),
                  get_count(p, &d, "retries"));
    print(p, buffer_slice(&line), TABLE_PLAIN);
}

/* "status 401: the write key is refused, 5 in a row, next try in 2.0s, https://…" */
static void add_trouble(struct page *p, struct table *t, const struct value *destination, struct slice reason)
{
    char age[32];
    struct slice meaning = get_text(p, destination, "meaning");
    table_addf(t, TABLE_PLAIN, "%.*s%s%.*s, %" PRIu64 " in a row, next try in %s, %.*s", SLICE_FMT(reason),
               meaning.len ? ": " : "", SLICE_FMT(meaning), get_count(p, destination, "failures_in_a_row"),
               write_age(age, get_number(p, destination, "next_try_seconds")),
               SLICE_FMT(get_text(p, destination, "url")));
}

static void print_destinations(struct page *p, const struct value *s)
{
    struct table t;
    table_init(&t, &p->arena, "DESTINATION|STATE|>WAITING|REASON|>EVENTS|>SIGNALS|>IDENTIFIES");
    for (struct value_walk w = walk(p, s, "destinations"); value_walk_next(&p->arena, &w);) {
        struct slice state = get_text(p, &w.value, "state");
        struct value delivered = get(p, &w.value, "delivered");
        table_add(&t, get_text(p, &w.value, "name"), TABLE_PLAIN);
        table_add(&t, state, colour_of(state));
        table_addf(&t, TABLE_PLAIN, "%" PRIu64, get_count(p, &w.value, "calls_waiting"));
        struct slice reason = get_text(p, &w.value, "reason");
        if (reason.len == 0)
            table_add(&t, SLICE("-"), TABLE_PLAIN);
        else
            add_trouble(p, &t, &w.value, reason);
        table_addf(&t, TABLE_PLAIN, "%" PRIu64, get_count(p, &delivered, "event"));
        table_addf(&t, TABLE_PLAIN, "%" PRIu64, get_count(p, &delivered, "signal"));
        table_addf(&t, TABLE_PLAIN, "%" PRIu64, get_count(p, &delivered, "identify"));
    }
    print_table(p, &t, SIZE_MAX);
}

static void print_inputs(struct page *p, const struct value *s)
{
    struct table t;
    char text[32];
    table_init(&t, &p->arena, "INPUT|>LAG|>BEHIND|>READ|>DELIVERED|>DROPPED|>UNMATCHED|>INVALID|>REJECTED|>DEAD|>HELD");
    static const char *const members[] = {"read",    "delivered", "dropped",       "unmatched",
                                          "invalid", "rejected",  "dead_lettered", "held"};
    for (struct value_walk w = walk(p, s, "inputs"); value_walk_next(&p->arena, &w);) {
        struct value lines = get(p, &w.value, "lines");
        table_add(&t, get_text(p, &w.value, "name"), TABLE_PLAIN);
        table_addf(&t, TABLE_PLAIN, "%s", write_age(text, get_number(p, &w.value, "lag_seconds")));
        table_addf(&t, TABLE_PLAIN, "%s", write_bytes(text, get_number(p, &w.value, "lag_bytes")));
        for (size_t i = 0; i < sizeof members / sizeof *members; i++) {
            uint64_t n = get_count(p, &lines, members[i]);
            table_addf(&t, i >= 4 && i <= 6 && n > 0 ? TABLE_WARN : TABLE_PLAIN, "%" PRIu64, n);
        }
    }
    print_table(p, &t, SIZE_MAX);
}

static void print_rules(struct page *p, const struct value *s, size_t lines_most)
{
    struct table t;
    table_init(&t, &p->arena, "RULE|>EVENTS|>SIGNALS|>IDENTIFIES|>REJECTED|REASONS");
    for (struct value_walk w = walk(p, s, "rules"); value_walk_next(&p->arena, &w);) {
        struct value calls = get(p, &w.value, "calls");
        struct buffer reasons;
        uint64_t rejected = 0;
        buffer_init_in(&reasons, &p->arena);
        for (struct value_walk r = walk(p, &w.value, "rejected"); value_walk_next(&p->arena, &r);) {
            struct slice name = value_plain(&p->arena, &r.name);
            uint64_t n = strtoull(arena_strdup(&p->arena, r.value.text) ?: "0", NULL, 10);
            rejected += n;
            buffer_printf(&reasons, "%s%.*s: %" PRIu64, reasons.len ? ", " : "", SLICE_FMT(name), n);
        }
        table_add(&t, get_text(p, &w.value, "name"), TABLE_PLAIN);
        table_addf(&t, TABLE_PLAIN, "%" PRIu64, get_count(p, &calls, "event"));
        table_addf(&t, TABLE_PLAIN, "%" PRIu64, get_count(p, &calls, "signal"));
        table_addf(&t, TABLE_PLAIN, "%" PRIu64, get_count(p, &calls, "identify"));
        table_addf(&t, rejected ? TABLE_WARN : TABLE_PLAIN, "%" PRIu64, rejected);
        table_add(&t, reasons.len ? buffer_slice(&reasons) : SLICE("-"), TABLE_PLAIN);
    }
    print_table(p, &t, lines_most);
}

static int by_lag(const void *a, const void *b)
{
    const double *x = a, *y = b;
    return (x[1] < y[1]) - (x[1] > y[1]);
}

/* On a narrow terminal the path's end, which tells files apart. */
static void add_path(struct page *p, struct table *t, struct slice path)
{
    enum { OTHER_COLUMNS = 66, LEAST = 24 };
    size_t room_for = p->look->width > OTHER_COLUMNS + LEAST ? p->look->width - OTHER_COLUMNS : LEAST;
    if (p->look->width == 0 || path.len <= room_for) {
        table_add(t, path, TABLE_PLAIN);
        return;
    }
    struct buffer cut;
    buffer_init_in(&cut, &p->arena);
    size_t from = path.len - (room_for - 3);
    while (from < path.len && ((unsigned char)path.text[from] & 0xc0) == 0x80)
        from++;
    buffer_add_text(&cut, "...");
    buffer_add(&cut, slice_from_offset(path, from));
    table_add(t, buffer_slice(&cut), TABLE_PLAIN);
}

/* The furthest behind first, as that is what is looked for. */
static void print_files(struct page *p, const struct value *s, size_t lines_most)
{
    struct table t;
    char text[32];
    size_t count = 0;
    for (struct value_walk w = walk(p, s, "files"); value_walk_next(&p->arena, &w);)
        count++;
    double(*order)[2] = arena_calloc(&p->arena, count, sizeof *order);
    struct value *files = arena_calloc(&p->arena, count, sizeof *files);
    if (!order || !files)
        return;
    size_t i = 0;
    for (struct value_walk w = walk(p, s, "files"); value_walk_next(&p->arena, &w); i++) {
        files[i] = w.value;
        order[i][0] = (double)i;
        order[i][1] =
            slice_is(get_text(p, &w.value, "state"), "unreadable") ? 1e18 : get_number(p, &w.value, "lag_bytes");
    }
    if (count)
        qsort(order, count, sizeof *order, by_lag);
    table_init(&t, &p->arena, "FILE STATE|>OFFSET|>SIZE|>BEHIND|>AGE|>INODE|PATH");
    for (i = 0; i < count && i < lines_most; i++) {
        const struct value *f = &files[(size_t)order[i][0]];
        struct slice state = get_text(p, f, "state"), reason = get_text(p, f, "reason");
        struct slice location = get_text(p, f, "location");
        if (reason.len)
            table_addf(&t, colour_of(state), "%.*s: %.*s", SLICE_FMT(state), SLICE_FMT(reason));
        else
            table_add(&t, state, colour_of(state));
        table_addf(&t, TABLE_PLAIN, "%" PRIu64, get_count(p, f, "offset"));
        table_addf(&t, TABLE_PLAIN, "%" PRIu64, get_count(p, f, "size"));
        table_addf(&t, TABLE_PLAIN, "%s", write_bytes(text, get_number(p, f, "lag_bytes")));
        table_addf(&t, TABLE_PLAIN, "%s", write_age(text, get_number(p, f, "lag_seconds")));
        table_addf(&t, TABLE_PLAIN, "%" PRIu64, get_count(p, f, "inode"));
        add_path(p, &t, location.len ? location : get_text(p, f, "path"));
    }
    print_table(p, &t, lines_most);
    if (count == 0)
        print(p, SLICE("no file matches the inputs' paths"), TABLE_WARN);
}

static struct slice base_name(struct slice path)
{
    const char *slash = memrchr(path.text, '/', path.len);
    return slash ? slice_from_offset(path, (size_t)(slash - path.text) + 1) : path;
}

/* "status 503: the server cannot do it now" */
static struct slice what_was_wrong(struct page *p, const struct value *message)
{
    struct slice reason = get_text(p, message, "reason"), meaning = get_text(p, message, "meaning");
    uint64_t status = get_count(p, message, "status");
    struct buffer what;
    buffer_init_in(&what, &p->arena);
    if (reason.len == 0)
        reason = get_text(p, message, "error");
    if (reason.len == 0 && status)
        buffer_printf(&what, "status %" PRIu64, status);
    else
        buffer_add(&what, reason.len ? reason : SLICE("-"));
    buffer_printf(&what, "%s%.*s", meaning.len ? ": " : "", SLICE_FMT(meaning));
    return buffer_slice(&what);
}

/* "a.jsonl:220, rule completion" */
static struct slice where_it_was(struct page *p, const struct value *message)
{
    static const char *const places[] = {"file", "rule", "destination", "input", "directory", "at"};
    struct buffer where;
    buffer_init_in(&where, &p->arena);
    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
        struct slice at = get_text(p, message, places[i]);
        if (at.len == 0)
            continue;
        if (i == 0 && p->look->width)
            at = base_name(at);
        buffer_printf(&where, "%s%s%s", where.len ? ", " : "", i ? places[i] : "", i ? " " : "");
        buffer_add(&where, at);
        if (i == 0 && get(p, message, "offset").type == VALUE_NUMBER)
            buffer_printf(&where, ":%" PRIu64, get_count(p, message, "offset"));
    }
    return where.len ? buffer_slice(&where) : SLICE("-");
}

static void print_recent(struct page *p, const struct value *s, size_t messages_most)
{
    struct table t;
    size_t n = 0;
    table_init(&t, &p->arena, "RECENT (UTC)|LEVEL|REASON|WHERE|MESSAGE");
    for (struct value_walk w = walk(p, s, "recent"); n < messages_most && value_walk_next(&p->arena, &w); n++) {
        struct slice time = get_text(p, &w.value, "time"), level = get_text(p, &w.value, "level");
        table_add(&t, time.len > 19 ? slice_of(time.text + 11, 8) : time, TABLE_DIM);
        table_add(&t, level, colour_of(level));
        table_add(&t, what_was_wrong(p, &w.value), TABLE_PLAIN);
        table_add(&t, where_it_was(p, &w.value), TABLE_PLAIN);
        table_add(&t, get_text(p, &w.value, "message"), TABLE_PLAIN);
    }
    print_table(p, &t, SIZE_MAX);
}

/* ---- The drawing ------------------------------------------------------------------------------------------------ */

enum { BARS_MOST = 120, BAR_STEPS = 8 };

static double point_of(struct page *p, struct value *point, int64_t member)
{
    struct value v = value_element(&p->arena, point, member);
    char *text = v.type == VALUE_NUMBER ? arena_strdup(&p->arena, v.text) : NULL;
    return text ? strtod(text, NULL) : 0;
}

static void print_bars(struct page *p, const struct value *history, const char *title, int64_t member)
{
    static const char *const bars[BAR_STEPS + 1] = {" ", "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
    double values[BARS_MOST], most = 0, sum = 0;
    size_t count = 0, step = get_count(p, history, "step_seconds");
    for (struct value_walk w = walk(p, history, "points"); value_walk_next(&p->arena, &w) && count < BARS_MOST;)
        values[count++] = point_of(p, &w.value, member);
    size_t wide = p->look->width > 60 ? p->look->width - 40 : 20;
    size_t first = count > wide ? count - wide : 0;
    for (size_t i = first; i < count; i++) {
        most = values[i] > most ? values[i] : most;
        sum += values[i];
    }
    struct buffer line;
    buffer_init_in(&line, &p->arena);
    buffer_printf(&line, "%-16s ", title);
    for (size_t i = first; i < count; i++)
        buffer_add_text(&line, bars[values[i] > 0 ? 1 + (size_t)(values[i] / most * (BAR_STEPS - 1)) : 0]);
    buffer_printf(&line, "| %.0f in %zu s", sum, (count - first) * step);
    print(p, buffer_slice(&line), TABLE_PLAIN);
}

/* ---- The whole -------------------------------------------------------------------------------------------------- */

static void print_all(struct page *p, const struct value *s)
{
    bool bounded = p->look->height > 0;
    struct value history = get(p, s, "history");
    print_head(p, s);
    print_sums(p, s);
    if (p->look->drawing) {
        print_bars(p, &history, "calls delivered", 1);
        print_bars(p, &history, "requests failed", 2);
    }
    print_destinations(p, s);
    print_inputs(p, s);
    print_recent(p, s, bounded ? (room(p) > 24 ? 8 : 3) : 10);
    print_files(p, s, bounded ? (room(p) > 12 ? room(p) * 2 / 3 : room(p)) : SIZE_MAX);
    print_rules(p, s, SIZE_MAX);
}

bool status_text_write(struct buffer *out, struct slice json, const struct status_look *look)
{
    struct page p = {.out = out, .look = look};
    const struct json_doc *doc;
    arena_init(&p.arena, MIB(1024));
    bool ok = json_doc_parse(&p.arena, json, JSON_OBJECT_ONLY, &doc) == JSON_OK;
    if (ok) {
        struct value status = value_of_token(doc, 0);
        ok = get_count(&p, &status, "status_version") >= 1;
        if (ok)
            print_all(&p, &status);
    }
    ok = ok && !p.arena.failed && !out->failed;
    arena_release(&p.arena);
    return ok;
}
