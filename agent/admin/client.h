#ifndef RAINGAUGE_ADMIN_CLIENT_H
#define RAINGAUGE_ADMIN_CLIENT_H

#include "base/buffer.h"
#include "error.h"

/* Asks the running agent over state_dir/admin.sock: what `status`, `top`, `tap` and `reload` are made of. Blocking.
 *
 *     struct buffer body;
 *     buffer_init(&body, LIMIT_ADMIN_ANSWER);
 *     unsigned status;
 *     if (!admin_ask(state_dir, "GET", "/readyz", 10000, &status, &body, &error)) …     // error.text is for people
 *
 * Or, where the answer goes on and on: the descriptor is read until its end, what came with the head is in `body`. */

/* False: nobody listens there, it is not for this user, or it did not answer within timeout_ms; nothing is returned. */
bool admin_ask(const char *state_dir, const char *method, const char *path, unsigned timeout_ms, unsigned *ret_status,
               struct buffer *body, struct error *ret_error) __attribute__((warn_unused_result));

/* -1: as above. Until its head has come the answer has timeout_ms, then all the time there is. */
int admin_open(const char *state_dir, const char *method, const char *path, unsigned timeout_ms, unsigned *ret_status,
               struct buffer *body, struct error *ret_error) __attribute__((warn_unused_result));

#endif
