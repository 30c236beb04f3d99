/* What is JSON, what is wrong with what is not, what is mended, and where the values stand. */
#include "limits.h"
#include "support/cmocka_setup.h"
#include "json/value.h"

#include <stdlib.h>

static const struct json_doc *parse(struct arena *a, struct slice text)
{
    const struct json_doc *doc = NULL;
    enum json_fault fault = json_doc_parse(a, text, JSON_ANY_VALUE, &doc);
    if (fault != JSON_OK)
        fail_msg("%.*s: %s", SLICE_FMT(text), json_fault_text(fault));
    return doc;
}

/* Each way of being wrong has its name, and the check without tokens says the same. */
static void faults_are_told_apart(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        enum json_fault fault;
    } cases[] = {
        {"{}", JSON_OK},
        {" \t\r\n{ } \n", JSON_OK},
        {"{\"\":0}", JSON_OK},
        {"[]", JSON_NOT_OBJECT},
        {" [1] ", JSON_NOT_OBJECT},
        {"12", JSON_NOT_OBJECT},
        {"\"x\"", JSON_NOT_OBJECT},
        {"null", JSON_NOT_OBJECT},
        {"", JSON_NOT_JSON},
        {"  ", JSON_NOT_JSON},
        {"hello", JSON_NOT_JSON},
        {"\xef\xbb\xbf{}", JSON_NOT_JSON}, /* a byte-order mark is the caller's business */
        {"{} x", JSON_NOT_JSON},
        {"{}{}", JSON_NOT_JSON},
        {"{},", JSON_NOT_JSON},
        {"{\"a\" \"b\"}", JSON_NOT_JSON}, /* these jsmn takes */
        {"{\"a\":}", JSON_NOT_JSON},
        {"{\"a\",\"b\"}", JSON_NOT_JSON},
        {"{\"a\":1,}", JSON_NOT_JSON},
        {"{,}", JSON_NOT_JSON},
        {"{\"a\":tru}", JSON_NOT_JSON},
        {"{\"a\":01}", JSON_NOT_JSON},
        {"{\"a\":1.}", JSON_NOT_JSON},
        {"{\"a\":.5}", JSON_NOT_JSON},
        {"{\"a\":+1}", JSON_NOT_JSON},
        {"{\"a\":1e}", JSON_NOT_JSON},
        {"{\"a\":- 1}", JSON_NOT_JSON},
        {"{\"a\":nullx}", JSON_NOT_JSON},
        {"{1:2}", JSON_NOT_JSON},
        {"{\"a\":1]", JSON_NOT_JSON},
        {"{'a':1}", JSON_NOT_JSON},
        {"{\"a\":\"\t\"}", JSON_NOT_JSON},
        {"{\"a\":\"\\x\"}", JSON_NOT_JSON},
        {"{\"a\":\"\\u12g4\"}", JSON_NOT_JSON},
        {"{\"a\":\"\\u12\"}", JSON_NOT_JSON},
        {"{\"a\":\xff}", JSON_NOT_JSON},
        {"{\"a\"\xc2\xa0:1}", JSON_NOT_JSON},
        {"{\"a\":1}\x0c", JSON_NOT_JSON},
        {"\"cut", JSON_NOT_JSON}, /* only an object or array may go on in the next line */
        {"tru", JSON_NOT_JSON},
        {"-", JSON_NOT_JSON},
        {"{", JSON_CUT},
        {"[", JSON_CUT},
        {"{ ", JSON_CUT},
        {"{\"", JSON_CUT},
        {"{\"a", JSON_CUT},
        {"{\"a\\", JSON_CUT},
        {"{\"a\\u00", JSON_CUT},
        {"{\"a\xe2", JSON_CUT},
        {"{\"a\"", JSON_CUT},
        {"{\"a\": ", JSON_CUT},
        {"{\"a\": tr", JSON_CUT},
        {"{\"a\": -", JSON_CUT},
        {"{\"a\": 1.", JSON_CUT},
        {"{\"a\": 1e+", JSON_CUT},
        {"{\"a\": 1", JSON_CUT},
        {"{\"a\": {}", JSON_CUT},
        {"{\"a\": {},", JSON_CUT},
        {"[1,", JSON_CUT},
        {"[1,,", JSON_NOT_JSON},
        {"{\"a\":1 \"", JSON_NOT_JSON},
    };
    struct arena a;
    arena_init(&a, 1 << 20);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const struct json_doc *doc;
        enum json_fault fault = json_doc_parse(&a, slice_from(cases[i].text), JSON_OBJECT_ONLY, &doc);
        if (fault != cases[i].fault)
            fail_msg("%s: %s", cases[i].text, json_fault_text(fault));
        assert_int_equal(json_check(slice_from(cases[i].text), JSON_OBJECT_ONLY), fault);
    }
    arena_release(&a);
}

