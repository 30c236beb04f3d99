/* What is remembered of lines that were not settled in their order. */
#include "map/resume.h"
#include "support/cmocka_setup.h"

#include <stdlib.h>

static struct resume *read(const char *text)
{
    return resume_read(slice_from(text));
}

/* The text is part of the checkpoint's format, and never changes. */
static void text_is_pinned(void **state)
{
    (void)state;
    struct resume *r = resume_new();
    struct buffer out;
    buffer_init(&out, 1 << 10);
    r->taken = 900;
    r->ahead[1] = 17;
    r->rules = UINT64_MAX;
    assert_true(resume_add_line(r, 100, false));
    assert_true(resume_add_part(r, &(struct resume_part){0, 0, 7, 0}));
    assert_true(resume_add_part(r, &(struct resume_part){3, 1, 5, 2}));
    assert_true(resume_add_line(r, 812, true));
    resume_write(r, &out);
    buffer_add_char(&out, '\0');
    assert_string_equal(out.data, "900 0 17 18446744073709551615 100 0 2 0 0 7 0 3 1 18446744073709551614 2 712 1 0");
    resume_free(r);

    r = read(out.data);
    assert_non_null(r);
    assert_int_equal(r->taken, 900);
    assert_int_equal(r->ahead[1], 17);
    assert_int_equal(r->line_count, 2);
    assert_int_equal(r->lines[1].offset, 812);
    assert_true(r->lines[1].calls);
    const struct resume_part *part = resume_find_part(r, &r->lines[0], 3, 1);
    assert_non_null(part);
    assert_int_equal(part->number, 5);
    assert_int_equal(part->ended, 2);
    assert_null(resume_find_part(r, &r->lines[0], 3, 0));
    assert_null(resume_find_part(r, &r->lines[1], 0, 0));
    resume_free(r);
    buffer_release(&out);
}

/* What is none, is cut short, or has a number that is too large, is refused as a whole. */
static void other_text_is_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {"",
                                      "1 2 3",
                                      "x 0 0 0",
                                      "1 0 0 -1",
                                      "1  0 0 0",
                                      "1 0 4294967296 0",
                                      "99999999999999999999 0 0 0",
                                      "1 0 0 0 5",
                                      "1 0 0 0 5 2 0",
                                      "1 0 0 0 5 0 1",
                                      "1 0 0 0 5 0 1 0 0 1",
                                      "1 0 0 0 5 0 4294967295 0 0 1 0",
                                      "1 0 0 0 5 1 0 18446744073709551615 1 0",
                                      "1 0 0 0 5 1 0x"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_null(read(bad[i]));
}

/* A line is new, done or open; of a lane that was ahead, further than the others. */
static void lines_are_told_apart(void **state)
{
    (void)state;
    const struct resume_line *line;
    struct resume *r = read("100 0 50 1 10 1 0 20 0 1 0 0 1 0 95 1 0");
    assert_int_equal(resume_find(r, 0, 0, &line), RESUME_DONE);
    assert_int_equal(resume_find(r, 10, 0, &line), RESUME_OPEN);
    assert_true(line->calls);
    assert_int_equal(resume_find(r, 30, 0, &line), RESUME_OPEN);
    assert_int_equal(line->part_count, 1);
    assert_int_equal(resume_find(r, 31, 0, &line), RESUME_DONE);
    assert_int_equal(resume_find(r, 99, 0, &line), RESUME_DONE);
    assert_int_equal(resume_find(r, 100, 0, &line), RESUME_NEW);
    assert_int_equal(resume_find(r, 100, 1, &line), RESUME_DONE);
    assert_int_equal(resume_find(r, 125, 1, &line), RESUME_OPEN);
    assert_int_equal(resume_find(r, 150, 1, &line), RESUME_NEW);
    resume_free(r);
}

/* Any number of lines comes back, whatever the order they were added in. */
static void any_lines_come_back(void **state)
{
    (void)state;
    srand(1);
    for (unsigned round = 0; round < 200; round++) {
        struct resume *r = resume_new();
        struct buffer one, other;
        buffer_init(&one, 1 << 20);
        buffer_init(&other, 1 << 20);
        for (int lines = rand() % 50; lines > 0; lines--) {
            assert_true(resume_add_line(r, (uint64_t)rand() % 1000, rand() % 2));
            for (int parts = rand() % 4; parts > 0; parts--) {
                const struct resume_part part = {(uint32_t)rand(), (uint32_t)rand(), (uint64_t)rand() << 33, 1};
                assert_true(resume_add_part(r, &part));
            }
        }
        resume_sort(r);
        resume_write(r, &one);
        struct resume *back = resume_read(buffer_slice(&one));
        assert_non_null(back);
        resume_write(back, &other);
        assert_int_equal(one.len, other.len);
        assert_memory_equal(one.data, other.data, one.len);
        resume_free(r);
        resume_free(back);
        buffer_release(&one);
        buffer_release(&other);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(text_is_pinned),
        cmocka_unit_test(other_text_is_refused),
        cmocka_unit_test(lines_are_told_apart),
        cmocka_unit_test(any_lines_come_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
