/* Pure: no I/O, no clock, no logging, no uv. */
#ifndef RAINGAUGE_VERDICT_H
#define RAINGAUGE_VERDICT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What an answer means for the request it answers (the table of contract 6.7). Whoever sent it does what is said. */

struct retry_policy {
    uint64_t initial_ms, max_ms;
};

/* What is remembered of a request between its tries; all 0 at first. */
struct tries {
    unsigned count;    /* in a row without a 2xx */
    unsigned busy;     /* of these: by the row of 429, 5xx and no answer */
    unsigned answered; /* of these: by an answer, but 429 */
};

struct attempt {
    int status; /* of the answer; 0: none came */
    bool gzip;  /* its body was compressed */
    size_t calls;
    size_t call_bytes;       /* of a single call: its text */
    uint64_t retry_after_ms; /* what the answer asked for; 0: nothing */
    struct tries before;     /* not counting this one */
    bool others_delivered;   /* since it was first sent: halving may find what the server chokes on */
    bool proven;             /* … and in a way that shows it is this call, not a server that went down meanwhile */
};

enum verdict_kind {
    VERDICT_DELIVERED,
    VERDICT_LATER, /* the same again, after wait_ms */
    VERDICT_PAUSE, /* nothing is wrong with the calls: stop uploading, try again after wait_ms */
    VERDICT_HALVE, /* each half by itself, at once */
    VERDICT_CUT,   /* the single call, cut to cut_to bytes */
    VERDICT_DEAD,  /* the single call is given up */
    VERDICT_PLAIN, /* again without compression, and so from then on */
};
enum dead_reason { DEAD_STATUS, DEAD_TOO_LARGE, DEAD_RETRIES };

struct verdict {
    enum verdict_kind kind;
    enum dead_reason reason; /* DEAD */
    bool busy;               /* the server could not do it now: the row of 429 and 5xx, also where it halves or ends */
    uint64_t wait_ms;        /* LATER, PAUSE: a random part of the backoff, and at least what Retry-After says */
    uint64_t hold_ms;        /* Retry-After: no request at all before it is over */
    size_t cut_to;           /* CUT */
    struct tries tries;      /* this one counted */
};

struct verdict verdict_of(const struct retry_policy *policy, const struct attempt *a, uint32_t random);

/* What such an answer says to whoever set up keys, urls and projects; NULL: nothing more than its number. `project`:
 * the request named one. */
const char *verdict_meaning(int status, bool project);

/* Exponential with full jitter: a random time up to initial * 2^(tries - 1), itself at most max. */
uint64_t retry_wait_ms(const struct retry_policy *policy, unsigned tries, uint32_t random);

#endif
