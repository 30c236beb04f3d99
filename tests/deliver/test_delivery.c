/* What is sent when, against scripted answers: order, batches, and each row of contract 6.7 carried out. */
#include "deliver/fixture.h"
#include "limits.h"
#include "support/cmocka_setup.h"

static struct fixture f; /* one at a time: it is large */

static int set_up(void **state)
{
    (void)state;
    fixture_init(&f);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    fixture_stop(&f);
    return 0;
}

/* Starts with `concurrency`, and batches of at most max_calls that are sealed at once. */
static struct ledger *start(unsigned concurrency, size_t max_calls)
{
    f.config.upload.concurrency = concurrency;
    f.config.upload.max_calls = max_calls;
    f.config.upload.max_age_ms = 0;
    fixture_start(&f);
    return fixture_file(&f, "a.jsonl");
}

static uint64_t committed(const struct ledger *l)
{
    return position_offset(ledger_committed(l));
}

static void deliver_all(void)
{
    struct batch *b;
    while ((b = next(&f)))
        answer(&f, b, 204);
    assert_true(delivery_is_drained(f.d));
}

/* ---- batches ---- */

/* The calls of an endpoint travel in one array, in order; identify calls each as an object. */
static void bodies_are_as_the_wire_takes_them(void **state)
{
    (void)state;
    struct ledger *l = start(4, 500);
    line(&f);
    event(&f, "e1");
    identify(&f, "i1", 1, 1);
    line(&f);
    event(&f, "e2");
    identify(&f, "i2", 2, 1);
    assert_true(take(&f, l));
    struct batch *e = next(&f), *i1 = next(&f), *i2 = next(&f);
    assert_body(e, "[{\"n\":\"e1\"},{\"n\":\"e2\"}]");
    assert_int_equal(batch_endpoint(e), ENDPOINT_EVENT);
    assert_string_equal(batch_destination(e), "raindrop");
    assert_int_equal(batch_project(e).len, 0);
    assert_body(i1, "{\"n\":\"i1\"}");
    assert_body(i2, "{\"n\":\"i2\"}");
    assert_null(next(&f));
    answer(&f, i2, 204);
    answer(&f, e, 204);
    assert_int_equal(committed(l), 0);
    answer(&f, i1, 204);
    assert_int_equal(committed(l), 200);
    assert_true(delivery_is_drained(f.d));
    assert_int_equal(f.input->lines[OUTCOME_DELIVERED], 2);
}

/* With identify_batch they travel in arrays, but never two of one user in one. */
static void identify_arrays_hold_a_user_once(void **state)
{
    (void)state;
    f.config.upload.identify_batch = true;
    struct ledger *l = start(4, 500);
    line(&f);
    identify(&f, "a1", 1, 1);
    identify(&f, "b1", 2, 1);
    identify(&f, "a2", 1, 2);
    assert_true(take(&f, l));
    struct batch *b = next(&f);
    assert_body(b, "[{\"n\":\"a1\"},{\"n\":\"b1\"}]");
    assert_null(next(&f)); /* the other waits for its user */
    answer(&f, b, 204);
    assert_body(b = next(&f), "[{\"n\":\"a2\"}]");
    answer(&f, b, 204);
}

/* A batch is closed at max_calls, at max_bytes (brackets and commas counted), and at max_age after its first call. */
static void batches_are_closed_when_full_or_old(void **state)
{
    (void)state;
    f.config.upload.max_bytes = 25; /* two calls of 11 bytes, brackets and a comma */
    f.config.upload.concurrency = 10;
    fixture_start(&f);
    struct ledger *l = fixture_file(&f, "a");
    line(&f);
    for (char n[2] = "1"; *n <= '5'; ++*n)
        call_text(&f, ENDPOINT_EVENT, slice_from((char[]){'{', '"', 'n', '"', ':', '"', *n, '1', '"', '}', ' ', 0}));
    assert_true(take(&f, l));
    struct batch *b1 = next(&f), *b2 = next(&f);
    assert_int_equal(batch_body(b1).len, 25);
    assert_int_equal(batch_body(b2).len, 25);
    assert_null(next(&f));
    f.now += 500;
    line(&f);
    call_text(&f, ENDPOINT_SIGNAL, SLICE("{}"));
    assert_true(take(&f, l));
    assert_int_equal(delivery_deadline(f.d, f.now), f.now + 500);
    f.now += 499;
    assert_null(next(&f));
    f.now += 1;
    struct batch *b3 = next(&f);
    assert_int_equal(batch_body(b3).len, 13);
    answer(&f, b1, 204);
    answer(&f, b2, 204);
    answer(&f, b3, 204);
    assert_int_equal(delivery_deadline(f.d, f.now), f.now + 500);
    delivery_seal_due(f.d, f.now, true);
    deliver_all();
}

