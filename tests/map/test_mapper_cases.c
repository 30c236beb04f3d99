/* Every case of cases/: what it gives as a whole, that it gives the same however the bytes come, and that no line of it
 * is lost or counted twice. */
#include "map/case_file.h"
#include "map/mapping.h"
#include "support/cmocka_setup.h"

#include <glob.h>
#include <stdio.h>
#include <stdlib.h>

static void for_each_case(void (*run)(const struct case_file *, const struct mapper_case *))
{
    glob_t files;
    assert_int_equal(glob(TEST_DATA "/cases/*.case", 0, NULL, &files), 0);
    for (size_t i = 0; i < files.gl_pathc; i++) {
        struct case_file file;
        case_file_read(&file, files.gl_pathv[i]);
        for (size_t c = 0; c < file.count; c++)
            run(&file, &file.cases[c]);
        case_file_release(&file);
    }
    globfree(&files);
}

static bool show_difference(const struct case_file *file, const struct mapper_case *c, struct slice got)
{
    if (slice_equal(got, buffer_slice(&c->expected)))
        return false;
    fprintf(stderr, "%s: %s\n-- expected\n%.*s-- got\n%.*s--\n", file->path, c->title,
            SLICE_FMT(buffer_slice(&c->expected)), SLICE_FMT(got));
    return true;
}

static unsigned differences;

static void take_whole(const struct case_file *file, const struct mapper_case *c)
{
    struct mapping m;
    mapping_begin(&m, buffer_slice(&c->config));
    mapping_take(&m, buffer_slice(&c->lines), &c->lines.len, 1, SIZE_MAX);
    differences += show_difference(file, c, buffer_slice(&m.shown));
    mapping_end(&m);
}

static void cases_give_what_they_say(void **state)
{
    (void)state;
    for_each_case(take_whole);
    assert_int_equal(differences, 0);
}

static int by_size(const void *a, const void *b)
{
    size_t x = *(const size_t *)a, y = *(const size_t *)b;
    return (x > y) - (x < y);
}

/* Lines read = lines that are settled here + lines that have calls. */
static void check_sum(const struct mapping *m)
{
    uint64_t settled = m->lines_with_calls;
    for (size_t i = 0; i < OUTCOME_COUNT; i++)
        settled += m->outcomes[i];
    assert_int_equal(settled, m->lines_read);
}

static void take_in_pieces(const struct case_file *file, const struct mapper_case *c)
{
    enum { PIECES = 9 };
    struct position whole;
    position_init(&whole);
    position_move(&whole, buffer_slice(&c->lines), 0);
    for (unsigned round = 0; round < 20; round++) {
        size_t ends[PIECES];
        struct mapping m;
        for (size_t i = 0; i < PIECES; i++)
            ends[i] = (size_t)rand() % (c->lines.len + 1);
        ends[PIECES - 1] = c->lines.len;
        qsort(ends, PIECES, sizeof *ends, by_size);
        mapping_begin(&m, buffer_slice(&c->config));
        mapping_take(&m, buffer_slice(&c->lines), ends, PIECES, (size_t)rand() % 2000);
        if (show_difference(file, c, buffer_slice(&m.shown)))
            fail();
        check_sum(&m);
        if (position_offset(&m.source.at) == c->lines.len) { /* but for a blank rest */
            assert_true(content_hash_equal(&m.source.at.content, &whole.content));
            assert_int_equal(m.source.at.tail, whole.tail);
        }
        mapping_end(&m);
    }
}

static void pieces_give_the_same(void **state)
{
    (void)state;
    srand(1);
    for_each_case(take_in_pieces);
}

/* A mapper as `run` has it, which does not parse what no rule can match, makes the same calls. */
static void take_as_run(const struct case_file *file, const struct mapper_case *c)
{
    struct mapping shown, run;
    mapping_begin(&shown, buffer_slice(&c->config));
    shown.calls_only = true;
    mapping_take(&shown, buffer_slice(&c->lines), &c->lines.len, 1, SIZE_MAX);
    mapping_begin(&run, buffer_slice(&c->config));
    mapping_set_mode(&run, MAP_FOR_RUN);
    run.calls_only = true;
    mapping_take(&run, buffer_slice(&c->lines), &c->lines.len, 1, SIZE_MAX);
    if (!slice_equal(buffer_slice(&shown.shown), buffer_slice(&run.shown))) {
        fprintf(stderr, "%s: %s: other calls in run\n", file->path, c->title);
        differences++;
    }
    check_sum(&run);
    mapping_end(&shown);
    mapping_end(&run);
}

static void run_makes_the_same_calls(void **state)
{
    (void)state;
    differences = 0;
    for_each_case(take_as_run);
    assert_int_equal(differences, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cases_give_what_they_say),
        cmocka_unit_test(pieces_give_the_same),
        cmocka_unit_test(run_makes_the_same_calls),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
