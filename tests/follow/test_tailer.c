/* Following real files, with a mapper that makes a call of each line. What is delivered is compared line by line. */
#include "bed.h"

#include "limits.h"
#include "support/cmocka_setup.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

static void check_lines(struct bed *b, size_t count, const char *const lines[])
{
    for (size_t i = 0; i < count && i < b->sink.count; i++)
        assert_string_equal(b->sink.lines[i].text, lines[i]);
    assert_int_equal(b->sink.count, count);
}
#define CHECK_LINES(b, ...)                                                                                            \
    do {                                                                                                               \
        const char *const expected[] = {__VA_ARGS__};                                                                  \
        check_lines((b), sizeof expected / sizeof *expected, expected);                                                \
    } while (0)

/* Each once, in whichever order files were read. */
#define CHECK_LINES_ANYHOW(b, ...)                                                                                     \
    do {                                                                                                               \
        const char *const expected[] = {__VA_ARGS__};                                                                  \
        assert_int_equal((b)->sink.count, sizeof expected / sizeof *expected);                                         \
        for (size_t i = 0; i < sizeof expected / sizeof *expected; i++)                                                \
            assert_int_equal(sink_count(&(b)->sink, expected[i]), 1);                                                  \
    } while (0)

static uint64_t lost(const struct bed *b)
{
    uint64_t sum = 0;
    for (int i = 0; i < LOSS_COUNT; i++)
        sum += metrics_input(b->metrics, "logs")->bytes_lost[i];
    return sum;
}

/* What is in a file, and what is appended, comes once; also from a file that is new, and through a hint alone. */
static void reads_what_is_there_and_what_comes(void **state)
{
    (void)state;
    struct bed b;
    bed_make(&b, NULL);
    bed_append(&b, "a.log", "one\ntwo\n");
    bed_append(&b, "a.txt", "not matched\n");
    bed_start(&b);
    turn_until(&b, b.sink.count == 2);
    bed_append(&b, "a.log", "three\n");
    turn_until(&b, b.sink.count == 3);
    bed_append(&b, "b.log", "four\n");
    turn_until(&b, b.sink.count == 4);
    bed_settle_down(&b);
    CHECK_LINES(&b, "one", "two", "three", "four");
    assert_int_equal(b.sink.lines[2].offset, 8);
    bed_remove(&b);
}

/* A line that is written in pieces is taken once, whole, when its newline is there. */
static void waits_for_the_newline(void **state)
{
    (void)state;
    struct bed b;
    bed_make(&b, NULL);
    bed_start(&b);
    static const char text[] = "the first line\nand the second\n";
    for (const char *p = text; *p; p++) {
        char piece[] = {*p, '\0'};
        bed_append(&b, "a.log", piece);
        bed_settle_down(&b);
        assert_int_equal(b.sink.count, (p >= text + 14) + (p >= text + sizeof text - 2));
    }
    CHECK_LINES(&b, "the first line", "and the second");
    bed_remove(&b);
}

/* A line longer than a read is put together; one longer than max_line_bytes is skipped to its newline. */
static void long_lines(void **state)
{
    (void)state;
    struct bed b;
    bed_make(&b, NULL); /* max_line_bytes is 1 MiB */
    char *line = malloc(3 << 20);
    memset(line, 'x', 3 << 20);
    line[(3 << 20) - 1] = '\0';
    bed_start(&b);
    line[900000] = '\0';
    bed_append(&b, "a.log", line);
    bed_settle_down(&b);
    bed_append(&b, "a.log", "\n");
    turn_until(&b, b.sink.count == 1);
    assert_int_equal(strlen(b.sink.lines[0].text), 900000);
    line[900000] = 'x';
    bed_append(&b, "a.log", line);
    bed_settle_down(&b);
    bed_append(&b, "a.log", line);
    bed_append(&b, "a.log", "\nlast\n");
    turn_until(&b, b.sink.count == 2);
    assert_string_equal(b.sink.lines[1].text, "last");
    assert_int_equal(metrics_input(b.metrics, "logs")->lines[OUTCOME_OVERSIZED], 1);
    free(line);
    bed_remove(&b);
}

/* Rename and create: the writer goes on in the old file for a while, and nothing of it is lost, repeated or mixed up.
 */
static void rename_and_create(void **state)
{
    (void)state;
    struct bed b;
    bed_make(&b, NULL);
    bed_append(&b, "a.log", "one\n");
    bed_start(&b);
    turn_until(&b, b.sink.count == 1);
    bed_rename(&b, "a.log", "a.log.1"); /* matches nothing */
    bed_append(&b, "a.log.1", "two\n");
    bed_append(&b, "a.log", "three\n");
    turn_until(&b, b.sink.count == 3);
    bed_append(&b, "a.log.1", "four\n");
    turn_until(&b, b.sink.count == 4);
    bed_settle_down(&b);
    assert_int_equal(sink_count(&b.sink, "two"), 1);
    assert_int_equal(sink_count(&b.sink, "three"), 1);
    assert_int_equal(lost(&b), 0);
    bed_remove(&b);
}

/* The last line of a file that was renamed away is taken without its newline when it has not grown for 5 s. */
static void last_line_of_a_renamed_file(void **state)
{
    (void)state;
    struct bed b;
    bed_make(&b, NULL);
    bed_append(&b, "a.log", "one\nhal");
    bed_start(&b);
    bed_settle_down(&b);
    bed_pass(&b, 60000);
    bed_settle_down(&b);
    CHECK_LINES(&b, "one");
    bed_append(&b, "a.log", "f");
    bed_settle_down(&b);
    bed_rename(&b, "a.log", "a.log.1");
    bed_settle_down(&b);
    CHECK_LINES(&b, "one");
    bed_pass(&b, 5100);
    turn_until(&b, b.sink.count == 2);
    CHECK_LINES(&b, "one", "half");
    bed_remove(&b);
}

