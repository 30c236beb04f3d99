/* What the case files cannot say of expressions and conditions: pieces that the configuration builds, trees of
 * conditions, what an expression looks at, lets, bounds; and time zones, identifiers, hostile sizes. */
#include "base/digest.h"
#include "expr/condition.h"
#include "limits.h"
#include "support/cmocka_setup.h"
#include "time/zone.h"
#include "wire/uuid5.h"
#include "json/json_writer.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

struct fixture {
    struct arena arena;
    struct regex_list regexes;
    struct expr_names names;
    uint32_t failures[FILTER_COUNT_MAX];
    struct scope scope;
};

static void set_up(struct fixture *f)
{
    *f = (struct fixture){0};
    arena_init(&f->arena, MIB(256));
    f->names.regexes = &f->regexes;
    f->scope.arena = &f->arena;
    f->scope.filter_failures = f->failures;
}

static void tear_down(struct fixture *f)
{
    regex_free_all(&f->regexes);
    arena_release(&f->arena);
}

static struct value json(struct fixture *f, const char *text)
{
    const struct json_doc *doc;
    assert_int_equal(json_doc_parse(&f->arena, slice_from(text), JSON_ANY_VALUE, &doc), JSON_OK);
    return value_of_token(doc, 0);
}

static const struct expr *compile(struct fixture *f, const char *source)
{
    struct expr_error error;
    const struct expr *e = expr_compile(&f->arena, slice_from(source), &f->names, &error);
    if (!e)
        fail_msg("%s: %zu %s", source, error.at, error.text);
    return e;
}

static void assert_value(struct fixture *f, struct value v, const char *expected)
{
    struct buffer b;
    buffer_init_in(&b, &f->arena);
    value_write(&b, &v);
    buffer_add_char(&b, '\0');
    assert_string_equal(b.data, expected);
}

/* ---- the configuration's view ---- */

/* A string is an expression by its first two characters, else a template if it holds {{. */
static void kinds_of_strings(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        enum expr_kind kind;
    } cases[] = {
        {"$", EXPR_KIND_EXPRESSION},
        {"$.a", EXPR_KIND_EXPRESSION},
        {"$[0]", EXPR_KIND_EXPRESSION},
        {"$ | keys", EXPR_KIND_EXPRESSION},
        {"$|keys", EXPR_KIND_EXPRESSION},
        {"$?? 1", EXPR_KIND_EXPRESSION},
        {"$_x", EXPR_KIND_EXPRESSION},
        {"$item", EXPR_KIND_EXPRESSION},
        {"$Z", EXPR_KIND_EXPRESSION},
        {"$.a {{ x }}", EXPR_KIND_EXPRESSION},
        {"$5.00", EXPR_KIND_LITERAL},
        {"$$", EXPR_KIND_LITERAL},
        {"$$.a", EXPR_KIND_LITERAL},
        {"$-", EXPR_KIND_LITERAL},
        {"", EXPR_KIND_LITERAL},
        {"a $.b", EXPR_KIND_LITERAL},
        {" $.b", EXPR_KIND_LITERAL},
        {"{", EXPR_KIND_LITERAL},
        {"a {{ $.b }}", EXPR_KIND_TEMPLATE},
        {"${{ $.b }}", EXPR_KIND_TEMPLATE},
        {"$$x {{ 1 }}", EXPR_KIND_TEMPLATE},
        {"{{", EXPR_KIND_TEMPLATE},
        {"$é", EXPR_KIND_LITERAL},
        {"$\t.a", EXPR_KIND_EXPRESSION},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        if (expr_kind_of(slice_from(cases[i].text)) != cases[i].kind)
            fail_msg("%s", cases[i].text);
    assert_true(slice_is(expr_literal_text(SLICE("$$.a")), "$.a"));
    assert_true(slice_is(expr_literal_text(SLICE("$$")), "$"));
    assert_true(slice_is(expr_literal_text(SLICE("a$$")), "a$$"));
    assert_true(slice_is(expr_literal_text(SLICE("$5")), "$5"));
}

struct spans {
    char text[256];
};

static bool note_literal(void *context, size_t start, size_t end)
{
    struct spans *s = context;
    size_t len = strlen(s->text);
    snprintf(s->text + len, sizeof s->text - len, "%zu-%zu ", start, end);
    return true;
}

