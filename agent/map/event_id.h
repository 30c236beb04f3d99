#ifndef RAINGAUGE_EVENT_ID_H
#define RAINGAUGE_EVENT_ID_H

#include "map/source.h"
#include "wire/uuid5.h"

/* The ids of events that were given none (contract 4.3): the same line read twice gives the same ids, also after the
 * state was lost, and no two calls share one. The format never changes:
 *
 *     line  = uuid5("raingauge-line 1 OFFSET\n", the 16 bytes of the file's id, the bytes the parser got)
 *     event = uuid5("raingauge-event 1 RECORD CALL ELEMENT\n", the 16 bytes of the line's id, the rule's name)
 *
 * in decimal, from 0: the record's place in the line, the call's among those of its rule, and that of the element of
 * its for_each (0 without one). So other rules, and calls that were not made, do not change an id. False: no memory for
 * hashing. */

bool line_id_of(const struct file_id *file, uint64_t offset, struct slice content, struct uuid *ret_id)
    __attribute__((warn_unused_result));
struct call_place {
    size_t record, call, element;
};
bool event_id_of(const struct uuid *line, struct slice rule, struct call_place place, struct uuid *ret_id)
    __attribute__((warn_unused_result));

#endif
