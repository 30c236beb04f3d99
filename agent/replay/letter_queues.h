#ifndef RAINGAUGE_LETTER_QUEUES_H
#define RAINGAUGE_LETTER_QUEUES_H

#include "replay/letter_files.h"
#include "replay/letter_intake.h"

/* Brings the letters of the files to the intake so that a destination that takes nothing holds up nobody else: at the
 * first letter of a queue for which there is no room a cursor of its own stays behind, and the main one goes on without
 * that queue until the other has caught up.
 *
 *     letter_queues_init(&q, &files, intake);
 *     each time there may be room: while (letter_queues_step(&q, now, &seen) == LETTERS_STEPPED) …;
 *     letter_queues_release(&q); */
struct letter_queues {
    const struct letter_files *files;
    struct letter_intake *intake;
    struct letter_cursor main;
    struct letter_cursor **held;        /* by queue; NULL: the main one brings its letters */
    size_t turn;                        /* the queue that is looked at first */
    uint64_t bytes_seen, bytes_settled; /* of the lines that were looked at; … that are done with */
};

/* What a step met, to be said. */
struct letter_seen {
    const char *bad;             /* NULL, or why the line is no dead letter */
    struct slice no_destination; /* a letter whose destination is not in the configuration names that; else empty */
    const char *file;
    uint64_t line;
};

enum letter_step {
    LETTERS_STEPPED, /* one line was looked at */
    LETTERS_WAIT,    /* for room */
    LETTERS_WAIT_FOR_MEMORY,
    LETTERS_ALL_TAKEN,
    LETTERS_UNREADABLE, /* *ret_error says it; no more can be had */
};

bool letter_queues_init(struct letter_queues *q, const struct letter_files *files, struct letter_intake *intake)
    __attribute__((warn_unused_result));
void letter_queues_release(struct letter_queues *q);
enum letter_step letter_queues_step(struct letter_queues *q, uint64_t now, struct letter_seen *ret_seen,
                                    struct error *ret_error);

#endif
