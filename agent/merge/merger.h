#ifndef RAINGAUGE_MERGER_H
#define RAINGAUGE_MERGER_H

#include "deliver/joined.h"
#include "map/mapper.h"

/* Records of one input → one (contract 4.6): keeps those that are open, joins what comes, and when one has ended has
 * its rule's calls made of it.
 *
 * Mappers run on worker threads, one file each; a merged record may come from several files. So a mapper only takes the
 * parts out of their lines (struct mapped_part), and they are joined here, on the loop's thread (or the command's), in
 * the order in which chunks are taken in. Nothing here knows of files or of delivery: a line is held by its ledger for
 * each of its parts, until the joined record's calls are settled (deliver/joined.h).
 *
 *     merger_configure(m, config)
 *     mapper_take(…, &chunk);
 *     if (!merger_take(m, &chunk, config, file)) …       // no memory now: the same chunk again, later
 *     … the chunk has the calls of what ended in their places; it is delivered, then
 *     merger_forget(m, &chunk)
 *     while (merger_next(m, &chunk, &config)) …          // what ended otherwise: by time, for room, at the end
 *
 * A record belongs to its first line: that one's rules make its calls, also after a reload, and its id, sample, $meta
 * and $parent are used. Later records join it that a rule of the same name gives for the same input. The texts are kept
 * one behind the other, and folded into one (json_merge.h) when they have grown to twice the last fold, so that a
 * record costs a time linear in what came.
 *
 * What ends a record: `until`, `timeout` after its first, of the time that merger_tick() counts; and, the oldest first,
 * more of them than `max_open` of the rule, or more bytes than the limit. What can go wrong: a record needs more than
 * the ceilings allow: it is `invalid` ("too complex"), as a line is.
 *
 * Parts that come from the checkpoint (mapped_part.number) of an input that is being recovered wait until all of them
 * are there, and are joined in the order in which they once were. */

struct merger;
struct merger *merger_new(enum map_mode mode, struct slice host); /* NULL: no memory */
void merger_free(struct merger *m);
/* Before the first chunk of that configuration. False: no memory, all is as before. `bytes`: the limit. */
bool merger_configure(struct merger *m, const struct config *config, size_t bytes) __attribute__((warn_unused_result));
/* Whether a record is open that was begun under it (it must not be freed). */
bool merger_uses(const struct merger *m, const struct config *config);

void merger_explain(struct merger *m, struct map_explainer explainer); /* of configurations from now on */

/* `file`: how it is called in messages. */
bool merger_take(struct merger *m, struct chunk *chunk, const struct config *config, struct slice file)
    __attribute__((warn_unused_result));
/* The chunk's merged records are settled, or in delivery. */
void merger_forget(struct merger *m, struct chunk *chunk);

/* The calls of what has ended by now are added behind the chunk's; of that configuration. False: no memory now. */
bool merger_add_ended(struct merger *m, struct chunk *chunk, const struct config *config)
    __attribute__((warn_unused_result));
/* Another chunk of what has ended, of one configuration; false where there is none, or no memory now. */
bool merger_next(struct merger *m, struct chunk *chunk, const struct config **ret_config);
bool merger_has_ended(const struct merger *m); /* something waits for merger_next() */

/* So many ms went by; `counts` says of an input, by name, whether it was read to its end meanwhile. Records whose time
 * is over have ended. */
void merger_tick(struct merger *m, uint64_t ms, bool (*counts)(void *context, const char *input), void *context);
uint64_t merger_next_timeout(const struct merger *m); /* ms, if all inputs count; UINT64_MAX: none */
void merger_end_all(struct merger *m);                /* the end of the input */

/* From now on the parts of that input wait, until merger_recovered(). */
bool merger_recover(struct merger *m, const char *input, uint64_t next_number) __attribute__((warn_unused_result));
/* False: no memory, to be called again. */
bool merger_recovered(struct merger *m, const char *input) __attribute__((warn_unused_result));

size_t merger_open(const struct merger *m);  /* records */
size_t merger_bytes(const struct merger *m); /* that they take */

#endif