static bool note_part(void *context, bool is_expression, size_t start, size_t end)
{
    struct spans *s = context;
    size_t len = strlen(s->text);
    snprintf(s->text + len, sizeof s->text - len, "%s%zu-%zu ", is_expression ? "e" : "t", start, end);
    return true;
}

/* Where the environment may be put in: string literals of an expression, with their quotes; text of a template. */
static void places_for_the_environment(void **state)
{
    (void)state;
    struct spans s = {""};
    assert_true(expr_string_literals(SLICE("$.a['x\\'y'] | default(\"a\\\"b\") | null_if(\"\")"), note_literal, &s));
    assert_string_equal(s.text, "4-10 22-28 40-42 ");
    s.text[0] = '\0';
    assert_true(expr_string_literals(SLICE("$.a | default(\"open"), note_literal, &s));
    assert_string_equal(s.text, "14-19 ");
    s.text[0] = '\0';
    assert_true(expr_template_parts(SLICE("a{{ $.x }}b}}{{\"}}\"}}{{ {\"a\":{\"b\":1}} }}"), note_part, &s));
    assert_string_equal(s.text, "t0-1 e3-8 t10-13 e15-19 e23-38 ");
    s.text[0] = '\0';
    assert_true(expr_template_parts(SLICE("a{{ open"), note_part, &s));
    assert_string_equal(s.text, "t0-1 e3-8 ");
}

/* Lists and maps leave out what is nothing, keep null, and are literals where all their parts are. */
static void lists_and_maps(void **state)
{
    (void)state;
    struct fixture f;
    struct value v;
    set_up(&f);
    f.scope.record = json(&f, "{\"a\":1.10,\"n\":null}");
    const struct expr *literal = expr_of_literal(&f.arena, value_of_plain(SLICE("l\"")));
    const struct expr *items[] = {compile(&f, "$.a"), compile(&f, "$.missing"), compile(&f, "$.n"), literal};
    const struct slice names[] = {SLICE("x"), SLICE("y"), SLICE("z\""), SLICE("w")};
    const struct expr *list = expr_of_list(&f.arena, items, 4);
    const struct expr *map = expr_of_map(&f.arena, names, items, 4);
    assert_value(&f, expr_eval(list, &f.scope), "[1.10,null,\"l\\\"\"]");
    assert_value(&f, expr_eval(map, &f.scope), "{\"x\":1.10,\"z\\\"\":null,\"w\":\"l\\\"\"}");
    assert_false(expr_is_constant(list, &v));

    const struct expr *literals[] = {literal, literal};
    const struct expr *nested[] = {expr_of_list(&f.arena, literals, 2)};
    const struct expr *folded = expr_of_map(&f.arena, names, nested, 1);
    assert_true(expr_is_constant(folded, &v));
    assert_value(&f, v, "{\"x\":[\"l\\\"\",\"l\\\"\"]}");
    assert_value(&f, expr_eval(expr_of_list(&f.arena, NULL, 0), &f.scope), "[]");
    assert_value(&f, expr_eval(expr_of_map(&f.arena, NULL, NULL, 0), &f.scope), "{}");
    tear_down(&f);
}

static void what_an_expression_looks_at(void **state)
{
    (void)state;
    struct fixture f;
    const struct slice *names;
    struct value v;
    size_t count;
    set_up(&f);
    f.names.roots = EXPR_ITEM;
    assert_true(expr_member_chain(compile(&f, "$.a['b c'].d"), &names, &count));
    assert_int_equal(count, 3);
    assert_true(slice_is(names[1], "b c"));
    assert_true(expr_member_chain(compile(&f, "$"), &names, &count));
    assert_int_equal(count, 0);
    assert_false(expr_member_chain(compile(&f, "$item.a"), &names, &count));
    assert_false(expr_member_chain(compile(&f, "$.a | lower"), &names, &count));
    assert_false(expr_member_chain(compile(&f, "$.a ?? $.b"), &names, &count));
    assert_false(expr_member_chain(compile(&f, "$.a[0]"), &names, &count));

    assert_true(expr_uses_root(compile(&f, "$.a | default($.b ?? $item.c)"), SLICE("$item")));
    assert_false(expr_uses_root(compile(&f, "$.a | default($.b ?? \"$item\")"), SLICE("$item")));
    assert_true(expr_uses_root(compile(&f, "$key"), SLICE("$key")));
    assert_true(expr_uses_root(compile(&f, "$.item"), SLICE("$")));

    assert_true(expr_is_constant(compile(&f, "$env.UNSET ?? \"x\""), &v));
    assert_value(&f, v, "\"x\"");
    assert_false(expr_is_constant(compile(&f, "$.a ?? \"x\""), &v));
    tear_down(&f);
}

