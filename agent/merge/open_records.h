#ifndef RAINGAUGE_OPEN_RECORDS_H
#define RAINGAUGE_OPEN_RECORDS_H

#include "merge/open_record.h"

/* The records that are open, found by input, rule and key; those that have ended and whose calls are still to be made;
 * and what ends them otherwise than by `until`: time, and room.
 *
 *     open_records_configure(o, config, mapper, bytes)      // a generation: a configuration under which they begin
 *     r = open_records_find(o, &joining, open_records_hash(&joining))
 *     open_records_add(o, r, stream, hash)                  // a new one
 *     open_records_recost(o, r)                             // it has grown
 *     open_records_end(o, r, how); open_records_make_room(o, generation, rule)
 *     open_records_take(o, r)                               // one that has ended goes to the caller …
 *     open_records_forget(o, r)                             // … who is done with it: it is freed
 *
 * A generation is freed with the last record that was begun under it; the newest stays. */

struct clock { /* of an input: ms in which it was read to its end */
    struct clock *next;
    char *input;
    uint64_t ms;
};

struct stream { /* the open records of one rule and input, the oldest first */
    struct stream *next;
    struct generation *generation;
    uint32_t rule, input;
    struct clock *clock;
    struct open_record *first, *last;
};

struct generation { /* a configuration under which records were begun */
    struct generation *next;
    const struct config *config;
    struct mapper *mapper;
    struct stream **streams; /* by rule, then input; NULL: none yet */
    struct stream *used;     /* all there are */
    size_t *open;            /* by rule */
    size_t records;          /* that are not forgotten, and parts that wait to be joined */
};

struct open_records {
    struct generation *generations; /* the newest first */
    struct clock *clocks;
    struct open_record **table;
    size_t table_size, open;
    size_t bytes; /* of open records, and of what else waits to be joined */
    size_t limit;
    struct open_record *ended_first, *ended_last; /* in the order in which they ended */
};

bool open_records_init(struct open_records *o) __attribute__((warn_unused_result)); /* false: no memory */
void open_records_release(struct open_records *o);

/* Takes the mapper, which may be NULL: no memory, and false. `bytes`: the limit. */
bool open_records_configure(struct open_records *o, const struct config *config, struct mapper *mapper, size_t bytes)
    __attribute__((warn_unused_result));
struct generation *open_records_generation(const struct open_records *o, const struct config *config); /* or NULL */

uint64_t open_records_hash(const struct joining *j);
struct open_record *open_records_find(const struct open_records *o, const struct joining *j, uint64_t hash);
/* Where new ones of that rule and input stand. NULL: no memory. */
struct stream *open_records_stream(struct open_records *o, struct generation *g, uint32_t rule, uint32_t input);
void open_records_add(struct open_records *o, struct open_record *r, struct stream *s, uint64_t hash);
void open_records_recost(struct open_records *o, struct open_record *r);

void open_records_end(struct open_records *o, struct open_record *r, enum merge_end how);
/* The oldest first: what is more than the rule's `max_open`, and what is above the limit. */
void open_records_make_room(struct open_records *o, struct generation *g, uint32_t rule);
void open_records_end_in_time(struct open_records *o);
void open_records_end_all(struct open_records *o);
uint64_t open_records_next_timeout(const struct open_records *o); /* ms, if all clocks run; UINT64_MAX: none */

void open_records_take(struct open_records *o, struct open_record *r);
void open_records_forget(struct open_records *o, struct open_record *r);
void open_records_tidy(struct open_records *o); /* after that: generations without a record go */

#endif
