/* Calls against Raindrop's contract: the cases are in cases/call_check.case. */
#include "wire/call_check.h"

#include "base/buffer.h"
#include "support/cmocka_setup.h"

static const char *const kinds[] = {
    [CHECKED_EVENT] = "event ", [CHECKED_SIGNAL] = "signal ", [CHECKED_IDENTIFY] = "identify "};

static void write_problems(struct buffer *out, const char *text, enum checked_call kind, struct arena *arena)
{
    const struct json_doc *doc;
    assert_int_equal(json_doc_parse(arena, slice_from(text), JSON_ANY_VALUE, &doc), JSON_OK);
    struct call_problems problems;
    call_check(arena, doc, 0, kind, &problems);
    for (size_t i = 0; i < problems.count; i++) {
        buffer_add_text(out, "=> ");
        buffer_add(out, problems.items[i].path);
        buffer_add_text(out, ": ");
        buffer_add(out, problems.items[i].text);
        buffer_add_char(out, '\n');
    }
    assert_false(arena->failed);
}

/* Says which case differs; true if none does. */
static bool as_expected(const char *call, struct buffer *expected, struct buffer *got)
{
    buffer_add_char(expected, '\0');
    buffer_add_char(got, '\0');
    bool same = strcmp(expected->data, got->data) == 0;
    if (!same)
        print_error("%sexpected:\n%sgot:\n%s", call, expected->data, got->data);
    buffer_clear(expected);
    buffer_clear(got);
    return same;
}

/* Each case of the file gives just the problems beneath it. */
static void cases_hold(void **state)
{
    (void)state;
    FILE *f = fopen(TEST_DATA "/cases/call_check.case", "r");
    assert_non_null(f);
    struct arena arena;
    arena_init(&arena, 1 << 20);
    struct buffer expected, got;
    buffer_init(&expected, 1 << 16);
    buffer_init(&got, 1 << 16);
    char line[4096], call[4096] = "";
    size_t count = 0, failed = 0;
    while (fgets(line, sizeof line, f)) {
        if (strncmp(line, "=> ", 3) == 0) {
            buffer_add_text(&expected, line);
            continue;
        }
        for (size_t kind = 0; kind < sizeof kinds / sizeof *kinds; kind++) {
            size_t len = strlen(kinds[kind]);
            if (strncmp(line, kinds[kind], len) != 0)
                continue;
            failed += !as_expected(call, &expected, &got);
            arena_reset(&arena);
            write_problems(&got, line + len, (enum checked_call)kind, &arena);
            memcpy(call, line, sizeof call);
            count++;
        }
    }
    failed += !as_expected(call, &expected, &got);
    fclose(f);
    buffer_release(&expected);
    buffer_release(&got);
    arena_release(&arena);
    assert_int_equal(failed, 0);
    assert_true(count > 40);
}

/* Of a call with very many mistakes the first are told and the others counted. */
static void problems_are_bounded(void **state)
{
    (void)state;
    struct arena arena;
    arena_init(&arena, 1 << 20);
    struct buffer text;
    buffer_init(&text, 1 << 16);
    buffer_add_text(&text, "{\"user_id\":\"u\",\"event\":\"e\"");
    for (int i = 0; i < 1000; i++)
        buffer_printf(&text, ",\"x%d\":1", i);
    buffer_add_char(&text, '}');
    const struct json_doc *doc;
    assert_int_equal(json_doc_parse(&arena, buffer_slice(&text), JSON_ANY_VALUE, &doc), JSON_OK);
    struct call_problems problems;
    call_check(&arena, doc, 0, CHECKED_EVENT, &problems);
    assert_int_equal(problems.count, CALL_PROBLEMS_MOST);
    assert_int_equal(problems.count + problems.left_out, 1000);
    buffer_release(&text);
    arena_release(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(cases_hold), cmocka_unit_test(problems_are_bounded)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
