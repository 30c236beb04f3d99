#ifndef RAINGAUGE_DEAD_LETTER_H
#define RAINGAUGE_DEAD_LETTER_H

#include "deliver/group.h"

/* A call that was given up, or the text of a line that is kept (contract 6.8), on its way to the dead-letter file.
 * Until it is there its line is not settled. */
struct dead_letter {
    struct dead_letter *next;
    bool handed_out;
    size_t cost;
    struct batch *batch; /* the call, alone; NULL: a kept line, or a call that was never sent */
    bool is_call;
    int status;
    char metric[16];        /* "status_400", "too_large", "retries" */
    struct ledger *kept_in; /* a reference */
    struct joined *joined;  /* a reference: what is kept is a merged record; else NULL */
    uint64_t line, offset;
    const char *outcome, *why; /* of a kept line; static */
    struct slice text;         /* behind the struct: the answer's beginning; the kept line; of a call that was never
                                * sent all of the letter behind its time */
    struct slice time, stream; /* of a kept line: what its envelope said; */
    struct slice rule;         /* … what had merged it */
};

/* Takes over the batch, which has one call. NULL on lack of memory. */
struct dead_letter *dead_letter_of_call(struct batch *b, enum dead_reason reason, int status, struct slice answer);
struct dead_letter *dead_letter_of_line(struct ledger *l, uint64_t line, struct joined *joined,
                                        const struct chunk *chunk, const struct map_note *note);
struct dead_letter *dead_letter_never_sent(struct ledger *l, uint64_t line, struct slice text);
void dead_letter_free(struct dead_letter *letter);

/* The time as dead letters say it: of equal length, so that texts compare as times do. */
enum { DEAD_LETTER_TIME_LEN = 24 };
void dead_letter_time(int64_t wall_ms, char ret_text[DEAD_LETTER_TIME_LEN + 1]);

/* A member behind others; left out where the text is empty. */
void dead_letter_write_text(struct buffer *out, const char *name, struct slice text);

/* What is to be settled, as a call has it. */
struct call dead_letter_call(const struct dead_letter *letter);

#endif
