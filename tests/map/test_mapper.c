/* What a mapper tells the agent about a stretch of a file, beside the calls' text. */
#include "limits.h"
#include "map/mapping.h"
#include "support/cmocka_setup.h"
#include "support/failing_heap.h"

#include <stdio.h>
#include <stdlib.h>

#define ONE_INPUT "inputs: [{name: chat, paths: [\"/logs/*.jsonl\"], max_line_bytes: 1KiB}]\n"
#define SIGNALS ONE_INPUT "rules: [{name: r, when: {$.s: {exists: true}}, signal: {event_id: e, signal_name: $.s}}]\n"

/* A mapper as `run` uses it. */
static void begin(struct mapping *m, const char *config)
{
    mapping_begin(m, slice_from(config));
    mapping_set_mode(m, MAP_FOR_RUN);
}

static const struct chunk *take(struct mapping *m, struct slice bytes, unsigned flags, size_t budget)
{
    size_t at = (size_t)position_offset(&m->source.at);
    mapper_take(m->mapper, &m->source, slice_from_offset(bytes, at), at, flags, budget, 0, &m->chunk);
    return &m->chunk;
}

/* It takes whole lines only, says so when it has none, and goes on where it stood. */
static void takes_whole_lines(void **state)
{
    (void)state;
    struct mapping m;
    begin(&m, SIGNALS);
    const struct chunk *c = take(&m, SLICE("{\"s\":1"), 0, SIZE_MAX);
    assert_int_equal(c->result, CHUNK_NEEDS_MORE);
    assert_int_equal(c->consumed, 0);
    c = take(&m, SLICE("{\"s\":1}\n{}\n{\"s\""), 0, SIZE_MAX);
    assert_int_equal(c->result, CHUNK_ALL_TAKEN);
    assert_int_equal(c->consumed, 11);
    assert_int_equal(c->lines_read, 2);
    assert_int_equal(c->bytes_read, 11);
    assert_int_equal(c->call_count, 1);
    assert_int_equal(c->line_count, 1);
    assert_int_equal(c->lines[0].calls, 1);
    assert_int_equal(position_offset(&c->lines[0].start), 0);
    assert_int_equal(c->outcomes[OUTCOME_UNMATCHED], 1);
    assert_int_equal(c->note_count, 0);
    assert_int_equal(c->rules[0].calls[ENDPOINT_SIGNAL], 1);
    c = take(&m, SLICE("{\"s\":1}\n{}\n{\"s\":\"b\"}\n"), 0, SIZE_MAX);
    assert_int_equal(c->consumed, 10);
    assert_int_equal(position_offset(&c->lines[0].start), 11);
    assert_true(slice_is(chunk_text(c, c->calls[0].text_at, c->calls[0].text_len),
                         "{\"event_id\":\"e\",\"signal_name\":\"b\"}"));
    mapping_end(&m);
}

/* Bytes that are given piece by piece into one chunk make the chunk that they make together. */
static void goes_on_in_the_chunk(void **state)
{
    (void)state;
    struct mapping whole, m;
    struct slice bytes = SLICE("{\"s\":1}\n{}\nnone\n{\"s\":\"b\"}\n\n{\"s\":3}\n{\"t\":1}\n{\"s\":4}\n");
    for (size_t first = 0; first <= bytes.len; first++) {
        begin(&whole, SIGNALS);
        begin(&m, SIGNALS);
        const struct chunk *w = take(&whole, bytes, 0, SIZE_MAX);
        take(&m, slice_of(bytes.text, first), 0, SIZE_MAX);
        const struct chunk *c = take(&m, bytes, MAP_GO_ON, SIZE_MAX);
        assert_int_equal(c->result, CHUNK_ALL_TAKEN);
        assert_int_equal(c->consumed, w->consumed);
        assert_int_equal(c->bytes_read, w->bytes_read);
        assert_int_equal(c->lines_read, w->lines_read);
        assert_memory_equal(c->outcomes, w->outcomes, sizeof c->outcomes);
        assert_true(slice_equal(buffer_slice(&c->text), buffer_slice(&w->text)));
        assert_int_equal(c->call_count, w->call_count);
        assert_int_equal(c->line_count, w->line_count);
        assert_int_equal(c->note_count, w->note_count);
        assert_int_equal(c->rules[0].calls[ENDPOINT_SIGNAL], 4);
        for (size_t i = 0; i < c->call_count; i++) {
            assert_int_equal(c->calls[i].line, w->calls[i].line);
            assert_int_equal(c->calls[i].text_at, w->calls[i].text_at);
            assert_int_equal(position_offset(&c->lines[i].start), position_offset(&w->lines[i].start));
        }
        assert_true(position_is(&c->end, &w->end) && c->end.tail == w->end.tail);
        assert_int_equal(take(&m, bytes, MAP_GO_ON, SIZE_MAX)->lines_read, w->lines_read); /* nothing more */
        mapping_end(&m);
        mapping_end(&whole);
    }
}

