#include "time/instant.h"

#include "limits.h"
#include "time/calendar.h"
#include "json/json_number.h"

#define FIRST_SECOND INT64_C(-62167219200) /* 0000-01-01T00:00:00Z */
#define LAST_SECOND INT64_C(253402300799)  /* 9999-12-31T23:59:59Z */

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool next_is(struct slice text, size_t at, const char *any_of)
{
    return at < text.len && text.text[at] && strchr(any_of, text.text[at]);
}

static bool digits_read(struct slice text, size_t *at, size_t n, int *ret)
{
    int value = 0;
    if (text.len - *at < n)
        return false;
    for (size_t i = 0; i < n; i++) {
        if (!is_digit(text.text[*at + i]))
            return false;
        value = value * 10 + (text.text[*at + i] - '0');
    }
    *at += n;
    *ret = value;
    return true;
}

bool fraction_read(struct slice text, size_t *at, uint32_t *ret_ns, unsigned *ret_digits)
{
    uint32_t ns = 0;
    unsigned digits = 0;
    while (*at + digits < text.len && is_digit(text.text[*at + digits])) {
        if (digits == 9)
            return false;
        ns = ns * 10 + (uint32_t)(text.text[*at + digits++] - '0');
    }
    if (digits == 0)
        return false;
    *at += digits;
    *ret_digits = digits;
    for (; digits < 9; digits++)
        ns *= 10;
    *ret_ns = ns;
    return true;
}

bool offset_read(struct slice text, size_t *at, int32_t *ret_offset)
{
    size_t i = *at;
    int hours, minutes = 0;
    if (next_is(text, i, "Zz")) {
        *at = i + 1;
        *ret_offset = 0;
        return true;
    }
    if (!next_is(text, i, "+-"))
        return false;
    bool negative = text.text[i++] == '-';
    if (!digits_read(text, &i, 2, &hours) || hours > 23)
        return false;
    if (next_is(text, i, ":")) {
        i++;
        if (!digits_read(text, &i, 2, &minutes))
            return false;
    } else if (i < text.len && is_digit(text.text[i]) && !digits_read(text, &i, 2, &minutes)) {
        return false;
    }
    if (minutes > 59)
        return false;
    *at = i;
    *ret_offset = (hours * 3600 + minutes * 60) * (negative ? -1 : 1);
    return true;
}

/* ---- ISO 8601 ---- */

static bool date_read(struct slice text, size_t *at, struct civil *c)
{
    if (!digits_read(text, at, 4, &c->year))
        return false;
    bool extended = next_is(text, *at, "-");
    *at += extended;
    if (!digits_read(text, at, 2, &c->month))
        return false;
    if (extended && !next_is(text, *at, "-"))
        return false;
    *at += extended;
    return digits_read(text, at, 2, &c->day);
}

static bool clock_read(struct slice text, size_t *at, struct civil *c)
{
    if (!digits_read(text, at, 2, &c->hour))
        return false;
    bool extended = next_is(text, *at, ":");
    *at += extended;
    if (!digits_read(text, at, 2, &c->minute))
        return false;
    if (extended ? !next_is(text, *at, ":") : !(*at < text.len && is_digit(text.text[*at])))
        return true;
    *at += extended;
    if (!digits_read(text, at, 2, &c->second))
        return false;
    if (!next_is(text, *at, ".,"))
        return true;
    ++*at;
    return fraction_read(text, at, &c->ns, &c->digits);
}

bool instant_of_iso(struct slice text, const struct time_zone *zone, struct instant *ret_instant)
{
    struct civil c = {0};
    size_t at = 0;

    if (!date_read(text, &at, &c))
        return false;
    if (at < text.len) {
        if (!next_is(text, at, "Tt "))
            return false;
        at++;
        if (!clock_read(text, &at, &c))
            return false;
        if (next_is(text, at, " ")) /* "… 12:00:00 +0000", as many print it */
            at++;
        if (slice_is(slice_from_offset(text, at), "UTC")) {
            at += 3;
            c.has_offset = true;
        } else if (at < text.len) {
            c.has_offset = offset_read(text, &at, &c.offset);
        }
        if (at < text.len || next_is(text, at - 1, " "))
            return false;
    }
    return instant_of_civil(&c, zone, ret_instant);
}

static bool civil_is_valid(const struct civil *c)
{
    return c->year >= 0 && c->year <= 9999 && c->month >= 1 && c->month <= 12 && c->day >= 1 &&
           c->day <= calendar_month_days(c->year, c->month) && c->hour >= 0 && c->hour <= 23 && c->minute >= 0 &&
           c->minute <= 59 && c->second >= 0 && c->second <= 60; /* 60: a leap second */
}

