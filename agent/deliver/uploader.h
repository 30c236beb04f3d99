#ifndef RAINGAUGE_UPLOADER_H
#define RAINGAUGE_UPLOADER_H

#include "deliver/transport.h"

#include <uv.h>

/* Sends what delivery lets go, one POST for each batch, and brings the answers back.
 *
 *     u = uploader_new(loop, delivery, transport, log);
 *     if (!uploader_configure(u, config)) …               // at first, and at a reload
 *     each turn: uploader_send_waiting(u, now);
 *     uploader_cancel_all(u);                              // stopping: nothing is settled by that
 *     uploader_free(u);                                    // nothing may be in flight */
struct uploader;

struct uploader *uploader_new(uv_loop_t *loop, struct delivery *delivery, struct transport *transport, struct log *log);
void uploader_free(struct uploader *u);

/* Where the destinations are now and with what key. Requests under way are not touched; a destination that is no longer
 * there is kept for the calls it still has. False on lack of memory: all is as it was. */
bool uploader_configure(struct uploader *u, const struct config *config) __attribute__((warn_unused_result));

void uploader_send_waiting(struct uploader *u, uint64_t now);
void uploader_cancel_all(struct uploader *u);
unsigned uploader_in_flight(const struct uploader *u);

#endif
