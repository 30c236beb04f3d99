/* Pure: no I/O, no clock, no logging, no uv. */
#ifndef RAINGAUGE_INFLATE_H
#define RAINGAUGE_INFLATE_H

#include "base/slice.h"

#include <stdint.h>

/* A gzip file's bytes → its content, as much at a time as there is room for: what a file of any ratio costs in memory
 * is its state (about 40 KiB).
 *
 *     f = inflater_new();
 *     do
 *         status = inflater_run(f, &in, out, room, &written);       // moves `in` behind what was taken
 *     while (status == INFLATE_GOES_ON && …);                       // give it more input, or more room
 *     inflater_free(f);
 *
 * A file may hold several members, one behind the other; their contents are one. Zero bytes behind a member are padding
 * (as of a tape's block); what else stands there is damage. What was written before damage was found is good but for
 * the checks at the member's end (length, CRC-32), which may still say otherwise. */

enum inflate_status {
    INFLATE_GOES_ON, /* within a member */
    INFLATE_WHOLE,   /* behind one (or nothing was there yet): a file may end here */
    INFLATE_DAMAGED, /* and so it stays */
    INFLATE_NO_MEMORY,
};

struct inflater;
struct inflater *inflater_new(void); /* NULL: no memory */
void inflater_free(struct inflater *f);

enum inflate_status inflater_run(struct inflater *f, struct slice *in, char *out, size_t room, size_t *ret_written)
    __attribute__((warn_unused_result));
uint64_t inflater_offset(const struct inflater *f); /* in the content: how much was written so far */

/* Whether a file that begins so is a gzip file. */
bool inflate_is_gzip(struct slice start);

#endif