/* Copy and truncate: the copy holds what was not read yet, and only that of it is read. */
static void copy_and_truncate(void **state)
{
    (void)state;
    struct bed b;
    bed_make(&b, "paths: ['*.log', '*.log.1']");
    bed_append(&b, "a.log", "one\ntwo\n");
    bed_start(&b);
    turn_until(&b, b.sink.count == 2);
    b.sink.room = 0; /* not read any more, for now */
    bed_append(&b, "a.log", "three\n");
    bed_settle_down(&b);
    bed_copy(&b, "a.log", "a.log.1");
    bed_truncate(&b, "a.log", 0);
    bed_append(&b, "a.log", "FOUR\n");
    b.sink.room = SIZE_MAX;
    bed_settle_down(&b);
    bed_pass(&b, 5100);
    turn_until(&b, b.sink.count == 4);
    bed_settle_down(&b);
    assert_int_equal(sink_count(&b.sink, "one"), 1);
    assert_int_equal(sink_count(&b.sink, "three"), 1);
    assert_int_equal(sink_count(&b.sink, "FOUR"), 1);
    assert_int_equal(lost(&b), 0);
    bed_remove(&b);
}

/* The same where the copy matches no glob. */
static void copy_out_of_the_globs(void **state)
{
    (void)state;
    struct bed b;
    bed_make(&b, NULL);
    bed_append(&b, "a.log", "one\ntwo\n");
    bed_append(&b, "other.txt", "one\nbut not the same\n");
    bed_start(&b);
    turn_until(&b, b.sink.count == 2);
    b.sink.room = 0;
    bed_append(&b, "a.log", "three\n");
    bed_settle_down(&b);
    bed_copy(&b, "a.log", "a.log.1");
    bed_truncate(&b, "a.log", 0);
    b.sink.room = SIZE_MAX;
    bed_settle_down(&b);
    bed_pass(&b, 5100);
    turn_until(&b, b.sink.count == 3);
    bed_append(&b, "a.log", "four\n");
    turn_until(&b, b.sink.count == 4);
    CHECK_LINES(&b, "one", "two", "three", "four");
    assert_string_equal(b.sink.lines[2].file, bed_path(&b, "a.log"));
    assert_memory_equal(&b.sink.lines[2].id, &b.sink.lines[0].id, sizeof b.sink.lines[0].id);
    assert_memory_not_equal(&b.sink.lines[3].id, &b.sink.lines[0].id, sizeof b.sink.lines[0].id);
    assert_int_equal(lost(&b), 0);
    bed_remove(&b);
}

/* Rewritten smaller, as large, and larger: new content is read from its start; what was unread is an error, counted. */
static void truncate_and_rewrite(void **state)
{
    (void)state;
    static const char *const rewritten[] = {"A\n", "A23456\n", "A2345678\nB\n"};
    for (size_t i = 0; i < 3; i++) {
        struct bed b;
        bed_make(&b, NULL);
        bed_append(&b, "a.log", "123456\n");
        bed_start(&b);
        turn_until(&b, b.sink.count == 1);
        temp_write(&b.dir, "a.log", rewritten[i], strlen(rewritten[i]));
        bed_settle_down(&b);
        bed_pass(&b, 5100);
        turn_until(&b, b.sink.count == 2 + (i == 2));
        assert_int_equal(b.sink.lines[1].text[0], 'A');
        assert_int_equal(b.sink.lines[1].offset, 0);
        bed_settle_down(&b);
        bed_pass(&b, 6000);
        bed_settle_down(&b);
        assert_int_equal(lost(&b), 0); /* all of it had been read */
        bed_remove(&b);
    }
}

/* New content that is shorter, but begins differently, is not waited for; not even after a restart. */
static void shorter_and_different_is_new_at_once(void **state)
{
    (void)state;
    struct bed b;
    bed_make(&b, NULL);
    for (int i = 0; i < 100; i++)
        bed_append(&b, "a.log", "a line of the first content, one of a hundred\n");
    bed_start(&b);
    turn_until(&b, b.sink.count == 100);
    bed_settle_down(&b);
    temp_write(&b.dir, "a.log", "a line of the second content\n", 29);
    turn_until(&b, b.sink.count == 101);
    bed_append(&b, "a.log", "and another one\n");
    turn_until(&b, b.sink.count == 102);
    bed_settle_down(&b);
    bed_stop(&b);
    bed_start(&b);
    bed_settle_down(&b);
    temp_write(&b.dir, "a.log", "different\n but longer", 21);
    bed_append(&b, "a.log", "than sixteen bytes\n");
    turn_until(&b, b.sink.count == 104);
    bed_remove(&b);
}

/* A file that was looked at, but not read yet, is cut and is not yet as long again: what is in it now is not taken for
 * what was looked at, whether it grows or not. */
static void rewritten_before_it_was_read(void **state)
{
    (void)state;
    for (int grows = 0; grows < 2; grows++) {
        struct bed b;
        bed_make(&b, NULL);
        b.sink.room = 0;
        bed_append(&b, "a.log", "the same sixteen bytes of the old\nand more\n");
        bed_start(&b);
        bed_settle_down(&b);
        temp_write(&b.dir, "a.log", "the same sixteen bytes\n", 23);
        b.sink.room = SIZE_MAX;
        bed_settle_down(&b);
        if (grows) {
            bed_append(&b, "a.log", "the new is longer than the old\n");
            turn_until(&b, b.sink.count == 2);
        }
        bed_settle_down(&b);
        for (int i = 0; i < 2; i++) {
            bed_pass(&b, 6000);
            bed_settle_down(&b);
        }
        assert_int_equal(b.sink.count, 1 + grows);
        assert_int_equal(sink_count(&b.sink, "the same sixteen bytes"), 1);
        assert_int_equal(metrics_input(b.metrics, "logs")->bytes_lost[LOSS_TRUNCATED], 43);
        bed_remove(&b);
    }
}

/* Files of an input with an order are read one after the other, each to its end. */
static void reads_in_order(void **state)
{
    (void)state;
    struct bed b;
    bed_make(&b, "paths: ['*.log']\n    order: name");
    char name[32], line[64];
    for (int i = 9; i >= 0; i--) {
        snprintf(name, sizeof name, "%d.log", i);
        for (int n = 0; n < 3; n++) {
            snprintf(line, sizeof line, "%d%d of many\n", i, n);
            bed_append(&b, name, line);
        }
    }
    bed_start(&b);
    turn_until(&b, b.sink.count == 30);
    for (size_t i = 0; i < 30; i++) {
        snprintf(line, sizeof line, "%zu%zu of many", i / 3, i % 3);
        assert_string_equal(b.sink.lines[i].text, line);
    }
    bed_remove(&b);
}