bool instant_of_civil(const struct civil *c, const struct time_zone *zone, struct instant *ret_instant)
{
    if (!civil_is_valid(c))
        return false;
    int64_t seconds = calendar_days(c->year, c->month, c->day) * 86400 + c->hour * 3600 + c->minute * 60 + c->second;
    if (c->has_offset)
        seconds -= c->offset;
    else if (zone)
        seconds = time_zone_to_utc(zone, seconds);
    if (seconds < FIRST_SECOND || seconds > LAST_SECOND)
        return false;
    *ret_instant = (struct instant){seconds, c->ns, c->digits};
    return true;
}

/* ---- numbers ---- */

/* A JSON number's digits without point and exponent: value = digits × 10^-scale. */
struct decimal {
    char digits[40];
    int count;
    long scale;
    bool negative;
};

static long exponent_of(struct slice number, size_t at)
{
    bool negative = false;
    long e = 0;
    if (at < number.len && (number.text[at] == '+' || number.text[at] == '-'))
        negative = number.text[at++] == '-';
    for (; at < number.len && e < 100000; at++)
        e = e * 10 + (number.text[at] - '0');
    return negative ? -e : e;
}

/* Digits beyond the 40th are cut off: they are far below a nanosecond of any year up to 9999. */
static void decimal_of(struct slice number, struct decimal *ret)
{
    bool fraction = false;
    size_t i = 0;
    *ret = (struct decimal){.negative = number.text[0] == '-'};
    for (i += ret->negative; i < number.len; i++) {
        char c = number.text[i];
        if (c == 'e' || c == 'E')
            break;
        if (c == '.') {
            fraction = true;
            continue;
        }
        bool kept = ret->count < (int)sizeof ret->digits;
        if (kept && (c != '0' || ret->count || fraction))
            ret->digits[ret->count++] = c;
        if (fraction ? kept : !kept)
            ret->scale += fraction ? 1 : -1;
    }
    ret->scale -= i < number.len ? exponent_of(number, i + 1) : 0;
}

/* The digit that stands for 10^power; 0 outside of what was written. */
static int digit_at(const struct decimal *d, long power)
{
    long i = d->count - 1 - d->scale - power;
    return i >= 0 && i < d->count ? d->digits[i] - '0' : 0;
}

/* The power of ten that the value is below: 3 for 999, 4 for 1000. */
static long magnitude(const struct decimal *d)
{
    int leading = 0;
    while (leading < d->count && d->digits[leading] == '0')
        leading++;
    return leading == d->count ? LONG_MIN : d->count - leading - d->scale;
}

/* A whole number in ms, µs or ns of today's size: as nearly all are. */
static bool of_whole_number(struct slice number, struct instant *ret_instant)
{
    static const uint64_t units[] = {1000, 1000000, 1000000000};
    if (number.len < 12 || number.len > 18 + 1 || number.text[0] < '1')
        return false;
    uint64_t n = 0;
    for (size_t i = 0; i < number.len; i++) {
        if (!is_digit(number.text[i]))
            return false;
        n = n * 10 + (uint64_t)(number.text[i] - '0');
    }
    size_t step = number.len <= 14 ? 0 : number.len <= 17 ? 1 : 2;
    *ret_instant = (struct instant){(int64_t)(n / units[step]), (uint32_t)(n % units[step] * (units[2] / units[step])),
                                    3 * ((unsigned)step + 1)};
    return ret_instant->seconds <= LAST_SECOND;
}

bool instant_of_number(struct slice number, struct instant *ret_instant)
{
    struct decimal d;
    if (of_whole_number(number, ret_instant))
        return true;
    decimal_of(number, &d);
    long size = magnitude(&d);
    if (size > 21) /* ns of the year 9999 have 21 digits */
        return false;
    long unit = size <= 11 ? 0 : size <= 14 ? 3 : size <= 17 ? 6 : 9; /* the point is moved by as much */
    int64_t seconds = 0;
    for (long power = 12; power >= 0; power--)
        seconds = seconds * 10 + digit_at(&d, power + unit);
    uint32_t ns = 0;
    for (long power = -1; power >= -9; power--)
        ns = ns * 10 + (uint32_t)digit_at(&d, power + unit);
    long digits = d.scale + unit;
    if (digits < unit)
        digits = unit;
    if (d.negative && (seconds || ns)) { /* rounded down */
        seconds = -seconds - (ns ? 1 : 0);
        ns = ns ? 1000000000 - ns : 0;
    }
    if (seconds < FIRST_SECOND || seconds > LAST_SECOND)
        return false;
    *ret_instant = (struct instant){seconds, ns, digits > 9 ? 9 : (unsigned)digits};
    return true;
}

