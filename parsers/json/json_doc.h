/* Pure: no I/O, no clock, no logging, no uv. */
#ifndef RAINGAUGE_JSON_DOC_H
#define RAINGAUGE_JSON_DOC_H

#include "base/arena.h"
#include "base/slice.h"

#include <stdint.h>

/* A JSON text and where its values stand in it. The only includer of jsmn.h (strict, parent links).
 *
 *     enum json_fault fault = json_doc_parse(&arena, text, JSON_OBJECT_ONLY, &doc);
 *     for (uint32_t key = json_first_child(doc, 0); key; key = json_next(doc, key)) ...
 *
 * Most records are only asked for a few members by name. For these the check of the text is enough: while it goes over
 * the text it lists the members of the outermost object, and tokens are made only if somebody wants to walk:
 *
 *     fault = json_doc_read(&arena, text, JSON_OBJECT_ONLY, &doc);
 *     struct json_entry *entry = json_doc_entry(doc, name);
 *     if (json_doc_tokenise(&arena, doc)) ...
 *
 * Exactly the texts of RFC 8259 are taken (with a nesting of LIMIT_JSON_DEPTH at most): what jsmn lets through is
 * caught by a check of the whole text before it. Two things are mended rather than refused, as contract section 7
 * says: invalid UTF-8 becomes U+FFFD (one for each maximal subpart), an escape of a lone surrogate becomes \ufffd.
 * A text that needed mending is a copy in the arena; any other is borrowed from the caller and must outlive the
 * document. So doc->text is always valid UTF-8 without lone surrogates, and each part of it may be copied out as it is.
 *
 * A byte-order mark is the caller's business. A document of n values costs n tokens of the arena. */

enum json_type { JSON_NULL, JSON_FALSE, JSON_TRUE, JSON_NUMBER, JSON_STRING, JSON_ARRAY, JSON_OBJECT };

enum json_want { JSON_ANY_VALUE, JSON_OBJECT_ONLY };

/* What is wrong with a text. A fixed list: it is logged as the reason of an `invalid` line (never an excerpt). */
enum json_fault {
    JSON_OK,
    JSON_NOT_JSON,   /* not by RFC 8259; see also JSON_CUT */
    JSON_CUT,        /* a correct beginning of an object or array that goes on past the end of the text, as the first
                      * line of a document over many lines does ("{" alone, say) */
    JSON_NOT_OBJECT, /* JSON, but not an object where one is wanted */
    JSON_TOO_DEEP,
    JSON_NO_MEMORY, /* the arena's ceiling */
};
const char *json_fault_text(enum json_fault fault); /* "not JSON", "not a JSON object", "nested too deep" … */

/* Tokens stand in the order of the text, the root first (index 0). Inside an object a member is two tokens: its name
 * (a JSON_STRING) and, right behind it, its value. */
struct json_token {
    uint32_t start; /* of the value's text in doc->text; for strings without the quotes */
    uint32_t end;
    uint32_t next;        /* index behind this token's whole subtree; for a member's name, behind its value */
    uint32_t size : 27;   /* children: elements of an array, members of an object */
    uint32_t type : 4;    /* enum json_type */
    uint32_t escaped : 1; /* a string with a backslash in it */
};

/* A member of a document's outermost object. */
struct json_entry {
    uint32_t name, name_len; /* without the quotes */
    uint32_t value, value_end;
    uint32_t sign; /* of the name, see json_doc_entry() */
};

/* A long string's content, by its offsets in the text: jsmn, which looks at each byte, is led around the first ones. */
enum { JSON_LONG_STRINGS = 16, JSON_NAME_SLOTS = 64 };
struct json_index;
struct json_long_string {
    uint32_t start, end;
};

/* Where the last entry of each name is. */
struct json_names {
    uint8_t
        slots[JSON_NAME_SLOTS]; /* by sign: one more than the index of the last entry there, 0 where there is none */
    uint64_t crowded;           /* a bit for each slot that has several */
    uint32_t spread;            /* how signs are spread over the slots: any odd number */
};

struct json_doc {
    struct slice text;
    const struct json_token *tokens; /* NULL: not made yet */
    uint32_t count;                  /* of tokens, made or not */

    struct json_entry *entries; /* NULL: not listed (no object, or one of very many members) */
    uint32_t entry_count;
    struct json_names names;
    bool escaped_names;             /* some name has a backslash in it, and may stand in another slot */
    bool is_listed;                 /* the entries are what there is */
    bool is_read;                   /* the check has gone over the text, and knows what the tokens need */
    bool escapes;                   /* there is a backslash */
    size_t walked;                  /* bytes that were walked through without tokens */
    const struct json_index *index; /* of its text or of one around it (json_walk.h); NULL: none was made */
    uint32_t long_count;
    struct json_long_string longs[JSON_LONG_STRINGS];
};

