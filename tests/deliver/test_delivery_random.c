/* Random histories: calls of several files, kinds, destinations and projects, a server that takes, fails, refuses and
 * goes down as it likes, and a small model that knows what was promised (contract 6.2, 6.3, 6.7):
 *
 *  - every call is settled once: delivered, or a dead letter;
 *  - a position never passes a line with an unsettled call;
 *  - calls of one file, kind and group are first sent in order; with one request at a time they also arrive in order,
 * but for those that failed three times;
 *  - no signal is sent before the events mapped by then are settled;
 *  - of one user's identify calls one at most is in flight;
 *  - nothing is sent while Retry-After holds;
 *  - it never falls asleep with work left. */
#include "deliver/fixture.h"
#include "support/cmocka_setup.h"

enum { CALLS = 600, FILES = 3, PROJECTS = 2, DESTINATIONS = 2, GROUPS = PROJECTS * DESTINATIONS, FLIGHTS = 8 };

enum fate { TAKEN, REFUSED /* 422 */, CHOKED_ON /* 500 */ };

struct model_call {
    enum endpoint endpoint;
    unsigned file, group;
    uint64_t line;
    enum fate fate;
    uint64_t user;
    unsigned tries;    /* requests that failed with it in them */
    unsigned answered; /* … alone in them, with an answer that blames the server */
    bool sent, in_flight;
    enum call_state { OPEN, DELIVERED, DEAD } state;
};

static struct fixture f;
static struct {
    struct model_call calls[CALLS];
    size_t count;
    uint64_t lines[FILES];
    unsigned open_calls[FILES][CALLS * 4]; /* by line */
    uint64_t starts[FILES][CALLS * 4];
    uint64_t hold_until[GROUPS];
    struct batch *flights[FLIGHTS];
    unsigned flight_count;
    unsigned down; /* so many requests will find the server down */
    bool ending;   /* from now on everything is taken */
    unsigned concurrency;
    uint32_t seed;
} m;

static uint32_t chance(uint32_t below)
{
    m.seed = m.seed * 1664525 + 1013904223;
    return (uint32_t)((uint64_t)(m.seed >> 8) * below >> 24);
}

/* ---- mapping ---- */

static void map_call(unsigned file)
{
    static const char *const projects[PROJECTS] = {"", "p"};
    struct model_call *c = &m.calls[m.count];
    *c = (struct model_call){.file = file, .line = m.lines[file] - 1};
    c->endpoint = (enum endpoint)chance(ENDPOINT_COUNT);
    c->group = chance(GROUPS);
    c->fate = chance(12) ? TAKEN : chance(2) ? REFUSED : CHOKED_ON;
    char name[16];
    snprintf(name, sizeof name, "%zu", m.count);
    call_to(&f, c->endpoint, c->group / PROJECTS, projects[c->group % PROJECTS], name);
    c->user = 1 + chance(5) + 100 * c->group;
    f.calls[f.chunk.call_count - 1].user_hash = c->user;
    f.calls[f.chunk.call_count - 1].traits_hash = chance(2);
    m.open_calls[file][c->line]++;
    m.count++;
}

/* A file's position is the start of its oldest line with an unsettled call, else the end of what was taken. */
static void check_positions(void)
{
    for (unsigned i = 0; i < FILES; i++) {
        size_t oldest = 0;
        while (oldest < m.lines[i] && m.open_calls[i][oldest] == 0)
            oldest++;
        uint64_t expected = oldest < m.lines[i] ? m.starts[i][oldest] : position_offset(ledger_taken(f.files[i]));
        assert_int_equal(position_offset(ledger_committed(f.files[i])), expected);
    }
}

static void settle(size_t id, enum call_state state)
{
    struct model_call *c = &m.calls[id];
    assert_int_equal(c->state, OPEN);
    c->state = state;
    c->in_flight = false;
    assert_true(m.open_calls[c->file][c->line] > 0);
    m.open_calls[c->file][c->line]--;
}

static void map_chunk(void)
{
    unsigned file = chance(FILES);
    for (unsigned lines = 1 + chance(6); lines > 0; lines--) {
        m.starts[file][m.lines[file]++] = f.at;
        line(&f);
        unsigned calls = chance(4);
        for (unsigned i = 0; i < calls && m.count < CALLS; i++)
            map_call(file);
        if (f.lines[f.chunk.line_count - 1].calls == 0) { /* a line without calls has no entry */
            f.chunk.line_count--;
            f.chunk.outcomes[OUTCOME_UNMATCHED]++;
        }
    }
    assert_true(take(&f, f.files[file]));
}

