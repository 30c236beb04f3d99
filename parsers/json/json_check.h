/* Pure: no I/O, no clock, no logging, no uv. */
#ifndef RAINGAUGE_JSON_CHECK_H
#define RAINGAUGE_JSON_CHECK_H

#include "limits.h"
#include "json/json_doc.h"
#include "json/json_scan.h"

/* The check of a text by RFC 8259, for the files of this folder. While it goes over the text once, it lists the
 * outermost object's members, counts what jsmn will find, and notes where long strings stand.
 *
 * The functions take what stands at `at` and give the place behind it, or NULL with check->stop set. */

enum { JSON_ENTRIES_MOST = 64 /* an object of more members is looked through by its tokens */ };

/* Where the scalars stand that are no names, in their order; strings with their quotes. */
struct json_scalars {
    size_t count; /* also of those for which there is no room */
    struct json_place {
        uint32_t start, end;
    } places[LIMIT_JSON_SHAPE_SCALARS];
};

struct json_check {
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
    struct json_scalars *scalars;            /* likewise */
};

/* With `doc`, whose text it is, that is filled in; `entries` has room for JSON_ENTRIES_MOST, or all of a short text. */
enum json_fault json_check_text(struct json_check *c, struct slice text, enum json_want want, struct json_doc *doc,
                                struct json_scalars *scalars) __attribute__((warn_unused_result));

/* json_doc_read() that notes the scalars; of a text that was mended it notes more than can be. */
enum json_fault json_doc_read_noting(struct arena *arena, struct slice text, enum json_want want,
                                     struct json_scalars *scalars, struct json_doc **ret_doc)
    __attribute__((warn_unused_result));

const char *json_check_special(struct json_check *c, const char *at); /* a special byte in a string, no quote */
const char *json_check_word_or_number(struct json_check *c, const char *at);
void json_note_long_string(struct json_check *c, const char *start, const char *end);

enum { JSON_LONG_STRING = 24 /* shorter ones cost jsmn less than to be led around them */ };

/* From behind the opening quote to behind the closing one. */
static inline const char *json_check_string(struct json_check *c, const char *start)
{
    const char *at = json_plain_end(start, c->end);
    while (at < c->end && *at != '"') {
        if (*at == '\\' && c->end - at > 1 && json_is_short_escape(at[1])) {
            c->escapes++;
            at += 2;
        } else {
            at = json_check_special(c, at);
            if (!at)
                return NULL;
        }
        at = json_plain_end(at, c->end);
    }
    if (at == c->end) {
        c->stop = at;
        return NULL;
    }
    if (at - start >= JSON_LONG_STRING && c->doc)
        json_note_long_string(c, start, at);
    return at + 1;
}

static inline const char *json_check_scalar(struct json_check *c, const char *at)
{
    return *at == '"' ? json_check_string(c, at + 1) : json_check_word_or_number(c, at);
}

/* Names of another sign are others. */
enum { JSON_SIGN_ESCAPED = -1 }; /* the name has a backslash in it */

static inline uint32_t json_sign_of(struct slice name)
{
    if (name.len == 0)
        return 0;
    return (uint32_t)(name.len & 0x7fff) << 16 | (uint32_t)(unsigned char)name.text[0] << 8 |
           (unsigned char)name.text[name.len - 1];
}

#define JSON_SPREAD UINT32_C(0x9E3779B1)

static inline unsigned json_slot_of(const struct json_names *names, uint32_t sign)
{
    return (uint32_t)(sign * names->spread) >> 26;
}

static inline void json_names_add(struct json_names *names, uint32_t sign, uint32_t entry)
{
    unsigned slot = json_slot_of(names, sign);
    names->crowded |= (uint64_t)(names->slots[slot] != 0) << slot;
    names->slots[slot] = (uint8_t)(entry + 1);
}

/* json_doc_entry(), at once where no other name stands in the name's slot. */
static inline const struct json_entry *json_find_entry(const struct json_doc *doc, struct slice name)
{
    uint32_t sign = json_sign_of(name);
    unsigned slot = json_slot_of(&doc->names, sign), last = doc->names.slots[slot];
    if (doc->escaped_names || doc->names.crowded >> slot & 1)
        return json_doc_entry(doc, name);
    if (!last || doc->entries[last - 1].sign != sign)
        return NULL;
    const struct json_entry *entry = &doc->entries[last - 1];
    bool same = entry->name_len == name.len && memcmp(doc->text.text + entry->name, name.text, name.len) == 0;
    return same ? entry : NULL;
}

/* Lists a member whose value begins at `value`; where it ends is for the caller to add. With too many of them there is
 * no list. */
static inline void json_list_member(struct json_doc *doc, struct slice name, bool escaped, const char *value)
{
    if (doc->entry_count == JSON_ENTRIES_MOST)
        doc->entries = NULL;
    if (!doc->entries)
        return;
    uint32_t sign = escaped ? (uint32_t)JSON_SIGN_ESCAPED : json_sign_of(name);
    json_names_add(&doc->names, sign, doc->entry_count);
    doc->entries[doc->entry_count++] = (struct json_entry){.name = (uint32_t)(name.text - doc->text.text),
                                                           .name_len = (uint32_t)name.len,
                                                           .value = (uint32_t)(value - doc->text.text),
                                                           .sign = sign};
    doc->escaped_names |= escaped;
}

#endif
