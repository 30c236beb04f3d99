#include "base/buffer.h"
#include "limits.h"
#include "support/cmocka_setup.h"
#include "support/same_doc.h"
#include "json/json_shapes.h"

#include <stdio.h>
#include <stdlib.h>

struct bed {
    struct json_shapes *shapes;
    struct arena arena;
};

static void open_bed(struct bed *b)
{
    b->shapes = json_shapes_new();
    assert_non_null(b->shapes);
    arena_init(&b->arena, MIB(64));
}

static void close_bed(struct bed *b)
{
    json_shapes_free(b->shapes);
    arena_release(&b->arena);
}

/* Reads it both ways, which must agree. Whether it was read by its shape: that takes room for its own members only. */
static bool reads_by_shape(struct bed *b, struct slice text)
{
    struct json_doc *by_shape, *plain;
    arena_reset(&b->arena);
    enum json_fault fault = json_shapes_read(b->shapes, &b->arena, text, JSON_ANY_VALUE, &by_shape);
    size_t used = b->arena.used;
    assert_int_equal(fault, json_doc_read(&b->arena, text, JSON_ANY_VALUE, &plain));
    size_t used_by_plain = b->arena.used - used;
    assert_true(fault != JSON_OK || docs_are_same(&b->arena, by_shape, plain));
    return fault == JSON_OK && used < used_by_plain;
}

static void lines_that_look_alike_are_read_by_their_shape(void **state)
{
    (void)state;
    struct bed b;
    open_bed(&b);
    assert_false(reads_by_shape(&b, SLICE("{\"a\":1,\"b\":{\"c\":\"x\",\"d\":[]},\"e\":[1,\"two\",null],\"f\":{}}")));
    assert_true(
        reads_by_shape(&b, SLICE("{\"a\":-1.5e3,\"b\":{\"c\":\"\",\"d\":[]},\"e\":[true,\"\\n\",0],\"f\":{}}")));
    assert_true(reads_by_shape(&b, SLICE("{\"a\":\"é\\u00e9 and a text that is longer than a vector or two\","
                                         "\"b\":{\"c\":false,\"d\":[]},\"e\":[{}, \"\",0],\"f\":{}}")) == false);
    assert_true(
        reads_by_shape(&b, SLICE("{\"a\":null,\"b\":{\"c\":\"\\ud83d\\ude00\",\"d\":[]},\"e\":[1,2,3],\"f\":{}}")));
    /* another way at the end, and back */
    assert_false(reads_by_shape(&b, SLICE("{\"a\":1,\"b\":{\"c\":2,\"d\":[]},\"e\":[1,2,3],\"f\":{\"g\":4}}")));
    assert_true(reads_by_shape(&b, SLICE("{\"a\":9,\"b\":{\"c\":9,\"d\":[]},\"e\":[9,9,9],\"f\":{\"g\":9}}")));
    assert_true(reads_by_shape(&b, SLICE("{\"a\":9,\"b\":{\"c\":9,\"d\":[]},\"e\":[9,9,9],\"f\":{}}")));
    close_bed(&b);
}

/* One gap is the beginning of another; blanks; names that repeat or are escaped; a value that becomes a container. */
static void likeness_goes_to_the_last_byte(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "{\"a\":1}",
        "{\"a\":[1]}",
        "{\"a\":[[1]]}",
        "{\"a\":{\"b\":1}}",
        "{\"a\":1,\"b\":2}",
        "{\"a\":1} ",
        " {\"a\":1}",
        "{ \"a\" : 1 , \"b\" : 2 }",
        "{\"a\":[1,2]}",
        "{\"a\":[1,2,3]}",
        "{\"a\":1,\"a\":2}",
        "{\"\\u0061\":1,\"a\":2}",
        "{\"a\\n\":\"\\n\"}",
        "{\"\":1}",
        "{\"a name that is longer than one vector of sixteen\":1}",
        "{\"a name that is longer than one vector of seventeen\":1}",
        "{\"a\":[]}",
        "{\"a\":{}}",
        "{}",
        "[1]",
        "1",
        "\"x\"",
    };
    enum { TEXTS = sizeof texts / sizeof *texts };
    struct bed b;
    open_bed(&b);
    for (int round = 0; round < 3; round++) {
        for (size_t i = 0; i < TEXTS; i++) {
            bool known = reads_by_shape(&b, slice_from(texts[i]));
            bool may_be_known = strchr(texts[i], '{') && strcmp(texts[i], "{}") != 0;
            assert_true(known == (round > 0 && may_be_known));
        }
    }
    close_bed(&b);
}

/* What is wrong behind a shape that fits is found, and named as ever. */
static void faults_are_found_behind_known_gaps(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "{\"a\":1,\"b\":\"x\"",
        "{\"a\":1,\"b\":\"x",
        "{\"a\":1,\"b\":\"x\"}}",
        "{\"a\":1,\"b\":\"x\"}x",
        "{\"a\":01,\"b\":\"x\"}",
        "{\"a\":1.,\"b\":\"x\"}",
        "{\"a\":1e,\"b\":\"x\"}",
        "{\"a\":-,\"b\":\"x\"}",
        "{\"a\":tru,\"b\":\"x\"}",
        "{\"a\":truth,\"b\":\"x\"}",
        "{\"a\":nul",
        "{\"a\":,\"b\":\"x\"}",
        "{\"a\":1,\"b\":\"\\x\"}",
        "{\"a\":1,\"b\":\"\\u12\"}",
        "{\"a\":1,\"b\":\"\t\"}",
        "{\"a\":1,\"b\":\"\\",
        "{\"a\":1,\"b\":\"\xff\"}",
        "{\"a\":1,\"b\":\"\\ud800\"}",
        "{\"a\":1,\"b\":\"\xe2\x82\"}",
        "{\"a\":1 1,\"b\":2}",
        "{\"a\":1",
        "{\"a\":",
        "{\"a\"",
        "{",
        "",
    };
    struct bed b;
    open_bed(&b);
    reads_by_shape(&b, SLICE("{\"a\":1,\"b\":\"x\"}"));
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        assert_false(reads_by_shape(&b, slice_from(texts[i])));
        assert_true(reads_by_shape(&b, SLICE("{\"a\":1,\"b\":\"x\"}")));
    }
    close_bed(&b);
}