/* ---- running ---- */

/* A let is evaluated once a record, is nothing while it is evaluated, and not at all where it is not in force. */
static void lets_are_lazy(void **state)
{
    (void)state;
    struct fixture f;
    static const struct slice names[] = {{"a", 1}, {"b", 1}, {"c", 1}};
    struct let_slot lets[3] = {0};
    set_up(&f);
    f.names.lets = names;
    f.names.let_count = 3;
    f.scope.lets = lets;
    f.scope.let_count = 3;
    f.scope.record = json(&f, "{\"n\":\"1\"}");
    lets[0].expr = compile(&f, "$b | default(\"seen as nothing\")"); /* a and b use each other */
    lets[1].expr = compile(&f, "$a");
    assert_value(&f, expr_eval(compile(&f, "$a"), &f.scope), "\"seen as nothing\"");
    assert_int_equal(lets[0].state, LET_DONE);
    assert_value(&f, expr_eval(compile(&f, "$c"), &f.scope), "");

    lets[2].expr = compile(&f, "$.n | mul(2)"); /* refused, and counted, once */
    expr_eval(compile(&f, "$c ?? $c ?? $c"), &f.scope);
    uint32_t sum = 0;
    for (size_t i = 0; i < filter_count(); i++)
        sum += f.failures[i];
    assert_int_equal(sum, 1);
    tear_down(&f);
}

/* A long chain of lets ends in nothing rather than on the end of the stack. */
static void depth_is_bounded(void **state)
{
    (void)state;
    enum { LETS = 2000 };
    struct fixture f;
    set_up(&f);
    struct slice *names = arena_calloc(&f.arena, LETS, sizeof *names);
    struct let_slot *lets = arena_calloc(&f.arena, LETS, sizeof *lets);
    f.names.lets = names;
    f.scope.lets = lets;
    f.scope.let_count = LETS;
    f.scope.record = json(&f, "\"x\"");
    for (size_t i = 0; i < LETS; i++) {
        char source[64], name[16];
        snprintf(name, sizeof name, "l%zu", i);
        snprintf(source, sizeof source, i ? "$l%zu | replace(\"b\", $l%zu)" : "$", i - 1, i - 1);
        names[i] = slice_from(arena_strdup(&f.arena, slice_from(name)));
        lets[i].expr = compile(&f, source);
        f.names.let_count = i + 1;
    }
    assert_value(&f, expr_eval(compile(&f, "$l50"), &f.scope), "\"x\"");
    assert_value(&f, expr_eval(compile(&f, "$l1999"), &f.scope), "");
    assert_int_equal(f.scope.depth, 0);
    tear_down(&f);
}

/* Sources are bounded in length and nesting. */
static void sources_are_bounded(void **state)
{
    (void)state;
    struct fixture f;
    struct expr_error error;
    struct buffer b;
    set_up(&f);
    buffer_init(&b, MIB(1));
    for (int i = 0; i < 65; i++)
        buffer_add_text(&b, "$.a | default(");
    assert_null(expr_compile(&f.arena, buffer_slice(&b), &f.names, &error));
    assert_non_null(strstr(error.text, "too deep"));
    assert_int_equal(error.at, 64 * 14);
    buffer_clear(&b);
    while (b.len <= LIMIT_EXPRESSION)
        buffer_add_text(&b, "$.a ?? ");
    assert_null(expr_compile(&f.arena, buffer_slice(&b), &f.names, &error));
    assert_non_null(strstr(error.text, "longer"));
    buffer_release(&b);
    tear_down(&f);
}

/* ---- conditions ---- */

static struct condition leaf(struct fixture *f, const char *key, enum condition_op op, const char *literal)
{
    struct value *v = arena_calloc(&f->arena, 1, sizeof *v);
    *v = json(f, literal);
    return (struct condition){.op = op, .key = compile(f, key), .literals = v, .literal_count = 1};
}