/* A call larger than max_bytes goes alone; a body is at most 1 MiB. */
static void large_calls_go_alone(void **state)
{
    (void)state;
    f.config.upload.max_bytes = 1000;
    struct ledger *l = start(4, 500);
    static char large[LIMIT_CALL];
    memset(large, ' ', sizeof large);
    line(&f);
    event(&f, "1");
    call_text(&f, ENDPOINT_EVENT, slice_of(large, sizeof large));
    event(&f, "2");
    assert_true(take(&f, l));
    struct batch *b1 = next(&f), *b2 = next(&f), *b3 = next(&f);
    assert_body(b1, "[{\"n\":\"1\"}]");
    assert_int_equal(batch_body(b2).len, sizeof large + 2);
    assert_body(b3, "[{\"n\":\"2\"}]");
    answer(&f, b1, 204);
    answer(&f, b2, 204);
    answer(&f, b3, 204);
}

/* A request holds calls of one destination and one project. */
static void destinations_and_projects_do_not_mix(void **state)
{
    (void)state;
    f.config.destination_count = 2;
    struct ledger *l = start(10, 500);
    line(&f);
    call_to(&f, ENDPOINT_EVENT, 0, "", "1");
    call_to(&f, ENDPOINT_EVENT, 1, "", "2");
    call_to(&f, ENDPOINT_EVENT, 0, "p", "3");
    call_to(&f, ENDPOINT_EVENT, 1, "", "4");
    assert_true(take(&f, l));
    struct batch *b;
    unsigned seen = 0;
    for (; (b = next(&f)); seen++) {
        bool to_b = strcmp(batch_destination(b), "b") == 0;
        assert_body(b, to_b                   ? "[{\"n\":\"2\"},{\"n\":\"4\"}]"
                       : batch_project(b).len ? "[{\"n\":\"3\"}]"
                                              : "[{\"n\":\"1\"}]");
        answer(&f, b, 204);
    }
    assert_int_equal(seen, 3);
}

/* ---- order ---- */

/* A signal is not sent before the events that were mapped by then, from any file, are delivered. */
static void signals_wait_for_events(void **state)
{
    (void)state;
    struct ledger *l = start(4, 1), *other = fixture_file(&f, "b");
    events(&f, other, 1, 1);
    line(&f);
    event(&f, "2");
    signal_call(&f, "s");
    event(&f, "3"); /* after the signal: not waited for */
    assert_true(take(&f, l));
    struct batch *e1 = next(&f), *e2 = next(&f), *e3 = next(&f);
    assert_null(next(&f));
    answer(&f, e2, 204);
    assert_null(next(&f));
    answer(&f, e1, 204);
    struct batch *s = next(&f);
    assert_body(s, "[{\"n\":\"s\"}]");
    answer(&f, s, 204);
    answer(&f, e3, 204);
}

/* ... or dead-lettered, on disk. Those of another project are not waited for. */
static void signals_wait_for_dead_letters(void **state)
{
    (void)state;
    struct ledger *l = start(4, 1);
    line(&f);
    call_to(&f, ENDPOINT_EVENT, 0, "p", "0");
    event(&f, "1");
    signal_call(&f, "s");
    assert_true(take(&f, l));
    struct batch *b[2] = {next(&f), next(&f)};
    assert_null(next(&f));
    struct batch *e1 = batch_project(b[0]).len ? b[1] : b[0];
    answer(&f, e1, 400);
    assert_null(next(&f));
    free(bury(&f));
    struct batch *s = next(&f);
    assert_body(s, "[{\"n\":\"s\"}]");
    answer(&f, s, 204);
    answer(&f, e1 == b[0] ? b[1] : b[0], 204);
    assert_int_equal(f.input->lines[OUTCOME_DEAD_LETTERED], 1);
}

/* With one request at a time calls arrive in order: a batch that failed blocks its lane; after three failures the later
 * ones overtake it. */
