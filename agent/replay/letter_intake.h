#ifndef RAINGAUGE_LETTER_INTAKE_H
#define RAINGAUGE_LETTER_INTAKE_H

#include "deliver/dead_letter_read.h"
#include "deliver/delivery.h"
#include "follow/scanner.h"
#include "map/mapper.h"

/* Dead letters, one by one, into delivery: a call just as it is, a kept line through the present rules.
 *
 *     in = letter_intake_new(config, delivery, metrics, host);
 *     letter_intake_look(in, line, &queue, &why);
 *     if (letter_intake_room(in, queue) > 0) letter_intake_take(in, now);   // the letter that was looked at
 *     letter_intake_free(in);
 *
 * Letters are of one *queue* where they may wait for each other: those of one destination; kept lines, whose
 * destinations nobody knows before they are mapped; calls whose destination is no more: these become dead letters
 * again (they are never sent elsewhere). */
struct letter_intake;

struct letter_intake *letter_intake_new(const struct config *config, struct delivery *delivery, struct metrics *metrics,
                                        struct slice host);
void letter_intake_free(struct letter_intake *in);

enum { LETTER_QUEUES_OF_NO_DESTINATION = 2 };
size_t letter_intake_queues(const struct letter_intake *in); /* how many there are */

enum letter_taken {
    LETTER_OK,
    LETTER_BAD,       /* it is no dead letter: *ret_why says it */
    LETTER_NO_MEMORY, /* nothing of it was taken */
};
/* Takes the line apart; it is borrowed until the next look. */
enum letter_taken letter_intake_look(struct letter_intake *in, struct slice line, size_t *ret_queue,
                                     const char **ret_why) __attribute__((warn_unused_result));
/* Bytes of further calls of that queue that may be taken in now; 0: not now. */
size_t letter_intake_room(const struct letter_intake *in, size_t queue);
/* OK, or no memory. *ret_no_destination: the destination's name, where that is not in the configuration; else empty. */
enum letter_taken letter_intake_take(struct letter_intake *in, uint64_t now, struct slice *ret_no_destination)
    __attribute__((warn_unused_result));
void letter_intake_count_bad(struct letter_intake *in); /* a line that is no dead letter, in the sum of 6.1 */

#endif
