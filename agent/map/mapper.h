#ifndef RAINGAUGE_MAPPER_H
#define RAINGAUGE_MAPPER_H

#include "map/chunk.h"

/* A file's bytes → calls. One per thread; owns its arenas and scratch, has no other state: what it gives depends on the
 * source, the bytes and the configuration alone.
 *
 *     struct mapper *m = mapper_new(config, MAP_FOR_RUN, hostname);
 *     mapper_take(m, &source, bytes, history, flags, budget, now, &chunk);   // source moves on to chunk.end
 *     mapper_free(m);
 *
 * The path of a line: record_reader_next() → json_shapes_read() → rules_apply() → call_write_event() …
 *
 * With a piece of mapper_piece() bytes it is never CHUNK_NEEDS_MORE. */

struct mapper;

enum map_mode {
    MAP_FOR_RUN, /* lines without calls are folded, notes are bounded */
    MAP_ALL,     /* `map`: every line has its note */
};

struct mapper *mapper_new(const struct config *config, enum map_mode mode, struct slice host);
void mapper_free(struct mapper *m);

/* For `map --explain`: told of each rule that was tried on a record, and of each of its calls with a `when`. */
struct explanation {
    uint64_t offset; /* the line's */
    uint32_t rule;
    const struct call_rule *call;    /* NULL: the rule itself */
    const struct condition *why_not; /* the condition that did not hold; NULL: it held */
};
struct map_explainer {
    void (*explain)(void *context, const struct explanation *e); /* NULL: nobody asks */
    void *context;
};
void mapper_explain(struct mapper *m, struct map_explainer explainer);

enum {
    /* The bytes end at the file's end, and a last line without newline is taken too, if it parses (raw and regex:
     * always) … */
    MAP_TAKE_LAST_LINE = 1,
    /* … or whatever it is: it will not become longer. */
    MAP_TAKE_LAST_LINE_ANYHOW = 2,
    /* The file has not grown for `multiline.timeout`: a record does not wait for more lines. */
    MAP_AT_REST = 4,
    /* The bytes follow those that the chunk was made of: it is added to. */
    MAP_GO_ON = 8,
};

/* So many bytes hold the longest record that an input can have, and what may stand around it. */
size_t mapper_piece(const struct input *input);

/* `bytes` begins at source->at; `history` bytes of the file stand in memory right before bytes.text. `budget`: bytes of
 * calls after which it stops at the next line (0: after each line that is no blank; at least one is taken).
 * `read_time_ms` is $meta.read_time. The chunk is cleared first, but for MAP_GO_ON. On CHUNK_NO_MEMORY the source is as
 * before, and nothing in the chunk counts. */
void mapper_take(struct mapper *m, struct source *source, struct slice bytes, size_t history, unsigned flags,
                 size_t budget, int64_t read_time_ms, struct chunk *chunk);

/* Records that a rule merges (contract 4.6) become parts of the chunk; agent/merge joins them. A record that was joined
 * comes back here for its rule's calls: they are added behind the chunk's, with its notes. `view` is borrowed. Fills
 * *ret but for `joined` and `file`. MAP_NO_MEMORY: the chunk is as before. */
struct merged_view {
    uint32_t rule;
    size_t input;
    struct slice text;              /* JSON */
    const struct record_meta *meta; /* of its first line, as are those that follow */
    unsigned char id[16];
    uint64_t sample;
    uint32_t record;
    struct slice parents_text;
    const struct span *parents;
    size_t parent_count;
    bool broken; /* without text: it was too complex to be joined */
};
bool mapper_take_merged(struct mapper *m, const struct merged_view *view, struct chunk *chunk,
                        struct merged_record *ret) __attribute__((warn_unused_result));

#endif
