#ifndef RAINGAUGE_TEST_SAME_DOC_H
#define RAINGAUGE_TEST_SAME_DOC_H

#include "json/json_check.h"

#include <string.h>

/* Whether a name leads to the same member of both, by each of the ways there are. */
static inline bool name_is_same(const struct json_doc *a, const struct json_doc *b, struct slice name)
{
    const struct json_entry *found[] = {json_doc_entry(a, name), json_find_entry(a, name), json_doc_entry(b, name),
                                        json_find_entry(b, name)};
    const struct json_entry *first[] = {a->entries, a->entries, b->entries, b->entries};
    for (int i = 1; i < 4; i++)
        if ((found[i] != NULL) != (found[0] != NULL) || (found[i] && found[i] - first[i] != found[0] - first[0]))
            return false;
    return true;
}

/* Whether two readers have made the same of a text, tokens included. `long_count` may differ: it is a help for jsmn. */
static inline bool docs_are_same(struct arena *arena, struct json_doc *a, struct json_doc *b)
{
    if (!slice_equal(a->text, b->text) || a->count != b->count || a->escapes != b->escapes ||
        a->is_read != b->is_read || (a->entries != NULL) != (b->entries != NULL))
        return false;
    if (a->entries && (a->entry_count != b->entry_count || a->escaped_names != b->escaped_names))
        return false;
    for (uint32_t i = 0; a->entries && i < a->entry_count; i++) {
        const struct json_entry *p = &a->entries[i], *q = &b->entries[i];
        if (p->name != q->name || p->name_len != q->name_len || p->value != q->value || p->value_end != q->value_end ||
            p->sign != q->sign)
            return false;
        struct slice name = slice_of(a->text.text + p->name, p->name_len);
        if (!name_is_same(a, b, name) || !name_is_same(a, b, slice_of(name.text, name.len - (name.len > 0))))
            return false;
    }
    if (!json_doc_tokenise(arena, a) || !json_doc_tokenise(arena, b))
        return false;
    for (uint32_t i = 0; i < a->count; i++) {
        const struct json_token *p = &a->tokens[i], *q = &b->tokens[i];
        if (p->start != q->start || p->end != q->end || p->next != q->next || p->size != q->size ||
            p->type != q->type || p->escaped != q->escaped)
            return false;
    }
    return true;
}

#endif
