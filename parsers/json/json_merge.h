/* Pure: no I/O, no clock, no logging, no uv. */
#ifndef RAINGAUGE_JSON_MERGE_H
#define RAINGAUGE_JSON_MERGE_H

#include "json/value.h"

/* Several JSON values → one (contract 4.6): members are merged deeply, later ones win, arrays are replaced. At the
 * paths of `append` texts and lists are joined to what came before instead; a later null leaves a text or list there as
 * it is. Numbers and strings that are not joined keep their exact text.
 *
 *     struct json_merge m;
 *     json_merge_init(&m, &arena, append, append_count);
 *     json_merge_add(&m, name, &value);         // any number of times; values are borrowed until the arena is reset
 *     json_merge_write(&m, &out);
 *     if (arena.failed) …                       // the ceiling, or no memory
 *
 * The work is linear in the texts, however many members an object has. */

struct json_merge_path {
    const struct slice *names; /* member names, plain, from the value's root (before it is put under a name) */
    size_t count;              /* at least 1 */
};

struct json_merge_node;
struct json_merge {
    struct arena *arena;
    const struct json_merge_path *append;
    size_t append_count;
    struct json_merge_node *root;
};

void json_merge_init(struct json_merge *m, struct arena *arena, const struct json_merge_path *append,
                     size_t append_count);

/* The next value. `name`: put under this name first (plain text); NULL: as it is. The same merge may be continued from
 * what json_merge_write() gave, which is given first with json_merge_begin(): it is taken as it is. */
void json_merge_begin(struct json_merge *m, const struct value *merged);
void json_merge_add(struct json_merge *m, const struct slice *name, const struct value *value);

/* Appends the JSON text; nothing where nothing was added. */
void json_merge_write(const struct json_merge *m, struct buffer *out);

#endif
