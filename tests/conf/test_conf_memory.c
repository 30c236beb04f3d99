/* Lack of memory at any allocation: no configuration, no crash, nothing left behind, and it is said. */
#include "base/arena.h"
#include "conf/memory_source.h"
#include "support/cmocka_setup.h"

#include <stdlib.h>

void *__real_malloc(size_t n);
void *__real_calloc(size_t n, size_t size);
void *__real_realloc(void *p, size_t n);
char *__real_strdup(const char *s);
void *__wrap_malloc(size_t n);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_realloc(void *p, size_t n);
char *__wrap_strdup(const char *s);

void *__real_arena_alloc(struct arena *a, size_t n);
void *__real_arena_calloc(struct arena *a, size_t count, size_t size);
char *__real_arena_strdup(struct arena *a, struct slice bytes);
void *__real_arena_grow_array(struct arena *a, void *items, size_t count, size_t size);
void *__wrap_arena_alloc(struct arena *a, size_t n);
void *__wrap_arena_calloc(struct arena *a, size_t count, size_t size);
char *__wrap_arena_strdup(struct arena *a, struct slice bytes);
void *__wrap_arena_grow_array(struct arena *a, void *items, size_t count, size_t size);

static unsigned long countdown; /* 0: none fails */
static bool failed;

static bool fails(void)
{
    if (countdown == 0 || --countdown > 0)
        return false;
    failed = true;
    return true;
}

void *__wrap_malloc(size_t n)
{
    return fails() ? NULL : __real_malloc(n);
}

void *__wrap_calloc(size_t n, size_t size)
{
    return fails() ? NULL : __real_calloc(n, size);
}

void *__wrap_realloc(void *p, size_t n)
{
    return fails() ? NULL : __real_realloc(p, n);
}

char *__wrap_strdup(const char *s)
{
    return fails() ? NULL : __real_strdup(s);
}

/* What an arena gives out of a block that it has can fail at its ceiling. */
static bool arena_fails(struct arena *a)
{
    if (!fails())
        return false;
    a->failed = true;
    return true;
}

void *__wrap_arena_alloc(struct arena *a, size_t n)
{
    return arena_fails(a) ? NULL : __real_arena_alloc(a, n);
}

void *__wrap_arena_calloc(struct arena *a, size_t count, size_t size)
{
    return arena_fails(a) ? NULL : __real_arena_calloc(a, count, size);
}

char *__wrap_arena_strdup(struct arena *a, struct slice bytes)
{
    return arena_fails(a) ? NULL : __real_arena_strdup(a, bytes);
}

void *__wrap_arena_grow_array(struct arena *a, void *items, size_t count, size_t size)
{
    return arena_fails(a) ? NULL : __real_arena_grow_array(a, items, count, size);
}

/* Whether an allocation failed; then there must not be a configuration, and it must be known why. */
static bool load_failing_at(const struct config_source *source, const char *path, unsigned long nth)
{
    struct buffer said;
    struct diagnostics *d = diagnostics_new();
    assert_non_null(d);
    failed = false;
    countdown = nth;
    struct config *c = config_load(source, path, CONFIG_FOR_RUN, d);
    countdown = 0;
    if (failed) {
        assert_null(c);
        assert_true(diagnostics_out_of_memory(d) || diagnostics_errors(d) > 0);
    }
    buffer_init(&said, 1 << 20);
    diagnostics_print(d, &said, true, true);
    buffer_release(&said);
    config_free(c);
    diagnostics_free(d);
    return failed;
}

static void every_allocation_may_fail(void **state)
{
    (void)state;
    struct memory_source m = {.directory = TEST_DATA "/conf/cases", .variables = {"RAINDROP_WRITE_KEY=k", "SECRET=s"}};
    struct config_source source = memory_source_of(&m);
    static const char *const files[] = {"valid.yaml", "thirty_mistakes.yaml", "includes.yaml", "secrets.yaml"};
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        unsigned long nth = 1;
        while (load_failing_at(&source, files[i], nth))
            nth++;
        assert_true(nth > 100);
    }
}

/* The arena's ceiling, which no configuration reaches in earnest, is an error like any other: a text that is large, but
 * allowed. */
static void a_large_file_is_no_harm(void **state)
{
    (void)state;
    struct memory_source m = {.variables = {"RAINDROP_WRITE_KEY=k"}};
    struct config_source source = memory_source_of(&m);
    struct buffer text;
    buffer_init(&text, 8 << 20);
    buffer_add_text(&text, "inputs: [{paths: [a.log]}]\nrules: [{name: a, drop: true}]\ntables:\n  t:\n");
    for (int i = 0; i < 50000; i++)
        buffer_printf(&text, "    key-%d: value-%d\n", i, i);
    struct diagnostics *d = diagnostics_new();
    struct config *c = config_load_text(&source, "large.yaml", buffer_slice(&text), CONFIG_FOR_RUN, d);
    assert_non_null(c);
    assert_int_equal(c->tables[0].count, 50000);
    config_free(c);
    diagnostics_free(d);
    buffer_release(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_allocation_may_fail),
        cmocka_unit_test(a_large_file_is_no_harm),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
