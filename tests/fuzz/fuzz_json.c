/* Any bytes: the check and the document agree, what is made of them is JSON and stays as it is, and every token lies
 * within its parent. */
#include "limits.h"
#include "text/utf8.h"
#include "json/value.h"

#include <stdlib.h>

static void require(bool holds)
{
    if (!holds)
        abort();
}

static void check_children(const struct json_doc *doc, uint32_t parent)
{
    const struct json_token *outer = &doc->tokens[parent];
    uint32_t size = 0, end = outer->start;
    bool object = outer->type == JSON_OBJECT;
    for (uint32_t child = json_first_child(doc, parent); child; child = json_next_child(doc, parent, child)) {
        const struct json_token *t = &doc->tokens[child], *value = t + object;
        require(child > parent && t->next > child && t->next <= outer->next && value->next == t->next);
        require(t->start > end && value->end <= outer->end && t->start <= t->end && value->start <= value->end);
        require(!object || (t->type == JSON_STRING && t->size == 0));
        end = value->end;
        size++;
    }
    require(size == outer->size);
}

static void check_document(const struct json_doc *doc)
{
    require(utf8_is_valid(doc->text) && doc->tokens[0].next == doc->count);
    for (uint32_t i = 0; i < doc->count; i++) {
        const struct json_token *t = &doc->tokens[i];
        struct slice text = json_token_text(doc, i);
        require(t->end <= doc->text.len && t->start <= t->end && t->next <= doc->count);
        require(t->escaped == (t->type == JSON_STRING && text.len && memchr(text.text, '\\', text.len)));
        if (t->type >= JSON_ARRAY)
            check_children(doc, i);
        if (t->type == JSON_STRING) /* a part is a text of its own */
            text = slice_of(text.text - 1, text.len + 2);
        require(json_check(text, JSON_ANY_VALUE) == JSON_OK);
    }
}

/* Written anew from plain text it is equal; so unescaping and escaping are inverse. */
static void check_strings(struct arena *arena, const struct json_doc *doc)
{
    struct buffer out;
    buffer_init(&out, MIB(16));
    for (uint32_t i = 0; i < doc->count; i++) {
        if (doc->tokens[i].type != JSON_STRING)
            continue;
        struct value v = value_of_token(doc, i);
        struct value plain = value_of_plain(value_plain(arena, &v));
        require(plain.text.text && utf8_is_valid(plain.text) && json_string_is(doc, i, plain.text));
        buffer_clear(&out);
        value_write(&out, &plain);
        struct value again = value_of_json(buffer_slice(&out));
        require(value_equal(arena, &again, &v));
    }
    buffer_release(&out);
}

/* The members that were listed are those that the tokens tell of; the last of a name is found. */
static void check_entries(struct arena *arena, struct slice text, const struct json_doc *tokens)
{
    struct json_doc *doc;
    require(json_doc_read(arena, text, JSON_ANY_VALUE, &doc) == JSON_OK && !doc->tokens);
    require(!doc->entries || (tokens->tokens[0].type == JSON_OBJECT && doc->entry_count == tokens->tokens[0].size));
    uint32_t key = doc->entries ? json_first_child(tokens, 0) : 0;
    for (uint32_t i = 0; key; key = json_next_child(tokens, 0, key), i++) {
        struct slice name = json_unescape(arena, json_token_text(tokens, key));
        struct value object = value_of_doc(doc), found = value_member(arena, &object, name);
        struct value wanted = value_of_token(tokens, json_member(tokens, 0, name));
        require(found.type == wanted.type && slice_equal(found.text, wanted.text) && !doc->tokens);
        struct slice shorter = slice_of(name.text, name.len - (name.len > 0)); /* mostly there is none of that name */
        found = value_member(arena, &object, shorter);
        wanted = VALUE_NONE;
        if (json_member(tokens, 0, shorter))
            wanted = value_of_token(tokens, json_member(tokens, 0, shorter));
        require(found.type == wanted.type && slice_equal(found.text, wanted.text));
        require(slice_equal(slice_of(doc->text.text + doc->entries[i].name, doc->entries[i].name_len),
                            json_token_text(tokens, key)));
    }
}

/* Walking through the text, all the way down, meets what the tokens tell of. */
static void check_walk(struct arena *arena, struct value tokens, struct value text)
{
    struct value_walk a = {.of = tokens}, b = {.of = text, .by_text = true};
    while (value_walk_next(arena, &a)) {
        require(value_walk_next(arena, &b) && a.value.type == b.value.type);
        require(a.value.text.text == b.value.text.text && a.value.text.len == b.value.text.len);
        require(a.name.text.text == b.name.text.text && a.name.text.len == b.name.text.len);
        require(value_walk_is_shadowed(&a) == value_walk_is_shadowed(&b));
        if (value_is_container(&a.value))
            check_walk(arena, a.value, b.value);
    }
    require(!value_walk_next(arena, &b));
}

/* With an index and without. */
static void check_walks(struct arena *arena, struct value tokens, struct slice text)
{
    struct json_doc *doc = json_doc_of_part(arena, text, NULL);
    check_walk(arena, tokens, value_of_part(doc, text));
    doc->index = json_index_of(arena, text);
    check_walk(arena, tokens, value_of_part(doc, text));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena arena;
    arena_init(&arena, MIB(64));
    struct slice text = slice_of((const char *)data, size);
    const struct json_doc *doc, *again;
    enum json_fault fault = json_doc_parse(&arena, text, JSON_ANY_VALUE, &doc);
    require(fault != JSON_NO_MEMORY && fault == json_check(text, JSON_ANY_VALUE));
    if (fault == JSON_OK) {
        check_document(doc);
        check_strings(&arena, doc);
        check_entries(&arena, text, doc);
        require(json_doc_parse(&arena, doc->text, JSON_ANY_VALUE, &again) == JSON_OK);
        require(again->text.text == doc->text.text && again->count == doc->count); /* nothing left to mend */
        require(memcmp(again->tokens, doc->tokens, doc->count * sizeof *doc->tokens) == 0);
        for (size_t cut = 0; cut < size && cut < 64; cut++) /* no beginning of it is a fault of its own kind */
            require(json_check(slice_of(text.text, cut), JSON_ANY_VALUE) != JSON_TOO_DEEP);
        struct value v = value_of_json(doc->text);
        require(value_equal(&arena, &v, &v));
        if (value_is_container(&v))
            check_walks(&arena, value_of_token(doc, 0), v.text);
    }
    arena_release(&arena);
    return 0;
}
