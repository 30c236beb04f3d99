/* What the compliance suite does not ask: tails, keys, duplicate members, starts that are not the root, ceilings. */
#include "path_case.h"
#include "support/cmocka_setup.h"

#include <stdio.h>
#include <stdlib.h>

static int set_up(void **state)
{
    static struct path_case c;
    path_case_init(&c);
    *state = &c;
    return 0;
}

static int tear_down(void **state)
{
    path_case_release(*state);
    return 0;
}

static const struct jsonpath *compile(struct path_case *c, const char *text)
{
    const struct jsonpath *path = path_case_compile(c, slice_from(text));
    if (!path)
        fail_msg("%s: %zu: %s", text, c->error.at, c->error.text);
    return path;
}

static struct value document(struct path_case *c, const char *json)
{
    struct value root = path_case_document(c, slice_from(json));
    assert_true(value_is_there(&root));
    return root;
}

/* Checks a value against JSON text, byte for byte; NULL: nothing. */
static void assert_value(const struct value *v, const char *json)
{
    struct buffer b;
    buffer_init(&b, MIB(1));
    value_write(&b, v);
    buffer_add_char(&b, '\0');
    if (json)
        assert_string_equal(b.data, json);
    else
        assert_false(value_is_there(v));
    buffer_release(&b);
}

/* What a path gives on a document, as jsonpath_value() gives it. */
static void assert_gives(struct path_case *c, const char *path, const char *json, const char *expected)
{
    struct value root = document(c, json);
    struct value v = jsonpath_value(&c->scratch, compile(c, path), &root, &root);
    assert_false(c->scratch.failed);
    assert_value(&v, expected);
}

/* ---- Compiling --------------------------------------------------------------------------------------------------- */

/* Behind an expression's root a path ends where no segment follows; blanks are taken only before one. */
static void a_tail_takes_what_is_its_own(void **state)
{
    struct path_case *c = *state;
    const struct {
        const char *text;
        size_t used;
    } tails[] = {
        {"", 0},
        {" | lower", 0},
        {".user.id ?? $.uid", 8},
        {".a .b | text", 5},
        {".a\n\t['b']  ?? 1", 9},
        {"..a, 1", 3},
        {"[?@.a == 'x' || @.b] | first", 20},
        {".a)", 2},
        {"[0]}}", 3},
        {".*]", 2},
        {"x", 0},
    };
    for (size_t i = 0; i < sizeof tails / sizeof *tails; i++) {
        size_t used = 99;
        assert_non_null(
            jsonpath_compile(&c->programs, &c->regexes, slice_from(tails[i].text), PATH_TAIL, &used, &c->error));
        assert_int_equal(used, tails[i].used);
    }
}

/* A mistake in a tail is placed in the tail's own text; nothing is said of how far it was read. */
static void a_tail_can_be_wrong(void **state)
{
    struct path_case *c = *state;
    size_t used = 99;
    assert_null(jsonpath_compile(&c->programs, &c->regexes, SLICE(".a ."), PATH_TAIL, &used, &c->error));
    assert_int_equal(c->error.at, 4);
    assert_int_equal(used, 99);
}

static void singular_paths_are_known(void **state)
{
    struct path_case *c = *state;
    static const char *const singular[] = {"$", "$.a", "$['a'][0][-1].b", "$[ 'a' ]"};
    static const char *const others[] = {"$.*", "$..a", "$[0,1]", "$[0:1]", "$[?@]", "$.a[*]", "$['a','a']", "$..[0]"};
    for (size_t i = 0; i < sizeof singular / sizeof *singular; i++)
        assert_true(jsonpath_is_singular(compile(c, singular[i])));
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        assert_false(jsonpath_is_singular(compile(c, others[i])));
}

/* A chain of names gives the names as plain text; an index or anything wider makes it no chain. */
static void chains_give_their_names(void **state)
{
    struct path_case *c = *state;
    const struct slice *names;
    size_t count = 99;
    assert_true(jsonpath_member_chain(compile(c, "$"), &names, &count));
    assert_int_equal(count, 0);
    assert_true(jsonpath_member_chain(compile(c, "$.a['b\\u00e9\\n']['']"), &names, &count));
    assert_int_equal(count, 3);
    assert_true(slice_is(names[0], "a"));
    assert_true(slice_is(names[1], "b\xc3\xa9\n"));
    assert_int_equal(names[2].len, 0);
    static const char *const others[] = {"$.a[0]", "$.a.*", "$..a", "$['a','b']", "$[?@.a]"};
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        assert_false(jsonpath_member_chain(compile(c, others[i]), &names, &count));
}

