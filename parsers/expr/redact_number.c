/* Numbers that carry their own proof: cards, accounts, social security. */
#include "expr/redact_find.h"

#include <stdint.h>
#include <stdlib.h>

/* ---- credit cards ---- */

enum { CARD_MOST = 19 };

#define LENGTH(n) (1u << (n))

/* The first digits of those who issue cards, as far as they are in use, and how many digits their cards have. */
static const struct issuer {
    unsigned digits; /* how many of the first are compared */
    unsigned first, last;
    unsigned lengths;
} issuers[] = {
    {1, 4, 4, LENGTH(16) | LENGTH(19)},                    /* Visa (those of 13 digits are gone) */
    {2, 51, 55, LENGTH(16)},                               /* Mastercard */
    {4, 2221, 2720, LENGTH(16)},                           /* ... */
    {2, 34, 34, LENGTH(15)},                               /* American Express */
    {2, 37, 37, LENGTH(15)},                               /* ... */
    {4, 6011, 6011, LENGTH(16) | LENGTH(19)},              /* Discover */
    {3, 644, 649, LENGTH(16) | LENGTH(19)},                /* ... */
    {2, 65, 65, LENGTH(16) | LENGTH(19)},                  /* ..., RuPay */
    {3, 300, 305, LENGTH(14) | LENGTH(16)},                /* Diners Club */
    {2, 36, 36, LENGTH(14) | LENGTH(16)},                  /* ... */
    {2, 38, 39, LENGTH(14) | LENGTH(16)},                  /* ... */
    {4, 3528, 3589, LENGTH(16) | LENGTH(19)},              /* JCB */
    {2, 62, 62, LENGTH(16) | LENGTH(19)},                  /* UnionPay */
    {2, 81, 82, LENGTH(16)},                               /* ..., RuPay */
    {2, 60, 60, LENGTH(16)},                               /* RuPay */
    {3, 508, 508, LENGTH(16)},                             /* ... */
    {4, 2200, 2204, LENGTH(16)},                           /* Mir */
    {4, 5018, 5018, LENGTH(16) | LENGTH(18) | LENGTH(19)}, /* Maestro */
    {4, 5020, 5020, LENGTH(16) | LENGTH(18) | LENGTH(19)},
    {4, 5038, 5038, LENGTH(16) | LENGTH(18) | LENGTH(19)},
    {4, 5893, 5893, LENGTH(16) | LENGTH(18) | LENGTH(19)},
    {4, 6304, 6304, LENGTH(16) | LENGTH(18) | LENGTH(19)},
    {4, 6759, 6759, LENGTH(16) | LENGTH(18) | LENGTH(19)},
    {4, 6761, 6763, LENGTH(16) | LENGTH(18) | LENGTH(19)},
};

static bool is_issued(const char *digits, size_t count)
{
    for (size_t i = 0; i < sizeof issuers / sizeof *issuers; i++) {
        unsigned first = 0;
        for (unsigned j = 0; j < issuers[i].digits; j++)
            first = first * 10 + (unsigned)(digits[j] - '0');
        if (first >= issuers[i].first && first <= issuers[i].last && issuers[i].lengths & LENGTH(count))
            return true;
    }
    return false;
}

static bool luhn_holds(const char *digits, size_t count)
{
    unsigned sum = 0;
    for (size_t i = 0; i < count; i++) {
        unsigned digit = (unsigned)(digits[count - 1 - i] - '0');
        if (i % 2 == 1)
            digit = digit > 4 ? digit * 2 - 9 : digit * 2;
        sum += digit;
    }
    return sum % 10 == 0;
}

/* Groups of digits of these lengths with one and the same separator between them: the length of it all, or 0. */
static size_t read_groups(struct slice text, size_t at, const unsigned char groups[], char digits[CARD_MOST + 1])
{
    size_t n = 0, count = 0;
    char separator = '\0';
    for (size_t i = 0; groups[i]; i++) {
        char c = byte_at(text, at + n);
        if (i == 1 && (c == ' ' || c == '-' || c == '.'))
            separator = c;
        if (i > 0 && (separator == '\0' || c != separator))
            return 0;
        n += i > 0;
        for (unsigned j = 0; j < groups[i]; j++, n++) {
            char digit = byte_at(text, at + n);
            if (!is_digit(digit))
                return 0;
            digits[count++] = digit;
        }
    }
    digits[count] = '\0';
    return n;
}

