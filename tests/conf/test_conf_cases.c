/* cases/NAME.yaml and what is said about it, to the letter, in NAME.expect.
 *
 * The first lines of a case may be comments that say how it is loaded: `# purpose: check`, `# env: NAME=value`. With
 * RAINGAUGE_WRITE_EXPECT set, what is said is written to the .expect files, to be looked at in the diff. */
#include "conf/memory_source.h"
#include "support/cmocka_setup.h"

#include <glob.h>
#include <stdlib.h>

#define CASES TEST_DATA "/conf/cases"

struct situation {
    struct memory_source memory;
    char variables[15][200];
    enum config_purpose purpose;
};

static char *read_text(const char *path)
{
    FILE *f = fopen(path, "rb");
    if (!f)
        return NULL;
    char *text = calloc(1, 1 << 20);
    assert_non_null(text);
    (void)!fread(text, 1, (1 << 20) - 1, f);
    fclose(f);
    return text;
}

static enum config_purpose purpose_named(const char *name)
{
    static const char *const names[] = {"run", "online", "check", "map", "state"};
    for (unsigned i = 0; i < sizeof names / sizeof names[0]; i++)
        if (strcmp(names[i], name) == 0)
            return i;
    fail_msg("no purpose is named %s", name);
    return 0;
}

static void read_situation(const char *text, struct situation *s)
{
    size_t count = 0;
    *s = (struct situation){.memory = {.directory = CASES}};
    s->memory.variables[count++] = "RAINDROP_WRITE_KEY=rk_in_the_environment";
    while (*text == '#') {
        char word[200];
        if (sscanf(text, "# env: %199[^\n]", word) == 1) {
            memcpy(s->variables[count - 1], word, sizeof word);
            s->memory.variables[count] = s->variables[count - 1];
            count++;
        } else if (strncmp(text, "# no key\n", 9) == 0) {
            s->memory.variables[0] = "UNUSED=";
        } else if (sscanf(text, "# purpose: %199s", word) == 1) {
            s->purpose = purpose_named(word);
        }
        text = strchr(text, '\n') ? strchr(text, '\n') + 1 : "";
    }
}

static void run_case(const char *path)
{
    const char *name = strrchr(path, '/') + 1;
    struct situation s;
    struct buffer said;
    char expect_path[4096];
    char *text = read_text(path);
    assert_non_null(text);
    read_situation(text, &s);
    struct config_source source = memory_source_of(&s.memory);
    struct diagnostics *d = diagnostics_new();
    struct config *c = config_load(&source, name, s.purpose, d);
    assert_true((c == NULL) == (diagnostics_errors(d) > 0));
    config_free(c);
    buffer_init(&said, 1 << 20);
    diagnostics_print(d, &said, true, false);
    assert_false(said.failed);
    assert_null(said.len ? memmem(said.data, said.len, "rk_", 3) : NULL);
    buffer_clear(&said);
    diagnostics_print(d, &said, false, false);
    buffer_add_char(&said, '\0');
    diagnostics_free(d);

    snprintf(expect_path, sizeof expect_path, "%.*s.expect", (int)(strlen(path) - strlen(".yaml")), path);
    if (getenv("RAINGAUGE_WRITE_EXPECT")) {
        FILE *f = fopen(expect_path, "wb");
        assert_non_null(f);
        fputs(said.data, f);
        fclose(f);
    }
    char *expected = read_text(expect_path);
    if (!expected)
        fail_msg("%s has no .expect; it says:\n%s", name, said.data);
    assert_string_equal(said.data, expected);
    buffer_release(&said);
    free(expected);
    free(text);
}

/* Every mistake is reported at its place and in its words, and nothing else is. */
static void cases_say_what_is_expected(void **state)
{
    (void)state;
    glob_t cases;
    assert_int_equal(glob(CASES "/*.yaml", 0, NULL, &cases), 0);
    assert_true(cases.gl_pathc >= 10);
    for (size_t i = 0; i < cases.gl_pathc; i++)
        run_case(cases.gl_pathv[i]);
    globfree(&cases);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(cases_say_what_is_expected)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