/* All, any and not nest; `not` turns round that all of its children hold. The leaf that decided is named. */
static void conditions_nest(void **state)
{
    (void)state;
    struct fixture f;
    set_up(&f);
    f.scope.record = json(&f, "{\"a\":1,\"b\":2}");
    struct condition a1 = leaf(&f, "$.a", COND_EQ, "1"), b2 = leaf(&f, "$.b", COND_EQ, "2");
    struct condition a9 = leaf(&f, "$.a", COND_EQ, "9"), b9 = leaf(&f, "$.b", COND_EQ, "9");
    const struct condition both[] = {a1, b2}, one[] = {a1, b9}, none[] = {a9, b9};
#define TREE(o, c, n) ((struct condition){.op = (o), .children = (c), .child_count = (n)})
    struct condition t;
    assert_true(condition_holds((t = TREE(COND_ALL, both, 2), &t), &f.scope));
    assert_false(condition_holds((t = TREE(COND_ALL, one, 2), &t), &f.scope));
    assert_ptr_equal(condition_why_not(&t, &f.scope), &one[1]);
    assert_true(condition_holds((t = TREE(COND_ANY, one, 2), &t), &f.scope));
    assert_false(condition_holds((t = TREE(COND_ANY, none, 2), &t), &f.scope));
    assert_ptr_equal(condition_why_not(&t, &f.scope), &none[0]);
    assert_false(condition_holds((t = TREE(COND_NOT, both, 2), &t), &f.scope));
    assert_ptr_equal(condition_why_not(&t, &f.scope), &t);
    assert_true(condition_holds((t = TREE(COND_NOT, one, 2), &t), &f.scope));
    assert_true(condition_holds((t = TREE(COND_ALL, NULL, 0), &t), &f.scope));
    assert_false(condition_holds((t = TREE(COND_ANY, NULL, 0), &t), &f.scope));
    const struct condition inner[] = {TREE(COND_NOT, none, 2), TREE(COND_ANY, one, 2), a1};
    assert_true(condition_holds((t = TREE(COND_ALL, inner, 3), &t), &f.scope));
    assert_null(condition_why_not(&t, &f.scope));
    tear_down(&f);
}

static void assert_needs(struct fixture *f, struct condition c, const char *expected)
{
    const struct slice *texts;
    size_t count;
    struct buffer b;
    buffer_init_in(&b, &f->arena);
    if (condition_needs_text(&c, &f->arena, &texts, &count))
        for (size_t i = 0; i < count; i++) {
            buffer_add(&b, texts[i]);
            buffer_add_char(&b, '|');
        }
    buffer_add_char(&b, '\0');
    assert_string_equal(b.data, expected);
}

/* What a record must hold for a condition to hold: a value, or else the name of the member that is asked for. */
static void what_the_pre_filter_may_ask(void **state)
{
    (void)state;
    struct fixture f;
    set_up(&f);
    assert_needs(&f, leaf(&f, "$.msg", COND_EQ, "\"l\\u00e9\""), "lé|");
    assert_needs(&f, leaf(&f, "$.a.msg", COND_EQ, "5"), "msg|");
    assert_needs(&f, leaf(&f, "$.a.msg", COND_GT, "5"), "msg|");
    assert_needs(&f, leaf(&f, "$.msg", COND_EXISTS, "true"), "msg|");
    assert_needs(&f, leaf(&f, "$.msg", COND_EXISTS, "false"), "");
    assert_needs(&f, leaf(&f, "$.msg", COND_NE, "\"x\""), "");
    assert_needs(&f, leaf(&f, "$.msg | lower", COND_EQ, "\"x\""), "");
    assert_needs(&f, leaf(&f, "$.a ?? $.b", COND_EQ, "\"x\""), "");
    assert_needs(&f, leaf(&f, "$", COND_EQ, "\"x\""), "");
    struct condition one_of = leaf(&f, "$.level", COND_ONE_OF, "\"warn\"");
    struct value levels[] = {json(&f, "\"warn\""), json(&f, "\"error\"")};
    one_of.literals = levels;
    one_of.literal_count = 2;
    assert_needs(&f, one_of, "warn|error|");
    struct condition msg = leaf(&f, "$.msg", COND_EQ, "\"m\""), n = leaf(&f, "$.n", COND_GT, "1");
    const struct condition children[] = {n, one_of, msg}, with_none[] = {msg, leaf(&f, "$.x", COND_NE, "1")};
    assert_needs(&f, TREE(COND_ALL, children, 3), "m|");
    assert_needs(&f, TREE(COND_ALL, children, 1), "n|");
    assert_needs(&f, TREE(COND_ANY, children, 3), "n|warn|error|m|");
    assert_needs(&f, TREE(COND_ALL, with_none, 2), "m|");
    assert_needs(&f, TREE(COND_ANY, with_none, 2), "");
    assert_needs(&f, TREE(COND_NOT, children, 3), "");
    assert_needs(&f, TREE(COND_ALL, NULL, 0), "");
    tear_down(&f);
}

