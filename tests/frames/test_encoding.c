/* Characters of other encodings. Whole files are in cases/encodings.case. */
#include "support/cmocka_setup.h"
#include "text/encoding.h"
#include "text/utf8.h"

static void expect(enum encoding_kind encoding, struct slice bytes, const char *utf8)
{
    struct buffer out;
    buffer_init(&out, 1000);
    encoding_decode(encoding, bytes, &out);
    assert_false(out.failed);
    assert_true(utf8_is_valid(buffer_slice(&out)) || encoding == ENCODING_UTF8);
    assert_true(slice_is(buffer_slice(&out), utf8));
    buffer_release(&out);
}

/* Each byte is the character of that number. */
static void latin1(void **state)
{
    (void)state;
    expect(ENCODING_LATIN1, SLICE("a\xe4\x80\xff"), "a\xc3\xa4\xc2\x80\xc3\xbf");
    expect(ENCODING_LATIN1, SLICE(""), "");
}

static void utf16(void **state)
{
    (void)state;
    expect(ENCODING_UTF16LE, SLICE("a\0\xe4\0"), "a\xc3\xa4");
    expect(ENCODING_UTF16BE, SLICE("\0a\0\xe4"), "a\xc3\xa4");
    expect(ENCODING_UTF16LE, SLICE("\x34\xd8\x1e\xdd"), "\xf0\x9d\x84\x9e");
    expect(ENCODING_UTF16BE, SLICE("\xd8\x34\xdd\x1e"), "\xf0\x9d\x84\x9e");
    expect(ENCODING_UTF16BE, SLICE("\xdb\xff\xdf\xff"), "\xf4\x8f\xbf\xbf");
}

/* A surrogate without its other half, and half a unit at the end, are U+FFFD; what comes next is read. */
static void broken_utf16(void **state)
{
    (void)state;
    expect(ENCODING_UTF16BE, SLICE("\xd8\x34\0a"), UTF8_REPLACEMENT "a");
    expect(ENCODING_UTF16BE, SLICE("\xdd\x1e\0a"), UTF8_REPLACEMENT "a");
    expect(ENCODING_UTF16BE, SLICE("\xd8\x34\xd8\x34\xdd\x1e"), UTF8_REPLACEMENT "\xf0\x9d\x84\x9e");
    expect(ENCODING_UTF16BE, SLICE("\xd8\x34"), UTF8_REPLACEMENT);
    expect(ENCODING_UTF16BE, SLICE("\0a\0"), "a" UTF8_REPLACEMENT);
    expect(ENCODING_UTF16LE, SLICE("\x34\xd8\x1e"), UTF8_REPLACEMENT UTF8_REPLACEMENT);
}

/* A newline is a whole unit, at an even offset of the file: U+0A0A, and U+010A U+0001, hold none. */
static void newlines(void **state)
{
    (void)state;
    const char *text = "\x0a\x0a\x0a\x01\x01\x00\x0a\x00";
    assert_ptr_equal(encoding_find_newline(ENCODING_UTF16LE, slice_of(text, 8), 0), text + 6);
    assert_ptr_equal(encoding_find_newline(ENCODING_UTF16LE, slice_of(text + 1, 7), 1), text + 6);
    assert_null(encoding_find_newline(ENCODING_UTF16LE, slice_of(text, 7), 0));
    assert_null(encoding_find_newline(ENCODING_UTF16BE, slice_of(text, 8), 0));
    assert_ptr_equal(encoding_find_newline(ENCODING_UTF16BE, slice_of(text + 5, 2), 1000), text + 5);
    assert_ptr_equal(encoding_find_newline(ENCODING_LATIN1, slice_of(text, 8), 0), text);
    assert_null(encoding_find_newline(ENCODING_UTF8, slice_of(NULL, 0), 7));
    assert_ptr_equal(encoding_find_last_newline(ENCODING_UTF16LE, slice_of(text, 8), 0), text + 6);
    assert_null(encoding_find_last_newline(ENCODING_UTF16LE, slice_of(text, 7), 0));
    assert_ptr_equal(encoding_find_last_newline(ENCODING_UTF16BE, slice_of(text + 5, 3), 1000), text + 5);
    assert_null(encoding_find_last_newline(ENCODING_UTF16BE, slice_of(text + 5, 1), 5));
    assert_ptr_equal(encoding_find_last_newline(ENCODING_UTF8, slice_of(text, 8), 0), text + 6);
    assert_null(encoding_find_last_newline(ENCODING_UTF8, slice_of(NULL, 0), 7));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(latin1),
        cmocka_unit_test(utf16),
        cmocka_unit_test(broken_utf16),
        cmocka_unit_test(newlines),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
