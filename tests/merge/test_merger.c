/* What ends a record besides `until`, what becomes of it at a reload and after a restart, and that lack of memory at
 * any place loses and doubles nothing. What is made of records: tests/map/cases/merge.case. */
#include "map/mapping.h"
#include "support/cmocka_setup.h"
#include "support/failing_heap.h"

#include <stdio.h>

#define RULE(options)                                                                                                  \
    "inputs: [{name: chat, paths: [\"/logs/*.jsonl\"]}]\n"                                                             \
    "rules: [{name: m, merge: {by: $.id, append: [$.t], until: {$.end: 1}" options "},\n"                              \
    "         signal: {event_id: $.id, signal_name: $.t}}]\n"

static struct mapping m;

static void begin(const char *config)
{
    mapping_begin(&m, slice_from(config));
    mapping_set_mode(&m, MAP_FOR_RUN);
    m.calls_only = true;
}

/* The calls' names: "x:ab y:c " … */
static void show(const struct chunk *chunk, struct buffer *out)
{
    for (size_t i = 0; i < chunk->call_count; i++) {
        struct slice text = chunk_text(chunk, chunk->calls[i].text_at, chunk->calls[i].text_len);
        const char *id = strstr(text.text, "event_id\":\"") + 11, *name = strstr(text.text, "signal_name\":\"") + 14;
        buffer_printf(out, "%.*s:%.*s ", (int)strcspn(id, "\""), id, (int)strcspn(name, "\""), name);
    }
}

static bool take(const char *lines, struct buffer *out)
{
    struct source source = {.id = m.source.id, .path = SLICE("/logs/chat.jsonl")};
    position_init(&source.at);
    mapper_take(m.mapper, &source, slice_from(lines), 0, 0, SIZE_MAX, 0, &m.chunk);
    if (m.chunk.result == CHUNK_NO_MEMORY)
        return false;
    while (!merger_take(m.merger, &m.chunk, m.config, SLICE("chat.jsonl")))
        continue;
    show(&m.chunk, out);
    merger_forget(m.merger, &m.chunk);
    return true;
}

static void take_ended(struct buffer *out)
{
    const struct config *config;
    while (merger_has_ended(m.merger)) {
        if (!merger_next(m.merger, &m.chunk, &config))
            continue; /* no memory: once more */
        show(&m.chunk, out);
        merger_forget(m.merger, &m.chunk);
    }
}

#define assert_shown(out, text) check_shown(out, text, __LINE__)
static void check_shown(struct buffer *out, const char *text, int line)
{
    buffer_add_char(out, '\0');
    if (strcmp(out->data, text) != 0) {
        fprintf(stderr, "line %d: %s\n", line, out->data);
        fail();
    }
    buffer_clear(out);
}

static bool counts(void *context, const char *input)
{
    assert_string_equal(input, "chat");
    return *(bool *)context;
}

/* The time-out is counted from the first record, and only while its input counts. */
static void time_ends_records(void **state)
{
    (void)state;
    struct buffer out;
    bool count = true;
    buffer_init(&out, 1 << 16);
    begin(RULE(", timeout: 10s"));
    assert_int_equal(merger_next_timeout(m.merger), UINT64_MAX);
    assert_true(take("{\"id\":\"x\",\"t\":\"a\"}\n", &out));
    merger_tick(m.merger, 6000, counts, &count);
    assert_true(take("{\"id\":\"x\",\"t\":\"b\"}\n{\"id\":\"y\",\"t\":\"c\"}\n", &out));
    assert_int_equal(merger_next_timeout(m.merger), 4000);
    count = false;
    merger_tick(m.merger, 3600000, counts, &count);
    count = true;
    merger_tick(m.merger, 3999, counts, &count);
    assert_false(merger_has_ended(m.merger));
    merger_tick(m.merger, 1, counts, &count);
    take_ended(&out);
    assert_shown(&out, "x:ab ");
    assert_int_equal(merger_next_timeout(m.merger), 6000);
    assert_true(take("{\"id\":\"x\",\"t\":\"z\"}\n", &out));
    merger_tick(m.merger, 6000, counts, &count);
    take_ended(&out);
    assert_shown(&out, "y:c ");
    assert_int_equal(merger_open(m.merger), 1);
    mapping_end(&m);
    buffer_release(&out);
}

