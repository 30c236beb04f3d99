/* Pure: no I/O, no clock, no logging, no uv. */
#ifndef RAINGAUGE_ENVELOPE_H
#define RAINGAUGE_ENVELOPE_H

#include "base/arena.h"

#include <stdbool.h>

/* What a container runtime wraps around each line an application writes. A long line comes in parts, each a line of the
 * file; parts of stdout and stderr stand mixed in one file, so each stream is a lane of its own. */
enum envelope_kind { ENVELOPE_NONE, ENVELOPE_CRI, ENVELOPE_DOCKER, ENVELOPE_AUTO };

enum { FRAME_LANES = 2 }; /* stderr is lane 1; stdout, and what has no stream, lane 0 */

struct frame {
    struct slice text; /* what the application wrote, without its newline */
    struct slice time, stream;
    unsigned lane;
    bool partial; /* the line goes on in a later frame of its lane */
    bool bare;    /* there was no envelope */
};

static inline unsigned frame_lane_of(struct slice stream)
{
    return slice_equal(stream, SLICE("stderr"));
}

enum unwrap_result {
    UNWRAP_OK,
    UNWRAP_NOT_ONE, /* the line has not that form */
    UNWRAP_NO_MEMORY
};

/* Takes the envelope off a line. With ENVELOPE_AUTO each line decides for itself, and one without an envelope is its
 * own text. Texts are borrowed from the line or live in the arena; `ret_frame` is untouched but for UNWRAP_OK. */
enum unwrap_result envelope_take_off(enum envelope_kind envelope, struct arena *arena, struct slice line,
                                     struct frame *ret_frame) __attribute__((warn_unused_result));

#endif
