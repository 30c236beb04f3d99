/* Random histories of files against a model: writes split anywhere, rotation of each kind, restarts and crashes, time.
 *
 *     test_histories [COUNT [SEED]]         (without: also those that failed once)
 *
 * Each history is a list of steps, made from its seed, and runs in a process of its own. Of one that fails steps are
 * left out for as long as it fails: what is shown in the end is short. RAINGAUGE_HISTORY="5 9 12" runs only those steps
 * of the history SEED.
 *
 * Each line that was written has a number. In the end each was delivered once; more often only after a crash, never
 * only where no agent could have read it: its file was cut, deleted or moved out of sight when it was not read, and no
 * other file holds it. What was delivered was written, whole, and in the order of its content.
 *
 * This exercises: growth, partial lines, rename and create with a writer that stays, copy and truncate, truncate and
 * rewrite, delete and create (on a disk the inode is used again), gzip, a link that is given another target, hard
 * links, moves to another directory, all of them while the agent is down, too; restart and crash; hints on, off and
 * lying. What is counted as lost was not delivered. */
#include "bed.h"

#include "frames/gzip_bytes.h"
#include "support/cmocka_setup.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { STREAMS = 3, LINKED = 2, LINES_MOST = 4000, CONTENTS_MOST = 400, ROTATED = 3, STEPS_MOST = 80 };
enum { HANGS_AFTER_S = 240, SHRINK_RUNS = 150, SHRINK_S = 240 };

struct written {
    unsigned content; /* where it was written */
    unsigned bytes;
    bool may_be_lost;
    unsigned delivered, delivered_before_crash;
};

struct content {  /* what one file holds, from its beginning on */
    bool is_read; /* a line of it was delivered: it is known */
    bool has_hard_link;
    long last_line; /* delivered, for the order */
};

struct stream { /* a log, its writer, and its rotated files */
    char name[16];
    int fd;           /* the writer's */
    unsigned content; /* that it writes into */
    struct rotated {
        unsigned content; /* 0: there is none */
        bool gz, is_copy;
    } rotated[ROTATED + 1]; /* name.1, name.2, … */
    char pending[128];      /* the rest of a line that is half written */
    unsigned target;        /* of the one that is a link: its file's number */
};

struct step { /* of a history */
    unsigned action, stream;
    uint32_t random;
};

struct history {
    struct bed bed;
    struct stream streams[STREAMS];
    struct written lines[LINES_MOST];
    struct content contents[CONTENTS_MOST];
    unsigned line_count, content_count;
    size_t looked_at; /* of what was delivered */
    uint32_t random;
    struct step steps[STEPS_MOST];
    size_t step_count;
    unsigned links, moved; /* names that were made */
    bool rotated_match, gz_match, crashed, compressed;
    bool running;
    struct buffer trace;
};

/* What was done, for the history that failed. */
static void trace(struct history *h, const char *what, const struct stream *s)
{
    buffer_printf(&h->trace, "%-20s %s", what, s->name);
    for (unsigned i = 0; i <= ROTATED; i++)
        buffer_printf(&h->trace, " %u%s", i ? s->rotated[i].content : s->content, i && s->rotated[i].gz ? "z" : "");
    buffer_printf(&h->trace, "  lines %u, delivered %zu, now %llu\n", h->line_count, h->bed.sink.count,
                  (unsigned long long)h->bed.skew);
}

static void show(struct history *h, unsigned content)
{
    fwrite(h->trace.data, 1, h->trace.len, stderr);
    for (size_t i = 0; i < h->bed.sink.count; i++) {
        unsigned of = 0;
        const struct sunk_line *line = &h->bed.sink.lines[i];
        if (sscanf(line->text, "line %*u of %u", &of) == 1 && of == content)
            print_message("%s:%llu %s\n", line->file, (unsigned long long)line->offset, line->text);
    }
    for (struct file *f = h->bed.table ? file_table_first(h->bed.table) : NULL; f; f = file_table_next(f))
        print_message(
            "key %llu %s place %d inode %llu offset %llu size %llu head %llu held by %llu lists %x searched %llu "
            "limit %llx end %d moved %d matched %d unreadable %d growth %llu wake %llu\n",
            (unsigned long long)f->key, file_location(f), (int)f->place, (unsigned long long)f->inode,
            (unsigned long long)file_offset(f), (unsigned long long)f->size, (unsigned long long)f->head.len,
            (unsigned long long)(f->reading.held_by ? f->reading.held_by->key : 0), f->lists,
            (unsigned long long)f->reading.searched_to, (unsigned long long)f->reading.limit, f->reading.at_end,
            f->moved, f->matched, f->unreadable, (unsigned long long)f->growth.size,
            (unsigned long long)f->reading.wake_at);
}