/* With `timeout: 0` none ends by time. */
static void without_timeout_none_ends_by_time(void **state)
{
    (void)state;
    struct buffer out;
    bool count = true;
    buffer_init(&out, 1 << 16);
    begin(RULE(", timeout: 0s"));
    assert_true(take("{\"id\":\"x\",\"t\":\"a\"}\n", &out));
    assert_int_equal(merger_next_timeout(m.merger), UINT64_MAX);
    merger_tick(m.merger, UINT32_MAX, counts, &count);
    assert_false(merger_has_ended(m.merger));
    mapping_end(&m);
    buffer_release(&out);
}

/* Above the limit of bytes the oldest end; a record that is alone too large ends, too. */
static void bytes_end_the_oldest(void **state)
{
    (void)state;
    static char line[200000];
    struct buffer out;
    buffer_init(&out, 1 << 20);
    begin(RULE(""));
    assert_true(merger_configure(m.merger, m.config, 100000));
    for (int i = 0; i < 10; i++) {
        snprintf(line, sizeof line, "{\"id\":\"r%d\",\"t\":\"%d\",\"pad\":\"%*s\"}\n", i, i, 20000, "");
        assert_true(take(line, &out));
        assert_true(merger_bytes(m.merger) <= 100000);
    }
    assert_true(merger_open(m.merger) >= 3);
    size_t ended = 10 - merger_open(m.merger);
    char expected[100] = "";
    for (size_t i = 0; i < ended; i++)
        snprintf(expected + strlen(expected), sizeof expected - strlen(expected), "r%zu:%zu ", i, i);
    assert_shown(&out, expected);
    snprintf(line, sizeof line, "{\"id\":\"big\",\"t\":\"x\",\"pad\":\"%*s\"}\n", 150000, "");
    assert_true(take(line, &out));
    assert_int_equal(merger_open(m.merger), 0);
    assert_int_equal(merger_bytes(m.merger), 0);
    mapping_end(&m);
    buffer_release(&out);
}

/* A long record is folded as it grows: what it takes is bounded by what it holds, not by how much came. */
static void folding_bounds_a_record(void **state)
{
    (void)state;
    struct buffer out;
    buffer_init(&out, 1 << 20);
    begin(RULE(""));
    size_t most = 0;
    for (int i = 0; i < 5000; i++) {
        char line[400];
        snprintf(line, sizeof line, "{\"id\":\"x\",\"t\":\"%c\",\"same\":\"%*s\"}\n", 'a' + i % 26, 300, "");
        assert_true(take(line, &out));
        size_t parts = (size_t)(i + 1) * JOINED_PART_COST;
        if (merger_bytes(m.merger) - parts > most)
            most = merger_bytes(m.merger) - parts;
    }
    assert_true(most < 64 << 10);
    merger_end_all(m.merger);
    take_ended(&out);
    assert_int_equal(out.len, strlen("x:") + 5000 + 1);
    mapping_end(&m);
    buffer_release(&out);
}

static void stage(uint64_t number, const char *line, unsigned ended)
{
    char text[100];
    snprintf(text, sizeof text, "100000 0 0 0 0 0 1 0 0 %llu %u", (unsigned long long)number, ended);
    struct resume *resume = resume_read(slice_from(text));
    struct source source = {.id = m.source.id, .path = SLICE("/logs/chat.jsonl"), .resume = resume};
    struct buffer out;
    buffer_init(&out, 1 << 10);
    assert_non_null(resume);
    position_init(&source.at);
    mapper_take(m.mapper, &source, slice_from(line), 0, 0, SIZE_MAX, 0, &m.chunk);
    assert_int_equal(m.chunk.part_count, 1);
    assert_int_equal(m.chunk.parts[0].number, number);
    assert_true(merger_take(m.merger, &m.chunk, m.config, SLICE("chat.jsonl")));
    assert_int_equal(m.chunk.call_count, 0);
    merger_forget(m.merger, &m.chunk);
    resume_free(resume);
    buffer_release(&out);
}

