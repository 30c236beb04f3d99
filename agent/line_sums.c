#include "line_sums.h"

void line_sums_say(struct log *log, const char *message, const struct line_sums *now, const struct line_sums *before)
{
    struct log_field fields[OUTCOME_COUNT];
    for (int i = 0; i < OUTCOME_COUNT; i++)
        fields[i] = LOG_UINT(outcome_names[i], now->lines[i] - before->lines[i]);
    log_event(log, LOG_INFO, "", message, LOG_UINT("read", now->read - before->read), fields[0], fields[1], fields[2],
              fields[3], fields[4], fields[5], fields[6], fields[7], LOG_UINT("held", now->held), LOG_END);
}