/* Texts of more values than are remembered, of very many members, and of names without end. */
static void what_is_too_large_is_read_as_ever(void **state)
{
    (void)state;
    struct bed b;
    struct buffer text;
    open_bed(&b);
    buffer_init(&text, MIB(1));
    for (size_t values = LIMIT_JSON_SHAPE_SCALARS - 1; values <= LIMIT_JSON_SHAPE_SCALARS + 1; values++) {
        buffer_clear(&text);
        for (size_t i = 0; i < values; i++)
            buffer_printf(&text, "%s%zu", i ? "," : "{\"a\":[", i);
        buffer_add_text(&text, "]}");
        assert_false(reads_by_shape(&b, buffer_slice(&text)));
        assert_true(reads_by_shape(&b, buffer_slice(&text)) == (values <= LIMIT_JSON_SHAPE_SCALARS));
    }
    for (size_t members = 63; members <= 65; members += 2) {
        buffer_clear(&text);
        for (size_t i = 0; i < members; i++)
            buffer_printf(&text, "%c\"m%zu\":%zu", i ? ',' : '{', i, i);
        buffer_add_char(&text, '}');
        reads_by_shape(&b, buffer_slice(&text));
        assert_true(reads_by_shape(&b, buffer_slice(&text)) == (members == 63));
    }
    buffer_clear(&text);
    buffer_add_text(&text, "{\"");
    for (int i = 0; i < 5000; i++)
        buffer_add_char(&text, 'n');
    buffer_add_text(&text, "\":1}");
    assert_false(reads_by_shape(&b, buffer_slice(&text)));
    assert_false(reads_by_shape(&b, buffer_slice(&text)));
    buffer_release(&text);
    close_bed(&b);
}

/* A map's names differ from text to text: after a while nobody looks for their shape; one that is met again and again
 * later is learnt then. */
static void shapes_without_end_are_left_alone(void **state)
{
    (void)state;
    struct bed b;
    char text[64];
    open_bed(&b);
    for (int i = 0; i < 5000; i++) {
        int len = snprintf(text, sizeof text, "{\"n%d\":1}", i);
        assert_false(reads_by_shape(&b, slice_of(text, (size_t)len)));
    }
    int known = 0;
    for (int i = 0; i < 2000; i++)
        known += reads_by_shape(&b, SLICE("{\"a\":1,\"b\":\"x\"}"));
    assert_in_range(known, 1000, 1999);
    close_bed(&b);
}

static uint32_t random_below(uint32_t *seed, uint32_t n)
{
    *seed = *seed * 1664525 + 1013904223;
    return (*seed >> 16) % n;
}

static void add_random_value(struct buffer *text, uint32_t *seed, int depth)
{
    static const char *const scalars[] = {"1",
                                          "-0.5e7",
                                          "\"\"",
                                          "\"text\"",
                                          "\"a longer text, with \\n and é\"",
                                          "true",
                                          "null",
                                          "\"\\\\\"",
                                          "\"\\ud800\"",
                                          "\"\xff\"",
                                          "12345678901234567890"};
    uint32_t kind = random_below(seed, depth ? 6 : 3);
    if (kind < 4) {
        buffer_add_text(text, scalars[random_below(seed, sizeof scalars / sizeof *scalars)]);
        return;
    }
    static const char *const names[] = {"a", "b", "\\u0061", "a much longer name than the others"};
    uint32_t count = random_below(seed, 4);
    buffer_add_char(text, kind == 4 ? '[' : '{');
    for (uint32_t i = 0; i < count; i++) {
        if (i)
            buffer_add_text(text, random_below(seed, 8) ? "," : " , ");
        if (kind == 5)
            buffer_printf(text, "\"%s\":", names[random_below(seed, 4)]);
        add_random_value(text, seed, depth - 1);
    }
    buffer_add_char(text, kind == 4 ? ']' : '}');
}

static void any_text_is_what_the_plain_reader_says(void **state)
{
    (void)state;
    struct bed b;
    struct buffer text;
    uint32_t seed = 7, known = 0, same = 0;
    open_bed(&b);
    buffer_init(&text, MIB(1));
    for (int round = 0; round < 60000; round++) {
        buffer_clear(&text);
        buffer_add_text(&text, "{\"k\":");
        add_random_value(&text, &seed, 1 + round % 3);
        buffer_add_text(&text, ",\"l\":\"x\"}");
        if (random_below(&seed, 4) == 0) /* damaged */
            text.data[random_below(&seed, (uint32_t)text.len)] = "\"\\{}[],:1t \xc3"[random_below(&seed, 12)];
        bool is = reads_by_shape(&b, buffer_slice(&text));
        known += is;
        same += !is;
    }
    assert_true(known > 5000 && same > 5000);
    buffer_release(&text);
    close_bed(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines_that_look_alike_are_read_by_their_shape),
        cmocka_unit_test(likeness_goes_to_the_last_byte),
        cmocka_unit_test(faults_are_found_behind_known_gaps),
        cmocka_unit_test(what_is_too_large_is_read_as_ever),
        cmocka_unit_test(shapes_without_end_are_left_alone),
        cmocka_unit_test(any_text_is_what_the_plain_reader_says),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
