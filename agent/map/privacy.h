#ifndef RAINGAUGE_PRIVACY_H
#define RAINGAUGE_PRIVACY_H

#include "config.h"
#include "wire/call.h"

/* `privacy:` on a call's fields (contract 9): after its rule, before it is written.
 *
 * First `refuse`, on every text that would be sent, names of members too. Then properties and traits keep only the
 * members that are named, and `redact` and `patterns` are applied to every text but ids, timestamps, sets (type, role,
 * sentiment …) and names (of events, signals, attachments, members). What cannot be looked at, a pattern that gives up
 * or properties nested too deep, is not sent either. */
enum privacy_result {
    PRIVACY_OK,
    PRIVACY_REFUSED,
    PRIVACY_NO_MEMORY, /* or the arena's ceiling */
};

/* `scope` counts patterns that gave up; *left_out the members that were not sent. */
enum privacy_result privacy_apply(const struct privacy_settings *p, struct scope *scope, struct call_fields *f,
                                  uint32_t *left_out) __attribute__((warn_unused_result));

#endif
