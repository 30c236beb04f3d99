/* JSON text → members and tokens.
 *
 * The happy path:
 *  - json_check_text() goes over the text once, by RFC 8259, lists the outermost object's members, counts what jsmn
 *    will find, and notes where long strings stand;
 *  - where tokens are wanted jsmn fills an array of just that size; it is led around the long strings, as it looks at
 *    each byte of a text;
 *  - link_tokens() turns it into ours, where each token knows what comes behind its subtree.
 * What can go wrong:
 *  - the text is no JSON, is cut off or nested too deep: the check says so, jsmn never sees it;
 *  - invalid UTF-8 or a lone surrogate in a string: the check counts how many bytes a mended copy has, mend() writes
 *    it, and that is tokenised in the place of the text;
 *  - the arena's ceiling: JSON_NO_MEMORY, and the arena has `failed` set. */
#include "json/json_doc.h"

#include "text/utf8.h"
#include "json/json_check.h"
#include "json/json_walk.h"

_Static_assert((int)JSON_LISTED_MOST == JSON_ENTRIES_MOST, "one ceiling, told to two sides");

#define JSMN_STATIC
#define JSMN_STRICT
#define JSMN_PARENT_LINKS
#include <jsmn.h>

_Static_assert(LIMIT_JSON_TEXT <= (size_t)1 << 28,
               "token.size has 27 bits and a child takes two bytes; jsmn's are int");

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

/* ---- Reading ---------------------------------------------------------------------------------------------------- */

/* No member takes less than `"":0,`. So what is found in many small parts of a document does not take much more memory
 * than they do. */
static size_t room_for_entries(struct slice text)
{
    enum { MEMBER_LEAST = 5 };
    size_t most = text.len / MEMBER_LEAST + 1;
    return most < JSON_ENTRIES_MOST ? most : JSON_ENTRIES_MOST;
}

static bool begin_entries(struct arena *arena, struct json_doc *doc)
{
    doc->entries = arena_alloc(arena, room_for_entries(doc->text) * sizeof *doc->entries);
    doc->entry_count = 0;
    doc->names = (struct json_names){.spread = JSON_SPREAD};
    doc->escaped_names = false;
    return doc->entries;
}

static enum json_fault read_text(struct arena *arena, struct json_doc *doc, enum json_want want,
                                 struct json_check *check, struct json_scalars *scalars)
{
    if (!begin_entries(arena, doc))
        return JSON_NO_MEMORY;
    doc->long_count = 0;
    enum json_fault fault = json_check_text(check, doc->text, want, doc, scalars);
    if (fault == JSON_OK && *json_blank_end(doc->text.text, check->end) != '{')
        doc->entries = NULL;
    doc->count = check->tokens;
    doc->escapes = check->escapes > 0;
    doc->is_listed = doc->is_read = true;
    return fault;
}

struct json_doc *json_doc_of_part(struct arena *arena, struct slice text, const struct json_index *index)
{
    struct json_doc *doc = arena_alloc(arena, sizeof *doc);
    if (!doc)
        return NULL;
    doc->text = text;
    doc->tokens = NULL;
    doc->entries = NULL;
    doc->is_listed = doc->is_read = false;
    doc->walked = 0;
    doc->index = index;
    return doc;
}

struct json_doc *json_doc_of_made(struct arena *arena, struct slice text)
{
    struct json_check check;
    struct json_doc *doc = json_doc_of_part(arena, text, NULL);
    return doc && read_text(arena, doc, JSON_ANY_VALUE, &check, NULL) == JSON_OK ? doc : NULL;
}

/* As the check does it, of a text that it has gone over before. */
static void list_members(struct json_doc *doc)
{
    for (struct json_walk walk = json_walk_of(doc->text, doc->index); doc->entries && json_walk_step(&walk);) {
        json_list_member(doc, walk.name, walk.escaped, walk.at);
        json_walk_take(&walk);
        if (doc->entries)
            doc->entries[doc->entry_count - 1].value_end = (uint32_t)(walk.at - doc->text.text);
    }
}

bool json_doc_list_known(struct arena *arena, struct json_doc *doc, const struct json_entry members[], size_t count)
{
    if (!begin_entries(arena, doc))
        return false;
    for (size_t i = 0; i < count; i++) {
        const char *text = doc->text.text;
        json_list_member(doc, slice_of(text + members[i].name, members[i].name_len), false, text + members[i].value);
        doc->entries[i].value_end = members[i].value_end;
    }
    doc->is_listed = true;
    return true;
}

bool json_doc_list(struct arena *arena, struct json_doc *doc)
{
    if (doc->is_listed)
        return true;
    if (*doc->text.text == '{' && !begin_entries(arena, doc))
        return false;
    if (doc->entries)
        list_members(doc);
    doc->is_listed = true;
    return true;
}

bool json_doc_tokenise(struct arena *arena, struct json_doc *doc)
{
    if (doc->tokens)
        return true;
    struct json_check check;
    if (!doc->is_read && read_text(arena, doc, JSON_ANY_VALUE, &check, NULL) != JSON_OK)
        return false;
    struct json_token *tokens = arena_calloc(arena, doc->count, sizeof *tokens);
    if (!tokens || !make_tokens(arena, doc, tokens))
        return false;
    doc->tokens = tokens;
    return true;
}