static void order_with_one_request(void **state)
{
    (void)state;
    struct ledger *l = start(1, 1);
    events(&f, l, 1, 3);
    for (int i = 0; i < 3; i++) {
        struct batch *b = next(&f);
        assert_body(b, "[{\"n\":\"1\"}]");
        assert_null(next(&f));
        answer(&f, b, 503);
        assert_null(next(&f));
        pass_time(&f, 2000);
    }
    struct batch *b = next(&f);
    assert_body(b, "[{\"n\":\"2\"}]");
    answer(&f, b, 204);
    assert_body(b = next(&f), "[{\"n\":\"1\"}]"); /* its own time has come, too */
    answer(&f, b, 503);
    assert_null(next(&f));
    pass_time(&f, 500);
    assert_body(b = next(&f), "[{\"n\":\"3\"}]");
    answer(&f, b, 204);
    assert_null(next(&f));
    assert_body(b = next_in_time(&f), "[{\"n\":\"1\"}]");
    answer(&f, b, 204);
}

/* Calls of a file that is not in the checkpoint yet wait. */
static void unregistered_files_wait(void **state)
{
    (void)state;
    start(4, 500);
    struct position start_at = {0};
    struct ledger *l = ledger_new(&start_at, f.input, NULL, NULL);
    f.files[f.file_count++] = l;
    events(&f, l, 1, 2);
    assert_null(next(&f));
    ledger_set_registered(l);
    deliver_all();
}

/* Of one user's identify calls one is in flight at a time; those of others go on, and none is first sent before an
 * earlier one. */
static void identify_calls_of_a_user_take_turns(void **state)
{
    (void)state;
    struct ledger *l = start(4, 500);
    line(&f);
    identify(&f, "a1", 1, 1);
    identify(&f, "b1", 2, 1);
    identify(&f, "a2", 1, 2);
    identify(&f, "c1", 3, 1);
    assert_true(take(&f, l));
    struct batch *a1 = next(&f), *b1 = next(&f);
    assert_body(b1, "{\"n\":\"b1\"}");
    assert_null(next(&f));
    answer(&f, a1, 204);
    struct batch *a2 = next(&f), *c1 = next(&f);
    assert_body(a2, "{\"n\":\"a2\"}");
    assert_body(c1, "{\"n\":\"c1\"}");
    answer(&f, c1, 204);
    answer(&f, a2, 204);
    answer(&f, b1, 204);
}

/* An older identify that waits after a failure is not overtaken by a newer one of its user, only by others'. */
static void a_newer_identify_stays_behind(void **state)
{
    (void)state;
    struct ledger *l = start(2, 500);
    line(&f);
    identify(&f, "a1", 1, 1);
    identify(&f, "a2", 1, 2);
    identify(&f, "b1", 2, 1);
    assert_true(take(&f, l));
    answer(&f, next(&f), 503);
    pass_time(&f, 500);
    struct batch *b1 = next(&f);
    assert_body(b1, "{\"n\":\"b1\"}"); /* another one probes */
    answer(&f, b1, 204);
    struct batch *a1 = next(&f);
    assert_body(a1, "{\"n\":\"a1\"}");
    assert_null(next(&f));
    answer(&f, a1, 204);
    struct batch *a2 = next(&f);
    assert_body(a2, "{\"n\":\"a2\"}");
    answer(&f, a2, 204);
}

/* What says nothing new is left out; a dead-lettered one said nothing. */
static void identify_says_something_new(void **state)
{
    (void)state;
    struct ledger *l = start(4, 500);
    line(&f);
    identify(&f, "1", 1, 7);
    line(&f);
    identify(&f, "2", 1, 7);
    line(&f);
    identify(&f, "3", 1, 8);
    assert_true(take(&f, l));
    struct batch *b = next(&f);
    assert_body(b, "{\"n\":\"1\"}");
    answer(&f, b, 204);
    assert_body(b = next(&f), "{\"n\":\"3\"}");
    answer(&f, b, 400);
    free(bury(&f));
    line(&f);
    identify(&f, "4", 1, 8);
    assert_true(take(&f, l));
    assert_body(b = next(&f), "{\"n\":\"4\"}");
    answer(&f, b, 204);
    assert_int_equal(f.metrics->identify_left_out, 1);
    assert_int_equal(f.input->lines[OUTCOME_DROPPED], 1);
    assert_int_equal(f.input->lines[OUTCOME_DEAD_LETTERED], 1);
}

/* ---- failing ---- */

/* While all fail one request probes at a time, each with another of the waiting batches; the first that is taken ends
 * that. */
