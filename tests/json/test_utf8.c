/* UTF-8, ill-formed and well-formed, and case. */
#include "support/cmocka_setup.h"
#include "text/utf8.h"

#define R UTF8_REPLACEMENT

/* Unicode 15, section 3.9, tables 3-8 to 3-11, and every border of table 3-7. */
static void maximal_subparts_are_replaced(void **state)
{
    (void)state;
    static const struct {
        const char *bytes, *repaired;
    } cases[] = {
        {"", ""},
        {"plain", "plain"},
        {"\xc0\xaf\xe0\x80\xbf\xf0\x81\x82\x41", R R R R R R R R "A"},
        {"\xed\xa0\x80\xed\xbf\xbf\xed\xaf\x41", R R R R R R R R "A"},
        {"\xf4\x91\x92\x93\xff\x41\x80\xbf\x42", R R R R R "A" R R "B"},
        {"\xe1\x80\xe2\xf0\x91\x92\xf1\xbf\x41", R R R R "A"},
        {"\x7f", "\x7f"},
        {"\x80", R},
        {"\xc1\xbf", R R},
        {"\xc2\x7f", R "\x7f"},
        {"\xc2\x80", "\xc2\x80"},
        {"\xdf\xbf", "\xdf\xbf"},
        {"\xdf\xc0", R R},
        {"\xe0\x9f\xbf", R R R},
        {"\xe0\xa0\x80", "\xe0\xa0\x80"},
        {"\xe0\xa0\x7f", R "\x7f"},
        {"\xec\xbf\xbf", "\xec\xbf\xbf"},
        {"\xed\x9f\xbf", "\xed\x9f\xbf"},
        {"\xee\x80\x80", "\xee\x80\x80"},
        {"\xef\xbf\xbf", "\xef\xbf\xbf"},
        {"\xf0\x8f\xbf\xbf", R R R R},
        {"\xf0\x90\x80\x80", "\xf0\x90\x80\x80"},
        {"\xf0\x90\x80", R},
        {"\xf0\x90\x80\xc3\xa9", R "\xc3\xa9"},
        {"\xf3\xbf\xbf\xbf", "\xf3\xbf\xbf\xbf"},
        {"\xf4\x8f\xbf\xbf", "\xf4\x8f\xbf\xbf"},
        {"\xf4\x90\x80\x80", R R R R},
        {"\xf5\x80\x80\x80", R R R R},
        {"\xf8\x88\x80\x80\x80", R R R R R},
        {"\xe2\x82", R},
        {"long enough for a wide step \xff and on", "long enough for a wide step " R " and on"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct buffer out;
        buffer_init(&out, 1000);
        struct slice bytes = slice_from(cases[i].bytes);
        utf8_repair(&out, bytes);
        if (!slice_is(buffer_slice(&out), cases[i].repaired))
            fail_msg("case %zu: %.*s", i, (int)out.len, out.data);
        assert_int_equal(utf8_is_valid(bytes), slice_is(bytes, cases[i].repaired));
        assert_true(utf8_is_valid(buffer_slice(&out)));
        buffer_release(&out);
    }
    assert_true(utf8_is_valid(slice_of(NULL, 0)));
    assert_int_equal(utf8_valid_prefix(SLICE("abcdefgh\xc3\xa9\xc3")), 10);
}

/* Every code point is written, read and counted; no surrogate comes out. */
static void code_points_go_round(void **state)
{
    (void)state;
    for (uint32_t c = 0; c <= 0x110000; c++) {
        char bytes[4];
        size_t n = utf8_encode(c, bytes), at = 0;
        bool scalar = c < 0x110000 && !(c >= 0xd800 && c <= 0xdfff);
        if (!utf8_is_valid(slice_of(bytes, n)) || utf8_next(slice_of(bytes, n), &at) != (scalar ? c : 0xfffd) ||
            at != n || utf8_count(slice_of(bytes, n)) != 1)
            fail_msg("U+%X", c);
    }
}

static void characters_are_counted_and_not_split(void **state)
{
    (void)state;
    struct slice text = SLICE("a\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80z"); /* 1 + 2 + 3 + 4 + 1 bytes */
    static const size_t ends[] = {0, 1, 3, 6, 10, 11, 11};
    assert_int_equal(utf8_count(text), 5);
    assert_int_equal(utf8_count(slice_of(NULL, 0)), 0);
    for (size_t n = 0; n < 7; n++)
        assert_int_equal(utf8_prefix_of_chars(text, n), ends[n]);
    assert_int_equal(utf8_prefix_of_chars(text, SIZE_MAX), 11);
    size_t character = 0;
    for (size_t at = 0; at < 15; at++) {
        if (character < 5 && at >= ends[character + 1])
            character++;
        assert_int_equal(utf8_floor(text, at), ends[character]);
    }
}

static void case_is_simple(void **state)
{
    (void)state;
    static const struct {
        uint32_t c, lower, upper;
    } cases[] = {
        {'A', 'a', 'A'},
        {'z', 'z', 'Z'},
        {'[', '[', '['},
        {'@', '@', '@'},
        {'`', '`', '`'},
        {0xb5, 0xb5, 0x39c},      /* micro sign */
        {0xc9, 0xe9, 0xc9},       /* É */
        {0xd7, 0xd7, 0xd7},       /* × is between the letters */
        {0xdf, 0xdf, 0xdf},       /* ß: SS would be two characters */
        {0xff, 0xff, 0x178},      /* ÿ */
        {0x130, 'i', 0x130},      /* İ */
        {0x131, 0x131, 'I'},      /* ı */
        {0x17f, 0x17f, 'S'},      /* ſ */
        {0x1c5, 0x1c6, 0x1c4},    /* ǅ */
        {0x149, 0x149, 0x149},    /* ŉ */
        {0x3a3, 0x3c3, 0x3a3},    /* Σ */
        {0x3c2, 0x3c2, 0x3a3},    /* ς */
        {0x416, 0x436, 0x416},    /* Ж */
        {0x4c0, 0x4cf, 0x4c0},    /* Ӏ */
        {0x10d0, 0x10d0, 0x1c90}, /* ა */
        {0x13a0, 0xab70, 0x13a0}, /* Ꭰ */
        {0x1e9e, 0xdf, 0x1e9e},   /* ẞ */
        {0x1f80, 0x1f80, 0x1f88}, /* ᾀ */
        {0x1f88, 0x1f80, 0x1f88}, /* ᾈ */
        {0x212a, 'k', 0x212a},    /* Kelvin sign */
        {0x2c2f, 0x2c5f, 0x2c2f}, /* since Unicode 14 */
        {0xfb03, 0xfb03, 0xfb03}, /* ﬃ */
        {0x10400, 0x10428, 0x10400},
        {0x1e943, 0x1e943, 0x1e921},
        {0x1f600, 0x1f600, 0x1f600},
        {0x10ffff, 0x10ffff, 0x10ffff},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_int_equal(unicode_lower(cases[i].c), cases[i].lower);
        assert_int_equal(unicode_upper(cases[i].c), cases[i].upper);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(maximal_subparts_are_replaced),
        cmocka_unit_test(code_points_go_round),
        cmocka_unit_test(characters_are_counted_and_not_split),
        cmocka_unit_test(case_is_simple),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
