/* Random histories of files against a model: writes split anywhere, rotation of each kind, restarts and crashes, time.
 *
 *     test_histories [COUNT [SEED]]
 *
 * Each line that was written has a number. In the end each was delivered once; more often only after a crash, never
 * only where no agent could have read it: its file was cut, deleted or moved out of sight when it was not read, and no
 * other file holds it. What was delivered was written, whole, and in the order of its content.
 *
 * This exercises: growth, partial lines, rename and create with a writer that stays, copy and truncate, truncate and
 * rewrite, delete and create, all of them while the agent is down, too; restart and crash; hints on, off and lying. */
#include "bed.h"

#include "support/cmocka_setup.h"

#include <fcntl.h>
#include <unistd.h>

enum { STREAMS = 2, LINES_MOST = 4000, CONTENTS_MOST = 400, ROTATED = 3 };

struct written {
    unsigned content; /* where it was written */
    bool may_be_lost;
    unsigned delivered, delivered_before_crash;
};

struct content {    /* what one file holds, from its beginning on */
    bool is_read;   /* a line of it was delivered: it is known */
    long last_line; /* delivered, for the order */
};

struct stream { /* a log, its writer, and its rotated files */
    char name[16];
    int fd;                        /* the writer's */
    unsigned content;              /* that it writes into */
    unsigned rotated[ROTATED + 1]; /* the contents of name.1, name.2, …; 0: there is none */
    char pending[128];             /* the rest of a line that is half written */
};

struct history {
    struct bed bed;
    struct stream streams[STREAMS];
    struct written lines[LINES_MOST];
    struct content contents[CONTENTS_MOST];
    unsigned line_count, content_count;
    size_t looked_at; /* of what was delivered */
    uint32_t random;
    bool rotated_match, crashed;
    bool running;
    struct buffer trace;
};

/* What was done, for the history that failed. */
static void trace(struct history *h, const char *what, const struct stream *s)
{
    buffer_printf(&h->trace, "%-20s %s", what, s->name);
    for (unsigned i = 0; i <= ROTATED; i++)
        buffer_printf(&h->trace, " %u", i ? s->rotated[i] : s->content);
    buffer_printf(&h->trace, "  lines %u, delivered %zu, now %llu\n", h->line_count, h->bed.sink.count,
                  (unsigned long long)h->bed.skew);
}

static void show(struct history *h, unsigned content)
{
    print_message("%.*s", SLICE_FMT(buffer_slice(&h->trace)));
    for (size_t i = 0; i < h->bed.sink.count; i++) {
        unsigned of = 0;
        const struct sunk_line *line = &h->bed.sink.lines[i];
        if (sscanf(line->text, "line %*u of %u", &of) == 1 && of == content)
            print_message("%s:%llu %s\n", line->file, (unsigned long long)line->offset, line->text);
    }
    for (struct file *f = h->bed.table ? file_table_first(h->bed.table) : NULL; f; f = file_table_next(f))
        print_message("key %llu %s place %d inode %llu offset %llu size %llu head %llu held by %llu\n",
                      (unsigned long long)f->key, file_location(f), (int)f->place, (unsigned long long)f->inode,
                      (unsigned long long)file_offset(f), (unsigned long long)f->size, (unsigned long long)f->head.len,
                      (unsigned long long)(f->reading.held_by ? f->reading.held_by->key : 0));
}

static uint32_t next_random(struct history *h, uint32_t below)
{
    h->random = h->random * 1664525 + 1013904223;
    return (uint32_t)(((uint64_t)(h->random >> 8) * below) >> 24);
}

/* ---- what was delivered ---- */

static void look_at_delivered(struct history *h)
{
    struct delivery *sink = &h->bed.sink;
    for (; h->looked_at < sink->count; h->looked_at++) {
        unsigned number;
        int end = 0;
        const char *text = sink->lines[h->looked_at].text;
        if (sscanf(text, "line %u of %*u .%n", &number, &end) != 1 || number >= h->line_count || !end)
            fail_msg("invented: '%s'", text);
        size_t dots = strspn(text + end, ".");
        if (dots != number % 50 || text[end + (int)dots])
            fail_msg("torn: '%s'", text);
        struct written *line = &h->lines[number];
        struct content *content = &h->contents[line->content];
        content->is_read = true;
        if (!line->delivered && !h->crashed && (long)number < content->last_line)
            fail_msg("line %u came after line %ld", number, content->last_line);
        if ((long)number > content->last_line)
            content->last_line = number;
        line->delivered++;
    }
}

/* A content that nobody knows, or whose unread rest is nowhere any more. */
static void may_lose(struct history *h, unsigned content)
{
    look_at_delivered(h);
    for (unsigned i = 0; i < h->line_count; i++) {
        if (h->lines[i].content == content)
            h->lines[i].may_be_lost = true;
    }
}

static bool is_known(struct history *h, unsigned content)
{
    look_at_delivered(h);
    return h->contents[content].is_read;
}

/* ---- actions ---- */

