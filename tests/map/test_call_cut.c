/* Cutting a call where its size is not that of the wire's own limit, and where characters stand in the way. */
#include "limits.h"
#include "support/cmocka_setup.h"
#include "wire/call.h"

#define MARK "...[truncated by raingauge]"

/* Cuts {"ai_data":{"output":CONTENT}} to `most` bytes and gives the content that is left, without the mark. */
static struct slice cut_output(struct arena *arena, struct slice content, size_t most)
{
    static const struct slice before = {"{\"ai_data\":{\"output\":\"", 22}, after = {"\"}}", 3}, mark = {MARK, 27};
    struct buffer call, out;
    buffer_init_in(&call, arena);
    buffer_init_in(&out, arena);
    buffer_add(&call, before);
    buffer_add(&call, content);
    buffer_add(&call, after);
    assert_true(call_cut(&out, arena, buffer_slice(&call), most));
    assert_true(out.len <= most);
    assert_true(slice_starts_with(buffer_slice(&out), before));
    struct slice left = slice_of(out.data + before.len, out.len - before.len - after.len);
    assert_true(slice_ends_with(left, mark));
    left.len -= mark.len;
    assert_true(slice_starts_with(content, left));
    assert_int_equal(json_check(buffer_slice(&out), JSON_OBJECT_ONLY), JSON_OK);
    return left;
}

/* Whatever the size that is asked for, what is left ends behind a whole character: of UTF-8, an escape, a pair. */
static void characters_are_never_split(void **state)
{
    (void)state;
    static const char *const characters[] = {"\xc3\xa9", "\xf0\x9f\x98\x80", "\\n",
                                             "\\u00e9",  "\\ud83d\\ude00",   "\\uD83D\\uDE00x"};
    struct arena arena;
    arena_init(&arena, MIB(16));
    for (size_t i = 0; i < sizeof characters / sizeof characters[0]; i++) {
        size_t len = strlen(characters[i]);
        struct buffer content;
        buffer_init(&content, MIB(1));
        while (content.len < 4000)
            buffer_add_text(&content, characters[i]);
        for (size_t most = 2000; most < 2000 + 2 * len; most++) {
            size_t left = cut_output(&arena, buffer_slice(&content), most).len;
            if (len < 13)
                assert_int_equal(left % len, 0);
            else
                assert_true(left % len == 0 || left % len == len - 1);
            assert_true(most - left < 22 + 3 + 27 + len); /* and no more was cut than need be */
            arena_reset(&arena);
        }
        buffer_release(&content);
    }
    arena_release(&arena);
}

/* No text becomes shorter than 1 KiB: then it cannot be done. */
static void there_is_a_floor(void **state)
{
    (void)state;
    struct arena arena;
    struct buffer call, out;
    arena_init(&arena, MIB(16));
    buffer_init_in(&call, &arena);
    buffer_init_in(&out, &arena);
    buffer_add_text(&call, "{\"ai_data\":{\"output\":\"");
    for (int i = 0; i < 3000; i++)
        buffer_add_char(&call, 'x');
    buffer_add_text(&call, "\"}}");
    assert_true(call_cut(&out, &arena, buffer_slice(&call), 22 + 1024 + 27 + 3));
    assert_int_equal(out.len, 22 + 1024 + 27 + 3);
    out.len = 0;
    assert_false(call_cut(&out, &arena, buffer_slice(&call), 22 + 1024 + 27 + 2));
    arena_release(&arena);
}

/* Of an identify nothing is cut, nor of anything that is not a text of the list, and what is no JSON is refused. */
static void other_texts_are_left(void **state)
{
    (void)state;
    struct arena arena;
    struct buffer call, out;
    arena_init(&arena, MIB(16));
    static const char *const heads[] = {"{\"traits\":{\"a\":\"", "{\"ai_data\":{\"convo_id\":\"",
                                        "{\"attachments\":[{\"name\":\"", "{\"properties\":{\"", "{\"a\":\""};
    static const char *const tails[] = {"\"}}", "\"}}", "\"}]}", "\":1}}", "\""};
    for (size_t i = 0; i < sizeof heads / sizeof heads[0]; i++) {
        buffer_init_in(&call, &arena);
        buffer_init_in(&out, &arena);
        buffer_add_text(&call, heads[i]);
        for (int n = 0; n < 3000; n++)
            buffer_add_char(&call, 'x');
        buffer_add_text(&call, tails[i]);
        assert_false(call_cut(&out, &arena, buffer_slice(&call), 2000));
    }
    arena_release(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(characters_are_never_split),
        cmocka_unit_test(there_is_a_floor),
        cmocka_unit_test(other_texts_are_left),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
