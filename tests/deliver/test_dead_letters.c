/* The dead-letter file: nothing is settled before it is on disk, whatever fails. */
#include "deliver/dead_letters.h"

#include "deliver/dead_letter_file.h"
#include "deliver/fixture.h"
#include "support/cmocka_setup.h"
#include "support/faults.h"
#include "support/temp_dir.h"

#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

static struct fixture f;
static struct temp_dir dir;
static uv_loop_t loop;
static struct dead_letters *dl;
static struct ledger *file;

static int set_up(void **state)
{
    (void)state;
    temp_dir_make(&dir);
    uv_loop_init(&loop);
    fixture_init(&f);
    f.config.upload.max_calls = 1;
    f.config.upload.max_age_ms = 0;
    f.config.dead_letter_max_bytes = 100000;
    fixture_start(&f);
    file = fixture_file(&f, "a.jsonl");
    dl = dead_letters_new(&loop, dir.path, f.d, f.metrics, NULL);
    assert_non_null(dl);
    dead_letters_configure(dl, &f.config);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    dead_letters_free(dl);
    fixture_stop(&f);
    assert_int_equal(uv_loop_close(&loop), 0);
    temp_dir_remove(&dir);
    return 0;
}

static void refuse(unsigned first, unsigned n)
{
    events(&f, file, first, n);
    for (unsigned i = 0; i < n; i++)
        answer(&f, next(&f), 400);
}

/* One turn: what waits is written, and what came of it is told. */
static void turn(void)
{
    dead_letters_write_waiting(dl, f.now);
    uv_run(&loop, UV_RUN_DEFAULT);
    assert_true(dead_letters_is_idle(dl));
}

static size_t lines_of(const char *name)
{
    size_t len = 0, n = 0;
    char *text = temp_read(&dir, name, &len);
    for (size_t i = 0; text && i < len; i++)
        n += text[i] == '\n';
    assert_true(len == 0 || text[len - 1] == '\n');
    free(text);
    return n;
}

static unsigned settled(void)
{
    return (unsigned)(position_offset(ledger_committed(file)) / FIXTURE_LINE_BYTES);
}

/* Letters are written many at a time, in order; the file is for its owner only. */
static void letters_are_appended(void **state)
{
    (void)state;
    refuse(0, 3);
    assert_int_equal(settled(), 0);
    turn();
    assert_int_equal(settled(), 3);
    refuse(3, 1);
    turn();
    assert_int_equal(lines_of("dead-letter.jsonl"), 4);
    char *text = temp_read(&dir, "dead-letter.jsonl", NULL);
    const char *at = text;
    for (char n = '0'; n <= '3'; n++) {
        char call[] = "\"call\":{\"n\":\"?\"}}\n";
        call[13] = n;
        at = strstr(at, call);
        assert_non_null(at);
    }
    free(text);
    struct stat found;
    assert_int_equal(stat(temp_path(&dir, "dead-letter.jsonl"), &found), 0);
    assert_int_equal(found.st_mode & 0777, 0600);
    assert_true(dead_letters_deadline(dl) == UINT64_MAX);
    assert_true(delivery_is_drained(f.d));
}

/* More than fit into one write come in the next. */
static void many_letters(void **state)
{
    (void)state;
    f.config.upload.max_refused = 1000;
    assert_true(delivery_configure(f.d, &f.config));
    f.config.dead_letter_max_bytes = 1000000;
    dead_letters_configure(dl, &f.config);
    refuse(0, 700);
    turn();
    assert_int_equal(settled(), 256);
    turn();
    turn();
    assert_int_equal(settled(), 700);
    assert_int_equal(lines_of("dead-letter.jsonl"), 700);
}

/* Each file operation fails in turn: what is settled is in the file, whole; tried again, everything is, once. With a
 * file that is there and with one that is to be made. */
static void nothing_is_settled_that_is_not_on_disk(void **state)
{
    (void)state;
    unsigned calls = 0;
    for (int fresh = 0; fresh <= 1; fresh++) {
        unsigned failures = 0;
        for (bool came = true; came;) {
            if (fresh)
                unlink(temp_path(&dir, "dead-letter.jsonl"));
            size_t lines = lines_of("dead-letter.jsonl");
            refuse(calls, 2);
            faults_arm(++failures, ENOSPC);
            turn();
            came = faults_disarm();
            if (came) {
                assert_int_equal(settled(), calls);
                assert_int_equal(lines_of("dead-letter.jsonl"), lines);
                dead_letters_write_waiting(dl, f.now); /* not yet */
                assert_true(dead_letters_is_idle(dl));
                assert_in_range(dead_letters_deadline(dl), f.now + 1, f.now + 30000);
                f.now = dead_letters_deadline(dl);
                turn();
            }
            calls += 2;
            assert_int_equal(settled(), calls);
            assert_int_equal(lines_of("dead-letter.jsonl"), lines + 2);
        }
        assert_in_range(failures, fresh ? 5 : 4, 12);
    }
}