#define fail_with(h, content, ...)                                                                                     \
    do {                                                                                                               \
        show((h), (content));                                                                                          \
        fail_msg(__VA_ARGS__);                                                                                         \
    } while (0)

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
            fail_with(h, 0, "invented: '%s'", text);
        size_t dots = strspn(text + end, ".");
        if (dots != number % 50 || text[end + (int)dots])
            fail_with(h, 0, "torn: '%s'", text);
        struct written *line = &h->lines[number];
        struct content *content = &h->contents[line->content];
        content->is_read = true;
        if (!line->delivered && !h->crashed && (long)number < content->last_line)
            fail_with(h, line->content, "line %u came after line %ld", number, content->last_line);
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

static const char *rotated_name(struct stream *s, unsigned number, bool gz)
{
    static char names[4][32];
    static unsigned used;
    char *name = names[used++ % 4];
    snprintf(name, sizeof names[0], "%s.%u%s", s->name, number, gz ? ".gz" : "");
    return name;
}

static unsigned new_content(struct history *h)
{
    assert_true(h->content_count < CONTENTS_MOST);
    h->contents[h->content_count] = (struct content){.last_line = -1};
    return h->content_count++;
}

/* A file that is cut keeps its names. */
static unsigned new_content_of_inode(struct history *h, unsigned old)
{
    unsigned content = new_content(h);
    h->contents[content].has_hard_link = h->contents[old].has_hard_link;
    return content;
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
    h->lines[number] = (struct written){.content = s->content, .bytes = 0};
    memset(dots, '.', number % 50);
    dots[number % 50] = '\0';
    int len = snprintf(text, sizeof text, "line %u of %u .%s\n", number, s->content, dots);
    h->lines[number].bytes = (unsigned)len;
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
    struct rotated *last = &s->rotated[ROTATED];
    if (last->content) {
        may_lose(h, last->content);
        bed_delete(&h->bed, rotated_name(s, ROTATED, last->gz));
    }
    for (unsigned i = ROTATED; i > 1; i--) {
        const struct rotated *r = &s->rotated[i - 1];
        if (r->content)
            bed_rename(&h->bed, rotated_name(s, i - 1, r->gz), rotated_name(s, i, r->gz));
        s->rotated[i] = *r;
    }
    s->rotated[1] = (struct rotated){0};
}

static void rename_and_create(struct history *h, struct stream *s)
{
    if (s == &h->streams[LINKED])
        return;
    finish_line(s);
    shift(h, s);
    if (!h->rotated_match && !is_known(h, s->content))
        may_lose(h, s->content);
    bed_rename(&h->bed, s->name, rotated_name(s, 1, false));
    s->rotated[1] = (struct rotated){.content = s->content};
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
    if (s == &h->streams[LINKED])
        return;
    finish_line(s);
    shift(h, s);
    if (!h->rotated_match && !is_known(h, s->content))
        may_lose(h, s->content);
    bed_copy(&h->bed, s->name, rotated_name(s, 1, false));
    s->rotated[1] = (struct rotated){.content = s->content, .is_copy = true};
    bed_truncate(&h->bed, s->name, 0);
    s->content = new_content_of_inode(h, s->content);
}

static void truncate_and_rewrite(struct history *h, struct stream *s)
{
    finish_line(s);
    may_lose(h, s->content);
    bed_truncate(&h->bed, s->name, 0);
    s->content = new_content_of_inode(h, s->content);
    write_some(h, s);
}

static void delete_and_create(struct history *h, struct stream *s)
{
    if (s == &h->streams[LINKED])
        return;
    finish_line(s);
    may_lose(h, s->content);
    close(s->fd);
    bed_delete(&h->bed, s->name);
    s->content = new_content(h);
    open_log(h, s);
}

static void turn_a_little(struct history *h);

/* A rotated file is compressed, sometimes slowly. */
static void compress(struct history *h, struct stream *s)
{
    unsigned i = 1 + next_random(h, ROTATED);
    struct rotated *r = &s->rotated[i];
    if (!r->content || r->gz || h->contents[r->content].has_hard_link) /* then it and its .gz are two files */
        return;
    if (!h->gz_match && !is_known(h, r->content))
        may_lose(h, r->content);
    size_t len;
    struct buffer gz;
    char *text = temp_read(&h->bed.dir, rotated_name(s, i, false), &len);
    buffer_init(&gz, 1 << 20);
    gzip_add(&gz, slice_of(text, len));
    if (next_random(h, 2)) {
        temp_write(&h->bed.dir, rotated_name(s, i, true), gz.data, next_random(h, (uint32_t)gz.len));
        if (h->running)
            turn_a_little(h);
    }
    temp_write(&h->bed.dir, rotated_name(s, i, true), gz.data, gz.len);
    bed_delete(&h->bed, rotated_name(s, i, false));
    free(text);
    buffer_release(&gz);
    r->gz = h->compressed = true;
}

