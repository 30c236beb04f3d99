/* Skipping many lines at a time says of each what looking at it alone says. */
#include "conf/memory_source.h"
#include "map/prefilter.h"
#include "support/cmocka_setup.h"

#include <string.h>

struct filter {
    struct config *config;
    struct arena arena;
    struct prefilter p;
};

static void filter_begin(struct filter *f, const char *when)
{
    static struct memory_source memory;
    struct config_source source = memory_source_of(&memory);
    struct diagnostics *d = diagnostics_new();
    struct buffer text;
    buffer_init(&text, 1 << 16);
    buffer_printf(&text, "inputs: [{paths: [/x]}]\nrules: [{when: %s, drop: true}]\n", when);
    f->config = config_load_text(&source, "test.yaml", buffer_slice(&text), CONFIG_FOR_MAP, d);
    assert_non_null(f->config);
    diagnostics_free(d);
    buffer_release(&text);
    arena_init(&f->arena, 1 << 20);
    f->p = prefilter_of(f->config, 0, &f->arena);
    assert_true(f->p.count > 0);
}

static void filter_end(struct filter *f)
{
    arena_release(&f->arena);
    config_free(f->config);
}

static size_t skip_lines(const struct filter *f, const char *text, size_t *ret_lines)
{
    struct prefilter_scan scan;
    prefilter_scan_begin(&scan, &f->p, slice_from(text));
    return prefilter_skip(&scan, slice_from(text), 100, ret_lines);
}

/* As far as the first line that may match, is no object, is too long, or has no newline yet. */
static void lines_are_skipped_to_the_first_that_counts(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        size_t lines;
    } cases[] = {
        {"", 0},
        {"\n", 0},
        {"{}", 0},
        {"{}\n", 1},
        {"{}\r\n{}\n", 2},
        {"{\"a\":1}\n{\"msg\":\"hit\"}\n", 1},
        {"{\"a\":1}\n{\"a\":2}\n{\"msg\":\"hit\"", 2},
        {"{\"a\":\"\\n\"}\n{\"a\":\"\\\"\"}\n{\"a\":\"\\\\u0068it\"}\n{\"a\":\"\\u0068it\"}\n", 3},
        {"{\"a\":\"\\u00e9\\u4e00\"}\n{\"a\":\"\\/\"}\n", 2},
        {"{\"a\":1}\n\n{}\n", 1},
        {"{}\n[{}]\n", 1},
        {"{}\nplain text\n", 1},
        {"{}\n{\"a\":\"0123456789012345678901234567890123456789012345678901234567890123456789"
         "0123456789012345678901234567890123456789\"}\n{}\n",
         1},
    };
    struct filter f;
    filter_begin(&f, "{$.msg: hit}");
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        size_t lines, len = skip_lines(&f, cases[i].text, &lines);
        assert_int_equal(lines, cases[i].lines);
        assert_true(len == 0 || cases[i].text[len - 1] == '\n');
    }
    filter_end(&f);
}

/* An escape that may stand for a needle's character stops it. */
static void escapes_of_the_needles_matter(void **state)
{
    (void)state;
    struct filter f;
    size_t lines;
    filter_begin(&f, "{$.msg: a/b}");
    skip_lines(&f, "{\"x\":\"\\/\"}\n", &lines);
    assert_int_equal(lines, 0);
    filter_end(&f);
    filter_begin(&f, "{$.msg: 'é'}");
    skip_lines(&f, "{\"x\":\"\\u4e00\"}\n", &lines);
    assert_int_equal(lines, 0);
    filter_end(&f);
    filter_begin(&f, "{$.msg: 'a\\b'}");
    skip_lines(&f, "{\"x\":\"\\n\"}\n", &lines);
    assert_int_equal(lines, 0);
    filter_end(&f);
}

static bool holds_needle(const struct filter *f, struct slice line)
{
    for (size_t i = 0; i < f->p.count; i++)
        if (memmem(line.text, line.len, f->p.needles[i].text, f->p.needles[i].len))
            return true;
    return false;
}

static struct slice next_line(struct slice rest, size_t *ret_with_newline)
{
    const char *newline = rest.len ? memchr(rest.text, '\n', rest.len) : NULL;
    struct slice line = {rest.text, newline ? (size_t)(newline - rest.text) : rest.len};
    *ret_with_newline = newline ? line.len + 1 : 0;
    if (line.len && line.text[line.len - 1] == '\r')
        line.len--;
    return line;
}

/* Goes through the text as the mapper does: skips, then takes one line. */
static void compare(const struct filter *f, struct slice text)
{
    struct prefilter_scan scan;
    prefilter_scan_begin(&scan, &f->p, text);
    while (text.len) {
        size_t lines, len = prefilter_skip(&scan, text, 100, &lines), taken;
        struct slice skipped = {text.text, len}, line;
        for (; skipped.len; skipped = slice_from_offset(skipped, taken), lines--) {
            line = next_line(skipped, &taken);
            assert_true(taken > 0 && !prefilter_may_match(&f->p, line));
        }
        assert_int_equal(lines, 0);
        text = slice_from_offset(text, len);
        line = next_line(text, &taken);
        if (prefilter_may_match(&f->p, line))
            assert_true(prefilter_scan_may_match(&scan, line));
        if (taken == 0)
            break;
        if (!(prefilter_may_match(&f->p, line) || line.len > 100 || holds_needle(f, line)))
            fail_msg("stopped at %.*s", SLICE_FMT(line));
        text = slice_from_offset(text, taken);
    }
}

static void random_texts_agree(void **state)
{
    (void)state;
    static const char *const parts[] = {"{",
                                        "}",
                                        "\n",
                                        "}\n{",
                                        "}\r\n{",
                                        "\"",
                                        "ab\"",
                                        "ab",
                                        "\\u0061b",
                                        "\\\\u",
                                        "\\/",
                                        "/",
                                        "c/d\"",
                                        "\xc3\xa9\"",
                                        "\\u00e9",
                                        "\\",
                                        "x",
                                        ":1,",
                                        "\"a\":\"ab\"",
                                        "a very long piece of plain text",
                                        "\"q\":\"nothing\"",
                                        "\"m\":[]"};
    static const char *const whens[] = {"{$.a: ab}", "{$.a: [ab, 'é']}", "{any: [{$.a: c/d}, {$.b: {exists: true}}]}",
                                        "{$.a: [ab, abc, b, c, '', c/d, 'é', x, aa]}"};
    uint32_t seed = 7;
    for (size_t w = 0; w < sizeof whens / sizeof *whens; w++) {
        struct filter f;
        filter_begin(&f, whens[w]);
        for (int round = 0; round < 3000; round++) {
            struct buffer text;
            buffer_init(&text, 1 << 16);
            for (int i = 0; i < 60; i++) {
                seed = seed * 1664525 + 1013904223;
                buffer_add_text(&text, parts[(seed >> 16) % (sizeof parts / sizeof *parts)]);
            }
            compare(&f, buffer_slice(&text));
            buffer_release(&text);
        }
        filter_end(&f);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines_are_skipped_to_the_first_that_counts),
        cmocka_unit_test(escapes_of_the_needles_matter),
        cmocka_unit_test(random_texts_agree),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