/* ---- zones and identifiers ---- */

/* A zone's file that is cut anywhere, or has a byte changed, is refused or decoded, never read beyond. */
static void damaged_zones(void **state)
{
    (void)state;
    char bytes[8192], copy[8192];
    struct arena arena;
    arena_init(&arena, MIB(16));
    FILE *f = fopen(TEST_DATA "/expr/zones/Europe-Berlin", "rb");
    assert_non_null(f);
    size_t len = fread(bytes, 1, sizeof bytes, f);
    fclose(f);
    assert_non_null(time_zone_decode(&arena, slice_of(bytes, len)));
    for (size_t n = 0; n < len; n++) {
        char *exact = malloc(n + 1); /* so that the sanitizer sees a byte too many */
        memcpy(exact, bytes, n);
        assert_null(time_zone_decode(&arena, slice_of(exact, n)));
        free(exact);
        arena_reset(&arena);
    }
    for (size_t i = 0; i < len; i++) {
        memcpy(copy, bytes, len);
        copy[i] = (char)(copy[i] ^ 0x55);
        const struct time_zone *zone = time_zone_decode(&arena, slice_of(copy, len));
        if (zone)
            for (int64_t local = -5000000000; local < 9000000000; local += 1000000000)
                time_zone_to_utc(zone, local);
        arena_reset(&arena);
    }
    assert_false(time_zone_name_is_plain(SLICE("../x")));
    assert_false(time_zone_name_is_plain(SLICE("/etc/x")));
    assert_false(time_zone_name_is_plain(SLICE("")));
    assert_true(time_zone_name_is_plain(SLICE("America/Argentina/La_Rioja")));
    arena_release(&arena);
}

/* An old file, of version 1, has 32-bit transitions and no rule. */
static void zones_of_version_1(void **state)
{
    (void)state;
    static const unsigned char file[] = {
        'T', 'Z', 'i',  'f',  0, 0, 0, 0, 0,    0,    0, 0, 0,   0,   0,   0, 0,   0,   0,   0,             /* header */
        0,   0,   0,    0,    0, 0, 0, 0, 0,    0,    0, 0, 0,   0,   0,   1, 0,   0,   0,   2, 0, 0, 0, 8, /* counts */
        0,   0,   0x0e, 0x10, 1,                                                                /* 3600: type 1 */
        0,   0,   0x0e, 0x10, 0, 0, 0, 0, 0x1c, 0x20, 1, 4, 'A', 'A', 'A', 0, 'B', 'B', 'B', 0, /* +1 h, +2 h */
    };
    struct arena arena;
    arena_init(&arena, MIB(1));
    const struct time_zone *zone = time_zone_decode(&arena, slice_of((const char *)file, sizeof file));
    assert_non_null(zone);
    assert_int_equal(time_zone_offset_at(zone, 0), 3600);
    assert_int_equal(time_zone_offset_at(zone, 3599), 3600);
    assert_int_equal(time_zone_offset_at(zone, 3600), 7200);
    arena_release(&arena);
}

/* Parts are hashed as one text; the example is RFC 9562's own namespace table and any other implementation's result. */
static void uuids_of_parts(void **state)
{
    (void)state;
    struct uuid whole, cut;
    char text[UUID_TEXT + 1] = "";
    const struct slice one[] = {SLICE("hello")}, parts[] = {SLICE("he"), SLICE(""), SLICE("llo")};
    const struct slice many[LIMIT_UUID_PARTS + 1] = {{0}};
    assert_true(uuid5_of(one, 1, &whole));
    assert_true(uuid5_of(parts, 3, &cut));
    assert_memory_equal(whole.bytes, cut.bytes, sizeof whole.bytes);
    uuid_write(&whole, text);
    assert_string_equal(text, "4d71d03f-f19b-5d9e-8523-9628ba18063c");
    assert_false(uuid5_of(many, LIMIT_UUID_PARTS + 1, &cut));
}

/* ---- hostile sizes ---- */

static double seconds_of(clock_t from)
{
    return (double)(clock() - from) / CLOCKS_PER_SEC;
}

/* Records of a megabyte that would be dear if members were compared with each other: each filter stays well below the
 * seconds that a square of them would take. */
