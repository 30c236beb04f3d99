#include "map/records.h"

#include "limits.h"
#include "path/jsonpath.h"

struct records_walk {
    struct arena *arena;
    const struct input *input;
    record_taker *take;
    void *context;
    struct value *parents; /* room for one of each path; filled from the end, so that the nearest comes first */
    size_t records;
};

/* How many things are kept of the documents that records are taken out of. */
static size_t kept_of_parents(const struct records_walk *w)
{
    size_t n = 0;
    for (size_t i = 0; i < w->input->record_count; i++) {
        const struct json_doc *doc = w->parents[i].doc;
        if (doc)
            n += (doc->tokens ? 1U : 0) + (doc->index ? 1U : 0);
    }
    return n;
}

static enum map_step take_one(struct records_walk *w, const struct value *record)
{
    if (++w->records > LIMIT_RECORDS_A_LINE)
        return MAP_TOO_COMPLEX;
    size_t before = kept_of_parents(w);
    struct arena_mark mark = arena_mark(w->arena);
    struct value own = *record;
    if (w->input->record_count && !value_share(w->arena, &own))
        return map_step_of(w->arena);
    enum map_step step = w->take(w->context, &own, w->parents, w->input->record_count);
    if (step == MAP_DONE && kept_of_parents(w) == before) /* else they are kept */
        arena_rewind(w->arena, mark);
    return step;
}

/* The nodes of path `depth` below `from`; as deep as the configuration has paths. */
static enum map_step walk(struct records_walk *w, size_t depth, const struct value *from)
{
    if (depth == w->input->record_count)
        return take_one(w, from);
    struct value *nodes, *parent = &w->parents[w->input->record_count - 1 - depth];
    size_t count;
    *parent = *from;
    /* Listed before its records are taken, as what is allocated then is given back. */
    if (!value_share(w->arena, parent) || (parent->doc && !json_doc_list(w->arena, parent->doc)))
        return map_step_of(w->arena);
    if (!jsonpath_nodes(w->arena, w->input->records[depth], parent, parent, &nodes, &count))
        return map_step_of(w->arena);
    enum map_step step = MAP_DONE;
    for (size_t i = 0; i < count && step == MAP_DONE; i++)
        step = walk(w, depth + 1, &nodes[i]);
    return step;
}

enum map_step records_each(struct arena *arena, const struct input *input, const struct value *line, record_taker *take,
                           void *context)
{
    struct records_walk w = {.arena = arena, .input = input, .take = take, .context = context};
    w.parents = arena_calloc(arena, input->record_count, sizeof *w.parents);
    if (input->record_count > 0 && line->doc)
        json_doc_index(arena, line->doc);
    return w.parents ? walk(&w, 0, line) : map_step_of(arena);
}