static void one_request_probes(void **state)
{
    (void)state;
    struct ledger *l = start(4, 1);
    events(&f, l, 1, 6);
    struct batch *b[4] = {next(&f), next(&f), next(&f), next(&f)};
    assert_null(next(&f));
    answer(&f, b[0], 503);
    assert_null(next(&f)); /* the others may yet be taken */
    for (int i = 1; i < 4; i++)
        answer(&f, b[i], i == 2 ? 0 : 503);
    assert_null(next(&f));
    static const char *const probes[] = {"[{\"n\":\"5\"}]", "[{\"n\":\"6\"}]", "[{\"n\":\"1\"}]", "[{\"n\":\"2\"}]"};
    for (int i = 0; i < 4; i++) {
        uint64_t before = f.now;
        pass_time(&f, 30000);
        assert_int_equal(f.now - before, (500 << i) - 1); /* the four failed together: once */
        struct batch *probe = next(&f);
        assert_body(probe, probes[i]);
        assert_null(next(&f));
        answer(&f, probe, i < 3 ? 503 : 204);
    }
    f.now += 1000;
    for (int i = 0; i < 4; i++)
        assert_non_null(b[i] = next(&f));
    for (int i = 0; i < 4; i++)
        answer(&f, b[i], 204);
    f.now += 10000;
    deliver_all();
    assert_int_equal(f.metrics->retries, 7);
}

/* Retry-After holds the whole group, other endpoints too, even when another request is taken meanwhile; not other
 * projects. */
static void retry_after_holds_the_group(void **state)
{
    (void)state;
    struct ledger *l = start(4, 1);
    events(&f, l, 1, 3);
    struct batch *b1 = next(&f), *b2 = next(&f), *b3 = next(&f);
    answer_with(&f, b1, &(struct post_result){.what = POST_ANSWERED, .status = 429, .retry_after_ms = 90000});
    answer(&f, b2, 204);
    answer(&f, b3, 204);
    line(&f);
    identify(&f, "i", 1, 1);
    assert_true(take(&f, l));
    assert_null(next(&f));
    line(&f);
    call_to(&f, ENDPOINT_EVENT, 0, "p", "other");
    assert_true(take(&f, l));
    struct batch *other = next(&f);
    assert_body(other, "[{\"n\":\"other\"}]");
    answer(&f, other, 204);
    assert_null(next(&f));
    assert_int_equal(delivery_deadline(f.d, f.now), f.now + 90000);
    f.now += 89999;
    assert_null(next(&f));
    f.now += 1;
    deliver_all();
}

/* 401 and its like: nothing is dropped, the destination counts as paused until a 2xx. */
static void pauses_drop_nothing(void **state)
{
    (void)state;
    struct ledger *l = start(4, 1);
    static const int statuses[] = {301, 401, 402, 403, 404, 405, 407};
    events(&f, l, 1, 1);
    struct destination_metrics *m = metrics_destination(f.metrics, "raindrop");
    for (size_t i = 0; i < sizeof statuses / sizeof statuses[0]; i++) {
        answer(&f, next_in_time(&f), statuses[i]);
        char reason[16];
        snprintf(reason, sizeof reason, "status %d", statuses[i]);
        assert_string_equal(delivery_paused(f.d), reason);
        assert_true(m->paused);
        assert_null(next(&f));
        assert_null(delivery_next_dead_letter(f.d));
    }
    answer_with(&f, next_in_time(&f), &(struct post_result){.what = POST_NO_KEY});
    assert_string_equal(delivery_paused(f.d), "no_write_key");
    for (int i = 0; i < 10; i++) {
        pass_time(&f, 30000); /* a complaint a minute, a try every 30 s at the latest */
        struct batch *b = next(&f);
        if (b)
            answer(&f, b, 503); /* goes on being paused */
        assert_non_null(delivery_paused(f.d));
    }
    answer(&f, next_in_time(&f), 204);
    assert_null(delivery_paused(f.d));
    assert_false(m->paused);
    assert_int_equal(committed(l), 100);
}

/* A 415 to gzip: again at once, plain, and so from then on. */
static void gzip_is_given_up(void **state)
{
    (void)state;
    struct ledger *l = start(4, 1);
    events(&f, l, 1, 2);
    struct batch *b = next(&f);
    assert_false(batch_is_plain(b));
    answer_with(&f, b, &(struct post_result){.what = POST_ANSWERED, .status = 415, .sent_gzip = true});
    assert_body(b = next(&f), "[{\"n\":\"1\"}]");
    assert_true(batch_is_plain(b));
    answer(&f, b, 204);
    assert_true(batch_is_plain(b = next(&f)));
    answer(&f, b, 204);
}

/* ---- the call at fault ---- */

