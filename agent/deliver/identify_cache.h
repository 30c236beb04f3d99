#ifndef RAINGAUGE_IDENTIFY_CACHE_H
#define RAINGAUGE_IDENTIFY_CACHE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The traits that each user's last identify call had, of the users that were seen last: a call that says the same is
 * left out (contract 4.7). Users and traits are told by their hashes.
 *
 *     if (!identify_cache_is_news(&cache, user, traits)) …      // left out; else remembered from now on */
struct identify_cache {
    size_t most; /* users; 0: nothing is remembered, everything is news */
    size_t count;
    struct identify_user *users; /* `most` of them, so that nothing can fail later */
    uint32_t *buckets;
    uint32_t newest, oldest;
};

/* Sets it to that many users; of those that are there the newest stay. False on lack of memory: it is as it was. */
bool identify_cache_resize(struct identify_cache *c, size_t most) __attribute__((warn_unused_result));
void identify_cache_release(struct identify_cache *c);

bool identify_cache_is_news(struct identify_cache *c, uint64_t user, uint64_t traits);
void identify_cache_forget(struct identify_cache *c, uint64_t user); /* the next one is news, whatever it says */

#endif
