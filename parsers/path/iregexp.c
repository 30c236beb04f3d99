/* I-Regexp (RFC 9485) → PCRE2.
 *
 * One pass over the pattern, by the grammar of RFC 9485, writing as it goes: a group becomes one that captures nothing,
 * `.` becomes [^\n\r], and every punctuation character that stands for itself is escaped. What the grammar does not
 * have (and PCRE2 would take: lazy and possessive quantifiers, look-around, back references, \d …) is refused, as are
 * ranges that run backwards. */
#include "expr/regex.h"
#include "text/utf8.h"

struct conversion {
    struct slice in;
    size_t at;
    char *out; /* room for LONGEST bytes for each of `in` */
    size_t len;
};

enum { LONGEST = 8 };

static bool at_end(const struct conversion *c)
{
    return c->at == c->in.len;
}

static bool next_is(const struct conversion *c, char expected)
{
    return !at_end(c) && c->in.text[c->at] == expected;
}

static bool take(struct conversion *c, char expected)
{
    if (!next_is(c, expected))
        return false;
    c->at++;
    return true;
}

static void put(struct conversion *c, struct slice text)
{
    memcpy(c->out + c->len, text.text, text.len);
    c->len += text.len;
}

/* A character that stands for itself. */
static void put_literal(struct conversion *c, uint32_t character)
{
    if (character > ' ' && character < 0x7f && memchr("!\"#$%&'()*+,-./:;<=>?@[\\]^`{|}~", (int)character, 31))
        c->out[c->len++] = '\\';
    c->len += utf8_encode(character, c->out + c->len);
}

static bool is_one_of(uint32_t character, const char *set)
{
    return character != 0 && character < 0x80 && strchr(set, (int)character);
}

/* SingleCharEsc, behind the backslash. */
static bool take_escaped(struct conversion *c, uint32_t *ret_character)
{
    if (at_end(c))
        return false;
    char escaped = c->in.text[c->at++];
    switch (escaped) {
    case 'n':
        *ret_character = '\n';
        return true;
    case 'r':
        *ret_character = '\r';
        return true;
    case 't':
        *ret_character = '\t';
        return true;
    default:
        *ret_character = (unsigned char)escaped;
        return is_one_of(*ret_character, "()*+-.?[\\]^{|}");
    }
}

/* charClassEsc: \p{Lu}, \P{N} …, copied as it is. */
static bool take_category(struct conversion *c, bool *ret_is_one)
{
    static const struct {
        char major;
        const char *minors;
    } categories[] = {{'L', "lmotu"}, {'M', "cen"},  {'N', "dlo"}, {'P', "cdefios"},
                      {'Z', "lps"},   {'S', "ckmo"}, {'C', "cfno"}};
    struct slice rest = slice_from_offset(c->in, c->at);
    *ret_is_one = rest.len >= 2 && rest.text[0] == '\\' && (rest.text[1] == 'p' || rest.text[1] == 'P');
    if (!*ret_is_one)
        return true;
    if (rest.len < 5 || rest.text[2] != '{')
        return false;
    size_t len = rest.text[4] == '}' ? 5 : 6;
    if (rest.len < len || rest.text[len - 1] != '}')
        return false;
    for (size_t i = 0; i < sizeof categories / sizeof *categories; i++) {
        if (categories[i].major == rest.text[3] &&
            (len == 5 || is_one_of((unsigned char)rest.text[4], categories[i].minors))) {
            put(c, slice_of(rest.text, len));
            c->at += len;
            return true;
        }
    }
    return false;
}

/* CCchar */
static bool take_class_char(struct conversion *c, uint32_t *ret_character)
{
    if (at_end(c))
        return false;
    *ret_character = utf8_next(c->in, &c->at);
    if (*ret_character == '\\')
        return take_escaped(c, ret_character);
    return !is_one_of(*ret_character, "-[]");
}

