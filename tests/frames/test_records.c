/* Records out of a file's bytes: cases/records.case, each read at once, in pieces, and from every place. */
#include "reading.h"

#include "map/case_file.h"
#include "support/cmocka_setup.h"
#include "text/utf8.h"
#include "json/json_doc.h"

#include <stdlib.h>

static struct regex_list regexes;

static bool is_json(const void *context, struct slice text)
{
    (void)context;
    return json_check(text, JSON_OBJECT_ONLY) == JSON_OK;
}

struct setup {
    struct record_options options;
    enum record_end end;
};

static unsigned choice(const char *word, const char *const words[])
{
    for (unsigned i = 0; words[i]; i++)
        if (strcmp(word, words[i]) == 0)
            return i;
    fail_msg("unknown word %s", word);
    return 0;
}

static void set(struct setup *setup, const char *key, const char *value)
{
    static const char *const envelopes[] = {"none", "cri", "docker", "auto", NULL};
    static const char *const encodings[] = {"utf-8", "utf-16le", "utf-16be", "latin1", NULL};
    static const char *const ends[] = {"go-on", "at-rest", "if-whole", "end", NULL};
    static const char *const keys[] = {"envelope", "encoding", "end", "max", "start", "parser", NULL};
    size_t at;
    char error[100];
    switch (choice(key, keys)) {
    case 0:
        setup->options.envelope = choice(value, envelopes);
        break;
    case 1:
        setup->options.encoding = choice(value, encodings);
        break;
    case 2:
        setup->end = choice(value, ends);
        break;
    case 3:
        setup->options.max_line = strtoul(value, NULL, 10);
        break;
    case 4:
        setup->options.multiline_start = regex_compile(&regexes, slice_from(value), &at, error, sizeof error);
        assert_non_null(setup->options.multiline_start);
        break;
    case 5:
        setup->options.is_whole = is_json;
        break;
    }
}

static struct setup setup_of(const struct buffer *config)
{
    struct setup setup = {.options.max_line = 1000};
    char *text = strndup(config->data ? config->data : "", config->len), *line, *rest = text;
    while ((line = strsep(&rest, "\n"))) {
        char *value = strstr(line, ": ");
        if (!value || strncmp(line, "inputs", 6) == 0) /* the case file's own */
            continue;
        *value = '\0';
        set(&setup, line, value + 2);
    }
    free(text);
    return setup;
}

/* Cases are written in UTF-8. */
static void encode(enum encoding_kind encoding, struct slice utf8, struct buffer *out)
{
    for (size_t at = 0; at < utf8.len;) {
        uint32_t c = utf8_next(utf8, &at);
        uint32_t units[2] = {c, 0};
        if (c >= 0x10000) {
            units[0] = 0xd800 + ((c - 0x10000) >> 10);
            units[1] = 0xdc00 + ((c - 0x10000) & 0x3ff);
        }
        for (int i = 0; i < 2 && (i == 0 || units[i]); i++) {
            char high = (char)(units[i] >> 8), low = (char)units[i];
            if (encoding == ENCODING_UTF16BE)
                buffer_add_char(out, high);
            buffer_add_char(out, low);
            if (encoding == ENCODING_UTF16LE)
                buffer_add_char(out, high);
        }
    }
}

static bool read_as_expected(const struct mapper_case *c, const struct setup *setup, struct slice file)
{
    struct record_reader r;
    struct record_place beginning = {.skipping = false};
    struct reading *whole = malloc(sizeof *whole);
    assert_non_null(whole);
    record_reader_init(&r);
    reading_init(whole);
    reading_whole(whole, &r, &setup->options, file, &beginning, setup->end);
    const struct record_place *p = &whole->place;
    buffer_printf(&whole->text, "at %llu", (unsigned long long)p->at.offset);
    if (p->lanes.ahead[0] || p->lanes.ahead[1])
        buffer_printf(&whole->text, " ahead %u %u", p->lanes.ahead[0], p->lanes.ahead[1]);
    if (p->lanes.skip[0] || p->lanes.skip[1])
        buffer_printf(&whole->text, " skip %u %u", p->lanes.skip[0], p->lanes.skip[1]);
    buffer_printf(&whole->text, "%s\n", p->skipping ? " skipping" : "");
    bool same = slice_equal(buffer_slice(&whole->text), buffer_slice(&c->expected));
    if (!same)
        print_error("== %s\nexpected:\n%.*s\ngot:\n%.*s\n", c->title, SLICE_FMT(buffer_slice(&c->expected)),
                    SLICE_FMT(buffer_slice(&whole->text)));
    reading_release(whole);
    free(whole);
    reading_check(&r, &setup->options, file, setup->end, 50);
    record_reader_release(&r);
    return same;
}

static void run_cases(const char *path, size_t least)
{
    struct case_file file;
    case_file_read(&file, path);
    size_t failed = 0;
    assert_true(file.count >= least);
    for (size_t i = 0; i < file.count; i++) {
        struct setup setup = setup_of(&file.cases[i].config);
        struct slice lines = buffer_slice(&file.cases[i].lines);
        struct buffer encoded;
        buffer_init(&encoded, (size_t)1 << 20);
        if (setup.options.encoding == ENCODING_UTF8)
            buffer_add(&encoded, lines);
        else
            encode(setup.options.encoding, lines, &encoded);
        failed += !read_as_expected(&file.cases[i], &setup, buffer_slice(&encoded));
        buffer_release(&encoded);
    }
    print_message("%zu cases\n", file.count);
    case_file_release(&file);
    assert_int_equal(failed, 0);
}

static void container_lines(void **state)
{
    (void)state;
    run_cases(CASES "/containers.case", 20);
}

static void records_of_many_lines(void **state)
{
    (void)state;
    run_cases(CASES "/multiline.case", 10);
}

static void other_encodings(void **state)
{
    (void)state;
    run_cases(CASES "/encodings.case", 8);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(container_lines),
        cmocka_unit_test(records_of_many_lines),
        cmocka_unit_test(other_encodings),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    regex_free_all(&regexes);
    return failed;
}