static const char *target_name(const struct stream *s)
{
    static char name[32];
    snprintf(name, sizeof name, "%s-%u", s->name, s->target);
    return name;
}

/* The link's next target, which is new; the link is there at any moment. */
static void link_to_new(struct history *h, struct stream *s)
{
    s->target++;
    s->fd = open(bed_path(&h->bed, target_name(s)), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0644);
    assert_true(s->fd >= 0);
    assert_int_equal(symlink(target_name(s), bed_path(&h->bed, "new")), 0);
    bed_rename(&h->bed, "new", s->name);
}

static void flip_link(struct history *h, struct stream *s)
{
    if (s != &h->streams[LINKED])
        return;
    finish_line(s);
    int before = s->fd;
    char old[32];
    snprintf(old, sizeof old, "%s", target_name(s));
    if (!is_known(h, s->content))
        may_lose(h, s->content);
    link_to_new(h, s);
    if (next_random(h, 2) && is_known(h, s->content)) { /* the writer has not noticed yet */
        int after = s->fd;
        s->fd = before;
        write_some(h, s);
        finish_line(s);
        s->fd = after;
    }
    close(before);
    if (next_random(h, 4) == 0) {
        may_lose(h, s->content);
        bed_delete(&h->bed, old);
    }
    s->content = new_content(h);
}

static void hard_link(struct history *h, struct stream *s)
{
    char name[32];
    if (s == &h->streams[LINKED])
        return;
    snprintf(name, sizeof name, "hard-%u.log", h->links++);
    assert_int_equal(link(bed_path(&h->bed, s->name), bed_path(&h->bed, name)), 0);
    h->contents[s->content].has_hard_link = true;
}