/* CCE1 */
static bool take_class_item(struct conversion *c)
{
    bool is_category;
    if (!take_category(c, &is_category))
        return false;
    if (is_category)
        return true;
    uint32_t first, last;
    if (!take_class_char(c, &first))
        return false;
    put_literal(c, first);
    bool range = next_is(c, '-') && c->at + 1 < c->in.len && c->in.text[c->at + 1] != ']';
    if (!range)
        return true;
    c->at++;
    if (!take_class_char(c, &last) || last < first)
        return false;
    put(c, SLICE("-"));
    put_literal(c, last);
    return true;
}

/* charClassExpr, behind the bracket. */
static bool take_class(struct conversion *c)
{
    put(c, SLICE("["));
    if (take(c, '^'))
        put(c, SLICE("^"));
    if (take(c, '-'))
        put(c, SLICE("\\-"));
    else if (!take_class_item(c))
        return false;
    while (!next_is(c, ']')) {
        if (take(c, '-')) { /* only as the last */
            put(c, SLICE("\\-"));
            break;
        }
        if (!take_class_item(c))
            return false;
    }
    put(c, SLICE("]"));
    return take(c, ']');
}

/* Digits, as a number that no pattern can mean where it is too large. */
static bool take_count(struct conversion *c, uint32_t *ret_count)
{
    size_t start = c->at;
    uint32_t count = 0;
    for (; !at_end(c) && c->in.text[c->at] >= '0' && c->in.text[c->at] <= '9'; c->at++)
        count = count > 65535 ? count : count * 10 + (uint32_t)(c->in.text[c->at] - '0');
    *ret_count = count;
    return c->at > start;
}

/* Copies a quantifier where one stands. */
static bool take_quantifier(struct conversion *c)
{
    size_t start = c->at;
    if (take(c, '{')) {
        uint32_t least, most;
        if (!take_count(c, &least))
            return false;
        if (take(c, ',') && take_count(c, &most) && most < least)
            return false;
        if (!take(c, '}'))
            return false;
    } else if (!take(c, '*') && !take(c, '+')) {
        take(c, '?');
    }
    put(c, slice_of(c->in.text + start, c->at - start));
    return true;
}

/* An atom but for groups. */
static bool take_atom(struct conversion *c)
{
    bool is_category;
    if (!take_category(c, &is_category))
        return false;
    if (is_category)
        return true;
    uint32_t character = utf8_next(c->in, &c->at);
    switch (character) {
    case '.':
        put(c, SLICE("[^\\n\\r]"));
        return true;
    case '^':
        put(c, SLICE("(?:\\A)")); /* grouped, so that a quantifier may follow */
        return true;
    case '$':
        put(c, SLICE("(?:\\z)"));
        return true;
    case '[':
        return take_class(c);
    case '\\':
        if (!take_escaped(c, &character))
            return false;
        break;
    default:
        if (is_one_of(character, "*+?]{}"))
            return false;
    }
    put_literal(c, character);
    return true;
}

static bool convert(struct conversion *c)
{
    size_t open = 0;
    while (!at_end(c)) {
        if (take(c, '|')) {
            put(c, SLICE("|"));
            continue;
        }
        if (take(c, '(')) {
            open++;
            put(c, SLICE("(?:"));
            continue;
        }
        if (take(c, ')')) {
            if (open-- == 0)
                return false;
            put(c, SLICE(")"));
        } else if (!take_atom(c)) {
            return false;
        }
        if (!take_quantifier(c))
            return false;
    }
    return open == 0;
}

struct slice iregexp_to_pcre2(struct arena *arena, struct slice pattern)
{
    struct slice none = {NULL, 0};
    if (!utf8_is_valid(pattern) || pattern.len > SIZE_MAX / LONGEST - 1)
        return none;
    struct conversion c = {.in = pattern, .out = arena_alloc(arena, pattern.len * LONGEST + 1)};
    if (!c.out || !convert(&c))
        return none;
    return slice_of(c.out, c.len);
}