/* ---- sending ---- */

/* The ids in a body, in order. */
static size_t ids_of(const struct batch *b, size_t ids[], size_t most)
{
    struct slice body = batch_body(b);
    size_t n = 0;
    for (const char *at; (at = body.len ? memmem(body.text, body.len, "\"n\":\"", 5) : NULL);) {
        assert_true(n < most);
        ids[n++] = strtoul(at + 5, NULL, 10);
        body = slice_from_offset(body, (size_t)(at - body.text) + 5);
    }
    assert_true(n > 0);
    return n;
}

static bool same_queue(const struct model_call *a, const struct model_call *b)
{
    return a->endpoint == b->endpoint && a->group == b->group && a->file == b->file;
}

static void check_may_be_sent(size_t id)
{
    const struct model_call *c = &m.calls[id];
    assert_int_equal(c->state, OPEN);
    assert_false(c->in_flight);
    assert_true(ledger_is_registered(f.files[c->file]));
    assert_true(f.now >= m.hold_until[c->group]);
    for (size_t i = 0; i < m.count; i++) {
        const struct model_call *o = &m.calls[i];
        if (c->endpoint == ENDPOINT_SIGNAL && o->endpoint == ENDPOINT_EVENT && o->group == c->group && i < id)
            assert_int_not_equal(o->state, OPEN);
        if (c->endpoint == ENDPOINT_IDENTIFY && o->endpoint == ENDPOINT_IDENTIFY && o->user == c->user)
            assert_false(o->in_flight);
        bool excused = c->endpoint == ENDPOINT_IDENTIFY; /* one may wait behind its own user's that failed */
        if (!c->sent && i < id && same_queue(c, o) && o->state == OPEN && !o->sent && !excused)
            fail_msg("call %zu is first sent before call %zu", id, i);
    }
}

static void send_next(void)
{
    if (m.flight_count == FLIGHTS)
        return;
    delivery_seal_due(f.d, f.now, m.ending);
    struct batch *b = delivery_next_batch(f.d, f.now);
    if (!b)
        return;
    size_t ids[CALLS], n = ids_of(b, ids, CALLS);
    for (size_t i = 0; i < n; i++) {
        check_may_be_sent(ids[i]);
        m.calls[ids[i]].sent = true;
    }
    for (size_t i = 0; i < n; i++)
        m.calls[ids[i]].in_flight = true;
    m.flights[m.flight_count++] = b;
    assert_true(m.flight_count <= m.concurrency);
}

static int status_for(const size_t ids[], size_t n)
{
    if (m.ending)
        return 204;
    if (m.down > 0) {
        m.down--;
        static const int kinds[] = {0, 503, 429, 500};
        return kinds[chance(4)];
    }
    m.down = chance(60) ? 0 : chance(30);
    if (chance(40) == 0)
        return 401;
    if (chance(40) == 0 && n > 1)
        return 413;
    bool chokes = false;
    for (size_t i = 0; i < n; i++) {
        if (m.calls[ids[i]].fate == REFUSED)
            return 422;
        chokes = chokes || m.calls[ids[i]].fate == CHOKED_ON;
    }
    return chokes ? 500 : 204;
}

/* Not where each try sends another of the calls, since all are refused. */
static void check_arrives_in_order(size_t id)
{
    if (f.config.upload.max_refused < 1000)
        return;
    for (size_t i = 0; i < id; i++) {
        const struct model_call *o = &m.calls[i];
        if (m.concurrency == 1 && same_queue(&m.calls[id], o) && o->state == OPEN && o->tries < 3 &&
            o->endpoint != ENDPOINT_IDENTIFY && o->fate == TAKEN) /* else it may be a dead letter by now */
            fail_msg("call %zu arrives before call %zu, which failed %u times", id, i, o->tries);
    }
}