/* To another directory that is watched. (A copy would be another file there: it continues one of its own directory.) */
static void move_away(struct history *h, struct stream *s)
{
    unsigned i = 1 + next_random(h, ROTATED);
    struct rotated *r = &s->rotated[i];
    char name[32];
    if (!r->content || r->gz || r->is_copy)
        return;
    snprintf(name, sizeof name, "d/moved-%u.log", h->moved++);
    bed_rename(&h->bed, rotated_name(s, i, false), name);
    *r = (struct rotated){0};
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
        h->contents[i] = (struct content){.last_line = -1, .has_hard_link = h->contents[i].has_hard_link};
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
    {"compress", compress, 8},
    {"move away", move_away, 3},
    {"flip link", flip_link, 5},
    {"hard link", hard_link, 1},
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

static struct step random_step(struct history *h)
{
    struct step step = {.stream = next_random(h, STREAMS), .random = h->random * 2654435761U + 1};
    uint32_t sum = 0;
    for (size_t i = 0; i < sizeof actions / sizeof *actions; i++)
        sum += actions[i].share;
    uint32_t at = next_random(h, sum);
    for (; at >= actions[step.action].share; step.action++)
        at -= actions[step.action].share;
    return step;
}

static void act(struct history *h, const struct step *step)
{
    struct stream *s = &h->streams[step->stream];
    h->random = step->random;
    trace(h, actions[step->action].name, s);
    actions[step->action].run(h, s);
}

/* No alarm is false. (Of what is compressed other bytes are counted; after a crash what came before it may be.) */
static void check_losses(struct history *h)
{
    uint64_t lost = 0, missing = 0;
    for (int i = 0; i < LOSS_COUNT; i++)
        lost += metrics_input(h->bed.metrics, "logs")->bytes_lost[i];
    for (unsigned i = 0; i < h->line_count; i++)
        missing += h->lines[i].delivered ? 0 : h->lines[i].bytes;
    if (lost <= missing || h->crashed || h->compressed)
        return;
    show(h, 0);
    fail_msg("%llu bytes are counted as lost, %llu did not arrive", (unsigned long long)lost,
             (unsigned long long)missing);
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
    check_losses(h);
}

/* What happens in it, but for its timing. */
static void make_history(struct history *h, uint32_t seed)
{
    *h = (struct history){.random = seed, .content_count = 1};
    h->rotated_match = next_random(h, 3) > 0;
    h->gz_match = h->rotated_match && next_random(h, 2);
    h->step_count = 20 + next_random(h, STEPS_MOST - 20);
    for (size_t i = 0; i < h->step_count; i++)
        h->steps[i] = random_step(h);
}

static void begin_history(struct history *h, char *input, size_t size)
{
    static const char *const watches[] = {"", "\n    watch: poll\n    poll_interval: 50ms"};
    buffer_init(&h->trace, 1 << 20);
    snprintf(input, size, "paths: ['*.log', 'd/*.log'%s%s]%s", h->rotated_match ? ", '*.log.[0-9]'" : "",
             h->gz_match ? ", '*.log.[0-9].gz'" : "", watches[next_random(h, 2)]);
    bed_make(&h->bed, input);
    h->bed.hurry = true;
    h->bed.options.descriptors = next_random(h, 2) ? 0 : 2;
    h->bed.options.jobs = 1 + next_random(h, 3);
    assert_int_equal(mkdir(bed_path(&h->bed, "d"), 0755), 0);
    for (unsigned i = 0; i < STREAMS; i++) {
        struct stream *s = &h->streams[i];
        snprintf(s->name, sizeof s->name, "%c.log", 'a' + i);
        s->content = new_content(h);
        if (i == LINKED)
            link_to_new(h, s);
        else
            open_log(h, s);
    }
    bed_start(&h->bed);
    h->running = true;
}

/* All that can still come has come. */
static void end_history(struct history *h)
{
    for (unsigned i = 0; i < STREAMS; i++) {
        finish_line(&h->streams[i]);
        close(h->streams[i].fd);
    }
    if (!h->running)
        bed_start(&h->bed);
    h->bed.no_save = h->bed.sink.hold = false;
    h->bed.sink.room = SIZE_MAX;
    bed_settle_down(&h->bed);
    bed_pass(&h->bed, 6000);
    bed_settle_down(&h->bed);
    bed_pass(&h->bed, 61000);
    bed_settle_down(&h->bed);
    bed_pass(&h->bed, 6000);
    bed_settle_down(&h->bed);
    check(h);
    bed_remove(&h->bed);
    buffer_release(&h->trace);
}

static void run_history(struct history *h)
{
    char input[256];
    begin_history(h, input, sizeof input);
    for (size_t i = 0; i < h->step_count; i++) {
        act(h, &h->steps[i]);
        if (h->running)
            turn_a_little(h);
    }
    end_history(h);
}

/* What the last one that failed has said; what the one that runs says. */
struct logs {
    int failed, running;
};

static void keep_log(const struct logs *logs)
{
    char text[4096];
    assert_true(ftruncate(logs->failed, 0) == 0 && lseek(logs->failed, 0, SEEK_SET) == 0);
    lseek(logs->running, 0, SEEK_SET);
    for (ssize_t n; (n = read(logs->running, text, sizeof text)) > 0;)
        assert_int_equal(write(logs->failed, text, (size_t)n), n);
}

/* In a process of its own, which can hang and crash. */
static bool history_fails(struct history *h, const struct logs *logs)
{
    fflush(NULL);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        alarm(HANGS_AFTER_S);
        assert_true(ftruncate(logs->running, 0) == 0 && lseek(logs->running, 0, SEEK_SET) == 0);
        dup2(logs->running, STDOUT_FILENO);
        dup2(logs->running, STDERR_FILENO);
        run_history(h);
        _exit(0);
    }
    int status;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    if (status != 0)
        keep_log(logs);
    return status != 0;
}

static bool still_fails(struct history *h, const struct logs *logs)
{
    return history_fails(h, logs) || history_fails(h, logs); /* how its threads run is not always the same */
}

/* Leaves out steps, many at a time first, for as long as it still fails. */
static void shrink(struct history *h, unsigned *numbers, const struct logs *logs)
{
    unsigned runs = 0;
    time_t give_up_at = time(NULL) + SHRINK_S;
    for (size_t some = h->step_count / 2; some > 0; some /= 2) {
        for (size_t at = 0; at < h->step_count && runs < SHRINK_RUNS && time(NULL) < give_up_at; runs++) {
            struct history *less = malloc(sizeof *less);
            size_t end = at + some < h->step_count ? at + some : h->step_count;
            *less = *h;
            memmove(less->steps + at, h->steps + end, (h->step_count - end) * sizeof *h->steps);
            less->step_count -= end - at;
            if (still_fails(less, logs)) {
                memmove(numbers + at, numbers + end, (h->step_count - end) * sizeof *numbers);
                *h = *less;
            } else {
                at = end;
            }
            free(less);
        }
    }
}

