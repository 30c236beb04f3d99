/* A hash table with chains, its users also in one list by use. All memory is there from the start. */
#include "deliver/identify_cache.h"

#include <stdlib.h>

#define NONE UINT32_MAX

struct identify_user {
    uint64_t user, traits;
    bool forgotten;     /* keeps its place, but any traits are news */
    uint32_t in_bucket; /* the next one there */
    uint32_t newer, older;
};

static uint32_t *bucket_of(const struct identify_cache *c, uint64_t user)
{
    return &c->buckets[user % c->most];
}

static uint32_t find(const struct identify_cache *c, uint64_t user)
{
    if (c->most == 0)
        return NONE;
    uint32_t i = *bucket_of(c, user);
    while (i != NONE && c->users[i].user != user)
        i = c->users[i].in_bucket;
    return i;
}

static void unlink_by_use(struct identify_cache *c, uint32_t i)
{
    const struct identify_user *u = &c->users[i];
    *(u->newer != NONE ? &c->users[u->newer].older : &c->newest) = u->older;
    *(u->older != NONE ? &c->users[u->older].newer : &c->oldest) = u->newer;
}

static void link_newest(struct identify_cache *c, uint32_t i)
{
    c->users[i].newer = NONE;
    c->users[i].older = c->newest;
    *(c->newest != NONE ? &c->users[c->newest].newer : &c->oldest) = i;
    c->newest = i;
}

/* A place for one more user: an unused one, or that of the user who was not seen for the longest time. */
static uint32_t take_place(struct identify_cache *c)
{
    if (c->count < c->most)
        return (uint32_t)c->count++;
    uint32_t i = c->oldest;
    unlink_by_use(c, i);
    uint32_t *at = bucket_of(c, c->users[i].user);
    while (*at != i)
        at = &c->users[*at].in_bucket;
    *at = c->users[i].in_bucket;
    return i;
}

bool identify_cache_is_news(struct identify_cache *c, uint64_t user, uint64_t traits)
{
    if (c->most == 0)
        return true;
    uint32_t i = find(c, user);
    bool known = i != NONE && !c->users[i].forgotten && c->users[i].traits == traits;
    if (i != NONE) {
        unlink_by_use(c, i);
    } else {
        i = take_place(c);
        c->users[i].user = user;
        c->users[i].in_bucket = *bucket_of(c, user);
        *bucket_of(c, user) = i;
    }
    c->users[i].traits = traits;
    c->users[i].forgotten = false;
    link_newest(c, i);
    return !known;
}

void identify_cache_forget(struct identify_cache *c, uint64_t user)
{
    uint32_t i = find(c, user);
    if (i != NONE)
        c->users[i].forgotten = true;
}

bool identify_cache_resize(struct identify_cache *c, size_t most)
{
    if (most >= NONE)
        most = NONE - 1;
    if (most == c->most)
        return true;
    struct identify_cache resized = {.most = most, .newest = NONE, .oldest = NONE};
    if (most > 0) {
        resized.users = calloc(most, sizeof *resized.users);
        resized.buckets = malloc(most * sizeof *resized.buckets);
        if (!resized.users || !resized.buckets) {
            identify_cache_release(&resized);
            return false;
        }
        for (size_t i = 0; i < most; i++)
            resized.buckets[i] = NONE;
    }
    for (uint32_t i = c->count ? c->oldest : NONE; i != NONE; i = c->users[i].newer)
        if (!c->users[i].forgotten)
            identify_cache_is_news(&resized, c->users[i].user, c->users[i].traits);
    identify_cache_release(c);
    *c = resized;
    return true;
}

void identify_cache_release(struct identify_cache *c)
{
    free(c->users);
    free(c->buckets);
    *c = (struct identify_cache){0};
}
