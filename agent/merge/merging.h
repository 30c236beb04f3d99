#ifndef RAINGAUGE_MERGING_H
#define RAINGAUGE_MERGING_H

#include "deliver/delivery.h"
#include "follow/tailer.h"

/* The agent's merged records (contract 4.6): between the tailer and delivery. What is joined, and when, is merger.h's;
 * here it is known which files an input has, how far they are read, and what the checkpoint says.
 *
 * The happy path: the tailer gives each chunk to merging_take(), which joins its parts and hands the chunk on to
 * delivery, with the calls of what ended; each turn merging_turn() lets time go by for the inputs that are read to
 * their end, and delivers what has ended by that, or for lack of room.
 *
 * After a restart: a file's entry names the lines that are not settled (map/resume.h), and those alone are read again;
 * until that is done for all files of an input, its parts wait in the merger, and nothing new of it is read, so that
 * what was joined is joined again in the same order, with the same id, and ends at the same record.
 *
 * A stop ends no record: its lines are unsettled, and named. `--once` ends all at the end of its input.
 *
 * What can go wrong: no memory: the tailer keeps the chunk and gives it again; what ended waits. */

struct merging;
struct merging *merging_new(const struct config *config, struct delivery *delivery, struct metrics *metrics,
                            struct log *log, struct slice host); /* NULL: no memory */
void merging_free(struct merging *m);
/* A reload. Records go on under the rules of their first line; their configuration stays until merging_uses() is
 * false. */
bool merging_configure(struct merging *m, const struct config *config) __attribute__((warn_unused_result));
bool merging_uses(const struct merging *m, const struct config *config);

/* Parts in the checkpoint: before the first chunk, once it is read. False: no memory. */
bool merging_recover(struct merging *m, const struct file_table *files) __attribute__((warn_unused_result));

/* For tailer_options. */
bool merging_take(void *merging, struct ledger *l, struct chunk *chunk, const struct config *config, struct slice file,
                  uint64_t now) __attribute__((warn_unused_result));

struct merging_teller { /* told of each chunk that merging_turn() delivers; NULL: nobody */
    void (*told)(void *context, const struct chunk *chunk, const struct config *config, struct slice file);
    void *context;
};
/* `at_end`: there will be no more input. */
void merging_turn(struct merging *m, struct tailer *tailer, bool at_end, struct merging_teller teller, uint64_t now);
uint64_t merging_deadline(const struct merging *m, uint64_t now);
bool merging_is_done(const struct merging *m); /* nothing is open, nothing waits */

#endif