enum json_fault json_doc_read_noting(struct arena *arena, struct slice text, enum json_want want,
                                     struct json_scalars *scalars, struct json_doc **ret_doc)
{
    struct json_check check;
    struct json_doc *doc = json_doc_of_part(arena, text, NULL);
    if (!doc)
        return JSON_NO_MEMORY;
    enum json_fault fault = read_text(arena, doc, want, &check, scalars);
    if (fault == JSON_OK && check.mend) {
        doc->text = mend(arena, text, check.grows);
        fault = doc->text.text ? read_text(arena, doc, want, &check, NULL) : JSON_NO_MEMORY;
        if (scalars)
            scalars->count = SIZE_MAX;
    }
    if (fault == JSON_OK)
        *ret_doc = doc;
    return fault;
}

enum json_fault json_doc_read(struct arena *arena, struct slice text, enum json_want want, struct json_doc **ret_doc)
{
    return json_doc_read_noting(arena, text, want, NULL, ret_doc);
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

/* Copies up to the first backslash; may write STRIDE bytes more than that. */
enum { STRIDE = 16 };
static inline const char *copy_unescaped(char **to, const char *at, const char *end)
{
#ifdef __SSE2__
    const __m128i backslash = _mm_set1_epi8('\\');
    for (; end - at >= STRIDE; at += STRIDE, *to += STRIDE) {
        __m128i bytes = _mm_loadu_si128((const void *)at);
        unsigned mask = (unsigned)_mm_movemask_epi8(_mm_cmpeq_epi8(bytes, backslash));
        _mm_storeu_si128((void *)*to, bytes);
        if (mask) {
            *to += __builtin_ctz(mask);
            return at + __builtin_ctz(mask);
        }
    }
#endif
    while (at < end && *at != '\\')
        *(*to)++ = *at++;
    return at;
}

struct slice json_unescape(struct arena *arena, struct slice content)
{
    static const char plain_of[256] = {
        ['"'] = '"', ['\\'] = '\\', ['/'] = '/', ['b'] = '\b', ['f'] = '\f', ['n'] = '\n', ['r'] = '\r', ['t'] = '\t'};
    if (content.len == 0)
        return SLICE("");
    const char *at = content.text, *end = content.text + content.len;
    if (!memchr(at, '\\', content.len))
        return content;
    char *plain = arena_alloc(arena, content.len + STRIDE); /* an escape is longer than its character */
    if (!plain)
        return slice_of(NULL, 0);
    char *to = plain;
    for (;;) {
        at = copy_unescaped(&to, at, end);
        if (at == end)
            return slice_of(plain, (size_t)(to - plain));
        *to = plain_of[(unsigned char)at[1]];
        if (*to) {
            to++;
            at += 2;
        } else {
            to += decode_escape(&at, end, to);
        }
    }
}

/* Whether a string's content, which has escapes, is that plain text. */
bool json_content_is(struct slice content, struct slice plain)
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
    return doc->tokens[token].escaped ? json_content_is(content, plain) : slice_equal(content, plain);
}

struct json_entry *json_doc_entry(const struct json_doc *doc, struct slice name)
{
    uint32_t sign = json_sign_of(name);
    unsigned slot = json_slot_of(&doc->names, sign), last = doc->names.slots[slot];
    if (!doc->escaped_names && !(doc->names.crowded >> slot & 1)) {
        struct json_entry *entry = last ? &doc->entries[last - 1] : NULL;
        struct slice raw = entry ? slice_of(doc->text.text + entry->name, entry->name_len) : SLICE("");
        return entry && slice_equal(raw, name) ? entry : NULL;
    }
    for (uint32_t i = doc->entry_count; i-- > 0;) {
        struct json_entry *entry = &doc->entries[i];
        struct slice raw = {doc->text.text + entry->name, entry->name_len};
        if (entry->sign == sign ? slice_equal(raw, name)
                                : entry->sign == (uint32_t)JSON_SIGN_ESCAPED && json_content_is(raw, name))
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

enum { INDEX_LEAST = 256, WALKS_WITHOUT_INDEX = 1, WALKS_MOST = 32 };

void json_doc_index(struct arena *arena, struct json_doc *doc)
{
    const char *begin = json_past_blanks(doc->text.text), *end = doc->text.text + doc->text.len;
    while (json_is_blank(end[-1]))
        end--;
    if (!doc->index && doc->text.len >= INDEX_LEAST && (*begin == '{' || *begin == '['))
        doc->index = json_index_of(arena, slice_of(begin, (size_t)(end - begin)));
}

bool json_doc_walk(struct arena *arena, struct json_doc *doc, size_t bytes)
{
    size_t before = doc->walked, enough = WALKS_WITHOUT_INDEX * doc->text.len;
    doc->walked += bytes;
    if (before <= enough && doc->walked > enough)
        json_doc_index(arena, doc);
    return doc->walked <= WALKS_MOST * (doc->text.len + 128);
}

uint32_t json_doc_token_at(const struct json_doc *doc, const char *start)
{
    uint32_t at = (uint32_t)(start - doc->text.text), low = 0, high = doc->count;
    while (high - low > 1) {
        uint32_t middle = low + (high - low) / 2;
        if (doc->tokens[middle].start <= at)
            low = middle;
        else
            high = middle;
    }
    return low;
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
