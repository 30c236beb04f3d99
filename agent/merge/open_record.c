/* The happy path: open_record_new() copies what is needed of the first line, open_record_add() puts a part's text
 * behind the others, open_record_fold() makes one of them. */
#include "merge/open_record.h"

#include "frames/container_path.h"
#include "limits.h"

#include <stdlib.h>

enum { FOLD_FROM = KIB(16), RECORD_COST = 256 };

struct raw_head {
    size_t name, text; /* lengths */
    bool named;
};

static void parents_unref(struct parents_text *p)
{
    if (p && --p->references == 0)
        free(p);
}

void open_record_free(struct open_record *r)
{
    joined_unref(r->joined);
    parents_unref(r->parents_text);
    buffer_release(&r->folded);
    buffer_release(&r->raw);
    free(r->parents);
    free(r->texts);
    free(r);
}

void record_maker_release(struct record_maker *m)
{
    parents_unref(m->last_parents);
}

struct slice place_text(char **at, struct slice text)
{
    struct slice placed = slice_of(*at, text.len);
    if (text.len)
        memcpy(*at, text.text, text.len);
    *at += text.len;
    return placed;
}

/* The texts of a part's first line, in one block that the caller frees. NULL: no memory. */
static char *copy_texts(const struct record_maker *m, const struct joining *j, struct slice *key, struct slice *file,
                        struct record_meta *meta)
{
    struct container_path container;
    const struct record_meta *from = &j->meta;
    const struct slice all[] = {j->key, j->file, from->file, from->input, from->time, from->stream};
    size_t len = 1;
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        len += all[i].len;
    char *block = malloc(len), *at = block;
    if (!block)
        return NULL;
    *meta = *from;
    *key = place_text(&at, j->key);
    *file = place_text(&at, j->file);
    meta->file = place_text(&at, from->file);
    meta->input = place_text(&at, from->input);
    meta->time = place_text(&at, from->time);
    meta->stream = place_text(&at, from->stream);
    meta->host = slice_from(m->host);
    container_path_read(meta->file, &container);
    meta->namespace_ = container.namespace_;
    meta->pod = container.pod;
    meta->container = container.container;
    meta->pod_uid = container.pod_uid;
    return block;
}

static bool share_parents(struct record_maker *m, struct open_record *r, const struct joining *j)
{
    if (j->parent_count == 0)
        return true;
    if (m->last_parents_from != j->parents_text.text) {
        struct parents_text *p = malloc(sizeof *p + j->parents_text.len);
        if (!p)
            return false;
        p->references = 1;
        p->len = j->parents_text.len;
        memcpy(p->text, j->parents_text.text, p->len);
        parents_unref(m->last_parents);
        m->last_parents = p;
        m->last_parents_from = j->parents_text.text;
    }
    r->parents = calloc(j->parent_count, sizeof *r->parents);
    if (!r->parents)
        return false;
    memcpy(r->parents, j->parents, j->parent_count * sizeof *r->parents);
    r->parent_count = j->parent_count;
    r->parents_text = m->last_parents;
    r->parents_text->references++;
    return true;
}

struct open_record *open_record_new(struct record_maker *m, const struct joining *j, const struct merge_rule *merge)
{
    struct open_record *r = calloc(1, sizeof *r);
    if (!r)
        return NULL;
    *r = (struct open_record){.merge = merge, .number = j->number, .sample = j->sample, .record = j->record};
    memcpy(r->id, j->id, sizeof r->id);
    buffer_init(&r->folded, LIMIT_JSON_TEXT);
    buffer_init(&r->raw, LIMIT_JSON_TEXT);
    r->joined = joined_new();
    r->texts = copy_texts(m, j, &r->key, &r->file, &r->meta);
    if (r->joined && r->texts && share_parents(m, r, j))
        return r;
    open_record_free(r);
    return NULL;
}

bool open_record_add(struct open_record *r, const struct joining *j)
{
    struct raw_head head = {.named = j->named, .name = j->as.len, .text = j->text.len};
    size_t before = r->raw.len;
    buffer_add(&r->raw, slice_of((const char *)&head, sizeof head));
    buffer_add(&r->raw, j->as);
    buffer_add(&r->raw, j->text);
    if (!r->raw.failed)
        return true;
    bool starved = r->raw.starved;
    r->raw.failed = r->raw.starved = false;
    buffer_truncate(&r->raw, before);
    r->broken |= !starved;
    return !starved;
}

bool open_record_fold(struct open_record *r, struct arena *arena)
{
    struct json_merge fold;
    struct buffer folded;
    arena_reset(arena);
    json_merge_init(&fold, arena, r->merge->append_paths, r->merge->append_count);
    struct value before = r->folded.len ? value_of_json(buffer_slice(&r->folded)) : VALUE_NONE;
    if (r->folded.len)
        json_merge_begin(&fold, &before);
    for (size_t at = 0; at < r->raw.len && !arena->failed;) {
        struct raw_head head;
        memcpy(&head, r->raw.data + at, sizeof head);
        struct slice name = slice_of(r->raw.data + at + sizeof head, head.name);
        struct value value = value_of_json(slice_of(name.text + name.len, head.text));
        json_merge_add(&fold, head.named ? &name : NULL, &value);
        at += sizeof head + head.name + head.text;
    }
    buffer_init(&folded, LIMIT_JSON_TEXT);
    if (!arena->failed)
        json_merge_write(&fold, &folded);
    bool failed = arena->failed || folded.failed, starved = arena->starved || folded.starved;
    arena_reset(arena);
    if (failed) {
        buffer_release(&folded);
        r->broken |= !starved;
        return !starved;
    }
    buffer_release(&r->folded);
    buffer_release(&r->raw);
    r->folded = folded;
    return true;
}

void open_record_fold_if_grown(struct open_record *r, struct arena *arena)
{
    if (!r->broken && r->raw.len > FOLD_FROM && r->raw.len > 2 * r->folded.len && !open_record_fold(r, arena))
        return; /* it is tried again with the next part */
    if (r->broken) {
        buffer_release(&r->raw);
        buffer_release(&r->folded);
    }
}

size_t open_record_cost(const struct open_record *r)
{
    return sizeof *r + RECORD_COST + r->key.len + r->folded.cap + r->raw.cap + r->joined->count * JOINED_PART_COST +
           (r->parents_text ? r->parents_text->len / r->parents_text->references : 0);
}
