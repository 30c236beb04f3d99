#ifndef RAINGAUGE_ONLINE_H
#define RAINGAUGE_ONLINE_H

#include "config.h"

#include <stdio.h>

/* Asks the server about every destination, and every project that a literal names for it: whether the key and the
 * project are taken. What is sent is an empty list of events, so nothing is recorded there. One line on `out` for each;
 * no key is ever in it. False: one of them is not taken, or could not be asked. */
bool online_check(const struct config *config, FILE *out, bool colours) __attribute__((warn_unused_result));

#endif
