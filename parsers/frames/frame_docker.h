/* Pure: no I/O, no clock, no logging, no uv. */
#ifndef RAINGAUGE_FRAME_DOCKER_H
#define RAINGAUGE_FRAME_DOCKER_H

#include "frames/envelope.h"

/* Docker's json-file driver: {"log":"what was written\n","stream":"stdout","time":"2026-01-02T03:04:05.678901234Z"}.
 * A `log` that does not end in a newline is a part: more of the line comes. Only `log` must be there. */
enum unwrap_result frame_docker_read(struct arena *arena, struct slice line, struct frame *ret_frame)
    __attribute__((warn_unused_result));

/* Whether the line, if it is one, was written by Docker rather than by an application that has a member `log`, too:
 * it begins and ends as Docker's do. */
bool frame_docker_looks_likely(struct slice line);

#endif
