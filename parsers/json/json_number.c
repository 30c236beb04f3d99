/* Numbers as decimal text.
 *
 * Everything here first takes a number apart (struct decimal): its significant digits without zeros around them, and
 * where its point is. Comparing, and converting to an integer, is then a matter of digits; a double is made by the C
 * library from a short text in one fixed form, so that neither the length of the number nor the locale matters. */
#include "json/json_number.h"

#include "json/json_scan.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

struct decimal {
    bool negative;
    /* The value is 0.DIGITS × 10^(point + exponent), DIGITS being those between `digits` and `end`, a point among
     * them skipped; the first and the last are not 0. No digits: the value is 0. */
    const char *digits, *end;
    int64_t point;
    bool exponent_negative;
    struct slice exponent; /* digits without leading zeros; however many there are */
};

/* An exponent this large is beyond the length of any text and the range of any type. */
#define EXPONENT_HUGE (INT64_C(1) << 60)

size_t json_number_span(struct slice text)
{
    if (text.len == 0)
        return 0;
    const char *stop, *end = json_number_end(text.text, text.text + text.len, &stop);
    return end ? (size_t)(end - text.text) : 0;
}

bool json_number_is(struct slice text)
{
    return text.len > 0 && json_number_span(text) == text.len;
}

static struct decimal take_apart(struct slice number)
{
    struct decimal d = {0};
    const char *at = number.text, *end = at + number.len;
    if (*at == '-') {
        d.negative = true;
        at++;
    }
    const char *whole_end = json_digits_end(at, end), *mantissa_end = whole_end;
    if (whole_end < end && *whole_end == '.')
        mantissa_end = json_digits_end(whole_end + 1, end);
    const char *exponent = mantissa_end;
    if (exponent < end) { /* e */
        exponent++;
        d.exponent_negative = *exponent == '-';
        if (*exponent == '-' || *exponent == '+')
            exponent++;
        while (exponent < end && *exponent == '0')
            exponent++;
    }
    d.exponent = slice_of(exponent, (size_t)(end - exponent));

    while (at < mantissa_end && (*at == '0' || *at == '.'))
        at++;
    const char *last = mantissa_end;
    while (last > at && (last[-1] == '0' || last[-1] == '.'))
        last--;
    d.digits = at;
    d.end = last;
    d.point = at <= whole_end ? whole_end - at : whole_end + 1 - at;
    return d;
}

static bool is_zero(const struct decimal *d)
{
    return d->digits == d->end;
}

/* The next significant digit, 0 behind the last. */
static int next_digit(const struct decimal *d, const char **at)
{
    if (*at < d->end && **at == '.')
        (*at)++;
    return *at < d->end ? *(*at)++ - '0' : 0;
}

static int digit_of_exponent(const struct decimal *d, size_t place)
{
    if (place >= d->exponent.len)
        return 0;
    int digit = d->exponent.text[d->exponent.len - 1 - place] - '0';
    return d->exponent_negative ? -digit : digit;
}

/* a's exponent minus b's (b NULL: 0), or ±EXPONENT_HUGE or more where it is beyond that. Exact below it, and once it is
 * that large no further digit can turn it round. */
static int64_t exponent_difference(const struct decimal *a, const struct decimal *b)
{
    size_t places = a->exponent.len;
    if (b && b->exponent.len > places)
        places = b->exponent.len;
    int64_t difference = 0;
    while (places-- > 0) {
        difference = difference * 10 + digit_of_exponent(a, places) - (b ? digit_of_exponent(b, places) : 0);
        if (difference >= EXPONENT_HUGE / 16 || difference <= -EXPONENT_HUGE / 16)
            return difference > 0 ? EXPONENT_HUGE : -EXPONENT_HUGE;
    }
    return difference;
}

static int compare_magnitudes(const struct decimal *a, const struct decimal *b)
{
    if (is_zero(a) || is_zero(b))
        return is_zero(b) - is_zero(a);
    int64_t places = exponent_difference(a, b) + a->point - b->point;
    if (places != 0)
        return places > 0 ? 1 : -1;
    const char *at = a->digits, *bt = b->digits;
    while (at < a->end || bt < b->end) {
        int difference = next_digit(a, &at) - next_digit(b, &bt);
        if (difference != 0)
            return difference > 0 ? 1 : -1;
    }
    return 0;
}