/* The budget ends it behind the line that reached it. */
static void stops_when_there_are_enough_calls(void **state)
{
    (void)state;
    struct mapping m;
    struct slice bytes = SLICE("{}\n{\"s\":1}\n{\"s\":2}\n{}\n");
    begin(&m, SIGNALS);
    const struct chunk *c = take(&m, bytes, 0, 1);
    assert_int_equal(c->result, CHUNK_FULL);
    assert_int_equal(c->consumed, 11);
    c = take(&m, bytes, 0, 0); /* at least one line */
    assert_int_equal(c->result, CHUNK_FULL);
    assert_int_equal(c->consumed, 8);
    c = take(&m, bytes, 0, 0);
    assert_int_equal(c->result, CHUNK_ALL_TAKEN);
    assert_int_equal(c->consumed, 3);
    mapping_end(&m);
}

/* A last line without newline waits; where it is asked for, it is taken if it parses, or anyhow. */
static void last_line(void **state)
{
    (void)state;
    struct mapping m;
    struct slice half = SLICE("{}\n{\"s\":"), whole = SLICE("{}\n{\"s\":1}");
    begin(&m, SIGNALS);
    assert_int_equal(take(&m, half, MAP_TAKE_LAST_LINE, SIZE_MAX)->consumed, 3);
    assert_int_equal(take(&m, half, MAP_TAKE_LAST_LINE, SIZE_MAX)->result, CHUNK_NEEDS_MORE);
    assert_int_equal(take(&m, whole, 0, SIZE_MAX)->result, CHUNK_NEEDS_MORE);
    const struct chunk *c = take(&m, whole, MAP_TAKE_LAST_LINE, SIZE_MAX);
    assert_int_equal(c->result, CHUNK_ALL_TAKEN);
    assert_int_equal(c->consumed, 7);
    assert_int_equal(c->call_count, 1);
    mapping_end(&m);
    begin(&m, SIGNALS);
    c = take(&m, half, MAP_TAKE_LAST_LINE_ANYHOW, SIZE_MAX);
    assert_int_equal(c->consumed, half.len);
    assert_int_equal(c->outcomes[OUTCOME_INVALID], 1);
    mapping_end(&m);
}

/* An oversized line is counted when it is seen, and skipped over any number of reads. */
static void skips_an_oversized_line(void **state)
{
    (void)state;
    struct mapping m;
    char bytes[4000];
    memset(bytes, 'x', sizeof bytes);
    memcpy(bytes + 3990, "\n{\"s\":1}\n", 9);
    begin(&m, SIGNALS);
    assert_int_equal(take(&m, slice_of(bytes, 1024), 0, SIZE_MAX)->result, CHUNK_NEEDS_MORE);
    const struct chunk *c = take(&m, slice_of(bytes, 1025), 0, SIZE_MAX);
    assert_int_equal(c->outcomes[OUTCOME_OVERSIZED], 1);
    assert_int_equal(c->consumed, 1025);
    assert_int_equal(c->notes[0].outcome, OUTCOME_OVERSIZED);
    assert_true(m.source.skipping);
    c = take(&m, slice_of(bytes, 2000), 0, SIZE_MAX);
    assert_int_equal(c->result, CHUNK_ALL_TAKEN);
    assert_int_equal(c->lines_read, 0);
    assert_true(m.source.skipping);
    c = take(&m, slice_of(bytes, 3999), 0, SIZE_MAX);
    assert_false(m.source.skipping);
    assert_int_equal(c->lines_read, 1);
    assert_int_equal(position_offset(&c->lines[0].start), 3991);
    mapping_end(&m);
}