/* NUL bytes make it no JSON, wherever they stand. */
static void nul_bytes_are_refused(void **state)
{
    (void)state;
    assert_int_equal(json_check(SLICE("{\"a\":\"\0\"}"), JSON_ANY_VALUE), JSON_NOT_JSON);
    assert_int_equal(json_check(SLICE("{\"a\":1}\0"), JSON_ANY_VALUE), JSON_NOT_JSON);
    assert_int_equal(json_check(SLICE("\0{}"), JSON_ANY_VALUE), JSON_NOT_JSON);
    assert_int_equal(json_check(slice_of(NULL, 0), JSON_ANY_VALUE), JSON_NOT_JSON);
}

/* The last depth that is taken and the first that is not; a hundred thousand brackets cost no stack. */
static void depth_is_limited(void **state)
{
    (void)state;
    enum { MANY = 100000 };
    struct arena a;
    arena_init(&a, 1 << 20);
    char *text = malloc(MANY);
    memset(text, '[', MANY);
    assert_int_equal(json_check(slice_of(text, MANY), JSON_ANY_VALUE), JSON_TOO_DEEP);
    assert_int_equal(json_check(slice_of(text, LIMIT_JSON_DEPTH + 1), JSON_ANY_VALUE), JSON_TOO_DEEP);
    assert_int_equal(json_check(slice_of(text, LIMIT_JSON_DEPTH), JSON_ANY_VALUE), JSON_CUT);
    memset(text + LIMIT_JSON_DEPTH, ']', LIMIT_JSON_DEPTH);
    const struct json_doc *doc = parse(&a, slice_of(text, 2 * (size_t)LIMIT_JSON_DEPTH));
    assert_int_equal(doc->count, LIMIT_JSON_DEPTH);
    assert_int_equal(doc->tokens[LIMIT_JSON_DEPTH - 2].size, 1);

    /* Objects and arrays by turns: each bracket is matched with its own kind. */
    size_t n = 0;
    for (int i = 0; i < LIMIT_JSON_DEPTH / 2; i++, n += 6)
        memcpy(text + n, "[{\"\":0", 6);
    n--; /* without the last 0 */
    memcpy(text + n, "[]", 2);
    n += 2;
    assert_int_equal(json_check(slice_of(text, n), JSON_ANY_VALUE), JSON_NOT_JSON);
    free(text);
    arena_release(&a);
}

static void tokens_know_their_place(void **state)
{
    (void)state;
    struct arena a;
    arena_init(&a, 1 << 20);
    const struct json_doc *doc = parse(&a, SLICE(" {\"a\": [1, {\"b\":\"x\\n\"}, []], \"\":true,\"c\":{} } "));
    static const struct {
        const char *text;
        enum json_type type;
        uint32_t next, size;
        bool escaped;
    } expected[] = {
        {"{\"a\": [1, {\"b\":\"x\\n\"}, []], \"\":true,\"c\":{} }", JSON_OBJECT, 12, 3, false},
        {"a", JSON_STRING, 8, 0, false},
        {"[1, {\"b\":\"x\\n\"}, []]", JSON_ARRAY, 8, 3, false},
        {"1", JSON_NUMBER, 4, 0, false},
        {"{\"b\":\"x\\n\"}", JSON_OBJECT, 7, 1, false},
        {"b", JSON_STRING, 7, 0, false},
        {"x\\n", JSON_STRING, 7, 0, true},
        {"[]", JSON_ARRAY, 8, 0, false},
        {"", JSON_STRING, 10, 0, false},
        {"true", JSON_TRUE, 10, 0, false},
        {"c", JSON_STRING, 12, 0, false},
        {"{}", JSON_OBJECT, 12, 0, false},
    };
    assert_int_equal(doc->count, 12);
    for (uint32_t i = 0; i < doc->count; i++) {
        assert_true(slice_is(json_token_text(doc, i), expected[i].text));
        assert_int_equal(doc->tokens[i].type, expected[i].type);
        assert_int_equal(doc->tokens[i].next, expected[i].next);
        assert_int_equal(doc->tokens[i].size, expected[i].size);
        assert_int_equal(doc->tokens[i].escaped, expected[i].escaped);
    }
    assert_int_equal(json_first_child(doc, 0), 1);
    assert_int_equal(json_next_child(doc, 0, 1), 8);
    assert_int_equal(json_next_child(doc, 0, 10), 0);
    assert_int_equal(json_first_child(doc, 11), 0);
    assert_int_equal(json_next_child(doc, 2, 3), 4);
    assert_int_equal(json_next_child(doc, 2, 7), 0);
    arena_release(&a);
}

