#include "admin/history.h"

#include <inttypes.h>

static bool is_failure(int code)
{
    return code < 200 || code > 299;
}

struct history_point history_sums(const struct metrics *m)
{
    struct history_point sums = {.lines = metrics_line_sums(m).read};
    for (const struct destination_metrics *d = m->destinations; d; d = d->next) {
        for (int e = 0; e < ENDPOINT_COUNT; e++)
            sums.delivered += d->delivered[e];
        for (const struct code_count *c = d->requests; c; c = c->next)
            sums.failed += is_failure(c->code) ? c->count : 0;
    }
    for (int e = 0; e < ENDPOINT_COUNT; e++)
        for (const struct reason_count *c = m->dead_letters[e]; c; c = c->next)
            sums.dead += c->count;
    return sums;
}

void history_step(struct history *h, const struct metrics *m)
{
    const struct history_point now = history_sums(m), before = h->sums;
    h->points[h->count++ % HISTORY_POINTS] = (struct history_point){
        .lines = now.lines - before.lines,
        .delivered = now.delivered - before.delivered,
        .failed = now.failed - before.failed,
        .dead = now.dead - before.dead,
    };
    h->sums = now;
}

void history_write(const struct history *h, struct buffer *out)
{
    uint64_t first = h->count > HISTORY_POINTS ? h->count - HISTORY_POINTS : 0;
    buffer_add_char(out, '[');
    for (uint64_t i = first; i < h->count; i++) {
        const struct history_point *p = &h->points[i % HISTORY_POINTS];
        buffer_printf(out, "%s[%" PRIu64 ",%" PRIu64 ",%" PRIu64 ",%" PRIu64 "]", i > first ? "," : "", p->lines,
                      p->delivered, p->failed, p->dead);
    }
    buffer_add_char(out, ']');
}
