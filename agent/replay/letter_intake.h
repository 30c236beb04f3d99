#ifndef RAINGAUGE_LETTER_INTAKE_H
#define RAINGAUGE_LETTER_INTAKE_H

#include "deliver/dead_letter_read.h"
#include "deliver/delivery.h"
#include "follow/scanner.h"
#include "map/mapper.h"

/* Dead letters, one by one, into delivery: a call just as it is, a kept line through the present rules.
 *
 *     in = letter_intake_new(config, delivery, metrics, host);
 *     letter_intake_take(in, line, now, &why);
 *     letter_intake_free(in); */
struct letter_intake;

struct letter_intake *letter_intake_new(const struct config *config, struct delivery *delivery, struct metrics *metrics,
                                        struct slice host);
void letter_intake_free(struct letter_intake *in);

/* Bytes of further calls that may be taken in now; 0: not now. */
size_t letter_intake_room(const struct letter_intake *in);

enum letter_taken {
    LETTER_TAKEN,
    LETTER_BAD,       /* it is no dead letter, or its destination is none: it was counted, *ret_why says it */
    LETTER_NO_MEMORY, /* nothing of it was taken */
};
enum letter_taken letter_intake_take(struct letter_intake *in, struct slice line, uint64_t now, const char **ret_why)
    __attribute__((warn_unused_result));

#endif