/* A root that is no object or array, blanks around it or not. */
static void scalars_are_documents(void **state)
{
    (void)state;
    static const struct {
        const char *json, *text;
        enum json_type type;
        bool escaped;
    } cases[] = {{"0", "0", JSON_NUMBER, false},           {" -1.5e3 \n", "-1.5e3", JSON_NUMBER, false},
                 {"true", "true", JSON_TRUE, false},       {"\tfalse", "false", JSON_FALSE, false},
                 {"null ", "null", JSON_NULL, false},      {"\"\"", "", JSON_STRING, false},
                 {" \" x \" ", " x ", JSON_STRING, false}, {"\"\\\"\"", "\\\"", JSON_STRING, true}};
    struct arena a;
    arena_init(&a, 1 << 20);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const struct json_doc *doc = parse(&a, slice_from(cases[i].json));
        assert_int_equal(doc->count, 1);
        assert_int_equal(doc->tokens[0].type, cases[i].type);
        assert_int_equal(doc->tokens[0].escaped, cases[i].escaped);
        assert_true(slice_is(json_token_text(doc, 0), cases[i].text));
    }
    arena_release(&a);
}

/* Contract 7: invalid UTF-8 becomes U+FFFD, one for each maximal subpart; a lone surrogate \ufffd; all else stays. */
static void strings_are_mended(void **state)
{
    (void)state;
#define R "\xef\xbf\xbd"
    static const struct {
        const char *text, *mended;
    } cases[] = {
        {"[\"\xff\"]", "[\"" R "\"]"},
        {"[\"a\xe2\x82\"]", "[\"a" R "\"]"},
        {"[\"\xe2\x82\x41\xc0\xaf\xed\xa0\x80\"]", "[\"" R "A" R R R R R "\"]"},
        {"[\"\xf0\x9f\x98\x80\xf0\x9f\x98\"]", "[\"\xf0\x9f\x98\x80" R "\"]"},
        {"[\"\xf4\x90\x80\x80\"]", "[\"" R R R R "\"]"},
        {"{\"\x80\":\"\\u00e9\"}", "{\"" R "\":\"\\u00e9\"}"},
        {"\"\xfe\"", "\"" R "\""},
        {"[\"\\ud800\"]", "[\"\\ufffd\"]"},
        {"[\"\\uDC00x\"]", "[\"\\ufffdx\"]"},
        {"[\"\\ud83d\\ude00\"]", "[\"\\ud83d\\ude00\"]"},
        {"[\"\\ud83d\\ud83d\\ude00\"]", "[\"\\ufffd\\ud83d\\ude00\"]"},
        {"[\"\\ude00\\ud83d\"]", "[\"\\ufffd\\ufffd\"]"},
        {"[\"\\ud83d\\n\"]", "[\"\\ufffd\\n\"]"},
        {"[\"\\ud83d\\u0041\"]", "[\"\\ufffd\\u0041\"]"},
        {"[\"\\\\ud800\"]", "[\"\\\\ud800\"]"}, /* no escape: a backslash and text */
        {"[\"\\\\\\ud800\\\"\"]", "[\"\\\\\\ufffd\\\"\"]"},
        {"{ \"a\" : [ \"\\ud800\xff\" , 1.50 ] }", "{ \"a\" : [ \"\\ufffd" R "\" , 1.50 ] }"},
    };
    struct arena a;
    arena_init(&a, 1 << 20);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const struct json_doc *doc = parse(&a, slice_from(cases[i].text));
        if (!slice_is(doc->text, cases[i].mended))
            fail_msg("%s became %.*s", cases[i].text, SLICE_FMT(doc->text));
        const struct json_doc *again = parse(&a, doc->text);
        assert_ptr_equal(again->text.text, doc->text.text); /* nothing left to mend */
        assert_int_equal(again->count, doc->count);
    }
    arena_release(&a);
}

