/* Values as expressions see them, and writing them. */
#include "limits.h"
#include "support/cmocka_setup.h"
#include "json/json_writer.h"
#include "json/value.h"

#include <stdlib.h>

static struct arena arena;

static int set_up(void **state)
{
    (void)state;
    arena_init(&arena, LIMIT_RECORD_ARENA);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    arena_release(&arena);
    return 0;
}

static struct value json(const char *text)
{
    return value_of_json(slice_from(text));
}

static void assert_written(const struct value *v, const char *expected)
{
    struct buffer out;
    buffer_init(&out, 1 << 20);
    value_write(&out, v);
    assert_int_equal(out.len, strlen(expected));
    assert_memory_equal(out.data ? out.data : "", expected, out.len);
    buffer_release(&out);
}

static void assert_written_as_string(const struct value *v, const char *expected)
{
    struct buffer out;
    buffer_init(&out, 1 << 20);
    value_write_as_string(&out, &arena, v);
    assert_int_equal(out.len, strlen(expected));
    assert_memory_equal(out.data, expected, out.len);
    buffer_release(&out);
}

/* Contract 3: what passes through keeps its exact text. */
static void text_passes_exactly(void **state)
{
    (void)state;
    static const char *const texts[] = {"1.10",
                                        "-0",
                                        "123456789012345678901234567890",
                                        "1E+05",
                                        "true",
                                        "false",
                                        "null",
                                        "\"\"",
                                        "\"\\u0041\\/\xc3\xa9\"",
                                        "[ 1 ,2]",
                                        "{ \"b\":1, \"a\" : {\"x\":[]}, \"b\":2 }"};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        struct value v = json(texts[i]);
        assert_written(&v, texts[i]);
        assert_true(value_tokenise(&arena, &v));
        assert_written(&v, texts[i]);
    }
    struct value v = json(" \n{ } ");
    assert_int_equal(v.type, VALUE_OBJECT);
    assert_written(&v, "{ }");
    v = VALUE_NONE;
    assert_written(&v, "");
}

static void plain_strings_are_escaped(void **state)
{
    (void)state;
    struct value v = value_of_plain(SLICE("a\"\\/\b\f\n\r\t\x01\x1f\x7f\xc3\xa9\xf0\x9f\x98\x80"));
    assert_written(&v, "\"a\\\"\\\\/\\b\\f\\n\\r\\t\\u0001\\u001f\x7f\xc3\xa9\xf0\x9f\x98\x80\"");
    v = value_of_plain(SLICE("\0"));
    assert_written(&v, "\"\\u0000\"");
    v = value_of_plain(SLICE("ok\xff\xe2\x82ok\xed\xa0\x80"));
    assert_written(&v, "\"ok\xef\xbf\xbd\xef\xbf\xbdok\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\"");
    v = value_of_plain(slice_of(NULL, 0));
    assert_written(&v, "\"\"");
}

/* Every byte at every place of a run is written so that it reads back. */
static void any_text_reads_back(void **state)
{
    (void)state;
    struct buffer out;
    buffer_init(&out, 1 << 20);
    for (size_t place = 0; place < 40; place++) {
        for (int c = 0; c < 0x80; c++) {
            char text[40];
            memset(text, 'x', sizeof text);
            text[place] = (char)c;
            buffer_clear(&out);
            json_write_string(&out, slice_of(text, sizeof text));
            assert_int_equal(json_check(buffer_slice(&out), JSON_ANY_VALUE), JSON_OK);
            struct slice content = slice_of(out.data + 1, out.len - 2);
            assert_true(slice_equal(json_unescape(&arena, content), slice_of(text, sizeof text)));
        }
        arena_reset(&arena);
    }
    buffer_release(&out);
}

static void numbers_are_made(void **state)
{
    (void)state;
    struct value v = value_of_int(&arena, INT64_MIN);
    assert_written(&v, "-9223372036854775808");
    v = value_of_double(&arena, 2.5);
    assert_written(&v, "2.5");
    v = value_of_double(&arena, 1e15);
    assert_written(&v, "1000000000000000");
    v = value_of_double(&arena, 1e308 * 10);
    assert_false(value_is_there(&v));
    v = value_of_bool(true);
    assert_written(&v, "true");
    v = value_of_null();
    assert_true(value_is_there(&v) && value_is_null_or_nothing(&v));
}

