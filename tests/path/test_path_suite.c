/* The compliance suite of RFC 9535, every case of it: the copy in <source>/../shared/data and the one that npm's
 * jsonpath-rfc9535 carries, where they are there. */
#include "path_case.h"
#include "support/cmocka_setup.h"

#include <stdio.h>
#include <stdlib.h>

struct totals {
    int valid, invalid, failed;
};

/* A file's text to be freed, or NULL. */
static char *read_file(const char *name, size_t *ret_len)
{
    FILE *file = fopen(name, "rb");
    if (!file)
        return NULL;
    char *text = malloc(MIB(4));
    *ret_len = text ? fread(text, 1, MIB(4), file) : 0;
    fclose(file);
    return text;
}

static bool nodes_equal(struct path_case *c, const struct value *nodes, size_t count, struct value *expected)
{
    size_t i = 0;
    struct value_walk walk = {.of = *expected};
    while (value_walk_next(&c->scratch, &walk)) {
        if (i >= count || !value_equal(&c->scratch, &nodes[i], &walk.value))
            return false;
        i++;
    }
    return i == count;
}

/* Whether the nodes are those of `result` or of one in `results`. */
static bool is_expected(struct path_case *c, struct value *test, const struct value *nodes, size_t count)
{
    struct value result = value_member(&c->scratch, test, SLICE("result"));
    if (value_is_there(&result))
        return nodes_equal(c, nodes, count, &result);
    struct value_walk walk = {.of = value_member(&c->scratch, test, SLICE("results"))};
    while (value_walk_next(&c->scratch, &walk)) {
        if (nodes_equal(c, nodes, count, &walk.value))
            return true;
    }
    return false;
}

/* jsonpath_value() says the same as jsonpath_nodes(): the node, or an array of them. */
static bool value_agrees(struct path_case *c, const struct jsonpath *path, struct value *document,
                         const struct value *nodes, size_t count)
{
    struct value v = jsonpath_value(&c->scratch, path, document, document);
    if (count == 0)
        return !value_is_there(&v);
    return jsonpath_is_singular(path) ? count == 1 && value_equal(&c->scratch, &v, &nodes[0])
                                      : nodes_equal(c, nodes, count, &v);
}

static bool passes_on(struct path_case *c, struct value *test, const struct jsonpath *path, struct value document)
{
    struct value *nodes;
    size_t count;
    return jsonpath_nodes(&c->scratch, path, &document, &document, &nodes, &count) &&
           is_expected(c, test, nodes, count) && value_agrees(c, path, &document, nodes, count);
}

/* By tokens and by text. */
static bool valid_case_passes(struct path_case *c, struct value *test, const struct jsonpath *path)
{
    struct value document = value_member(&c->scratch, test, SLICE("document"));
    struct buffer json;
    buffer_init_in(&json, &c->scratch);
    value_write(&json, &document);
    return path && passes_on(c, test, path, document) &&
           passes_on(c, test, path, path_case_text(c, buffer_slice(&json)));
}

static void run_case(struct path_case *c, struct value *test, struct totals *totals)
{
    struct value selector = value_member(&c->scratch, test, SLICE("selector"));
    struct value refused = value_member(&c->scratch, test, SLICE("invalid_selector"));
    c->error.text[0] = '\0';
    const struct jsonpath *path = path_case_compile(c, value_plain(&c->scratch, &selector));
    bool passes;
    if (refused.type == VALUE_TRUE) {
        totals->invalid++;
        passes = !path && c->error.text[0] && c->error.at <= selector.text.len;
    } else {
        totals->valid++;
        passes = valid_case_passes(c, test, path);
    }
    if (!passes) {
        struct value name = value_member(&c->scratch, test, SLICE("name"));
        print_error("%.*s: %.*s (%s)\n", SLICE_FMT(name.text), SLICE_FMT(selector.text), c->error.text);
        totals->failed++;
    }
}

/* All cases of a suite's file; false where there is none. */
static bool run_suite(const char *name, struct totals *totals)
{
    size_t len;
    char *text = read_file(name, &len);
    if (!text) {
        print_message("%s is not there: skipped\n", name);
        return false;
    }
    struct path_case c;
    path_case_init(&c);
    struct value root = path_case_document(&c, slice_of(text, len));
    struct value_walk walk = {.of = value_member(&c.scratch, &root, SLICE("tests"))};
    while (value_walk_next(&c.scratch, &walk))
        run_case(&c, &walk.value, totals);
    path_case_release(&c);
    free(text);
    print_message("%s: %d valid, %d invalid, %d failed\n", name, totals->valid, totals->invalid, totals->failed);
    return true;
}

/* A path gives exactly the nodes the suite names, in an order it allows; what it calls invalid is refused. */
static void shared_suite_passes(void **state)
{
    (void)state;
    char name[4096];
    struct totals totals = {0};
    const char *shared = getenv("RAINGAUGE_SHARED");
    snprintf(name, sizeof name, "%s/data/jsonpath-cts.json", shared ? shared : SHARED_DIRECTORY);
    if (!run_suite(name, &totals))
        skip();
    assert_int_equal(totals.failed, 0);
    assert_true(totals.valid >= 456);
    assert_true(totals.invalid >= 247);
}

static void npm_suite_passes(void **state)
{
    (void)state;
    char name[4096];
    struct totals totals = {0};
    const char *modules = getenv("RAINGAUGE_NODE_MODULES");
    if (!modules)
        skip();
    snprintf(name, sizeof name, "%s/jsonpath-rfc9535/src/__tests__/jsonpath-compliance-test-suite/cts.json", modules);
    if (!run_suite(name, &totals))
        skip();
    assert_int_equal(totals.failed, 0);
    assert_true(totals.valid >= 400);
    assert_true(totals.invalid >= 200);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(shared_suite_passes),
        cmocka_unit_test(npm_suite_passes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
