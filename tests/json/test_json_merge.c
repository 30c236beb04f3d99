/* Values joined to one: what is joined in steps is what is joined at once. What is joined how:
 * tests/map/cases/merge.case.
 */
#include "limits.h"
#include "support/cmocka_setup.h"
#include "json/json_merge.h"

#include <stdlib.h>
#include <time.h>

static const struct slice names[] = {{"a", 1}, {"b", 1}, {"c", 1}};
static const struct json_merge_path paths[] = {{names, 1}, {names + 1, 2}, {names, 3}};

static void random_value(struct buffer *out, int depth)
{
    static const char *const leaves[] = {"null", "1",  "1.50",    "true", "\"x\"", "\"\\\"\\u00e9\"",
                                         "\"\"", "[]", "[1,[2]]", "{}"};
    if (depth == 0 || rand() % 3 == 0) {
        buffer_add_text(out, leaves[(size_t)rand() % (sizeof leaves / sizeof *leaves)]);
        return;
    }
    buffer_add_char(out, '{');
    for (int members = rand() % 4, i = 0; i < members; i++) {
        buffer_printf(out, "%s\"%c\":", i ? "," : "", 'a' + rand() % 4);
        random_value(out, depth - 1);
    }
    buffer_add_char(out, '}');
}

enum { VALUES = 8 };

/* `cut`: the merge is written there, and begun again with that. */
static void merge_all(struct arena *arena, const struct value values[], const int named[], size_t cut,
                      struct buffer *out)
{
    struct json_merge m;
    struct buffer text;
    json_merge_init(&m, arena, paths, sizeof paths / sizeof *paths);
    for (size_t i = 0; i < VALUES; i++) {
        if (i == cut && i > 0) {
            buffer_init_in(&text, arena);
            json_merge_write(&m, &text);
            struct value so_far = value_of_json(buffer_slice(&text));
            json_merge_init(&m, arena, paths, sizeof paths / sizeof *paths);
            json_merge_begin(&m, &so_far);
        }
        json_merge_add(&m, named[i] ? &names[named[i] - 1] : NULL, &values[i]);
    }
    json_merge_write(&m, out);
}

static void steps_give_the_same(void **state)
{
    (void)state;
    struct arena arena;
    arena_init(&arena, LIMIT_RECORD_ARENA);
    srand(7);
    for (unsigned round = 0; round < 20000; round++) {
        struct value values[VALUES];
        int named[VALUES];
        struct buffer texts[VALUES], whole, parts;
        arena_reset(&arena);
        for (size_t i = 0; i < VALUES; i++) {
            buffer_init_in(&texts[i], &arena);
            random_value(&texts[i], 4);
            values[i] = value_of_json(buffer_slice(&texts[i]));
            named[i] = rand() % 3;
        }
        buffer_init_in(&whole, &arena);
        buffer_init_in(&parts, &arena);
        merge_all(&arena, values, named, 0, &whole);
        merge_all(&arena, values, named, (size_t)rand() % VALUES, &parts);
        assert_false(arena.failed);
        struct value a = value_of_json(buffer_slice(&whole)), b = value_of_json(buffer_slice(&parts));
        assert_int_equal(json_check(buffer_slice(&whole), JSON_ANY_VALUE), JSON_OK);
        assert_true(value_equal(&arena, &a, &b));
    }
    arena_release(&arena);
}

/* A hundred thousand members meet as many: by their names, not each with each. */
static void large_objects_are_merged_in_linear_time(void **state)
{
    (void)state;
    enum { MEMBERS = 100000 };
    struct arena arena;
    struct buffer text, out;
    struct json_merge m;
    arena_init(&arena, LIMIT_RECORD_ARENA);
    buffer_init(&text, MIB(8));
    buffer_init(&out, MIB(8));
    for (int i = 0; i < MEMBERS; i++)
        buffer_printf(&text, "%s\"member %d\":%d", i ? "," : "{", i, i);
    buffer_add_char(&text, '}');
    struct value v = value_of_json(buffer_slice(&text));
    clock_t begin = clock();
    json_merge_init(&m, &arena, NULL, 0);
    for (int i = 0; i < 3; i++)
        json_merge_add(&m, NULL, &v);
    json_merge_write(&m, &out);
    assert_false(arena.failed);
    assert_int_equal(out.len, text.len);
    assert_memory_equal(out.data, text.data, text.len);
    assert_true((double)(clock() - begin) / CLOCKS_PER_SEC < 20); /* each with each: hours */
    buffer_release(&text);
    buffer_release(&out);
    arena_release(&arena);
}

/* Above the arena's ceiling it fails, and says so. */
static void ceiling_is_told(void **state)
{
    (void)state;
    struct arena arena;
    struct json_merge m;
    struct value v = value_of_json(SLICE("{\"a\":\"x\",\"b\":{\"c\":1}}"));
    arena_init(&arena, 4096);
    json_merge_init(&m, &arena, paths, 3);
    for (int i = 0; i < 1000 && !arena.failed; i++)
        json_merge_add(&m, NULL, &v);
    assert_true(arena.failed);
    assert_false(arena.starved);
    arena_release(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(steps_give_the_same),
        cmocka_unit_test(large_objects_are_merged_in_linear_time),
        cmocka_unit_test(ceiling_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