static void members_and_elements(void **state)
{
    (void)state;
    struct value v = json("{\"a\":{\"b\":[1,\"x\\ny\",{\"c\":null}]},\"a\\u0062\":true}");
    struct value a = value_member(&arena, &v, SLICE("a")), b = value_member(&arena, &a, SLICE("b"));
    assert_non_null(v.doc); /* tokenised when looked into, once */
    struct value x = value_element(&arena, &b, -2), c = value_element(&arena, &b, 2);
    assert_true(slice_is(value_plain(&arena, &x), "x\ny"));
    assert_written(&c, "{\"c\":null}");
    c = value_member(&arena, &c, SLICE("c"));
    assert_int_equal(c.type, VALUE_NULL);
    v = value_member(&arena, &v, SLICE("ab"));
    assert_int_equal(v.type, VALUE_TRUE);
    c = value_member(&arena, &b, SLICE("a")); /* of an array */
    assert_int_equal(c.type, VALUE_NOTHING);
    c = value_element(&arena, &a, 0); /* of an object */
    assert_int_equal(c.type, VALUE_NOTHING);
    c = value_element(&arena, &b, 3);
    assert_int_equal(c.type, VALUE_NOTHING);
}

/* Contract 4.1: strings plain, all else its JSON text, nothing and null empty. */
static void text_of_values(void **state)
{
    (void)state;
    static const struct {
        const char *json, *text, *as_string;
    } cases[] = {{"\"a\\u0041\\n\"", "aA\n", "\"a\\u0041\\n\""},
                 {"1.50", "1.50", "\"1.50\""},
                 {"true", "true", "\"true\""},
                 {"null", "", "\"\""},
                 {"{\"a\":\"b\\n\"}", "{\"a\":\"b\\n\"}", "\"{\\\"a\\\":\\\"b\\\\n\\\"}\""},
                 {"[1]", "[1]", "\"[1]\""}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct value v = json(cases[i].json);
        assert_true(slice_is(value_as_text(&arena, &v), cases[i].text));
        assert_written_as_string(&v, cases[i].as_string);
    }
    struct value v = value_of_plain(SLICE("\"q\""));
    assert_true(slice_is(value_as_text(&arena, &v), "\"q\""));
    assert_written_as_string(&v, "\"\\\"q\\\"\"");
    v = VALUE_NONE;
    assert_written_as_string(&v, "\"\"");
}

static void walks_go_in_order(void **state)
{
    (void)state;
    struct value_walk walk = {.of = json("{\"a\":1,\"b\":[9],\"a\":3}")};
    static const char *const names[] = {"a", "b", "a"}, *const values[] = {"1", "[9]", "3"};
    size_t i = 0;
    for (; value_walk_next(&arena, &walk); i++) {
        assert_true(slice_is(value_plain(&arena, &walk.name), names[i]));
        assert_written(&walk.value, values[i]);
        assert_int_equal(value_walk_is_shadowed(&walk), i == 0);
    }
    assert_int_equal(i, 3);
    assert_false(value_walk_next(&arena, &walk));
    struct value_walk list = {.of = json("[1,[2,3],4]")};
    for (i = 0; value_walk_next(&arena, &list); i++) {
        assert_false(value_is_there(&list.name));
        assert_false(value_walk_is_shadowed(&list));
    }
    assert_int_equal(i, 3);
    static const char *const empty[] = {"[]", "{}", "12", "\"ab\""};
    for (i = 0; i < 4; i++) {
        struct value_walk none = {.of = json(empty[i])};
        assert_false(value_walk_next(&arena, &none));
    }
}

/* Of many members too, those that a later one replaces are known, by their plain names, and in n log n. */
static void shadows_in_large_objects(void **state)
{
    (void)state;
    enum { MANY = 50000 };
    struct buffer out;
    buffer_init(&out, MIB(8));
    buffer_add_char(&out, '{');
    for (int i = 0; i < MANY; i++)
        buffer_printf(&out, "\"n%d\":[%d],\"\\u006e%d\":{\"n1\":0},", i, i, i / 2);
    buffer_add_text(&out, "\"end\":0}");
    struct value_walk walk = {.of = value_of_json(buffer_slice(&out))};
    size_t members = 0, shadowed = 0;
    while (value_walk_next(&arena, &walk)) {
        members++;
        shadowed += value_walk_is_shadowed(&walk);
    }
    assert_int_equal(members, 2 * MANY + 1);
    /* Names: n0 to n(MANY-1) once, and the first half twice more. */
    assert_int_equal(shadowed, MANY);
    buffer_release(&out);
}

