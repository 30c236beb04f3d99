#include "wire/retry_after.h"

#include "limits.h"

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static struct slice trim(struct slice s)
{
    while (s.len && (s.text[0] == ' ' || s.text[0] == '\t'))
        s = slice_of(s.text + 1, s.len - 1);
    while (s.len && strchr(" \t\r\n", s.text[s.len - 1]))
        s.len--;
    return s;
}

/* The next run of characters that are no blank, comma or hyphen. */
static struct slice next_word(struct slice *rest)
{
    static const char between[] = " ,-";
    size_t from = 0;
    while (from < rest->len && rest->text[from] != '\0' && strchr(between, rest->text[from]))
        from++;
    size_t to = from;
    while (to < rest->len && (rest->text[to] == '\0' || !strchr(between, rest->text[to])))
        to++;
    struct slice word = slice_of(rest->text + from, to - from);
    *rest = slice_from_offset(*rest, to);
    return word;
}

static bool number_of(struct slice text, size_t least, size_t most, int *ret)
{
    if (text.len < least || text.len > most)
        return false;
    int n = 0;
    for (size_t i = 0; i < text.len; i++) {
        if (!is_digit(text.text[i]))
            return false;
        n = n * 10 + (text.text[i] - '0');
    }
    *ret = n;
    return true;
}

static bool month_of(struct slice text, int *ret)
{
    static const char names[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
    for (size_t m = 0; text.len == 3 && m < 12; m++)
        if (memcmp(text.text, names + 3 * m, 3) == 0) {
            *ret = (int)m + 1;
            return true;
        }
    return false;
}

static bool clock_of(struct slice text, int *ret_seconds)
{
    int h, m, s;
    if (text.len != 8 || text.text[2] != ':' || text.text[5] != ':' || !number_of(slice_of(text.text, 2), 2, 2, &h) ||
        !number_of(slice_of(text.text + 3, 2), 2, 2, &m) || !number_of(slice_of(text.text + 6, 2), 2, 2, &s) ||
        h > 23 || m > 59 || s > 60)
        return false;
    *ret_seconds = h * 3600 + m * 60 + s;
    return true;
}

/* Two digits of a year, as RFC 850 has them, without asking what year it is now. */
static bool year_of(struct slice text, int *ret)
{
    if (number_of(text, 4, 4, ret))
        return true;
    if (!number_of(text, 2, 2, ret))
        return false;
    *ret += *ret < 70 ? 2000 : 1900;
    return true;
}

/* Days from 1970-01-01 to a date of the Gregorian calendar. */
static int64_t days_to(int year, int month, int day)
{
    int64_t y = month <= 2 ? year - 1 : year;
    int64_t era = y / 400, of_era = y % 400;
    int64_t of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
    return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
}

bool http_date_parse(struct slice text, int64_t *ret_seconds)
{
    struct slice rest = trim(text);
    if (rest.len == 0)
        return false;
    next_word(&rest); /* the day of the week says nothing new */
    struct slice first = next_word(&rest), second = next_word(&rest), third = next_word(&rest),
                 fourth = next_word(&rest);
    int day, month, year, seconds;
    bool asctime_form = month_of(first, &month); /* Sun Nov  6 08:49:37 1994 */
    if (asctime_form ? !(number_of(second, 1, 2, &day) && clock_of(third, &seconds) && year_of(fourth, &year))
                     : !(number_of(first, 1, 2, &day) && month_of(second, &month) && year_of(third, &year) &&
                         clock_of(fourth, &seconds)))
        return false;
    if (day < 1 || day > 31)
        return false;
    *ret_seconds = days_to(year, month, day) * 86400 + seconds;
    return true;
}

uint64_t retry_after_ms(struct slice retry_after, struct slice date)
{
    struct slice value = trim(retry_after);
    int64_t seconds = 0, until, now;
    size_t digits = 0;
    for (; digits < value.len && is_digit(value.text[digits]); digits++)
        if (seconds <= LIMIT_RETRY_AFTER_S)
            seconds = seconds * 10 + (value.text[digits] - '0');
    if (digits < value.len) {
        if (!http_date_parse(value, &until) || !http_date_parse(date, &now))
            return 0;
        seconds = until - now;
    }
    if (seconds <= 0)
        return 0;
    return (uint64_t)(seconds < LIMIT_RETRY_AFTER_S ? seconds : LIMIT_RETRY_AFTER_S) * 1000;
}
