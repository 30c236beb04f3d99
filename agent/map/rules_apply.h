#ifndef RAINGAUGE_RULES_APPLY_H
#define RAINGAUGE_RULES_APPLY_H

#include "map/chunk.h"
#include "map/mapper.h"
#include "map/rule_index.h"
#include "wire/uuid5.h"

/* The rules on a record → calls in the chunk (contract 4).
 *
 * The happy path: the first rule whose `when` holds takes the record; its calls are evaluated, routed to a destination
 * and a project, written, and stand in the chunk. What can go wrong:
 *  - a call lacks a field, or has no destination …: it is rejected, which is a note in the chunk; the rest goes on;
 *  - the line needs more than the ceilings allow (MAP_TOO_COMPLEX), each time it is read: it is given up as a whole;
 *  - memory lacks now (MAP_NO_MEMORY): the caller gives up the whole chunk and tries again later. */

enum map_step { MAP_DONE, MAP_TOO_COMPLEX, MAP_NO_MEMORY };

static inline enum map_step map_step_of(const struct arena *arena)
{
    return !arena->failed ? MAP_DONE : arena->starved ? MAP_NO_MEMORY : MAP_TOO_COMPLEX;
}

/* The line whose records are at hand, and what came of it so far. */
struct line_state {
    const struct input *input;
    const struct file_id *file;
    uint64_t offset;
    struct slice content; /* the bytes that the parser got */
    struct uuid id;       /* of the line, once `id_known` */
    bool id_known;
    size_t record;     /* of the line's records, from 0 */
    size_t text_start; /* where its calls begin in chunk->text */
    size_t call_start; /* … and in chunk->calls */
    bool full;         /* its calls reached LIMIT_LINE_CALLS: further ones are rejected unseen */
    bool sampled_in;   /* that is known */
    bool rejected, sampled, dropped;
    uint32_t decided_by; /* the rule that sampled it out or dropped it */
    uint32_t merged;     /* it is no line, but a merged record: what its calls say; else 0 */
    uint64_t sample;     /* … and what `sample` goes by */
    /* What is merged of it */
    size_t part_start, origin_start, parent_start; /* where that begins in the chunk */
    struct span parents_text;                      /* the line, in chunk->text, once it is kept there */
    uint32_t merging;                              /* rules that merge the record at hand, so far */
    const struct resume_line *resume;              /* not NULL: it was taken before; what is unsettled of it */
};

struct rules_run {
    const struct config *config;
    bool list_all;                  /* every note */
    const struct rule_index *index; /* of the line's input */
    struct arena *arena;
    struct let_slot shared[LETS_SHARED_MOST]; /* of the record at hand */
    struct let_slot *lets;                    /* config->rules.max_slots of them */
    struct buffer cut;                        /* a call that is cut to the size of the wire */
    struct record_meta meta;
    struct chunk *chunk;
    struct line_state line;
    struct map_explainer explainer;
    const struct resume *resume; /* the file's; NULL: there is none */
    bool same_rules;             /* … and these were in force then: what it does not list is done */
};

/* A rule that merges takes no call out of a record: the record becomes a part in the chunk (contract 4.6), unless `by`
 * gives nothing. */
enum map_step rules_apply(struct rules_run *run, const struct value *record, const struct value parents[],
                          size_t parent_count) __attribute__((warn_unused_result));
/* One rule's calls on a merged record. */
enum map_step rules_apply_merged(struct rules_run *run, uint32_t rule, const struct value *record,
                                 const struct value parents[], size_t parent_count) __attribute__((warn_unused_result));

#endif
