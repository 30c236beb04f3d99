#include "json/json_check.h"

#include "text/utf8.h"

_Static_assert(JSON_NAME_SLOTS == 64, "six bits of a sign, a bit each in `crowded`");
_Static_assert(LIMIT_JSON_DEPTH % 64 == 0, "kinds of open containers are kept in 64-bit words");

static const char *stop_at(struct json_check *c, const char *at)
{
    c->stop = at;
    return NULL;
}

static const char *check_unicode_escape(struct json_check *c, const char *at)
{
    int32_t unit = json_unicode_escape(at, c->end);
    if (unit < 0) {
        for (at += 2; at < c->end && json_hex_digit(*at) >= 0; at++)
            ;
        return stop_at(c, at);
    }
    at += 6;
    if (json_is_high_surrogate(unit) && json_is_low_surrogate(json_unicode_escape(at, c->end)))
        return at + 6;
    if (json_is_high_surrogate(unit) || json_is_low_surrogate(unit))
        c->mend = true; /* one escape in the place of another: no longer */
    return at;
}

static const char *check_escape(struct json_check *c, const char *at)
{
    c->escapes++;
    if (c->end - at < 2)
        return stop_at(c, c->end);
    if (json_is_short_escape(at[1]))
        return at + 2;
    return at[1] == 'u' ? check_unicode_escape(c, at) : stop_at(c, at + 1);
}

static const char *check_beyond_ascii(struct json_check *c, const char *at)
{
    const char *valid_end = utf8_multibyte_end(at, c->end);
    if (valid_end > at)
        return valid_end;
    struct utf8_step bad = utf8_step(at, c->end);
    c->mend = true;
    c->grows += UTF8_REPLACEMENT_LEN - bad.len;
    return at + bad.len;
}

const char *json_check_special(struct json_check *c, const char *at)
{
    if (*at == '\\')
        return check_escape(c, at);
    return (signed char)*at < 0 ? check_beyond_ascii(c, at) : stop_at(c, at);
}

static uint32_t offset_of(const struct json_check *c, const char *at)
{
    return (uint32_t)(at - c->doc->text.text);
}

void json_note_long_string(struct json_check *c, const char *start, const char *end)
{
    struct json_doc *doc = c->doc;
    if (doc->long_count < JSON_LONG_STRINGS)
        doc->longs[doc->long_count++] = (struct json_long_string){offset_of(c, start), offset_of(c, end)};
}

static const char *check_word(struct json_check *c, const char *at, struct slice word)
{
    if ((size_t)(c->end - at) >= word.len && memcmp(at, word.text, word.len) == 0)
        return at + word.len;
    for (size_t i = 0; at < c->end && *at == word.text[i]; i++)
        at++;
    return stop_at(c, at);
}

const char *json_check_word_or_number(struct json_check *c, const char *at)
{
    switch (*at) {
    case 't':
        return check_word(c, at, SLICE("true"));
    case 'f':
        return check_word(c, at, SLICE("false"));
    case 'n':
        return check_word(c, at, SLICE("null"));
    default: {
        const char *stop, *end = json_number_end(at, c->end, &stop);
        return end == stop ? end : stop_at(c, stop);
    }
    }
}

/* An outermost member begins: its name stands at `name`, its value at `value`. */
static void begin_entry(struct json_check *c, const char *name, const char *name_end, const char *value, bool escaped)
{
    json_list_member(c->doc, slice_of(name, (size_t)(name_end - name)), escaped, value);
}

/* A value ends at `end`: an outermost member's, or the outermost object itself. */
static inline void end_entry(struct json_check *c, const char *end)
{
    if (c->depth == 1 && c->doc && c->doc->entries && c->doc->entry_count)
        c->doc->entries[c->doc->entry_count - 1].value_end = offset_of(c, end);
}