static bool holds_poison(const struct batch *b)
{
    struct slice body = batch_body(b);
    return memmem(body.text, body.len, "\"13\"", 4) != NULL;
}

/* A refused batch is halved until the call at fault is alone: that one is dead-lettered, all others are delivered, in
 * order, in a number of requests that is a logarithm. */
static void the_call_at_fault_is_found(void **state)
{
    (void)state;
    struct ledger *l = start(1, 500);
    events(&f, l, 0, 64);
    struct batch *b;
    char arrived[1024] = "";
    unsigned requests = 0;
    while ((b = next(&f))) {
        requests++;
        if (holds_poison(b)) {
            answer(&f, b, 422);
        } else {
            snprintf(arrived + strlen(arrived), sizeof arrived - strlen(arrived), "%.*s", SLICE_FMT(batch_body(b)));
            answer(&f, b, 204);
        }
    }
    assert_in_range(requests, 13, 13);
    const char *at = arrived;
    for (unsigned i = 0; i < 64; i++) {
        char text[16];
        snprintf(text, sizeof text, "\"%u\"", i);
        const char *found = strstr(at, text);
        assert_int_equal(found != NULL, i != 13);
        at = found ? found : at;
    }
    char *letters = bury(&f);
    assert_string_equal(letters, "{\"time\":\"2025-11-25T03:25:37.123Z\",\"destination\":\"raindrop\",\"endpoint\":"
                                 "\"events/track\",\"rule\":\"first\",\"file\":\"a.jsonl\",\"offset\":1300,\"status\":"
                                 "422,\"reason\":\"{\\\"error\\\":\\\"no\\\"}\",\"call\":{\"n\":\"13\"}}\n");
    free(letters);
    assert_int_equal(f.metrics->dead_letters[ENDPOINT_EVENT]->count, 1);
    assert_string_equal(f.metrics->dead_letters[ENDPOINT_EVENT]->reason, "status_422");
    assert_int_equal(delivery_dead_lettered(f.d), 1);
    assert_true(delivery_is_drained(f.d));
    assert_int_equal(committed(l), 6400);
}

/* The position does not pass a dead letter before it is on disk. */
static void dead_letters_settle_on_disk(void **state)
{
    (void)state;
    struct ledger *l = start(1, 1);
    line(&f);
    call_to(&f, ENDPOINT_EVENT, 0, "proj", "x");
    assert_true(take(&f, l));
    answer(&f, next(&f), 400);
    assert_int_equal(committed(l), 0);
    assert_false(delivery_is_drained(f.d));
    struct dead_letter *letter = delivery_next_dead_letter(f.d);
    assert_null(delivery_next_dead_letter(f.d)); /* handed out once */
    assert_int_equal(delivery_unsettled_calls(f.d), 1);
    delivery_dead_letter_done(f.d, letter);
    assert_int_equal(committed(l), 100);
    assert_true(delivery_is_drained(f.d));
}

/* Lines that are kept go the same way, and do not count as dead letters. */
static void kept_lines_are_letters_too(void **state)
{
    (void)state;
    struct ledger *l = start(1, 1);
    line(&f);
    note(&f, OUTCOME_INVALID, "not \"json\"");
    assert_true(take(&f, l));
    assert_int_equal(committed(l), 0);
    char *letters = bury(&f);
    assert_string_equal(letters, "{\"time\":\"2025-11-25T03:25:37.123Z\",\"outcome\":\"invalid\",\"line\":\"not "
                                 "\\\"json\\\"\",\"file\":\"a.jsonl\",\"offset\":0,\"reason\":\"not JSON\"}\n");
    free(letters);
    assert_int_equal(committed(l), 100);
    assert_int_equal(delivery_dead_lettered(f.d), 0);
}

/* A batch that the server cannot take while it takes others is halved after three tries; a single call that it cannot
 * take is given up after ten. */
