/* Gzip files: their content is read, once, whatever becomes of the file. */
#include "bed.h"

#include "frames/gzip_bytes.h"
#include "limits.h"
#include "support/cmocka_setup.h"

#include <stdio.h>
#include <stdlib.h>

enum { LINES = 4000 };

/* Lines "LINE-0" …, from..to. */
static struct buffer lines_of(unsigned from, unsigned to)
{
    struct buffer text;
    buffer_init(&text, 1 << 24);
    for (unsigned i = from; i < to; i++)
        buffer_printf(&text, "line-%u %u%u%u\n", i, i * 2654435761U, i * 40503U, i * 69069U);
    return text;
}

static struct buffer gzip_of(unsigned from, unsigned to)
{
    struct buffer text = lines_of(from, to), file;
    buffer_init(&file, 1 << 24);
    gzip_add(&file, buffer_slice(&text));
    buffer_release(&text);
    return file;
}

static void write_part(struct bed *b, const char *name, const struct buffer *file, size_t len)
{
    temp_write(&b->dir, name, file->data, len);
}

static void write_file(struct bed *b, const char *name, struct buffer file)
{
    write_part(b, name, &file, file.len);
    buffer_release(&file);
}

/* Each line of from..to came once, in order, and nothing else did since the `first` one. */
static void check_lines(const struct bed *b, size_t first, unsigned from, unsigned to)
{
    assert_int_equal(b->sink.count - first, to - from);
    for (unsigned i = from; i < to; i++) {
        char wanted[32];
        int len = snprintf(wanted, sizeof wanted, "line-%u ", i);
        assert_memory_equal(b->sink.lines[first + i - from].text, wanted, (size_t)len);
    }
}

static uint64_t lost(const struct bed *b, enum loss why)
{
    return metrics_input(b->metrics, "logs")->bytes_lost[why];
}

static uint64_t lost_any(const struct bed *b)
{
    uint64_t sum = 0;
    for (enum loss why = 0; why < LOSS_COUNT; why++)
        sum += lost(b, why);
    return sum;
}

#define GZ_INPUT "paths: [\"*.log\", \"*.gz\"]"

/* All of it, with its offsets in the content; a restart reads nothing again, and what is behind it is known to be
 * nothing. */
static void is_read_as_its_content(void **state)
{
    (void)state;
    struct bed b;
    bed_make(&b, GZ_INPUT);
    write_file(&b, "a.gz", gzip_of(0, LINES));
    bed_start(&b);
    turn_until(&b, b.sink.count == LINES);
    bed_settle_down(&b);
    check_lines(&b, 0, 0, LINES);
    assert_int_equal(b.sink.lines[1].offset, strlen("line-0 000\n"));
    bed_stop(&b);
    bed_start(&b);
    bed_settle_down(&b);
    assert_int_equal(b.sink.count, LINES);
    assert_int_equal(file_lag_bytes(file_table_first(b.table)), 0);
    assert_int_equal(lost_any(&b), 0);
    bed_remove(&b);
}

/* Two gzip runs, one behind the other, are one content; one that is appended later is read from there. */
static void members(void **state)
{
    (void)state;
    struct bed b;
    bed_make(&b, GZ_INPUT);
    struct buffer file = gzip_of(0, 1000), second = gzip_of(1000, 2000), third = gzip_of(2000, 2500);
    buffer_add(&file, buffer_slice(&second));
    write_part(&b, "a.gz", &file, file.len);
    bed_start(&b);
    turn_until(&b, b.sink.count == 2000);
    bed_settle_down(&b);
    buffer_add(&file, buffer_slice(&third));
    write_part(&b, "a.gz", &file, file.len);
    turn_until(&b, b.sink.count == 2500);
    bed_settle_down(&b);
    check_lines(&b, 0, 0, 2500);
    buffer_release(&file);
    buffer_release(&second);
    buffer_release(&third);
    bed_remove(&b);
}

