/* What is refused, at which character, and in which words: cases/errors.case. */
#include "path_case.h"
#include "support/cmocka_setup.h"

#include <stdio.h>
#include <stdlib.h>

/* Whether one line of the file comes true: "at | part of the message | path". */
static bool line_holds(const char *line)
{
    const char *message = strstr(line, " | ") + 3;
    const char *path = strstr(message, " | ") + 3;
    size_t at = strtoul(line, NULL, 10);
    char part[160];
    snprintf(part, sizeof part, "%.*s", (int)(path - 3 - message), message);

    struct path_case c;
    path_case_init(&c);
    bool refused = !path_case_compile(&c, slice_from(path));
    bool holds = refused && c.error.at == at && strstr(c.error.text, part);
    if (!holds)
        print_error("%s\n  got %s: %zu %s\n", line, refused ? "refused" : "taken", c.error.at, c.error.text);
    path_case_release(&c);
    return holds;
}

/* Each mistake is named where it stands. */
static void mistakes_have_their_place(void **state)
{
    (void)state;
    int cases = 0, failed = 0;
    char line[512];
    FILE *file = fopen(CASES "/errors.case", "r");
    assert_non_null(file);
    while (fgets(line, sizeof line, file)) {
        line[strcspn(line, "\n")] = '\0';
        if (line[0] == '#' || line[0] == '\0')
            continue;
        cases++;
        failed += !line_holds(line);
    }
    fclose(file);
    print_message("%d cases\n", cases);
    assert_true(cases >= 80);
    assert_int_equal(failed, 0);
}

static void assert_refused(struct slice path, size_t at, const char *part)
{
    struct path_case c;
    path_case_init(&c);
    assert_null(path_case_compile(&c, path));
    assert_int_equal(c.error.at, at);
    assert_non_null(strstr(c.error.text, part));
    path_case_release(&c);
}

/* Bytes that a text file of cases cannot hold. */
static void odd_bytes_have_their_place(void **state)
{
    (void)state;
    assert_refused(SLICE("$['a\nb']"), 4, "control character");
    assert_refused(SLICE("$['a\0b']"), 4, "control character");
    assert_refused(SLICE("$.a\0"), 3, "does not belong");
    assert_refused(SLICE("$.\0"), 2, "expected a name");
    assert_refused(SLICE("$['a\xff']"), 4, "not UTF-8");
    assert_refused(SLICE("$.a\xc3\x28"), 3, "not UTF-8");
    assert_refused(SLICE("$.\xed\xa0\x80"), 2, "not UTF-8"); /* a surrogate */
}

/* A text of `open` n times, `middle`, `close` n times behind `$`; malloc'ed. */
static struct slice nested(const char *open, size_t n, const char *middle, const char *close)
{
    struct buffer b;
    size_t len;
    buffer_init(&b, MIB(1));
    buffer_add_text(&b, "$");
    for (size_t i = 0; i < n; i++)
        buffer_add_text(&b, open);
    buffer_add_text(&b, middle);
    for (size_t i = 0; i < n; i++)
        buffer_add_text(&b, close);
    char *text = buffer_take(&b, &len);
    return slice_of(text, len);
}

static bool compiles(struct slice path)
{
    struct path_case c;
    path_case_init(&c);
    bool compiled = path_case_compile(&c, path);
    if (!compiled)
        assert_non_null(strstr(c.error.text, "nested deeper than 64"));
    path_case_release(&c);
    return compiled;
}

/* Filters, parentheses and calls nest 64 deep and no deeper, so that no text can exhaust the stack. */
static void nesting_has_a_ceiling(void **state)
{
    (void)state;
    const struct {
        const char *open, *middle, *close;
        size_t most;
    } shapes[] = {
        {"[?@", "", "]", LIMIT_PATH_DEPTH},
        {"[?(@", "", ")]", LIMIT_PATH_DEPTH / 2},
        {"[?!(@", "", ")]", LIMIT_PATH_DEPTH / 2},
        {"[?count(@", "", ")==1]", LIMIT_PATH_DEPTH / 2},
    };
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
        struct slice most = nested(shapes[i].open, shapes[i].most, shapes[i].middle, shapes[i].close);
        struct slice more = nested(shapes[i].open, shapes[i].most + 1, shapes[i].middle, shapes[i].close);
        struct slice far_more = nested(shapes[i].open, 3000, shapes[i].middle, shapes[i].close);
        assert_true(compiles(most));
        assert_false(compiles(more));
        assert_false(compiles(far_more));
        free((void *)(uintptr_t)most.text);
        free((void *)(uintptr_t)more.text);
        free((void *)(uintptr_t)far_more.text);
    }
}

/* A path longer than an expression may be is refused; one just as long is not, be it one long chain of `&&`. */
static void length_has_a_ceiling(void **state)
{
    (void)state;
    static char text[LIMIT_EXPRESSION + 1];
    memset(text, '&', sizeof text);
    memcpy(text, "$[?@", 4);
    for (size_t i = 6; i + 2 < sizeof text; i += 3)
        text[i] = '@';
    size_t len = 4 + (sizeof text - 6) / 3 * 3;
    text[len] = ']';
    struct path_case c;
    path_case_init(&c);
    assert_non_null(path_case_compile(&c, slice_of(text, len + 1)));
    assert_null(path_case_compile(&c, slice_of(text, sizeof text)));
    assert_int_equal(c.error.at, LIMIT_EXPRESSION);
    path_case_release(&c);
}

/* Wherever memory ends while compiling, the answer is an error that says so, and nothing leaks. */
static void memory_may_end_anywhere(void **state)
{
    (void)state;
    struct slice path = SLICE("$.a['b\\u00e9'][?@.c == 'x' && (count(@..d) > 1 || !match(@.e, 'f.*'))][1:2].g");
    bool compiled = false;
    size_t refused = 0;
    for (size_t limit = 0; !compiled; limit += 16) {
        struct path_case c;
        path_case_init(&c);
        c.programs.limit = limit;
        compiled = path_case_compile(&c, path);
        if (!compiled) {
            assert_string_equal(c.error.text, "out of memory");
            refused++;
        }
        path_case_release(&c);
    }
    assert_true(refused > 50);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(mistakes_have_their_place), cmocka_unit_test(odd_bytes_have_their_place),
        cmocka_unit_test(nesting_has_a_ceiling),     cmocka_unit_test(length_has_a_ceiling),
        cmocka_unit_test(memory_may_end_anywhere),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
