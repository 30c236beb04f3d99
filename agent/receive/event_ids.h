#ifndef RAINGAUGE_EVENT_IDS_H
#define RAINGAUGE_EVENT_IDS_H

#include "base/slice.h"

#include <stdint.h>

/* Which event ids were seen, by their hash; up to LIMIT_RECEIVE_EVENT_IDS of them. */
struct event_ids {
    uint64_t *slots; /* 0: free */
    size_t count, cap;
    bool incomplete; /* some were not kept */
};

void event_ids_add(struct event_ids *ids, struct slice id);
/* True also where nobody can tell any more. */
bool event_ids_has(const struct event_ids *ids, struct slice id);
void event_ids_release(struct event_ids *ids);

#endif