/* Only with `compression: auto`, and only what is one: else its bytes are lines as they are. */
static void is_one_by_name_and_content(void **state)
{
    (void)state;
    struct bed b;
    bed_make(&b, GZ_INPUT);
    bed_append(&b, "plain.gz", "plain text\n");
    bed_start(&b);
    turn_until(&b, b.sink.count == 1);
    assert_string_equal(b.sink.lines[0].text, "plain text");
    bed_remove(&b);

    bed_make(&b, GZ_INPUT "\n    compression: none");
    struct buffer file;
    buffer_init(&file, 1000);
    gzip_add(&file, SLICE("line\n"));
    buffer_add(&file, SLICE("\nlast\n"));
    write_file(&b, "a.gz", file);
    bed_start(&b);
    turn_until(&b, sink_count(&b.sink, "last") == 1);
    assert_int_equal(sink_count(&b.sink, "line"), 0);
    bed_remove(&b);
}

/* Written bit by bit, as gzip does: each line comes once, wherever it was cut. */
static void grows(void **state)
{
    (void)state;
    struct buffer file = gzip_of(0, 300);
    struct bed b;
    bed_make(&b, GZ_INPUT);
    bed_start(&b);
    for (size_t len = 0; len < file.len; len += 97) {
        write_part(&b, "a.gz", &file, len);
        bed_settle_down(&b);
        if (len % 5 == 0) { /* also over a restart */
            bed_stop(&b);
            bed_start(&b);
        }
    }
    write_part(&b, "a.gz", &file, file.len);
    turn_until(&b, b.sink.count == 300);
    bed_settle_down(&b);
    check_lines(&b, 0, 0, 300);
    assert_int_equal(lost_any(&b), 0);
    buffer_release(&file);
    bed_remove(&b);
}

/* Cut anywhere: what can be read comes, the rest waits for a minute, and is reported then, once. */
static void a_cut_file_waits_and_is_reported(void **state)
{
    (void)state;
    struct buffer file = gzip_of(0, 300);
    for (size_t at = 20; at < file.len; at += file.len / 4) {
        struct bed b;
        bed_make(&b, GZ_INPUT);
        write_part(&b, "a.gz", &file, at);
        bed_start(&b);
        bed_settle_down(&b);
        size_t before = b.sink.count;
        for (size_t i = 0; i < before; i++)
            assert_true(strlen(b.sink.lines[i].text) > strlen("line-0 "));
        bed_pass(&b, 30000);
        bed_settle_down(&b);
        assert_int_equal(b.sink.count, before);
        assert_int_equal(lost_any(&b), 0);
        bed_pass(&b, 31000);
        turn_until(&b, lost(&b, LOSS_GZIP) > 0);
        assert_in_range(b.sink.count, before, before + 1); /* its last line, as it is */
        uint64_t reported = lost(&b, LOSS_GZIP);
        bed_stop(&b);
        bed_start(&b);
        bed_settle_down(&b);
        bed_pass(&b, 61000);
        bed_settle_down(&b);
        if (b.sink.count) /* of a file that no line came of nothing is remembered */
            assert_int_equal(lost(&b, LOSS_GZIP), reported);
        bed_remove(&b);
    }
    buffer_release(&file);
}

/* … with --once at once. */
static void a_cut_file_is_reported_at_once(void **state)
{
    (void)state;
    struct buffer file = gzip_of(0, LINES);
    struct bed b;
    bed_make(&b, GZ_INPUT);
    b.options.once = true;
    write_part(&b, "a.gz", &file, file.len / 2);
    bed_start(&b);
    turn_until(&b, watcher_walks(b.watcher) && tailer_is_done(b.tailer));
    assert_in_range(b.sink.count, LINES / 4, LINES - 1);
    assert_true(lost(&b, LOSS_GZIP) > 0);
    bed_remove(&b);
    buffer_release(&file);
}