static void truncated_unread_bytes_are_counted(void **state)
{
    (void)state;
    struct bed b;
    bed_make(&b, NULL);
    bed_append(&b, "a.log", "one\n");
    bed_start(&b);
    turn_until(&b, b.sink.count == 1);
    b.sink.room = 0;
    bed_append(&b, "a.log", "never read\n");
    bed_settle_down(&b);
    temp_write(&b.dir, "a.log", "NEW CONTENT\n", 12);
    b.sink.room = SIZE_MAX;
    turn_until(&b, b.sink.count == 2);
    bed_settle_down(&b);
    bed_pass(&b, 6000);
    bed_settle_down(&b);
    CHECK_LINES(&b, "one", "NEW CONTENT");
    assert_int_equal(metrics_input(b.metrics, "logs")->bytes_lost[LOSS_TRUNCATED], 11);
    bed_remove(&b);
}

/* … and what a file is rewritten with, while nothing can be read, is not taken for more of what was lost. */
static void rewritten_bytes_are_not_counted(void **state)
{
    (void)state;
    struct bed b;
    bed_make(&b, NULL);
    bed_append(&b, "a.log", "one\n");
    bed_start(&b);
    turn_until(&b, b.sink.count == 1);
    b.sink.room = 0;
    temp_write(&b.dir, "a.log", "NEW CONTENT\n", 12);
    for (int i = 0; i < 2; i++) {
        bed_settle_down(&b);
        bed_pass(&b, 6000);
    }
    b.sink.room = SIZE_MAX;
    bed_settle_down(&b);
    bed_pass(&b, 6000);
    bed_settle_down(&b);
    CHECK_LINES(&b, "one", "NEW CONTENT");
    assert_int_equal(metrics_input(b.metrics, "logs")->bytes_lost[LOSS_TRUNCATED], 0);
    bed_remove(&b);
}

static void check_counted(struct bed *b, size_t count)
{
    for (size_t i = 0; i < b->sink.count; i++)
        assert_int_equal(strtoul(b->sink.lines[i].text, NULL, 10), i);
    assert_int_equal(b->sink.count, count);
}

/* As if it had been written at that second. */
static void set_time(struct bed *b, const char *name, size_t second)
{
    struct timespec then = {.tv_sec = 1700000000 + (time_t)second};
    assert_int_equal(utimensat(AT_FDCWD, bed_path(b, name), (struct timespec[]){then, then}, 0), 0);
}

/* Lines that are counted through the generations of a log, which is rotated after each `lines` of them. The last two
 * are of the same moment, as far as the file system knows. */
static void write_generations(struct bed *b, size_t generations, size_t lines, size_t *next)
{
    char text[32], aside[32];
    for (size_t g = 0; g < generations; g++) {
        for (size_t i = 0; i < lines; i++) {
            snprintf(text, sizeof text, "%zu\n", (*next)++);
            bed_append(b, "a.log", text);
        }
        snprintf(aside, sizeof aside, "a.log.%zu", *next);
        set_time(b, "a.log", *next - (g > 0 && g + 1 == generations ? lines : 0));
        if (g + 1 < generations)
            bed_rename(b, "a.log", aside);
    }
}

/* Where records are merged, the generations of a log are read one after the other: those that came while nobody looked,
 * those that come later, and those of a run before of which the end was not read. */
static void generations_in_their_order(void **state)
{
    (void)state;
    struct bed b;
    size_t next = 0;
    bed_make_merging(&b, "paths: ['*.log*']");
    write_generations(&b, 8, 3, &next);
    bed_start(&b);
    turn_until(&b, b.sink.count == next);
    for (int i = 0; i < 4; i++) {
        write_generations(&b, 6, 3, &next);
        turn_until(&b, b.sink.count == next);
    }
    bed_settle_down(&b);
    bed_stop(&b);
    for (int i = 0; i < 4; i++) {
        write_generations(&b, 6, 3, &next);
        bed_start(&b);
        turn_until(&b, b.sink.count == next);
        bed_settle_down(&b);
        bed_stop(&b);
    }
    check_counted(&b, next);
    bed_remove(&b);
}

/* What a scan finds alone: that one path. */
static void look_at(struct bed *b, const char *name)
{
    const char *path = bed_path(b, name);
    struct scan_request request = {.look = &path, .look_count = 1};
    struct scan scan;
    scanner_run(b->rules, &request, &scan);
    file_table_reconcile(b->table, &scan, uv_now(&b->loop) + b->skew);
    scan_release(&scan);
}

/* A log is rotated twice while a walk goes by: it is first met under its name, the generation between never was, and
 * nobody knows yet what came last in the first one. */
static void a_generation_that_nobody_has_seen(void **state)
{
    (void)state;
    struct bed b;
    size_t next = 0;
    bed_make_merging(&b, "paths: ['*.log*']\n    watch: poll\n    poll_interval: 1h\n    rescan: 1h");
    write_generations(&b, 1, 3, &next);
    bed_start(&b);
    turn_until(&b, b.sink.count == 3);
    bed_settle_down(&b);
    write_generations(&b, 3, 3, &next);
    look_at(&b, "a.log");
    turn_until(&b, b.sink.count == next);
    check_counted(&b, next);
    bed_remove(&b);
}

/* A file that was begun, and not read before the agent ended, still comes after the one before it. */
static void begun_and_not_read_before_a_restart(void **state)
{
    (void)state;
    struct bed b;
    size_t next = 0;
    bed_make_merging(&b, "paths: ['*.log*']\n    watch: poll\n    poll_interval: 1h\n    rescan: 1h");
    write_generations(&b, 1, 3, &next);
    bed_start(&b);
    turn_until(&b, b.sink.count == 3);
    bed_settle_down(&b);
    b.sink.room = 0;
    write_generations(&b, 4, 3, &next);
    bed_settle_down(&b);
    bed_stop(&b);
    b.sink.room = SIZE_MAX;
    bed_start(&b);
    turn_until(&b, b.sink.count == next);
    check_counted(&b, next);
    bed_remove(&b);
}

