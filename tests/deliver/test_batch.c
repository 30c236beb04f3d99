/* The memory of a batch's body: begins small, then as large as the body before it was. */
#include "deliver/batch.h"
#include "support/cmocka_setup.h"

#include <stdlib.h>

enum { SMALL = 16 * 1024, STEP = 64 * 1024 };

static struct batch *batch_like(struct body_pool *pool, size_t expected)
{
    struct batch *b = batch_new(NULL, pool, 0, true, 0);
    assert_non_null(b);
    batch_expect(b, expected, 8);
    return b;
}

static void grow_to(struct batch *b, size_t len)
{
    b->len = len;
    assert_true(batch_reserve(b, 100));
    b->len = 0;
}

static void it_begins_small_and_then_takes_all_that_is_expected(void **state)
{
    struct body_pool pool = {0};
    struct batch *b = batch_like(&pool, 9 * STEP);
    (void)state;
    assert_int_equal(b->cap, SMALL);
    grow_to(b, SMALL);
    assert_in_range(b->cap, 9 * STEP + STEP / 4, 11 * STEP);
    char *body = b->body;
    grow_to(b, 9 * STEP + STEP / 4);
    assert_ptr_equal(b->body, body);
    batch_free(b);
    assert_int_equal(pool.count, 1);

    b = batch_like(&pool, 9 * STEP - STEP / 4); /* a little shorter, or longer: the memory is as large */
    grow_to(b, SMALL);
    assert_ptr_equal(b->body, body);
    batch_free(b);
    body_pool_release(&pool);
}

static void more_than_was_expected_grows_on(void **state)
{
    struct body_pool pool = {0};
    struct batch *b = batch_like(&pool, STEP);
    (void)state;
    grow_to(b, 3 * STEP);
    assert_in_range(b->cap, 3 * STEP + 100, 4 * STEP);
    grow_to(b, b->cap);
    assert_in_range(b->cap, 6 * STEP, 8 * STEP);
    batch_free(b);
    body_pool_release(&pool);
}

static void little_is_expected_and_little_is_taken(void **state)
{
    struct body_pool pool = {0};
    struct batch *b = batch_like(&pool, 2000);
    (void)state;
    assert_int_equal(b->cap, 2000);
    grow_to(b, 2000);
    assert_in_range(b->cap, 2100, 4000);
    batch_free(b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_begins_small_and_then_takes_all_that_is_expected),
        cmocka_unit_test(more_than_was_expected_grows_on),
        cmocka_unit_test(little_is_expected_and_little_is_taken),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
