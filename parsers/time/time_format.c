#include "time/time_format.h"

#include "time/calendar.h"
#include "json/json_number.h"

#include <strings.h>

/* What was read so far. */
struct parts {
    struct civil civil;
    int day_of_year;
    bool has_year, has_month, has_day, has_day_of_year, has_epoch, has_pm, pm, has_twelve;
    struct instant epoch;
};

struct cursor {
    struct slice text;
    size_t at;
    struct parts *parts;
};

static void skip_blanks(struct cursor *c)
{
    while (c->at < c->text.len && memchr(" \t\n\r\v\f", c->text.text[c->at], 6))
        c->at++;
}

/* Up to `most` digits, blanks before them skipped, as strptime does. */
static bool number(struct cursor *c, int most, int least_value, int most_value, int *ret)
{
    int value = 0, digits = 0;
    skip_blanks(c);
    while (digits < most && c->at < c->text.len && c->text.text[c->at] >= '0' && c->text.text[c->at] <= '9') {
        value = value * 10 + (c->text.text[c->at++] - '0');
        digits++;
    }
    *ret = value;
    return digits > 0 && value >= least_value && value <= most_value;
}

static bool year(struct cursor *c)
{
    c->parts->has_year = true;
    return number(c, 4, 0, 9999, &c->parts->civil.year);
}

static bool short_year(struct cursor *c)
{
    int y;
    c->parts->has_year = true;
    if (!number(c, 2, 0, 99, &y))
        return false;
    c->parts->civil.year = y < 69 ? 2000 + y : 1900 + y; /* as POSIX has it */
    return true;
}

static bool month(struct cursor *c)
{
    c->parts->has_month = true;
    return number(c, 2, 1, 12, &c->parts->civil.month);
}

static bool day(struct cursor *c)
{
    c->parts->has_day = true;
    return number(c, 2, 1, 31, &c->parts->civil.day);
}

static bool day_of_year(struct cursor *c)
{
    c->parts->has_day_of_year = true;
    return number(c, 3, 1, 366, &c->parts->day_of_year);
}

static bool hour(struct cursor *c)
{
    return number(c, 2, 0, 23, &c->parts->civil.hour);
}

static bool twelve_hour(struct cursor *c)
{
    c->parts->has_twelve = true;
    return number(c, 2, 1, 12, &c->parts->civil.hour);
}

static bool minute(struct cursor *c)
{
    return number(c, 2, 0, 59, &c->parts->civil.minute);
}

static bool second(struct cursor *c)
{
    return number(c, 2, 0, 60, &c->parts->civil.second);
}

static bool fraction(struct cursor *c)
{
    return fraction_read(c->text, &c->at, &c->parts->civil.ns, &c->parts->civil.digits);
}

/* One of some names, in full or by their first three letters, whatever the case; its index. */
static bool name_of(struct cursor *c, const char *const names[], int count, int *ret)
{
    struct slice rest = slice_from_offset(c->text, c->at);
    for (int i = 0; i < count; i++) {
        size_t len = strlen(names[i]);
        for (size_t n = len; n >= 3 && n <= len; n = n > 3 ? 3 : 0) {
            if (rest.len >= n && strncasecmp(rest.text, names[i], n) == 0) {
                c->at += n;
                *ret = i;
                return true;
            }
        }
    }
    return false;
}

static bool month_name(struct cursor *c)
{
    static const char *const names[] = {"January", "February", "March",     "April",   "May",      "June",
                                        "July",    "August",   "September", "October", "November", "December"};
    int i;
    c->parts->has_month = true;
    if (!name_of(c, names, 12, &i))
        return false;
    c->parts->civil.month = i + 1;
    return true;
}

static bool weekday_name(struct cursor *c)
{
    static const char *const names[] = {"Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"};
    int ignored;
    return name_of(c, names, 7, &ignored);
}

static bool am_pm(struct cursor *c)
{
    struct slice rest = slice_from_offset(c->text, c->at);
    if (rest.len < 2 || (strncasecmp(rest.text, "am", 2) != 0 && strncasecmp(rest.text, "pm", 2) != 0))
        return false;
    c->parts->has_pm = true;
    c->parts->pm = (rest.text[0] | 32) == 'p';
    c->at += 2;
    return true;
}

static bool offset(struct cursor *c)
{
    skip_blanks(c);
    c->parts->civil.has_offset = true;
    return offset_read(c->text, &c->at, &c->parts->civil.offset);
}

/* Only names that mean one offset all over the world. */
static bool zone_name(struct cursor *c)
{
    static const char *const names[] = {"UTC", "GMT", "Z"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        struct slice name = slice_from(names[i]);
        if (slice_starts_with(slice_from_offset(c->text, c->at), name)) {
            c->at += name.len;
            c->parts->civil.has_offset = true;
            c->parts->civil.offset = 0;
            return true;
        }
    }
    return false;
}

static bool epoch(struct cursor *c)
{
    size_t n = 0;
    struct slice rest = slice_from_offset(c->text, c->at);
    while (n < rest.len && n < 12 && ((rest.text[n] >= '0' && rest.text[n] <= '9') || (n == 0 && rest.text[n] == '-')))
        n++;
    struct slice digits = slice_of(rest.text, n);
    int64_t s;
    if (!json_number_is(digits) || !json_number_to_int64(digits, &s))
        return false;
    c->at += n;
    c->parts->has_epoch = true;
    c->parts->epoch = instant_of_ms(s * 1000);
    return true;
}