/* After a restart parts are joined in the order in which they once were, whatever the order they are read in; what is
 * new comes after them, and what had ended ends where it did. */
static void recovered_parts_keep_their_order(void **state)
{
    (void)state;
    struct buffer out;
    buffer_init(&out, 1 << 16);
    begin(RULE(""));
    assert_true(merger_recover(m.merger, "chat", 8));
    stage(7, "{\"id\":\"x\",\"t\":\"d\"}\n", 0);
    stage(3, "{\"id\":\"x\",\"t\":\"a\"}\n", 0);
    stage(6, "{\"id\":\"y\",\"t\":\"2\",\"end\":1}\n", 0);
    stage(4, "{\"id\":\"x\",\"t\":\"b\"}\n", MERGE_TIMEOUT);
    assert_true(take("{\"id\":\"x\",\"t\":\"e\",\"end\":1}\n", &out));
    stage(5, "{\"id\":\"y\",\"t\":\"1\"}\n", 0);
    assert_int_equal(merger_open(m.merger), 0);
    assert_true(merger_bytes(m.merger) > 0);
    assert_true(merger_recovered(m.merger, "chat"));
    take_ended(&out);
    assert_shown(&out, "x:ab y:12 x:de ");
    assert_int_equal(merger_bytes(m.merger), 0);
    assert_true(take("{\"id\":\"z\",\"t\":\"at once\",\"end\":1}\n", &out));
    assert_shown(&out, "z:at once ");
    mapping_end(&m);
    buffer_release(&out);
}

/* Under another configuration a line is taken whole. */
static void line_of_other_rules_is_taken_whole(void **state)
{
    (void)state;
    begin(RULE(""));
    struct resume *resume = resume_read(SLICE("100000 0 0 1 0 0 1 5 0 3 0"));
    struct source source = {.id = m.source.id, .path = SLICE("/logs/chat.jsonl"), .resume = resume};
    for (int same = 0; same < 2; same++) {
        resume->rules = same ? resume_hash(m.config->sha256) : 1;
        position_init(&source.at);
        mapper_take(m.mapper, &source, SLICE("{\"id\":\"x\"}\n{\"id\":\"y\"}\n"), 0, 0, SIZE_MAX, 0, &m.chunk);
        assert_int_equal(m.chunk.part_count, same ? 0 : 1); /* the part that is listed is record 5's */
        assert_int_equal(m.chunk.lines_read, 1);            /* the second line is done */
    }
    resume_free(resume);
    mapping_end(&m);
}

/* A record belongs to its first line's configuration: that one makes its calls, while records that begin later have the
 * new one; it is used until its last record is forgotten. */
static void reload_keeps_the_first_lines_rules(void **state)
{
    (void)state;
    struct buffer out;
    buffer_init(&out, 1 << 16);
    begin(RULE(""));
    struct config *old = m.config;
    struct mapper *old_mapper = m.mapper;
    assert_true(take("{\"id\":\"x\",\"t\":\"a\"}\n", &out));

    struct mapping other;
    mapping_begin(&other, SLICE("inputs: [{name: chat, paths: [\"/logs/*.jsonl\"]}]\n"
                                "rules: [{name: n, drop: true, when: {$.n: 1}},\n"
                                "        {name: m, merge: {by: $.id, until: {$.end: 1}},\n"
                                "         signal: {event_id: $.id, signal_name: \"new {{ $.t }}\"}}]\n"));
    assert_true(merger_configure(m.merger, other.config, SIZE_MAX));
    m.config = other.config;
    m.mapper = other.mapper;
    assert_true(merger_uses(m.merger, old));
    assert_true(take("{\"id\":\"y\",\"t\":\"1\"}\n{\"id\":\"y\",\"t\":\"2\",\"end\":1}\n"
                     "{\"id\":\"x\",\"t\":\"b\",\"end\":1}\n",
                     &out));
    take_ended(&out);
    assert_shown(&out, "y:new 2 x:ab ");
    assert_false(merger_uses(m.merger, old));
    assert_true(merger_uses(m.merger, other.config));
    m.config = old;
    m.mapper = old_mapper;
    mapping_end(&m);
    mapping_end(&other);
    buffer_release(&out);
}