/* Half a line, as a crash leaves it, is cut off: its call was not settled and comes again. */
static void torn_line_is_cut_off(void **state)
{
    (void)state;
    static const char text[] = "{\"time\":\"2025-11-25T03:25:37.123Z\",\"call\":{}}\n{\"time\":\"2025-1";
    temp_write(&dir, "dead-letter.jsonl", text, sizeof text - 1);
    refuse(0, 1);
    turn();
    char *after = temp_read(&dir, "dead-letter.jsonl", NULL);
    assert_memory_equal(strchr(after, '\n'), "\n{\"time\":\"2", 11);
    assert_non_null(strstr(after, "\"call\":{\"n\":\"0\"}}\n"));
    assert_int_equal(lines_of("dead-letter.jsonl"), 2);
    free(after);
    temp_write(&dir, "dead-letter.jsonl", "torn", 4); /* nothing but that */
    refuse(1, 1);
    turn();
    assert_int_equal(lines_of("dead-letter.jsonl"), 1);
}

/* At max_bytes the file is renamed once; what was there before is lost, and counted. */
static void rotation_counts_what_is_lost(void **state)
{
    (void)state;
    f.config.dead_letter_max_bytes = 1000;
    dead_letters_configure(dl, &f.config);
    unsigned calls = 0;
    while (f.metrics->dead_letters_lost == 0) {
        refuse(calls++, 1);
        turn();
        assert_int_equal(settled(), calls);
    }
    size_t kept = lines_of("dead-letter.jsonl") + lines_of("dead-letter.jsonl.1");
    assert_int_equal(kept + f.metrics->dead_letters_lost, calls);
    assert_in_range(kept, 4, 10);
    assert_int_equal(temp_count(&dir, "dead-letter"), 2);
}

/* One letter larger than max_bytes is written all the same, but no second one beside it. */
static void a_large_letter_goes_alone(void **state)
{
    (void)state;
    f.config.dead_letter_max_bytes = 10;
    dead_letters_configure(dl, &f.config);
    refuse(0, 2);
    for (unsigned n = 1; n <= 2; n++) {
        turn();
        assert_int_equal(settled(), n);
        assert_int_equal(lines_of("dead-letter.jsonl"), 1);
    }
    assert_int_equal(lines_of("dead-letter.jsonl.1"), 1);
    assert_int_equal(f.metrics->dead_letters_lost, 0);
}

/* Each operation of a rotation fails in turn: no letter is lost but those that are counted. */
static void rotation_fails(void **state)
{
    (void)state;
    f.config.dead_letter_max_bytes = 1;
    dead_letters_configure(dl, &f.config);
    unsigned calls = 0, failures = 0;
    for (bool came = true; came;) {
        refuse(calls++, 1);
        faults_arm(++failures, EIO);
        turn();
        came = faults_disarm();
        while (settled() < calls) {
            f.now = dead_letters_deadline(dl);
            turn();
        }
        size_t kept = lines_of("dead-letter.jsonl") + lines_of("dead-letter.jsonl.1");
        assert_int_equal(kept + f.metrics->dead_letters_lost, calls);
    }
    assert_in_range(failures, 6, 16);
}

/* max_age takes the older lines out of both files, and leaves the rest. */
static void old_letters_are_deleted(void **state)
{
    (void)state;
    static const char older[] = "{\"time\":\"2001-01-01T00:00:00.000Z\",\"call\":1}\n"
                                "{\"time\":\"2001-01-02T00:00:00.000Z\",\"call\":2}\n";
    static const char mixed[] = "{\"time\":\"2001-01-03T00:00:00.000Z\",\"call\":3}\n"
                                "{\"time\":\"2999-01-01T00:00:00.000Z\",\"call\":4}\n"
                                "{\"time\":\"2001-01-03T00:00:00.000Z\",\"call\":5}\n";
    temp_write(&dir, "dead-letter.jsonl.1", older, sizeof older - 1);
    temp_write(&dir, "dead-letter.jsonl", mixed, sizeof mixed - 1);
    f.config.dead_letter_max_age_ms = 7 * 86400000;
    dead_letters_configure(dl, &f.config);
    turn();
    assert_int_equal(temp_count(&dir, "dead-letter"), 1);
    assert_int_equal(lines_of("dead-letter.jsonl"), 2);
    assert_in_range(dead_letters_deadline(dl), f.now + 1000, f.now + 3600001);
    refuse(0, 1);
    turn();
    assert_int_equal(lines_of("dead-letter.jsonl"), 3);
    assert_int_equal(f.metrics->dead_letters_lost, 0);
}

/* What would be followed somewhere else is not written to. */
static void symlinks_are_not_followed(void **state)
{
    (void)state;
    temp_write(&dir, "elsewhere", "x\n", 2);
    assert_int_equal(symlink(temp_path(&dir, "elsewhere"), temp_path(&dir, "dead-letter.jsonl")), 0);
    refuse(0, 1);
    turn();
    assert_int_equal(settled(), 0);
    assert_int_equal(lines_of("elsewhere"), 1);
    unlink(temp_path(&dir, "dead-letter.jsonl"));
    f.now = dead_letters_deadline(dl);
    turn();
    assert_int_equal(settled(), 1);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(letters_are_appended),
        TEST(many_letters),
        TEST(nothing_is_settled_that_is_not_on_disk),
        TEST(torn_line_is_cut_off),
        TEST(rotation_counts_what_is_lost),
        TEST(a_large_letter_goes_alone),
        TEST(rotation_fails),
        TEST(old_letters_are_deleted),
        TEST(symlinks_are_not_followed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