static void a_damaged_file_is_reported(void **state)
{
    (void)state;
    struct buffer file = gzip_of(0, LINES);
    struct bed b;
    bed_make(&b, GZ_INPUT);
    b.options.once = true;
    memset(file.data + file.len / 2, 0xff, 300);
    write_part(&b, "a.gz", &file, file.len);
    bed_start(&b);
    turn_until(&b, watcher_walks(b.watcher) && tailer_is_done(b.tailer));
    assert_in_range(b.sink.count, LINES / 4, LINES - 1);
    assert_true(lost(&b, LOSS_GZIP) > 0);
    bed_remove(&b);
    buffer_release(&file);
}

/* A last line without its newline is taken when the file stays so. */
static void last_line(void **state)
{
    (void)state;
    struct buffer file;
    struct bed b;
    buffer_init(&file, 1000);
    gzip_add(&file, SLICE("one\ntwo"));
    bed_make(&b, GZ_INPUT);
    write_file(&b, "a.gz", file);
    bed_start(&b);
    turn_until(&b, b.sink.count == 1);
    bed_settle_down(&b);
    assert_int_equal(b.sink.count, 1);
    bed_pass(&b, 6000);
    turn_until(&b, b.sink.count == 2);
    assert_string_equal(b.sink.lines[1].text, "two");
    bed_remove(&b);
}

/* A file of which something was read is compressed and gone: its rest is read out of the .gz, whether that matches
 * `paths` or not, with the agent there or not. */
static void a_rotated_file_goes_on_in_its_gz(void **state)
{
    (void)state;
    for (int way = 0; way < 4; way++) {
        struct bed b;
        bool down = way & 1, matched = way & 2;
        bed_make(&b, matched ? "paths: [\"a.log*\"]" : "paths: [\"a.log\"]");
        struct buffer half = lines_of(0, LINES / 2), rest = lines_of(LINES / 2, LINES);
        temp_write(&b.dir, "a.log", half.data, half.len);
        bed_start(&b);
        turn_until(&b, b.sink.count == LINES / 2);
        bed_settle_down(&b);
        bed_stop(&b);
        buffer_add(&half, buffer_slice(&rest));
        buffer_add_char(&half, '\0');
        if (!down)
            bed_start(&b);
        write_file(&b, "a.log.1.gz", gzip_of(0, LINES));
        bed_delete(&b, "a.log");
        if (down)
            bed_start(&b);
        turn_until(&b, b.sink.count == LINES);
        bed_settle_down(&b);
        check_lines(&b, 0, 0, LINES);
        assert_int_equal(lost_any(&b), 0);
        buffer_release(&half);
        buffer_release(&rest);
        bed_remove(&b);
    }
}

/* While both are there the .gz is a copy that is held back; then it goes on where the file was. */
static void a_gz_beside_its_file_is_held_back(void **state)
{
    (void)state;
    struct bed b;
    bed_make(&b, "paths: [\"a.log*\"]");
    struct buffer all = lines_of(0, LINES), file = gzip_of(0, LINES);
    temp_write(&b.dir, "a.log.1", all.data, all.len);
    bed_start(&b);
    turn_until(&b, b.sink.count == LINES);
    for (size_t len = file.len / 3; len < file.len; len += file.len / 3) {
        write_part(&b, "a.log.1.gz", &file, len);
        bed_settle_down(&b);
    }
    write_part(&b, "a.log.1.gz", &file, file.len);
    bed_settle_down(&b);
    bed_delete(&b, "a.log.1");
    bed_settle_down(&b);
    bed_pass(&b, 120000);
    bed_settle_down(&b);
    check_lines(&b, 0, 0, LINES);
    assert_int_equal(lost_any(&b), 0);
    buffer_release(&all);
    buffer_release(&file);
    bed_remove(&b);
}

/* Written over with another content: that is new, and read from its start. */
static void written_over(void **state)
{
    (void)state;
    struct bed b;
    bed_make(&b, GZ_INPUT);
    write_file(&b, "a.gz", gzip_of(0, LINES));
    bed_start(&b);
    turn_until(&b, b.sink.count == LINES);
    bed_settle_down(&b);
    write_file(&b, "a.gz", gzip_of(LINES, 3 * LINES));
    bed_settle_down(&b);
    bed_pass(&b, 6000);
    turn_until(&b, b.sink.count == 3 * LINES);
    bed_settle_down(&b);
    check_lines(&b, LINES, LINES, 3 * LINES);
    bed_remove(&b);
}

