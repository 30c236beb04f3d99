/* Numbers: their grammar, their order, and the way to integers and doubles and back. */
#include "support/cmocka_setup.h"
#include "json/json_number.h"

#include <locale.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

static void spans_are_longest(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        size_t span;
    } cases[] = {{"", 0},     {"-", 0},    {"x", 0},    {"+1", 0},     {".5", 0},      {"0", 1},        {"-0", 2},
                 {"01", 1},   {"12", 2},   {"1.", 1},   {"1.5", 3},    {"1.5.", 3},    {"1e", 1},       {"1e+", 1},
                 {"1e+2", 4}, {"1E-2", 4}, {"1.5e", 3}, {"1.5e2e", 5}, {"-0.0e-0", 7}, {"12]", 2},      {"1 ", 1},
                 {"-x", 0},   {"--1", 0},  {"1.e2", 1}, {"1.x", 1},    {"0x10", 1},    {"Infinity", 0}, {"-1,", 2}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_int_equal(json_number_span(slice_from(cases[i].text)), cases[i].span);
        assert_int_equal(json_number_is(slice_from(cases[i].text)),
                         cases[i].span > 0 && cases[i].span == strlen(cases[i].text));
    }
    assert_false(json_number_is(slice_of(NULL, 0)));
}

/* A list in ascending order, equal ones in one string: each is compared with each, both ways. */
static void order_is_exact(void **state)
{
    (void)state;
    static const char *const ascending[][6] = {
        {"-1e99999999999999999999999999"},
        {"-1e99999999999999999999999998", "-10e99999999999999999999999997", "-0.1e99999999999999999999999999"},
        {"-1e400"},
        {"-9223372036854775809"},
        {"-9223372036854775808", "-9223372036854775808.0", "-9.223372036854775808e18"},
        {"-10.1"},
        {"-10", "-1e1", "-1.0e1", "-100e-1"},
        {"-1"},
        {"-1e-400"},
        {"-1e-99999999999999999999"},
        {"0", "-0", "0.0", "-0e5", "0e99999999999999999999", "0.000e-1"},
        {"1e-99999999999999999999"},
        {"1e-400"},
        {"0.1", "1e-1", "0.10", "0.01e1", "1000e-4"},
        {"0.10000000000000000000000000000000000000001"},
        {"0.11"},
        {"0.2"},
        {"1", "1.0", "1e0", "1e+00", "10e-1", "0.001e3"},
        {"1.1", "1.10"},
        {"2"},
        {"10", "1e1", "1E+1", "10.0", "0.1e2"},
        {"200", "2e2"},
        {"9007199254740992"},
        {"9007199254740993"},
        {"18446744073709551615"},
        {"18446744073709551616"},
        {"1e399"},
        {"1e400", "10e399", "0.1e401"},
        {"123456789e99999999999999999991"},
        {"1e99999999999999999999999999", "0.1e100000000000000000000000000", "1e00099999999999999999999999999"},
        {"1.5e99999999999999999999999999"},
    };
    size_t count = sizeof ascending / sizeof *ascending;
    for (size_t i = 0; i < count * 6; i++) {
        for (size_t j = 0; j < count * 6; j++) {
            const char *a = ascending[i / 6][i % 6], *b = ascending[j / 6][j % 6];
            if (!a || !b)
                continue;
            int expected = (i / 6 > j / 6) - (i / 6 < j / 6);
            int order = json_number_compare(slice_from(a), slice_from(b));
            if ((order > 0) - (order < 0) != expected)
                fail_msg("%s and %s: %d", a, b, order);
        }
    }
}