static void poison_that_makes_the_server_fail(void **state)
{
    (void)state;
    for (unsigned concurrency = 1; concurrency <= 4; concurrency += 3) {
        fixture_init(&f);
        struct ledger *l = start(concurrency, 8);
        events(&f, l, 0, 40);
        unsigned whole = 0, alone = 0, rounds = 0;
        while (delivery_unsettled_calls(f.d) > 0 && rounds++ < 1000) {
            struct batch *b;
            while ((b = next(&f))) {
                whole += holds_poison(b) && body_is(b, "[{\"n\":\"8\"},{\"n\":\"9\"},{\"n\":\"10\"},{\"n\":\"11\"},"
                                                       "{\"n\":\"12\"},{\"n\":\"13\"},{\"n\":\"14\"},{\"n\":\"15\"}]");
                alone += body_is(b, "[{\"n\":\"13\"}]");
                answer(&f, b, holds_poison(b) ? 500 : 204);
            }
            struct dead_letter *letter = delivery_next_dead_letter(f.d);
            if (letter)
                delivery_dead_letter_done(f.d, letter);
            else
                pass_time(&f, 30000);
        }
        assert_in_range(whole, 3, 4);
        assert_int_equal(alone, 10);
        assert_int_equal(f.input->lines[OUTCOME_DELIVERED], 39);
        assert_int_equal(f.input->lines[OUTCOME_DEAD_LETTERED], 1);
        assert_string_equal(f.metrics->dead_letters[ENDPOINT_EVENT]->reason, "retries");
        if (concurrency == 1)
            fixture_stop(&f);
    }
}

/* A server that is down for long gets nothing dead-lettered and nothing halved, whatever was delivered before. */
static void outage_gives_nothing_up(void **state)
{
    (void)state;
    struct ledger *l = start(4, 1);
    events(&f, l, 0, 20);
    struct batch *b[4] = {next(&f), next(&f), next(&f), next(&f)};
    answer(&f, b[1], 503);
    answer(&f, b[0], 204); /* the last that it took */
    answer(&f, b[2], 503);
    answer(&f, b[3], 503);
    for (int i = 0; i < 1000; i++) {
        answer(&f, next_in_time(&f), 503);
        assert_null(delivery_next_dead_letter(f.d));
    }
    while (!delivery_is_drained(f.d))
        answer(&f, next_in_time(&f), 204);
    assert_int_equal(f.input->lines[OUTCOME_DELIVERED], 20);
}

/* 413 to a single call: its long texts are cut, to half and half again, down to 64 KiB; then it is dead-lettered. */
static void too_large_calls_are_cut(void **state)
{
    (void)state;
    struct ledger *l = start(1, 500);
    static char text[600000];
    int head = snprintf(text, sizeof text,
                        "{\"user_id\":\"u\",\"event\":\"e\",\"event_id\":\"id\",\"ai_data\":{\"output\":\"");
    memset(text + head, 'a', sizeof text - (size_t)head);
    memcpy(text + sizeof text - 3, "\"}}", 3);
    line(&f);
    call_text(&f, ENDPOINT_EVENT, slice_of(text, sizeof text));
    assert_true(take(&f, l));
    static const size_t most[] = {600002, 300002, 150002, 75002, 65538};
    for (size_t i = 0; i < 5; i++) {
        struct batch *b = next(&f);
        struct slice body = batch_body(b);
        assert_in_range(body.len, most[i] - 100, most[i]);
        assert_memory_equal(body.text + 1, text, (size_t)head);
        assert_true(slice_ends_with(body, i ? SLICE("aaa...[truncated by raingauge]\"}}]") : SLICE("aaa\"}}]")));
        answer(&f, b, 413);
    }
    assert_null(next(&f));
    free(bury(&f));
    assert_string_equal(f.metrics->dead_letters[ENDPOINT_EVENT]->reason, "too_large");
    assert_int_equal(f.metrics->buffer_bytes, 0);
}

/* 413: halved; what cannot be cut is dead-lettered. */
static void too_large(void **state)
{
    (void)state;
    struct ledger *l = start(1, 2);
    line(&f);
    event(&f, "1");
    event(&f, "2");
    assert_true(take(&f, l));
    answer(&f, next(&f), 413);
    struct batch *b = next(&f);
    assert_body(b, "[{\"n\":\"1\"}]");
    answer(&f, b, 413);
    assert_body(b = next(&f), "[{\"n\":\"2\"}]");
    answer(&f, b, 204);
    free(bury(&f));
    assert_string_equal(f.metrics->dead_letters[ENDPOINT_EVENT]->reason, "too_large");
    assert_true(delivery_is_drained(f.d));
}

/* After max_refused single calls in a row nothing more is given up: each try sends another of the waiting calls, alone,
 * and the first that is taken ends it. */