/* Records with everything: several at once, folded, ended in all ways, with parents. */
static void take_much(struct buffer *out)
{
    static const char lines[] =
        "{\"h\":1,\"r\":[{\"id\":\"x\",\"t\":\"a\"},{\"id\":\"y\",\"t\":\"b\"},{\"id\":\"z\",\"t\":\"c\"}]}\n"
        "{\"h\":2,\"r\":[{\"id\":\"x\",\"t\":\"d\",\"end\":1},{\"id\":\"w\",\"t\":\"e\"}]}\n"
        "{\"h\":3,\"r\":[{\"id\":\"z\",\"t\":\"f\"},{\"id\":\"v\",\"t\":\"g\"}]}\n";
    while (!take(lines, out))
        continue;
    merger_end_all(m.merger);
    take_ended(out);
}

/* Each allocation fails once: what is given again gives the same. */
static void every_allocation_fails_once(void **state)
{
    (void)state;
    struct buffer out;
    bool failed = true;
    buffer_init(&out, 1 << 16);
    buffer_reserve(&out, 1 << 12);
    for (unsigned nth = 1; failed; nth++) {
        begin("inputs: [{name: chat, paths: [\"/logs/*.jsonl\"], records: \"$.r[*]\"}]\n"
              "rules: [{name: m, merge: {by: $.id, append: [$.t], until: {$.end: 1}, max_open: 3},\n"
              "         signal: {event_id: $.id, signal_name: \"{{ $.t }}{{ $parent.h }}\"}}]\n");
        failing_heap_arm(nth);
        take_much(&out);
        failed = failing_heap_disarm();
        assert_shown(&out, "x:ad1 y:b1 z:cf1 w:e2 v:g3 ");
        assert_int_equal(merger_open(m.merger), 0);
        assert_int_equal(merger_bytes(m.merger), 0);
        mapping_end(&m);
    }
    buffer_release(&out);
}

#define COSTLY                                                                                                         \
    "inputs: [{name: chat, paths: [\"/logs/*.jsonl\"], records: \"$.records[*]\"}]\n"                                  \
    "privacy: {redact: [email, credit_card], patterns: {CUSTOMER: 'C-\\d{8}'}, refuse: ['BEGIN .*KEY']}\n"             \
    "tables: {ratings: {up: POSITIVE}}\n"                                                                              \
    "rules:\n"                                                                                                         \
    "  - name: merged\n"                                                                                               \
    "    continue: true\n"                                                                                             \
    "    when: {$.id: {exists: true}}\n"                                                                               \
    "    let: {text: $.messages | last_text(\"user\")}\n"                                                              \
    "    merge: {by: $.id, as: $.kind, append: [$.t], until: {$.end: 1}}\n"                                            \
    "    event: {event: e, event_id: $.id, user_id: $parent.user, ai_data: {input: $text, output: $.a.t}}\n"           \
    "  - name: single\n"                                                                                               \
    "    when: {any: [{$.q: {matches: '^how|^what'}}, {not: {$.q: {contains: never}}}]}\n"                             \
    "    let: {body: $.body | parse_json, clean: '$.q | redact | trim'}\n"                                             \
    "    event:\n"                                                                                                     \
    "      for_each: $.messages\n"                                                                                     \
    "      event: 'chat_{{ $.kind | lower }}'\n"                                                                       \
    "      user_id: $item.user ?? $parent.user ?? \"anonymous\"\n"                                                     \
    "      timestamp: $.time\n"                                                                                        \
    "      ai_data: {input: '$clean | truncate(20)', output: '$item | text', convo_id: $.id}\n"                        \
    "      properties: [$body, {n: '$.n | mul(2)', hash: $.q | sha256, all: '$.messages[*].role | join(\",\")'}]\n"    \
    "      attachments: [{for_each: $.files, type: text, value: $item, role: input}]\n"                                \
    "    signal: {event_id: x, signal_name: s, sentiment: $.rating | lookup(ratings)}\n"                               \
    "    identify: {user_id: $parent.user, traits: {mail: $.mail | mask(4)}}\n"

