#include "deliver/body_pool.h"

#include <stdlib.h>
#include <string.h>

enum { BODY_LARGE = 32 * 1024 }; /* smaller ones are malloc's business */

char *body_pool_take(struct body_pool *pool, char *data, size_t len, size_t need, size_t *ret_cap)
{
    if (need < BODY_LARGE)
        return NULL;
    for (size_t i = pool->count; i-- > 0;) {
        struct spare_body spare = pool->spares[i];
        if (spare.cap < need)
            continue;
        pool->spares[i] = pool->spares[--pool->count];
        if (len)
            memcpy(spare.data, data, len);
        free(data);
        *ret_cap = spare.cap;
        return spare.data;
    }
    return NULL;
}

static struct spare_body *smallest(struct body_pool *pool)
{
    struct spare_body *found = &pool->spares[0];
    for (size_t i = 1; i < pool->count; i++) {
        if (pool->spares[i].cap < found->cap)
            found = &pool->spares[i];
    }
    return found;
}

/* Where there are enough the smallest goes: it may be too small for every body that is still to come. */
void body_pool_give(struct body_pool *pool, char *data, size_t cap)
{
    struct spare_body given = {data, cap};
    if (cap >= BODY_LARGE && pool->count < LIMIT_SPARE_BODIES) {
        pool->spares[pool->count++] = given;
        return;
    }
    struct spare_body *less = cap >= BODY_LARGE ? smallest(pool) : NULL;
    if (less && less->cap < cap) {
        free(less->data);
        *less = given;
    } else {
        free(data);
    }
}

void body_pool_release(struct body_pool *pool)
{
    while (pool->count)
        free(pool->spares[--pool->count].data);
}