struct instant instant_of_ms(int64_t ms)
{
    int64_t seconds = ms / 1000 - (ms % 1000 < 0);
    if (seconds < FIRST_SECOND)
        seconds = FIRST_SECOND;
    if (seconds > LAST_SECOND)
        seconds = LAST_SECOND;
    return (struct instant){seconds, (uint32_t)((ms % 1000 + 1000) % 1000) * 1000000, 3};
}

/* ---- values ---- */

static struct slice number_text(struct arena *arena, const struct value *v)
{
    if (v->type == VALUE_NUMBER)
        return v->text;
    struct slice text = value_plain(arena, v);
    return json_number_is(text) ? text : SLICE("");
}

/* [s, ns], as OpenTelemetry's hrTime. */
static bool of_pair(struct arena *arena, const struct value *v, struct instant *ret_instant)
{
    struct value pair = *v;
    struct value second = value_element(arena, &pair, 0), part = value_element(arena, &pair, 1);
    struct value more = value_element(arena, &pair, 2);
    int64_t s, ns;
    if (value_is_there(&more) || !json_number_is(number_text(arena, &second)) ||
        !json_number_is(number_text(arena, &part)))
        return false;
    if (!json_number_to_int64(number_text(arena, &second), &s) ||
        !json_number_to_int64(number_text(arena, &part), &ns) || s < FIRST_SECOND || s > LAST_SECOND || ns < 0 ||
        ns > 999999999)
        return false;
    *ret_instant = (struct instant){s, (uint32_t)ns, 9};
    return true;
}

bool instant_of_value(struct arena *arena, const struct value *v, const struct time_zone *zone,
                      struct instant *ret_instant)
{
    if (v->type == VALUE_ARRAY)
        return of_pair(arena, v, ret_instant);
    if (v->type == VALUE_NUMBER)
        return instant_of_number(v->text, ret_instant);
    if (v->type != VALUE_STRING)
        return false;
    struct slice text = value_plain(arena, v);
    if (instant_of_iso(text, zone, ret_instant)) /* first: 20260102 as text is a date */
        return true;
    return json_number_is(text) && instant_of_number(text, ret_instant);
}

/* Writes `n` digits and what stands behind them. */
static char *put(char *at, int64_t value, int n, char behind)
{
    for (int i = n - 1; i >= 0; i--, value /= 10)
        at[i] = (char)('0' + value % 10);
    at[n] = behind;
    return at + n + 1;
}

size_t instant_write(const struct instant *t, char out[INSTANT_TEXT_MOST])
{
    int64_t days = t->seconds / 86400 - (t->seconds % 86400 < 0), second = t->seconds - days * 86400, year;
    int month, day;
    calendar_date(days, &year, &month, &day);
    char *at = put(out, year, 4, '-');
    at = put(at, month, 2, '-');
    at = put(at, day, 2, 'T');
    at = put(at, second / 3600, 2, ':');
    at = put(at, second / 60 % 60, 2, ':');
    at = put(at, second % 60, 2, '.');
    if (t->digits)
        at = put(at, t->ns, 9, 'Z') - 1 - (9 - t->digits);
    else
        at--;
    *at++ = 'Z';
    return (size_t)(at - out);
}

static int two_digits(const char *at)
{
    return (at[0] - '0') * 10 + at[1] - '0';
}

bool instant_is_written(struct slice text)
{
    static const char form[] = "0000-00-00T00:00:00"; /* a zero stands for any digit */
    enum { FORM = sizeof form - 1 };
    const char *t = text.text;
    if (text.len < FORM + 1 || text.len > FORM + 11 || text.len == FORM + 2 || t[text.len - 1] != 'Z')
        return false;
    for (size_t i = 0; i < FORM; i++)
        if (form[i] == '0' ? !is_digit(t[i]) : t[i] != form[i])
            return false;
    for (size_t i = FORM; i + 1 < text.len; i++)
        if (i == FORM ? t[i] != '.' : !is_digit(t[i]))
            return false;
    int year = two_digits(t) * 100 + two_digits(t + 2), month = two_digits(t + 5), day = two_digits(t + 8);
    return month >= 1 && month <= 12 && day >= 1 && day <= calendar_month_days(year, month) &&
           two_digits(t + 11) <= 23 && two_digits(t + 14) <= 59 && two_digits(t + 17) <= 59;
}