/* The log is copied and cut before its end was read: that is found in the copy, and comes before what is new. */
static void the_end_of_a_copy_comes_first(void **state)
{
    (void)state;
    struct bed b;
    size_t next = 0;
    bed_make_merging(&b, "paths: ['*.log*']");
    write_generations(&b, 1, 400, &next); /* more than its first KiB */
    bed_start(&b);
    turn_until(&b, b.sink.count == next);
    for (int i = 0; i < 3; i++) {
        char aside[32];
        write_generations(&b, 1, 400, &next);
        snprintf(aside, sizeof aside, "a.log.%d", i);
        bed_copy(&b, "a.log", aside);
        bed_truncate(&b, "a.log", 0);
        write_generations(&b, 1, 400, &next);
        turn_until(&b, b.sink.count == next);
    }
    check_counted(&b, next);
    assert_int_equal(lost(&b), 0);
    bed_remove(&b);
}

/* What was begun and not read is in a copy by now, and under its name there is what came two rotations later. */
static void begun_and_copied_before_it_is_read(void **state)
{
    (void)state;
    struct bed b;
    size_t next = 0;
    bed_make_merging(&b, "paths: ['*.log*']");
    b.sink.room = 0;
    write_generations(&b, 1, 3, &next);
    bed_start(&b);
    bed_settle_down(&b);
    bed_stop(&b);
    b.sink.room = SIZE_MAX;
    for (int i = 1; i <= 2; i++) {
        char aside[32];
        snprintf(aside, sizeof aside, "a.log.%d", i);
        bed_copy(&b, "a.log", aside);
        set_time(&b, aside, next);
        bed_truncate(&b, "a.log", 0);
        write_generations(&b, 1, 3, &next);
    }
    bed_start(&b);
    turn_until(&b, b.sink.count == next);
    check_counted(&b, next);
    bed_remove(&b);
}

/* While the agent stops, what comes later in a log than what it reads no more is left for the next start, too. */
static void a_stop_between_two_generations(void **state)
{
    (void)state;
    struct bed b;
    size_t next = 0;
    bed_make_merging(&b, "paths: ['*.log*']");
    write_generations(&b, 1, 3, &next);
    bed_start(&b);
    turn_until(&b, b.sink.count == next);
    bed_settle_down(&b);
    tailer_read_to_present_end(b.tailer);
    bed_settle_down(&b);
    write_generations(&b, 3, 3, &next);
    bed_settle_down(&b);
    assert_true(tailer_is_done(b.tailer));
    check_counted(&b, 3);
    bed_stop(&b);
    bed_start(&b);
    turn_until(&b, b.sink.count == next);
    check_counted(&b, next);
    bed_remove(&b);
}

/* Many that are new at once take no longer than it takes to look at them: none waits for a timer. */
static void many_new_files_in_their_order(void **state)
{
    (void)state;
    enum { FILES = 400 };
    struct bed b;
    bed_make_merging(&b, NULL);
    for (size_t i = 0; i < FILES; i++) {
        char name[32], text[32];
        snprintf(name, sizeof name, "%zu.log", i * 7 % FILES);
        snprintf(text, sizeof text, "%zu\n", i);
        bed_append(&b, name, text);
        set_time(&b, name, i);
    }
    bed_start(&b);
    turn_until(&b, b.sink.count == FILES);
    check_counted(&b, FILES);
    bed_remove(&b);
}

/* A file that cannot be read to its end as fast as it is written holds up no other: only what was there before counts.
 */
static void a_busy_file_does_not_hold_up_a_new_one(void **state)
{
    (void)state;
    struct bed b;
    bed_make_merging(&b, NULL);
    char *many = malloc(1 << 20);
    for (size_t i = 0; i < (1 << 20) - 1; i++)
        many[i] = i % 64 == 63 ? '\n' : 'x';
    many[(1 << 20) - 1] = '\0';
    bed_append(&b, "busy.log", many);
    bed_start(&b);
    turn_until(&b, b.sink.count > 0);
    bed_append(&b, "new.log", "new\n");
    size_t read = 0;
    uint64_t give_up_at = bed_give_up_at();
    while (sink_count(&b.sink, "new") == 0) {
        if (b.sink.count > read) { /* as much again as was read: it never is at its end */
            read = b.sink.count;
            bed_append(&b, "busy.log", many);
        }
        bed_turn(&b, give_up_at, "the new file's line", __FILE__, __LINE__);
    }
    free(many);
    bed_remove(&b);
}

/* A deleted file is read to its end through its descriptor, its last line too; the new one of its name is another. */
static void delete_and_create(void **state)
{
    (void)state;
    struct bed b;
    bed_make(&b, NULL);
    bed_append(&b, "a.log", "one\n");
    bed_start(&b);
    turn_until(&b, b.sink.count == 1);
    b.sink.room = 0;
    bed_append(&b, "a.log", "two\nthr");
    bed_settle_down(&b);
    bed_delete(&b, "a.log");
    bed_append(&b, "a.log", "four\n");
    bed_settle_down(&b);
    b.sink.room = SIZE_MAX;
    turn_until(&b, b.sink.count == 3);
    bed_pass(&b, 5100);
    turn_until(&b, b.sink.count == 4);
    assert_int_equal(sink_count(&b.sink, "two"), 1);
    assert_int_equal(sink_count(&b.sink, "thr"), 1);
    assert_int_equal(sink_count(&b.sink, "four"), 1);
    bed_pass(&b, 400000); /* close_inactive: the descriptor goes back */
    turn_until(&b, b.metrics->files_open == 1 || b.metrics->files_open == 0);
    bed_settle_down(&b);
    assert_int_equal(lost(&b), 0);
    bed_remove(&b);
}

/* One of which nothing can be read is held for `deleted_grace`; then what was not read of it is lost. */
static void deleted_files_are_given_up(void **state)
{
    (void)state;
    struct bed b;
    bed_make(&b, "paths: ['*.log']\n    deleted_grace: 10m");
    bed_append(&b, "a.log", "one\n");
    bed_start(&b);
    turn_until(&b, b.sink.count == 1);
    b.sink.room = 0;
    bed_append(&b, "a.log", "unread\n");
    bed_settle_down(&b);
    bed_delete(&b, "a.log");
    bed_settle_down(&b);
    bed_pass(&b, 9 * 60000);
    bed_settle_down(&b);
    assert_int_equal(b.metrics->files_open, 1);
    assert_int_equal(lost(&b), 0);
    bed_pass(&b, 60000);
    turn_until(&b, b.metrics->files_open == 0);
    bed_settle_down(&b);
    bed_pass(&b, 6000);
    bed_settle_down(&b);
    assert_int_equal(metrics_input(b.metrics, "logs")->bytes_lost[LOSS_DELETED], 7);
    bed_remove(&b);
}

