#include "deliver/joined.h"

#include <assert.h>

struct entry {
    struct position start;
    uint64_t line, offset;
    uint32_t unsettled;
    unsigned flags;
    struct merge_part *parts; /* of these: unsettled parts of merged records */
};

struct ledger {
    unsigned references;
    bool registered;
    struct input_metrics *metrics;
    void (*on_moved)(void *context); /* NULL: disowned */
    void *context;

    struct entry *entries; /* [first, end) are in use, sorted by line; settled ones may stand between */
    size_t first, end, cap;
    size_t open; /* of these: unsettled */
    bool had_parts;
    bool unordered; /* lines behind the committed position may be settled, and be halves of what is gone */

    uint64_t next_line;
    struct position taken, committed;
    uint64_t destinations;
    char *path;
};

/* Settled entries between unsettled ones are squeezed out before the array grows, so that one line that waits long does
 * not keep an entry of every line after it. */
static void squeeze(struct ledger *l)
{
    size_t to = 0;
    for (size_t i = l->first; i < l->end; i++)
        if (l->entries[i].unsettled)
            l->entries[to++] = l->entries[i];
    l->first = 0;
    l->end = to;
}

static bool reserve(struct ledger *l, size_t more)
{
    if (more <= l->cap - l->end)
        return true;
    squeeze(l);
    size_t need = l->end + more;
    if (need <= l->cap / 2 || (need <= l->cap && l->cap <= 16))
        return true;
    size_t cap = l->cap ? 2 * need : need; /* most files at rest had a line or two */
    struct entry *entries = realloc(l->entries, cap * sizeof *entries);
    if (!entries)
        return need <= l->cap;
    l->entries = entries;
    l->cap = cap;
    return true;
}

/* Where every line has a call it stands so far behind the first as its line does. */
static struct entry *find(const struct ledger *l, uint64_t line)
{
    size_t low = l->first, high = l->end;
    uint64_t behind = line - l->entries[low].line;
    if (behind < high - low && l->entries[low + behind].line == line)
        low = high = low + (size_t)behind;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (l->entries[middle].line < line)
            low = middle + 1;
        else
            high = middle;
    }
    assert(low < l->end && l->entries[low].line == line && l->entries[low].unsettled > 0);
    return &l->entries[low];
}

/* Contract 6.1: the first that fits. */
static enum outcome outcome_of(unsigned flags)
{
    return flags & LINE_DEAD        ? OUTCOME_DEAD_LETTERED
           : flags & LINE_REJECTED  ? OUTCOME_REJECTED
           : flags & LINE_DELIVERED ? OUTCOME_DELIVERED
           : flags & LINE_INVALID   ? OUTCOME_INVALID
           : flags & LINE_SAMPLED   ? OUTCOME_SAMPLED
                                    : OUTCOME_DROPPED; /* only calls that were left out */
}

unsigned line_flag_of(enum call_outcome outcome)
{
    return outcome == CALL_DELIVERED ? LINE_DELIVERED : outcome == CALL_DEAD_LETTERED ? LINE_DEAD : 0;
}

static void commit(struct ledger *l)
{
    while (l->first < l->end && l->entries[l->first].unsettled == 0)
        l->first++;
    l->committed = l->first < l->end ? l->entries[l->first].start : l->taken;
    if (l->first < l->end)
        return;
    l->unordered = false;
    free(l->entries); /* of a file at rest none are kept */
    l->entries = NULL;
    l->first = l->end = l->cap = 0;
}

struct ledger *ledger_new(const struct position *start, struct input_metrics *metrics, void (*on_moved)(void *context),
                          void *context)
{
    struct ledger *l = calloc(1, sizeof *l);
    if (!l)
        return NULL;
    l->references = 1;
    l->metrics = metrics;
    l->on_moved = on_moved;
    l->context = context;
    l->taken = l->committed = *start;
    return l;
}

struct ledger *ledger_ref(struct ledger *l)
{
    l->references++;
    return l;
}

void ledger_unref(struct ledger *l)
{
    if (!l || --l->references > 0)
        return;
    free(l->entries);
    free(l->path);
    free(l);
}

void ledger_disown(struct ledger *l)
{
    l->on_moved = NULL;
    l->context = NULL;
    ledger_unref(l);
}

bool ledger_set_path(struct ledger *l, struct slice path)
{
    char *copy = strndup(path.text ? path.text : "", path.len);
    if (!copy)
        return false;
    free(l->path);
    l->path = copy;
    return true;
}

struct slice ledger_path(const struct ledger *l)
{
    return slice_from(l->path);
}

static void bind_parts(struct ledger *l, const struct chunk *chunk, uint64_t first)
{
    for (size_t i = 0; i < chunk->part_count; i++) {
        struct merge_part *part = chunk->parts[i].kept;
        if (!part)
            continue;
        part->ledger = ledger_ref(l);
        part->line = first + chunk->parts[i].line;
        struct entry *e = find(l, part->line);
        part->next_in_line = e->parts;
        e->parts = part;
        l->had_parts = l->unordered = true;
    }
}