/* Calls say where they go; an identify's hashes tell users and traits apart, also of two destinations. */
static void calls_know_their_way(void **state)
{
    (void)state;
    struct mapping m;
    begin(&m, "destinations: {other: {write_key: k, project_id: prod}}\n" ONE_INPUT "rules:\n"
              "  - {name: a, when: {$.o: true}, to: other, identify: {user_id: $.u, traits: $.t}}\n"
              "  - {name: b, identify: {user_id: $.u, traits: $.t}}\n");
    const struct chunk *c = take(&m,
                                 SLICE("{\"u\":\"1\",\"t\":{}}\n{\"u\":1,\"t\":{}}\n{\"u\":\"2\",\"t\":{}}\n"
                                       "{\"u\":\"1\",\"t\":{ }}\n{\"o\":true,\"u\":\"1\",\"t\":{}}\n"),
                                 0, SIZE_MAX);
    assert_int_equal(c->call_count, 5);
    assert_int_equal(c->calls[0].rule, 1);
    assert_int_equal(c->calls[0].destination, 0);
    assert_int_equal(c->calls[0].project_len, 0);
    assert_int_equal(c->calls[0].line, 0);
    assert_int_equal(c->calls[4].line, 4);
    assert_int_equal(c->calls[0].user_hash, c->calls[1].user_hash);
    assert_int_equal(c->calls[0].traits_hash, c->calls[1].traits_hash);
    assert_int_not_equal(c->calls[0].user_hash, c->calls[2].user_hash);
    assert_int_not_equal(c->calls[0].traits_hash, c->calls[3].traits_hash); /* byte for byte */
    assert_int_equal(c->calls[4].destination, 1);
    assert_true(slice_is(chunk_text(c, c->calls[4].project_at, c->calls[4].project_len), "prod"));
    assert_int_not_equal(c->calls[0].user_hash, c->calls[4].user_hash);
    mapping_end(&m);
}

/* With dead_letter.lines the text of invalid and rejected lines is kept, once a line, and has to be settled like a
 * call. */
static void keeps_lines(void **state)
{
    (void)state;
    struct mapping m;
    begin(&m, "dead_letter: {lines: true}\n" ONE_INPUT "rules:\n"
              "  - name: r\n"
              "    signal: [{event_id: e, signal_name: $.s}, {event_id: $.e, signal_name: s}, {event_id: $.f, "
              "signal_name: s}]\n");
    const struct chunk *c = take(&m, SLICE("bad\n{\"s\":1}\n{}\n{\"s\":1,\"e\":1,\"f\":1}\n"), 0, SIZE_MAX);
    assert_int_equal(c->line_count, 4);
    assert_true(c->lines[0].invalid);
    assert_int_equal(c->lines[0].calls, 1);
    assert_int_equal(c->notes[0].outcome, OUTCOME_INVALID);
    assert_int_equal(c->notes[0].line, 0);
    assert_true(slice_is(chunk_text(c, c->notes[0].kept_at, c->notes[0].kept_len), "bad"));
    assert_true(c->lines[1].rejected);
    assert_int_equal(c->lines[1].calls, 2);
    assert_int_equal(c->notes[1].line, 1);
    assert_true(slice_is(chunk_text(c, c->notes[1].kept_at, c->notes[1].kept_len), "{\"s\":1}"));
    assert_int_equal(c->notes[2].kept_len, 0);
    assert_int_equal(c->notes[2].line, UINT32_MAX);
    assert_int_equal(c->lines[2].calls, 1); /* nothing but the text */
    assert_false(c->lines[3].rejected);
    assert_int_equal(c->lines[3].calls, 3);
    assert_int_equal(c->outcomes[OUTCOME_INVALID] + c->outcomes[OUTCOME_REJECTED], 0);
    mapping_end(&m);
}

/* Notes are listed up to a ceiling; above it they are counted, by their kind. */
static void notes_are_bounded(void **state)
{
    (void)state;
    enum { LINES = 3000 };
    struct mapping m;
    struct buffer bytes;
    buffer_init(&bytes, 1 << 20);
    for (int i = 0; i < LINES; i++)
        buffer_add_text(&bytes, i % 3 ? "bad\n" : "{\"s\":\"\"}\n");
    begin(&m, SIGNALS);
    const struct chunk *c = take(&m, buffer_slice(&bytes), 0, SIZE_MAX);
    uint64_t invalid = 0, rejected = 0, more = 0;
    for (size_t i = 0; i < c->note_count; i++) {
        more += c->notes[i].more;
        *(c->notes[i].outcome == OUTCOME_INVALID ? &invalid : &rejected) += 1 + c->notes[i].more;
    }
    assert_int_equal(c->note_count, LIMIT_CHUNK_NOTES);
    assert_int_equal(more, c->notes_left_out);
    assert_int_equal(invalid, LINES / 3 * 2);
    assert_int_equal(rejected, LINES / 3);
    assert_int_equal(c->outcomes[OUTCOME_REJECTED], LINES / 3);
    buffer_release(&bytes);
    mapping_end(&m);
}

