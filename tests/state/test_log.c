/* raingauge's own log: its two formats, what is escaped, and what is held back. */
#include "log.h"

#include "support/cmocka_setup.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

struct fixture {
    int fd;
    struct log *log;
    int64_t now;
    char text[8192];
};

static int64_t clock_of(void *context)
{
    return ((struct fixture *)context)->now;
}

static int set_up(void **state)
{
    static struct fixture f;
    f.fd = memfd_create("log", 0);
    assert_true(f.fd >= 0);
    f.log = log_new(f.fd);
    f.now = 1764039937123;
    log_use_clock(f.log, clock_of, &f);
    *state = &f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    log_free(f->log);
    close(f->fd);
    return 0;
}

/* What was written since the last time. */
static const char *said(struct fixture *f)
{
    ssize_t n = pread(f->fd, f->text, sizeof f->text - 1, 0);
    assert_true(n >= 0);
    f->text[n] = '\0';
    assert_int_equal(ftruncate(f->fd, 0), 0);
    lseek(f->fd, 0, SEEK_SET);
    return f->text;
}

/* Text is logfmt: bare where that can be read back, else quoted with JSON's escapes. */
static void text_is_logfmt(void **state)
{
    struct fixture *f = *state;
    log_event(f->log, LOG_WARN, "id", "line is not JSON", LOG_TEXT("file", "/var/log/a.jsonl"), LOG_UINT("offset", 812),
              LOG_DOUBLE("age", 1.5), LOG_TEXT("empty", ""), LOG_TEXT("odd", "a \"b\"\n=\xff"), LOG_END);
    assert_string_equal(said(f),
                        "time=2025-11-25T03:05:37.123Z level=warn message=\"line is not JSON\" "
                        "file=/var/log/a.jsonl offset=812 age=1.500 empty=\"\" odd=\"a \\\"b\\\"\\n=\xef\xbf\xbd\"\n");
}

static void json_is_json(void **state)
{
    struct fixture *f = *state;
    log_configure(f->log, LOG_INFO, true);
    log_event(f->log, LOG_ERROR, "id", "stopped", LOG_TEXT("file", "/a\tb"), LOG_UINT("read", UINT64_MAX), LOG_END);
    assert_string_equal(said(f), "{\"time\":\"2025-11-25T03:05:37.123Z\",\"level\":\"error\",\"message\":\"stopped\","
                                 "\"file\":\"/a\\tb\",\"read\":18446744073709551615}\n");
}

/* A path may hold what a terminal acts on: escape sequences, C1 controls, marks that turn the text around. */
static void hostile_paths_are_escaped(void **state)
{
    struct fixture *f = *state;
    log_event(f->log, LOG_INFO, "", "m",
              LOG_TEXT("file", "\x1b[2J\x7f\xc2\x9b"
                               "1m\xe2\x80\xae\xe2\x81\xa6\xc3\xa9"),
              LOG_END);
    assert_non_null(strstr(said(f), "file=\"\\u001b[2J\\u007f\\u009b1m\\u202e\\u2066\xc3\xa9\"\n"));
}

/* The sixth of a kind within ten seconds is held back; the next that is let through says how many were. */
static void repeats_are_held_back(void **state)
{
    struct fixture *f = *state;
    for (int i = 0; i < 20; i++)
        log_event(f->log, LOG_WARN, "a", "again", LOG_UINT("i", i), LOG_END);
    const char *text = said(f);
    assert_non_null(strstr(text, "i=4\n"));
    assert_null(strstr(text, "i=5\n"));
    log_event(f->log, LOG_WARN, "b", "other", LOG_END);
    assert_non_null(strstr(said(f), "message=other\n"));
    f->now += 9999;
    log_event(f->log, LOG_WARN, "a", "again", LOG_UINT("i", 20), LOG_END);
    assert_string_equal(said(f), "");
    f->now += 1;
    log_event(f->log, LOG_WARN, "a", "again", LOG_UINT("i", 21), LOG_END);
    assert_non_null(strstr(said(f), "i=21 held_back=16\n"));
    log_event(f->log, LOG_WARN, "a", "again", LOG_UINT("i", 22), LOG_END);
    assert_non_null(strstr(said(f), "i=22\n"));
}