static size_t card_length(struct slice text, size_t at)
{
    static const unsigned char written[][6] = {{4, 4, 4, 4, 3}, {4, 4, 4, 4}, {4, 6, 5}, {4, 6, 4}};
    char digits[CARD_MOST + 1];
    size_t run = digits_at(text, at);
    if (run >= 14 && run <= CARD_MOST) {
        const char *card = text.text + at;
        return number_may_end(text, at + run) && is_issued(card, run) && luhn_holds(card, run) ? run : 0;
    }
    for (size_t i = 0; run == 4 && i < sizeof written / sizeof *written; i++) {
        size_t n = read_groups(text, at, written[i], digits);
        size_t count = n > 0 ? strlen(digits) : 0;
        if (n > 0 && number_may_end(text, at + n) && is_issued(digits, count) && luhn_holds(digits, count))
            return n;
    }
    return 0;
}

bool find_credit_card(struct slice text, size_t from, struct span *ret_span)
{
    for (size_t at = from; at < text.len;) {
        if (!is_digit(text.text[at])) {
            at++;
            continue;
        }
        size_t n = number_may_start(text, at) ? card_length(text, at) : 0;
        if (n > 0) {
            *ret_span = (struct span){at, at + n};
            return true;
        }
        at += digits_at(text, at);
    }
    return false;
}

/* ---- social security numbers ---- */

/* What was never issued: areas 000, 666 and from 900 on (those are tax numbers), group 00, serial 0000. */
static bool ssn_is_issued(const char *area, const char *group, const char *serial)
{
    return memcmp(area, "000", 3) != 0 && memcmp(area, "666", 3) != 0 && area[0] != '9' &&
           memcmp(group, "00", 2) != 0 && memcmp(serial, "0000", 4) != 0;
}

/* AAA-GG-SSSS; with blanks or nothing between only behind the word. */
static size_t ssn_length(struct slice text, size_t at)
{
    static const char *const words[] = {"ssn", "ssns", "security", NULL};
    static const unsigned char parts[] = {3, 2, 4, 0}, whole[] = {9, 0};
    char digits[CARD_MOST + 1];
    size_t n = read_groups(text, at, parts, digits);
    bool dashed = n > 0 && text.text[at + 3] == '-';
    if (n == 0)
        n = read_groups(text, at, whole, digits);
    if (n == 0 || !number_may_end(text, at + n) || !ssn_is_issued(digits, digits + 3, digits + 5))
        return 0;
    return dashed || follows_word(text, at, words) ? n : 0;
}

bool find_ssn(struct slice text, size_t from, struct span *ret_span)
{
    for (size_t at = from; at < text.len;) {
        if (!is_digit(text.text[at])) {
            at++;
            continue;
        }
        size_t n = number_may_start(text, at) ? ssn_length(text, at) : 0;
        if (n > 0) {
            *ret_span = (struct span){at, at + n};
            return true;
        }
        at += digits_at(text, at);
    }
    return false;
}

/* ---- IBAN ---- */

enum { IBAN_LEAST = 15, IBAN_MOST = 33 };