bool ledger_take(struct ledger *l, const struct chunk *chunk, uint64_t *ret_first)
{
    if (!reserve(l, chunk->line_count))
        return false;
    *ret_first = l->next_line;
    for (size_t i = 0; i < chunk->line_count; i++) {
        const struct mapped_line *line = &chunk->lines[i];
        assert(line->calls > 0);
        l->entries[l->end++] = (struct entry){
            .start = line->start,
            .line = l->next_line++,
            .offset = line->offset,
            .unsettled = line->calls,
            .flags = (line->rejected ? LINE_REJECTED : 0) | (line->invalid ? LINE_INVALID : 0) |
                     (line->sampled ? LINE_SAMPLED : 0),
        };
    }
    bind_parts(l, chunk, *ret_first);
    l->open += chunk->line_count;
    l->taken = chunk->end;
    commit(l);

    struct input_metrics *m = l->metrics;
    if (!m)
        return true;
    m->lines_read += chunk->lines_read;
    m->bytes_read += chunk->bytes_read;
    m->nul_bytes += chunk->nul_bytes;
    m->lines_held += chunk->line_count;
    for (size_t i = 0; i < OUTCOME_COUNT; i++)
        m->lines[i] += chunk->outcomes[i];
    return true;
}

uint64_t ledger_next_line(const struct ledger *l)
{
    return l->next_line;
}

static void settle_one(struct ledger *l, struct entry *e, unsigned flags)
{
    e->flags |= flags;
    if (--e->unsettled > 0)
        return;
    l->open--;
    if (l->metrics) {
        l->metrics->lines_held--;
        l->metrics->lines[outcome_of(e->flags)]++;
    }
    if (e == &l->entries[l->first])
        commit(l);
    else if (!l->unordered)
        return;
    if (l->on_moved)
        l->on_moved(l->context);
}

void ledger_settle(struct ledger *l, uint64_t line, enum call_outcome outcome)
{
    settle_one(l, find(l, line), line_flag_of(outcome));
}

static struct entry *take_part_out(struct merge_part *part)
{
    struct ledger *l = part->ledger;
    struct entry *e = find(l, part->line);
    struct merge_part **at = &e->parts;
    while (*at != part)
        at = &(*at)->next_in_line;
    *at = part->next_in_line;
    return e;
}

/* What is remembered of the file changes also where its offset stays: other lines hold it. */
void ledger_settle_part(struct merge_part *part, unsigned flags)
{
    struct ledger *l = part->ledger;
    settle_one(l, take_part_out(part), flags);
    part->ledger = NULL;
    if (l->on_moved)
        l->on_moved(l->context);
    ledger_unref(l);
}

void ledger_unbind(struct merge_part *part)
{
    struct ledger *l = part->ledger;
    take_part_out(part);
    part->ledger = NULL;
    ledger_unref(l);
}

void ledger_note_change(struct ledger *l)
{
    if (l->on_moved)
        l->on_moved(l->context);
}

bool ledger_had_parts(const struct ledger *l)
{
    return l->had_parts;
}

bool ledger_is_unordered(const struct ledger *l)
{
    return l->unordered;
}

void ledger_note_unordered(struct ledger *l)
{
    l->unordered = l->open > 0;
}

static bool write_line(const struct entry *e, struct resume *r)
{
    uint32_t parts = 0;
    for (const struct merge_part *part = e->parts; part; part = part->next_in_line)
        parts++;
    if (!resume_add_line(r, e->offset, e->unsettled > parts))
        return false;
    for (const struct merge_part *part = e->parts; part; part = part->next_in_line) {
        const struct resume_part kept = {part->record, part->nth, part->number, part->ended};
        if (!resume_add_part(r, &kept))
            return false;
    }
    return true;
}

/* Lines of two streams may stand in another order in the file than they were taken in. */
bool ledger_write_resume(const struct ledger *l, struct resume *r)
{
    r->taken = position_offset(&l->taken);
    for (unsigned i = 0; i < FRAME_LANES; i++)
        r->ahead[i] = l->taken.lanes.ahead[i];
    for (size_t i = l->first; i < l->end; i++) {
        if (l->entries[i].unsettled && !write_line(&l->entries[i], r))
            return false;
    }
    resume_sort(r);
    return true;
}

const struct position *ledger_committed(const struct ledger *l)
{
    return &l->committed;
}

const struct position *ledger_taken(const struct ledger *l)
{
    return &l->taken;
}

size_t ledger_open_lines(const struct ledger *l)
{
    return l->open;
}

void ledger_set_registered(struct ledger *l)
{
    l->registered = true;
}

bool ledger_is_registered(const struct ledger *l)
{
    return l->registered;
}

uint64_t ledger_destinations(const struct ledger *l)
{
    return l->destinations;
}

void ledger_set_destinations(struct ledger *l, uint64_t destinations)
{
    l->destinations = destinations;
}
