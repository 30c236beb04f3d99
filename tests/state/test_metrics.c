/* The counters: series by name, reasons, requests, and the sums of a line's outcomes. */
#include "admin/metrics.h"

#include "support/cmocka_setup.h"

/* A name gives the same series again, in the order they were made. */
static void series_are_stable(void **state)
{
    (void)state;
    struct metrics *m = metrics_new();
    struct input_metrics *a = metrics_input(m, "a"), *b = metrics_input(m, "b");
    assert_ptr_not_equal(a, b);
    assert_ptr_equal(metrics_input(m, "a"), a);
    assert_ptr_equal(m->inputs, a);
    assert_ptr_equal(a->next, b);
    struct rule_metrics *r = metrics_rule(m, slice_of("rule-12", 6));
    assert_string_equal(r->name, "rule-1");
    assert_ptr_equal(metrics_rule(m, SLICE("rule-1")), r);
    struct destination_metrics *d = metrics_destination(m, "raindrop");
    assert_ptr_equal(metrics_destination(m, "raindrop"), d);
    metrics_free(m);
}

/* A reason's text is kept: it may stand in a buffer of the caller. */
static void reasons_are_copied(void **state)
{
    (void)state;
    struct metrics *m = metrics_new();
    char reason[] = "status_400";
    metrics_count_reason(&m->dead_letters[ENDPOINT_SIGNAL], reason, 2);
    metrics_count_reason(&m->dead_letters[ENDPOINT_SIGNAL], "status_400", 1);
    reason[9] = '9';
    metrics_count_reason(&m->dead_letters[ENDPOINT_SIGNAL], reason, 1);
    const struct reason_count *first = m->dead_letters[ENDPOINT_SIGNAL];
    assert_string_equal(first->reason, "status_400");
    assert_int_equal(first->count, 3);
    assert_string_equal(first->next->reason, "status_409");
    assert_null(first->next->next);
    metrics_free(m);
}

/* Requests count by endpoint and code; a duration lies in the first bucket whose bound it does not pass. */
static void requests_are_counted(void **state)
{
    (void)state;
    struct metrics *m = metrics_new();
    struct destination_metrics *d = metrics_destination(m, "raindrop");
    metrics_count_request(d, ENDPOINT_EVENT, 204, duration_bounds[0], m);
    metrics_count_request(d, ENDPOINT_EVENT, 204, 0.3, m);
    metrics_count_request(d, ENDPOINT_SIGNAL, 0, 1e9, m);
    assert_int_equal(d->requests->count, 2);
    assert_int_equal(d->requests->next->code, 0);
    assert_int_equal(m->duration_buckets[0], 1);
    assert_int_equal(m->duration_buckets[DURATION_BUCKETS], 1);
    metrics_free(m);
}

static void sums_are_over_all_inputs(void **state)
{
    (void)state;
    struct metrics *m = metrics_new();
    *metrics_input(m, "a") = (struct input_metrics){.name = m->inputs->name, .lines_read = 3, .lines_held = 1};
    metrics_input(m, "a")->lines[OUTCOME_DELIVERED] = 2;
    metrics_input(m, "b")->lines_read = 4;
    metrics_input(m, "b")->lines[OUTCOME_DEAD_LETTERED] = 4;
    struct line_sums sums = metrics_line_sums(m);
    assert_int_equal(sums.read, 7);
    assert_int_equal(sums.held, 1);
    assert_int_equal(sums.lines[OUTCOME_DELIVERED], 2);
    assert_int_equal(sums.lines[OUTCOME_DEAD_LETTERED], 4);
    for (size_t i = 0; i < OUTCOME_COUNT; i++)
        assert_non_null(outcome_names[i]);
    metrics_free(m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(series_are_stable),
        cmocka_unit_test(reasons_are_copied),
        cmocka_unit_test(requests_are_counted),
        cmocka_unit_test(sums_are_over_all_inputs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