/* `ret_doc` is allocated in the arena; untouched on failure. json_doc_parse makes its tokens, too. */
enum json_fault json_doc_read(struct arena *arena, struct slice text, enum json_want want, struct json_doc **ret_doc)
    __attribute__((warn_unused_result));
enum json_fault json_doc_parse(struct arena *arena, struct slice text, enum json_want want,
                               const struct json_doc **ret_doc) __attribute__((warn_unused_result));

/* A document of a text that is part of a checked one (an object, an array: from bracket to bracket); it is read when
 * somebody looks into it. It has the index of the outer one, if there is one. NULL on lack of memory. */
struct json_doc *json_doc_of_part(struct arena *arena, struct slice text, const struct json_index *index);
/* ... of an array or object that was put together out of such parts: it may be nested too deep, NULL then. */
struct json_doc *json_doc_of_made(struct arena *arena, struct slice text);

/* Lists members that whoever made the text knows the places of (of `doc`, `name` to `value_end` are filled in), none of
 * them with a backslash in its name; JSON_LISTED_MOST at most. False on lack of memory. */
enum { JSON_LISTED_MOST = 64 };
bool json_doc_list_known(struct arena *arena, struct json_doc *doc, const struct json_entry members[], size_t count)
    __attribute__((warn_unused_result));

/* Lists the members, makes the tokens; nothing where that was done already. False on lack of memory. Both are kept in
 * the arena, so that a document must not be looked into for the first time between a mark and its rewind. */
bool json_doc_list(struct arena *arena, struct json_doc *doc) __attribute__((warn_unused_result));
bool json_doc_tokenise(struct arena *arena, struct json_doc *doc) __attribute__((warn_unused_result));

/* Before so many bytes of the document are walked through without tokens (json_walk.h): whether that is fine. Where the
 * same bytes are walked through again, an index is made; where that was done many times, it is not fine, and tokens
 * should be made. Both are kept in the arena. */
bool json_doc_walk(struct arena *arena, struct json_doc *doc, size_t bytes);

/* Makes an index for walking, where the text is large enough for that. For a document that is taken apart on several
 * levels; its parts have it too. */
void json_doc_index(struct arena *arena, struct json_doc *doc);

/* The token that an array or object which begins there is; the document has its tokens. */
uint32_t json_doc_token_at(const struct json_doc *doc, const char *start);

/* The last member of that name (contract 7) of a document whose `entries` are listed; NULL where there is none. */
struct json_entry *json_doc_entry(const struct json_doc *doc, struct slice name);

/* Whether the text is a JSON text, without making tokens of it. Says what json_doc_parse would say, memory aside. */
enum json_fault json_check(struct slice text, enum json_want want) __attribute__((warn_unused_result));

/* The first element of an array or the first member's name of an object; 0 where there is none. */
static inline uint32_t json_first_child(const struct json_doc *doc, uint32_t container)
{
    return doc->tokens[container].size ? container + 1 : 0;
}

/* The next sibling within `container`: element, or member's name; 0 after the last. */
static inline uint32_t json_next_child(const struct json_doc *doc, uint32_t container, uint32_t child)
{
    uint32_t next = doc->tokens[child].next;
    return next < doc->tokens[container].next ? next : 0;
}

/* A member's name, rather than a value: no other string has something (its value) in its subtree. */
static inline bool json_token_is_name(const struct json_doc *doc, uint32_t token)
{
    return doc->tokens[token].type == JSON_STRING && doc->tokens[token].next != token + 1;
}

static inline struct slice json_token_text(const struct json_doc *doc, uint32_t token)
{
    const struct json_token *t = &doc->tokens[token];
    return slice_of(doc->text.text + t->start, t->end - t->start);
}

/* The value of the last member of that name (duplicate members: the last wins, contract 7); `name` is plain text, a
 * name in the document may be escaped. 0 where there is none. Linear in the object's members. */
uint32_t json_member(const struct json_doc *doc, uint32_t object, struct slice name);

/* The element at that index, negative from the end; 0 where there is none. */
uint32_t json_element(const struct json_doc *doc, uint32_t array, int64_t index);

/* Whether a string token (a name, say) is that plain text, escapes regarded. */
bool json_string_is(const struct json_doc *doc, uint32_t token, struct slice plain);

/* ... and so of a string's content. */
bool json_content_is(struct slice content, struct slice plain);

/* A JSON string's content (without quotes) as plain UTF-8: borrowed as it is where nothing is escaped, else in the
 * arena. \u0000 gives a NUL byte. On lack of memory text is NULL. The input must be valid. */
struct slice json_unescape(struct arena *arena, struct slice content);

#endif
