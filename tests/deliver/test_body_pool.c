/* Bodies of settled batches as the memory of the next ones. */
#include "deliver/body_pool.h"
#include "support/cmocka_setup.h"

#include <stdlib.h>
#include <string.h>

enum { SMALL = 1024, LARGE = 64 * 1024, LARGER = 256 * 1024 };

static char *text_of(const char *text)
{
    char *data = malloc(SMALL);
    assert_non_null(data);
    return memcpy(data, text, strlen(text) + 1);
}

static void a_spare_takes_over_what_was_written(void **state)
{
    struct body_pool pool = {0};
    char *spare = malloc(LARGE), *body = text_of("[{\"event\"");
    size_t cap = 0;
    (void)state;
    body_pool_give(&pool, spare, LARGE);
    char *moved = body_pool_take(&pool, body, 10, LARGE / 2 + 1, &cap);
    assert_ptr_equal(moved, spare);
    assert_int_equal(cap, LARGE);
    assert_string_equal(moved, "[{\"event\"");
    assert_null(body_pool_take(&pool, NULL, 0, LARGE, &cap)); /* it is no spare any more */
    body_pool_give(&pool, moved, cap);
    assert_ptr_equal(body_pool_take(&pool, NULL, 0, LARGE, &cap), spare);
    free(spare);
    body_pool_release(&pool);
}

static void without_one_that_is_large_enough_nothing_is_done(void **state)
{
    struct body_pool pool = {0};
    char *body = text_of("kept");
    size_t cap = 7;
    (void)state;
    body_pool_give(&pool, malloc(LARGE), LARGE);
    assert_null(body_pool_take(&pool, body, 5, LARGE + 1, &cap));
    assert_null(body_pool_take(&pool, body, 5, SMALL, &cap)); /* malloc's business */
    assert_int_equal(cap, 7);
    assert_string_equal(body, "kept");
    free(body);
    body_pool_release(&pool);
}

static void the_one_that_fits_is_found_among_others(void **state)
{
    struct body_pool pool = {0};
    char *larger = malloc(LARGER);
    size_t cap = 0;
    (void)state;
    body_pool_give(&pool, larger, LARGER);
    body_pool_give(&pool, malloc(LARGE), LARGE);
    assert_ptr_equal(body_pool_take(&pool, NULL, 0, LARGER, &cap), larger);
    assert_int_equal(cap, LARGER);
    assert_int_equal(pool.count, 1);
    free(larger);
    body_pool_release(&pool);
    assert_int_equal(pool.count, 0);
}

static void no_more_are_kept_than_the_ceiling(void **state)
{
    struct body_pool pool = {0};
    (void)state;
    for (size_t i = 0; i < LIMIT_SPARE_BODIES + 3; i++)
        body_pool_give(&pool, malloc(LARGE), LARGE); /* what is not kept is freed: the sanitizer sees to it */
    assert_int_equal(pool.count, LIMIT_SPARE_BODIES);
    body_pool_give(&pool, malloc(SMALL), SMALL);
    assert_int_equal(pool.count, LIMIT_SPARE_BODIES);
    body_pool_release(&pool);
    body_pool_give(&pool, malloc(SMALL), SMALL); /* small ones never */
    assert_int_equal(pool.count, 0);
}

static void a_larger_one_takes_the_place_of_the_smallest(void **state)
{
    struct body_pool pool = {0};
    char *larger = malloc(LARGER);
    size_t cap = 0;
    (void)state;
    for (size_t i = 0; i < LIMIT_SPARE_BODIES; i++)
        body_pool_give(&pool, malloc(LARGE + i), LARGE + i);
    body_pool_give(&pool, larger, LARGER);
    body_pool_give(&pool, malloc(LARGE), LARGE); /* smaller than all of them: it goes itself */
    assert_int_equal(pool.count, LIMIT_SPARE_BODIES);
    assert_ptr_equal(body_pool_take(&pool, NULL, 0, LARGER, &cap), larger);
    free(larger);
    for (size_t i = 0; i < pool.count; i++)
        assert_true(pool.spares[i].cap > LARGE);
    body_pool_release(&pool);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_spare_takes_over_what_was_written),
        cmocka_unit_test(without_one_that_is_large_enough_nothing_is_done),
        cmocka_unit_test(the_one_that_fits_is_found_among_others),
        cmocka_unit_test(no_more_are_kept_than_the_ceiling),
        cmocka_unit_test(a_larger_one_takes_the_place_of_the_smallest),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