static void equality_is_json_s(void **state)
{
    (void)state;
    static const struct {
        const char *a, *b;
        bool equal;
    } cases[] = {
        {"200", "2e2", true},
        {"1.10", "1.1", true},
        {"0", "-0", true},
        {"9007199254740993", "9007199254740992", false},
        {"1", "\"1\"", false},
        {"1", "true", false},
        {"true", "true", true},
        {"true", "false", false},
        {"null", "null", true},
        {"null", "0", false},
        {"\"a\\u0062\"", "\"ab\"", true},
        {"\"\\/\"", "\"/\"", true},
        {"\"a\"", "\"A\"", false},
        {"[1,2]", "[1.0, 2]", true},
        {"[1,2]", "[2,1]", false},
        {"[1]", "[1,2]", false},
        {"[]", "{}", false},
        {"{}", "{ }", true},
        {"{\"a\":1,\"b\":2}", "{\"b\":2,\"a\":1}", true},
        {"{\"a\":1}", "{\"a\":1,\"b\":2}", false},
        {"{\"a\":1,\"b\":2}", "{\"a\":1}", false},
        {"{\"a\":1}", "{\"b\":1}", false},
        {"{\"a\":0,\"a\":1}", "{\"a\":1}", true}, /* the last of duplicates counts */
        {"{\"a\":1,\"a\":0}", "{\"a\":1}", false},
        {"{\"a\":0,\"b\":2,\"\\u0061\":1}", "{\"b\":2.0,\"a\":1,\"b\":2}", true},
        {"{\"a\":{\"x\":[1,{\"y\":2}]}}", "{\"a\":{\"x\":[1,{\"y\":2e0}]}}", true},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct value a = json(cases[i].a), b = json(cases[i].b);
        if (value_equal(&arena, &a, &b) != cases[i].equal || value_equal(&arena, &b, &a) != cases[i].equal)
            fail_msg("%s and %s", cases[i].a, cases[i].b);
        assert_true(value_equal(&arena, &a, &a));
    }
    struct value plain = value_of_plain(SLICE("a\nb")), escaped = json("\"a\\nb\""), nothing = VALUE_NONE;
    struct value null = value_of_null(), backslash = value_of_plain(SLICE("a\\nb"));
    assert_true(value_equal(&arena, &plain, &escaped));
    assert_false(value_equal(&arena, &backslash, &escaped)); /* the same bytes, in two forms */
    assert_true(value_equal(&arena, &nothing, &nothing));
    assert_false(value_equal(&arena, &nothing, &null));
}

static void order_is_of_numbers_and_texts(void **state)
{
    (void)state;
    struct value small = json("2"), large = json("1e1"), a = json("\"z\""), b = json("\"\xc3\xa9\"");
    struct value emoji = json("\"\\ud83d\\ude00\""), last_of_plane = json("\"\xef\xbf\xbd\"");
    int order = 7;
    assert_true(value_compare(&arena, &small, &large, &order) && order < 0);
    assert_true(value_compare(&arena, &a, &b, &order) && order < 0);
    assert_true(value_compare(&arena, &emoji, &last_of_plane, &order) && order > 0); /* by code point, not UTF-16 */
    assert_true(value_compare(&arena, &a, &a, &order) && order == 0);
    order = 7;
    struct value t = json("true"), list = json("[]");
    assert_false(value_compare(&arena, &small, &a, &order));
    assert_false(value_compare(&arena, &t, &t, &order));
    assert_false(value_compare(&arena, &list, &list, &order));
    assert_int_equal(order, 7);
}

/* Where memory ends, at whatever step, the answer is nothing or false and the arena says so. */
static void little_memory_is_no_crash(void **state)
{
    (void)state;
    static const char text[] = "{\"a\\n\":[1,\"x\\ny\"],\"b\":{\"c\":2,\"d\":3}}",
                      same[] = "{\"b\":{\"d\":3,\"c\":2},\"a\\u000a\":[1,\"x\\ny\"]}";
    size_t failures = 0;
    for (size_t limit = 0;; limit += 16, failures++) {
        struct arena small;
        arena_init(&small, limit);
        struct value a = json(text), b = json(same);
        struct value list = value_member(&small, &a, SLICE("a\n")), x = value_element(&small, &list, 1);
        bool equal = value_equal(&small, &a, &b);
        struct slice plain = value_plain(&small, &x);
        bool failed = small.failed;
        if (!failed) {
            assert_true(equal);
            assert_true(slice_is(plain, "x\ny"));
        } else {
            assert_true(!equal || !plain.text);
        }
        arena_release(&small);
        if (!failed)
            break;
    }
    assert_true(failures > 5);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(text_passes_exactly),       TEST(plain_strings_are_escaped),
        TEST(any_text_reads_back),       TEST(numbers_are_made),
        TEST(members_and_elements),      TEST(text_of_values),
        TEST(walks_go_in_order),         TEST(shadows_in_large_objects),
        TEST(equality_is_json_s),        TEST(order_is_of_numbers_and_texts),
        TEST(little_memory_is_no_crash),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
