#include "follow/lag.h"

#include <string.h>

static void remove_mark(struct lag *lag, unsigned i)
{
    memmove(&lag->marks[i], &lag->marks[i + 1], (lag->count - i - 1) * sizeof *lag->marks);
    lag->count--;
}

/* The two neighbours that lie closest in time become one. */
static void merge_closest(struct lag *lag)
{
    unsigned best = 0;
    for (unsigned i = 1; i + 1 < lag->count; i++)
        if (lag->marks[i + 1].at - lag->marks[i].at < lag->marks[best + 1].at - lag->marks[best].at)
            best = i;
    lag->marks[best].end = lag->marks[best + 1].end;
    remove_mark(lag, best + 1);
}

void lag_seen(struct lag *lag, uint64_t size, int64_t at)
{
    while (lag->count && lag->marks[lag->count - 1].end > size) /* it was cut */
        lag->count--;
    if (size == 0 || (lag->count && lag->marks[lag->count - 1].end == size))
        return;
    if (lag->count && at < lag->marks[lag->count - 1].at)
        at = lag->marks[lag->count - 1].at;
    if (lag->count == LAG_MARKS)
        merge_closest(lag);
    lag->marks[lag->count++] = (struct lag_mark){.end = size, .at = at};
}

uint64_t lag_age(struct lag *lag, uint64_t committed, uint64_t now)
{
    /* The last mark stays though all of it is delivered: the size it speaks of need not be noted again. */
    while (lag->count > 1 && lag->marks[0].end <= committed)
        remove_mark(lag, 0);
    if (lag->count == 0 || lag->marks[0].end <= committed)
        return 0;
    int64_t age = (int64_t)now - lag->marks[0].at;
    return age > 0 ? (uint64_t)age : 0;
}
