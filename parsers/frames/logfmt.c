#include "frames/logfmt.h"

#include "json/json_writer.h"

struct pair {
    struct slice key, value;
    bool has_value, quoted;
};

enum pair_result { PAIR_OK, PAIR_END, PAIR_BAD };

static bool is_blank(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

/* What stands up to the first byte for which one of the ends holds. */
static struct slice take_until(struct slice *rest, bool key)
{
    size_t n = 0;
    while (n < rest->len && !is_blank(rest->text[n]) && !(key && (rest->text[n] == '=' || rest->text[n] == '"')))
        n++;
    struct slice taken = slice_of(rest->text, n);
    *rest = slice_from_offset(*rest, n);
    return taken;
}

/* The content of a quoted text, as it stands; `rest` begins behind the opening quote. */
static bool take_quoted(struct slice *rest, struct slice *ret)
{
    size_t n = 0;
    while (n < rest->len && rest->text[n] != '"')
        n += rest->text[n] == '\\' ? 2 : 1;
    if (n >= rest->len)
        return false;
    *ret = slice_of(rest->text, n);
    *rest = slice_from_offset(*rest, n + 1);
    return rest->len == 0 || is_blank(rest->text[0]);
}

static enum pair_result next_pair(struct slice *rest, struct pair *ret)
{
    while (rest->len && is_blank(rest->text[0]))
        *rest = slice_from_offset(*rest, 1);
    if (rest->len == 0)
        return PAIR_END;
    struct pair pair = {.key = take_until(rest, true)};
    if (pair.key.len == 0 || (rest->len && rest->text[0] == '"'))
        return PAIR_BAD;
    if (rest->len && rest->text[0] == '=') {
        *rest = slice_from_offset(*rest, 1);
        pair.has_value = true;
        pair.quoted = rest->len && rest->text[0] == '"';
        if (!pair.quoted) {
            pair.value = take_until(rest, false);
        } else {
            *rest = slice_from_offset(*rest, 1);
            if (!take_quoted(rest, &pair.value))
                return PAIR_BAD;
        }
    }
    *ret = pair;
    return PAIR_OK;
}

static bool is_unicode_escape(struct slice at)
{
    if (at.len < 6 || at.text[1] != 'u')
        return false;
    for (size_t i = 2; i < 6; i++)
        if (!strchr("0123456789abcdefABCDEF", at.text[i]) || at.text[i] == '\0')
            return false;
    return true;
}

/* Its escapes are JSON's, and so go through as they are; others are plain text. */
static void write_quoted(struct buffer *out, struct slice value)
{
    const char *backslash;
    while (value.len && (backslash = memchr(value.text, '\\', value.len))) {
        size_t before = (size_t)(backslash - value.text);
        json_write_escaped(out, slice_of(value.text, before));
        value = slice_from_offset(value, before);
        size_t len = is_unicode_escape(value) ? 6 : 2;
        if (len == 6 || (value.text[1] && strchr("\"\\/bfnrt", value.text[1]))) {
            buffer_add(out, slice_of(value.text, len));
            value = slice_from_offset(value, len);
        } else {
            buffer_add_text(out, "\\\\");
            value = slice_from_offset(value, 1);
        }
    }
    json_write_escaped(out, value);
}

static void write_pair(struct buffer *out, const struct pair *pair)
{
    json_write_string(out, pair->key);
    buffer_add_char(out, ':');
    if (!pair->has_value) {
        buffer_add_text(out, "true");
        return;
    }
    buffer_add_char(out, '"');
    if (pair->quoted)
        write_quoted(out, pair->value);
    else
        json_write_escaped(out, pair->value);
    buffer_add_char(out, '"');
}

bool logfmt_to_json(struct buffer *out, struct slice line)
{
    struct pair pair;
    enum pair_result result;
    bool first = true;
    buffer_add_char(out, '{');
    while ((result = next_pair(&line, &pair)) == PAIR_OK) {
        if (!first)
            buffer_add_char(out, ',');
        first = false;
        write_pair(out, &pair);
    }
    buffer_add_char(out, '}');
    return result == PAIR_END;
}

bool logfmt_is(struct slice line)
{
    struct pair pair;
    enum pair_result result;
    do
        result = next_pair(&line, &pair);
    while (result == PAIR_OK);
    return result == PAIR_END;
}
