/* Buffers, arenas and the running content hash. */
#include "base/arena.h"
#include "base/buffer.h"
#include "base/content_hash.h"
#include "support/cmocka_setup.h"
#include "text/nearest.h"

/* A buffer stops at its ceiling, adds nothing of what does not fit, and works again after a clear. */
static void buffer_has_a_ceiling(void **state)
{
    (void)state;
    struct buffer b;
    buffer_init(&b, 10);
    buffer_add(&b, SLICE("123456"));
    buffer_add(&b, SLICE("78901"));
    assert_true(b.failed);
    assert_int_equal(b.len, 6);
    buffer_add(&b, SLICE("7")); /* still failed */
    assert_int_equal(b.len, 6);
    buffer_clear(&b);
    buffer_add(&b, SLICE("1234567890"));
    assert_false(b.failed);
    assert_int_equal(b.len, 10);
    buffer_release(&b);
}

static void buffer_prints_long_text(void **state)
{
    (void)state;
    struct buffer b;
    buffer_init(&b, 4096);
    buffer_printf(&b, "%0300d|", 7);
    assert_int_equal(b.len, 301);
    assert_int_equal(b.data[299], '7');
    assert_int_equal(b.data[300], '|');
    buffer_release(&b);
}

/* Marks give back what came after them; a reset keeps the first block only. */
static void arena_gives_back(void **state)
{
    (void)state;
    struct arena a;
    arena_init(&a, 1 << 20);
    char *first = arena_alloc(&a, 100);
    assert_non_null(first);
    struct arena_mark mark = arena_mark(&a);
    size_t used = a.used;
    for (int i = 0; i < 10; i++)
        assert_non_null(arena_alloc(&a, 50000));
    arena_rewind(&a, mark);
    assert_int_equal(a.used, used);
    assert_null(arena_alloc(&a, 2 << 20)); /* above the ceiling */
    assert_true(a.failed);
    arena_reset(&a);
    assert_false(a.failed);
    assert_ptr_equal(arena_alloc(&a, 100), first);
    arena_release(&a);
}

static void arena_grows_in_place(void **state)
{
    (void)state;
    struct arena a;
    arena_init(&a, 1 << 20);
    char *p = arena_alloc(&a, 10);
    memcpy(p, "0123456789", 10);
    assert_ptr_equal(arena_grow(&a, p, 10, 1000), p);
    arena_alloc(&a, 1);
    char *moved = arena_grow(&a, p, 1000, 2000);
    assert_ptr_not_equal(moved, p);
    assert_memory_equal(moved, "0123456789", 10);
    arena_release(&a);
}

/* A buffer in an arena grows there, also when other blocks come between, and fails at the arena's ceiling. */
static void buffer_lives_in_an_arena(void **state)
{
    (void)state;
    struct arena a;
    arena_init(&a, 1 << 16);
    struct buffer b;
    buffer_init_in(&b, &a);
    for (int i = 0; i < 1000; i++) {
        buffer_add(&b, SLICE("abcdefg\n"));
        if (i % 100 == 0)
            assert_non_null(arena_alloc(&a, 1));
    }
    assert_false(b.failed);
    assert_int_equal(b.len, 8000);
    assert_memory_equal(b.data + 7992, "abcdefg\n", 8);
    while (!b.failed)
        buffer_add(&b, SLICE("abcdefg\n"));
    assert_true(a.failed);
    buffer_release(&b);
    arena_release(&a);
}

/* The same bytes give the same state, however they are cut. */
/* As the header writes the format down. */
static uint64_t hash_by_the_format(const unsigned char *text, size_t len)
{
    uint64_t h = UINT64_C(0x5241494e47415547);
    for (size_t n = 1; 8 * n <= len; n++) {
        uint64_t word = 0;
        for (size_t i = 0; i < 8; i++)
            word |= (uint64_t)text[8 * (n - 1) + i] << (8 * i);
        uint64_t keyed = word ^ n * UINT64_C(0x9E3779B97F4A7C15);
        h += word + (keyed & UINT32_MAX) * (keyed >> 32);
    }
    return h;
}

static void content_hash_is_as_written_down(void **state)
{
    (void)state;
    unsigned char text[300];
    for (size_t i = 0; i < sizeof text; i++)
        text[i] = (unsigned char)(i * 167 ^ i >> 3);
    for (size_t len = 0; len <= sizeof text; len++) {
        struct content_hash c, bytewise;
        content_hash_init(&c);
        content_hash_add(&c, slice_of((const char *)text, len));
        assert_true(c.h == hash_by_the_format(text, len));
        content_hash_init(&bytewise);
        for (size_t i = 0; i < len; i++)
            content_hash_add(&bytewise, slice_of((const char *)text + i, 1));
        assert_true(content_hash_equal(&c, &bytewise));
    }
}

