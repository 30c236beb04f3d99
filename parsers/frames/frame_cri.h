/* Pure: no I/O, no clock, no logging, no uv. */
#ifndef RAINGAUGE_FRAME_CRI_H
#define RAINGAUGE_FRAME_CRI_H

#include "frames/envelope.h"

/* Kubernetes' container runtimes: `2026-01-02T03:04:05.678901234Z stdout F what was written`. The third word is a list
 * of tags separated by colons, the first of which is F (full) or P (a part: more of the line comes). False: the line
 * has not that form. */
bool frame_cri_read(struct slice line, struct frame *ret_frame) __attribute__((warn_unused_result));

#endif
