/* How long a file's oldest undelivered line has been there, from a few marks. */
#include "follow/lag.h"

#include "support/cmocka_setup.h"

/* The age is that of the part in which the first undelivered byte lies; nothing undelivered has none. */
static void age_is_the_oldest_undelivered_part(void **state)
{
    (void)state;
    struct lag lag = {0};
    assert_int_equal(lag_age(&lag, 0, 5000), 0);
    lag_seen(&lag, 100, 1000);
    lag_seen(&lag, 200, 3000);
    lag_seen(&lag, 200, 4000); /* no growth */
    assert_int_equal(lag_age(&lag, 0, 5000), 4000);
    assert_int_equal(lag_age(&lag, 99, 5000), 4000);
    assert_int_equal(lag_age(&lag, 100, 5000), 2000);
    assert_int_equal(lag_age(&lag, 200, 5000), 0);
    lag_seen(&lag, 200, 9000);
    assert_int_equal(lag_age(&lag, 200, 9000), 0);
    lag_seen(&lag, 201, 9500);
    assert_int_equal(lag_age(&lag, 200, 9600), 100);
    lag_release(&lag);
}

/* A backlog found at the start was written before the loop's clock began. */
static void backlog_is_as_old_as_its_file(void **state)
{
    (void)state;
    struct lag lag = {0};
    lag_seen(&lag, 100, -60000);
    assert_int_equal(lag_age(&lag, 0, 1000), 61000);
    lag_release(&lag);
}

/* A file that was cut and grows again is as old as its new bytes. */
static void cut_file_begins_anew(void **state)
{
    (void)state;
    struct lag lag = {0};
    lag_seen(&lag, 100, 1000);
    lag_seen(&lag, 0, 2000);
    assert_int_equal(lag_age(&lag, 0, 3000), 0);
    lag_seen(&lag, 50, 4000);
    assert_int_equal(lag_age(&lag, 0, 4500), 500);
    lag_release(&lag);
}

/* However often a file grows before something is delivered, no age comes out smaller than it is. */
static void marks_that_were_merged_never_say_less(void **state)
{
    (void)state;
    struct lag lag = {0};
    for (int64_t i = 1; i <= 1000; i++)
        lag_seen(&lag, (uint64_t)i * 10, i * 100);
    assert_true(lag.count <= LAG_MARKS);
    for (uint64_t committed = 0; committed < 10000; committed += 7) {
        uint64_t true_age = 200000 - (committed / 10 + 1) * 100;
        assert_true(lag_age(&lag, committed, 200000) >= true_age);
    }
    assert_int_equal(lag_age(&lag, 10000, 200000), 0);
    lag_release(&lag);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(age_is_the_oldest_undelivered_part),
        cmocka_unit_test(backlog_is_as_old_as_its_file),
        cmocka_unit_test(cut_file_begins_anew),
        cmocka_unit_test(marks_that_were_merged_never_say_less),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