/* The first member is named only where no other can be looked at. */
static void the_first_member_is_all_it_looks_at(void **state)
{
    struct path_case *c = *state;
    static const char *const named[] = {"$.a", "$.a..b", "$['a'][?@.x == 1]", "$.a[*].b[0]"};
    static const char *const others[] = {
        "$", "$.*", "$..a", "$[0]", "$[?@.a]", "$['a','b']", "$.a[?@.x == $.b]", "$.a[?@.b[?match(@, $.c)]]"};
    struct slice name = {NULL, 0};
    for (size_t i = 0; i < sizeof named / sizeof *named; i++) {
        assert_true(jsonpath_first_member(compile(c, named[i]), &name));
        assert_true(slice_is(name, "a"));
    }
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        assert_false(jsonpath_first_member(compile(c, others[i]), &name));
}

/* ---- Values ------------------------------------------------------------------------------------------------------ */

/* A singular path gives its node, any other an array; their texts are the document's own, to the last byte. */
static void values_keep_their_text(void **state)
{
    struct path_case *c = *state;
    static const char json[] = "{\"a\": [1.10, \"\\u00e9\\/\", null, {\"b\":  9007199254740993}]}";
    assert_gives(c, "$.a[0]", json, "1.10");
    assert_gives(c, "$.a[1]", json, "\"\\u00e9\\/\"");
    assert_gives(c, "$.a[2]", json, "null");
    assert_gives(c, "$.a[3]", json, "{\"b\":  9007199254740993}");
    assert_gives(c, "$.a[4]", json, NULL);
    assert_gives(c, "$.x.y", json, NULL);
    assert_gives(c, "$.a.b", json, NULL);
    assert_gives(c, "$.a[*]", json, "[1.10,\"\\u00e9\\/\",null,{\"b\":  9007199254740993}]");
    assert_gives(c, "$..b", json, "[9007199254740993]");
    assert_gives(c, "$.a[?@.c]", json, NULL);
    assert_gives(c, "$", "[ 1 ]", "[ 1 ]");
}

/* Numbers are compared by exact value, where doubles would be the same. */
static void numbers_are_exact(void **state)
{
    struct path_case *c = *state;
    static const char json[] = "[9007199254740992, 9007199254740993, 1e400, 1.0]";
    assert_gives(c, "$[?@ == 9007199254740993]", json, "[9007199254740993]");
    assert_gives(c, "$[?@ > 9007199254740992]", json, "[9007199254740993,1e400]");
    assert_gives(c, "$[?@ == 10e-1]", json, "[1.0]");
}

/* Texts are ordered by code point (not by UTF-16, where U+1D11E comes before U+FFFF), and escapes do not matter. */
static void texts_are_ordered_by_code_point(void **state)
{
    struct path_case *c = *state;
    static const char json[] = "[\"\\ud834\\udd1e\", \"\\uffff\", \"a\", \"\"]";
    assert_gives(c, "$[?@ > '\\uffff']", json, "[\"\\ud834\\udd1e\"]");
    assert_gives(c, "$[?@ == '\\ud834\\udd1e']", json, "[\"\\ud834\\udd1e\"]");
    assert_gives(c, "$[?@ < 'b']", json, "[\"a\",\"\"]");
}

/* Of members with the same name only the last is seen, whichever way it is looked for, also where the names are
 * written differently. */
static void the_last_duplicate_wins(void **state)
{
    struct path_case *c = *state;
    static const char json[] = "{\"a\":1,\"b\":{\"x\":7},\"\\u0061\":2,\"b\":{\"x\":8}}";
    assert_gives(c, "$.a", json, "2");
    assert_gives(c, "$['a','b']", json, "[2,{\"x\":8}]");
    assert_gives(c, "$.*", json, "[2,{\"x\":8}]");
    assert_gives(c, "$[?@ == 1]", json, NULL);
    assert_gives(c, "$..x", json, "[8]");
    assert_gives(c, "$..[?@ > 0]", json, "[2,8]");
    assert_gives(c, "$[?length($) == 2]", json, "[2,{\"x\":8}]");
    assert_gives(c, "$[?@ == $.c]", "{\"c\":{\"x\":1},\"d\":{\"x\":2,\"x\":1}}", "[{\"x\":1},{\"x\":2,\"x\":1}]");
}

