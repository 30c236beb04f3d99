/* How mistakes are collected, sorted and printed. */
#include "diagnostics.h"
#include "limits.h"
#include "support/cmocka_setup.h"

#include <stdio.h>
#include <stdlib.h>

static const struct source_file file = {"a.yaml", {"one: 1\n\ttwo: größe\nwrite_key: rk_secret\n  rk_below\n", 48}};

static void assert_printed(struct diagnostics *d, bool excerpts, bool colour, const char *expected)
{
    struct buffer out;
    buffer_init(&out, 1 << 20);
    diagnostics_print(d, &out, excerpts, colour);
    buffer_add_char(&out, '\0');
    assert_string_equal(out.data, expected);
    buffer_release(&out);
}

static struct source_place at(uint32_t line, uint32_t column)
{
    return (struct source_place){&file, line, column};
}

/* By file as added, line and column; the same message at the same place only once. */
static void mistakes_are_sorted_and_said_once(void **state)
{
    (void)state;
    struct diagnostics *d = diagnostics_new();
    const struct source_file other = {"0.yaml", {"", 0}};
    diagnostics_add_file(d, &file);
    diagnostics_add(d, SEVERITY_ERROR, (struct source_place){&other, 1, 1}, "in another file");
    diagnostics_add(d, SEVERITY_ERROR, at(2, 7), "%s", "third");
    diagnostics_add(d, SEVERITY_WARNING, at(2, 2), "second");
    diagnostics_add(d, SEVERITY_ERROR, at(1, 1), "first");
    diagnostics_add(d, SEVERITY_ERROR, at(1, 1), "first, too");
    diagnostics_add(d, SEVERITY_ERROR, at(1, 1), "first");
    diagnostics_add(d, SEVERITY_ERROR, (struct source_place){0}, "nowhere");
    assert_printed(d, false, false,
                   "error: nowhere\n"
                   "a.yaml:1:1: error: first\n"
                   "a.yaml:1:1: error: first, too\n"
                   "a.yaml:2:2: warning: second\n"
                   "a.yaml:2:7: error: third\n"
                   "0.yaml:1:1: error: in another file\n");
    assert_int_equal(diagnostics_count(d), 6);
    assert_int_equal(diagnostics_errors(d), 5);
    assert_string_equal(diagnostics_at(d, 3)->text, "second");
    assert_null(diagnostics_at(d, 6));
    diagnostics_free(d);
}

/* The source line with a caret under the word, by characters; never a line that may hold a key. */
static void excerpts_show_the_word(void **state)
{
    (void)state;
    struct diagnostics *d = diagnostics_new();
    diagnostics_add(d, SEVERITY_ERROR, at(1, 1), "a");
    diagnostics_add(d, SEVERITY_ERROR, at(2, 7), "b");
    diagnostics_add(d, SEVERITY_ERROR, at(2, 12), "past the end");
    diagnostics_add(d, SEVERITY_ERROR, at(3, 12), "c");
    diagnostics_add(d, SEVERITY_ERROR, at(4, 3), "d");
    assert_printed(d, true, false,
                   "a.yaml:1:1: error: a\n    one: 1\n    ^~~\n"
                   "a.yaml:2:7: error: b\n    \ttwo: größe\n    \t     ^~~~~\n"
                   "a.yaml:2:12: error: past the end\n    \ttwo: größe\n    \t          ^\n"
                   "a.yaml:3:12: error: c\n"
                   "a.yaml:4:3: error: d\n");
    diagnostics_free(d);
    d = diagnostics_new();
    diagnostics_add(d, SEVERITY_WARNING, at(1, 6), "a");
    assert_printed(d, true, true,
                   "\x1b[1ma.yaml:1:6:\x1b[0m \x1b[1;35mwarning:\x1b[0m a\n    one: 1\n         \x1b[1;32m^\x1b[0m\n");
    diagnostics_free(d);
}

/* One message is one line, whatever names the file has, and a long one is cut between characters. */
static void messages_are_harmless(void **state)
{
    (void)state;
    char text[2000];
    memset(text, 'a', sizeof text);
    memcpy(text, "x\n\x1b[2J\xc2\x9b", 8);
    memcpy(text + 1022, "ü", 2);
    text[sizeof text - 1] = '\0';
    struct diagnostics *d = diagnostics_new();
    diagnostics_add(d, SEVERITY_ERROR, at(1, 1), "%s", text);
    const char *kept = diagnostics_at(d, 0)->text;
    assert_memory_equal(kept, "x  [2J  a", 9);
    assert_int_equal(strlen(kept), 1022);
    diagnostics_free(d);
}

/* Above the ceiling the rest is only counted. */
static void many_mistakes_are_cut_short(void **state)
{
    (void)state;
    struct diagnostics *d = diagnostics_new();
    for (uint32_t i = 0; i < 30000; i++)
        diagnostics_add(d, SEVERITY_ERROR, at(i + 1, 1), "mistake");
    struct buffer out;
    buffer_init(&out, 1 << 20);
    diagnostics_print(d, &out, false, false);
    assert_int_equal(diagnostics_errors(d), 30000);
    size_t lines = 0;
    for (size_t i = 0; i < out.len; i++)
        lines += out.data[i] == '\n';
    assert_int_equal(lines, LIMIT_CONFIG_ERRORS + 1);
    assert_true(slice_ends_with(buffer_slice(&out), SLICE("\nand 29800 more\n")));
    buffer_release(&out);
    diagnostics_free(d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(mistakes_are_sorted_and_said_once),
        cmocka_unit_test(excerpts_show_the_word),
        cmocka_unit_test(messages_are_harmless),
        cmocka_unit_test(many_mistakes_are_cut_short),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