/* A member's name and its colon, with the blanks around them: to the value. */
static const char *check_name(struct json_check *c, const char *at)
{
    if (at == c->end || *at != '"')
        return stop_at(c, at);
    const char *name = at + 1;
    uint32_t escapes = c->escapes;
    at = json_check_string(c, name);
    if (!at)
        return NULL;
    const char *name_end = at - 1;
    at = json_blank_end(at, c->end);
    if (at == c->end || *at != ':')
        return stop_at(c, at);
    at = json_blank_end(at + 1, c->end);
    if (c->depth == 1 && c->doc)
        begin_entry(c, name, name_end, at, c->escapes != escapes);
    return at;
}

static bool in_object(const struct json_check *c)
{
    return c->objects[(c->depth - 1) / 64] >> ((c->depth - 1) % 64) & 1;
}

static void open_container(struct json_check *c, bool object)
{
    uint64_t bit = UINT64_C(1) << (c->depth % 64);
    uint64_t *word = &c->objects[c->depth / 64];
    *word = object ? *word | bit : *word & ~bit;
    c->depth++;
}

/* Behind a value: closes what ends there, as far as the next value; sets *ret_end instead behind the last one. */
static const char *check_behind_value(struct json_check *c, const char *at, bool *ret_end)
{
    for (;;) {
        end_entry(c, at);
        at = json_blank_end(at, c->end);
        *ret_end = at == c->end && c->depth == 0;
        if (at == c->end || c->depth == 0)
            return stop_at(c, at);
        bool object = in_object(c);
        if (*at == ',') {
            at = json_blank_end(at + 1, c->end);
            c->tokens += object;
            return object ? check_name(c, at) : at;
        }
        if (*at != (object ? '}' : ']'))
            return stop_at(c, at);
        at++;
        c->depth--;
    }
}

static void note_scalar(struct json_check *c, const char *start, const char *end)
{
    struct json_scalars *s = c->scalars;
    if (s->count < LIMIT_JSON_SHAPE_SCALARS)
        s->places[s->count] = (struct json_place){offset_of(c, start), offset_of(c, end)};
    s->count++;
}

/* From a value to the next one. Iterative: the nesting is in c->objects, not on the stack. */
static const char *check_value(struct json_check *c, const char *at, bool *ret_end)
{
    if (at == c->end)
        return stop_at(c, at);
    c->tokens++;
    if (*at != '{' && *at != '[') {
        const char *start = at;
        at = json_check_scalar(c, at);
        if (at && c->scalars)
            note_scalar(c, start, at);
        return at ? check_behind_value(c, at, ret_end) : NULL;
    }
    bool object = *at == '{';
    c->too_deep = c->depth == LIMIT_JSON_DEPTH;
    if (c->too_deep)
        return stop_at(c, at);
    open_container(c, object);
    at = json_blank_end(at + 1, c->end);
    if (at < c->end && *at == (object ? '}' : ']'))
        return check_behind_value(c, at, ret_end); /* which closes it */
    c->tokens += object;
    return object ? check_name(c, at) : at;
}

enum json_fault json_check_text(struct json_check *c, struct slice text, enum json_want want, struct json_doc *doc,
                                struct json_scalars *scalars)
{
    if (text.len > LIMIT_JSON_TEXT)
        return JSON_NO_MEMORY;
    if (text.len == 0)
        return JSON_NOT_JSON;
    *c = (struct json_check){.end = text.text + text.len, .doc = doc, .scalars = scalars};
    bool end = false;
    const char *first = json_blank_end(text.text, c->end), *at = first;
    while (at)
        at = check_value(c, at, &end);
    if (end)
        return want == JSON_ANY_VALUE || *first == '{' ? JSON_OK : JSON_NOT_OBJECT;
    if (c->too_deep)
        return JSON_TOO_DEEP;
    return c->stop == c->end && c->depth > 0 ? JSON_CUT : JSON_NOT_JSON;
}

enum json_fault json_check(struct slice text, enum json_want want)
{
    struct json_check check;
    return json_check_text(&check, text, want, NULL, NULL);
}