static bool blanks(struct cursor *c)
{
    skip_blanks(c);
    return true;
}

static bool percent(struct cursor *c)
{
    return c->at < c->text.len && c->text.text[c->at++] == '%';
}

/* What a conversion reads; `says` is what of a date it tells, for the check. */
enum { SAYS_YEAR = 1, SAYS_MONTH = 2, SAYS_DAY = 4, SAYS_ALL = 7 };
static const struct conversion {
    char letter;
    unsigned says;
    bool (*read)(struct cursor *c);
    const char *stands_for; /* another format */
} conversions[] = {
    {'Y', SAYS_YEAR, year, NULL},
    {'y', SAYS_YEAR, short_year, NULL},
    {'m', SAYS_MONTH, month, NULL},
    {'b', SAYS_MONTH, month_name, NULL},
    {'B', SAYS_MONTH, month_name, NULL},
    {'h', SAYS_MONTH, month_name, NULL},
    {'d', SAYS_DAY, day, NULL},
    {'e', SAYS_DAY, day, NULL},
    {'j', SAYS_MONTH | SAYS_DAY, day_of_year, NULL},
    {'a', 0, weekday_name, NULL},
    {'A', 0, weekday_name, NULL},
    {'H', 0, hour, NULL},
    {'k', 0, hour, NULL},
    {'I', 0, twelve_hour, NULL},
    {'l', 0, twelve_hour, NULL},
    {'M', 0, minute, NULL},
    {'S', 0, second, NULL},
    {'f', 0, fraction, NULL},
    {'L', 0, fraction, NULL},
    {'N', 0, fraction, NULL},
    {'p', 0, am_pm, NULL},
    {'P', 0, am_pm, NULL},
    {'z', 0, offset, NULL},
    {'Z', 0, zone_name, NULL},
    {'s', SAYS_ALL, epoch, NULL},
    {'n', 0, blanks, NULL},
    {'t', 0, blanks, NULL},
    {'%', 0, percent, NULL},
    {'T', 0, NULL, "%H:%M:%S"},
    {'R', 0, NULL, "%H:%M"},
    {'D', SAYS_ALL, NULL, "%m/%d/%y"},
    {'F', SAYS_ALL, NULL, "%Y-%m-%d"},
};

static const struct conversion *conversion_of(char letter)
{
    for (size_t i = 0; i < sizeof conversions / sizeof conversions[0]; i++)
        if (conversions[i].letter == letter)
            return &conversions[i];
    return NULL;
}

const char *time_format_check(struct slice format, size_t *ret_at)
{
    unsigned said = 0;
    *ret_at = 0;
    for (size_t i = 0; i < format.len; i++) {
        if (format.text[i] != '%')
            continue;
        const struct conversion *c = i + 1 < format.len ? conversion_of(format.text[i + 1]) : NULL;
        if (!c) {
            *ret_at = i;
            return "an unknown conversion in the format";
        }
        said |= c->says;
        i++;
    }
    if (format.len && said != SAYS_ALL)
        return said & SAYS_YEAR ? "the format has no day and month" : "the format has no year";
    return NULL;
}

static bool read_by(struct cursor *c, struct slice format)
{
    for (size_t i = 0; i < format.len; i++) {
        char f = format.text[i];
        if (memchr(" \t\n\r\v\f", f, 6)) {
            skip_blanks(c);
        } else if (f != '%') {
            if (c->at == c->text.len || c->text.text[c->at++] != f)
                return false;
        } else {
            const struct conversion *conversion = i + 1 < format.len ? conversion_of(format.text[++i]) : NULL;
            if (!conversion)
                return false;
            bool fits = conversion->read ? conversion->read(c) : read_by(c, slice_from(conversion->stands_for));
            if (!fits)
                return false;
        }
    }
    return true;
}

static bool settle(struct parts *p, const struct time_zone *zone, struct instant *ret_instant)
{
    if (p->has_epoch) {
        *ret_instant = p->epoch;
        ret_instant->ns = p->civil.ns;
        ret_instant->digits = p->civil.digits;
        return true;
    }
    if (!p->has_year)
        return false;
    if (p->has_twelve && p->has_pm)
        p->civil.hour = p->civil.hour % 12 + (p->pm ? 12 : 0);
    if (p->has_day_of_year) {
        int64_t days = calendar_days(p->civil.year, 1, 1) + p->day_of_year - 1, same_year;
        calendar_date(days, &same_year, &p->civil.month, &p->civil.day);
        if (same_year != p->civil.year)
            return false;
    } else if (!p->has_month || !p->has_day) {
        return false;
    }
    return instant_of_civil(&p->civil, zone, ret_instant);
}

bool time_format_read(struct slice format, struct slice text, const struct time_zone *zone, struct instant *ret_instant)
{
    struct parts parts = {0};
    struct cursor c = {.text = text, .parts = &parts};
    if (!read_by(&c, format))
        return false;
    skip_blanks(&c);
    return c.at == text.len && settle(&parts, zone, ret_instant);
}