enum { RECORD_LINES = 40 };

static void add_costly_lines(struct buffer *out, unsigned lines)
{
    for (unsigned i = 0; i < lines; i++)
        buffer_printf(out,
                      "{\"user\":\"u%u\",\"records\":[{\"id\":\"k%u\",\"kind\":\"a\",\"t\":\"part %u \",\"end\":%u,"
                      "\"q\":\"how is jane.doe@example.com, card 4111 1111 1111 1111, C-12345678?\",\"n\":%u,"
                      "\"time\":\"2026-01-01T00:00:00Z\",\"body\":\"{\\\"k\\\":[1,2]}\",\"rating\":\"up\","
                      "\"mail\":\"x@example.org\",\"files\":[\"one\",\"two\"],"
                      "\"messages\":[{\"role\":\"user\",\"content\":\"hi\"},{\"role\":\"assistant\",\"content\":"
                      "[{\"type\":\"text\",\"text\":\"ho\"}]}]},{\"kind\":\"B\",\"q\":\"what\",\"messages\":[]}]}\n",
                      i % 7, i / RECORD_LINES, i, i % RECORD_LINES == RECORD_LINES - 1, i);
}

/* What a block of lines costs in allocations, once the buffers are as large as it needs. */
static unsigned allocations_of(struct slice block, bool merge)
{
    struct source source = {.id = m.source.id, .path = SLICE("/logs/chat.jsonl")};
    position_init(&source.at);
    failing_heap_disarm();
    mapper_take(m.mapper, &source, block, 0, 0, SIZE_MAX, 0, &m.chunk);
    unsigned count = failing_heap_allocations();
    assert_int_equal(m.chunk.result, CHUNK_ALL_TAKEN);
    assert_true(m.chunk.part_count > 0 && m.chunk.call_count > m.chunk.part_count);
    failing_heap_disarm();
    assert_true(merger_take(m.merger, &m.chunk, m.config, SLICE("chat.jsonl")));
    if (merge)
        count = failing_heap_allocations();
    assert_true(m.chunk.merged_count > 0);
    merger_forget(m.merger, &m.chunk);
    return count;
}

/* Rules cost no allocation a line, whatever they do. Joining costs some for each record, and few more where it has many
 * lines. */
static void what_lines_cost_in_allocations(void **state)
{
    (void)state;
    enum { LINES = 800, RECORDS = LINES / RECORD_LINES, EACH_RECORD = 24 };
    struct buffer block;
    begin(COSTLY);
    buffer_init(&block, 1 << 22);
    add_costly_lines(&block, LINES);
    for (int i = 0; i < 2; i++)
        allocations_of(buffer_slice(&block), true);
    assert_int_equal(allocations_of(buffer_slice(&block), false), 0);
    unsigned merging = allocations_of(buffer_slice(&block), true);
    if (merging > RECORDS * EACH_RECORD)
        fail_msg("%u allocations", merging);
    buffer_release(&block);
    mapping_end(&m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(time_ends_records),
        cmocka_unit_test(without_timeout_none_ends_by_time),
        cmocka_unit_test(bytes_end_the_oldest),
        cmocka_unit_test(folding_bounds_a_record),
        cmocka_unit_test(recovered_parts_keep_their_order),
        cmocka_unit_test(line_of_other_rules_is_taken_whole),
        cmocka_unit_test(reload_keeps_the_first_lines_rules),
        cmocka_unit_test(what_lines_cost_in_allocations),
        cmocka_unit_test(every_allocation_fails_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
