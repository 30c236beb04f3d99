#ifndef RAINGAUGE_CALL_FIELDS_H
#define RAINGAUGE_CALL_FIELDS_H

#include "rules.h"
#include "wire/call.h"

/* A call's rule on a record → the fields that parsers/wire/call writes. The scope's $item and the slots of the rule's
 * `let` are set; the call's own `let` is taken care of here.
 *
 *     call_lets_begin(rule, call, scope);              // then its `when` may be asked
 *     if (call_fields_evaluate(call, scope, &fields, &reason)) …
 *
 * False: it is no call, for *ret_reason (NULL where memory lacks: scope->arena has failed). */
void call_lets_begin(const struct rule *rule, const struct call_rule *call, struct scope *scope);
bool call_fields_evaluate(const struct call_rule *call, struct scope *scope, struct call_fields *ret,
                          const char **ret_reason) __attribute__((warn_unused_result));

#endif