static void show_failure(const struct history *h, uint32_t seed, const unsigned *numbers, const struct logs *logs)
{
    char text[4096];
    fprintf(stderr, "history %u fails; these steps of it do: RAINGAUGE_HISTORY=\"", seed);
    for (size_t i = 0; i < h->step_count; i++)
        fprintf(stderr, "%s%u", i ? " " : "", numbers[i]);
    fprintf(stderr, "\" test_histories 1 %u\n", seed);
    lseek(logs->failed, 0, SEEK_SET);
    for (ssize_t n; (n = read(logs->failed, text, sizeof text)) > 0;)
        fwrite(text, 1, (size_t)n, stderr);
}

/* Those that are wanted (NULL: all). */
static void choose_steps(struct history *h, const char *wanted, unsigned *numbers)
{
    size_t count = 0;
    for (unsigned i = 0; i < h->step_count; i++)
        numbers[i] = i;
    for (char *end; wanted && *wanted; wanted = end, count++) {
        unsigned long number = strtoul(wanted, &end, 10);
        assert_true(end > wanted && number < h->step_count);
        numbers[count] = (unsigned)number;
        h->steps[count] = h->steps[number];
    }
    if (count)
        h->step_count = count;
}

static unsigned history_count = 60; /* more by argument */
static uint32_t first_seed = 1;

static void random_histories(void **state)
{
    (void)state;
    FILE *files[] = {tmpfile(), tmpfile()};
    struct history *h = malloc(sizeof *h);
    assert_true(h && files[0] && files[1]);
    const struct logs logs = {fileno(files[0]), fileno(files[1])};
    unsigned failed = 0;
    for (uint32_t i = 0; i < history_count; i++) {
        unsigned numbers[STEPS_MOST];
        make_history(h, first_seed + i);
        choose_steps(h, getenv("RAINGAUGE_HISTORY"), numbers);
        printf("seed %u\n", first_seed + i);
        if (!history_fails(h, &logs))
            continue;
        failed++;
        if (!getenv("RAINGAUGE_HISTORY"))
            shrink(h, numbers, &logs);
        show_failure(h, first_seed + i, numbers, &logs);
    }
    free(h);
    fclose(files[0]);
    fclose(files[1]);
    assert_int_equal(failed, 0);
}

/* Those that failed once. */
static void histories_that_failed(void **state)
{
    (void)state;
    static const struct {
        uint32_t seed;
        const char *steps;
    } kept[] = {
        {100126, "0 1 3 4 6 8 9 10 18 20"},          /* a hint about one of two names was taken for a rename */
        {710001, "1 3 8 9 17 18 19 20 21 22 32 33"}, /* a copy was compared only in the cut file's new directory */
        {710066, "3 42 46 47 49 50 61 63 64 68"},    /* … */
        {710363, "14 18 19 22 23 24 26 27 28 29"},   /* what a file was rewritten with was counted as lost */
        {720043, "0 1 2 3 4 5 11 12 13 14 17 18 19 20 21 22 23 47 49"},          /* born with an inode's earlier file */
        {760170, "0 1 2 4 5 6 12 16 18 19 21 22 23 24 25 27 28 29 30 32 33 35"}, /* … and so, still with its name */
        {790268, "2 3 7 25 26 27 36 45 46 47 49 50 51 54 55"}, /* a deleted file was the same as its .gz for a minute */
        {730083, "0 1 2 3 4 7 8 9 11 13 14 17 18 20 22 24 25 26 27 28 29 30 31 32 34 35 36 37 38 39 40 41 42 43 44 45 "
                 "46 47 48 51 52"}, /* a link's target was begun without the link's name */
    };
    struct history *h = malloc(sizeof *h);
    FILE *files[] = {tmpfile(), tmpfile()};
    assert_true(h && files[0] && files[1]);
    const struct logs logs = {fileno(files[0]), fileno(files[1])};
    for (size_t i = 0; i < sizeof kept / sizeof *kept; i++) {
        unsigned numbers[STEPS_MOST];
        make_history(h, kept[i].seed);
        choose_steps(h, kept[i].steps, numbers);
        bool fails = history_fails(h, &logs);
        if (fails)
            show_failure(h, kept[i].seed, numbers, &logs);
        assert_false(fails);
    }
    free(h);
    fclose(files[0]);
    fclose(files[1]);
}

int main(int argc, char **argv)
{
    if (argc > 1)
        history_count = (unsigned)strtoul(argv[1], NULL, 10);
    first_seed = argc > 2 ? (uint32_t)strtoul(argv[2], NULL, 10) : 1;
    const struct CMUnitTest tests[] = {cmocka_unit_test(random_histories), cmocka_unit_test(histories_that_failed)};
    return _cmocka_run_group_tests("histories", tests, argc > 1 ? 1 : 2, NULL, NULL);
}
