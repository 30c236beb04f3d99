/* The words of a path (RFC 9535, appendix A). The text may be any bytes: what is not ASCII is only taken inside names
 * and quoted texts, and is checked there to be UTF-8. */
#include "path/jsonpath_lex.h"

#include "text/utf8.h"
#include "json/json_number.h"

#include <stdarg.h>
#include <stdio.h>

static const int64_t INTEGER_MAX = (INT64_C(1) << 53) - 1; /* I-JSON, RFC 7493 */

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_lower(char c)
{
    return c >= 'a' && c <= 'z';
}

static bool is_name_first(char c)
{
    return is_lower(c) || (c >= 'A' && c <= 'Z') || c == '_' || (unsigned char)c >= 0x80;
}

bool path_fail(struct path_lexer *lexer, size_t at, const char *format, ...)
{
    if (lexer->failed)
        return false;
    lexer->failed = true;
    lexer->error->at = at;
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(lexer->error->text, sizeof lexer->error->text, format, arguments);
    va_end(arguments);
    return false;
}

bool path_no_memory(struct path_lexer *lexer)
{
    return path_fail(lexer, lexer->at, "out of memory");
}

void path_skip_blanks(struct path_lexer *lexer)
{
    while (path_is_blank(path_peek(lexer, 0)))
        lexer->at++;
}

/* The text from `start` up to lexer->at, if it is UTF-8. */
static bool utf8_since(struct path_lexer *lexer, size_t start)
{
    struct slice text = slice_of(lexer->text.text + start, lexer->at - start);
    size_t valid = utf8_valid_prefix(text);
    return valid == text.len || path_fail(lexer, start + valid, "not UTF-8");
}

bool path_lex_name(struct path_lexer *lexer, struct slice *ret_name)
{
    size_t start = lexer->at;
    if (!is_name_first(path_peek(lexer, 0)))
        return path_fail(lexer, start,
                         "expected a name or '*'; a name that does not begin with a letter or '_' is "
                         "written as ['name']");
    while (is_name_first(path_peek(lexer, 0)) || is_digit(path_peek(lexer, 0)))
        lexer->at++;
    if (!utf8_since(lexer, start))
        return false;
    if (path_peek(lexer, 0) == '-')
        return path_fail(lexer, lexer->at, "a name with a '-' in it is written as ['name']");
    struct slice name = arena_copy(lexer->arena, slice_of(lexer->text.text + start, lexer->at - start));
    if (!name.text)
        return path_no_memory(lexer);
    *ret_name = name;
    return true;
}

/* ---- Quoted texts ------------------------------------------------------------------------------------------------ */

