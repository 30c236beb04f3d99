#ifndef RAINGAUGE_DEAD_LETTERS_H
#define RAINGAUGE_DEAD_LETTERS_H

#include "deliver/delivery.h"

#include <uv.h>

/* The dead-letter file, state_dir/dead-letter.jsonl (contract 6.8): calls that were given up and lines that are kept
 * are appended and synced, on a worker; only then are their lines settled.
 *
 *     dl = dead_letters_new(loop, state_dir, delivery, metrics, log);
 *     dead_letters_configure(dl, config);                                  // at first, and at a reload
 *     each turn: dead_letters_write_waiting(dl, now);
 *     dead_letters_free(dl);                                               // when dead_letters_is_idle()
 *
 * At dead_letter.max_bytes the file is renamed to dead-letter.jsonl.1 and begun anew; what was there under that name is
 * lost, counted, and reported. Others may append too (`replay`): each holds the file's lock while it writes. */
struct dead_letters;

struct dead_letters *dead_letters_new(uv_loop_t *loop, const char *state_dir, struct delivery *delivery,
                                      struct metrics *metrics, struct log *log);
void dead_letters_free(struct dead_letters *dl);
void dead_letters_configure(struct dead_letters *dl, const struct config *config);

void dead_letters_write_waiting(struct dead_letters *dl, uint64_t now);
uint64_t
dead_letters_deadline(const struct dead_letters *dl); /* the next try, or look for old ones; UINT64_MAX: none */
const char *dead_letters_trouble(const struct dead_letters *dl); /* why they cannot be written; NULL: they can */
bool dead_letters_is_idle(const struct dead_letters *dl);        /* nothing is being written */

#endif