static void content_hash_sees_each_bit_and_each_word_in_another_place(void **state)
{
    (void)state;
    char text[64] = {0};
    struct content_hash c, other;
    for (int filled = 0; filled < 3; filled++) { /* zeroes, ones, and text */
        for (size_t i = 0; i < sizeof text; i++)
            text[i] = filled == 2 ? (char)(i * 31) : filled ? (char)0xff : 0;
        content_hash_init(&c);
        content_hash_add(&c, slice_of(text, sizeof text));
        for (size_t bit = 0; bit < 8 * sizeof text; bit++) {
            text[bit / 8] = (char)(text[bit / 8] ^ 1 << bit % 8);
            content_hash_init(&other);
            content_hash_add(&other, slice_of(text, sizeof text));
            assert_true(other.h != c.h);
            text[bit / 8] = (char)(text[bit / 8] ^ 1 << bit % 8);
        }
    }
    for (size_t i = 8; i < sizeof text; i += 8) { /* the first word changes places with another */
        char swapped[sizeof text];
        memcpy(swapped, text, sizeof text);
        memcpy(swapped, text + i, 8);
        memcpy(swapped + i, text, 8);
        content_hash_init(&other);
        content_hash_add(&other, slice_of(swapped, sizeof swapped));
        assert_true(other.h != c.h);
    }
}

static void content_hash_does_not_see_the_cuts(void **state)
{
    (void)state;
    char text[257];
    for (size_t i = 0; i < sizeof text; i++)
        text[i] = (char)(i * 7);
    struct content_hash whole;
    content_hash_init(&whole);
    content_hash_add(&whole, slice_of(text, sizeof text));
    for (size_t cut = 0; cut <= sizeof text; cut++) {
        for (size_t second = cut; second <= sizeof text; second += 13) {
            struct content_hash c;
            content_hash_init(&c);
            content_hash_add(&c, slice_of(text, cut));
            content_hash_add(&c, slice_of(text + cut, second - cut));
            content_hash_add(&c, slice_of(text + second, sizeof text - second));
            assert_true(content_hash_equal(&c, &whole));
        }
        struct content_hash before, share;
        content_hash_init(&before);
        content_hash_add(&before, slice_of(text, cut));
        content_hash_begin_at(&share, cut, slice_of(text, cut));
        assert_true(share.pending == before.pending && share.len == before.len);
        content_hash_add(&share, slice_of(text + cut, sizeof text - cut));
        content_hash_join(&share, &before);
        assert_true(content_hash_equal(&share, &whole));
    }
    assert_true(content_hash_of(SLICE("a")) != content_hash_of(SLICE("a\0")));
}

/* A guess is made for a slip of a finger, not for another word. */
static void nearest_name_guesses_slips(void **state)
{
    (void)state;
    static const char *const names[] = {"lower", "lookup", "last_text", "text", "user_id", "uuid"};
    const size_t n = sizeof names / sizeof names[0];
    assert_string_equal(nearest_name(SLICE("lowre"), names, n), "lower");
    assert_string_equal(nearest_name(SLICE("lookpu"), names, n), "lookup");
    assert_string_equal(nearest_name(SLICE("last_txt"), names, n), "last_text");
    assert_string_equal(nearest_name(SLICE("userid"), names, n), "user_id");
    assert_string_equal(nearest_name(SLICE("user"), names, n), "user_id");
    assert_string_equal(nearest_name(SLICE("text_of"), names, n), "text");
    assert_null(nearest_name(SLICE("upper_case"), names, n));
    assert_null(nearest_name(SLICE(""), names, n));
    assert_null(nearest_name(SLICE("x"), names, n));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(buffer_has_a_ceiling),
        cmocka_unit_test(buffer_prints_long_text),
        cmocka_unit_test(arena_gives_back),
        cmocka_unit_test(arena_grows_in_place),
        cmocka_unit_test(buffer_lives_in_an_arena),
        cmocka_unit_test(nearest_name_guesses_slips),
        cmocka_unit_test(content_hash_is_as_written_down),
        cmocka_unit_test(content_hash_sees_each_bit_and_each_word_in_another_place),
        cmocka_unit_test(content_hash_does_not_see_the_cuts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
