/* Random logs of containers, whose records are known as they are made, and random soup, of which only is asked that it
 * does not matter how it is cut and where reading begins. */
#include "reading.h"

#include "support/cmocka_setup.h"

#include <stdio.h>
#include <stdlib.h>

enum { LOGS = 300, SOUPS = 800 };

static uint64_t seed;

static unsigned below(unsigned n)
{
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return (unsigned)((seed >> 16) % n);
}

/* ---- Logs whose records are known ------------------------------------------------------------------------------- */

struct log {
    struct buffer file, expected;
    struct {
        bool open;
        size_t start;
        char text[256]; /* what its parts hold so far, escaped as in JSON */
    } streams[2];
    size_t line_start; /* where the next line of the file begins */
    bool docker;
};

static void write_part(struct log *log, unsigned stream, const char *text, bool last)
{
    const char *name = stream ? "stderr" : "stdout", *time = "2026-01-02T03:04:05Z";
    if (log->docker)
        buffer_printf(&log->file, "{\"log\":\"%s%s\",\"stream\":\"%s\",\"time\":\"%s\"}\n", text, last ? "\\n" : "",
                      name, time);
    else
        buffer_printf(&log->file, "%s %s %c %s\n", time, name, last ? 'F' : 'P', text);
}

static void add_part(struct log *log, unsigned number)
{
    unsigned stream = below(2);
    bool last = below(3) == 0;
    char text[32];
    snprintf(text, sizeof text, "%u%.*s", number, (int)below(8), "abc\\\"def");
    size_t len = strlen(text);
    if (len && text[len - 1] == '\\')
        text[len - 1] = '\0'; /* no escape is cut in two */
    if (!log->docker)
        for (char *c = text; *c; c++)
            *c = *c == '\\' || *c == '"' ? '-' : *c;
    if (!log->streams[stream].open) {
        log->streams[stream].open = true;
        log->streams[stream].start = log->line_start;
        log->streams[stream].text[0] = '\0';
    }
    size_t used = strlen(log->streams[stream].text);
    last |= used > 180;
    snprintf(log->streams[stream].text + used, sizeof log->streams[stream].text - used, "%s", text);
    write_part(log, stream, text, last);
    log->line_start = log->file.len;
    if (!last)
        return;
    log->streams[stream].open = false;
    buffer_printf(&log->expected, "%zu [2026-01-02T03:04:05Z %s] %s\n", log->streams[stream].start,
                  stream ? "stderr" : "stdout", log->streams[stream].text);
}

static void make_log(struct log *log)
{
    *log = (struct log){.docker = below(2)};
    buffer_init(&log->file, 1 << 20);
    buffer_init(&log->expected, 1 << 20);
    for (unsigned i = 0, parts = 1 + below(40); i < parts; i++) {
        if (below(10) == 0) {
            buffer_add_char(&log->file, '\n');
            log->line_start = log->file.len;
        }
        if (below(10) == 0)
            buffer_add(&log->file, slice_of("\0\0\0", 1 + below(3)));
        add_part(log, i);
    }
}

/* Parts of both streams, mixed in any way, give the records that were written, each once, wherever reading is cut. */
static void known_records_come_whole_and_once(void **state)
{
    (void)state;
    struct record_reader r;
    struct record_place beginning = {.skipping = false};
    struct reading *whole = malloc(sizeof *whole);
    assert_non_null(whole);
    record_reader_init(&r);
    for (seed = 1; seed < LOGS * 77; seed += 77) {
        uint64_t keep = seed;
        struct log log;
        make_log(&log);
        struct record_options options = {
            .envelope = below(3) ? log.docker ? ENVELOPE_DOCKER : ENVELOPE_CRI : ENVELOPE_AUTO, .max_line = 1000};
        reading_init(whole);
        reading_whole(whole, &r, &options, buffer_slice(&log.file), &beginning, RECORDS_GO_ON);
        buffer_add_char(&whole->text, '\0');
        buffer_add_char(&log.expected, '\0');
        assert_string_equal(whole->text.data, log.expected.data);
        reading_check(&r, &options, buffer_slice(&log.file), RECORDS_GO_ON, 4);
        reading_release(whole);
        buffer_release(&log.file);
        buffer_release(&log.expected);
        seed = keep;
    }
    record_reader_release(&r);
    free(whole);
}

/* ---- Soup ------------------------------------------------------------------------------------------------------- */

