#include "admin/metrics.h"

const char *const outcome_names[OUTCOME_COUNT] = {
    [OUTCOME_DELIVERED] = "delivered", [OUTCOME_DROPPED] = "dropped",
    [OUTCOME_UNMATCHED] = "unmatched", [OUTCOME_SAMPLED] = "sampled",
    [OUTCOME_INVALID] = "invalid",     [OUTCOME_OVERSIZED] = "oversized",
    [OUTCOME_REJECTED] = "rejected",   [OUTCOME_DEAD_LETTERED] = "dead_lettered",
};

const char *const loss_names[LOSS_COUNT] = {
    [LOSS_TRUNCATED] = "truncated", [LOSS_DELETED] = "deleted", [LOSS_GONE] = "gone", [LOSS_GZIP] = "gzip"};

const char *const merge_end_names[MERGE_END_COUNT] = {
    [MERGE_GOES_ON] = "",          [MERGE_UNTIL] = "until",   [MERGE_TIMEOUT] = "timeout",
    [MERGE_MAX_OPEN] = "max_open", [MERGE_BUFFER] = "buffer", [MERGE_END] = "end",
};

const double duration_bounds[DURATION_BUCKETS] = {0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30};

struct metrics *metrics_new(void)
{
    return calloc(1, sizeof(struct metrics));
}

static void free_reasons(struct reason_count *list)
{
    while (list) {
        struct reason_count *next = list->next;
        free(list);
        list = next;
    }
}

void metrics_free(struct metrics *m)
{
    if (!m)
        return;
    for (struct input_metrics *i = m->inputs, *next; i; i = next) {
        next = i->next;
        free(i->name);
        free(i);
    }
    for (struct rule_metrics *r = m->rules, *next; r; r = next) {
        next = r->next;
        free_reasons(r->rejected);
        free(r->name);
        free(r);
    }
    for (struct destination_metrics *d = m->destinations, *next; d; d = next) {
        next = d->next;
        for (struct code_count *c = d->requests, *next_code; c; c = next_code) {
            next_code = c->next;
            free(c);
        }
        free(d->name);
        free(d);
    }
    for (size_t i = 0; i < ENDPOINT_COUNT; i++)
        free_reasons(m->dead_letters[i]);
    free(m);
}

/* A series is made at the end of its list, so that they are told in the configuration's order. */

struct input_metrics *metrics_input(struct metrics *m, const char *name)
{
    struct input_metrics **at = &m->inputs;
    while (*at && strcmp((*at)->name, name) != 0)
        at = &(*at)->next;
    if (*at)
        return *at;
    struct input_metrics *made = calloc(1, sizeof *made);
    if (!made || !(made->name = strdup(name))) {
        free(made);
        return NULL;
    }
    return *at = made;
}

struct rule_metrics *metrics_rule(struct metrics *m, struct slice name)
{
    struct rule_metrics **at = &m->rules;
    while (*at && !slice_is(name, (*at)->name))
        at = &(*at)->next;
    if (*at)
        return *at;
    struct rule_metrics *made = calloc(1, sizeof *made);
    if (!made || !(made->name = strndup(name.text, name.len))) {
        free(made);
        return NULL;
    }
    return *at = made;
}

struct destination_metrics *metrics_destination(struct metrics *m, const char *name)
{
    struct destination_metrics **at = &m->destinations;
    while (*at && strcmp((*at)->name, name) != 0)
        at = &(*at)->next;
    if (*at)
        return *at;
    struct destination_metrics *made = calloc(1, sizeof *made);
    if (!made || !(made->name = strdup(name))) {
        free(made);
        return NULL;
    }
    return *at = made;
}

void metrics_count_reason(struct reason_count **list, const char *reason, uint64_t by)
{
    while (*list && strcmp((*list)->reason, reason) != 0)
        list = &(*list)->next;
    if (!*list) {
        size_t size = strlen(reason) + 1;
        struct reason_count *made = calloc(1, sizeof *made + size); /* the reason's text right behind it */
        if (!made)
            return;
        made->reason = memcpy(made + 1, reason, size);
        *list = made;
    }
    (*list)->count += by;
}

void metrics_count_request(struct destination_metrics *d, enum endpoint endpoint, int code, double seconds,
                           struct metrics *m)
{
    struct code_count **at = &d->requests;
    while (*at && !((*at)->endpoint == endpoint && (*at)->code == code))
        at = &(*at)->next;
    if (!*at) {
        *at = calloc(1, sizeof **at);
        if (*at)
            **at = (struct code_count){.endpoint = endpoint, .code = code};
    }
    if (*at)
        (*at)->count++;

    size_t bucket = 0;
    while (bucket < DURATION_BUCKETS && seconds > duration_bounds[bucket])
        bucket++;
    m->duration_buckets[bucket]++;
    m->duration_sum += seconds;
}

struct line_sums metrics_line_sums(const struct metrics *m)
{
    struct line_sums sums = {0};
    for (const struct input_metrics *i = m->inputs; i; i = i->next) {
        sums.read += i->lines_read;
        sums.held += i->lines_held;
        for (size_t o = 0; o < OUTCOME_COUNT; o++)
            sums.lines[o] += i->lines[o];
    }
    return sums;
}

uint64_t metrics_calls_delivered(const struct metrics *m)
{
    uint64_t calls = 0;
    for (const struct destination_metrics *d = m->destinations; d; d = d->next) {
        for (int e = 0; e < ENDPOINT_COUNT; e++)
            calls += d->delivered[e];
    }
    return calls;
}
