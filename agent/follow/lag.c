#include "follow/lag.h"

#include <stdlib.h>

static struct lag_mark *mark(struct lag *lag, unsigned i)
{
    return i == 0 ? &lag->first : &lag->more[i - 1];
}

static struct lag_mark *last_mark(struct lag *lag)
{
    return mark(lag, lag->count - 1);
}

static void set_count(struct lag *lag, unsigned count)
{
    lag->count = count;
    if (count > 1)
        return;
    free(lag->more);
    lag->more = NULL;
}

static void remove_mark(struct lag *lag, unsigned i)
{
    for (; i + 1 < lag->count; i++)
        *mark(lag, i) = *mark(lag, i + 1);
    set_count(lag, lag->count - 1);
}

/* The two neighbours that lie closest in time become one. */
static void merge_closest(struct lag *lag)
{
    unsigned best = 0;
    for (unsigned i = 1; i + 1 < lag->count; i++)
        if (mark(lag, i + 1)->at - mark(lag, i)->at < mark(lag, best + 1)->at - mark(lag, best)->at)
            best = i;
    mark(lag, best)->end = mark(lag, best + 1)->end;
    remove_mark(lag, best + 1);
}

static bool make_room(struct lag *lag)
{
    if (lag->count == LAG_MARKS)
        merge_closest(lag);
    if (lag->count && !lag->more)
        lag->more = calloc(LAG_MARKS - 1, sizeof *lag->more);
    return !lag->count || lag->more;
}

void lag_seen(struct lag *lag, uint64_t size, int64_t at)
{
    while (lag->count && last_mark(lag)->end > size) /* it was cut */
        set_count(lag, lag->count - 1);
    if (size == 0 || (lag->count && last_mark(lag)->end == size))
        return;
    if (lag->count && at < last_mark(lag)->at)
        at = last_mark(lag)->at;
    if (!make_room(lag)) {
        last_mark(lag)->end = size;
        return;
    }
    lag->count++;
    *last_mark(lag) = (struct lag_mark){.end = size, .at = at};
}

uint64_t lag_age(struct lag *lag, uint64_t committed, uint64_t now)
{
    /* The last mark stays though all of it is delivered: the size it speaks of need not be noted again. */
    while (lag->count > 1 && lag->first.end <= committed)
        remove_mark(lag, 0);
    if (lag->count == 0 || lag->first.end <= committed)
        return 0;
    int64_t age = (int64_t)now - lag->first.at;
    return age > 0 ? (uint64_t)age : 0;
}

void lag_release(struct lag *lag)
{
    set_count(lag, 0);
}