static void integers_are_exact(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        bool fits;
        int64_t value;
    } cases[] = {
        {"0", true, 0},
        {"-0.0e9", true, 0},
        {"0e99999999999999999999", true, 0},
        {"12", true, 12},
        {"1.2e1", true, 12},
        {"12.0", true, 12},
        {"-1200e-2", true, -12},
        {"1.5", false, 0},
        {"1e-1", false, 0},
        {"0.5", false, 0},
        {"9223372036854775807", true, INT64_MAX},
        {"9223372036854775808", false, 0},
        {"-9223372036854775808", true, INT64_MIN},
        {"-9223372036854775809", false, 0},
        {"9.223372036854775807e18", true, INT64_MAX},
        {"922337203685477580700e-2", true, INT64_MAX},
        {"9223372036854775807.1", false, 0},
        {"1e18", true, INT64_C(1000000000000000000)},
        {"1e19", false, 0},
        {"99999999999999999999", false, 0},
        {"1e99999999999999999999", false, 0},
        {"1e-99999999999999999999", false, 0},
        {"0.000000000000000000000000000012e30", true, 12},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        int64_t value = 77;
        if (json_number_to_int64(slice_from(cases[i].text), &value) != cases[i].fits)
            fail_msg("%s", cases[i].text);
        assert_int_equal(value, cases[i].fits ? cases[i].value : 77); /* untouched on failure */
    }
}

static void doubles_are_nearest(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        double value;
    } cases[] = {
        {"0", 0},
        {"1", 1},
        {"-1.5", -1.5},
        {"0.1", 0.1},
        {"1e22", 1e22},
        {"1e23", 1e23}, /* the first power of ten that is no double */
        {"9007199254740993", 9007199254740992.},
        {"9007199254740993.00000000000000000000000000000000000000000000000001", 9007199254740994.},
        {"1.7976931348623157e308", 0x1.fffffffffffffp1023},
        {"1.7976931348623159e308", INFINITY},
        {"-1e999", -INFINITY},
        {"1e99999999999999999999", INFINITY},
        {"4.9e-324", 0x1p-1074},
        {"2.4703282292062327208e-324", 0},
        {"2.4703282292062327209e-324", 0x1p-1074},
        {"1e-99999999999999999999", 0},
        {"2.2250738585072011e-308", 0x0.fffffffffffffp-1022},
        {"0.000001", 1e-6},
        {"123456789012345678901234567890", 123456789012345678901234567890.},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        if (json_number_to_double(slice_from(cases[i].text)) != cases[i].value)
            fail_msg("%s gave %.17g", cases[i].text, json_number_to_double(slice_from(cases[i].text)));
    assert_true(signbit(json_number_to_double(SLICE("-0"))));

    /* Two thousand digits, the last of which decides between two doubles. */
    char longer[2048];
    memset(longer, '0', sizeof longer);
    memcpy(longer, "9007199254740993.", 17);
    assert_true(json_number_to_double(slice_of(longer, sizeof longer)) == 9007199254740992.);
    longer[sizeof longer - 1] = '1';
    assert_true(json_number_to_double(slice_of(longer, sizeof longer)) == 9007199254740994.);
}

static void expect_text(double d, const char *text)
{
    char out[32];
    size_t n = json_number_from_double(d, out);
    if (!slice_is(slice_of(out, n), text))
        fail_msg("%.17g: %.*s, not %s", d, (int)n, out, text);
}

