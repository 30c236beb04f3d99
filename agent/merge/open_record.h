#ifndef RAINGAUGE_OPEN_RECORD_H
#define RAINGAUGE_OPEN_RECORD_H

#include "deliver/joined.h"
#include "map/mapper.h"

/* One record that is being joined (contract 4.6): what is known of its first line, and the JSON texts that came, one
 * behind the other, folded into one when they have grown to twice the last fold, so that it costs a time linear in what
 * came.
 *
 *     open_record_new(&maker, &joining, merge)          // of its first part
 *     open_record_add(r, &joining)                      // each part's text, that one's too; again where it was false
 *     open_record_fold_if_grown(r, arena)
 *     open_record_fold(r, arena)                        // … at the end: r->folded is the merged text
 *     open_record_free(r)
 *
 * What can go wrong: it needs more than the ceilings allow: it is `broken`, its texts are let go of, and it comes to
 * nothing. */

struct stream;
struct generation;

/* A part, wherever it comes from; its texts are borrowed. */
struct joining {
    struct generation *generation;
    uint32_t rule, input;
    uint32_t record, nth;
    uint64_t number, offset;
    unsigned ended;
    bool last, named;
    struct slice key, as, text, file;
    struct record_meta meta;
    unsigned char id[16];
    uint64_t sample;
    struct slice parents_text;
    const struct span *parents;
    size_t parent_count;
};

/* The line that records took their $parents out of; they share it. */
struct parents_text {
    unsigned references;
    size_t len;
    char text[];
};

struct record_maker { /* what records that are made one after the other have in common */
    const char *host;
    struct parents_text *last_parents; /* those of the last line, … */
    const char *last_parents_from;     /* … which stood there; NULL: not any more */
};

struct open_record {
    struct joined *joined;
    struct stream *stream;               /* of open_records.h, like what follows */
    struct open_record *previous, *next; /* in the stream; then among those that ended */
    struct open_record *chain;           /* in the table */
    uint64_t hash;
    uint64_t deadline; /* of the stream's clock; UINT64_MAX: none */
    enum merge_end ended;
    size_t cost;

    const struct merge_rule *merge;
    uint64_t number; /* of its first part */
    bool broken;     /* it is too complex to be folded */

    char *texts; /* the key, and what is known of the first line, in one block */
    struct slice key, file;
    struct record_meta meta;
    unsigned char id[16];
    uint64_t sample;
    uint32_t record;
    struct parents_text *parents_text;
    struct span *parents;
    size_t parent_count;

    struct buffer folded, raw; /* JSON so far, then what came behind it: struct raw_head, name, text … */
};

struct slice place_text(char **at, struct slice text); /* copies it to *at, which then is behind it */

void record_maker_release(struct record_maker *m);
struct open_record *open_record_new(struct record_maker *m, const struct joining *j,
                                    const struct merge_rule *merge); /* NULL: no memory */
void open_record_free(struct open_record *r);

/* False: no memory, nothing was done. */
bool open_record_add(struct open_record *r, const struct joining *j) __attribute__((warn_unused_result));
/* All that came → one JSON text. False: no memory now; the record is as before. */
bool open_record_fold(struct open_record *r, struct arena *arena) __attribute__((warn_unused_result));
/* So that a record that is joined does not cost its parts' texts for ever. */
void open_record_fold_if_grown(struct open_record *r, struct arena *arena);
size_t open_record_cost(const struct open_record *r); /* bytes that it takes */

#endif