/* The same in an object with many members. */
static void the_last_duplicate_wins_among_many(void **state)
{
    struct path_case *c = *state;
    struct buffer b;
    buffer_init(&b, MIB(1));
    buffer_add_char(&b, '{');
    for (int i = 0; i < 3000; i++)
        buffer_printf(&b, "%s\"k%d\":%d", i ? "," : "", i % 1000, i);
    buffer_add_char(&b, '}');
    struct value root = path_case_document(c, buffer_slice(&b));
    struct value *nodes, *keys;
    size_t count;
    assert_true(jsonpath_nodes_with_keys(&c->scratch, compile(c, "$.*"), &root, &root, &nodes, &keys, &count));
    assert_int_equal(count, 1000);
    for (size_t i = 0; i < count; i++) {
        char key[32], value[32];
        snprintf(key, sizeof key, "\"k%zu\"", i);
        snprintf(value, sizeof value, "%zu", 2000 + i);
        assert_value(&keys[i], key);
        assert_value(&nodes[i], value);
    }
    buffer_release(&b);
}

/* Each node comes with the name or index it was reached by. */
static void nodes_have_keys(void **state)
{
    struct path_case *c = *state;
    struct value root = document(c, "{\"a\":[10,[20],30],\"\\u0062\":{\"c\":40}}");
    const struct {
        const char *path, *keys;
    } cases[] = {
        {"$.a", "\"a\""},       {"$.a[-1]", "2"},      {"$.*", "\"a\" \"\\u0062\""},
        {"$.a[::-1]", "2 1 0"}, {"$.a[?@ > 10]", "2"}, {"$[?@.c]", "\"\\u0062\""},
        {"$..c", "\"c\""},      {"$..[0]", "0 0"},     {"$.a[1,'x',0]", "1 0"},
        {"$.a[9]", ""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct value *nodes, *keys;
        size_t count;
        assert_true(
            jsonpath_nodes_with_keys(&c->scratch, compile(c, cases[i].path), &root, &root, &nodes, &keys, &count));
        struct buffer b;
        buffer_init(&b, 1000);
        for (size_t k = 0; k < count; k++) {
            buffer_add_text(&b, k ? " " : "");
            value_write(&b, &keys[k]);
        }
        buffer_add_char(&b, '\0');
        assert_string_equal(b.data, cases[i].keys);
        buffer_release(&b);
    }
}

/* A root has no key, and is no node where there is nothing. */
static void the_root_is_a_node_without_a_key(void **state)
{
    struct path_case *c = *state;
    struct value *nodes, *keys;
    size_t count;
    struct value seven = value_of_number(SLICE("7")), nothing = VALUE_NONE;
    const struct jsonpath *path = compile(c, "$");
    assert_true(jsonpath_nodes_with_keys(&c->scratch, path, &seven, &seven, &nodes, &keys, &count));
    assert_int_equal(count, 1);
    assert_value(&nodes[0], "7");
    assert_false(value_is_there(&keys[0]));
    assert_true(jsonpath_nodes(&c->scratch, path, &nothing, &nothing, &nodes, &count));
    assert_int_equal(count, 0);
}

/* A path may start anywhere: within a document, at a value that was not tokenised, at one that has no parts; `$` in its
 * filters stays the record, which may be one of these too. */
static void starts_are_not_the_record(void **state)
{
    struct path_case *c = *state;
    struct value record = document(c, "{\"want\":2,\"list\":[{\"n\":1},{\"n\":2}]}");
    struct value list = jsonpath_value(&c->scratch, compile(c, "$.list"), &record, &record);
    const struct jsonpath *path = compile(c, "$[?@.n == $.want].n");
    struct value found = jsonpath_value(&c->scratch, path, &list, &record);
    assert_value(&found, "[2]");

    struct value raw_list = value_of_json(SLICE("[{\"n\":3},{\"n\":2}]"));
    struct value raw_record = value_of_json(SLICE("{\"want\":3}"));
    found = jsonpath_value(&c->scratch, path, &raw_list, &raw_record);
    assert_value(&found, "[3]");

    static const char *const paths[] = {"$.a", "$[0]", "$.*", "$..*", "$[?@ == $]", "$[:]", "$..[?$.a]"};
    struct value starts[] = {value_of_number(SLICE("1")), value_of_plain(SLICE("text")), value_of_null(), VALUE_NONE};
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
        for (size_t k = 0; k < sizeof starts / sizeof *starts; k++) {
            found = jsonpath_value(&c->scratch, compile(c, paths[i]), &starts[k], &starts[k]);
            assert_false(value_is_there(&found));
        }
    }
    struct value one = value_of_number(SLICE("1"));
    found = jsonpath_value(&c->scratch, compile(c, "$.list[?@.n == $]"), &record, &one);
    assert_value(&found, "[{\"n\":1}]");
}

