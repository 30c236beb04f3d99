#include "deliver/group.h"

#include "base/content_hash.h"

#include <assert.h>

enum { IDLE_GROUPS_MOST = 256 };

static struct group **place_of(struct group_table *t, const struct outlet *outlet, struct slice project)
{
    struct group **at = &t->buckets[(content_hash_of(project) + outlet->index) % GROUP_BUCKETS];
    while (*at && !((*at)->outlet == outlet && slice_equal((*at)->project, project)))
        at = &(*at)->in_bucket;
    return at;
}

struct group *group_table_get(struct group_table *t, struct outlet *outlet, struct slice project)
{
    struct group **at = place_of(t, outlet, project);
    if (*at)
        return *at;
    struct group *g = calloc(1, sizeof *g + project.len);
    if (!g)
        return NULL;
    if (project.len)
        memcpy(g + 1, project.text, project.len);
    g->project = slice_of((const char *)(g + 1), project.len);
    g->outlet = outlet;
    for (int e = 0; e < ENDPOINT_COUNT; e++)
        lane_init(&g->lanes[e], g, (enum endpoint)e);
    g->next = t->first;
    t->first = g;
    t->count++;
    return *at = g;
}

static void free_group(struct group *g, struct identify_turns *turns)
{
    for (int e = 0; e < ENDPOINT_COUNT; e++)
        lane_release(&g->lanes[e], turns);
    free(g);
}

bool group_table_tidy(struct group_table *t, struct identify_turns *turns)
{
    size_t before = t->count;
    if (before <= IDLE_GROUPS_MOST)
        return false;
    struct group **at = &t->first;
    while (*at) {
        struct group *g = *at;
        if (g->calls > 0 || g->in_flight > 0 || g->trouble != TROUBLE_NONE) {
            at = &g->next;
            continue;
        }
        *at = g->next;
        *place_of(t, g->outlet, g->project) = g->in_bucket;
        t->count--;
        free_group(g, turns);
    }
    return t->count < before;
}

void group_table_release(struct group_table *t, struct identify_turns *turns)
{
    while (t->first) {
        struct group *next = t->first->next;
        free_group(t->first, turns);
        t->first = next;
    }
    *t = (struct group_table){0};
}

bool group_is_paused(const struct group *g)
{
    return g->trouble == TROUBLE_PAUSED || g->trouble == TROUBLE_ALL_REFUSED;
}

static void set_trouble(struct group *g, enum trouble trouble)
{
    bool was = group_is_paused(g);
    g->trouble = trouble;
    g->outlet->paused += group_is_paused(g);
    g->outlet->paused -= was;
    g->outlet->metrics->paused = g->outlet->paused > 0;
}

void group_recover(struct group *g, bool taken)
{
    if (g->trouble == TROUBLE_ALL_REFUSED && !taken)
        return;
    set_trouble(g, TROUBLE_NONE);
    g->failures = 0;
    g->failed_sends = 0;
    g->not_before = 0;
}

void group_fail(struct group *g, enum trouble trouble, uint64_t send, const struct retry_policy *policy, uint64_t now,
                uint32_t random)
{
    if (trouble > g->trouble)
        set_trouble(g, trouble);
    if (send <= g->failed_sends) /* it was on its way when another failed: the same failure */
        return;
    g->failed_sends = g->sends;
    g->failures++;
    g->not_before = now + retry_wait_ms(policy, g->failures, random);
}

const char *group_meaning(const struct group *g)
{
    if (g->trouble == TROUBLE_ALL_REFUSED)
        return "every call is refused, upload.max_refused of them in a row";
    if (strcmp(g->reason, "no_write_key") == 0)
        return "the write key's file holds none, or cannot be read";
    return g->trouble != TROUBLE_NONE && g->status ? verdict_meaning(g->status, g->project.len > 0) : NULL;
}