static const char *rotated_name(struct stream *s, unsigned number)
{
    static char names[4][32];
    static unsigned used;
    char *name = names[used++ % 4];
    snprintf(name, sizeof names[0], "%s.%u", s->name, number);
    return name;
}

static unsigned new_content(struct history *h)
{
    assert_true(h->content_count < CONTENTS_MOST);
    h->contents[h->content_count] = (struct content){.last_line = -1};
    return h->content_count++;
}

static void open_log(struct history *h, struct stream *s)
{
    s->fd = open(bed_path(&h->bed, s->name), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0644);
    assert_true(s->fd >= 0);
}

static void put(struct stream *s, const char *text, size_t len)
{
    assert_int_equal(write(s->fd, text, len), len);
}

static void finish_line(struct stream *s)
{
    put(s, s->pending, strlen(s->pending));
    s->pending[0] = '\0';
}

static void write_line(struct history *h, struct stream *s)
{
    char text[128], dots[64];
    if (h->line_count == LINES_MOST)
        return;
    finish_line(s);
    unsigned number = h->line_count++;
    h->lines[number] = (struct written){.content = s->content};
    memset(dots, '.', number % 50);
    dots[number % 50] = '\0';
    int len = snprintf(text, sizeof text, "line %u of %u .%s\n", number, s->content, dots);
    size_t cut = next_random(h, 3) ? (size_t)len : next_random(h, (uint32_t)len + 1);
    put(s, text, cut);
    snprintf(s->pending, sizeof s->pending, "%s", text + cut);
}

static void write_some(struct history *h, struct stream *s)
{
    for (uint32_t n = next_random(h, 12); n > 0; n--)
        write_line(h, s);
}

/* The rotated files move up by one; the oldest is deleted. */
static void shift(struct history *h, struct stream *s)
{
    if (s->rotated[ROTATED]) {
        may_lose(h, s->rotated[ROTATED]);
        bed_delete(&h->bed, rotated_name(s, ROTATED));
    }
    for (unsigned i = ROTATED; i > 1; i--) {
        if (s->rotated[i - 1])
            bed_rename(&h->bed, rotated_name(s, i - 1), rotated_name(s, i));
        s->rotated[i] = s->rotated[i - 1];
    }
}

static void rename_and_create(struct history *h, struct stream *s)
{
    finish_line(s);
    shift(h, s);
    if (!h->rotated_match && !is_known(h, s->content))
        may_lose(h, s->content);
    bed_rename(&h->bed, s->name, rotated_name(s, 1));
    s->rotated[1] = s->content;
    if (next_random(h, 2)) { /* the writer has not noticed yet */
        write_some(h, s);
        finish_line(s);
        if (!h->rotated_match && !is_known(h, s->content))
            may_lose(h, s->content);
    }
    close(s->fd);
    s->content = new_content(h);
    open_log(h, s);
}

static void copy_and_truncate(struct history *h, struct stream *s)
{
    finish_line(s);
    shift(h, s);
    if (!h->rotated_match && !is_known(h, s->content))
        may_lose(h, s->content);
    bed_copy(&h->bed, s->name, rotated_name(s, 1));
    s->rotated[1] = s->content;
    bed_truncate(&h->bed, s->name, 0);
    s->content = new_content(h);
}

static void truncate_and_rewrite(struct history *h, struct stream *s)
{
    finish_line(s);
    may_lose(h, s->content);
    bed_truncate(&h->bed, s->name, 0);
    s->content = new_content(h);
    write_some(h, s);
}

static void delete_and_create(struct history *h, struct stream *s)
{
    finish_line(s);
    may_lose(h, s->content);
    close(s->fd);
    bed_delete(&h->bed, s->name);
    s->content = new_content(h);
    open_log(h, s);
}

static void stop(struct history *h)
{
    h->bed.no_save = false;
    look_at_delivered(h);
    bed_stop(&h->bed);
    h->looked_at = h->bed.sink.count;
    /* what was taken but not delivered is forgotten */
    for (unsigned i = 0; i < h->line_count; i++)
        h->lines[i].delivered = 0;
    h->looked_at = 0;
    for (unsigned i = 0; i < h->content_count; i++)
        h->contents[i] = (struct content){.last_line = -1};
    bool crashed = h->crashed;
    h->crashed = true; /* the order of what comes again is not looked at */
    look_at_delivered(h);
    h->crashed = crashed;
}

static void turn_a_little(struct history *h)
{
    for (uint32_t n = next_random(h, 30); n > 0; n--)
        uv_run(&h->bed.loop, UV_RUN_NOWAIT);
}

static void change_hold(struct history *h, struct stream *s)
{
    (void)s;
    h->bed.sink.hold = !h->bed.sink.hold;
}

static void change_room(struct history *h, struct stream *s)
{
    (void)s;
    h->bed.sink.room = h->bed.sink.room ? 0 : SIZE_MAX;
}

static void pass(struct history *h, struct stream *s)
{
    (void)s;
    bed_pass(&h->bed, next_random(h, 8000));
}

