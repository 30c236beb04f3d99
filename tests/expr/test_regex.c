/* Regular expressions: what they find, how they give up, and that threads do not meet. */
#include "expr/regex.h"
#include "limits.h"
#include "support/cmocka_setup.h"

#include <pthread.h>
#include <stdlib.h>

static struct regex *compile(struct regex_list *list, const char *pattern)
{
    size_t at;
    char error[120];
    struct regex *re = regex_compile(list, slice_from(pattern), &at, error, sizeof error);
    if (!re)
        fail_msg("%s: %s at %zu", pattern, error, at);
    return re;
}

static void search_gives_match_and_group(void **state)
{
    (void)state;
    struct regex_list list = {0};
    struct regex_match m;
    struct regex *re = compile(&list, "user=(\\w+)");
    assert_int_equal(regex_search(re, SLICE("x user=ann user=bob"), 0, &m), REGEX_YES);
    assert_int_equal(m.start, 2);
    assert_int_equal(m.end, 10);
    assert_int_equal(m.group_start, 7);
    assert_int_equal(m.group_end, 10);
    assert_int_equal(regex_search(re, SLICE("x user=ann user=bob"), m.end, &m), REGEX_YES);
    assert_int_equal(m.group_start, 16);
    assert_int_equal(regex_search(re, SLICE("x user=ann"), 3, &m), REGEX_NO);
    assert_int_equal(regex_search(re, SLICE("x"), 2, NULL), REGEX_NO);

    re = compile(&list, "a(b)?|c"); /* a group that takes no part, and none at all */
    assert_int_equal(regex_search(re, SLICE("c"), 0, &m), REGEX_YES);
    assert_int_equal(m.group_start, SIZE_MAX);
    re = compile(&list, "b");
    assert_int_equal(regex_search(re, SLICE("abc"), 0, &m), REGEX_YES);
    assert_int_equal(m.group_start, SIZE_MAX);
    regex_free_all(&list);
    assert_null(list.first);
}

/* The empty text, also one without memory behind it, is a text. */
static void empty_text_is_searched(void **state)
{
    (void)state;
    struct regex_list list = {0};
    struct regex_match m;
    assert_int_equal(regex_search(compile(&list, "^$"), slice_of(NULL, 0), 0, &m), REGEX_YES);
    assert_int_equal(m.end, 0);
    assert_int_equal(regex_search(compile(&list, "."), SLICE(""), 0, NULL), REGEX_NO);
    assert_int_equal(regex_search(compile(&list, ""), SLICE("abc"), 3, &m), REGEX_YES);
    assert_int_equal(m.start, 3);
    regex_free_all(&list);
}

/* Names come by number, whatever their alphabet says; groups by number too. */
static void named_groups_are_listed(void **state)
{
    (void)state;
    struct regex_list list = {0};
    struct regex *re = compile(&list, "(?<zeta>a)(b)?(?<alpha>c)(d)?");
    size_t group, starts[5], ends[5];
    assert_int_equal(regex_names(re), 2);
    assert_true(slice_is(regex_name(re, 0, &group), "zeta"));
    assert_int_equal(group, 1);
    assert_true(slice_is(regex_name(re, 1, &group), "alpha"));
    assert_int_equal(group, 3);
    assert_int_equal(regex_group_count(re), 4);
    assert_int_equal(regex_search(re, SLICE("xac"), 0, NULL), REGEX_YES);
    assert_int_equal(regex_groups(re, starts, ends, 5), 5);
    assert_int_equal(starts[0], 1);
    assert_int_equal(ends[0], 3);
    assert_int_equal(starts[2], SIZE_MAX);
    assert_int_equal(starts[3], 2);
    assert_int_equal(ends[4], SIZE_MAX);
    assert_int_equal(regex_search(re, SLICE("none"), 0, NULL), REGEX_NO);
    assert_int_equal(regex_groups(re, starts, ends, 5), 0);
    regex_free_all(&list);
}

/* Characters are Unicode's: classes, case, and `.` as one character. */
static void text_is_unicode(void **state)
{
    (void)state;
    struct regex_list list = {0};
    struct regex_match m;
    assert_int_equal(regex_search(compile(&list, "^\\w+$"), SLICE("Ж\xc3\xa9"), 0, NULL), REGEX_YES);
    assert_int_equal(regex_search(compile(&list, "(?i)É"), SLICE("\xc3\xa9"), 0, NULL), REGEX_YES);
    assert_int_equal(regex_search(compile(&list, "a.b"),
                                  SLICE("a\xf0\x9d\x84\x9e"
                                        "b"),
                                  0, &m),
                     REGEX_YES);
    assert_int_equal(m.end, 6);
    regex_free_all(&list);
}

/* A mistake is told with its place; what could split a character, and what is too long, is refused. */
static void mistakes_are_told(void **state)
{
    (void)state;
    struct regex_list list = {0};
    size_t at = 0;
    char error[120] = "";
    assert_null(regex_compile(&list, SLICE("ab(c"), &at, error, sizeof error));
    assert_int_equal(at, 4);
    assert_non_null(strstr(error, "parenthesis"));
    assert_null(regex_compile(&list, SLICE("a\\C"), &at, error, sizeof error));
    char *longer = malloc(LIMIT_EXPRESSION + 1);
    memset(longer, 'a', LIMIT_EXPRESSION + 1);
    assert_null(regex_compile(&list, slice_of(longer, LIMIT_EXPRESSION + 1), &at, error, sizeof error));
    free(longer);
    assert_null(list.first);
}

