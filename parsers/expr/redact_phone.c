/* Telephone numbers. Digits in groups are many things, so a number is one only if it is written as they are written:
 * with + or 00 and a country, as in North America (3-3-4), or with a leading 0; or if a word before says so. */
#include "expr/redact_find.h"

#include <stdint.h>

/* Groups of digits, as they were read. */
struct groups {
    size_t end;
    unsigned digits;
    unsigned count;
    unsigned first, shortest; /* digits in a group */
    unsigned decimals;        /* in the last one, where a point is the only separator; else 0 */
    char separator;           /* '\0' none, '?' several kinds */
};

/* The separators between two groups: a blank, -, . or /, or two with a bracket: ") ", " (". Their length, 0 where no
 * digit follows. */
static size_t separator_length(struct slice text, size_t at)
{
    size_t n = 0;
    bool bracket = false;
    while (n < 3) {
        char c = byte_at(text, at + n);
        bool is_bracket = c == '(' || c == ')';
        if (c == '\0' || !strchr(" -./()", c) || (n > 0 && !bracket && !is_bracket))
            break;
        bracket |= is_bracket;
        n++;
    }
    return is_digit(byte_at(text, at + n)) ? n : 0;
}

/* Groups from `at` on, as many as have `most` digits together (the first always), with one kind of separator only if
 * `uniform`. */
static struct groups read_groups(struct slice text, size_t at, unsigned most, bool uniform)
{
    struct groups g = {.end = at, .shortest = UINT32_MAX};
    size_t gap = 0;
    do {
        unsigned n = 0;
        while (n <= most && is_digit(byte_at(text, g.end + gap + n)))
            n++;
        char separator = gap ? text.text[g.end] : '\0';
        if (g.count > 0 && (g.digits + n > most || (uniform && g.separator && separator != g.separator)))
            break;
        g.separator = g.separator && g.separator != separator ? '?' : separator;
        g.decimals = g.count == 1 && separator == '.' ? n : 0;
        if (g.count == 0)
            g.first = n;
        g.shortest = n < g.shortest ? n : g.shortest;
        g.end += gap + n;
        g.digits += n;
        g.count++;
        gap = separator_length(text, g.end);
    } while (gap > 0);
    return g;
}

/* What was read is all there is: no further group, no word. */
static bool groups_are_all(struct slice text, const struct groups *g)
{
    char after = byte_at(text, g->end);
    return !is_word(after) && after != '@' && separator_length(text, g->end) == 0;
}

static size_t length_from(const struct groups *g, size_t at)
{
    return g->end - at;
}

/* +49 30 123456, +1 (555) 123-4567, +44 (0)20 7946 0958. */
static size_t international_length(struct slice text, size_t at)
{
    enum { LEAST = 8, MOST_GROUPED = 14, MOST = 15 };
    char first = byte_at(text, at + 1), before = byte_at(text, at - 1);
    if (first < '1' || first > '9' || is_word(before) || before == '+')
        return 0;
    unsigned most = first == '1' ? 11 : digits_at(text, at + 1) > MOST_GROUPED ? MOST : MOST_GROUPED;
    struct groups g = read_groups(text, at + 1, most, false);
    char after = byte_at(text, g.end);
    bool decimal = g.decimals > 0 && !(g.first == 1 && first == '1' && g.decimals == 10);
    if (g.digits < LEAST || g.digits > most || decimal || is_word(after) || after == '@')
        return 0;
    return length_from(&g, at);
}

/* 0049 30 123456: the 00 and the country together, the rest in one kind of groups. */
static size_t international_00_length(struct slice text, size_t at)
{
    if (byte_at(text, at + 1) != '0' || byte_at(text, at + 2) < '1')
        return 0;
    struct groups g = read_groups(text, at, 15, true);
    bool fits = g.count >= 2 && g.first >= 3 && g.first <= 5 && g.digits >= 10 && g.decimals == 0;
    return fits && groups_are_all(text, &g) ? length_from(&g, at) : 0;
}

/* Whether the groups from `at` on are the end of a longer list of such: of bytes, say, or columns. */
static bool is_in_list(struct slice text, size_t at, unsigned group)
{
    size_t n = 0;
    if (byte_at(text, at - 1) != ' ')
        return false;
    while (n <= group && is_digit(byte_at(text, at - 2 - n)))
        n++;
    char before = byte_at(text, at - 2 - n);
    return n == group && (before == ' ' || before == '\0' || before == '\n');
}