static bool is_digits(struct slice number)
{
    const char *end = number.text + number.len;
    return json_digits_end(number.text, end) == end;
}

int json_number_compare(struct slice a, struct slice b)
{
    if (is_digits(a) && is_digits(b)) { /* most are; none begins with a zero that it could do without */
        int order = a.len == b.len ? memcmp(a.text, b.text, a.len) : a.len < b.len ? -1 : 1;
        return (order > 0) - (order < 0);
    }
    struct decimal left = take_apart(a), right = take_apart(b);
    bool left_negative = left.negative && !is_zero(&left), right_negative = right.negative && !is_zero(&right);
    if (left_negative != right_negative)
        return left_negative ? -1 : 1;
    int order = compare_magnitudes(&left, &right);
    return left_negative ? -order : order;
}

bool json_number_to_int64(struct slice number, int64_t *ret)
{
    struct decimal d = take_apart(number);
    int64_t places = is_zero(&d) ? 0 : exponent_difference(&d, NULL) + d.point;
    if (places < 0 || places > 19)
        return false;
    uint64_t magnitude = 0;
    const char *at = d.digits;
    for (; places > 0; places--) {
        if (__builtin_mul_overflow(magnitude, 10u, &magnitude) ||
            __builtin_add_overflow(magnitude, (unsigned)next_digit(&d, &at), &magnitude))
            return false;
    }
    if (at < d.end || magnitude > (uint64_t)INT64_MAX + d.negative)
        return false;
    *ret = d.negative ? (int64_t)(0 - magnitude) : (int64_t)magnitude;
    return true;
}

/* ---- Doubles ---------------------------------------------------------------------------------------------------- */

/* No digit after this many can change the nearest double, but for the question whether there is one at all. */
enum { DIGITS_THAT_MATTER = 800 };

static double to_double_slowly(const struct decimal *d, int64_t exponent)
{
    char text[DIGITS_THAT_MATTER + 32];
    size_t n = 0;
    const char *at = d->digits;
    while (n < DIGITS_THAT_MATTER && at < d->end)
        text[n++] = (char)('0' + next_digit(d, &at));
    exponent += d->point - (int64_t)n; /* DIGITS × 10^exponent */
    if (at < d->end) {
        text[n++] = '1';
        exponent--;
    }
    int limited = exponent > 9999 ? 9999 : exponent < -9999 ? -9999 : (int)exponent;
    snprintf(text + n, sizeof text - n, "e%d", limited);
    return strtod(text, NULL); /* no point in it: the same in every locale */
}

double json_number_to_double(struct slice number)
{
    static const double powers[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,  1e8,  1e9,  1e10, 1e11,
                                    1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};
    struct decimal d = take_apart(number);
    double magnitude = 0;
    if (!is_zero(&d)) {
        int64_t exponent = exponent_difference(&d, NULL);
        int64_t mantissa = 0, digits = 0;
        const char *at = d.digits;
        for (; at < d.end && digits < 15; digits++)
            mantissa = mantissa * 10 + next_digit(&d, &at);
        int64_t shift = exponent + d.point - digits;
        if (at == d.end && shift >= -22 && shift <= 22) /* both exact as doubles, so one operation rounds once */
            magnitude = shift < 0 ? (double)mantissa / powers[-shift] : (double)mantissa * powers[shift];
        else
            magnitude = to_double_slowly(&d, exponent);
    }
    return d.negative ? -magnitude : magnitude;
}

/* Digits of a positive double: 0.DIGITS × 10^point. */
struct digits {
    char text[20];
    size_t count;
    int point;
};

static struct digits round_to_digits(double d, int count)
{
    char text[40];
    snprintf(text, sizeof text, "%.*e", count - 1, d);
    struct digits r = {0};
    const char *at = text;
    for (; *at != 'e'; at++) /* between the digits stands the locale's point */
        if (json_is_digit(*at) && r.count < sizeof r.text)
            r.text[r.count++] = *at;
    r.point = (int)strtol(at + 1, NULL, 10) + 1;
    while (r.count > 1 && r.text[r.count - 1] == '0')
        r.count--;
    return r;
}

