/* What is found in texts (cases/redact.case) and in values, and that no text takes long. */
#include "expr/redact.h"
#include "limits.h"
#include "support/cmocka_setup.h"
#include "text/utf8.h"

#include <stdio.h>
#include <stdlib.h>

static struct slice redacted(struct arena *a, struct slice text, unsigned kinds)
{
    struct slice out = {NULL, 0};
    assert_true(redact_text(a, text, kinds, &out));
    return out;
}

/* \n, \t, \\ and \xHH, in place. */
static struct slice unescaped(char *text)
{
    char *to = text;
    for (const char *at = text; *at; to++) {
        if (*at != '\\') {
            *to = *at++;
        } else if (at[1] == 'x') {
            char hex[3] = {at[2], at[3], '\0'};
            *to = (char)strtol(hex, NULL, 16);
            at += 4;
        } else {
            *to = at[1] == 'n' ? '\n' : at[1] == 't' ? '\t' : '\\';
            at += 2;
        }
    }
    return slice_of(text, (size_t)(to - text));
}

static unsigned kinds_of(char *names)
{
    unsigned kinds = 0;
    if (strcmp(names, "all") == 0)
        return REDACT_ALL;
    for (char *name = names, *comma; name; name = comma) {
        comma = strchr(name, ',');
        if (comma)
            *comma++ = '\0';
        unsigned kind = redact_kind_of_name(slice_from(name));
        if (!kind)
            fail_msg("no such kind: %s", name);
        kinds |= kind;
    }
    return kinds;
}

/* Each case gives what it says; what it gave stays as it is; and a part of a text gives the same as the whole, where
 * only blanks are around it. */
static bool run_case(struct arena *a, char *line, unsigned number)
{
    char *text = strstr(line, ": "), *expected = strstr(line, " => ");
    if (!text)
        fail_msg("redact.case:%u: no kinds", number);
    *text = '\0';
    text += 2;
    if (expected) {
        *expected = '\0';
        expected += 4;
    }
    unsigned kinds = kinds_of(line);
    struct slice in = unescaped(text), want = expected ? unescaped(expected) : in;
    struct slice out = redacted(a, in, kinds);
    bool holds = slice_equal(out, want);
    if (!holds)
        print_error("redact.case:%u: %.*s became %.*s\n", number, SLICE_FMT(in), SLICE_FMT(out));
    if (holds && !expected)
        assert_ptr_equal(out.text, in.text); /* borrowed, not copied */
    struct slice again = redacted(a, out, kinds);
    holds = holds && slice_equal(again, out);
    if (!slice_equal(again, out))
        print_error("redact.case:%u: %.*s became %.*s\n", number, SLICE_FMT(out), SLICE_FMT(again));

    char around[2048];
    int n = snprintf(around, sizeof around, "; %.*s ;", SLICE_FMT(in));
    out = redacted(a, slice_of(around, (size_t)n), kinds);
    bool alike = out.len == want.len + 4 && slice_equal(slice_of(out.text + 2, want.len), want);
    if (!alike)
        print_error("redact.case:%u: with blanks around: %.*s\n", number, SLICE_FMT(out));
    return holds && alike;
}

static void cases_hold(void **state)
{
    (void)state;
    FILE *f = fopen(TEST_DATA "/expr/cases/redact.case", "r");
    assert_non_null(f);
    struct arena a;
    arena_init(&a, MIB(1));
    char line[1024];
    unsigned number = 0, cases = 0, wrong = 0;
    while (fgets(line, sizeof line, f)) {
        number++;
        line[strcspn(line, "\n")] = '\0';
        if (line[0] == '\0' || line[0] == '#')
            continue;
        wrong += !run_case(&a, line, number);
        arena_reset(&a);
        cases++;
    }
    fclose(f);
    arena_release(&a);
    assert_int_equal(wrong, 0);
    assert_true(cases > 300);
}

static void kinds_have_names(void **state)
{
    (void)state;
    unsigned all = 0;
    for (size_t i = 0; i < REDACT_KIND_COUNT; i++) {
        unsigned kind = redact_kind_of_name(slice_from(redact_kind_name(i)));
        assert_int_equal(kind, 1u << i);
        all |= kind;
    }
    assert_int_equal(all, REDACT_ALL);
    assert_int_equal(redact_kind_of_name(SLICE("Email")), 0);
    assert_int_equal(redact_kind_of_name(SLICE("")), 0);
}

