#ifndef RAINGAUGE_JOINED_H
#define RAINGAUGE_JOINED_H

#include "deliver/ledger.h"

/* The lines that one merged record was joined from (contract 4.6): they are settled together, when the last of its
 * calls is, and count as the record does (contract 6.1). Each stands in the ledger of its own file, whose offset waits
 * for it.
 *
 *     struct joined *j = joined_new();
 *     joined_add(j, part);                   // as parts come: joined_place(j), filled in, or one that was allocated
 *     ledger_take() binds each part to its line …
 *     joined_wait_for(j, saves);             // its calls are not sent before the next save of the checkpoint has ended
 *     joined_begin(j, calls, flags);         // it has ended: so many calls are to be settled, perhaps none
 *     joined_settle(j, CALL_DELIVERED);      // … one of them is
 *     joined_unref(j);                       // whoever held a reference; the last one frees the parts
 *
 * Belongs to the loop's thread. */

struct merge_part {
    struct merge_part *next;         /* of the merged record, in the order of joining */
    struct merge_part *next_in_line; /* the ledger's */
    struct ledger *ledger;           /* a reference, once it is bound; NULL before and when it is settled */
    uint64_t line;                   /* its line there */
    uint64_t offset;
    uint32_t record, nth; /* as in struct mapped_part */
    uint64_t number;
    unsigned ended; /* the record ended with it; not by `until`, which the line itself says */
    bool allocated; /* by itself */
};

struct saves { /* of the checkpoint */
    uint64_t begun, ended;
    uint64_t wanted; /* somebody waits for the end of this one */
};

struct part_block { /* of parts; each is twice as large as the one before it, so that a line costs no allocation */
    struct part_block *next;
    size_t used, count;
    struct merge_part parts[];
};

struct joined {
    unsigned references;
    const struct saves *saves; /* NULL: it waits for none */
    uint64_t save;             /* … for the end of this one */
    uint32_t unsettled;
    unsigned flags; /* enum line_flag */
    struct merge_part *first, *last;
    size_t count;
    unsigned few_used;
    struct merge_part few[2]; /* most are of few lines; then … */
    struct part_block *blocks;
};

enum { JOINED_PART_COST = 2 * sizeof(struct merge_part) + 160 /* its line's entry in the ledger */ };

struct joined *joined_new(void); /* NULL: no memory; one reference */
struct joined *joined_ref(struct joined *j);
void joined_unref(struct joined *j);               /* what was not settled stays so in its ledgers */
struct merge_part *joined_place(struct joined *j); /* for the next part; NULL: no memory */
void joined_add(struct joined *j, struct merge_part *part);
bool joined_spans_files(const struct joined *j);
/* What it was joined from, and where it ended, is not in the checkpoint so far. */
void joined_wait_for(struct joined *j, struct saves *saves);
bool joined_may_go(const struct joined *j);
/* True where all is settled by that. */
bool joined_begin(struct joined *j, uint32_t calls, unsigned flags);
bool joined_settle(struct joined *j, enum call_outcome outcome);

#endif