/* Devices may have other numbers after a reboot: the same path and inode with the same content is the same file. */
static void devices_have_other_numbers(void **state)
{
    (void)state;
    struct bed b;
    bed_make(&b, NULL);
    bed_append(&b, "a.log", "one\n");
    bed_append(&b, "b.log", "two\n");
    bed_start(&b);
    turn_until(&b, b.sink.count == 2);
    bed_settle_down(&b);
    bed_stop(&b);
    b.devices_move = 1;
    bed_append(&b, "a.log", "three\n");
    temp_write(&b.dir, "b.log", "four\n", 5); /* the same inode, another content */
    bed_start(&b);
    turn_until(&b, b.sink.count == 4);
    bed_settle_down(&b);
    CHECK_LINES_ANYHOW(&b, "one", "two", "three", "four");
    assert_int_equal(lost(&b), 0);
    bed_remove(&b);
}

/* A file that has much to read does not keep others waiting. */
static void a_large_file_starves_no_other(void **state)
{
    (void)state;
    struct bed b;
    enum { LINES = 20000, TURNS = 8 }; /* of 40 */
    static char line[1025];
    bed_make(&b, NULL);
    b.options.jobs = 1;
    bed_append(&b, "small.log", "");
    FILE *large = fopen(bed_path(&b, "large.log"), "we");
    assert_non_null(large);
    memset(line, 'x', 1023);
    line[1023] = '\n';
    for (int i = 0; i < LINES; i++)
        fputs(line, large);
    assert_int_equal(fclose(large), 0);
    bed_start(&b);
    turn_until(&b, b.sink.count > 0);
    bed_append(&b, "small.log", "small\n");
    size_t before = b.sink.count;
    turn_until(&b, sink_count(&b.sink, "small") == 1);
    assert_true(b.sink.count - before <= TURNS * LIMIT_READ / 1024);
    turn_until(&b, b.sink.count == LINES + 1);
    bed_remove(&b);
}

/* A deleted file that was read to its end is closed when it has been quiet for 5 s, while others are read; one that
 * somebody still writes into, later, and what he writes is read. */
static void deleted_files_are_closed(void **state)
{
    (void)state;
    struct bed b;
    bed_make(&b, NULL);
    bed_append(&b, "a.log", "one\n");
    bed_append(&b, "b.log", "two\n");
    bed_append(&b, "c.log", "three\n");
    int writer = open(bed_path(&b, "b.log"), O_WRONLY | O_APPEND | O_CLOEXEC);
    assert_true(writer >= 0);
    bed_start(&b);
    turn_until(&b, b.sink.count == 3);
    bed_settle_down(&b);
    bed_delete(&b, "a.log");
    bed_delete(&b, "b.log");
    bed_settle_down(&b);
    assert_int_equal(b.metrics->files_open, 3);
    bed_pass(&b, 4000);
    bed_append(&b, "c.log", "four\n");
    bed_settle_down(&b);
    assert_int_equal(b.metrics->files_open, 3);
    bed_pass(&b, 1100);
    bed_append(&b, "c.log", "five\n");
    turn_until(&b, b.metrics->files_open == 2);
    bed_settle_down(&b);
    assert_int_equal(write(writer, "six\n", 4), 4);
    bed_pass(&b, 300000);
    turn_until(&b, sink_count(&b.sink, "six") == 1);
    bed_settle_down(&b);
    close(writer);
    bed_pass(&b, 300000);
    turn_until(&b, b.metrics->files_open <= 1);
    assert_int_equal(b.sink.count, 6);
    assert_int_equal(lost(&b), 0);
    bed_remove(&b);
}

/* What is written into a deleted file after it was cut is read, too, however long the machine has been up. */
static void deleted_and_cut(void **state)
{
    (void)state;
    struct bed b;
    bed_make(&b, NULL);
    bed_append(&b, "a.log", "the first content\n");
    int writer = open(bed_path(&b, "a.log"), O_WRONLY | O_APPEND | O_CLOEXEC);
    assert_true(writer >= 0);
    bed_start(&b);
    bed_pass(&b, 7200000);
    turn_until(&b, b.sink.count == 1);
    bed_settle_down(&b);
    bed_delete(&b, "a.log");
    bed_settle_down(&b);
    assert_int_equal(ftruncate(writer, 0), 0);
    assert_int_equal(write(writer, "another content, a longer one\n", 30), 30);
    bed_pass(&b, 300000);
    turn_until(&b, b.sink.count == 2);
    close(writer);
    bed_settle_down(&b);
    bed_pass(&b, 300000);
    turn_until(&b, b.metrics->files_open == 0);
    assert_int_equal(lost(&b), 0);
    bed_remove(&b);
}

/* The same name and inode, but another content, found after the descriptor was handed back. */
static void inode_is_used_again(void **state)
{
    (void)state;
    struct bed b;
    bed_make(&b, NULL);
    bed_append(&b, "a.log", "one\n");
    bed_start(&b);
    turn_until(&b, b.sink.count == 1);
    bed_settle_down(&b);
    bed_stop(&b);
    /* what a file system that gives the inode out again would show */
    temp_write(&b.dir, "a.log", "two\n", 4);
    bed_start(&b);
    turn_until(&b, b.sink.count == 2);
    bed_settle_down(&b);
    CHECK_LINES(&b, "one", "two");
    assert_memory_not_equal(&b.sink.lines[1].id, &b.sink.lines[0].id, sizeof b.sink.lines[0].id);
    bed_remove(&b);
}