/* 020 7946 0958, 06 12 34 56 78, 0171/1234567: ten or eleven digits. */
static size_t national_length(struct slice text, size_t at)
{
    if (byte_at(text, at + 1) < '1')
        return 0;
    struct groups g = read_groups(text, at, 12, true);
    bool fits = g.count >= 2 && g.shortest >= 2 && (g.digits == 10 || g.digits == 11) && g.decimals == 0;
    return fits && groups_are_all(text, &g) && !is_in_list(text, at, g.first) ? length_from(&g, at) : 0;
}

/* (030) 1234567: the bracket is what tells it, so nine digits will do. */
static size_t bracketed_national_length(struct slice text, size_t at)
{
    size_t area = digits_at(text, at + 1);
    if (byte_at(text, at + 1) != '0' || byte_at(text, at + 2) < '1' || area > 5 || area < 2 ||
        byte_at(text, at + 1 + area) != ')')
        return 0;
    struct groups g = read_groups(text, at + 1, 12, false);
    return g.count >= 2 && g.digits >= 9 && groups_are_all(text, &g) ? length_from(&g, at) : 0;
}

/* 555-123-4567, 555.123.4567, (555) 123-4567, 1-800-555-0199; the area begins with 2 to 9. */
static size_t north_american_length(struct slice text, size_t at)
{
    size_t n = 0;
    if (byte_at(text, at) == '1' && strchr(" -.", byte_at(text, at + 1)) && byte_at(text, at + 1))
        n = 2;
    bool bracket = byte_at(text, at + n) == '(';
    n += bracket;
    if (digits_at(text, at + n) != 3 || text.text[at + n] < '2')
        return 0;
    n += 3;
    char separator = byte_at(text, at + n);
    if (bracket) {
        if (separator != ')')
            return 0;
        n++;
        char c = byte_at(text, at + n);
        n += c == ' ' || c == '-' || c == '.';
    } else if (separator == '-' || separator == '.') {
        n++;
    } else {
        return 0;
    }
    if (digits_at(text, at + n) != 3)
        return 0;
    n += 3;
    char second = byte_at(text, at + n);
    if (bracket ? second != '-' && second != '.' && second != ' ' : second != separator)
        return 0;
    n++;
    return digits_at(text, at + n) == 4 && number_may_end(text, at + n + 4) ? n + 4 : 0;
}

/* Whatever is behind a word that says so, if it is no date. */
static size_t announced_length(struct slice text, size_t at)
{
    static const char *const words[] = {"phone",     "phones",   "telephone", "tel",      "mobile", "cell",
                                        "cellphone", "fax",      "sms",       "whatsapp", "msisdn", "handy",
                                        "telefon",   "telefono", "telefax",   NULL};
    struct groups g = read_groups(text, at + (text.text[at] == '('), 15, false);
    bool date = g.first == 4 && g.count >= 3 && g.digits <= 8;
    if (g.digits < 7 || g.digits > 15 || date || g.decimals > 0 || is_word(byte_at(text, g.end)))
        return 0;
    return follows_word(text, at, words) ? length_from(&g, at) : 0;
}

/* The length of the number that begins at `at`, 0 where none does. */
static size_t phone_length(struct slice text, size_t at)
{
    char first = text.text[at];
    if (first == '+')
        return international_length(text, at);
    char before = byte_at(text, at - 1);
    if (first == '(' ? is_word(before) : !number_may_start(text, at) || before == '/' || before == ',')
        return 0;
    size_t n = north_american_length(text, at);
    if (n == 0 && first == '(')
        n = bracketed_national_length(text, at);
    if (n == 0 && first == '0')
        n = international_00_length(text, at);
    if (n == 0 && first == '0')
        n = national_length(text, at);
    return n > 0 ? n : announced_length(text, at);
}

bool find_phone(struct slice text, size_t from, struct span *ret_span)
{
    for (size_t at = from; at < text.len;) {
        char c = text.text[at];
        if (!is_digit(c) && c != '+' && c != '(') {
            at++;
            continue;
        }
        size_t n = phone_length(text, at);
        if (n > 0) {
            *ret_span = (struct span){at, at + n};
            return true;
        }
        at += is_digit(c) ? digits_at(text, at) : 1;
    }
    return false;
}