static void whole_match_is_anchored(void **state)
{
    (void)state;
    struct regex_list list = {0};
    struct regex *re = compile(&list, "a|ab");
    assert_int_equal(regex_match_whole(re, SLICE("ab")), REGEX_YES); /* goes back for the other branch */
    assert_int_equal(regex_match_whole(re, SLICE("abc")), REGEX_NO);
    assert_int_equal(regex_match_whole(re, SLICE("xa")), REGEX_NO);
    assert_int_equal(regex_match_whole(re, SLICE("a\n")), REGEX_NO);
    regex_free_all(&list);
}

static char *repeated(const char *unit, size_t times, const char *end)
{
    size_t n = strlen(unit);
    char *text = malloc(n * times + strlen(end) + 1);
    for (size_t i = 0; i < times; i++)
        memcpy(text + i * n, unit, n);
    memcpy(text + n * times, end, strlen(end) + 1);
    return text;
}

/* Patterns that would run for ages on such text are given up within the test's time. */
static void catastrophes_end(void **state)
{
    (void)state;
    static const struct {
        const char *pattern, *unit, *end;
        size_t times;
    } cases[] = {
        {"(a+)+$", "a", "!", 40},                                /* exponential */
        {"(a|aa)+$", "a", "!", 100},                             /* too */
        {"(.*)*[xy]", "a", "", 5000},                            /* and nested stars */
        {"^(([a-z])+.)+[A-Z]([a-z])+$", "a", "", 1000},          /* a famous one */
        {"\\d+\\.x", "1", "", 1 << 20},                          /* only quadratic, but of a megabyte */
        {"(a+)+$", "aaaaaaaaaaaaaaa ", "!", 20000},              /* below the match limit, from each beginning anew */
        {"\\s+$", " ", "x", 1 << 20},                            /* trimming, as everybody writes it */
        {"(x+x+)+[yz]", "x", "", 30},                            /* two ways to cut each run */
        {"(?:[^\"\\\\]|\\\\.)*;", "ab\\\\c", "", (1 << 20) / 5}, /* the body of a quoted string */
    };
    struct regex_list list = {0};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char *text = repeated(cases[i].unit, cases[i].times, cases[i].end);
        if (regex_search(compile(&list, cases[i].pattern), slice_from(text), 0, NULL) != REGEX_LIMIT)
            fail_msg("not given up: %s", cases[i].pattern);
        free(text);
    }
    regex_free_all(&list);
}

/* The count goes on over the searches in one long text, and begins anew with the next text. */
static void steps_are_counted_over_searches(void **state)
{
    (void)state;
    struct regex_list list = {0};
    struct regex *re = compile(&list, "c(?=.*b)|c");
    char *text = repeated("c", 100000, "");
    struct regex_match m = {0};
    size_t found = 0;
    enum regex_result result;
    while ((result = regex_search(re, slice_from(text), m.end, &m)) == REGEX_YES)
        found++;
    assert_int_equal(result, REGEX_LIMIT);
    assert_in_range(found, 100, 10000);
    assert_int_equal(regex_search(re, slice_from(text), 0, NULL), REGEX_YES);
    free(text);
    regex_free_all(&list);
}

/* Long text alone is no reason to give up. */
static void long_text_is_searched(void **state)
{
    (void)state;
    struct regex_list list = {0};
    struct regex_match m;
    char *text = repeated("some words, a number 12.5 and mail a@b.example ", 1 << 15, "needle=7");
    assert_int_equal(regex_search(compile(&list, "needle=(\\d)"), slice_from(text), 0, &m), REGEX_YES);
    assert_int_equal(m.group_end, strlen(text));
    assert_int_equal(regex_search(compile(&list, "\\w+@\\w+\\.com\\b"), slice_from(text), 0, NULL), REGEX_NO);
    assert_int_equal(regex_match_whole(compile(&list, "(?s).*needle.*"), slice_from(text)), REGEX_YES);
    assert_int_equal(regex_match_whole(compile(&list, "(?s).*noodle.*"), slice_from(text)), REGEX_NO);
    free(text);
    regex_free_all(&list);
}

static void *search_often(void *p)
{
    const struct regex *re = p;
    size_t wrong = 0;
    for (int i = 0; i < 2000; i++) {
        struct regex_match m;
        if (regex_search(re, SLICE("aaa key=value zzz"), 0, &m) != REGEX_YES || m.group_start != 8 || m.group_end != 13)
            wrong++;
        wrong += regex_match_whole(re, SLICE("key=v")) != REGEX_YES;
    }
    return wrong ? p : NULL; /* not NULL: it went wrong */
}

/* One expression, four threads: each has its own groups, and what a thread had is given back when it ends (the
 * sanitizer's leak check sees to the latter). */
static void threads_share_an_expression(void **state)
{
    (void)state;
    struct regex_list list = {0};
    struct regex *re = compile(&list, "key=(\\w+)");
    pthread_t threads[4];
    for (size_t i = 0; i < 4; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, search_often, re), 0);
    for (size_t i = 0; i < 4; i++) {
        void *wrong;
        assert_int_equal(pthread_join(threads[i], &wrong), 0);
        assert_null(wrong);
    }
    regex_free_all(&list);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(search_gives_match_and_group),
        cmocka_unit_test(empty_text_is_searched),
        cmocka_unit_test(named_groups_are_listed),
        cmocka_unit_test(text_is_unicode),
        cmocka_unit_test(mistakes_are_told),
        cmocka_unit_test(whole_match_is_anchored),
        cmocka_unit_test(catastrophes_end),
        cmocka_unit_test(steps_are_counted_over_searches),
        cmocka_unit_test(long_text_is_searched),
        cmocka_unit_test(threads_share_an_expression),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
