/* How far a file's checkpoint may go, and how its lines are counted. */
#include "deliver/fixture.h"
#include "support/cmocka_setup.h"

enum { LINES = 64 };

static struct ledger *new_ledger(struct input_metrics *m)
{
    struct position start = {.content.len = 5};
    struct ledger *l = ledger_new(&start, m, NULL, NULL);
    assert_non_null(l);
    return l;
}

/* A chunk of n lines, each `width` bytes from `at` on, with so many calls. */
static void take_lines(struct ledger *l, uint64_t at, uint64_t width, const unsigned calls[], size_t n)
{
    struct mapped_line lines[LINES];
    struct chunk c = {.lines = lines, .lines_read = n, .bytes_read = n * width, .end.content.len = at + n * width};
    for (size_t i = 0; i < n; i++) {
        if (calls[i] == 0)
            c.outcomes[OUTCOME_UNMATCHED]++;
        else
            lines[c.line_count++] = (struct mapped_line){.start.content.len = at + i * width, .calls = calls[i]};
    }
    uint64_t first;
    assert_true(ledger_take(l, &c, &first));
}

static uint64_t committed(const struct ledger *l)
{
    return position_offset(ledger_committed(l));
}

/* Lines without calls move the position on their own where nothing is open before them. */
static void position_moves_over_lines_without_calls(void **state)
{
    (void)state;
    struct input_metrics m = {0};
    struct ledger *l = new_ledger(&m);
    assert_int_equal(committed(l), 5);
    take_lines(l, 5, 10, (const unsigned[]){0, 0, 1, 0}, 4);
    assert_int_equal(committed(l), 25);
    assert_int_equal(ledger_open_lines(l), 1);
    assert_int_equal(m.lines_held, 1);
    ledger_settle(l, 0, CALL_DELIVERED);
    assert_int_equal(committed(l), 45);
    assert_int_equal(m.lines_read, 4);
    assert_int_equal(m.lines[OUTCOME_UNMATCHED], 3);
    assert_int_equal(m.lines[OUTCOME_DELIVERED], 1);
    assert_int_equal(m.lines_held, 0);
    ledger_unref(l);
}

/* The position waits for the oldest line with an unsettled call, and then jumps over all that was settled after it. */
static void position_waits_for_the_oldest_line(void **state)
{
    (void)state;
    struct input_metrics m = {0};
    struct ledger *l = new_ledger(&m);
    take_lines(l, 5, 10, (const unsigned[]){2, 1, 1, 1}, 4);
    ledger_settle(l, 0, CALL_DELIVERED);
    ledger_settle(l, 1, CALL_DELIVERED);
    ledger_settle(l, 2, CALL_DELIVERED);
    assert_int_equal(committed(l), 5);
    ledger_settle(l, 0, CALL_DELIVERED);
    assert_int_equal(committed(l), 35);
    ledger_settle(l, 3, CALL_DEAD_LETTERED);
    assert_int_equal(committed(l), 45);
    ledger_unref(l);
}

/* Every order in which calls of a few lines may be settled: the position is always the start of the oldest open line,
 * also when further lines come in between, and every line counts once. */
static void any_order_of_answers(void **state)
{
    (void)state;
    uint32_t seed = 1;
    for (unsigned round = 0; round < 2000; round++) {
        struct input_metrics m = {0};
        struct ledger *l = new_ledger(&m);
        unsigned open[400] = {0};
        size_t lines = 0, pending = 0, taken = 0;
        while (taken < 300 || pending > 0) {
            seed = seed * 1664525 + 1013904223;
            if (taken < 300 && (pending == 0 || seed >> 29 == 0)) {
                size_t n = 1 + (seed >> 16) % 40;
                unsigned calls[LINES];
                for (size_t i = 0; i < n; i++)
                    pending += open[lines + i] = calls[i] = 1 + (unsigned)i % 3;
                take_lines(l, 5 + 10 * lines, 10, calls, n);
                lines += n;
                taken += n;
            } else {
                size_t at = (seed >> 8) % lines;
                while (open[at] == 0)
                    at = (at + 1) % lines;
                open[at]--;
                pending--;
                ledger_settle(l, at, CALL_DELIVERED);
            }
            size_t oldest = 0;
            while (oldest < lines && open[oldest] == 0)
                oldest++;
            assert_int_equal(committed(l), 5 + 10 * oldest);
        }
        assert_int_equal(m.lines[OUTCOME_DELIVERED], lines);
        assert_int_equal(m.lines_held, 0);
        ledger_unref(l);
    }
}

/* A line counts once, as the first of dead-lettered, rejected, delivered, dropped that fits. */
static void line_counts_once(void **state)
{
    (void)state;
    struct input_metrics m = {0};
    struct ledger *l = new_ledger(&m);
    struct mapped_line lines[] = {
        {.calls = 2}, {.calls = 1, .rejected = true}, {.calls = 2}, {.calls = 1}, {.calls = 2, .rejected = true}};
    struct chunk c = {.lines = lines, .line_count = 5, .lines_read = 5, .end.content.len = 50};
    uint64_t first;
    assert_true(ledger_take(l, &c, &first));
    ledger_settle(l, 0, CALL_DELIVERED);
    ledger_settle(l, 0, CALL_DEAD_LETTERED);
    ledger_settle(l, 1, CALL_DELIVERED);
    ledger_settle(l, 2, CALL_LEFT_OUT);
    ledger_settle(l, 2, CALL_DELIVERED);
    ledger_settle(l, 3, CALL_LEFT_OUT);
    ledger_settle(l, 4, CALL_KEPT);
    ledger_settle(l, 4, CALL_DEAD_LETTERED);
    assert_int_equal(m.lines[OUTCOME_DEAD_LETTERED], 2);
    assert_int_equal(m.lines[OUTCOME_REJECTED], 1);
    assert_int_equal(m.lines[OUTCOME_DELIVERED], 1);
    assert_int_equal(m.lines[OUTCOME_DROPPED], 1);
    ledger_unref(l);
}

/* A held line is not settled before its hold is; a disowned ledger calls nobody and lives as long as its references. */
static void holds_and_references(void **state)
{
    (void)state;
    struct fixture f;
    fixture_init(&f);
    fixture_start(&f);
    struct ledger *l = ledger_ref(fixture_file(&f, "a"));
    take_lines(l, 0, 10, (const unsigned[]){1, 1}, 2);
    ledger_hold(l, 0, 1);
    ledger_settle(l, 0, CALL_DELIVERED);
    assert_int_equal(f.moved, 0);
    ledger_settle(l, 0, CALL_DELIVERED);
    assert_int_equal(f.moved, 1);
    fixture_stop(&f);
    ledger_unref(l);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(position_moves_over_lines_without_calls),
        cmocka_unit_test(position_waits_for_the_oldest_line),
        cmocka_unit_test(any_order_of_answers),
        cmocka_unit_test(line_counts_once),
        cmocka_unit_test(holds_and_references),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