/* After a stop it goes on behind what was delivered, wherever that is now. */
static void restarts_where_it_was(void **state)
{
    (void)state;
    struct bed b;
    bed_make(&b, "paths: ['*.log']");
    bed_append(&b, "a.log", "one\n");
    bed_append(&b, "b.log", "b one\n");
    bed_append(&b, "c.log", "c one\n");
    bed_start(&b);
    turn_until(&b, b.sink.count == 3);
    bed_settle_down(&b);
    b.sink.hold = true;
    bed_append(&b, "a.log", "two\n");
    turn_until(&b, b.sink.count == 4);
    bed_stop(&b); /* "two" was not delivered */
    assert_int_equal(b.sink.count, 3);
    b.sink.hold = false;
    bed_append(&b, "a.log", "three\n");
    bed_rename(&b, "b.log", "b.log.1");
    bed_append(&b, "b.log.1", "b two\n");
    bed_append(&b, "b.log", "b three\n");
    bed_append(&b, "c.log", "c two\n");
    bed_copy(&b, "c.log", "c.log.1");
    temp_write(&b.dir, "c.log", "C\n", 2);
    bed_start(&b);
    bed_settle_down(&b);
    bed_pass(&b, 5100);
    turn_until(&b, b.sink.count == 9);
    bed_settle_down(&b);
    static const char *const once[] = {"one", "two", "three", "b one", "b two", "b three", "c one", "c two", "C"};
    for (size_t i = 0; i < sizeof once / sizeof *once; i++)
        assert_int_equal(sink_count(&b.sink, once[i]), 1);
    assert_int_equal(b.sink.count, 9);
    assert_int_equal(lost(&b), 0);
    bed_remove(&b);
}

/* Gone while the agent was down, with more known in it than was read: counted. */
static void gone_while_down(void **state)
{
    (void)state;
    struct bed b;
    bed_make(&b, NULL);
    bed_append(&b, "a.log", "one\n");
    bed_start(&b);
    turn_until(&b, b.sink.count == 1);
    b.sink.hold = true;
    bed_append(&b, "a.log", "two\n");
    turn_until(&b, b.sink.count == 2);
    bed_append(&b, "b.log", "b\n"); /* so that there is something to save */
    turn_until(&b, b.sink.count == 3);
    bed_settle_down(&b);
    bed_stop(&b);
    bed_delete(&b, "a.log");
    b.sink.hold = false;
    bed_start(&b);
    bed_settle_down(&b);
    bed_pass(&b, 6000);
    bed_settle_down(&b);
    assert_int_equal(metrics_input(b.metrics, "logs")->bytes_lost[LOSS_GONE], 4);
    bed_remove(&b);
}

/* `start_at: end` holds for what is there when the input is first seen, not for a later file, nor after a restart. */
static void starts_at_the_end(void **state)
{
    (void)state;
    struct bed b;
    bed_make(&b, "paths: ['*.log']\n    start_at: end");
    bed_append(&b, "a.log", "old\nhalf a ");
    bed_start(&b);
    bed_settle_down(&b);
    assert_int_equal(b.sink.count, 0);
    bed_append(&b, "a.log", "line\nnew\n");
    turn_until(&b, b.sink.count == 2);
    bed_append(&b, "b.log", "b\n");
    turn_until(&b, b.sink.count == 3);
    bed_settle_down(&b);
    bed_stop(&b);
    bed_append(&b, "c.log", "c\n");
    bed_start(&b);
    turn_until(&b, b.sink.count == 4);
    bed_settle_down(&b);
    CHECK_LINES(&b, "half a line", "new", "b", "c");
    bed_remove(&b);
}

/* What is appended before a file that was found could be looked at is not skipped. */
static void starts_at_the_end_it_was_found_with(void **state)
{
    (void)state;
    struct bed b;
    bed_make(&b, "paths: ['*.log']\n    start_at: end");
    bed_append(&b, "a.log", "old\n");
    bed_start(&b);
    turn_until(&b, file_table_first(b.table));
    bed_append(&b, "a.log", "new\n");
    turn_until(&b, b.sink.count == 1);
    bed_settle_down(&b);
    CHECK_LINES(&b, "new");
    bed_remove(&b);
}

/* A file that cannot be opened is not gone: it is read as soon as it can be. */
static void unreadable_then_readable(void **state)
{
    (void)state;
    struct bed b;
    bool root = geteuid() == 0; /* who may read everything */
    bed_make(&b, NULL);
    bed_append(&b, "a.log", "one\n");
    assert_int_equal(chmod(b.dir.path, 0755) | chmod(bed_path(&b, "a.log"), 0), 0);
    assert_int_equal(root ? seteuid(65534) : 0, 0);
    bed_start(&b);
    bed_settle_down(&b);
    file_table_measure(b.table, uv_now(&b.loop));
    assert_int_equal(metrics_input(b.metrics, "logs")->files_unreadable, 1);
    assert_int_equal(root ? seteuid(0) : 0, 0);
    assert_int_equal(chmod(bed_path(&b, "a.log"), 0644), 0);
    assert_int_equal(root ? seteuid(65534) : 0, 0);
    turn_until(&b, b.sink.count == 1);
    assert_int_equal(root ? seteuid(0) : 0, 0);
    bed_remove(&b);
}

/* Nor is what is in a directory that cannot be read: it goes on where it was as soon as it can be. */
static void unreadable_directory(void **state)
{
    (void)state;
    struct bed b;
    bool root = geteuid() == 0;
    bed_make(&b, "paths: ['*/*.log']\n    close_inactive: 1s");
    assert_int_equal(chmod(b.dir.path, 0755) | mkdir(bed_path(&b, "d"), 0755), 0);
    bed_append(&b, "d/a.log", "one\n");
    assert_int_equal(root ? seteuid(65534) : 0, 0);
    bed_start(&b);
    turn_until(&b, b.sink.count == 1);
    bed_settle_down(&b);
    assert_int_equal(root ? seteuid(0) : 0, 0);
    assert_int_equal(chmod(bed_path(&b, "d"), 0), 0);
    assert_int_equal(root ? seteuid(65534) : 0, 0);
    bed_pass(&b, 1100);
    for (int i = 0; i < 4; i++) {
        bed_settle_down(&b);
        bed_pass(&b, 11000);
    }
    assert_int_equal(b.metrics->files_open, 0);
    file_table_measure(b.table, uv_now(&b.loop));
    assert_int_equal(b.metrics->files_watched, 1);
    assert_int_equal(root ? seteuid(0) : 0, 0);
    assert_int_equal(chmod(bed_path(&b, "d"), 0755), 0);
    bed_append(&b, "d/a.log", "two\n");
    assert_int_equal(root ? seteuid(65534) : 0, 0);
    bed_settle_down(&b);
    assert_int_equal(root ? seteuid(0) : 0, 0);
    CHECK_LINES(&b, "one", "two");
    bed_remove(&b);
}

