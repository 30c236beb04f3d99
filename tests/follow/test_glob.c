/* Globs: the cases of cases/glob.case, and what they cost. */
#include "support/cmocka_setup.h"
#include "text/glob.h"

#include "base/buffer.h"
#include "limits.h"

/* What glob(7) with `**` and braces takes, and what it does not. */
static void takes_what_the_cases_say(void **state)
{
    (void)state;
    FILE *cases = fopen(CASES "/glob.case", "r");
    assert_non_null(cases);
    char line[512], pattern[256], path[256], answer[8];
    bool exclude = false;
    unsigned number = 0, run = 0;
    while (fgets(line, sizeof line, cases)) {
        number++;
        if (line[0] == '#')
            continue;
        if (sscanf(line, "%255s %255s %7s", pattern, path, answer) != 3) {
            exclude = slice_starts_with(slice_from(line), SLICE("exclude:"));
            continue;
        }
        const char *patterns[] = {pattern};
        struct glob_list list;
        assert_int_equal(glob_list_init(&list, patterns, 1, exclude), GLOB_OK);
        if (glob_list_matches(&list, slice_from(path)) != slice_is(SLICE("yes"), answer))
            fail_msg("glob.case:%u: %s %s is not %s", number, pattern, path, answer);
        glob_list_release(&list);
        run++;
    }
    fclose(cases);
    assert_true(run > 60);
}

/* The directory in which a search begins is what stands before the first wildcard. */
static void knows_where_a_search_begins(void **state)
{
    (void)state;
    const char *patterns[] = {"/var/log/{a,b}/*.log", "/x.log", "/*/y", "/a/\\*/b"};
    struct glob_list list;
    assert_int_equal(glob_list_init(&list, patterns, 4, false), GLOB_OK);
    assert_int_equal(list.count, 5);
    static const size_t literal[] = {3, 3, 0, 0, 1};
    for (size_t i = 0; i < list.count; i++)
        assert_int_equal(list.globs[i].literal_parts, literal[i]);
    glob_list_release(&list);
}

/* Braces that stand for too many patterns are refused, not multiplied out; no patterns match nothing. */
static void has_a_ceiling(void **state)
{
    (void)state;
    struct buffer many;
    buffer_init(&many, 4096);
    for (int i = 0; i < 40; i++)
        buffer_add_text(&many, "{a,b}");
    buffer_add_char(&many, '\0');
    const char *patterns[] = {many.data};
    struct glob_list list;
    assert_int_equal(glob_list_init(&list, patterns, 1, false), GLOB_TOO_MANY);
    assert_int_equal(glob_list_init(&list, patterns, 0, false), GLOB_OK);
    assert_false(glob_list_matches(&list, SLICE("/a")));
    glob_list_release(&list);
    buffer_release(&many);
}

/* A name that nearly matches many stars does not take exponential time. */
static void many_stars_are_cheap(void **state)
{
    (void)state;
    char name[255];
    memset(name, 'a', sizeof name);
    assert_false(glob_part_matches(SLICE("*a*a*a*a*a*a*a*a*a*a*a*a*b"), slice_of(name, sizeof name), false));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(takes_what_the_cases_say),
        cmocka_unit_test(knows_where_a_search_begins),
        cmocka_unit_test(has_a_ceiling),
        cmocka_unit_test(many_stars_are_cheap),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