/* A pattern may come out of the data, and change from node to node; what is no pattern matches nothing. */
static void patterns_come_from_the_data(void **state)
{
    struct path_case *c = *state;
    static const char json[] = "{\"p\":\"a.*\",\"l\":[{\"t\":\"ab\",\"p\":\"[a-b]+\"},{\"t\":\"b\",\"p\":\"[\"},"
                               "{\"t\":\"abc\",\"p\":5},{\"t\":\"\\u0061\",\"p\":\"\\u0061\"},{\"t\":7,\"p\":\".*\"}]}";
    assert_gives(c, "$.l[?match(@.t, $.p)].t", json, "[\"ab\",\"abc\",\"\\u0061\"]");
    assert_gives(c, "$.l[?match(@.t, @.p)].t", json, "[\"ab\",\"\\u0061\"]");
    assert_gives(c, "$.l[?search(@.t, 'b')].t", json, "[\"ab\",\"b\",\"abc\"]");
    assert_gives(c, "$.l[?search(@.t, '[')].t", json, NULL);
    assert_gives(c, "$.l[?match(@.t, 5)].t", json, NULL);
    assert_gives(c, "$.l[?match(@.t, 'a|b')].t", json, "[\"b\",\"\\u0061\"]"); /* the whole text, either way */
}

/* ---- Ceilings ---------------------------------------------------------------------------------------------------- */

/* `[[[…` deep and n wide at each end. */
static struct value deep_document(struct path_case *c, size_t depth, size_t width)
{
    struct buffer b;
    buffer_init(&b, MIB(4));
    for (size_t i = 0; i < depth; i++)
        buffer_add_text(&b, "[");
    for (size_t i = 0; i < width; i++)
        buffer_add_text(&b, i ? ",0" : "0");
    for (size_t i = 0; i < depth; i++)
        buffer_add_text(&b, "]");
    struct value root = path_case_document(c, arena_copy(&c->scratch, buffer_slice(&b)));
    assert_true(value_is_there(&root));
    buffer_release(&b);
    return root;
}

static void assert_stops(struct path_case *c, const char *text, const struct value *root)
{
    const struct jsonpath *path = compile(c, text);
    struct value *nodes;
    size_t count;
    assert_false(jsonpath_nodes(&c->scratch, path, root, root, &nodes, &count));
    assert_true(c->scratch.failed);
    c->scratch.failed = false;
}

/* Segments that multiply the nodes, and filters that look at everything for everything, end at a ceiling. */
static void work_has_a_ceiling(void **state)
{
    struct path_case *c = *state;
    struct value deep = deep_document(c, 100, 100);
    assert_stops(c, "$..*..*..*..*..*", &deep);
    assert_stops(c, "$..[?$..[?$..[?$..*]]]", &deep);
    struct value wide = deep_document(c, 1, 20000);
    assert_stops(c, "$[?count($.*) == 1]", &wide);
    assert_stops(c, "$[?$[-1] == 1]", &wide);
    assert_stops(c, "$[?$ != $]", &wide);
    assert_stops(c, "$[?value($[?@ == 1]) == 1]", &wide);
}

/* A pattern that gives up on a text does not match there; one that gives up all the time ends the query. */
static void hopeless_patterns_have_a_ceiling(void **state)
{
    struct path_case *c = *state;
    struct buffer b;
    buffer_init(&b, MIB(1));
    buffer_add_text(&b, "[[\"aac\"");
    for (int i = 0; i < 150; i++)
        buffer_printf(&b, "%s\"%040d\"", i == 50 ? "],[" : ",", 0);
    buffer_add_text(&b, "]]");
    struct value root = path_case_document(c, buffer_slice(&b));
    struct value v = jsonpath_value(&c->scratch, compile(c, "$[0][?match(@, '(([0a]+)*)*[bc]')]"), &root, &root);
    assert_value(&v, "[\"aac\"]");
    assert_stops(c, "$[*][?match(@, '(([0a]+)*)*[bc]')]", &root);
    buffer_release(&b);
}