/* Filters that could not take a value, and regular expressions that gave up, are counted by rule. */
static void failures_are_counted(void **state)
{
    (void)state;
    struct mapping m;
    size_t lower = 0;
    while (strcmp(filter_name(lower), "lower") != 0)
        lower++;
    begin(&m, ONE_INPUT "rules:\n"
                        "  - {name: a, when: {$.s: {matches: '^(a+)+$'}}, drop: true}\n"
                        "  - {name: b, signal: {event_id: e, signal_name: $.n | lower}}\n");
    const struct chunk *c = take(
        &m,
        SLICE("{\"n\":[]}\n{\"s\":\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab\"}\n"),
        0, SIZE_MAX);
    assert_int_equal(c->rules[1].filter_failures[lower], 1);
    assert_int_equal(c->rules[0].filter_failures[lower], 0);
    assert_int_equal(c->rules[0].match_limit_hits, 1);
    mapping_end(&m);
}

/* A line whose calls together are larger than the ceiling has the further ones rejected; the next line goes on. */
static void one_line_cannot_fill_the_memory(void **state)
{
    (void)state;
    enum { ELEMENTS = 200 };
    struct mapping m;
    struct buffer bytes;
    buffer_init(&bytes, 4 << 20);
    buffer_add_text(&bytes, "{\"text\":\"");
    for (int i = 0; i < 500000; i++)
        buffer_add_char(&bytes, 'x');
    buffer_add_text(&bytes, "\",\"list\":[0");
    for (int i = 1; i < ELEMENTS; i++)
        buffer_add_text(&bytes, ",0");
    buffer_add_text(&bytes, "]}\n{\"text\":\"y\",\"list\":[0]}\n");
    begin(&m, "inputs: [{name: chat, paths: [\"/logs/*.jsonl\"]}]\n"
              "rules: [{name: r, signal: {for_each: $.list, event_id: e, signal_name: $.text}}]\n");
    const struct chunk *c = take(&m, buffer_slice(&bytes), 0, SIZE_MAX);
    size_t rejected = 0;
    for (size_t i = 0; i < c->note_count; i++) {
        assert_string_equal(c->notes[i].reason, "too large");
        rejected += 1 + c->notes[i].more;
    }
    assert_true(c->text.len <= LIMIT_LINE_CALLS + 100);
    assert_int_equal(c->call_count - 1 + rejected, ELEMENTS);
    assert_int_equal(c->line_count, 2);
    assert_true(c->lines[0].rejected);
    assert_false(c->lines[1].rejected);
    buffer_release(&bytes);
    mapping_end(&m);
}

/* However many things records are looked for in: each one's memory is given back before the next. */
static void many_that_records_are_looked_for_in(void **state)
{
    (void)state;
    enum { MANY = 200000 };
    struct mapping m;
    struct buffer bytes;
    buffer_init(&bytes, 1 << 20);
    buffer_add_text(&bytes, "{\"a\":[{}");
    for (int i = 1; i < MANY; i++)
        buffer_add_text(&bytes, ",{}");
    buffer_add_text(&bytes, ",{\"b\":[{\"n\":1},{\"n\":2}]}],\"s\":\"e\"}\n");
    begin(&m,
          "inputs: [{name: chat, paths: [\"/logs/*.jsonl\"], records: [\"$.a[*]\", \"$.b[*]\"]}]\n"
          "rules: [{name: r, signal: {event_id: $.n, signal_name: \"{{ $parent2.s }}{{ $parent.b | length }}\"}}]\n");
    const struct chunk *c = take(&m, buffer_slice(&bytes), 0, SIZE_MAX);
    assert_int_equal(c->note_count, 0);
    assert_int_equal(c->call_count, 2);
    buffer_release(&bytes);
    mapping_end(&m);
}

