/* The progress bar: what it says, how it fits, and that it stays away from what is no terminal. */
#include "cli/progress.h"

#include "support/cmocka_setup.h"

#include <fcntl.h>
#include <pty.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define MEBI (UINT64_C(1) << 20)

static const char *text_of(const struct progress *p, const struct progress_state *state, uint64_t now, unsigned width)
{
    static char text[1024];
    struct buffer out;
    buffer_init(&out, sizeof text - 1);
    progress_write(&out, p, state, now, width);
    memcpy(text, out.data ? out.data : "", out.len);
    text[out.len] = '\0';
    buffer_release(&out);
    return text;
}

/* Bytes of total, calls, the rate since it began, and the time left by that rate. */
static void says_how_far_it_is(void **state)
{
    (void)state;
    struct progress p = {.fd = -1, .began = 5000, .began_bytes = 100 * MEBI};
    struct progress_state s = {.bytes_read = 500 * MEBI, .bytes_total = 1000 * MEBI, .calls_delivered = 12345};
    assert_string_equal(
        text_of(&p, &s, 5000 + 10000, 100),
        "[###############               ]   50%  500.0 MiB of 1000.0 MiB  12345 calls  40.0 MiB/s  0:13 left");
    s.bytes_read = s.bytes_total;
    assert_non_null(strstr(text_of(&p, &s, 15000, 100), "########]  100%"));
    assert_null(strstr(text_of(&p, &s, 15000, 100), "left"));
    s.bytes_read = 101 * MEBI;
    assert_non_null(strstr(text_of(&p, &s, 15000, 100), "102.4 KiB/s  2:29:50 left"));
}

/* In the first second there is no rate, for an empty set of files no division by nothing. */
static void begins_without_a_rate(void **state)
{
    (void)state;
    struct progress p = {.fd = -1};
    struct progress_state s = {.bytes_read = 10, .bytes_total = 1000};
    assert_string_equal(text_of(&p, &s, 999, 36), "  1%  10 B of 1000 B  0 calls");
    s = (struct progress_state){0};
    assert_string_equal(text_of(&p, &s, 0, 36), "100%  0 B of 0 B  0 calls");
}

/* In a narrow terminal whole parts go: first the rate, then the calls, then the bytes, last of all the time left. */
static void narrow_terminals_keep_the_time_left(void **state)
{
    (void)state;
    struct progress p = {.fd = -1, .began = 5000, .began_bytes = 100 * MEBI};
    struct progress_state s = {.bytes_read = 500 * MEBI, .bytes_total = 1000 * MEBI, .calls_delivered = 12345};
    assert_string_equal(text_of(&p, &s, 15000, 68),
                        " 50%  500.0 MiB of 1000.0 MiB  12345 calls  40.0 MiB/s  0:13 left");
    assert_string_equal(text_of(&p, &s, 15000, 60), " 50%  500.0 MiB of 1000.0 MiB  12345 calls  0:13 left");
    assert_string_equal(text_of(&p, &s, 15000, 50), " 50%  500.0 MiB of 1000.0 MiB  0:13 left");
    assert_string_equal(text_of(&p, &s, 15000, 30), "[#####     ]   50%  0:13 left");
    assert_string_equal(text_of(&p, &s, 15000, 20), " 50%  0:13 left");
    assert_string_equal(text_of(&p, &s, 15000, 12), " 50%");
    assert_string_equal(text_of(&p, &s, 15000, 4), " 50");
}

/* It never takes more columns than there are, less one. */
static void fits_any_width(void **state)
{
    (void)state;
    struct progress p = {.fd = -1};
    struct progress_state s = {.bytes_read = 7 * MEBI, .bytes_total = 9 * MEBI, .calls_delivered = 3};
    for (unsigned width = 0; width < 200; width++) {
        size_t len = strlen(text_of(&p, &s, 60000, width));
        assert_true(len == 0 || len < width);
    }
}

/* Nothing is written where the descriptor is no terminal. */
static void stays_off_files(void **state)
{
    (void)state;
    int fds[2];
    assert_int_equal(pipe(fds), 0);
    struct progress p;
    struct progress_state s = {.bytes_read = 1, .bytes_total = 2};
    progress_init(&p, fds[1], 0);
    progress_update(&p, &s, 0);
    progress_clear(&p);
    progress_end(&p, &s, 1000);
    close(fds[1]);
    char c;
    assert_int_equal(read(fds[0], &c, 1), 0);
    close(fds[0]);
}

static size_t drain(int fd, char *text, size_t cap)
{
    ssize_t n = read(fd, text, cap - 1);
    text[n > 0 ? n : 0] = '\0';
    return n > 0 ? (size_t)n : 0;
}

/* On a terminal it draws at once, then not again within a tenth of a second, is cleared for a line of log, and leaves
 * its last state on a line of its own. */
static void draws_on_a_terminal(void **state)
{
    (void)state;
    int main_fd, terminal_fd;
    struct winsize size = {.ws_row = 24, .ws_col = 60};
    assert_int_equal(openpty(&main_fd, &terminal_fd, NULL, NULL, &size), 0);
    fcntl(main_fd, F_SETFL, O_NONBLOCK);
    char text[4096];
    struct progress p;
    struct progress_state s = {.bytes_read = 1, .bytes_total = 2};
    progress_init(&p, terminal_fd, 0);
    progress_update(&p, &s, 0);
    assert_true(drain(main_fd, text, sizeof text) > 0);
    assert_non_null(strstr(text, "50%  1 B of 2 B"));
    progress_update(&p, &s, 99);
    assert_int_equal(drain(main_fd, text, sizeof text), 0);
    progress_update(&p, &s, 100);
    assert_true(drain(main_fd, text, sizeof text) > 0);
    progress_clear(&p);
    drain(main_fd, text, sizeof text);
    assert_string_equal(text, "\r\x1b[K");
    progress_clear(&p);
    assert_int_equal(drain(main_fd, text, sizeof text), 0);
    s.bytes_read = 2;
    progress_end(&p, &s, 101);
    size_t len = drain(main_fd, text, sizeof text);
    assert_non_null(strstr(text, "100%"));
    assert_int_equal(text[len - 1], '\n');
    close(main_fd);
    close(terminal_fd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(says_how_far_it_is),
        cmocka_unit_test(begins_without_a_rate),
        cmocka_unit_test(narrow_terminals_keep_the_time_left),
        cmocka_unit_test(fits_any_width),
        cmocka_unit_test(stays_off_files),
        cmocka_unit_test(draws_on_a_terminal),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