/* As many nodes as are allowed are given, one more are not. */
static void nodes_have_a_ceiling(void **state)
{
    struct path_case *c = *state;
    struct value *nodes;
    size_t count;
    struct value most = deep_document(c, 1, LIMIT_PATH_NODES / 10);
    const struct jsonpath *tenfold = compile(c, "$[*,*,*,*,*,*,*,*,*,*]");
    assert_true(jsonpath_nodes(&c->scratch, tenfold, &most, &most, &nodes, &count));
    assert_int_equal(count, LIMIT_PATH_NODES);
    assert_stops(c, "$[*,*,*,*,*,*,*,*,*,*,0]", &most);
    struct value v = jsonpath_value(&c->scratch, compile(c, "$[*,*,*,*,*,*,*,*,*,*,0]"), &most, &most);
    assert_false(value_is_there(&v));
    assert_true(c->scratch.failed);
}

/* A chain of thousands of conditions takes no stack to speak of. */
static void long_conditions_are_flat(void **state)
{
    struct path_case *c = *state;
    struct buffer b;
    buffer_init(&b, LIMIT_EXPRESSION);
    buffer_add_text(&b, "$[?@");
    while (b.len < LIMIT_EXPRESSION - 20)
        buffer_add_text(&b, b.len % 2 ? "&&@" : "||@ ");
    buffer_add_text(&b, "]");
    const struct jsonpath *path = path_case_compile(c, buffer_slice(&b));
    assert_non_null(path);
    struct value root = document(c, "[5]");
    struct value v = jsonpath_value(&c->scratch, path, &root, &root);
    assert_value(&v, "[5]");
    buffer_release(&b);
}

/* Wherever memory ends while a path is run, it gives nothing and says so; nothing leaks. */
static void memory_may_end_anywhere(void **state)
{
    struct path_case *c = *state;
    static const char json[] =
        "{\"p\":\"\\u0061.*\",\"l\":[{\"t\":\"\\u0061b\",\"v\":[1,2]},{\"t\":\"abc\",\"v\":{\"x\":1,\"y\":2}}]}";
    const struct jsonpath *path =
        compile(c, "$..[?match(@.t, $.p) && length(@.v) == 2 && @.v != $.l && count(@..*) > 1][?@ >= 'a', 'v'][*]");
    size_t failures = 0;
    for (size_t limit = 0;; limit += 16) {
        struct path_case run;
        path_case_init(&run);
        struct value start = value_of_json(SLICE(json));
        run.scratch.limit = limit;
        struct value v = jsonpath_value(&run.scratch, path, &start, &start);
        bool failed = run.scratch.failed;
        if (failed)
            assert_false(value_is_there(&v));
        else
            assert_value(&v, "[1,2,1,2]");
        path_case_release(&run);
        if (!failed)
            break;
        failures++;
    }
    assert_true(failures > 50);
}

#define WITH_CASE(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_CASE(a_tail_takes_what_is_its_own),
        WITH_CASE(a_tail_can_be_wrong),
        WITH_CASE(singular_paths_are_known),
        WITH_CASE(chains_give_their_names),
        WITH_CASE(the_first_member_is_all_it_looks_at),
        WITH_CASE(values_keep_their_text),
        WITH_CASE(numbers_are_exact),
        WITH_CASE(texts_are_ordered_by_code_point),
        WITH_CASE(the_last_duplicate_wins),
        WITH_CASE(the_last_duplicate_wins_among_many),
        WITH_CASE(nodes_have_keys),
        WITH_CASE(the_root_is_a_node_without_a_key),
        WITH_CASE(starts_are_not_the_record),
        WITH_CASE(patterns_come_from_the_data),
        WITH_CASE(work_has_a_ceiling),
        WITH_CASE(hopeless_patterns_have_a_ceiling),
        WITH_CASE(nodes_have_a_ceiling),
        WITH_CASE(long_conditions_are_flat),
        WITH_CASE(memory_may_end_anywhere),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
