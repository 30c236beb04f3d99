/* How far a file's checkpoint may go, and how its lines are counted. */
#include "deliver/fixture.h"
#include "deliver/joined.h"
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
            lines[c.line_count++] =
                (struct mapped_line){.start.content.len = at + i * width, .offset = at + i * width, .calls = calls[i]};
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

/* A line of several calls is not settled before its last; a disowned ledger calls nobody and lives as long as its
 * references. */
static void calls_and_references(void **state)
{
    (void)state;
    struct fixture f;
    fixture_init(&f);
    fixture_start(&f);
    struct ledger *l = ledger_ref(fixture_file(&f, "a"));
    take_lines(l, 0, 10, (const unsigned[]){2, 1}, 2);
    ledger_settle(l, 0, CALL_DELIVERED);
    assert_int_equal(f.moved, 0);
    ledger_settle(l, 0, CALL_DELIVERED);
    assert_int_equal(f.moved, 1);
    fixture_stop(&f);
    ledger_unref(l);
}

static struct merge_part *part_of(struct joined *j, uint64_t number)
{
    struct merge_part *part = joined_place(j);
    assert_non_null(part);
    *part = (struct merge_part){.number = number};
    joined_add(j, part);
    return part;
}

/* A chunk of one line with a part. */
static void take_part(struct ledger *l, uint64_t at, struct merge_part *part)
{
    struct mapped_line mapped = {.start.content.len = at, .offset = at, .calls = 1};
    struct mapped_part of = {.kept = part};
    struct chunk c = {
        .lines = &mapped, .line_count = 1, .lines_read = 1, .parts = &of, .part_count = 1, .end.content.len = at + 10};
    uint64_t first;
    assert_true(ledger_take(l, &c, &first));
}

/* Lines of one record, of two files, are settled together, as what the record comes to; those between are remembered.
 */
static void joined_lines_are_settled_together(void **state)
{
    (void)state;
    static const struct {
        uint32_t calls;
        unsigned flags;
        enum call_outcome answer;
        enum outcome outcome;
    } cases[] = {
        {2, 0, CALL_DELIVERED, OUTCOME_DELIVERED},          {1, LINE_REJECTED, CALL_DELIVERED, OUTCOME_REJECTED},
        {1, 0, CALL_DEAD_LETTERED, OUTCOME_DEAD_LETTERED},  {0, LINE_SAMPLED, CALL_DELIVERED, OUTCOME_SAMPLED},
        {0, LINE_INVALID, CALL_DELIVERED, OUTCOME_INVALID}, {0, 0, CALL_DELIVERED, OUTCOME_DROPPED},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct input_metrics m = {0};
        struct ledger *a = new_ledger(&m), *b = new_ledger(&m);
        struct joined *j = joined_new();
        struct buffer text;
        take_part(a, 5, part_of(j, 1));
        take_lines(a, 15, 10, (const unsigned[]){1, 1}, 2);
        take_part(b, 5, part_of(j, 2));
        take_part(a, 35, part_of(j, 3));
        ledger_settle(a, 1, CALL_DELIVERED);
        assert_int_equal(committed(a), 5);
        assert_true(ledger_is_unordered(a));

        struct resume *r = resume_new();
        assert_true(ledger_write_resume(a, r));
        buffer_init(&text, 1 << 10);
        resume_write(r, &text);
        buffer_add_char(&text, '\0');
        assert_string_equal(text.data, "45 0 0 0 5 0 1 0 0 1 0 20 1 0 10 0 1 0 0 2 0");
        resume_free(r);
        buffer_release(&text);

        bool over = joined_begin(j, cases[i].calls, cases[i].flags);
        for (uint32_t n = cases[i].calls; n > 0; n--) {
            assert_false(over);
            assert_int_equal(committed(b), 5);
            over = joined_settle(j, cases[i].answer);
        }
        assert_true(over);
        assert_int_equal(m.lines[cases[i].outcome], 3 + (cases[i].outcome == OUTCOME_DELIVERED));
        assert_int_equal(committed(b), 15);
        assert_int_equal(committed(a), 25);
        assert_true(ledger_is_unordered(a)); /* one line is open */
        joined_unref(j);
        ledger_unref(a);
        ledger_unref(b);
    }
}

/* A save that is under way may not have what has ended since it began: the next one counts. */
static void a_record_waits_for_a_save_that_begins_later(void **state)
{
    (void)state;
    struct saves saves = {.begun = 1}; /* under way */
    struct joined *waits = joined_new(), *goes = joined_new();
    joined_wait_for(waits, &saves);
    assert_int_equal(saves.wanted, 2);
    assert_true(joined_may_go(goes));
    assert_false(joined_may_go(waits));
    saves.ended = 1;
    assert_false(joined_may_go(waits));
    saves.begun = saves.ended = 2;
    assert_true(joined_may_go(waits));
    joined_unref(waits);
    joined_unref(goes);
}

/* After a restart the lines of an earlier run may be settled out of their order, with no merged one among them any
 * more: it is remembered until all are. */
static void unordered_until_all_is_settled(void **state)
{
    (void)state;
    struct input_metrics m = {0};
    struct ledger *l = new_ledger(&m);
    ledger_note_unordered(l);
    assert_false(ledger_is_unordered(l)); /* nothing is open */
    take_lines(l, 5, 10, (const unsigned[]){1, 1}, 2);
    assert_false(ledger_is_unordered(l));
    ledger_note_unordered(l);
    ledger_settle(l, 0, CALL_DELIVERED);
    assert_true(ledger_is_unordered(l));
    ledger_settle(l, 1, CALL_DELIVERED);
    assert_false(ledger_is_unordered(l));
    ledger_unref(l);
}

/* Let go of without being settled (the agent ends): the lines stay as they are. */
static void unsettled_parts_hold_their_lines(void **state)
{
    (void)state;
    struct input_metrics m = {0};
    struct ledger *l = new_ledger(&m);
    struct joined *j = joined_new();
    take_part(l, 5, part_of(j, 1));
    joined_unref(joined_ref(j));
    joined_unref(j);
    assert_int_equal(committed(l), 5);
    assert_int_equal(m.lines_held, 1);
    ledger_unref(l);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(position_moves_over_lines_without_calls),
        cmocka_unit_test(position_waits_for_the_oldest_line),
        cmocka_unit_test(any_order_of_answers),
        cmocka_unit_test(line_counts_once),
        cmocka_unit_test(calls_and_references),
        cmocka_unit_test(joined_lines_are_settled_together),
        cmocka_unit_test(a_record_waits_for_a_save_that_begins_later),
        cmocka_unit_test(unordered_until_all_is_settled),
        cmocka_unit_test(unsettled_parts_hold_their_lines),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