/* With few descriptors all files are read in turn, and what comes later too. */
static void many_files_few_descriptors(void **state)
{
    (void)state;
    struct bed b;
    char name[32], line[32];
    bed_make(&b, NULL);
    b.options.descriptors = 8;
    for (int i = 0; i < 300; i++) {
        snprintf(name, sizeof name, "%d.log", i);
        snprintf(line, sizeof line, "line of %d\n", i);
        bed_append(&b, name, line);
    }
    bed_start(&b);
    turn_until(&b, b.sink.count == 300);
    for (int i = 0; i < 300; i++) {
        snprintf(name, sizeof name, "%d.log", i);
        bed_append(&b, name, "again\n");
    }
    turn_until(&b, b.sink.count == 600);
    assert_true(b.metrics->files_open <= 8);
    bed_remove(&b);
}

/* The system has fewer than the limit says (others use them): still nothing is lost, or taken for gone. */
static void out_of_descriptors(void **state)
{
    (void)state;
    struct bed b;
    struct rlimit before, few;
    char name[32], line[32];
    bed_make(&b, NULL);
    b.options.descriptors = 200;
    for (int i = 0; i < 60; i++) {
        snprintf(name, sizeof name, "%d.log", i);
        snprintf(line, sizeof line, "line of %d\n", i);
        bed_append(&b, name, line);
    }
    bed_start(&b);
    bed_settle_down(&b);
    bed_stop(&b);
    assert_int_equal(b.sink.count, 60);
    for (int i = 0; i < 60; i++) {
        snprintf(name, sizeof name, "%d.log", i);
        bed_append(&b, name, "again\n");
    }
    bed_start(&b);
    bed_append(&b, "0.log", "and again\n");
    turn_until(&b, watcher_walks(b.watcher) == 1);
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
    few = (struct rlimit){.rlim_cur = 24, .rlim_max = before.rlim_max};
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &few), 0);
    for (int i = 0; b.sink.count < 121 && i < 2000; i++) {
        bed_pass(&b, 100);
        uv_run(&b.loop, UV_RUN_ONCE);
    }
    setrlimit(RLIMIT_NOFILE, &before);
    assert_int_equal(b.sink.count, 121);
    assert_int_equal(lost(&b), 0);
    bed_remove(&b);
}

/* A new file that is the same as a known one so far is held back; it is read once it is the longer of the two. */
static void holds_back_a_copy(void **state)
{
    (void)state;
    struct bed b;
    bed_make(&b, NULL);
    bed_append(&b, "a.log", "one\ntwo\n");
    bed_start(&b);
    turn_until(&b, b.sink.count == 2);
    bed_copy(&b, "a.log", "b.log");
    bed_settle_down(&b);
    assert_int_equal(b.sink.count, 2);
    bed_append(&b, "b.log", "three\n");
    turn_until(&b, b.sink.count == 5);
    bed_copy(&b, "a.log", "c.log");
    bed_settle_down(&b);
    assert_int_equal(b.sink.count, 5);
    bed_pass(&b, 61000); /* less than 1 KiB is the same: after a minute they are two */
    turn_until(&b, b.sink.count == 7);
    bed_remove(&b);
}

/* A copy that is older than what was read when its original is cut is no news. */
static void older_copy_is_no_news(void **state)
{
    (void)state;
    struct bed b;
    bed_make(&b, NULL);
    bed_append(&b, "a.log", "one\ntwo\n");
    bed_start(&b);
    turn_until(&b, b.sink.count == 2);
    bed_copy(&b, "a.log", "b.log");
    bed_settle_down(&b);
    bed_append(&b, "a.log", "three\n");
    turn_until(&b, b.sink.count == 3);
    temp_write(&b.dir, "a.log", "NEW CONTENT OF A\n", 17);
    turn_until(&b, b.sink.count == 4);
    bed_settle_down(&b);
    assert_int_equal(sink_count(&b.sink, "one"), 1);
    bed_append(&b, "b.log", "four\n");
    turn_until(&b, b.sink.count == 5);
    bed_remove(&b);
}

/* A link's target outside the allowed directories is not read; one inside is, and what it is swapped for, too. */
static void symbolic_links(void **state)
{
    (void)state;
    struct bed b, outside;
    bed_make(&b, NULL);
    bed_make(&outside, NULL);
    bed_append(&outside, "secret", "secret\n");
    bed_append(&b, "v1", "one\n");
    bed_append(&b, "v2", "two\n");
    assert_int_equal(symlink(bed_path(&outside, "secret"), bed_path(&b, "bad.log")), 0);
    assert_int_equal(symlink("v1", bed_path(&b, "a.log")), 0);
    bed_start(&b);
    bed_settle_down(&b);
    CHECK_LINES(&b, "one");
    assert_int_equal(symlink("v2", bed_path(&b, "new")), 0);
    bed_rename(&b, "new", "a.log");
    bed_append(&b, "v1", "one more\n");
    turn_until(&b, b.sink.count == 3);
    bed_settle_down(&b);
    bed_append(&b, "v2", "two more\n");
    turn_until(&b, b.sink.count == 4);
    bed_remove(&b);
    bed_remove(&outside);
}

/* A hint about a link's target is no news of a rename: its last line waits for the newline. */
static void a_links_target_is_not_renamed(void **state)
{
    (void)state;
    struct bed b;
    bed_make(&b, NULL);
    bed_start(&b);
    bed_settle_down(&b);
    bed_append(&b, "target", "one\nhal");
    assert_int_equal(symlink("target", bed_path(&b, "a.log")), 0);
    turn_until(&b, b.sink.count == 1);
    bed_settle_down(&b);
    assert_int_equal(link(bed_path(&b, "target"), bed_path(&b, "other")), 0); /* a hint that is no write */
    assert_int_equal(unlink(bed_path(&b, "other")), 0);
    bed_append(&b, "target2", ""); /* … and one behind it */
    assert_int_equal(chmod(bed_path(&b, "target"), 0600), 0);
    bed_rename(&b, "target", "aside");
    bed_rename(&b, "aside", "target");
    bed_settle_down(&b);
    bed_pass(&b, 6000);
    bed_settle_down(&b);
    CHECK_LINES(&b, "one");
    bed_append(&b, "target", "f\n");
    turn_until(&b, b.sink.count == 2);
    CHECK_LINES(&b, "one", "half");
    bed_remove(&b);
}