/* A clean text is borrowed, not copied. */
static void clean_text_is_borrowed(void **state)
{
    (void)state;
    struct arena a;
    arena_init(&a, 1 << 20);
    struct slice text = SLICE("{\"a\":\"\xc3\xa9\\ud83d\\ude00\"}");
    assert_ptr_equal(parse(&a, text)->text.text, text.text);
    arena_release(&a);
}

/* Every way of stopping a run of plain text, at every distance from a wide step's borders. */
static void plain_runs_end_where_they_should(void **state)
{
    (void)state;
    struct arena a;
    arena_init(&a, 1 << 20);
    static const char *const stops[] = {"\x01", "\x1f", "\xff", "\\n", "\xc3\xa9", "\x7f", "\"", ""};
    for (size_t before = 0; before < 40; before++) {
        for (size_t after = 0; after < 20; after++) {
            for (size_t i = 0; i < sizeof stops / sizeof *stops; i++) {
                char text[80];
                size_t n = 0, stop_len = strlen(stops[i]);
                text[n++] = '"';
                memset(text + n, 'x', before);
                n += before;
                memcpy(text + n, stops[i], stop_len);
                n += stop_len;
                memset(text + n, 'x', after);
                n += after;
                text[n++] = '"';
                bool fine = i >= 2 && i != 6;
                char *exact = malloc(n); /* so that a read behind it is seen */
                memcpy(exact, text, n);
                enum json_fault fault = json_check(slice_of(exact, n), JSON_ANY_VALUE);
                assert_int_equal(fault, fine ? JSON_OK : JSON_NOT_JSON);
                free(exact);
            }
        }
    }
    arena_release(&a);
}

static void members_and_elements_are_found(void **state)
{
    (void)state;
    struct arena a;
    arena_init(&a, 1 << 20);
    const struct json_doc *doc = parse(
        &a,
        SLICE("{\"a\":1,\"\\u0062\":2,\"a\":{\"a\":3},\"\":4,\"\\ud83d\\ude00\":5,\"x\\u0000\":6,\"l\":[7,[8],9]}"));
    assert_true(slice_is(json_token_text(doc, json_member(doc, 0, SLICE("a"))), "{\"a\":3}")); /* the last */
    assert_true(slice_is(json_token_text(doc, json_member(doc, 0, SLICE("b"))), "2"));         /* escaped there */
    assert_true(slice_is(json_token_text(doc, json_member(doc, 0, SLICE(""))), "4"));
    assert_true(slice_is(json_token_text(doc, json_member(doc, 0, SLICE("\xf0\x9f\x98\x80"))), "5"));
    assert_true(slice_is(json_token_text(doc, json_member(doc, 0, SLICE("x\0"))), "6"));
    assert_int_equal(json_member(doc, 0, SLICE("x")), 0);
    assert_int_equal(json_member(doc, 0, SLICE("\\u0062")), 0);
    uint32_t list = json_member(doc, 0, SLICE("l"));
    assert_true(slice_is(json_token_text(doc, json_element(doc, list, 0)), "7"));
    assert_true(slice_is(json_token_text(doc, json_element(doc, list, -1)), "9"));
    assert_true(slice_is(json_token_text(doc, json_element(doc, list, 1)), "[8]"));
    assert_true(slice_is(json_token_text(doc, json_element(doc, list, -3)), "7"));
    assert_int_equal(json_element(doc, list, 3), 0);
    assert_int_equal(json_element(doc, list, -4), 0);
    assert_int_equal(json_element(doc, list, INT64_MIN), 0);
    assert_int_equal(json_element(doc, 0, 0), 0);                /* of an object */
    assert_int_equal(json_member(doc, list, SLICE("a")), 0);     /* of an array */
    assert_int_equal(json_member(doc, list + 1, SLICE("a")), 0); /* of a number */
    arena_release(&a);
}

