/* Calls above the wire's size (contract 4.8): their long texts are cut, one after the other, each as far as needed. */
#include "limits.h"
#include "text/utf8.h"
#include "wire/call.h"

#include <stdlib.h>

#define CUT_MARK "...[truncated by raingauge]"
enum { CUT_MARK_LEN = sizeof CUT_MARK - 1 };

/* A text of the call that may be cut, as it stands between its quotes. */
struct cut {
    uint32_t start, end; /* in the call's text */
    uint32_t keep;       /* so many bytes of it, and then the mark; where it is cut */
    bool is_cut;
};

struct cuts {
    struct cut *items;
    size_t count;
};

static uint32_t member(const struct json_doc *doc, uint32_t object, const char *name)
{
    return doc->tokens[object].type == JSON_OBJECT ? json_member(doc, object, slice_from(name)) : 0;
}

static void add_text(struct cuts *cuts, const struct json_doc *doc, uint32_t token)
{
    if (token && doc->tokens[token].type == JSON_STRING)
        cuts->items[cuts->count++] = (struct cut){.start = doc->tokens[token].start, .end = doc->tokens[token].end};
}

/* Every string below `token` that is a value: names of members are never cut. */
static void add_nested(struct cuts *cuts, const struct json_doc *doc, uint32_t token)
{
    if (!token)
        return;
    for (uint32_t t = token; t < doc->tokens[token].next; t++)
        if (!json_token_is_name(doc, t))
            add_text(cuts, doc, t);
}

static int longest_first(const void *a, const void *b)
{
    const struct cut *x = a, *y = b;
    uint32_t long_x = x->end - x->start, long_y = y->end - y->start;
    return long_x != long_y ? (long_x < long_y) - (long_x > long_y) : (x->start > y->start) - (x->start < y->start);
}

static int in_order(const void *a, const void *b)
{
    const struct cut *x = a, *y = b;
    return (x->start > y->start) - (x->start < y->start);
}

/* What may be cut, in the order in which it is. */
static void list_texts(struct cuts *cuts, const struct json_doc *doc)
{
    uint32_t ai_data = json_member(doc, 0, SLICE("ai_data"));
    if (ai_data) {
        add_text(cuts, doc, member(doc, ai_data, "output"));
        add_text(cuts, doc, member(doc, ai_data, "input"));
    }
    uint32_t attachments = json_member(doc, 0, SLICE("attachments"));
    if (attachments)
        for (uint32_t a = json_first_child(doc, attachments); a; a = json_next_child(doc, attachments, a))
            add_text(cuts, doc, member(doc, a, "value"));
    size_t before = cuts->count;
    add_nested(cuts, doc, json_member(doc, 0, SLICE("properties")));
    qsort(cuts->items + before, cuts->count - before, sizeof *cuts->items, longest_first);
}

/* One character, or one escape; a surrogate pair of escapes is one. */
static size_t step_length(const char *at, const char *end)
{
    if (*at != '\\')
        return utf8_step(at, end).len;
    if (at[1] != 'u')
        return 2;
    bool high =
        (at[2] | 0x20) == 'd' && ((at[3] >= '8' && at[3] <= '9') || (at[3] | 0x20) == 'a' || (at[3] | 0x20) == 'b');
    return high ? 12 : 6; /* json_doc: a high surrogate is never alone */
}

/* The most bytes up to `most` that end at a character, but no less than the floor. */
static uint32_t keep_length(struct slice content, size_t most)
{
    const char *at = content.text, *end = at + content.len;
    while (at < end) {
        size_t len = (size_t)(at - content.text), next = len + step_length(at, end);
        if (next > most && len >= LIMIT_CALL_CUT_FLOOR)
            break;
        at = content.text + next;
    }
    return (uint32_t)(at - content.text);
}

static void cut_as_needed(struct cuts *cuts, struct slice call, size_t too_many)
{
    for (size_t i = 0; i < cuts->count && too_many > 0; i++) {
        struct cut *c = &cuts->items[i];
        struct slice content = slice_of(call.text + c->start, c->end - c->start);
        size_t away = too_many + CUT_MARK_LEN;
        uint32_t keep = keep_length(content, content.len > away ? content.len - away : 0);
        if (keep + CUT_MARK_LEN >= content.len)
            continue;
        c->keep = keep;
        c->is_cut = true;
        size_t saved = content.len - keep - CUT_MARK_LEN;
        too_many = saved < too_many ? too_many - saved : 0;
    }
}

static void write_cut(struct buffer *out, struct slice call, struct cuts *cuts)
{
    size_t at = 0;
    qsort(cuts->items, cuts->count, sizeof *cuts->items, in_order);
    for (size_t i = 0; i < cuts->count; i++) {
        const struct cut *c = &cuts->items[i];
        if (!c->is_cut)
            continue;
        buffer_add(out, slice_of(call.text + at, c->start + c->keep - at));
        buffer_add_text(out, CUT_MARK);
        at = c->end;
    }
    buffer_add(out, slice_from_offset(call, at));
}

bool call_cut(struct buffer *out, struct arena *arena, struct slice call, size_t most)
{
    const struct json_doc *doc;
    if (json_doc_parse(arena, call, JSON_OBJECT_ONLY, &doc) != JSON_OK)
        return false;
    struct cuts cuts = {arena_calloc(arena, doc->count, sizeof(struct cut)), 0};
    if (!cuts.items)
        return false;
    list_texts(&cuts, doc);
    if (doc->text.len > most)
        cut_as_needed(&cuts, doc->text, doc->text.len - most);
    size_t before = out->len;
    write_cut(out, doc->text, &cuts);
    return !out->failed && out->len - before <= most;
}
