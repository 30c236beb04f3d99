#ifndef RAINGAUGE_RECEIVE_SERVER_H
#define RAINGAUGE_RECEIVE_SERVER_H

#include "error.h"
#include "receive/receiver.h"

/* HTTP in front of a receiver, on a thread of its own: between start and stop only that touches the receiver. Takes
 * over the listening socket. NULL with the reason. */
struct receive_server;
struct receive_server *receive_server_start(struct receiver *receiver, int listen_fd, struct error *ret_error)
    __attribute__((warn_unused_result));
/* Ends when the requests that are being answered are. */
void receive_server_stop(struct receive_server *server);

#endif