/* The next larger one of `count` digits. */
static struct digits next_above(struct digits r, size_t count)
{
    while (r.count < count)
        r.text[r.count++] = '0';
    while (r.count > 1 && r.text[r.count - 1] == '9')
        r.count--;
    if (r.text[r.count - 1] == '9') {
        r.text[0] = '1';
        r.point++;
    } else {
        r.text[r.count - 1]++;
    }
    return r;
}

static bool reads_back(const struct digits *r, double d)
{
    char text[48];
    int n = snprintf(text, sizeof text, "%.*se%d", (int)r->count, r->text, r->point - (int)r->count);
    return n > 0 && json_number_to_double(slice_of(text, (size_t)n)) == d;
}

/* 15 digits are right for every double that has so few; below the normal range fewer may do. Where the gap to the
 * doubles below is half of that above (at powers of two), the nearest text may be too far below and the next one not
 * too far above. */
static struct digits shortest_digits(double d)
{
    int exponent;
    bool at_power_of_two = frexp(d, &exponent) == 0.5;
    struct digits r = {0};
    for (int count = d < DBL_MIN ? 1 : 15; count <= 17; count++) {
        r = round_to_digits(d, count);
        if (reads_back(&r, d))
            break;
        struct digits above = next_above(r, (size_t)count);
        if (at_power_of_two && reads_back(&above, d))
            return above;
    }
    return r;
}

static size_t put(char *out, size_t at, const char *text, size_t n)
{
    memcpy(out + at, text, n);
    return at + n;
}

static size_t put_zeros(char *out, size_t at, size_t n)
{
    memset(out + at, '0', n);
    return at + n;
}

/* The shortest digits of a double of which 15 with a few places will do: no two such decimals are the same double, so
 * that the one that reads back is the shortest. A whole number below 2^53 divided by a small power of ten is rounded
 * just as the text of the quotient would be. False: it is another one. */
static bool few_digits(double d, struct digits *ret)
{
    static const double scales[] = {1, 1e3, 1e6};
    for (int i = 0; i < 3 && d * scales[i] < 1e15; i++) {
        double whole = rint(d * scales[i]);
        if (whole < 1 || whole / scales[i] != d)
            continue;
        struct digits r = {.point = -3 * i};
        char text[20];
        size_t at = sizeof text;
        for (uint64_t rest = (uint64_t)whole; rest; rest /= 10)
            text[--at] = (char)('0' + rest % 10);
        r.count = sizeof text - at;
        r.point += (int)r.count;
        memcpy(r.text, text + at, r.count);
        while (r.count > 1 && r.text[r.count - 1] == '0')
            r.count--;
        *ret = r;
        return true;
    }
    return false;
}

size_t json_number_from_double(double d, char out[32])
{
    if (!isfinite(d))
        return 0;
    if (d == 0) { /* -0 too: it equals 0, and nobody wants to read it */
        out[0] = '0';
        return 1;
    }
    struct digits r;
    if (!few_digits(fabs(d), &r))
        r = shortest_digits(fabs(d));
    size_t n = 0, whole = r.point > 0 ? (size_t)r.point : 0;
    if (d < 0)
        out[n++] = '-';
    if (whole >= r.count && whole <= 21) { /* 120 */
        n = put(out, n, r.text, r.count);
        return put_zeros(out, n, whole - r.count);
    }
    if (whole > 0 && whole < r.count) { /* 1.2 */
        n = put(out, n, r.text, whole);
        out[n++] = '.';
        return put(out, n, r.text + whole, r.count - whole);
    }
    if (r.point <= 0 && r.point > -6) { /* 0.012 */
        n = put(out, n, "0.", 2);
        n = put_zeros(out, n, (size_t)-r.point);
        return put(out, n, r.text, r.count);
    }
    n = put(out, n, r.text, 1);
    if (r.count > 1) { /* 1.2e-7 */
        out[n++] = '.';
        n = put(out, n, r.text + 1, r.count - 1);
    }
    char exponent[8];
    int m = snprintf(exponent, sizeof exponent, "e%d", r.point - 1);
    return put(out, n, exponent, m > 0 ? (size_t)m : 0);
}