static void all_refused(void **state)
{
    (void)state;
    f.config.upload.max_refused = 3;
    struct ledger *l = start(4, 8);
    events(&f, l, 0, 24);
    struct batch *b;
    while ((b = next(&f)))
        answer(&f, b, 400);
    assert_string_equal(delivery_paused(f.d), "all_refused");
    free(bury(&f));
    assert_int_equal(delivery_dead_lettered(f.d), 3);
    char tried[21 * 16] = "";
    for (int i = 0; i < 21; i++) { /* each of the others, once */
        b = next_in_time(&f);
        assert_null(next(&f));
        struct slice body = batch_body(b);
        assert_null(memchr(body.text, ',', body.len));
        char text[32];
        snprintf(text, sizeof text, "%.*s", SLICE_FMT(body));
        assert_null(strstr(tried, text));
        snprintf(tried + strlen(tried), sizeof tried - strlen(tried), "%s", text);
        answer(&f, b, 400);
        assert_null(delivery_next_dead_letter(f.d));
    }
    answer(&f, next_in_time(&f), 204);
    assert_null(delivery_paused(f.d));
    f.now += 60000;
    deliver_all();
    assert_int_equal(f.input->lines[OUTCOME_DELIVERED], 21);
}

/* One that is taken in between starts the count anew; 413 does not count. */
static void refusals_in_a_row(void **state)
{
    (void)state;
    f.config.upload.max_refused = 2;
    struct ledger *l = start(1, 1);
    events(&f, l, 0, 8);
    static const int answers[] = {400, 204, 400, 413, 204, 413, 413, 413};
    for (size_t i = 0; i < 8; i++)
        answer(&f, next(&f), answers[i]);
    assert_null(delivery_paused(f.d));
    free(bury(&f));
    assert_int_equal(delivery_dead_lettered(f.d), 6);
}

/* A batch that was cancelled is where it was, as if it had not been sent. */
static void cancelled_is_not_settled(void **state)
{
    (void)state;
    struct ledger *l = start(1, 1);
    events(&f, l, 1, 2);
    answer_with(&f, next(&f), &(struct post_result){.what = POST_CANCELLED});
    struct batch *b = next(&f);
    assert_body(b, "[{\"n\":\"1\"}]");
    answer(&f, b, 204);
    deliver_all();
    assert_int_equal(f.metrics->retries, 0);
}

/* ---- room ---- */

/* With one destination all of the buffer is for it; what is held is what it costs, and comes back. */
static void room_is_what_is_left(void **state)
{
    (void)state;
    f.config.upload.buffer = MIB(4);
    struct ledger *l = start(1, 500);
    assert_int_equal(delivery_room(f.d, l), MIB(4));
    static char text[1000];
    memset(text, 'x', sizeof text);
    size_t taken = 0;
    while (delivery_room(f.d, l) > 0) {
        for (int i = 0; i < 100; i++, taken += sizeof text) {
            line(&f);
            call_text(&f, ENDPOINT_EVENT, slice_of(text, sizeof text));
        }
        assert_true(take(&f, l));
    }
    assert_in_range(taken, MIB(2), MIB(4));
    assert_in_range(f.metrics->buffer_bytes, MIB(4), MIB(4) + MIB(1));
    assert_int_equal(f.metrics->buffer_calls, taken / sizeof text);
    deliver_all();
    assert_int_equal(delivery_room(f.d, l), MIB(4));
    assert_int_equal(f.metrics->buffer_bytes, 0);
}

/* Fills the buffer with calls of one file for one destination until there is no room for that file. */
static void fill(struct ledger *l, uint32_t destination)
{
    for (int i = 0; delivery_room(f.d, l) > 0 || ledger_open_lines(l) == 0; i++) {
        assert_in_range(i, 0, 100000);
        line(&f);
        call_to(&f, ENDPOINT_EVENT, destination, "", "some text that takes a place in the buffer …");
        assert_true(take(&f, l));
    }
}

/* No destination holds more than half while there are others, and files wait only for their own: however many do not
 * answer, there is room for one more. */
static void half_of_the_buffer(void **state)
{
    (void)state;
    f.config.destination_count = 3;
    f.config.upload.buffer = MIB(4);
    struct ledger *to_a = start(4, 500), *to_b = fixture_file(&f, "b"), *to_c = fixture_file(&f, "c"),
                  *unknown = fixture_file(&f, "d");
    fill(to_a, 0);
    assert_in_range(f.metrics->buffer_bytes, MIB(2), MIB(2) + KIB(64));
    assert_true(delivery_room(f.d, unknown) > 0);
    fill(to_b, 1);
    assert_in_range(f.metrics->buffer_bytes, MIB(3), MIB(3) + KIB(128));
    assert_int_equal(delivery_room(f.d, to_a), 0);
    assert_true(delivery_room(f.d, to_c) > 0);
    fill(to_c, 2);
    assert_in_range(f.metrics->buffer_bytes, MIB(3), MIB(4));
    deliver_all();
}

