#include "deliver/fixture.h"

#include "limits.h"
#include "support/cmocka_setup.h"

void fixture_init(struct fixture *f)
{
    *f = (struct fixture){.now = 1000000};
    static const char *const names[] = {"raindrop", "b", "c"};
    for (size_t i = 0; i < 3; i++)
        f->destinations[i] = (struct destination){.name = names[i], .url = "http://127.0.0.1:1/v1", .write_key = "key"};
    f->rules[0].name = SLICE("first");
    f->rules[1].name = SLICE("second");
    f->config.destinations = f->destinations;
    f->config.destination_count = 1;
    f->config.rules = (struct rules){.items = f->rules, .count = 2};
    f->config.identify_cache = 100;
    f->config.upload = (struct upload_settings){
        .max_calls = 500,
        .max_bytes = KIB(900),
        .max_age_ms = 1000,
        .concurrency = 4,
        .buffer = MIB(16),
        .retry_initial_ms = 500,
        .retry_max_ms = 30000,
        .max_refused = 100,
    };
    f->random = UINT32_MAX;
}

static void begin_chunk(struct fixture *f)
{
    struct buffer text = f->chunk.text;
    buffer_clear(&text);
    f->chunk = (struct chunk){.text = text, .calls = f->calls, .lines = f->lines, .notes = f->notes};
}

void fixture_start(struct fixture *f)
{
    f->metrics = metrics_new();
    f->input = metrics_input(f->metrics, "input-1");
    f->d = delivery_new(&f->config, f->metrics, NULL);
    assert_non_null(f->d);
    buffer_init(&f->chunk.text, MIB(64));
    begin_chunk(f);
}

void fixture_stop(struct fixture *f)
{
    if (delivery_is_drained(f->d))
        assert_int_equal(f->metrics->buffer_bytes, 0);
    for (size_t i = 0; i < f->file_count; i++)
        ledger_disown(f->files[i]);
    delivery_free(f->d);
    metrics_free(f->metrics);
    buffer_release(&f->chunk.text);
}

static void on_moved(void *context)
{
    struct fixture *f = context;
    f->moved++;
}

struct ledger *fixture_file(struct fixture *f, const char *path)
{
    struct position start = {0};
    struct ledger *l = ledger_new(&start, f->input, on_moved, f);
    assert_non_null(l);
    assert_true(ledger_set_path(l, slice_from(path)));
    ledger_set_registered(l);
    f->files[f->file_count++] = l;
    return l;
}

/* ---- chunks ---- */

static uint32_t last_line(const struct fixture *f)
{
    return (uint32_t)f->chunk.line_count - 1;
}

void line(struct fixture *f)
{
    assert_true(f->chunk.line_count < FIXTURE_CALLS);
    f->lines[f->chunk.line_count++] = (struct mapped_line){.start.content.len = f->at, .offset = f->at};
    f->at += FIXTURE_LINE_BYTES;
    f->chunk.lines_read++;
    f->chunk.bytes_read += FIXTURE_LINE_BYTES;
}

static struct mapped_call *add_call(struct fixture *f, enum endpoint endpoint, struct slice text)
{
    assert_true(f->chunk.call_count < FIXTURE_CALLS);
    struct mapped_call *call = &f->calls[f->chunk.call_count++];
    *call = (struct mapped_call){
        .endpoint = endpoint, .line = last_line(f), .text_at = f->chunk.text.len, .text_len = text.len};
    buffer_add(&f->chunk.text, text);
    f->lines[last_line(f)].calls++;
    return call;
}

static struct mapped_call *named_call(struct fixture *f, enum endpoint endpoint, const char *name)
{
    char text[128];
    int n = snprintf(text, sizeof text, "{\"n\":\"%s\"}", name);
    return add_call(f, endpoint, slice_of(text, (size_t)n));
}

void event(struct fixture *f, const char *name)
{
    named_call(f, ENDPOINT_EVENT, name);
}

void signal_call(struct fixture *f, const char *name)
{
    named_call(f, ENDPOINT_SIGNAL, name);
}

