/* Pure: no I/O, no clock, no logging, no uv. */
#ifndef RAINGAUGE_VALUE_H
#define RAINGAUGE_VALUE_H

#include "base/buffer.h"
#include "json/json_walk.h"

/* What expressions work on: nothing, or a JSON value.
 *
 * One representation for all: every value is JSON text. A value that comes out of a record is the record's own bytes
 * (so it passes through exactly, contract 3), one that a filter makes is text in the arena. An array or object also
 * knows the document it is part of; one that a filter wrote (`object`, `pick`, a query's list of nodes …) becomes one
 * when somebody first looks into it. Most parts are found by walking through the text (json_walk.h); tokens are made
 * where a query needs them, or where the same text was walked through many times.
 *
 * Strings are kept in one of two forms: JSON (the content between the quotes, escapes and all) or plain UTF-8. A string
 * without a backslash, quote and control character is the same in both. value_plain() and value_write() convert. */

enum value_type {
    VALUE_NOTHING,
    VALUE_NULL,
    VALUE_FALSE,
    VALUE_TRUE,
    VALUE_NUMBER,
    VALUE_STRING,
    VALUE_ARRAY,
    VALUE_OBJECT
};

struct value {
    enum value_type type;
    bool plain;           /* a string whose `text` is plain UTF-8 rather than JSON-escaped */
    uint32_t token;       /* in `doc`: 0 for the whole of it; VALUE_PART: not looked for yet */
    struct slice text;    /* string: its content without quotes; else the JSON text; NOTHING: empty */
    struct json_doc *doc; /* arrays and objects: the document they are part of, if there is one */
};

#define VALUE_PART UINT32_MAX

#define VALUE_NONE ((struct value){.type = VALUE_NOTHING})

static inline bool value_is_there(const struct value *v)
{
    return v->type != VALUE_NOTHING;
}
static inline bool value_is_container(const struct value *v)
{
    return v->type >= VALUE_ARRAY;
}
static inline bool value_is_null_or_nothing(const struct value *v)
{
    return v->type <= VALUE_NULL;
}

struct value value_of_token(const struct json_doc *doc, uint32_t token);
struct value value_of_doc(struct json_doc *doc); /* the whole of it; it need not have its tokens */
struct value value_of_part(struct json_doc *doc, struct slice json_text); /* without blanks around it */
struct value value_of_bool(bool b);
struct value value_of_null(void);
struct value value_of_plain(struct slice utf8);       /* a string; borrowed */
struct value value_of_number(struct slice json_text); /* borrowed; must be a JSON number */
struct value value_of_int(struct arena *arena, int64_t n);
/* A double as the shortest text that reads back, whole numbers without a point; NOTHING when not finite. */
struct value value_of_double(struct arena *arena, double d);

/* A value from JSON text known to be valid, arrays and objects not yet tokenised; borrowed. */
struct value value_of_json(struct slice json_text);

/* Sees to it that an array or object has its tokens. False on lack of memory, or where it is nested too deep. */
bool value_tokenise(struct arena *arena, struct value *v) __attribute__((warn_unused_result));

/* Sees to it that an array or object has a document: then it is known not to be nested too deep. False likewise. */
bool value_know(struct arena *arena, struct value *v) __attribute__((warn_unused_result));

/* ... a document of its own, which remembers what is found out about it: for one that will be looked into more than
 * once. False likewise. */
bool value_share(struct arena *arena, struct value *v) __attribute__((warn_unused_result));

/* The member (last of that name) or element; NOTHING where there is none or `v` is of another type. */
struct value value_member(struct arena *arena, struct value *v, struct slice name);
struct value value_element(struct arena *arena, struct value *v, int64_t index);
/* ... of a value that others read too. */
struct value value_member_of(struct arena *arena, const struct value *v, struct slice name);
/* Several members at once. */
void value_members(struct arena *arena, struct value *v, const struct slice names[], size_t count, struct value ret[]);

/* Walks an array's elements or an object's members, in order (duplicates of a name included).
 *
 *     struct value_walk walk = {.of = v};
 *     while (value_walk_next(arena, &walk)) ... walk.name (objects: the member's name, a string value), walk.value */
struct value_walk {
    struct value of;
    bool by_text;        /* asked for by somebody who has bounded how often: no tokens are made for it */
    bool started, ended; /* private, as the next six */
    bool by_token;
    uint32_t at;
    uint32_t nth; /* member or element */
    struct arena *arena;
    struct json_walk text;
    const uint64_t *shadowed; /* a bit for each member of a large object */
    struct value name;
    struct value value;
};
bool value_walk_next(struct arena *arena, struct value_walk *walk);
/* Whether the member the walk stands on is replaced by a later one of the same name. Over a whole walk n log n. */
bool value_walk_is_shadowed(struct value_walk *walk);

/* A string's plain UTF-8 (borrowed or in the arena; text NULL on lack of memory). For other types: empty. */
struct slice value_plain(struct arena *arena, const struct value *v);

/* The text of any value as the wire's text fields take it (contract 4.1): strings plain, numbers and booleans their
 * JSON text, arrays and objects their JSON text; null and nothing give an empty slice. */
struct slice value_as_text(struct arena *arena, const struct value *v);

/* Appends the value as JSON text; a plain string is quoted and escaped. NOTHING appends nothing. */
void value_write(struct buffer *out, const struct value *v);
/* Appends the value as a JSON string (the value_as_text of it, escaped as needed, with quotes). */
void value_write_as_string(struct buffer *out, struct arena *arena, const struct value *v);

/* JSON equality: type and value; numbers by exact value (200 = 2e2), strings by characters, objects regardless of the
 * members' order, the last of duplicates counting. NOTHING equals only NOTHING. */
bool value_equal(struct arena *arena, const struct value *a, const struct value *b);

/* Orders two numbers by exact value or two strings by code point: <0, 0, >0 in *ret_order. False for anything else. */
bool value_compare(struct arena *arena, const struct value *a, const struct value *b, int *ret_order);

#endif
