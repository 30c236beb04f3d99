/* A bed to test following in: a directory, a loop that does at the end of each turn what the agent does, a mapper and a
 * delivery of the test's own (see bed_sink.c), and a checkpoint in memory that survives bed_stop(). */
#ifndef RAINGAUGE_TEST_FOLLOW_BED_H
#define RAINGAUGE_TEST_FOLLOW_BED_H

#include "follow/read_queue.h"
#include "follow/tailer.h"
#include "follow/watcher.h"
#include "support/temp_dir.h"

/* A line that delivery took. */
struct sunk_line {
    char *file, *text;
    uint64_t offset;
    struct file_id id;
    struct ledger *ledger; /* while it is not settled */
    uint64_t number;       /* in the ledger */
};

struct delivery { /* the test's own */
    struct sunk_line *lines;
    size_t count, cap;
    size_t settled; /* lines before this one are settled, where nothing holds them up */
    bool hold;      /* settle nothing */
    size_t room;
    bool refuse;  /* delivery_take() fails */
    size_t takes; /* … and did not, so often */
};
void sink_settle(struct delivery *d); /* all that may be */
void sink_forget(struct delivery *d); /* the process is gone: what was not settled was not delivered */
size_t sink_count(const struct delivery *d, const char *text); /* how often that line came */

/* Told by each mapper, on its worker, when it begins and when it is done; may wait. *budget may be made less. */
struct mapping_watch {
    void (*on_begin)(void *context, uint64_t offset, size_t *budget); /* NULL: nobody watches */
    void (*on_end)(void *context, uint64_t offset);
    void *context;
};
extern struct mapping_watch mapping_watch;

struct bed {
    struct temp_dir dir;
    uv_loop_t loop;
    uv_prepare_t turn_end;
    uv_timer_t timer;
    const char *input; /* further keys of the input, YAML */
    bool merging;      /* a rule joins its records, so that the order of files matters */
    struct diagnostics *diagnostics;
    struct config *config;
    struct scan_rules *rules;
    struct metrics *metrics;
    struct log *log;
    int log_fd;
    struct file_table *table;
    struct watcher *watcher;
    struct tailer *tailer;
    struct tailer_options options;
    struct delivery sink;
    struct buffer journal; /* the checkpoint */
    uint64_t devices_move; /* by so much are device numbers others at the next start */
    bool no_save, hurry;
    uint64_t skew;   /* of the clock */
    uint64_t frozen; /* it stands still at this time of the loop; 0: it runs */
    bool running, started_once;
    int stopping;
};

void bed_make(struct bed *b, const char *input);         /* "paths: [\"*.log\"]" where NULL */
void bed_make_merging(struct bed *b, const char *input); /* … with a rule that merges, and matches nothing */
void bed_start(struct bed *b);                           /* from the checkpoint */
void bed_stop(struct bed *b);                            /* what is not settled is forgotten */
void bed_remove(struct bed *b);                          /* stops; fails if a handle is left */

const char *bed_path(struct bed *b, const char *name);
void bed_append(struct bed *b, const char *name, const char *text);
void bed_truncate(struct bed *b, const char *name, size_t size);
void bed_rename(struct bed *b, const char *from, const char *to);
void bed_copy(struct bed *b, const char *from, const char *to);
void bed_delete(struct bed *b, const char *name);

/* Turns the loop until the condition holds; fails after some seconds. */
#define turn_until(b, condition)                                                                                       \
    do {                                                                                                               \
        uint64_t give_up_at = bed_give_up_at();                                                                        \
        while (!(condition))                                                                                           \
            bed_turn((b), give_up_at, #condition, __FILE__, __LINE__);                                                 \
    } while (0)
uint64_t bed_give_up_at(void);
void bed_turn(struct bed *b, uint64_t give_up_at, const char *what, const char *file, int line);

void bed_settle_down(struct bed *b);       /* until a walk has found nothing new and all that can be read has been */
void bed_pass(struct bed *b, uint64_t ms); /* the clock moves */

#endif
