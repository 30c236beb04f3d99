#ifndef RAINGAUGE_TEST_SAME_DOC_H
#define RAINGAUGE_TEST_SAME_DOC_H

#include "json/json_doc.h"

#include <string.h>

/* Whether two readers have made the same of a text, tokens included. `long_count` may differ: it is a help for jsmn. */
static inline bool docs_are_same(struct arena *arena, struct json_doc *a, struct json_doc *b)
{
    if (!slice_equal(a->text, b->text) || a->count != b->count || a->escapes != b->escapes ||
        a->is_read != b->is_read || (a->entries != NULL) != (b->entries != NULL))
        return false;
    if (a->entries && (a->entry_count != b->entry_count || a->crowded != b->crowded ||
                       a->escaped_names != b->escaped_names || memcmp(a->slots, b->slots, sizeof a->slots) != 0))
        return false;
    for (uint32_t i = 0; a->entries && i < a->entry_count; i++) {
        const struct json_entry *p = &a->entries[i], *q = &b->entries[i];
        if (p->name != q->name || p->name_len != q->name_len || p->value != q->value || p->value_end != q->value_end ||
            p->sign != q->sign)
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