static int hex_value(char c)
{
    if (is_digit(c))
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

/* The four digits of a \u whose `u` stands at lexer->at. */
static bool lex_hex4(struct path_lexer *lexer, uint32_t *ret_unit)
{
    uint32_t unit = 0;
    for (size_t i = 1; i <= 4; i++) {
        int digit = hex_value(path_peek(lexer, i));
        if (digit < 0)
            return path_fail(lexer, lexer->at + i, "\\u takes four hexadecimal digits");
        unit = unit << 4 | (uint32_t)digit;
    }
    lexer->at += 5;
    *ret_unit = unit;
    return true;
}

/* \uXXXX or a surrogate pair \uXXXX\uXXXX, whose first `u` stands at lexer->at; writes it as UTF-8. */
static bool lex_unicode_escape(struct path_lexer *lexer, char out[4], size_t *ret_len)
{
    size_t backslash = lexer->at - 1;
    uint32_t c, low = 0;
    if (!lex_hex4(lexer, &c))
        return false;
    if (c >= 0xD800 && c <= 0xDFFF) {
        bool pair = c <= 0xDBFF && path_take(lexer, "\\") && path_peek(lexer, 0) == 'u';
        if (pair && !lex_hex4(lexer, &low))
            return false;
        if (!pair || low < 0xDC00 || low > 0xDFFF)
            return path_fail(lexer, backslash, "half of a surrogate pair");
        c = 0x10000 + ((c - 0xD800) << 10) + (low - 0xDC00);
    }
    *ret_len = utf8_encode(c, out);
    return true;
}

/* What stands behind a backslash at lexer->at - 1. */
static bool lex_escape(struct path_lexer *lexer, char quote, char out[4], size_t *ret_len)
{
    static const char escapes[] = "b\bf\fn\nr\rt\t//\\\\"; /* pairs: the letter, what it stands for */
    char c = path_peek(lexer, 0);
    if (c == 'u')
        return lex_unicode_escape(lexer, out, ret_len);
    *ret_len = 1;
    if (c == quote) {
        out[0] = quote;
        lexer->at++;
        return true;
    }
    for (size_t i = 0; i + 1 < sizeof escapes; i += 2) {
        if (c == escapes[i]) {
            out[0] = escapes[i + 1];
            lexer->at++;
            return true;
        }
    }
    return path_fail(lexer, lexer->at - 1, "unknown escape");
}

bool path_lex_string(struct path_lexer *lexer, struct slice *ret_text)
{
    size_t start = lexer->at;
    char quote = path_peek(lexer, 0);
    lexer->at++;

    /* Written without escapes it is never longer, so that a first pass to the closing quote measures it. */
    size_t end = lexer->at;
    while (end < lexer->text.len && lexer->text.text[end] != quote)
        end += lexer->text.text[end] == '\\' ? 2 : 1;
    if (end >= lexer->text.len)
        return path_fail(lexer, start, "the quote is not closed");
    char *out = arena_alloc(lexer->arena, end - lexer->at);
    if (!out)
        return path_no_memory(lexer);

    size_t len = 0;
    while (lexer->at < end) {
        char c = lexer->text.text[lexer->at];
        if ((unsigned char)c < 0x20)
            return path_fail(lexer, lexer->at, "a control character in quotes is written as an escape (\\n, \\u0000)");
        lexer->at++;
        if (c != '\\') {
            out[len++] = c;
            continue;
        }
        char escaped[4];
        size_t escaped_len;
        if (!lex_escape(lexer, quote, escaped, &escaped_len))
            return false;
        memcpy(out + len, escaped, escaped_len);
        len += escaped_len;
    }
    if (!utf8_since(lexer, start))
        return false;
    lexer->at++; /* the closing quote */
    *ret_text = slice_of(out, len);
    return true;
}

/* ---- Numbers and words ------------------------------------------------------------------------------------------- */

bool path_lex_integer(struct path_lexer *lexer, int64_t *ret_integer)
{
    size_t start = lexer->at;
    bool negative = path_take(lexer, "-");
    if (!is_digit(path_peek(lexer, 0)))
        return path_fail(lexer, lexer->at, "expected a digit");
    if (path_peek(lexer, 0) == '0' && (negative || is_digit(path_peek(lexer, 1))))
        return path_fail(lexer, start, negative ? "an index does not begin with -0" : "an index has no leading zeros");
    int64_t integer = 0;
    while (is_digit(path_peek(lexer, 0))) {
        integer = integer * 10 + (path_peek(lexer, 0) - '0');
        if (integer > INTEGER_MAX)
            return path_fail(lexer, start, "an index is at most 9007199254740991");
        lexer->at++;
    }
    *ret_integer = negative ? -integer : integer;
    return true;
}

bool path_lex_number(struct path_lexer *lexer, struct slice *ret_number)
{
    struct slice rest = slice_from_offset(lexer->text, lexer->at);
    size_t len = json_number_span(rest);
    if (len == 0)
        return path_fail(lexer, lexer->at, "not a number");
    char after = path_peek(lexer, len);
    if (is_digit(after) || after == '.' || after == 'e' || after == 'E') /* 01, 1., 1e */
        return path_fail(lexer, lexer->at + len, "not a number as JSON writes it");
    struct slice number = arena_copy(lexer->arena, slice_of(rest.text, len));
    if (!number.text)
        return path_no_memory(lexer);
    lexer->at += len;
    *ret_number = number;
    return true;
}

struct slice path_lex_word(struct path_lexer *lexer)
{
    size_t start = lexer->at;
    if (is_lower(path_peek(lexer, 0))) {
        while (is_lower(path_peek(lexer, 0)) || is_digit(path_peek(lexer, 0)) || path_peek(lexer, 0) == '_')
            lexer->at++;
    }
    return slice_of(lexer->text.text + start, lexer->at - start);
}
