#ifndef RAINGAUGE_GROUP_H
#define RAINGAUGE_GROUP_H

#include "deliver/lane.h"

/* What the calls of one destination and project share: the order between events and signals, and what the server's
 * answers ask for. A failure slows a group down: one request at a time, not before `not_before`, until one is taken. */

/* A destination, by its name: what its groups share. Lives as long as delivery. */
struct outlet {
    struct outlet *next;
    char *name;
    char *url; /* of the configuration: holds no password */
    unsigned index;
    struct destination_metrics *metrics;
    size_t bytes; /* of the buffer */
    unsigned in_flight;
    unsigned paused; /* groups of it */
    double rate_at;  /* no request before this, with rate_limit */
};

enum trouble {
    TROUBLE_NONE,
    TROUBLE_FAILING,     /* no answer, 429, 5xx … */
    TROUBLE_PAUSED,      /* 401, 403, 3xx …: uploading pauses */
    TROUBLE_ALL_REFUSED, /* every call is refused: nothing more is given up */
};

struct group {
    struct group *next, *in_bucket;
    struct outlet *outlet;
    struct slice project; /* the text lies behind the struct; empty: none */
    struct lane lanes[ENDPOINT_COUNT];
    size_t calls; /* unsettled */
    unsigned in_flight;
    bool plain; /* the server takes no gzip */

    enum trouble trouble;
    char reason[64];     /* "status 401", "all_refused", "connection refused" … */
    int status;          /* of the answer that it is for; 0: none */
    unsigned failures;   /* in a row */
    uint64_t not_before; /* the next try */
    uint64_t hold_until; /* Retry-After: whatever else is taken meanwhile */
    uint64_t said_at;    /* the last loud error */
    uint64_t refused_in_row;

    uint64_t sends;         /* requests so far */
    uint64_t failed_sends;  /* of these: up to the last failure */
    uint64_t taken_sends;   /* … up to the last one that was taken */
    uint64_t taken_batches; /* how many were taken */
    size_t dead_events;     /* of its events, dead letters that are not yet on disk */
    unsigned next_lane;     /* turns */
};

enum { GROUP_BUCKETS = 256 };
struct group_table {
    struct group *first; /* all of them */
    size_t count;
    struct group *buckets[GROUP_BUCKETS];
};

/* Finds or makes it. NULL on lack of memory. */
struct group *group_table_get(struct group_table *t, struct outlet *outlet, struct slice project);
/* Frees those that have nothing to remember, if there are many (a project's name may come from a log line). Whether it
 * did. */
bool group_table_tidy(struct group_table *t, struct identify_turns *turns);
void group_table_release(struct group_table *t, struct identify_turns *turns);

bool group_is_paused(const struct group *g);
const char *group_meaning(const struct group *g); /* of its trouble, in words; NULL: the reason says it */

/* An answer came that is no failure: trouble is over (`taken`: a 2xx, which ends TROUBLE_ALL_REFUSED too). */
void group_recover(struct group *g, bool taken);
/* The request that was `send` failed: that often in a row, the next try after policy's backoff. */
void group_fail(struct group *g, enum trouble trouble, uint64_t send, const struct retry_policy *policy, uint64_t now,
                uint32_t random);

#endif