/* Countries of the IBAN registry, and how long theirs are. Sorted. */
static const struct iban_country {
    char code[3];
    unsigned char length;
} iban_countries[] = {
    {"AD", 24}, {"AE", 23}, {"AL", 28}, {"AT", 20}, {"AZ", 28}, {"BA", 20}, {"BE", 16}, {"BG", 22}, {"BH", 22},
    {"BI", 27}, {"BR", 29}, {"BY", 28}, {"CH", 21}, {"CR", 22}, {"CY", 28}, {"CZ", 24}, {"DE", 22}, {"DJ", 27},
    {"DK", 18}, {"DO", 28}, {"EE", 20}, {"EG", 29}, {"ES", 24}, {"FI", 18}, {"FK", 18}, {"FO", 18}, {"FR", 27},
    {"GB", 22}, {"GE", 22}, {"GI", 23}, {"GL", 18}, {"GR", 27}, {"GT", 28}, {"HN", 28}, {"HR", 21}, {"HU", 28},
    {"IE", 22}, {"IL", 23}, {"IQ", 23}, {"IS", 26}, {"IT", 27}, {"JO", 30}, {"KW", 30}, {"KZ", 20}, {"LB", 28},
    {"LC", 32}, {"LI", 21}, {"LT", 20}, {"LU", 20}, {"LV", 21}, {"LY", 25}, {"MC", 27}, {"MD", 24}, {"ME", 22},
    {"MK", 19}, {"MN", 20}, {"MR", 27}, {"MT", 31}, {"MU", 30}, {"NI", 28}, {"NL", 18}, {"NO", 15}, {"OM", 23},
    {"PK", 24}, {"PL", 28}, {"PS", 29}, {"PT", 25}, {"QA", 29}, {"RO", 24}, {"RS", 22}, {"RU", 33}, {"SA", 24},
    {"SC", 31}, {"SD", 18}, {"SE", 24}, {"SI", 19}, {"SK", 24}, {"SM", 27}, {"SO", 23}, {"ST", 25}, {"SV", 28},
    {"TL", 23}, {"TN", 24}, {"TR", 26}, {"UA", 29}, {"VA", 22}, {"VG", 24}, {"XK", 20}, {"YE", 30},
};

static int compare_country(const void *key, const void *row)
{
    return memcmp(key, ((const struct iban_country *)row)->code, 2);
}

static size_t iban_characters(const char *code)
{
    const struct iban_country *c = bsearch(code, iban_countries, sizeof iban_countries / sizeof *iban_countries,
                                           sizeof *iban_countries, compare_country);
    return c ? c->length : 0;
}

/* The country and check digits are moved to the end, letters count as 10 to 35. */
static bool mod_97_holds(const char *iban, size_t count)
{
    unsigned rest = 0;
    for (size_t i = 0; i < count; i++) {
        char c = iban[(i + 4) % count];
        rest = is_digit(c) ? rest * 10 + (unsigned)(c - '0') : rest * 100 + (unsigned)(c - 'A') + 10;
        rest %= 97;
    }
    return rest == 1;
}

/* In one piece, or in groups of four with one and the same separator between. In small letters too, but not if it could
 * be a hexadecimal number. */
static size_t iban_length(struct slice text, size_t at)
{
    char iban[IBAN_MOST + 1];
    size_t n = 0, count = 0, wanted = 0;
    char separator = '\0';
    bool capitals = false, small = false, beyond_hex = false;
    for (; count < 4 || count < wanted; n++) {
        char c = byte_at(text, at + n);
        if (count == 4 && separator == '\0' && (c == ' ' || c == '-'))
            separator = c;
        if (separator != '\0' && count % 4 == 0) {
            if (c != separator)
                return 0;
            c = byte_at(text, at + ++n);
        }
        if (count < 2 ? !is_letter(c) : count < 4 ? !is_digit(c) : !is_alnum(c))
            return 0;
        capitals |= is_upper(c);
        small |= is_letter(c) && !is_upper(c);
        beyond_hex |= (c | 0x20) > 'f';
        iban[count++] = is_letter(c) ? (char)(c & ~0x20) : c;
        if (count == 4 && (wanted = iban_characters(iban)) < IBAN_LEAST)
            return 0;
    }
    bool one_case = small ? !capitals && beyond_hex : true;
    return one_case && !is_word(byte_at(text, at + n)) && mod_97_holds(iban, count) ? n : 0;
}

bool find_iban(struct slice text, size_t from, struct span *ret_span)
{
    for (size_t at = from; at < text.len; at++) {
        if (!is_letter(text.text[at]) || is_word(byte_at(text, at - 1)))
            continue;
        size_t n = iban_length(text, at);
        if (n > 0) {
            *ret_span = (struct span){at, at + n};
            return true;
        }
    }
    return false;
}
