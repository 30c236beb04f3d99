/* RFC 9485's grammar, and what its expressions match. */
#include "expr/regex.h"
#include "support/cmocka_setup.h"

static struct slice convert(struct arena *a, const char *pattern)
{
    return iregexp_to_pcre2(a, slice_from(pattern));
}

/* Everything that PCRE2 has beyond I-Regexp, and everything malformed. */
static void what_is_no_iregexp_is_refused(void **state)
{
    (void)state;
    static const char *const refused[] = {
        "*",       "+a",      "?",           "a|*",     "(*a)",       "a**",        "a*?",      "a*+",
        "a{1}{2}", "a{",      "a{}",         "a{,2}",   "a{1",        "a{1,2",      "a{2,1}",   "a{x}",
        "{1}",     "(",       "(a",          "a)",      ")",          "(?:a)",      "(?=a)",    "(?i)a",
        "(*UTF)",  "\\",      "\\d",         "\\w",     "\\s",        "\\b",        "\\A",      "\\1",
        "\\x41",   "\\u0041", "\\/",         "\\a",     "\\p",        "\\pL",       "\\p{",     "\\p{}",
        "\\p{X}",  "\\p{Lx}", "\\p{Cs}",     "\\p{Lu",  "\\p{Lul}",   "\\p{^L}",    "\\p{IsL}", "[",
        "[]",      "[^]",     "[a",          "[^a",     "[a-",        "[z-a]",      "[a-b-c]",  "[a--]",
        "[--a]",   "[[a]]",   "[a[]",        "[\\d]",   "[a-\\p{L}]", "[\\p{L}-z]", "]",        "}",
        "a]",      "a}",      "[[:alpha:]]", "[\\",     "a\\",        "[a&&[b]]",   "\xff",     "[\xed\xa0\x80]",
        "\\p{LC}", "\\-\\_",  "[\\p{Zs]",    "a{1,2}?", "(a))",       "((a)",
    };
    struct arena a;
    arena_init(&a, 1 << 20);
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++)
        if (convert(&a, refused[i]).text)
            fail_msg("taken: %s", refused[i]);
    arena_release(&a);
}

static void what_is_one_matches(void **state)
{
    (void)state;
    static const struct {
        const char *pattern, *text;
        bool matches;
    } cases[] = {
        {"", "", true},
        {"", "a", false},
        {"a|", "", true},
        {"()", "", true},
        {"a||b", "b", true},
        {"ab|cd", "abd", false}, /* the anchors hold for the whole alternation */
        {"ab|cd", "cd", true},
        {"(ab)*c", "ababc", true},
        {"a{2}", "aa", true},
        {"a{2}", "aaa", false},
        {"a{2,}", "aaaa", true},
        {"a{1,2}", "aaa", false},
        {"a{0}b", "b", true},
        {".", "\n", false},
        {".", "\r", false},
        {".", "\xe2\x80\xa8", true}, /* U+2028 */
        {".", "\xf0\x9d\x84\x9e", true},
        {"\\n\\r\\t", "\n\r\t", true},
        {"\\(\\)\\*\\+\\-\\.\\?\\[\\\\\\]\\^\\{\\|\\}", "()*+-.?[\\]^{|}", true},
        {"#a b<>&~`'\"!%@=:;,/_-", "#a b<>&~`'\"!%@=:;,/_-", true},
        {"\\p{Lu}", "\xd0\x96", true},
        {"\\p{Lu}", "\xd0\xb6", false},
        {"\\P{Lu}", "1", true},
        {"\\p{L}\\p{Nd}\\p{Pd}\\p{Zs}\\p{Sc}\\p{Cc}", "a1- $\x01", true},
        {"\\p{Co}\\p{Cn}", "\xee\x80\x80\xcd\xb8", true},
        {"[abc]", "b", true},
        {"[^abc]", "b", false},
        {"[^abc]", "\n", true}, /* only the dot leaves line ends out */
        {"[a-cx-z]+", "axbz", true},
        {"[-a]", "-", true},
        {"[a-]", "-", true},
        {"[^-a]", "-", false},
        {"[--]", "-", true},
        {"[a^]", "^", true},
        {"[.*+?(){}|$]+", "$|}{)(?+*.", true},
        {"[\\]\\[\\\\\\-]+", "]-[\\", true},
        {"[\\n-\\r]", "\x0b", true},
        {"[\\p{L}0-9_]+", "\xc3\xa9_9", true},
        {"[^\\P{L}]", "a", true},
        {"[\xd0\xb0-\xd1\x8f]+", "\xd0\xb6", true},
        {"^ab.*", "abc", true}, /* anchors, as in the JSONPath compliance suite */
        {"^ab.*", "xab", false},
        {".*bc$", "abc", true},
        {"a$", "a\n", false},
        {"^*a$?", "a", true},
    };
    struct arena a;
    arena_init(&a, 1 << 20);
    struct regex_list list = {0};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        size_t at;
        char error[120] = "refused";
        struct slice pcre = convert(&a, cases[i].pattern);
        struct regex *re = pcre.text ? regex_compile(&list, pcre, &at, error, sizeof error) : NULL;
        if (!re)
            fail_msg("%s: %s", cases[i].pattern, error);
        if ((regex_match_whole(re, slice_from(cases[i].text)) == REGEX_YES) != cases[i].matches)
            fail_msg("%s on '%s'", cases[i].pattern, cases[i].text);
    }
    regex_free_all(&list);
    arena_release(&a);
}

/* A NUL and other control characters are ordinary ones; lack of memory is no crash. */
static void odd_bytes_and_little_memory(void **state)
{
    (void)state;
    struct arena a;
    struct regex_list list = {0};
    size_t at;
    char error[120];
    arena_init(&a, 1 << 10);
    struct slice pcre = iregexp_to_pcre2(&a, SLICE("a\0[\0-\x1f]"));
    assert_non_null(pcre.text);
    struct regex *re = regex_compile(&list, pcre, &at, error, sizeof error);
    assert_non_null(re);
    assert_int_equal(regex_match_whole(re, SLICE("a\0\n")), REGEX_YES);
    regex_free_all(&list);
    arena_release(&a);
    arena_init(&a, 16);
    assert_null(iregexp_to_pcre2(&a, SLICE("abcdef")).text);
    arena_release(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_no_iregexp_is_refused),
        cmocka_unit_test(what_is_one_matches),
        cmocka_unit_test(odd_bytes_and_little_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