/* More of them than are read at a time, each larger than one read. */
static void many_of_them(void **state)
{
    (void)state;
    enum { FILES = 3 * LIMIT_GZ_READERS, EACH = 20000 };
    struct bed b;
    bed_make(&b, GZ_INPUT);
    b.sink.room = 50000;
    for (unsigned i = 0; i < FILES; i++) {
        char name[32];
        snprintf(name, sizeof name, "%u.gz", i);
        write_file(&b, name, gzip_of(i * EACH, (i + 1) * EACH));
    }
    bed_start(&b);
    turn_until(&b, b.sink.count == FILES * EACH);
    bed_settle_down(&b);
    assert_int_equal(b.sink.count, FILES * EACH);
    bed_remove(&b);
}

/* `start_at: end` begins behind what is in it. */
static void start_at_end(void **state)
{
    (void)state;
    struct bed b;
    bed_make(&b, GZ_INPUT "\n    start_at: end");
    struct buffer file = gzip_of(0, LINES), second = gzip_of(LINES, LINES + 10);
    write_part(&b, "a.gz", &file, file.len);
    bed_start(&b);
    bed_settle_down(&b);
    assert_int_equal(b.sink.count, 0);
    buffer_add(&file, buffer_slice(&second));
    write_part(&b, "a.gz", &file, file.len);
    turn_until(&b, b.sink.count == 10);
    check_lines(&b, 0, LINES, LINES + 10);
    buffer_release(&file);
    buffer_release(&second);
    bed_remove(&b);
}

/* A file is compressed for longer than a lost one is looked for: nothing is said to be lost. */
static void slowly_compressed(void **state)
{
    (void)state;
    struct bed b;
    bed_make(&b, NULL);
    struct buffer text = lines_of(0, 1000), file = gzip_of(0, 2000);
    write_part(&b, "a.log", &text, text.len);
    bed_start(&b);
    turn_until(&b, b.sink.count == 1000);
    bed_settle_down(&b);
    buffer_release(&text);
    text = lines_of(0, 2000);
    b.sink.room = 0;
    write_part(&b, "a.log", &text, text.len);
    bed_settle_down(&b);
    bed_pass(&b, 1100);
    bed_settle_down(&b);
    bed_stop(&b);
    write_part(&b, "a.log.gz", &file, file.len / 4);
    bed_delete(&b, "a.log");
    b.sink.room = SIZE_MAX;
    bed_start(&b);
    bed_settle_down(&b);
    bed_pass(&b, 6000);
    bed_settle_down(&b);
    bed_pass(&b, 6000);
    bed_settle_down(&b);
    assert_int_equal(b.sink.count, 1000);
    write_part(&b, "a.log.gz", &file, file.len);
    turn_until(&b, b.sink.count == 2000);
    bed_settle_down(&b);
    check_lines(&b, 0, 0, 2000);
    assert_int_equal(lost_any(&b), 0);
    buffer_release(&text);
    buffer_release(&file);
    bed_remove(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(is_read_as_its_content),
        cmocka_unit_test(members),
        cmocka_unit_test(is_one_by_name_and_content),
        cmocka_unit_test(grows),
        cmocka_unit_test(a_cut_file_waits_and_is_reported),
        cmocka_unit_test(a_cut_file_is_reported_at_once),
        cmocka_unit_test(a_damaged_file_is_reported),
        cmocka_unit_test(last_line),
        cmocka_unit_test(a_rotated_file_goes_on_in_its_gz),
        cmocka_unit_test(a_gz_beside_its_file_is_held_back),
        cmocka_unit_test(written_over),
        cmocka_unit_test(many_of_them),
        cmocka_unit_test(start_at_end),
        cmocka_unit_test(slowly_compressed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