static void settle_down(struct history *h, struct stream *s)
{
    (void)s;
    if (h->running)
        bed_settle_down(&h->bed);
}

/* A hint about nothing. */
static void lie(struct history *h, struct stream *s)
{
    if (h->running)
        file_table_touch(h->bed.table, bed_path(&h->bed, s->name));
}

static void stop_or_start(struct history *h, struct stream *s)
{
    (void)s;
    if (h->running)
        stop(h);
    else
        bed_start(&h->bed);
    h->running = !h->running;
}

/* What was delivered since the last save comes again. */
static void crash(struct history *h, struct stream *s)
{
    if (!h->running)
        return;
    h->bed.no_save = h->crashed = true;
    write_some(h, s);
    turn_a_little(h);
    stop(h);
    h->running = false;
}

static const struct action {
    const char *name;
    void (*run)(struct history *h, struct stream *s);
    uint32_t share;
} actions[] = {
    {"write", write_some, 45},
    {"rename and create", rename_and_create, 10},
    {"copy and truncate", copy_and_truncate, 10},
    {"truncate and rewrite", truncate_and_rewrite, 3},
    {"delete and create", delete_and_create, 4},
    {"settle down", settle_down, 8},
    {"pass", pass, 5},
    {"hold", change_hold, 4},
    {"room", change_room, 3},
    {"lie", lie, 3},
    {"stop or start", stop_or_start, 8},
    {"crash", crash, 2},
};

static void act(struct history *h)
{
    struct stream *s = &h->streams[next_random(h, STREAMS)];
    uint32_t sum = 0;
    for (size_t i = 0; i < sizeof actions / sizeof *actions; i++)
        sum += actions[i].share;
    uint32_t at = next_random(h, sum);
    const struct action *action = actions;
    for (; at >= action->share; action++)
        at -= action->share;
    trace(h, action->name, s);
    action->run(h, s);
}

static void check(struct history *h)
{
    look_at_delivered(h);
    for (unsigned i = 0; i < h->line_count; i++) {
        const struct written *line = &h->lines[i];
        bool is_missing = !line->delivered && !line->may_be_lost;
        bool is_repeated = line->delivered > 1 && !h->crashed;
        if (is_missing || is_repeated)
            show(h, line->content);
        if (is_missing)
            fail_msg("line %u of content %u was not delivered", i, line->content);
        if (is_repeated)
            fail_msg("line %u of content %u was delivered %u times", i, line->content, line->delivered);
    }
}

static void run_history(struct history *h, uint32_t seed)
{
    *h = (struct history){.random = seed, .content_count = 1};
    static const char *const inputs[] = {"paths: ['*.log']", "paths: ['*.log', '*.log.[0-9]']"};
    static const char *const watches[] = {"", "\n    watch: poll\n    poll_interval: 50ms"};
    char input[128];
    buffer_init(&h->trace, 1 << 20);
    h->rotated_match = next_random(h, 2);
    snprintf(input, sizeof input, "%s%s", inputs[h->rotated_match], watches[next_random(h, 2)]);
    bed_make(&h->bed, input);
    h->bed.hurry = true;
    h->bed.options.descriptors = next_random(h, 2) ? 0 : 2;
    h->bed.options.jobs = 1 + next_random(h, 3);
    for (unsigned i = 0; i < STREAMS; i++) {
        struct stream *s = &h->streams[i];
        snprintf(s->name, sizeof s->name, "%c.log", 'a' + i);
        s->content = new_content(h);
        open_log(h, s);
    }
    bed_start(&h->bed);
    h->running = true;
    for (uint32_t n = 20 + next_random(h, 60); n > 0; n--) {
        act(h);
        if (h->running)
            turn_a_little(h);
    }
    for (unsigned i = 0; i < STREAMS; i++) {
        finish_line(&h->streams[i]);
        close(h->streams[i].fd);
    }
    if (!h->running)
        bed_start(&h->bed);
    h->bed.sink.hold = false;
    h->bed.sink.room = SIZE_MAX;
    bed_settle_down(&h->bed);
    bed_pass(&h->bed, 6000);
    bed_settle_down(&h->bed);
    bed_pass(&h->bed, 61000);
    bed_settle_down(&h->bed);
    check(h);
    bed_remove(&h->bed);
    buffer_release(&h->trace);
}

static unsigned history_count = 60; /* more by argument */
static uint32_t first_seed = 1;

static void random_histories(void **state)
{
    (void)state;
    struct history *h = malloc(sizeof *h);
    for (uint32_t i = 0; i < history_count; i++) {
        printf("seed %u\n", first_seed + i);
        run_history(h, first_seed + i);
    }
    free(h);
}

int main(int argc, char **argv)
{
    if (argc > 1)
        history_count = (unsigned)strtoul(argv[1], NULL, 10);
    first_seed = argc > 2 ? (uint32_t)strtoul(argv[2], NULL, 10) : 1;
    const struct CMUnitTest tests[] = {cmocka_unit_test(random_histories)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
