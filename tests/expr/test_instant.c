/* An instant's text that is copied as it stands is the one that would be written. */
#include "time/instant.h"

#include "support/cmocka_setup.h"

static uint32_t random_below(uint32_t *seed, uint32_t n)
{
    *seed = *seed * 1664525 + 1013904223;
    return (uint32_t)(((uint64_t)(*seed >> 8) * n) >> 24);
}

static bool is_rewritten_as(struct slice text)
{
    struct instant t;
    char out[INSTANT_TEXT_MOST];
    return instant_of_iso(text, NULL, &t) && slice_equal(slice_of(out, instant_write(&t, out)), text);
}

/* Texts of the form and near it: numbers beyond their range, other signs, too long or short. */
static void written_texts_are_known(void **state)
{
    (void)state;
    static const char signs[] = "0123456789-:.TZ tz+,/;9\xff";
    uint32_t seed = 1, written = 0;
    for (int i = 0; i < 300000; i++) {
        char text[64];
        int n = snprintf(text, sizeof text, "%04u-%02u-%02uT%02u:%02u:%02u", random_below(&seed, 10000),
                         random_below(&seed, 14), random_below(&seed, 33), random_below(&seed, 26),
                         random_below(&seed, 62), random_below(&seed, 62));
        unsigned digits = random_below(&seed, 13);
        if (digits)
            n += snprintf(text + n, sizeof text - (size_t)n, ".%0*u", (int)digits - 1, digits > 1 ? 7 : 0);
        if (digits == 1)
            n--;
        text[n++] = 'Z';
        size_t len = (size_t)n;
        if (random_below(&seed, 3) == 0)
            text[random_below(&seed, (uint32_t)len)] = signs[random_below(&seed, sizeof signs - 1)];
        if (random_below(&seed, 8) == 0)
            len = random_below(&seed, (uint32_t)len + 1);
        struct slice whole = slice_of(text, len);
        if (instant_is_written(whole) != is_rewritten_as(whole))
            fail_msg("%.*s", SLICE_FMT(whole));
        written += instant_is_written(whole);
    }
    assert_true(written > 50000);
}

/* A whole number is read at once; written with an exponent it goes digit by digit. */
static void whole_numbers_are_read_alike(void **state)
{
    (void)state;
    uint32_t seed = 7, instants = 0;
    for (int i = 0; i < 100000; i++) {
        char text[40];
        size_t len = 9 + random_below(&seed, 15);
        text[0] = (char)('0' + random_below(&seed, 3) + random_below(&seed, 2) * random_below(&seed, 8));
        for (size_t k = 1; k < len; k++)
            text[k] = (char)('0' + (random_below(&seed, 4) ? random_below(&seed, 10) : 0));
        memcpy(text + len, "e0", 2);
        struct instant a = {0}, b = {0};
        bool read = instant_of_number(slice_of(text, len), &a);
        assert_int_equal(instant_of_number(slice_of(text, len + 2), &b), read);
        if (!read)
            continue;
        instants++;
        assert_true(a.seconds == b.seconds && a.ns == b.ns && a.digits == b.digits);
    }
    assert_true(instants > 10000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(written_texts_are_known),
        cmocka_unit_test(whole_numbers_are_read_alike),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
