/* A mapper that makes one call of each line, which is the line's text, but for those that begin with "-", and a
 * delivery that keeps what it is given. They stand for the real ones, with the same promises. */
#include "bed.h"

#include "limits.h"

#include <assert.h>
#include <stdlib.h>

/* ---- the mapper ---- */

struct mapper {
    const struct config *config;
};

struct mapper *mapper_new(const struct config *config, enum map_mode mode, struct slice host)
{
    (void)mode, (void)host;
    struct mapper *m = calloc(1, sizeof *m);
    assert(m);
    m->config = config;
    return m;
}

void mapper_free(struct mapper *m)
{
    free(m);
}

size_t mapper_piece(const struct input *input)
{
    return input->max_line_bytes + LIMIT_READ;
}

static void add_call(struct chunk *c, const struct position *start, struct slice text)
{
    struct mapped_call call = {.line = (uint32_t)c->line_count, .text_at = c->text.len, .text_len = text.len};
    struct mapped_line line = {.start = *start, .offset = position_offset(start), .calls = 1};
    buffer_add(&c->text, text);
    bool added = chunk_add_call(c, &call) && chunk_add_line(c, &line);
    assert(added);
    c->lines_read++;
}

struct mapping_watch mapping_watch;

void mapper_take(struct mapper *m, struct source *source, struct slice bytes, size_t history, unsigned flags,
                 size_t budget, int64_t read_time_ms, struct chunk *c)
{
    (void)read_time_ms;
    uint64_t began_at = position_offset(&source->at);
    if (mapping_watch.on_begin)
        mapping_watch.on_begin(mapping_watch.context, began_at, &budget);
    size_t most = m->config->inputs[source->input].max_line_bytes;
    struct position at = source->at;
    size_t from = 0;
    bool cleared = flags & MAP_GO_ON || chunk_clear(c, 0);
    assert(cleared);
    c->result = CHUNK_ALL_TAKEN;
    while (from < bytes.len && (c->result = c->text.len >= budget ? CHUNK_FULL : CHUNK_ALL_TAKEN) != CHUNK_FULL) {
        const char *newline = memchr(bytes.text + from, '\n', bytes.len - from);
        size_t end = newline ? (size_t)(newline - bytes.text) : bytes.len;
        bool oversized = source->skipping || end - from > most;
        if (!newline && !oversized && !(flags & ~(unsigned)MAP_GO_ON)) {
            if (from == 0)
                c->result = CHUNK_NEEDS_MORE;
            break;
        }
        if (oversized && newline) {
            c->outcomes[OUTCOME_OVERSIZED]++;
            c->lines_read++;
        } else if (!oversized && end > from && bytes.text[from] == '-') {
            c->outcomes[OUTCOME_UNMATCHED]++;
            c->lines_read++;
        } else if (!oversized && end > from) {
            add_call(c, &at, slice_of(bytes.text + from, end - from));
        }
        source->skipping = oversized && !newline;
        end += newline != NULL;
        position_move(&at, slice_of(bytes.text + from, end - from), history + from);
        from = end;
    }
    source->at = c->end = at;
    c->consumed += from;
    c->bytes_read += from;
    if (mapping_watch.on_begin)
        mapping_watch.on_end(mapping_watch.context, began_at);
}

/* ---- delivery ---- */

size_t delivery_room(const struct delivery *d, const struct ledger *l)
{
    (void)l;
    return d->room;
}

/* What struct source knows is not in a chunk: the file is found by its ledger. */
static const struct file *file_of(const struct delivery *d, const struct ledger *l)
{
    const struct bed *b = (const struct bed *)((const char *)d - offsetof(struct bed, sink));
    for (const struct file *f = file_table_first(b->table); f; f = file_table_next(f)) {
        if (f->ledger == l)
            return f;
    }
    return NULL;
}

bool delivery_take(struct delivery *d, struct ledger *l, const struct chunk *chunk, const struct config *config,
                   uint64_t now)
{
    (void)config, (void)now;
    uint64_t first;
    const struct file *f = file_of(d, l);
    assert(f);
    if (d->refuse || !ledger_take(l, chunk, &first))
        return false;
    d->takes++;
    for (size_t i = 0; i < chunk->call_count; i++) {
        const struct mapped_call *call = &chunk->calls[i];
        if (d->count == d->cap) {
            d->cap = d->cap ? 2 * d->cap : 64;
            d->lines = realloc(d->lines, d->cap * sizeof *d->lines);
        }
        d->lines[d->count++] = (struct sunk_line){
            .file = strdup(f->path),
            .text = strndup(chunk->text.data + call->text_at, call->text_len),
            .offset = chunk->lines[call->line].offset,
            .id = f->source.id,
            .ledger = ledger_ref(l),
            .number = first + call->line,
        };
    }
    return true;
}

void sink_settle(struct delivery *d)
{
    bool all = true;
    for (size_t i = d->settled; i < d->count && !d->hold; i++) {
        struct sunk_line *line = &d->lines[i];
        if (line->ledger && ledger_is_registered(line->ledger)) {
            struct ledger *l = line->ledger;
            line->ledger = NULL;
            ledger_settle(l, line->number, CALL_DELIVERED);
            ledger_unref(l);
        }
        all &= line->ledger == NULL;
        if (all)
            d->settled = i + 1;
    }
}

void sink_forget(struct delivery *d)
{
    size_t kept = 0;
    for (size_t i = 0; i < d->count; i++) {
        if (!d->lines[i].ledger) {
            d->lines[kept++] = d->lines[i];
            continue;
        }
        ledger_unref(d->lines[i].ledger);
        free(d->lines[i].file);
        free(d->lines[i].text);
    }
    d->count = d->settled = kept;
}

size_t sink_count(const struct delivery *d, const char *text)
{
    size_t count = 0;
    for (size_t i = 0; i < d->count; i++)
        count += strcmp(d->lines[i].text, text) == 0;
    return count;
}