/* What is no regular file is never opened. */
static void other_kinds_of_files(void **state)
{
    (void)state;
    struct bed b;
    bed_make(&b, NULL);
    assert_int_equal(mkfifo(bed_path(&b, "fifo.log"), 0644), 0);
    assert_int_equal(mkdir(bed_path(&b, "directory.log"), 0755), 0);
    bed_append(&b, "a.log", "one\n");
    bed_start(&b);
    bed_settle_down(&b);
    CHECK_LINES(&b, "one");
    assert_int_equal(open(bed_path(&b, "fifo.log"), O_WRONLY | O_NONBLOCK), -1); /* nobody reads it */
    bed_remove(&b);
}

/* --once: to the size that was there, with the last line, and then it is done. */
static void once(void **state)
{
    (void)state;
    struct bed b;
    bed_make(&b, NULL);
    b.options.once = true;
    bed_append(&b, "a.log", "one\ntwo\nlast");
    bed_append(&b, "b.log", "only");
    bed_append(&b, "empty.log", "");
    bed_start(&b);
    turn_until(&b, watcher_walks(b.watcher) && tailer_is_done(b.tailer));
    assert_int_equal(b.sink.count, 4);
    assert_int_equal(sink_count(&b.sink, "last"), 1);
    uint64_t read, total;
    tailer_progress(b.tailer, &read, &total);
    assert_int_equal(read, 16);
    assert_int_equal(total, 16);
    bed_remove(&b);
}

/* Idle descriptors are handed back; the file is opened again when it changes. */
static void closes_idle_files(void **state)
{
    (void)state;
    struct bed b;
    bed_make(&b, NULL);
    bed_append(&b, "a.log", "one\n");
    bed_start(&b);
    turn_until(&b, b.sink.count == 1);
    assert_int_equal(b.metrics->files_open, 1);
    bed_settle_down(&b);
    bed_pass(&b, 301000);
    turn_until(&b, b.metrics->files_open == 0);
    bed_append(&b, "a.log", "two\n");
    turn_until(&b, b.sink.count == 2);
    bed_remove(&b);
}

/* New directories below `**` are found; so is what is in them. */
static void new_directories(void **state)
{
    (void)state;
    struct bed b;
    bed_make(&b, "paths: ['**/*.log']\n    exclude: ['no*.log']");
    bed_start(&b);
    bed_settle_down(&b);
    assert_int_equal(mkdir(bed_path(&b, "x"), 0755), 0);
    assert_int_equal(mkdir(bed_path(&b, "x/y"), 0755), 0);
    bed_append(&b, "x/y/a.log", "one\n");
    bed_append(&b, "x/y/no.log", "excluded\n");
    turn_until(&b, b.sink.count == 1);
    bed_settle_down(&b);
    bed_append(&b, "x/y/a.log", "two\n");
    turn_until(&b, b.sink.count == 2);
    bed_remove(&b);
}

/* Delivery that has no memory for a chunk gets the same again. */
static void refused_chunks_come_again(void **state)
{
    (void)state;
    struct bed b;
    bed_make(&b, NULL);
    bed_append(&b, "a.log", "one\n");
    b.sink.refuse = true;
    bed_start(&b);
    bed_settle_down(&b);
    b.sink.refuse = false;
    bed_pass(&b, 1100);
    turn_until(&b, b.sink.count == 1);
    bed_remove(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_what_is_there_and_what_comes),
        cmocka_unit_test(waits_for_the_newline),
        cmocka_unit_test(long_lines),
        cmocka_unit_test(rename_and_create),
        cmocka_unit_test(last_line_of_a_renamed_file),
        cmocka_unit_test(copy_and_truncate),
        cmocka_unit_test(copy_out_of_the_globs),
        cmocka_unit_test(truncate_and_rewrite),
        cmocka_unit_test(shorter_and_different_is_new_at_once),
        cmocka_unit_test(rewritten_before_it_was_read),
        cmocka_unit_test(reads_in_order),
        cmocka_unit_test(generations_in_their_order),
        cmocka_unit_test(a_generation_that_nobody_has_seen),
        cmocka_unit_test(begun_and_not_read_before_a_restart),
        cmocka_unit_test(the_end_of_a_copy_comes_first),
        cmocka_unit_test(many_new_files_in_their_order),
        cmocka_unit_test(a_stop_between_two_generations),
        cmocka_unit_test(begun_and_copied_before_it_is_read),
        cmocka_unit_test(a_busy_file_does_not_hold_up_a_new_one),
        cmocka_unit_test(truncated_unread_bytes_are_counted),
        cmocka_unit_test(rewritten_bytes_are_not_counted),
        cmocka_unit_test(delete_and_create),
        cmocka_unit_test(deleted_files_are_given_up),
        cmocka_unit_test(devices_have_other_numbers),
        cmocka_unit_test(a_large_file_starves_no_other),
        cmocka_unit_test(deleted_files_are_closed),
        cmocka_unit_test(deleted_and_cut),
        cmocka_unit_test(inode_is_used_again),
        cmocka_unit_test(restarts_where_it_was),
        cmocka_unit_test(gone_while_down),
        cmocka_unit_test(starts_at_the_end),
        cmocka_unit_test(starts_at_the_end_it_was_found_with),
        cmocka_unit_test(unreadable_then_readable),
        cmocka_unit_test(unreadable_directory),
        cmocka_unit_test(many_files_few_descriptors),
        cmocka_unit_test(out_of_descriptors),
        cmocka_unit_test(holds_back_a_copy),
        cmocka_unit_test(older_copy_is_no_news),
        cmocka_unit_test(symbolic_links),
        cmocka_unit_test(a_links_target_is_not_renamed),
        cmocka_unit_test(other_kinds_of_files),
        cmocka_unit_test(once),
        cmocka_unit_test(closes_idle_files),
        cmocka_unit_test(new_directories),
        cmocka_unit_test(refused_chunks_come_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
