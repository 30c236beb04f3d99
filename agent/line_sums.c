#include "line_sums.h"

void line_sums_say(struct log *log, const char *message, const struct line_sums *now, const struct line_sums *before,
                   const struct log_field *more)
{
    struct log_field fields[OUTCOME_COUNT], last[LINE_SUMS_MORE] = {0}; /* 0 is the end */
    for (int i = 0; more && i < LINE_SUMS_MORE && more[i].type != LOG_FIELD_END; i++)
        last[i] = more[i];
    for (int i = 0; i < OUTCOME_COUNT; i++)
        fields[i] = LOG_UINT(outcome_names[i], now->lines[i] - before->lines[i]);
    log_event(log, LOG_INFO, "", message, LOG_UINT("read", now->read - before->read), fields[0], fields[1], fields[2],
              fields[3], fields[4], fields[5], fields[6], fields[7], LOG_UINT("held", now->held), last[0], last[1],
              last[2], last[3], LOG_END);
}
