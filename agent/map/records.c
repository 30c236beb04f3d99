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

static enum map_step take_one(struct records_walk *w, const struct value *record)
{
    if (++w->records > LIMIT_RECORDS_A_LINE)
        return MAP_TOO_COMPLEX;
    struct arena_mark mark = arena_mark(w->arena);
    enum map_step step = w->take(w->context, record, w->parents, w->input->record_count);
    if (step == MAP_DONE)
        arena_rewind(w->arena, mark);
    return step;
}

/* The nodes of path `depth` below `from`; as deep as the configuration has paths. */
static enum map_step walk(struct records_walk *w, size_t depth, const struct value *from)
{
    if (depth == w->input->record_count)
        return take_one(w, from);
    struct value *nodes;
    size_t count;
    if (!jsonpath_nodes(w->arena, w->input->records[depth], from, from, &nodes, &count))
        return map_step_of(w->arena);
    w->parents[w->input->record_count - 1 - depth] = *from;
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
    return w.parents ? walk(&w, 0, line) : map_step_of(arena);
}
