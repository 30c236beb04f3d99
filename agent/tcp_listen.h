#ifndef RAINGAUGE_TCP_LISTEN_H
#define RAINGAUGE_TCP_LISTEN_H

#include "error.h"

#include <stdbool.h>

/* Whether a text has the form `ADDRESS:PORT`. */
bool tcp_address_is(const char *text);

/* A listening socket (non-blocking, not inherited) on `ADDRESS:PORT`, IPv6 as `[::1]:9464`; port 0 takes a free one,
 * an empty address is every one. -1 with the reason. */
int tcp_listen(const char *address, struct error *ret_error) __attribute__((warn_unused_result));

/* Where it listens, in the same form. */
enum { TCP_NAME_MOST = 80 };
void tcp_listen_name(int fd, char name[TCP_NAME_MOST]);

#endif