/* A let is looked into in a document of its own, which takes no more memory for a small value than that needs. */
static void lets_of_many_elements(void **state)
{
    (void)state;
    enum { MANY = 90000 };
    struct mapping m;
    struct buffer bytes;
    buffer_init(&bytes, 4 << 20);
    buffer_add_text(&bytes, "{\"l\":[{\"a\":{\"b\":1},\"c\":{\"d\":2}}");
    for (int i = 1; i < MANY; i++)
        buffer_add_text(&bytes, ",{\"a\":{\"b\":1},\"c\":{\"d\":2}}");
    buffer_add_text(&bytes, "]}\n");
    begin(&m, "inputs: [{name: chat, paths: [\"/logs/*.jsonl\"], max_line_bytes: 4MiB}]\n"
              "rules:\n"
              "  - {name: r, signal: {for_each: \"$.l[*]\", let: {x: $item.a, y: $item.c}, event_id: $x.b, "
              "signal_name: $y.d}}\n");
    const struct chunk *c = take(&m, buffer_slice(&bytes), 0, SIZE_MAX);
    assert_int_equal(c->note_count, 0);
    assert_int_equal(c->call_count, MANY);
    buffer_release(&bytes);
    mapping_end(&m);
}

/* What asks for more than the ceilings allow is given up, with all that was made of that line, and is not tried again
 * for ever. */
static void a_line_that_asks_for_too_much(void **state)
{
    (void)state;
    struct mapping m;
    struct buffer bytes;
    buffer_init(&bytes, 4 << 20);
    buffer_add_text(&bytes, "{\"s\":1,\"list\":[0");
    for (int i = 1; i < 5000; i++)
        buffer_add_text(&bytes, ",0");
    buffer_add_text(&bytes, "]}\n{\"s\":1,\"list\":[0]}\n");
    begin(
        &m,
        "inputs: [{name: chat, paths: [\"/logs/*.jsonl\"]}]\n"
        "rules:\n"
        "  - {name: a, continue: true, signal: [{event_id: e, signal_name: $.s}, {event_id: e, signal_name: $.none}]}\n"
        "  - {name: b, signal: {event_id: e, signal_name: '$.list[?count($.list[?count($.list[*]) > 1]) > 1]'}}\n");
    const struct chunk *c = take(&m, buffer_slice(&bytes), 0, SIZE_MAX);
    assert_int_equal(c->result, CHUNK_ALL_TAKEN);
    assert_int_equal(c->outcomes[OUTCOME_INVALID], 1);
    assert_string_equal(c->notes[0].reason, "too complex");
    assert_int_equal(c->line_count, 1);
    assert_int_equal(c->call_count, 1); /* the next line's */
    assert_int_equal(position_offset(&c->lines[0].start), bytes.len - strlen("{\"s\":1,\"list\":[0]}\n"));
    buffer_release(&bytes);
    mapping_end(&m);
}

/* `validate: matched`: a line that no rule can match is not parsed, but for one that is plainly no object; one whose
 * text may be hidden behind an escape is. */
static void what_cannot_match_is_not_parsed(void **state)
{
    (void)state;
    static const char rules[] = "rules:\n"
                                "  - {name: a, when: {$.msg: [llm, chat]}, signal: {event_id: e, signal_name: a}}\n"
                                "  - {name: b, when: {$.x.deep: {gt: 1}}, signal: {event_id: e, signal_name: b}}\n";
    struct slice lines = SLICE("{\"msg\":\"other\"}\n{\"msg\":nonsense}\nplain llm\n{\"msg\":\"llm\"}\n"
                               "{\"msg\":\"\\u006clm\"}\n{\"x\":{\"deep\":2}}\n{\"x\":\"\\n\",}\n{\"llm\":1}\n");
    struct mapping m;
    char config[1000];
    for (int all = 0; all < 2; all++) {
        snprintf(config, sizeof config, "inputs: [{paths: [/logs/*], validate: %s}]\n%s", all ? "all" : "matched",
                 rules);
        begin(&m, config);
        const struct chunk *c = take(&m, lines, 0, SIZE_MAX);
        assert_int_equal(c->lines_read, 8);
        assert_int_equal(c->call_count, 3);
        assert_int_equal(c->outcomes[OUTCOME_INVALID], all ? 3 : 1);
        assert_int_equal(c->outcomes[OUTCOME_UNMATCHED], all ? 2 : 4);
        mapping_end(&m);
    }
}

