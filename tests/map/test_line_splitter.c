/* Lines out of a file's bytes: what is stepped over, what is too long, and that it does not matter how they are cut. */
#include "base/buffer.h"
#include "limits.h"
#include "support/cmocka_setup.h"
#include "text/line_splitter.h"

#include <stdlib.h>

enum { MAX_LINE = 10 };

/* What is in `bytes`, cut into pieces at every place where `cut` has a bit (of the first 64), as text:
 * "OFFSET:TEXT|OFFSET!|" ("!" for a line that is too long), then the NUL bytes, where the rest begins, whether it is
 * being skipped. */
static struct buffer split(struct slice bytes, uint64_t cuts)
{
    struct buffer out;
    struct line line;
    uint64_t offset = 0, nuls = 0;
    bool skipping = false;
    buffer_init(&out, 1 << 20);
    for (size_t end = 1; end <= bytes.len; end++) {
        if (end < bytes.len && !(cuts >> (end % 64) & 1))
            continue;
        struct line_splitter s;
        line_splitter_init(&s, slice_of(bytes.text + offset, end - (size_t)offset), offset, skipping, MAX_LINE);
        while (line_splitter_next(&s, &line)) {
            buffer_printf(&out, "%llu%s", (unsigned long long)line.offset, line.oversized ? "!" : ":");
            buffer_add(&out, line.text); /* it may hold NULs */
            buffer_add_char(&out, '|');
        }
        offset = s.offset;
        skipping = s.skipping;
        nuls += s.nul_bytes;
    }
    buffer_printf(&out, " nul=%llu at=%llu%s", (unsigned long long)nuls, (unsigned long long)offset,
                  skipping ? " skipping" : "");
    buffer_add_char(&out, '\0');
    return out;
}

static void expect(struct slice bytes, const char *wanted)
{
    for (uint64_t i = 0; i < 200; i++) {
        uint64_t cuts = i == 0 ? 0 : i == 1 ? UINT64_MAX : i * UINT64_C(0x9E3779B97F4A7C15);
        struct buffer got = split(bytes, cuts);
        assert_string_equal(got.data, wanted);
        buffer_release(&got);
    }
}

#define EXPECT(bytes, wanted) expect(SLICE(bytes), wanted)

/* Each line has the offset of the byte after the previous newline; what has no newline waits. */
static void lines_have_their_offsets(void **state)
{
    (void)state;
    EXPECT("one\ntwo\nthr", "0:one|4:two| nul=0 at=8");
    EXPECT("", " nul=0 at=0");
    EXPECT("x", " nul=0 at=0");
}

static void carriage_returns_and_the_mark_are_no_part_of_a_line(void **state)
{
    (void)state;
    EXPECT("one\r\ntwo\r\r\n", "0:one|5:two\r| nul=0 at=11");
    EXPECT("\xef\xbb\xbfone\n\xef\xbb\xbftwo\n", "0:one|7:\xef\xbb\xbftwo| nul=0 at=14");
    EXPECT("\xef\xbb\xbf\n", " nul=0 at=4");
}

static void blank_lines_are_no_lines(void **state)
{
    (void)state;
    EXPECT("\n\r\n  \t \none\n\n", "8:one| nul=0 at=13");
}

/* At a line's start and end they are stepped over and counted, inside they stay. */
static void nul_bytes_of_a_crash(void **state)
{
    (void)state;
    EXPECT("\0\0\0one\n", "0:one| nul=3 at=7");
    EXPECT("one\0\0\ntwo\0\r\0\n\0\n", "0:one|6:two| nul=5 at=15");
    EXPECT("\0\0\n\0", " nul=2 at=3");
    struct buffer got = split(SLICE("a\0b\n"), 0);
    assert_memory_equal(got.data, "0:a\0b|", 6);
    buffer_release(&got);
}

/* Longer than max_line without its line end, however that is written; told once, as soon as it is known. */
static void long_lines_are_skipped(void **state)
{
    (void)state;
    EXPECT("0123456789\nnext\n", "0:0123456789|11:next| nul=0 at=16");
    EXPECT("0123456789\r\nnext\n", "0:0123456789|12:next| nul=0 at=17");
    EXPECT("0123456789a\nnext\n", "0!|12:next| nul=0 at=17");
    EXPECT("0123456789\rb\nnext\n", "0!|13:next| nul=0 at=18");
    EXPECT("ok\n0123456789abcdef", "0:ok|3!| nul=0 at=19 skipping");
    EXPECT("\xef\xbb\xbf"
           "0123456789\n",
           "0:0123456789| nul=0 at=14");
    EXPECT("\0\0"
           "0123456789\nnext\n",
           "0:0123456789|13:next| nul=2 at=18");
}

/* A hole of NUL bytes larger than any buffer is stepped over in pieces, at the same places each time. */
static void a_hole_is_stepped_over(void **state)
{
    (void)state;
    const size_t hole = 3 * LIMIT_NUL_STEP + 7;
    struct buffer bytes;
    buffer_init(&bytes, 1 << 20);
    memset(buffer_reserve(&bytes, hole), 0, hole);
    bytes.len = hole;
    buffer_add(&bytes, SLICE("one\n"));
    for (size_t piece = 1000; piece <= bytes.len + 1000; piece += 7777) {
        uint64_t offset = 0, nuls = 0;
        struct line line = {0};
        bool found = false;
        for (size_t end = piece; !found; end += piece) {
            struct line_splitter s;
            size_t len = (end < bytes.len ? end : bytes.len) - (size_t)offset;
            assert_true(len <= LIMIT_NUL_STEP + piece);
            line_splitter_init(&s, slice_of(bytes.data + offset, len), offset, false, MAX_LINE);
            found = line_splitter_next(&s, &line);
            offset = s.offset;
            nuls += s.nul_bytes;
        }
        assert_int_equal(line.offset, 3 * LIMIT_NUL_STEP);
        assert_true(slice_is(line.text, "one"));
        assert_int_equal(nuls, hole);
        assert_int_equal(offset, bytes.len);
    }
    buffer_release(&bytes);
}

/* The rest can be looked at as a line, and taken. */
static void the_rest_as_a_line(void **state)
{
    (void)state;
    struct line_splitter s;
    struct line line;
    line_splitter_init(&s, SLICE("one\n\0two\0\r"), 0, false, MAX_LINE);
    assert_true(line_splitter_next(&s, &line));
    assert_false(line_splitter_next(&s, &line));
    assert_true(line_splitter_peek_rest(&s, &line));
    assert_true(slice_is(line.text, "two"));
    assert_int_equal(line.offset, 4);
    assert_int_equal(s.offset, 4);
    line_splitter_take_rest(&s);
    assert_int_equal(s.offset, 10);
    assert_int_equal(s.nul_bytes, 2);
    line_splitter_init(&s, SLICE(" \0"), 0, false, MAX_LINE);
    assert_false(line_splitter_peek_rest(&s, &line));
    line_splitter_init(&s, SLICE("tail"), 0, true, MAX_LINE);
    assert_false(line_splitter_peek_rest(&s, &line));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines_have_their_offsets),
        cmocka_unit_test(carriage_returns_and_the_mark_are_no_part_of_a_line),
        cmocka_unit_test(blank_lines_are_no_lines),
        cmocka_unit_test(nul_bytes_of_a_crash),
        cmocka_unit_test(long_lines_are_skipped),
        cmocka_unit_test(a_hole_is_stepped_over),
        cmocka_unit_test(the_rest_as_a_line),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