static void escapes_are_undone(void **state)
{
    (void)state;
    struct arena a;
    arena_init(&a, 1 << 20);
    struct slice plain = SLICE("as it is");
    assert_ptr_equal(json_unescape(&a, plain).text, plain.text);
    assert_non_null(json_unescape(&a, slice_of(NULL, 0)).text);
    plain = json_unescape(&a, SLICE("\\\"\\\\\\/\\b\\f\\n\\r\\t\\u00e9\\u20AC\\uD83d\\uDe00-\\u0000."));
    assert_true(slice_equal(plain, SLICE("\"\\/\b\f\n\r\t\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80-\0.")));
    arena_release(&a);
}

/* With any ceiling below what it needs the answer is JSON_NO_MEMORY and nothing else; then it is the document. */
static void little_memory_is_told(void **state)
{
    (void)state;
    struct slice text = SLICE("{\"a\":[1,2,\"\xff\",{\"b\":null}],\"c\":\"\\ud800\"}");
    size_t failures = 0;
    for (size_t limit = 0;; limit += 16, failures++) {
        struct arena a;
        arena_init(&a, limit);
        const struct json_doc *doc = NULL;
        enum json_fault fault = json_doc_parse(&a, text, JSON_OBJECT_ONLY, &doc);
        if (fault == JSON_OK) {
            assert_int_equal(doc->count, 11);
            arena_release(&a);
            break;
        }
        assert_int_equal(fault, JSON_NO_MEMORY);
        assert_null(doc);
        assert_true(a.failed);
        arena_release(&a);
    }
    assert_true(failures > 3);
}

/* Of an array of a hundred thousand the time is linear (the test's time limit would tell). */
static void many_values_are_linear(void **state)
{
    (void)state;
    enum { MANY = 200000 };
    struct arena a;
    arena_init(&a, LIMIT_RECORD_ARENA);
    char *text = malloc(MANY * 3 + 2);
    text[0] = '[';
    for (size_t i = 0; i < MANY; i++)
        memcpy(text + 1 + 3 * i, "[],", 3);
    text[3 * MANY] = ']';
    const struct json_doc *doc = parse(&a, slice_of(text, 3 * MANY + 1));
    assert_int_equal(doc->tokens[0].size, MANY);
    assert_int_equal(doc->tokens[0].next, MANY + 1);
    free(text);
    arena_release(&a);
}

/* What a document says of its members before it has tokens is what it says with them: the last of a name, escapes
 * regarded, and what lies deeper. */
static void members_are_found_without_tokens(void **state)
{
    (void)state;
    static const char text[] =
        "{\"a\":1,\"long\":\"0123456789012345678901234567890123456789\",\"\\u0062\":[1,{\"x\":2}] ,"
        "\"o\":{\"p\":{\"q\":true}},\"a\":\"last\"}";
    struct arena a;
    struct json_doc *doc;
    arena_init(&a, MIB(16));
    assert_int_equal(json_doc_read(&a, SLICE(text), JSON_OBJECT_ONLY, &doc), JSON_OK);
    struct value root = value_of_doc(doc), v = value_member(&a, &root, SLICE("a"));
    assert_true(v.type == VALUE_STRING && slice_is(v.text, "last"));
    v = value_member(&a, &root, SLICE("b"));
    assert_true(v.type == VALUE_ARRAY && slice_is(v.text, "[1,{\"x\":2}]"));
    v = value_element(&a, &v, 1);
    v = value_member(&a, &v, SLICE("x"));
    assert_true(v.type == VALUE_NUMBER && slice_is(v.text, "2"));
    v = value_member(&a, &root, SLICE("o"));
    v = value_member(&a, &v, SLICE("p"));
    v = value_member(&a, &v, SLICE("q"));
    assert_int_equal(v.type, VALUE_TRUE);
    assert_int_equal(value_member(&a, &root, SLICE("q")).type, VALUE_NOTHING);
    assert_null(doc->tokens);

    assert_true(value_tokenise(&a, &root)); /* and now with them */
    assert_int_equal(doc->count, 19);
    v = value_member(&a, &root, SLICE("long"));
    assert_int_equal(v.text.len, 40);
    arena_release(&a);
}

