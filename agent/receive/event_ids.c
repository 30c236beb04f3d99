#include "receive/event_ids.h"

#include "base/content_hash.h"
#include "limits.h"

#include <stdlib.h>

enum { FIRST_CAP = 1024 };

static uint64_t hash_of(struct slice id)
{
    uint64_t hash = content_hash_of(id);
    return hash ? hash : 1;
}

/* The slot that holds the hash, or the free one where it belongs. */
static uint64_t *slot_of(uint64_t *slots, size_t cap, uint64_t hash)
{
    size_t at = (size_t)hash & (cap - 1);
    while (slots[at] && slots[at] != hash)
        at = (at + 1) & (cap - 1);
    return &slots[at];
}

static bool grow(struct event_ids *ids)
{
    size_t cap = ids->cap ? ids->cap * 2 : FIRST_CAP;
    uint64_t *slots = ids->count < LIMIT_RECEIVE_EVENT_IDS ? calloc(cap, sizeof *slots) : NULL;
    if (!slots)
        return false;
    for (size_t i = 0; i < ids->cap; i++) {
        if (ids->slots[i])
            *slot_of(slots, cap, ids->slots[i]) = ids->slots[i];
    }
    free(ids->slots);
    ids->slots = slots;
    ids->cap = cap;
    return true;
}

void event_ids_add(struct event_ids *ids, struct slice id)
{
    if (event_ids_has(ids, id))
        return;
    if (ids->count * 2 >= ids->cap && !grow(ids)) {
        ids->incomplete = true;
        return;
    }
    uint64_t *slot = slot_of(ids->slots, ids->cap, hash_of(id));
    ids->count += *slot == 0;
    *slot = hash_of(id);
}

bool event_ids_has(const struct event_ids *ids, struct slice id)
{
    return ids->incomplete || (ids->cap && *slot_of(ids->slots, ids->cap, hash_of(id)) != 0);
}

void event_ids_release(struct event_ids *ids)
{
    free(ids->slots);
    *ids = (struct event_ids){0};
}
