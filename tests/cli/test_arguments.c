/* A command's arguments by a table of its options. */
#include "cli/arguments.h"

#include "support/cmocka_setup.h"
#include "support/temp_dir.h"

#include <fcntl.h>
#include <unistd.h>

enum { ARGUMENTS_MOST = 8 };

struct parsed {
    bool once;
    const char *config, *input;
    int rest;
    char *left[ARGUMENTS_MOST];
    char complaint[512];
};

/* Parses, and catches what is said on stderr. */
static struct parsed parse(const char *const arguments[ARGUMENTS_MOST])
{
    struct parsed p = {0};
    memcpy(p.left, arguments, sizeof p.left); /* it re-orders the array, not the texts */
    const struct option_row rows[] = {
        {"--once", "-1", OPTION_FLAG, &p.once},
        {"--config", "-c", OPTION_TEXT, &p.config},
        {"--input", NULL, OPTION_TEXT, &p.input},
        OPTION_ROWS_END,
    };
    int fds[2], saved = dup(STDERR_FILENO);
    assert_int_equal(pipe2(fds, O_NONBLOCK), 0);
    fflush(stderr);
    dup2(fds[1], STDERR_FILENO);
    p.rest = arguments_parse("map", rows, p.left);
    fflush(stderr);
    dup2(saved, STDERR_FILENO);
    ssize_t n = read(fds[0], p.complaint, sizeof p.complaint - 1);
    p.complaint[n > 0 ? n : 0] = '\0';
    close(fds[0]);
    close(fds[1]);
    close(saved);
    return p;
}

#define PARSE(...) parse((const char *const[ARGUMENTS_MOST]){__VA_ARGS__})

/* A value may be an argument of its own, follow `=`, or a letter; the last of two counts. */
static void values_come_in_three_forms(void **state)
{
    (void)state;
    struct parsed p = PARSE("--config", "a", "--input=b=c");
    assert_string_equal(p.config, "a");
    assert_string_equal(p.input, "b=c");
    assert_int_equal(p.rest, 0);
    assert_string_equal(PARSE("-c", "x").config, "x");
    assert_string_equal(PARSE("-cx").config, "x");
    assert_string_equal(PARSE("-cx", "--config", "-").config, "-");
    assert_string_equal(PARSE("--input", "--once").input, "--once");
    assert_true(PARSE("-1").once);
}

/* What is no option is left in front, in its order: `-`, and whatever stands behind `--`. */
static void arguments_are_left(void **state)
{
    (void)state;
    struct parsed p = PARSE("a", "--once", "-", "b", "--", "--config", "-c");
    assert_int_equal(p.rest, 5);
    assert_true(p.once);
    static const char *const left[] = {"a", "-", "b", "--config", "-c"};
    for (int i = 0; i < 5; i++)
        assert_string_equal(p.left[i], left[i]);
    assert_null(p.left[5]);
}

/* Wrong usage is one line that says what is wrong, and what was perhaps meant. */
static void mistakes_are_one_clear_line(void **state)
{
    (void)state;
    static const struct {
        const char *arguments[ARGUMENTS_MOST];
        const char *complaint;
    } cases[] = {
        {{"--onec"}, "unknown option \"--onec\"; did you mean \"--once\"?"},
        {{"--confg=x"}, "unknown option \"--confg\"; did you mean \"--config\"?"},
        {{"--zzzzzz"}, "unknown option \"--zzzzzz\""},
        {{"-x"}, "unknown option \"-x\""},
        {{"--config"}, "option \"--config\" needs a value"},
        {{"--config="}, "option \"--config\" needs a value"},
        {{"-c"}, "option \"--config\" needs a value"},
        {{"--once=1"}, "option \"--once\" takes no value"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct parsed p = parse(cases[i].arguments);
        assert_int_equal(p.rest, -1);
        char line[512];
        snprintf(line, sizeof line, "raingauge map: %s (see raingauge map --help)\n", cases[i].complaint);
        assert_string_equal(p.complaint, line);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_come_in_three_forms),
        cmocka_unit_test(arguments_are_left),
        cmocka_unit_test(mistakes_are_one_clear_line),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