/* An object of very many members is not listed, but found all the same. */
static void many_members_are_found(void **state)
{
    (void)state;
    struct arena a;
    struct buffer text;
    struct json_doc *doc;
    arena_init(&a, MIB(16));
    buffer_init(&text, MIB(1));
    for (int i = 0; i < 500; i++)
        buffer_printf(&text, "%c\"m%d\":%d", i ? ',' : '{', i, i);
    buffer_add_char(&text, '}');
    assert_int_equal(json_doc_read(&a, buffer_slice(&text), JSON_OBJECT_ONLY, &doc), JSON_OK);
    assert_null(doc->entries);
    struct value root = value_of_doc(doc), v = value_member(&a, &root, SLICE("m499"));
    assert_true(slice_is(v.text, "499"));
    buffer_release(&text);
    arena_release(&a);
}

static uint32_t random_below(uint32_t *seed, uint32_t n)
{
    *seed = *seed * 1664525 + 1013904223;
    return (*seed >> 16) % n;
}

/* Of names that are alike, repeated, escaped, or not there: the members are those that the tokens tell of. */
static void any_names_are_found(void **state)
{
    (void)state;
    static const char *const names[] = {"",    "a",       "aa",       "ab", "aba", "abba", "acca", "id",   "user_id",
                                        "msg", "\\u0061", "a\\u0062", "é",  "\\n", "time", "tame", "type", "span_id"};
    enum { NAMES = sizeof names / sizeof *names };
    uint32_t seed = 1, there = 0;
    struct arena arena;
    struct buffer text;
    arena_init(&arena, MIB(16));
    buffer_init(&text, MIB(1));
    for (int round = 0; round < 4000; round++) {
        const struct json_doc *tokens;
        struct json_doc *doc;
        uint32_t count = random_below(&seed, 20), escapes = random_below(&seed, 2);
        buffer_clear(&text);
        for (uint32_t i = 0; i < count; i++) {
            const char *name = names[random_below(&seed, NAMES)];
            if (escapes || !strchr(name, '\\'))
                buffer_printf(&text, "%s\"%s\":%u", text.len ? "," : "{", name, i);
        }
        buffer_add_text(&text, text.len ? "}" : "{}");
        assert_int_equal(json_doc_parse(&arena, buffer_slice(&text), JSON_ANY_VALUE, &tokens), JSON_OK);
        assert_int_equal(json_doc_read(&arena, buffer_slice(&text), JSON_ANY_VALUE, &doc), JSON_OK);
        for (size_t i = 0; i < NAMES; i++) {
            struct slice name = json_unescape(&arena, slice_from(names[i]));
            uint32_t token = json_member(tokens, 0, name);
            const struct json_entry *entry = json_doc_entry(doc, name);
            assert_int_equal(entry != NULL, token != 0);
            if (entry)
                assert_int_equal(entry->value, tokens->tokens[token].start);
            there += entry != NULL;
        }
        arena_reset(&arena);
    }
    assert_true(there > 10000);
    buffer_release(&text);
    arena_release(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(faults_are_told_apart),
        cmocka_unit_test(nul_bytes_are_refused),
        cmocka_unit_test(depth_is_limited),
        cmocka_unit_test(tokens_know_their_place),
        cmocka_unit_test(scalars_are_documents),
        cmocka_unit_test(strings_are_mended),
        cmocka_unit_test(clean_text_is_borrowed),
        cmocka_unit_test(plain_runs_end_where_they_should),
        cmocka_unit_test(members_and_elements_are_found),
        cmocka_unit_test(escapes_are_undone),
        cmocka_unit_test(little_memory_is_told),
        cmocka_unit_test(many_values_are_linear),
        cmocka_unit_test(members_are_found_without_tokens),
        cmocka_unit_test(many_members_are_found),
        cmocka_unit_test(any_names_are_found),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