static void doubles_are_written_short(void **state)
{
    (void)state;
    static const struct {
        double value;
        const char *text;
    } cases[] = {
        {0, "0"},
        {-0.0, "0"},
        {1, "1"},
        {-12, "-12"},
        {120, "120"},
        {0.1, "0.1"},
        {0.3, "0.3"},
        {0.1 + 0.2, "0.30000000000000004"},
        {1 / 3., "0.3333333333333333"},
        {2 / 3., "0.6666666666666666"},
        {-1.25, "-1.25"},
        {1234.5678, "1234.5678"},
        {0.000001, "0.000001"},
        {0.00000012, "1.2e-7"},
        {1e-7, "1e-7"},
        {9007199254740992., "9007199254740992"},
        {9007199254740993., "9007199254740992"},
        {1e20, "100000000000000000000"},
        {123456789012345680000., "123456789012345680000"},
        {999999999999999868928., "999999999999999900000"},
        {1e21, "1e21"},
        {1.5e300, "1.5e300"},
        {5e-324, "5e-324"},
        {1.5e-323, "1.5e-323"},
        {2.2250738585072014e-308, "2.2250738585072014e-308"},
        {1.7976931348623157e308, "1.7976931348623157e308"},
        {-1.7976931348623157e308, "-1.7976931348623157e308"},
        {0x1p-44, "5.684341886080802e-14"}, /* the nearest of 16 digits is below, and too far */
        {0x1p89, "6.189700196426902e26"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        expect_text(cases[i].value, cases[i].text);
    char out[32];
    assert_int_equal(json_number_from_double(INFINITY, out), 0);
    assert_int_equal(json_number_from_double(-INFINITY, out), 0);
    assert_int_equal(json_number_from_double(NAN, out), 0);
}

/* Whatever the bits: what is written reads back as the same, is a JSON number, and no digit of it could be spared. */
static void any_double_reads_back(void **state)
{
    (void)state;
    uint64_t bits = 88172645463325252u;
    for (int i = 0; i < 20000; i++) {
        bits ^= bits << 13;
        bits ^= bits >> 7;
        bits ^= bits << 17;
        double d;
        memcpy(&d, &bits, sizeof d);
        if (i % 3 == 0)
            d = (double)(int64_t)bits / 1024; /* of ordinary size */
        if (i % 3 == 1)
            d = ldexp(1, (int)(bits % 2098) - 1074); /* powers of two */
        char out[32], text[40];
        size_t n = json_number_from_double(d, out);
        if (!isfinite(d))
            continue;
        assert_in_range(n, 1, 32);
        assert_true(json_number_is(slice_of(out, n)));
        assert_true(json_number_to_double(slice_of(out, n)) == d);
        memcpy(text, out, n);
        text[n] = '\0';
        assert_true(strtod(text, NULL) == d);
    }
}

static uint64_t next_bits(uint64_t bits)
{
    bits ^= bits << 13;
    bits ^= bits >> 7;
    return bits ^ bits << 17;
}

/* Numbers of few digits, as people write them, and their neighbours: fewer digits would give another double. */
static void few_digits_are_the_fewest(void **state)
{
    (void)state;
    uint64_t bits = 88172645463325252u;
    for (int i = 0; i < 20000; i++) {
        bits = next_bits(bits);
        double d = (double)(bits % (UINT64_C(1) << (1 + i % 54)) + 1);
        for (int places = i / 54 % 9; places > 0; places--)
            d /= 10;
        if (i % 5 == 0)
            d = nextafter(d, i % 2 ? INFINITY : 0);
        char out[32], text[40], shortest[40];
        size_t n = json_number_from_double(d, out);
        memcpy(text, out, n);
        text[n] = '\0';
        assert_true(strtod(text, NULL) == d);
        int digits = 1;
        do
            snprintf(shortest, sizeof shortest, "%.*e", digits - 1, d);
        while (strtod(shortest, NULL) != d && digits++ < 17);
        size_t count = 0, zeros = 0;
        for (size_t k = 0; k < n && out[k] != 'e'; k++) {
            bool digit = out[k] >= '0' && out[k] <= '9';
            count += digit && (count > 0 || out[k] != '0');
            zeros = out[k] == '0' ? zeros + 1 : digit ? 0 : zeros;
        }
        if (count - (count > zeros ? zeros : 0) > (size_t)digits)
            fail_msg("%.17g: %.*s, but %s", d, (int)n, out, shortest);
    }
}

/* A locale with a comma for the point changes nothing. */
static void locale_does_not_matter(void **state)
{
    (void)state;
    if (!setlocale(LC_ALL, "de_DE.UTF-8") && !setlocale(LC_ALL, "fr_FR.UTF-8")) {
        print_message("no locale with a decimal comma is installed\n");
        skip();
    }
    expect_text(1.5, "1.5");
    assert_true(json_number_to_double(SLICE("2.4703282292062327209e-324")) == 0x1p-1074);
    assert_true(json_number_to_double(SLICE("1234567890.12345678901")) == 1234567890.12345678901);
    setlocale(LC_ALL, "C");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(spans_are_longest),         cmocka_unit_test(order_is_exact),
        cmocka_unit_test(integers_are_exact),        cmocka_unit_test(doubles_are_nearest),
        cmocka_unit_test(doubles_are_written_short), cmocka_unit_test(any_double_reads_back),
        cmocka_unit_test(few_digits_are_the_fewest), cmocka_unit_test(locale_does_not_matter),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
