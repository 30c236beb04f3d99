#ifndef RAINGAUGE_METRICS_H
#define RAINGAUGE_METRICS_H

#include "config.h"

/* The agent's counters: plain numbers, written by the loop's thread, read by the admin endpoint, the line of sums and
 * the last line of log. Series are found by name once (at load and reload) and then are stable pointers, so that a
 * counter outlives the configuration that began it. */

enum outcome { /* of a line; it counts once, as the first of the contract's 6.1 list that fits */
               OUTCOME_DELIVERED,
               OUTCOME_DROPPED,
               OUTCOME_UNMATCHED,
               OUTCOME_SAMPLED,
               OUTCOME_INVALID,
               OUTCOME_OVERSIZED,
               OUTCOME_REJECTED,
               OUTCOME_DEAD_LETTERED,
               OUTCOME_COUNT
};
extern const char *const outcome_names[OUTCOME_COUNT]; /* "delivered" … "dead_lettered" */

enum loss { LOSS_TRUNCATED, LOSS_DELETED, LOSS_GONE, LOSS_GZIP, LOSS_COUNT };
extern const char *const loss_names[LOSS_COUNT];

enum merge_end { /* what ended a merged record (contract 4.6) */
                 MERGE_GOES_ON,
                 MERGE_UNTIL,
                 MERGE_TIMEOUT,
                 MERGE_MAX_OPEN,
                 MERGE_BUFFER,
                 MERGE_END, /* of the input: --once, map, test */
                 MERGE_END_COUNT
};
extern const char *const merge_end_names[MERGE_END_COUNT]; /* "until" … */

struct line_sums {
    uint64_t read, lines[OUTCOME_COUNT], held;
};

struct input_metrics {
    char *name;
    struct input_metrics *next;
    uint64_t lines_read, bytes_read, lines[OUTCOME_COUNT];
    uint64_t lines_held; /* gauge */
    uint64_t bytes_lost[LOSS_COUNT];
    uint64_t nul_bytes;
    uint64_t files_unreadable, lag_bytes; /* gauges */
    double lag_seconds;
    struct line_sums reported; /* in the last line of sums */
};

struct rule_metrics {
    char *name;
    struct rule_metrics *next;
    uint64_t calls[ENDPOINT_COUNT];
    struct reason_count { /* rejected, by reason: "missing user_id" …; the list is bounded by the fields there are */
        const char *reason;
        uint64_t count;
        struct reason_count *next;
    } * rejected;
    uint64_t filters; /* a bit for each filter that it uses, or did: their series are there from the start */
    uint32_t filter_failures[FILTER_COUNT_MAX];
    uint64_t match_limit_hits;
    bool merges;                            /* … or did, in an earlier configuration */
    uint64_t merges_ended[MERGE_END_COUNT]; /* by how */
};

struct destination_metrics {
    char *name;
    struct destination_metrics *next;
    uint64_t delivered[ENDPOINT_COUNT];
    struct code_count { /* requests by answer code; 0: no answer */
        enum endpoint endpoint;
        int code;
        uint64_t count;
        struct code_count *next;
    } * requests;
    bool paused;
};

enum { DURATION_BUCKETS = 12 };
extern const double duration_bounds[DURATION_BUCKETS]; /* seconds */

struct metrics {
    struct input_metrics *inputs;
    struct rule_metrics *rules;
    struct destination_metrics *destinations;
    uint64_t retries, identify_left_out;
    struct reason_count *dead_letters[ENDPOINT_COUNT]; /* by reason: status_NNN, too_large, retries */
    uint64_t dead_letters_lost;
    uint64_t duration_buckets[DURATION_BUCKETS + 1];
    double duration_sum;
    uint64_t buffer_bytes, buffer_calls; /* gauges */
    uint64_t merges_open;                /* gauge */
    uint64_t files_watched, files_open;  /* gauges */
    uint64_t deleted_held_bytes;         /* gauge */
    int64_t checkpoint_saved_ms;         /* wall clock; 0: never */
    bool reload_failed;
};

struct metrics *metrics_new(void);
void metrics_free(struct metrics *m);

/* The series of that name, made at 0 where it is new. NULL on lack of memory. */
struct input_metrics *metrics_input(struct metrics *m, const char *name);
struct rule_metrics *metrics_rule(struct metrics *m, struct slice name);
struct destination_metrics *metrics_destination(struct metrics *m, const char *name);

void metrics_count_reason(struct reason_count **list, const char *reason, uint64_t by);
void metrics_count_request(struct destination_metrics *d, enum endpoint endpoint, int code, double seconds,
                           struct metrics *m);

/* Sums over all inputs. */
struct line_sums metrics_line_sums(const struct metrics *m);
/* Over all destinations and endpoints. */
uint64_t metrics_calls_delivered(const struct metrics *m);

#endif