static void make_soup(struct buffer *soup)
{
    static const char *const pieces[] = {"2026-01-02T03:04:05Z stdout P ",
                                         "2026-01-02T03:04:05Z stdout F ",
                                         "2026-01-02T03:04:05Z stderr P ",
                                         "2026-01-02T03:04:05Z stderr F ",
                                         "2026-01-02T03:04:05Z stderr F \n",
                                         "1 ",
                                         "2",
                                         "word",
                                         "\n",
                                         "\n",
                                         "\n",
                                         "\n\n",
                                         "\r\n",
                                         " ",
                                         "\xff",
                                         "\xc3\xa4",
                                         "{\"log\":\"1 a\\n\",\"stream\":\"stdout\",\"time\":\"Z\"}\n",
                                         "{\"log\":\"b\",\"stream\":\"stderr\",\"time\":\"Z\"}\n",
                                         "0123456789",
                                         "\xef\xbb\xbf",
                                         "\\n"};
    for (unsigned i = 0, n = below(60); i < n; i++) {
        unsigned which = below(sizeof pieces / sizeof pieces[0] + 1);
        if (which == sizeof pieces / sizeof pieces[0])
            buffer_add(soup, slice_of("\0\0\0\0", 1 + below(4)));
        else
            buffer_add_text(soup, pieces[which]);
    }
}

static bool is_even(const void *context, struct slice text)
{
    (void)context;
    return text.len % 2 == 0;
}

/* Whatever the bytes and the options are: the same records in any pieces, and from any record's place on. */
static void soup_reads_the_same_in_pieces(void **state)
{
    (void)state;
    struct regex_list regexes = {0};
    struct record_reader r;
    char error[100];
    size_t at;
    const struct regex *start = regex_compile(&regexes, SLICE("^\\d"), &at, error, sizeof error);
    assert_non_null(start);
    record_reader_init(&r);
    for (seed = 5; seed < SOUPS * 101; seed += 101) {
        uint64_t keep = seed;
        struct buffer soup;
        buffer_init(&soup, 1 << 20);
        make_soup(&soup);
        struct record_options options = {.envelope = below(4),
                                         .encoding = below(4) ? ENCODING_UTF8 : below(4),
                                         .multiline_start = below(2) ? start : NULL,
                                         .max_line = 4 + below(40),
                                         .is_whole = below(2) ? is_even : NULL};
        enum record_end end = (enum record_end)below(4);
        reading_check(&r, &options, buffer_slice(&soup), end, 4);
        buffer_release(&soup);
        seed = keep;
    }
    record_reader_release(&r);
    regex_free_all(&regexes);
}

/* Lines as such: joining nothing, and stepping over the joiner, are the same. */
static void lines_are_the_same_with_and_without_joining(void **state)
{
    (void)state;
    struct record_reader r;
    struct record_place beginning = {.skipping = false};
    struct reading *plain = malloc(sizeof *plain), *joined = malloc(sizeof *joined);
    assert_true(plain && joined);
    record_reader_init(&r);
    for (seed = 9; seed < SOUPS * 103; seed += 103) {
        uint64_t keep = seed;
        struct buffer soup;
        buffer_init(&soup, 1 << 20);
        for (unsigned i = 0, n = below(30); i < n; i++) {
            static const char *const pieces[] = {"word", "\n", "\r\n", " ", "\xff", "0123456789", "two words"};
            unsigned which = below(8);
            buffer_add(&soup, which == 7 ? slice_of("\0\0", 1 + below(2)) : slice_from(pieces[which]));
        }
        struct record_options options = {.max_line = 300};
        enum record_end end = (enum record_end)below(4);
        reading_init(plain);
        reading_init(joined);
        reading_whole(plain, &r, &options, buffer_slice(&soup), &beginning, end);
        options.envelope = ENVELOPE_AUTO;
        reading_whole(joined, &r, &options, buffer_slice(&soup), &beginning, end);
        assert_true(slice_equal(buffer_slice(&plain->text), buffer_slice(&joined->text)));
        assert_int_equal(plain->place.at.offset, joined->place.at.offset);
        assert_int_equal(plain->nuls, joined->nuls);
        reading_release(plain);
        reading_release(joined);
        buffer_release(&soup);
        seed = keep;
    }
    record_reader_release(&r);
    free(plain);
    free(joined);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(known_records_come_whole_and_once),
        cmocka_unit_test(soup_reads_the_same_in_pieces),
        cmocka_unit_test(lines_are_the_same_with_and_without_joining),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
