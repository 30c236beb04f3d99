/* JSON text → tokens.
 *
 * The happy path:
 *  - check_text() goes over the text once, by RFC 8259, and counts what jsmn will find;
 *  - jsmn fills an array of just that size;
 *  - link_tokens() turns it into ours, where each token knows what comes behind its subtree.
 * What can go wrong:
 *  - the text is no JSON, is cut off or nested too deep: the check says so, jsmn never sees it;
 *  - invalid UTF-8 or a lone surrogate in a string: the check counts how many bytes a mended copy has, mend() writes
 *    it, and that is tokenised in the place of the text;
 *  - the arena's ceiling: JSON_NO_MEMORY, and the arena has `failed` set. */
#include "json/json_doc.h"

#include "limits.h"
#include "text/utf8.h"
#include "json/json_scan.h"

#define JSMN_STATIC
#define JSMN_STRICT
#define JSMN_PARENT_LINKS
#include <jsmn.h>

_Static_assert(LIMIT_JSON_DEPTH % 64 == 0, "kinds of open containers are kept in 64-bit words");
_Static_assert(LIMIT_JSON_TEXT <= (size_t)1 << 28,
               "token.size has 27 bits and a child takes two bytes; jsmn's are int");

/* ---- The check -------------------------------------------------------------------------------------------------- */

struct check {
    const char *end;
    const char *stop; /* on failure: the offending byte, or `end` where the text was right as far as it goes */
    uint32_t tokens;
    bool escapes; /* there is a backslash */
    bool mend;    /* there is something to mend ... */
    size_t grows; /* ... by which the text becomes that much longer */
    bool too_deep;
    unsigned depth;
    uint64_t objects[LIMIT_JSON_DEPTH / 64]; /* a bit for each open container: it is an object */
};

/* The functions below take what stands at `at` and give the place behind it, or NULL with c->stop set. */

static const char *stop_at(struct check *c, const char *at)
{
    c->stop = at;
    return NULL;
}

static const char *check_unicode_escape(struct check *c, const char *at)
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

static const char *check_escape(struct check *c, const char *at)
{
    c->escapes = true;
    if (c->end - at < 2)
        return stop_at(c, c->end);
    switch (at[1]) {
    case '"':
    case '\\':
    case '/':
    case 'b':
    case 'f':
    case 'n':
    case 'r':
    case 't':
        return at + 2;
    case 'u':
        return check_unicode_escape(c, at);
    default:
        return stop_at(c, at + 1);
    }
}

static const char *check_beyond_ascii(struct check *c, const char *at)
{
    const char *valid_end = utf8_multibyte_end(at, c->end);
    if (valid_end > at)
        return valid_end;
    struct utf8_step bad = utf8_step(at, c->end);
    c->mend = true;
    c->grows += UTF8_REPLACEMENT_LEN - bad.len;
    return at + bad.len;
}

static __attribute__((noinline)) const char *check_special_string(struct check *c, const char *at)
{
    while (at < c->end && *at != '"') {
        if (*at == '\\')
            at = check_escape(c, at);
        else if ((signed char)*at < 0)
            at = check_beyond_ascii(c, at);
        else
            return stop_at(c, at);
        if (!at)
            return NULL;
        at = json_plain_end(at, c->end);
    }
    return at < c->end ? at + 1 : stop_at(c, at);
}

/* From behind the opening quote to behind the closing one. */
static inline const char *check_string(struct check *c, const char *at)
{
    at = json_plain_end(at, c->end);
    return at < c->end && *at == '"' ? at + 1 : check_special_string(c, at);
}

static const char *check_word(struct check *c, const char *at, struct slice word)
{
    if ((size_t)(c->end - at) >= word.len && memcmp(at, word.text, word.len) == 0)
        return at + word.len;
    for (size_t i = 0; at < c->end && *at == word.text[i]; i++)
        at++;
    return stop_at(c, at);
}