/* In every text of a value, not in its members' names; all else keeps its bytes. */
static void values_are_redacted(void **state)
{
    (void)state;
    static const struct {
        const char *in, *out;
    } cases[] = {
        {"\"joe@example.com\"", "\"<EMAIL>\""},
        {"\"a\\u0041\\/\"", "\"a\\u0041\\/\""},
        {"\"\\u006aoe@example.com\\n\"", "\"<EMAIL>\\n\""},
        {"12.50", "12.50"},
        {"null", "null"},
        {"[ ]", "[ ]"},
        {"{ \"a\" : [ 1.0 , \"\\u0041\" ] }", "{ \"a\" : [ 1.0 , \"\\u0041\" ] }"},
        {"[\"x\", [\"10.0.0.1\"], {\"ip\": \"from 10.0.0.1\\t\", \"n\": 1.10}]",
         "[\"x\", [\"<IPV4>\"], {\"ip\": \"from <IPV4>\\t\", \"n\": 1.10}]"},
        {"{\"joe@example.com\":\"joe@example.com\",\"b\":{\"joe@example.com\":{}},\"c\":[]}",
         "{\"joe@example.com\":\"<EMAIL>\",\"b\":{\"joe@example.com\":{}},\"c\":[]}"},
    };
    struct arena a;
    arena_init(&a, MIB(1));
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct value in = value_of_json(slice_from(cases[i].in)), out;
        struct buffer b;
        buffer_init_in(&b, &a);
        assert_true(redact_value(&a, &in, REDACT_ALL, &out));
        value_write(&b, &out);
        if (!slice_is(buffer_slice(&b), cases[i].out))
            fail_msg("%s became %.*s", cases[i].in, SLICE_FMT(buffer_slice(&b)));
    }
    /* A part of a document, not all of it. */
    const struct json_doc *doc;
    assert_int_equal(
        json_doc_parse(&a, SLICE("{\"x\":\"a@b.io\",\"y\":[\"c@d.io\"],\"z\":\"e@f.io\"}"), JSON_OBJECT_ONLY, &doc),
        JSON_OK);
    struct value part = value_of_token(doc, 4), out;
    assert_true(redact_value(&a, &part, REDACT_ALL, &out));
    assert_true(slice_is(out.text, "[\"<EMAIL>\"]"));
    arena_release(&a);
}

static void little_memory_is_told(void **state)
{
    (void)state;
    struct value in = value_of_json(SLICE("[\"a\\n joe@example.com\",\"10.0.0.1 and more\"]"));
    size_t failures = 0;
    for (size_t limit = 0;; limit += 16, failures++) {
        struct arena a;
        arena_init(&a, limit);
        struct value out;
        bool done = redact_value(&a, &in, REDACT_ALL, &out);
        if (done)
            assert_true(slice_is(out.text, "[\"a\\n <EMAIL>\",\"<IPV4> and more\"]"));
        arena_release(&a);
        if (done)
            break;
    }
    assert_true(failures > 5);
}

/* Half a megabyte of each beginning of something, again and again: linear, or the test's time would be over. */
static void no_text_takes_long(void **state)
{
    (void)state;
    static const char *const units[] = {
        "a",
        "1",
        "@",
        "a@",
        "a@b.",
        "://",
        "a://b:",
        "a://b@",
        "1.",
        "1.1.1.",
        ":",
        "1:",
        "::1",
        "a:b::",
        "4111 ",
        "4111-",
        "41111111",
        "123-45-",
        "+",
        "+1 ",
        "+1(",
        "(",
        "(0",
        "0",
        "06 ",
        "555-",
        "phone ",
        "phone 1",
        "DE89 ",
        "DE89",
        "sk-",
        "sk-a1",
        "eyJ.",
        "eyJaaaaaaaaaa.",
        "api_key=",
        "api_key=a1/",
        "Bearer ",
        "a1/b2.",
        "ghp_",
        "-----",
        "%40",
        "a%40b.",
        "\xc3\xa9",
        "\xc3\xa9@\xc3\xa9.",
        "\xe6\x97\xa5",
        "key is ",
        "is is ",
        "\"",
        "a.b@c.d ",
        "xoxb-",
    };
    struct arena a;
    arena_init(&a, MIB(64));
    char *text = malloc(KIB(512));
    for (size_t i = 0; i < sizeof units / sizeof *units; i++) {
        size_t n = strlen(units[i]), len = KIB(512) / n * n;
        for (size_t at = 0; at < len; at += n)
            memcpy(text + at, units[i], n);
        assert_true(utf8_is_valid(redacted(&a, slice_of(text, len), REDACT_ALL)));
        arena_reset(&a);
    }
    free(text);
    arena_release(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cases_hold),          cmocka_unit_test(kinds_have_names),
        cmocka_unit_test(values_are_redacted), cmocka_unit_test(little_memory_is_told),
        cmocka_unit_test(no_text_takes_long),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