void identify(struct fixture *f, const char *name, uint64_t user, uint64_t traits)
{
    struct mapped_call *call = named_call(f, ENDPOINT_IDENTIFY, name);
    call->user_hash = user;
    call->traits_hash = traits;
}

void call_to(struct fixture *f, enum endpoint endpoint, uint32_t destination, const char *project, const char *name)
{
    struct mapped_call *call = named_call(f, endpoint, name);
    call->destination = destination;
    call->project_at = f->chunk.text.len;
    call->project_len = strlen(project);
    call->user_hash = f->at * 1000 + f->chunk.call_count; /* somebody new */
    buffer_add_text(&f->chunk.text, project);
}

void call_text(struct fixture *f, enum endpoint endpoint, struct slice text)
{
    add_call(f, endpoint, text);
}

void note(struct fixture *f, enum outcome outcome, const char *kept)
{
    f->notes[f->chunk.note_count++] = (struct map_note){
        .outcome = outcome,
        .offset = position_offset(&f->lines[last_line(f)].start),
        .rule = UINT32_MAX,
        .reason = "not JSON",
        .kept_at = f->chunk.text.len,
        .kept_len = strlen(kept),
        .line = last_line(f),
    };
    buffer_add_text(&f->chunk.text, kept);
    f->lines[last_line(f)].calls++;
    f->lines[last_line(f)].invalid = outcome == OUTCOME_INVALID;
    f->lines[last_line(f)].rejected = outcome == OUTCOME_REJECTED;
}

bool take(struct fixture *f, struct ledger *l)
{
    f->chunk.end.content.len = f->at;
    if (!delivery_take(f->d, l, &f->chunk, &f->config, f->now))
        return false;
    begin_chunk(f);
    return true;
}

void events(struct fixture *f, struct ledger *l, unsigned first, unsigned n)
{
    for (unsigned i = 0; i < n; i++) {
        char name[16];
        snprintf(name, sizeof name, "%u", first + i);
        line(f);
        event(f, name);
    }
    assert_true(take(f, l));
}

/* ---- sending ---- */

struct batch *next(struct fixture *f)
{
    delivery_seal_due(f->d, f->now, false);
    return delivery_next_batch(f->d, f->now);
}

void answer_with(struct fixture *f, struct batch *b, const struct post_result *result)
{
    delivery_answer(f->d, b, result, f->now, f->random);
}

void answer(struct fixture *f, struct batch *b, int status)
{
    struct post_result result = {.what = status ? POST_ANSWERED : POST_NO_ANSWER, .status = status};
    if (status >= 400)
        result.body = SLICE("{\"error\":\"no\"}");
    answer_with(f, b, &result);
}

void pass_time(struct fixture *f, uint64_t most)
{
    uint64_t deadline = delivery_deadline(f->d, f->now);
    assert_true(deadline <= f->now + most);
    if (deadline > f->now)
        f->now = deadline;
}

struct batch *next_in_time(struct fixture *f)
{
    struct batch *b;
    while (!(b = next(f)))
        pass_time(f, 3600000);
    return b;
}

bool body_is(const struct batch *b, const char *text)
{
    return slice_is(batch_body(b), text);
}

void check_body(const struct batch *b, const char *text, const char *file, int at_line)
{
    if (!b)
        print_error("nothing may be sent, instead of %s\n", text);
    else if (!body_is(b, text))
        print_error("%.*s instead of %s\n", SLICE_FMT(batch_body(b)), text);
    else
        return;
    _fail(file, at_line);
}

char *bury(struct fixture *f)
{
    struct buffer out;
    buffer_init(&out, MIB(16));
    struct dead_letter *letter;
    while ((letter = delivery_next_dead_letter(f->d))) {
        dead_letter_write(letter, 1764041137123, &out);
        delivery_dead_letter_done(f->d, letter);
    }
    buffer_add(&out, slice_of("", 1));
    assert_false(out.failed);
    size_t len;
    return buffer_take(&out, &len);
}
