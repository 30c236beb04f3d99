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

/* How many things are kept of the documents that are gone through, the outermost `depth` of them. */
static size_t kept_of_parents(const struct records_walk *w, size_t depth)
{
    size_t n = 0;
    for (size_t i = w->input->record_count - depth; i < w->input->record_count; i++) {
        const struct json_doc *doc = w->parents[i].doc;
        if (doc)
            n += (doc->tokens ? 1U : 0) + (doc->index ? 1U : 0);
    }
    return n;
}

static enum map_step take_one(struct records_walk *w, const struct value *record)
{
    struct value own = *record;
    if (++w->records > LIMIT_RECORDS_A_LINE)
        return MAP_TOO_COMPLEX;
    if (w->input->record_count && !value_share(w->arena, &own))
        return map_step_of(w->arena);
    return w->take(w->context, &own, w->parents, w->input->record_count);
}

static enum map_step walk(struct records_walk *w, size_t depth, const struct value *from);

static enum map_step go_through(struct records_walk *w, size_t depth, const struct value *from)
{
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

/* Recursive; paths are at most a few. What is made of one node is given back before the next one, unless a document
 * around it keeps something of that. */
static enum map_step walk(struct records_walk *w, size_t depth, const struct value *from)
{
    size_t before = kept_of_parents(w, depth);
    struct arena_mark mark = arena_mark(w->arena);
    enum map_step step = depth < w->input->record_count ? go_through(w, depth, from) : take_one(w, from);
    if (step == MAP_DONE && kept_of_parents(w, depth) == before)
        arena_rewind(w->arena, mark);
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