#define RICH                                                                                                           \
    "dead_letter: {lines: true}\nraindrop: {context: true, project_id: $.project}\nprivacy: {redact: [email]}\n"       \
    "inputs: [{name: chat, paths: [\"/logs/*.jsonl\"], records: \"$.events[*]\"}]\n"                                   \
    "rules:\n"                                                                                                         \
    "  - name: r\n"                                                                                                    \
    "    sample: {rate: 0.9999, by: $.s}\n"                                                                            \
    "    let: {all: $parent.events, body: $.body | parse_json}\n"                                                      \
    "    event:\n"                                                                                                     \
    "      for_each: $.list\n"                                                                                         \
    "      event: \"{{ $item.name }} \\u00e9 {{ $body.type | upper }}\"\n"                                             \
    "      user_id: $.user\n"                                                                                          \
    "      timestamp: $.time\n"                                                                                        \
    "      ai_data: {input: $.q, output: $item}\n"                                                                     \
    "      properties: [$ | omit(\"list\"), $item, {n: $all | length}]\n"                                              \
    "      attachments: [{for_each: $item.files, type: text, value: $item, role: input}]\n"                            \
    "    identify: {user_id: $.user, traits: {list: $.list}}\n"

static struct slice rich_lines(void)
{
    return SLICE(
        "{\"events\":[{\"project\":\"p\",\"s\":1,\"body\":\"{\\\"type\\\":\\\"t\\\"}\",\"user\":\"u\",\"time\":"
        "1767225600,\"q\":\"\\ud800\\\"\",\"list\":[{\"name\":\"a\",\"files\":[\"f\",\"g\"]},{\"name\":\"b\"}]},"
        "{\"user\":\"u\"}]}\nbad\n{\"events\":[{\"user\":\"u\",\"list\":[{}]}]}\n");
}

/* Wherever memory lacks, nothing of the chunk counts and the source is as before; given again, it is all there. */
static void lack_of_memory_changes_nothing(void **state)
{
    (void)state;
    struct mapping m;
    struct buffer text;
    begin(&m, RICH);
    const struct chunk *c = take(&m, rich_lines(), 0, SIZE_MAX);
    assert_int_equal(c->result, CHUNK_ALL_TAKEN);
    size_t calls = c->call_count;
    assert_int_equal(calls, 3);
    buffer_init(&text, 1 << 20);
    buffer_add(&text, buffer_slice(&c->text));
    mapping_end(&m);
    unsigned failures = 0;
    for (bool failed = true; failed; failures++) {
        begin(&m, RICH);
        failing_heap_arm(failures + 1);
        c = take(&m, rich_lines(), 0, SIZE_MAX);
        failed = failing_heap_disarm();
        if (failed) {
            assert_int_equal(c->result, CHUNK_NO_MEMORY);
            assert_int_equal(position_offset(&m.source.at), 0);
            c = take(&m, rich_lines(), 0, SIZE_MAX);
        }
        assert_int_equal(c->result, CHUNK_ALL_TAKEN);
        assert_int_equal(c->call_count, calls);
        assert_true(slice_equal(buffer_slice(&c->text), buffer_slice(&text)));
        mapping_end(&m);
    }
    assert_in_range(failures, 5, 1000);
    buffer_release(&text);
}

/* At rest nothing is taken from the heap. */
static void no_allocation_at_rest(void **state)
{
    (void)state;
    struct mapping m;
    begin(&m, RICH);
    for (int round = 0; round < 3; round++) {
        position_init(&m.source.at);
        failing_heap_arm(0);
        assert_int_equal(take(&m, rich_lines(), 0, SIZE_MAX)->call_count, 3);
        if (round > 0)
            assert_int_equal(failing_heap_allocations(), 0);
    }
    mapping_end(&m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(takes_whole_lines),
        cmocka_unit_test(goes_on_in_the_chunk),
        cmocka_unit_test(stops_when_there_are_enough_calls),
        cmocka_unit_test(last_line),
        cmocka_unit_test(skips_an_oversized_line),
        cmocka_unit_test(calls_know_their_way),
        cmocka_unit_test(keeps_lines),
        cmocka_unit_test(notes_are_bounded),
        cmocka_unit_test(failures_are_counted),
        cmocka_unit_test(one_line_cannot_fill_the_memory),
        cmocka_unit_test(many_that_records_are_looked_for_in),
        cmocka_unit_test(lets_of_many_elements),
        cmocka_unit_test(a_line_that_asks_for_too_much),
        cmocka_unit_test(what_cannot_match_is_not_parsed),
        cmocka_unit_test(lack_of_memory_changes_nothing),
        cmocka_unit_test(no_allocation_at_rest),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