/* The groups take turns: one with many batches does not keep another from being sent; a destination leaves a slot. */
static void groups_take_turns(void **state)
{
    (void)state;
    f.config.destination_count = 2;
    struct ledger *l = start(4, 1);
    line(&f);
    for (int i = 0; i < 20; i++)
        call_to(&f, ENDPOINT_EVENT, 0, "", "a");
    assert_true(take(&f, l));
    struct batch *b[3] = {next(&f), next(&f), next(&f)};
    assert_non_null(b[2]);
    assert_null(next(&f)); /* the fourth slot is the other's */
    line(&f);
    call_to(&f, ENDPOINT_EVENT, 1, "", "b");
    assert_true(take(&f, l));
    struct batch *other = next(&f);
    assert_body(other, "[{\"n\":\"b\"}]");
    answer(&f, other, 204);
    for (int i = 0; i < 3; i++)
        answer(&f, b[i], 204);
    deliver_all();
}

/* So many requests a second, counted over a while. */
static void rate_is_limited(void **state)
{
    (void)state;
    f.config.upload.rate_limit = 4;
    struct ledger *l = start(4, 1);
    events(&f, l, 0, 41);
    uint64_t began = f.now;
    while (!delivery_is_drained(f.d))
        answer(&f, next_in_time(&f), 204);
    assert_in_range(f.now - began, 9800, 10000);
}

/* ---- reload ---- */

/* New settings hold for what is sealed from then on; destinations are known by their names. */
static void reload_keeps_what_waits(void **state)
{
    (void)state;
    f.config.destination_count = 2;
    struct ledger *l = start(4, 500);
    line(&f);
    call_to(&f, ENDPOINT_EVENT, 1, "", "1");
    assert_true(take(&f, l));
    struct destination one_less[] = {f.destinations[1]};
    f.config.destinations = one_less;
    f.config.destination_count = 1;
    f.config.upload.max_calls = 1;
    assert_true(delivery_configure(f.d, &f.config));
    line(&f);
    call_to(&f, ENDPOINT_EVENT, 0, "", "2"); /* index 0 is "b" now */
    assert_true(take(&f, l));
    struct batch *b = next(&f);
    assert_body(b, "[{\"n\":\"1\"}]");
    struct batch *second = next(&f);
    assert_body(second, "[{\"n\":\"2\"}]");
    assert_string_equal(batch_destination(second), "b");
    answer(&f, b, 204);
    answer(&f, second, 204);
}

/* Projects that come and go leave nothing behind. */
static void idle_groups_are_forgotten(void **state)
{
    (void)state;
    struct ledger *l = start(4, 500);
    for (int i = 0; i < 2000; i++) {
        char project[16];
        snprintf(project, sizeof project, "p-%d", i);
        line(&f);
        call_to(&f, ENDPOINT_EVENT, 0, project, "x");
        assert_true(take(&f, l));
        deliver_all();
    }
    assert_int_equal(f.input->lines[OUTCOME_DELIVERED], 2000);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(bodies_are_as_the_wire_takes_them),
        TEST(identify_arrays_hold_a_user_once),
        TEST(batches_are_closed_when_full_or_old),
        TEST(large_calls_go_alone),
        TEST(destinations_and_projects_do_not_mix),
        TEST(signals_wait_for_events),
        TEST(signals_wait_for_dead_letters),
        TEST(order_with_one_request),
        TEST(unregistered_files_wait),
        TEST(identify_calls_of_a_user_take_turns),
        TEST(a_newer_identify_stays_behind),
        TEST(identify_says_something_new),
        TEST(one_request_probes),
        TEST(retry_after_holds_the_group),
        TEST(pauses_drop_nothing),
        TEST(gzip_is_given_up),
        TEST(the_call_at_fault_is_found),
        TEST(dead_letters_settle_on_disk),
        TEST(kept_lines_are_letters_too),
        TEST(poison_that_makes_the_server_fail),
        TEST(outage_gives_nothing_up),
        TEST(too_large),
        TEST(too_large_calls_are_cut),
        TEST(all_refused),
        TEST(refusals_in_a_row),
        TEST(cancelled_is_not_settled),
        TEST(room_is_what_is_left),
        TEST(half_of_the_buffer),
        TEST(groups_take_turns),
        TEST(rate_is_limited),
        TEST(reload_keeps_what_waits),
        TEST(idle_groups_are_forgotten),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
