/* Where a command's configuration and state come from. */
#include "cli/options.h"

#include "support/cmocka_setup.h"
#include "support/temp_dir.h"

#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

static const char *const variables[] = {"RAINGAUGE_CONFIG", "STATE_DIRECTORY", "XDG_STATE_HOME", "HOME"};
enum { VARIABLES = sizeof variables / sizeof *variables };
static char *saved[VARIABLES];

static int clear_environment(void **state)
{
    (void)state;
    for (size_t i = 0; i < VARIABLES; i++) {
        const char *value = getenv(variables[i]);
        saved[i] = value ? strdup(value) : NULL;
        unsetenv(variables[i]);
    }
    return 0;
}

static int restore_environment(void **state)
{
    (void)state;
    for (size_t i = 0; i < VARIABLES; i++) {
        if (saved[i])
            setenv(variables[i], saved[i], 1);
        free(saved[i]);
    }
    return 0;
}

static void assert_state_dir(const struct config_options *o, const struct config *config, const char *expected)
{
    char *directory = options_state_dir(o, config);
    assert_string_equal(directory, expected);
    free(directory);
}

/* --state-dir goes before the configuration's, that before systemd's (the first of several), and then come the user's
 * own directories, but for root. */
static void state_dir_by_precedence(void **state)
{
    (void)state;
    struct config_options o = {0};
    struct config config = {.state_dir = NULL};
    bool root = geteuid() == 0;
    assert_state_dir(&o, &config, "/var/lib/raingauge");
    setenv("HOME", "/home/u", 1);
    assert_state_dir(&o, NULL, root ? "/var/lib/raingauge" : "/home/u/.local/state/raingauge");
    setenv("XDG_STATE_HOME", "relative", 1);
    assert_state_dir(&o, NULL, root ? "/var/lib/raingauge" : "/home/u/.local/state/raingauge");
    setenv("XDG_STATE_HOME", "/xdg", 1);
    assert_state_dir(&o, NULL, root ? "/var/lib/raingauge" : "/xdg/raingauge");
    setenv("STATE_DIRECTORY", "/var/lib/a:/var/lib/b", 1);
    assert_state_dir(&o, &config, "/var/lib/a");
    config.state_dir = "/configured";
    assert_state_dir(&o, &config, "/configured");
    o.state_dir = "given";
    assert_state_dir(&o, &config, "given");
}

/* -c goes before the environment, that before the usual place; a preset needs no file. */
static void config_path_by_precedence(void **state)
{
    (void)state;
    struct config_options o = {0};
    assert_string_equal(options_config_path(&o), "/etc/raingauge/raingauge.yaml");
    setenv("RAINGAUGE_CONFIG", "", 1);
    assert_string_equal(options_config_path(&o), "/etc/raingauge/raingauge.yaml");
    setenv("RAINGAUGE_CONFIG", "/env.yaml", 1);
    assert_string_equal(options_config_path(&o), "/env.yaml");
    o.config_path = "given.yaml";
    assert_string_equal(options_config_path(&o), "given.yaml");
    o = (struct config_options){.preset = "p"};
    assert_null(options_config_path(&o));
}

/* All that is missing on the way is made, for the owner alone; what is there already stays as it is. */
static void state_dir_is_made(void **state)
{
    (void)state;
    struct temp_dir dir;
    temp_dir_make(&dir);
    struct error error = {0};
    struct stat found;
    const char *path = temp_path(&dir, "a/b/c/");
    assert_true(options_make_state_dir(path, &error));
    assert_true(options_make_state_dir(path, &error));
    assert_int_equal(stat(path, &found), 0);
    assert_int_equal(found.st_mode & 07777, 0700);
    chmod(path, 0750);
    assert_true(options_make_state_dir(path, &error));
    assert_int_equal(stat(path, &found), 0);
    assert_int_equal(found.st_mode & 07777, 0750);

    temp_write(&dir, "file", "", 0);
    assert_false(options_make_state_dir(temp_path(&dir, "file"), &error));
    assert_non_null(strstr(error.text, "Not a directory"));
    assert_false(options_make_state_dir(temp_path(&dir, "file/state"), &error));
    assert_non_null(strstr(error.text, "Not a directory"));
    temp_dir_remove(&dir);
}

/* The GLOBs of a preset are written so that neither YAML nor the environment changes them. */
static void preset_is_a_configuration(void **state)
{
    (void)state;
    char first[] = "/log/*.jsonl", second[] = "a \"b\" ${HOME} # \\[x]\n";
    char *globs[] = {first, second, NULL};
    struct config_options o = {.preset = "p", .globs = globs, .glob_count = 2};
    struct buffer out;
    buffer_init(&out, 1 << 16);
    options_write_preset(&o, &out);
    buffer_add_char(&out, '\0');
    assert_string_equal(out.data, "include: [\"preset:p\"]\ninputs:\n  - paths:\n      - \"/log/*.jsonl\"\n"
                                  "      - \"a \\\"b\\\" $${HOME} # \\\\[x]\\n\"\n");
    buffer_release(&out);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, clear_environment, restore_environment)
    const struct CMUnitTest tests[] = {
        TEST(state_dir_by_precedence),
        TEST(config_path_by_precedence),
        TEST(state_dir_is_made),
        TEST(preset_is_a_configuration),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