static void large_records_cost_little(void **state)
{
    (void)state;
    static const struct {
        const char *begin, *item, *end, *expression;
    } cases[] = {
        {"{", "\"k%d\":1", "}", "$ | omit(\"k1\", \"k2\") | length"},
        {"{", "\"a.k%d\":1", "}", "$ | nest | length"},
        {"{", "\"%d\":1", "}", "$ | nest | length"},
        {"[", "{\"key\":\"k%d\",\"value\":{\"intValue\":\"1\"}}", "]", "$ | object | length"},
        {"[", "{\"role\":\"user\",\"content\":\"\",\"n\":%d}", "]", "$ | last_text(\"user\") | default(1)"},
        {"[", "\"%d\"", "]", "$ | join(\",\") | split(\",\") | length"},
        {"[", "{\"type\":\"text\",\"text\":\"%d\"}", "]", "$ | text | replace(\"(\\\\d)\", \"<$1>\") | length"},
    };
    for (size_t c = 0; c < sizeof cases / sizeof cases[0]; c++) {
        struct fixture f;
        struct buffer b;
        char item[100];
        set_up(&f);
        buffer_init(&b, MIB(4));
        buffer_add_text(&b, cases[c].begin);
        for (int i = 0; b.len < MIB(1); i++) {
            const char *percent = strchr(cases[c].item, '%');
            snprintf(item, sizeof item, "%s%.*s%d%s", i ? "," : "", (int)(percent - cases[c].item), cases[c].item, i,
                     percent + 2);
            buffer_add_text(&b, item);
        }
        buffer_add_text(&b, cases[c].end);
        buffer_add_char(&b, '\0');
        f.scope.record = json(&f, b.data);
        const struct expr *e = compile(&f, cases[c].expression);
        clock_t begin = clock();
        struct value v = expr_eval(e, &f.scope);
        double took = seconds_of(begin);
        assert_int_equal(v.type, VALUE_NUMBER);
        if (took > 4)
            fail_msg("%s: %.1f s", cases[c].expression, took);
        buffer_release(&b);
        tear_down(&f);
    }
}

/* Names that nest deeper than JSON may are refused, not followed. */
static void nest_is_bounded(void **state)
{
    (void)state;
    struct fixture f;
    struct buffer b;
    set_up(&f);
    buffer_init(&b, MIB(1));
    buffer_add_text(&b, "{\"");
    for (int i = 0; i < 200; i++)
        buffer_add_text(&b, "a.");
    buffer_add_text(&b, "a\":1}");
    buffer_add_char(&b, '\0');
    f.scope.record = json(&f, b.data);
    assert_value(&f, expr_eval(compile(&f, "$ | nest"), &f.scope), "");
    assert_false(f.arena.failed);
    /* and where only the value lies too deep then */
    buffer_clear(&b);
    buffer_add_text(&b, "{\"a.a.a\":");
    for (int i = 0; i < 127; i++)
        buffer_add_char(&b, '[');
    for (int i = 0; i < 127; i++)
        buffer_add_char(&b, ']');
    buffer_add_text(&b, "}");
    buffer_add_char(&b, '\0');
    f.scope.record = json(&f, b.data);
    assert_value(&f, expr_eval(compile(&f, "$ | nest"), &f.scope), "");
    buffer_release(&b);
    tear_down(&f);
}

/* Every filter has a name, and names are unique: counters and metrics go by them. */
static void filters_have_names(void **state)
{
    (void)state;
    assert_true(filter_count() > 40 && filter_count() <= FILTER_COUNT_MAX);
    for (size_t i = 0; i < filter_count(); i++)
        for (size_t j = 0; j < i; j++)
            assert_string_not_equal(filter_name(i), filter_name(j));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(kinds_of_strings),
        cmocka_unit_test(places_for_the_environment),
        cmocka_unit_test(lists_and_maps),
        cmocka_unit_test(what_an_expression_looks_at),
        cmocka_unit_test(lets_are_lazy),
        cmocka_unit_test(depth_is_bounded),
        cmocka_unit_test(sources_are_bounded),
        cmocka_unit_test(conditions_nest),
        cmocka_unit_test(what_the_pre_filter_may_ask),
        cmocka_unit_test(damaged_zones),
        cmocka_unit_test(zones_of_version_1),
        cmocka_unit_test(uuids_of_parts),
        cmocka_unit_test(large_records_cost_little),
        cmocka_unit_test(nest_is_bounded),
        cmocka_unit_test(filters_have_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
