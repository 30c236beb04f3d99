/* JSON text → members and tokens.
 *
 * The happy path:
 *  - check_text() goes over the text once, by RFC 8259, lists the outermost object's members, counts what jsmn will
 * find, and notes where long strings stand;
 *  - where tokens are wanted jsmn fills an array of just that size; it is led around the long strings, as it looks at
 *    each byte of a text;
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

_Static_assert(JSON_NAME_SLOTS == 64, "six bits of a sign, a bit each in `crowded`");
_Static_assert(LIMIT_JSON_DEPTH % 64 == 0, "kinds of open containers are kept in 64-bit words");
_Static_assert(LIMIT_JSON_TEXT <= (size_t)1 << 28,
               "token.size has 27 bits and a child takes two bytes; jsmn's are int");

/* ---- The check -------------------------------------------------------------------------------------------------- */

enum {
    LONG_STRING = 24,  /* shorter ones cost jsmn less than to be led around them */
    ENTRIES_MOST = 64, /* an object of more members is looked through by its tokens */
};

struct check {
    const char *end;
    const char *stop; /* on failure: the offending byte, or `end` where the text was right as far as it goes */
    uint32_t tokens;
    uint32_t escapes; /* backslashes that begin one */
    bool mend;        /* there is something to mend ... */
    size_t grows;     /* ... by which the text becomes that much longer */
    bool too_deep;
    unsigned depth;
    uint64_t objects[LIMIT_JSON_DEPTH / 64]; /* a bit for each open container: it is an object */
    struct json_doc *doc;                    /* what is listed goes there; NULL: nothing is */
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
    c->escapes++;
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

static uint32_t offset_of(const struct check *c, const char *at)
{
    return (uint32_t)(at - c->doc->text.text);
}

static void note_long_string(struct check *c, const char *start, const char *end)
{
    struct json_doc *doc = c->doc;
    if (doc && doc->long_count < JSON_LONG_STRINGS)
        doc->longs[doc->long_count++] = (struct json_long_string){offset_of(c, start), offset_of(c, end)};
}

/* From behind the opening quote to behind the closing one. */
static inline const char *check_string(struct check *c, const char *start)
{
    const char *at = json_plain_end(start, c->end);
    at = at < c->end && *at == '"' ? at + 1 : check_special_string(c, at);
    if (at && at - start > LONG_STRING)
        note_long_string(c, start, at - 1);
    return at;
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

enum { SIGN_ESCAPED = -1 }; /* the name has a backslash in it */

/* Names of another sign are others. */
static inline uint32_t sign_of(struct slice name)
{
    if (name.len == 0)
        return 0;
    return (uint32_t)(name.len & 0x7fff) << 16 | (uint32_t)(unsigned char)name.text[0] << 8 |
           (unsigned char)name.text[name.len - 1];
}

static inline unsigned slot_of(uint32_t sign)
{
    return (uint32_t)(sign * UINT32_C(0x9E3779B1)) >> 26;
}

/* An outermost member begins: its name stands at `name`, its value at `value`. */
static void begin_entry(struct check *c, const char *name, const char *name_end, const char *value, bool escaped)
{
    struct json_doc *doc = c->doc;
    if (doc->entry_count == ENTRIES_MOST)
        doc->entries = NULL;
    if (!doc->entries)
        return;
    uint32_t sign = escaped ? (uint32_t)SIGN_ESCAPED : sign_of(slice_of(name, (size_t)(name_end - name)));
    uint8_t *slot = &doc->slots[slot_of(sign)];
    doc->entries[doc->entry_count++] = (struct json_entry){.name = offset_of(c, name),
                                                           .name_len = (uint32_t)(name_end - name),
                                                           .value = offset_of(c, value),
                                                           .sign = sign};
    doc->crowded |= (uint64_t)(*slot != 0) << slot_of(sign);
    doc->escaped_names |= escaped;
    *slot = (uint8_t)doc->entry_count;
}

/* A value ends at `end`: an outermost member's, or the outermost object itself. */
static inline void end_entry(struct check *c, const char *end)
{
    if (c->depth == 1 && c->doc && c->doc->entries && c->doc->entry_count)
        c->doc->entries[c->doc->entry_count - 1].value_end = offset_of(c, end);
}

/* A member's name and its colon, with the blanks around them: to the value. */
static const char *check_name(struct check *c, const char *at)
{
    if (at == c->end || *at != '"')
        return stop_at(c, at);
    const char *name = at + 1;
    uint32_t escapes = c->escapes;
    at = check_string(c, name);
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

/* With `doc`, whose text it is, that is filled in. */
static enum json_fault check_text(struct check *c, struct slice text, enum json_want want, struct json_doc *doc)
{
    if (text.len > LIMIT_JSON_TEXT)
        return JSON_NO_MEMORY;
    if (text.len == 0)
        return JSON_NOT_JSON;
    *c = (struct check){.end = text.text + text.len, .doc = doc};
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
    return check_text(&check, text, want, NULL);
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

/* What jsmn does with a string, when it stands before its opening quote. */
static void give_string(jsmn_parser *parser, const struct json_long_string *string, jsmntok_t *tokens)
{
    tokens[parser->toknext++] = (jsmntok_t){
        .type = JSMN_STRING, .start = (int)string->start, .end = (int)string->end, .parent = parser->toksuper};
    if (parser->toksuper != -1)
        tokens[parser->toksuper].size++;
    parser->pos = string->end + 1;
}

/* The count of tokens, or an error of jsmn's. Where it stops before a long string it goes over all tokens behind the
 * innermost open container: that is why there are few of them. */
static int run_jsmn(const struct json_doc *doc, jsmntok_t *tokens)
{
    jsmn_parser parser;
    jsmn_init(&parser);
    for (unsigned i = 0; i < doc->long_count; i++) {
        unsigned quote = doc->longs[i].start - 1;
        int count = jsmn_parse(&parser, doc->text.text, quote, tokens, doc->count);
        if (count != JSMN_ERROR_PART || parser.pos != quote || parser.toknext == doc->count)
            return JSMN_ERROR_INVAL;
        give_string(&parser, &doc->longs[i], tokens);
    }
    return jsmn_parse(&parser, doc->text.text, doc->text.len, tokens, doc->count);
}

static bool make_tokens(struct arena *arena, const struct json_doc *doc, struct json_token *tokens)
{
    char first = *json_blank_end(doc->text.text, doc->text.text + doc->text.len);
    if (first != '{' && first != '[') {
        make_scalar_token(tokens, doc->text, doc->escapes);
        return true;
    }
    struct arena_mark mark = arena_mark(arena);
    jsmntok_t *found = arena_alloc(arena, doc->count * sizeof *found);
    if (!found)
        return false;
    int count = run_jsmn(doc, found);
    bool agreed = count >= 0 && (uint32_t)count == doc->count; /* always; but nothing rests on it unseen */
    if (agreed)
        link_tokens(tokens, found, doc->count, doc->text.text, doc->escapes);
    arena_rewind(arena, mark);
    return agreed;
}

bool json_doc_tokenise(struct arena *arena, struct json_doc *doc)
{
    if (doc->tokens)
        return true;
    if (!json_doc_list(arena, doc))
        return false;
    struct json_token *tokens = arena_calloc(arena, doc->count, sizeof *tokens);
    if (!tokens || !make_tokens(arena, doc, tokens))
        return false;
    doc->tokens = tokens;
    return true;
}

/* ---- Reading ---------------------------------------------------------------------------------------------------- */

static enum json_fault read_text(struct arena *arena, struct json_doc *doc, enum json_want want, struct check *check)
{
    struct json_entry *room = arena_alloc(arena, ENTRIES_MOST * sizeof *room);
    if (!room)
        return JSON_NO_MEMORY;
    doc->entries = room;
    doc->entry_count = doc->long_count = 0;
    memset(doc->slots, 0, sizeof doc->slots);
    doc->crowded = 0;
    doc->escaped_names = false;
    enum json_fault fault = check_text(check, doc->text, want, doc);
    if (fault == JSON_OK && *json_blank_end(doc->text.text, check->end) != '{')
        doc->entries = NULL;
    doc->count = check->tokens;
    doc->escapes = check->escapes > 0;
    doc->is_read = true;
    return fault;
}

struct json_doc *json_doc_of_part(struct arena *arena, struct slice text)
{
    struct json_doc *doc = arena_alloc(arena, sizeof *doc);
    if (!doc)
        return NULL;
    doc->text = text;
    doc->tokens = NULL;
    doc->entries = NULL;
    doc->is_read = false;
    return doc;
}

bool json_doc_list(struct arena *arena, struct json_doc *doc)
{
    struct check check;
    return doc->is_read || read_text(arena, doc, JSON_ANY_VALUE, &check) == JSON_OK;
}

enum json_fault json_doc_read(struct arena *arena, struct slice text, enum json_want want, struct json_doc **ret_doc)
{
    struct check check;
    struct json_doc *doc = json_doc_of_part(arena, text);
    if (!doc)
        return JSON_NO_MEMORY;
    enum json_fault fault = read_text(arena, doc, want, &check);
    if (fault == JSON_OK && check.mend) {
        doc->text = mend(arena, text, check.grows);
        fault = doc->text.text ? read_text(arena, doc, want, &check) : JSON_NO_MEMORY;
    }
    if (fault == JSON_OK)
        *ret_doc = doc;
    return fault;
}

enum json_fault json_doc_parse(struct arena *arena, struct slice text, enum json_want want,
                               const struct json_doc **ret_doc)
{
    struct json_doc *doc;
    enum json_fault fault = json_doc_read(arena, text, want, &doc);
    if (fault != JSON_OK)
        return fault;
    if (!json_doc_tokenise(arena, doc))
        return arena->failed ? JSON_NO_MEMORY : JSON_NOT_JSON;
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

/* Whether a string's content, which has escapes, is that plain text. */
static bool escaped_is(struct slice content, struct slice plain)
{
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

bool json_string_is(const struct json_doc *doc, uint32_t token, struct slice plain)
{
    struct slice content = json_token_text(doc, token);
    return doc->tokens[token].escaped ? escaped_is(content, plain) : slice_equal(content, plain);
}

struct json_entry *json_doc_entry(const struct json_doc *doc, struct slice name)
{
    uint32_t sign = sign_of(name);
    unsigned slot = slot_of(sign), last = doc->slots[slot];
    if (!doc->escaped_names && !(doc->crowded >> slot & 1)) {
        struct json_entry *entry = last ? &doc->entries[last - 1] : NULL;
        struct slice raw = entry ? slice_of(doc->text.text + entry->name, entry->name_len) : SLICE("");
        return entry && slice_equal(raw, name) ? entry : NULL;
    }
    for (uint32_t i = doc->entry_count; i-- > 0;) {
        struct json_entry *entry = &doc->entries[i];
        struct slice raw = {doc->text.text + entry->name, entry->name_len};
        if (entry->sign == sign ? slice_equal(raw, name)
                                : entry->sign == (uint32_t)SIGN_ESCAPED && escaped_is(raw, name))
            return entry;
    }
    return NULL;
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
