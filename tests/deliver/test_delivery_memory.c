/* Every allocation fails in turn: a chunk is taken whole or not at all, and every call is settled once all the same. */
#include "deliver/fixture.h"
#include "support/cmocka_setup.h"
#include "support/failing_heap.h"

static struct fixture f;

enum { LINES = 12, KEPT = 1 };

/* A chunk with everything in it: three kinds, two projects, batches that get full, one user twice, a kept line. */
static void map_lines(unsigned from)
{
    for (unsigned i = from; i < from + LINES; i++) {
        char name[16];
        snprintf(name, sizeof name, "%u", i);
        line(&f);
        event(&f, name);
        signal_call(&f, name);
        identify(&f, name, i % 3, i);
        call_to(&f, ENDPOINT_EVENT, 0, i % 2 ? "p" : "q", name);
    }
    line(&f);
    note(&f, OUTCOME_INVALID, "not JSON");
}

/* Once more with memory, where there was none: nothing must be left of the first try. */
static void take_whole(struct ledger *l, uint64_t lines, size_t calls)
{
    size_t bytes = f.metrics->buffer_bytes;
    if (take(&f, l))
        return;
    assert_int_equal(ledger_next_line(l), lines);
    assert_int_equal(delivery_unsettled_calls(f.d), calls);
    assert_int_equal(f.metrics->buffer_bytes, bytes);
    assert_int_equal(f.input->lines_read, lines);
    assert_true(take(&f, l));
}

static unsigned calls_in(struct slice body)
{
    unsigned n = 0;
    for (size_t i = 0; i < body.len; i++)
        n += body.text[i] == '{';
    return n;
}

/* Refuses every body with an event 5 in it, and delivers the rest. */
static unsigned drain(void)
{
    unsigned delivered = 0;
    delivery_seal_due(f.d, f.now, true);
    while (!delivery_is_drained(f.d)) {
        struct batch *b = next(&f);
        struct dead_letter *letter = delivery_next_dead_letter(f.d);
        if (letter)
            delivery_dead_letter_done(f.d, letter);
        if (b) {
            struct slice body = batch_body(b);
            bool poison = memmem(body.text, body.len, "\"5\"", 3) && batch_endpoint(b) == ENDPOINT_EVENT;
            delivered += poison ? 0 : calls_in(body);
            answer(&f, b, poison ? 422 : 204);
        } else if (!letter) {
            pass_time(&f, 60000);
        }
    }
    return delivered;
}

static void everything_is_settled_once(void **state)
{
    (void)state;
    unsigned failures = 0;
    for (bool came = true; came;) {
        fixture_init(&f);
        f.config.upload.max_calls = 5;
        fixture_start(&f);
        struct ledger *l = fixture_file(&f, "a.jsonl");
        assert_non_null(buffer_reserve(&f.chunk.text, 100000)); /* making chunks is not what fails here */
        failing_heap_arm(++failures);
        map_lines(0);
        take_whole(l, 0, 0);
        map_lines(LINES);
        take_whole(l, LINES + KEPT, 4 * LINES); /* behind open batches of the first */
        unsigned delivered = drain();
        came = failing_heap_disarm();
        assert_int_equal(delivered, 2 * LINES * 4 - 2); /* event 5 in both projects */
        assert_int_equal(f.input->lines[OUTCOME_DELIVERED], 2 * LINES - 1);
        assert_int_equal(f.input->lines[OUTCOME_DEAD_LETTERED], 1);
        assert_int_equal(f.input->lines[OUTCOME_INVALID], 2 * KEPT);
        assert_int_equal(f.input->lines_held, 0);
        fixture_stop(&f);
    }
    assert_in_range(failures, 50, 1000);
}

/* Starting and a reload: nothing, or all. */
static void configuring(void **state)
{
    (void)state;
    for (unsigned nth = 1;; nth++) {
        fixture_init(&f);
        f.config.destination_count = 3;
        struct metrics *metrics = metrics_new();
        failing_heap_arm(nth);
        struct delivery *d = delivery_new(&f.config, metrics, NULL);
        f.config.identify_cache = 50;
        bool configured = d && delivery_configure(d, &f.config);
        bool came = failing_heap_disarm();
        assert_true(configured || came);
        if (d && !configured)
            assert_true(delivery_configure(d, &f.config));
        delivery_free(d);
        metrics_free(metrics);
        if (!came)
            break;
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(everything_is_settled_once), cmocka_unit_test(configuring)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
