#ifndef RAINGAUGE_BODY_POOL_H
#define RAINGAUGE_BODY_POOL_H

#include "limits.h"

#include <stddef.h>

/* Memory of large bodies that were settled, kept for the next ones: touching fresh pages of the kernel's costs more
 * than all else that is done with a body. Holds LIMIT_SPARE_BODIES at most, and none while nothing is to be delivered.
 *
 *     data = body_pool_take(&pool, data, len, need, &cap);   // a body has outgrown its memory: it moves into a spare
 *     body_pool_give(&pool, data, cap);                // the place of free()
 *     body_pool_release(&pool);                        // gives all of it back; the pool can be used again */

struct body_pool {
    struct spare_body {
        char *data;
        size_t cap;
    } spares[LIMIT_SPARE_BODIES];
    size_t count;
};

/* A spare with room for `need` bytes, the first `len` of `data` copied into it, `data` freed; NULL where there is none:
 * nothing was done. */
char *body_pool_take(struct body_pool *pool, char *data, size_t len, size_t need, size_t *ret_cap);
void body_pool_give(struct body_pool *pool, char *data, size_t cap);
void body_pool_release(struct body_pool *pool);

#endif