static const char *check_scalar(struct check *c, const char *at)
{
    switch (*at) {
    case '"':
        return check_string(c, at + 1);
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

/* A member's name and its colon, with the blanks around them: to the value. */
static const char *check_name(struct check *c, const char *at)
{
    if (at == c->end || *at != '"')
        return stop_at(c, at);
    at = check_string(c, at + 1);
    if (!at)
        return NULL;
    at = json_blank_end(at, c->end);
    if (at == c->end || *at != ':')
        return stop_at(c, at);
    return json_blank_end(at + 1, c->end);
}

static bool in_object(const struct check *c)
{
    return c->objects[(c->depth - 1) / 64] >> ((c->depth - 1) % 64) & 1;
}

static void open_container(struct check *c, bool object)
{
    uint64_t bit = UINT64_C(1) << (c->depth % 64);
    uint64_t *word = &c->objects[c->depth / 64];
    *word = object ? *word | bit : *word & ~bit;
    c->depth++;
}

/* Behind a value: closes what ends there, as far as the next value; sets *ret_end instead behind the last one. */
static const char *check_behind_value(struct check *c, const char *at, bool *ret_end)
{
    for (;;) {
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

/* From a value to the next one. Iterative: the nesting is in c->objects, not on the stack. */
static const char *check_value(struct check *c, const char *at, bool *ret_end)
{
    if (at == c->end)
        return stop_at(c, at);
    c->tokens++;
    if (*at != '{' && *at != '[') {
        at = check_scalar(c, at);
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

static enum json_fault check_text(struct check *c, struct slice text, enum json_want want)
{
    if (text.len > LIMIT_JSON_TEXT)
        return JSON_NO_MEMORY;
    if (text.len == 0)
        return JSON_NOT_JSON;
    *c = (struct check){.end = text.text + text.len};
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
    struct check check;
    return check_text(&check, text, want);
}

const char *json_fault_text(enum json_fault fault)
{
    static const char *const texts[] = {
        [JSON_OK] = "JSON",
        [JSON_NOT_JSON] = "not JSON",
        [JSON_CUT] = "the beginning of a JSON document over many lines",
        [JSON_NOT_OBJECT] = "not a JSON object",
        [JSON_TOO_DEEP] = "nested too deep",
        [JSON_NO_MEMORY] = "too large for memory",
    };
    return texts[fault];
}

/* ---- Mending ---------------------------------------------------------------------------------------------------- */

/* A copy of a text that was checked: there, both a backslash and a byte beyond ASCII stand in strings only. */
static struct slice mend(struct arena *arena, struct slice text, size_t grows)
{
    char *copy = arena_alloc(arena, text.len + grows);
    if (!copy)
        return slice_of(NULL, 0);
    char *to = copy;
    const char *at = text.text, *end = at + text.len;
    while (at < end) {
        size_t take = 1;
        struct slice piece = {at, 1};
        if (*at == '\\') {
            int32_t unit = json_unicode_escape(at, end);
            bool pair = json_is_high_surrogate(unit) && json_is_low_surrogate(json_unicode_escape(at + 6, end));
            take = pair ? 12 : unit >= 0 ? 6 : 2;
            piece = slice_of(at, take);
            if (!pair && (json_is_high_surrogate(unit) || json_is_low_surrogate(unit)))
                piece = SLICE("\\ufffd");
        } else if ((signed char)*at < 0) {
            struct utf8_step step = utf8_step(at, end);
            take = step.len;
            piece = step.valid ? slice_of(at, take) : SLICE(UTF8_REPLACEMENT);
        }
        memcpy(to, piece.text, piece.len);
        to += piece.len;
        at += take;
    }
    return slice_of(copy, (size_t)(to - copy));
}

/* ---- Tokens ----------------------------------------------------------------------------------------------------- */

/* From the last to the first, so that a token knows its `next` before it tells it to its parent, where that has not
 * heard of a later child. jsmn makes a member's value the child of its name. Kept free of branches that depend on the
 * text: they would be mispredicted for every other token. */
static void link_tokens(struct json_token *tokens, const jsmntok_t *from, uint32_t count, const char *text,
                        bool escapes)
{
    for (uint32_t i = count; i-- > 0;) {
        struct json_token *t = &tokens[i];
        uint32_t start = (uint32_t)from[i].start, end = (uint32_t)from[i].end;
        uint32_t next = t->next ? t->next : i + 1;
        bool string = from[i].type == JSMN_STRING;
        unsigned type = json_type_of_text(text[start - string]);
        *t = (struct json_token){.start = start,
                                 .end = end,
                                 .next = next,
                                 .size = (type >= JSON_ARRAY ? (uint32_t)from[i].size : 0) & 0x7ffffff,
                                 .type = type & 0xf,
                                 .escaped = escapes && string && memchr(text + start, '\\', end - start)};
        struct json_token *parent = &tokens[from[i].parent < 0 ? 0 : from[i].parent];
        parent->next = parent->next ? parent->next : next;
    }
}

/* A root that is no container: jsmn takes no number that ends with the text. */
static void make_scalar_token(struct json_token *token, struct slice text, bool escapes)
{
    const char *start = json_blank_end(text.text, text.text + text.len), *end = text.text + text.len;
    while (json_is_blank(end[-1]))
        end--;
    enum json_type type = json_type_of_text(*start);
    uint32_t quote = type == JSON_STRING;
    *token = (struct json_token){.start = (uint32_t)(start - text.text) + quote,
                                 .end = (uint32_t)(end - text.text) - quote,
                                 .next = 1,
                                 .type = type,
                                 .escaped = escapes};
}

static enum json_fault make_tokens(struct arena *arena, struct slice text, const struct check *check,
                                   struct json_token *tokens)
{
    char first = *json_blank_end(text.text, text.text + text.len);
    if (first != '{' && first != '[') {
        make_scalar_token(tokens, text, check->escapes);
        return JSON_OK;
    }
    struct arena_mark mark = arena_mark(arena);
    jsmntok_t *found = arena_alloc(arena, check->tokens * sizeof *found);
    if (!found)
        return JSON_NO_MEMORY;
    jsmn_parser parser;
    jsmn_init(&parser);
    int count = jsmn_parse(&parser, text.text, text.len, found, check->tokens);
    bool agreed = count >= 0 && (uint32_t)count == check->tokens; /* always; but nothing rests on it unseen */
    if (agreed)
        link_tokens(tokens, found, check->tokens, text.text, check->escapes);
    arena_rewind(arena, mark);
    return agreed ? JSON_OK : JSON_NOT_JSON;
}

enum json_fault json_doc_parse(struct arena *arena, struct slice text, enum json_want want,
                               const struct json_doc **ret_doc)
{
    struct check check;
    enum json_fault fault = check_text(&check, text, want);
    if (fault != JSON_OK)
        return fault;
    if (check.mend) {
        text = mend(arena, text, check.grows);
        if (!text.text)
            return JSON_NO_MEMORY;
    }
    struct json_doc *doc = arena_alloc(arena, sizeof *doc);
    struct json_token *tokens = arena_calloc(arena, check.tokens, sizeof *tokens);
    if (!doc || !tokens)
        return JSON_NO_MEMORY;
    fault = make_tokens(arena, text, &check, tokens);
    if (fault != JSON_OK)
        return fault;
    *doc = (struct json_doc){.text = text, .tokens = tokens, .count = check.tokens};
    *ret_doc = doc;
    return JSON_OK;
}

/* ---- Looking at a document -------------------------------------------------------------------------------------- */

/* One character of a valid string's content, whose escape stands at *at, as UTF-8. */
static size_t decode_escape(const char **at, const char *end, char out[4])
{
    static const char named[] = "\"\"\\\\//b\bf\fn\nr\rt\t";
    int32_t unit = json_unicode_escape(*at, end);
    if (unit < 0) {
        char name = (*at)[1];
        *at += 2;
        for (const char *pair = named; *pair; pair += 2)
            if (*pair == name)
                out[0] = pair[1];
        return 1;
    }
    *at += 6;
    uint32_t character = (uint32_t)unit;
    if (json_is_high_surrogate(unit)) {
        int32_t low = json_unicode_escape(*at, end);
        if (json_is_low_surrogate(low)) {
            *at += 6;
            character = 0x10000 + (((uint32_t)unit - 0xd800) << 10) + ((uint32_t)low - 0xdc00);
        }
    }
    return utf8_encode(character, out); /* a lone one, which a mended document does not have, becomes U+FFFD there */
}

struct slice json_unescape(struct arena *arena, struct slice content)
{
    if (content.len == 0)
        return SLICE("");
    const char *at = content.text, *end = content.text + content.len;
    const char *escape = memchr(at, '\\', content.len);
    if (!escape)
        return content;
    char *plain = arena_alloc(arena, content.len); /* an escape is longer than its character */
    if (!plain)
        return slice_of(NULL, 0);
    char *to = plain;
    while (escape) {
        memcpy(to, at, (size_t)(escape - at));
        to += escape - at;
        at = escape;
        to += decode_escape(&at, end, to);
        escape = memchr(at, '\\', (size_t)(end - at));
    }
    memcpy(to, at, (size_t)(end - at));
    to += end - at;
    return slice_of(plain, (size_t)(to - plain));
}

bool json_string_is(const struct json_doc *doc, uint32_t token, struct slice plain)
{
    struct slice content = json_token_text(doc, token);
    if (!doc->tokens[token].escaped)
        return slice_equal(content, plain);
    const char *at = content.text, *end = content.text + content.len;
    while (at < end) {
        char character[4] = {*at};
        size_t n = 1;
        if (*at == '\\')
            n = decode_escape(&at, end, character);
        else
            at++;
        if (!slice_starts_with(plain, slice_of(character, n)))
            return false;
        plain = slice_from_offset(plain, n);
    }
    return plain.len == 0;
}

uint32_t json_member(const struct json_doc *doc, uint32_t object, struct slice name)
{
    const struct json_token *tokens = doc->tokens;
    uint32_t found = 0, end = tokens[object].next;
    if (tokens[object].type != JSON_OBJECT)
        return 0;
    for (uint32_t key = object + 1; key < end; key = tokens[key].next) {
        const struct json_token *t = &tokens[key];
        /* Nearly every name differs in its length already, and hardly any is escaped. */
        if (t->escaped ? json_string_is(doc, key, name)
                       : t->end - t->start == name.len && memcmp(doc->text.text + t->start, name.text, name.len) == 0)
            found = key + 1;
    }
    return found;
}

uint32_t json_element(const struct json_doc *doc, uint32_t array, int64_t index)
{
    int64_t size = doc->tokens[array].size;
    if (index < 0)
        index += size;
    if (doc->tokens[array].type != JSON_ARRAY || index < 0 || index >= size)
        return 0;
    uint32_t element = array + 1;
    while (index-- > 0)
        element = doc->tokens[element].next;
    return element;
}