/* A clock that is set back does not silence a kind of message. */
static void clock_may_go_back(void **state)
{
    struct fixture *f = *state;
    for (int i = 0; i < 6; i++)
        log_event(f->log, LOG_WARN, "a", "again", LOG_END);
    said(f);
    f->now -= 3600000;
    log_event(f->log, LOG_WARN, "a", "again", LOG_END);
    assert_non_null(strstr(said(f), "message=again held_back=1\n"));
}

/* An empty id is never held back, and what is still held back at the end can be told. */
static void rest_is_told(void **state)
{
    struct fixture *f = *state;
    for (int i = 0; i < 9; i++) {
        log_event(f->log, LOG_WARN, "", "each", LOG_UINT("i", i), LOG_END);
        log_event(f->log, LOG_WARN, "a", "some", LOG_END);
    }
    assert_non_null(strstr(said(f), "message=each i=8\n"));
    log_held_back(f->log);
    assert_string_equal(said(f), "time=2025-11-25T03:05:37.123Z level=warn message=some held_back=4\n");
    log_held_back(f->log);
    assert_string_equal(said(f), "");
}

/* Levels below the one that is set are not written, nor do they count as repeats; no log at all is fine. */
static void levels_are_kept(void **state)
{
    struct fixture *f = *state;
    log_event(f->log, LOG_DEBUG, "a", "no", LOG_END);
    assert_string_equal(said(f), "");
    log_configure(f->log, LOG_DEBUG, false);
    log_event(f->log, LOG_DEBUG, "a", "yes", LOG_END);
    assert_non_null(strstr(said(f), "level=debug message=yes"));
    log_event(NULL, LOG_ERROR, "a", "nobody hears", LOG_END);
}

/* Where the stream is journald's, each line begins with its priority; not where it only was. */
static void journald_gets_priorities(void **state)
{
    struct fixture *f = *state;
    struct stat found;
    assert_int_equal(fstat(f->fd, &found), 0);
    char stream[64];
    snprintf(stream, sizeof stream, "%llu:%llu", (unsigned long long)found.st_dev, (unsigned long long)found.st_ino);
    setenv("JOURNAL_STREAM", stream, 1);
    struct log *log = log_new(f->fd);
    setenv("JOURNAL_STREAM", "1:1", 1);
    struct log *redirected = log_new(f->fd);
    unsetenv("JOURNAL_STREAM");
    log_event(log, LOG_WARN, "", "m", LOG_END);
    assert_memory_equal(said(f), "<4>time=", 8);
    log_event(redirected, LOG_WARN, "", "m", LOG_END);
    assert_memory_equal(said(f), "time=", 5);
    log_free(log);
    log_free(redirected);
}

static void count_call(void *context)
{
    ++*(int *)context;
}

/* The progress bar is told before a line, and only then. */
static void before_a_line_is_called(void **state)
{
    struct fixture *f = *state;
    int calls = 0;
    log_before_line(f->log, count_call, &calls);
    log_event(f->log, LOG_DEBUG, "", "below the level", LOG_END);
    assert_int_equal(calls, 0);
    log_event(f->log, LOG_INFO, "", "m", LOG_END);
    assert_int_equal(calls, 1);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(text_is_logfmt),
        TEST(json_is_json),
        TEST(hostile_paths_are_escaped),
        TEST(repeats_are_held_back),
        TEST(rest_is_told),
        TEST(clock_may_go_back),
        TEST(levels_are_kept),
        TEST(journald_gets_priorities),
        TEST(before_a_line_is_called),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