static void answer_one(void)
{
    if (m.flight_count == 0)
        return;
    unsigned at = chance(m.flight_count);
    struct batch *b = m.flights[at];
    m.flights[at] = m.flights[--m.flight_count];
    size_t ids[CALLS], n = ids_of(b, ids, CALLS);
    struct post_result r = {.what = POST_ANSWERED, .status = status_for(ids, n)};
    if (r.status == 0)
        r.what = POST_NO_ANSWER;
    if ((r.status == 429 || r.status == 503) && chance(3) == 0)
        r.retry_after_ms = 1000 * (1 + chance(100));
    if (chance(50) == 0)
        r = (struct post_result){.what = POST_CANCELLED};
    bool delivered = r.what == POST_ANSWERED && r.status == 204;
    for (size_t i = 0; i < n; i++) {
        struct model_call *c = &m.calls[ids[i]];
        c->in_flight = false;
        if (delivered) {
            check_arrives_in_order(ids[i]);
            settle(ids[i], DELIVERED);
        }
        c->tries += r.what != POST_CANCELLED;
        c->answered += n == 1 && r.what == POST_ANSWERED && r.status >= 500;
        if (r.retry_after_ms && f.now + r.retry_after_ms > m.hold_until[c->group])
            m.hold_until[c->group] = f.now + r.retry_after_ms;
    }
    f.random = m.seed;
    answer_with(&f, b, &r);
}

static bool bury_one(void)
{
    struct dead_letter *letter = delivery_next_dead_letter(f.d);
    if (!letter)
        return false;
    struct buffer line_text;
    buffer_init(&line_text, 10000);
    dead_letter_write(letter, 0, &line_text);
    buffer_add(&line_text, slice_of("", 1));
    size_t id = strtoul(strstr(line_text.data, "\"call\":{\"n\":\"") + 13, NULL, 10);
    bool by_retries = strstr(line_text.data, "\"reason\":\"retries\"") != NULL;
    buffer_release(&line_text);
    struct model_call *c = &m.calls[id];
    assert_false(c->in_flight);
    if (by_retries)
        assert_in_range(c->answered, 10, 100000);
    else
        assert_int_equal(c->fate, REFUSED);
    settle(id, DEAD);
    delivery_dead_letter_done(f.d, letter);
    return true;
}

/* With nothing in flight and all files registered something must come, by itself, in bounded time. */
static void wait_for_something(void)
{
    for (size_t i = 0; i < FILES; i++) {
        if (!ledger_is_registered(f.files[i]))
            return;
    }
    if (m.flight_count > 0 || delivery_is_drained(f.d))
        return;
    uint64_t deadline = delivery_deadline(f.d, f.now);
    if (deadline == UINT64_MAX)
        fail_msg("asleep with %zu calls left", delivery_unsettled_calls(f.d));
    if (deadline > f.now)
        f.now = deadline;
}

static void run(uint32_t seed)
{
    memset(&m, 0, sizeof m);
    m.seed = seed;
    fixture_init(&f);
    m.concurrency = 1 + chance(5);
    f.config.destination_count = DESTINATIONS;
    f.config.identify_cache = 0;
    f.config.upload.concurrency = m.concurrency;
    f.config.upload.max_calls = 1 + chance(8);
    f.config.upload.max_age_ms = chance(2) * 1000;
    f.config.upload.identify_batch = chance(2);
    f.config.upload.max_refused = chance(3) ? 1000 : 2;
    f.config.upload.rate_limit = chance(4) ? 0 : 50;
    fixture_start(&f);
    for (unsigned i = 0; i < FILES; i++) {
        struct position start = {0};
        f.files[f.file_count++] = ledger_new(&start, f.input, NULL, NULL);
        if (chance(2))
            ledger_set_registered(f.files[i]);
    }
    for (unsigned step = 0; m.count < CALLS || !delivery_is_drained(f.d); step++) {
        assert_true(step < 200000);
        m.ending = m.ending || (m.count == CALLS && step > 20000);
        uint32_t action = chance(100);
        if (action < 3 && m.count < CALLS)
            map_chunk();
        else if (action < 45)
            send_next();
        else if (action < 85)
            answer_one();
        else if (action < 90)
            f.now += chance(2000);
        else if (action < 92)
            ledger_set_registered(f.files[chance(FILES)]);
        else if (!bury_one())
            wait_for_something();
        if (step % 16 == 0)
            check_positions();
    }
    for (size_t i = 0; i < m.count; i++) {
        assert_int_not_equal(m.calls[i].state, OPEN);
        if (m.calls[i].state == DELIVERED)
            assert_true(m.ending || m.calls[i].fate == TAKEN);
    }
    check_positions();
    assert_int_equal(f.input->lines_held, 0);
    fixture_stop(&f);
}

static void random_histories(void **state)
{
    (void)state;
    const char *given = getenv("SEED");
    uint32_t first = given ? (uint32_t)strtoul(given, NULL, 10) : 1;
    for (uint32_t seed = first; seed < first + (given ? 1 : 60); seed++) {
        print_message("seed %u\n", seed);
        run(seed * 7919);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(random_histories)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
