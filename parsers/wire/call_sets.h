/* Pure: no I/O, no clock, no logging, no uv. */
#ifndef RAINGAUGE_CALL_SETS_H
#define RAINGAUGE_CALL_SETS_H

/* What the fields of a call that have a set of values may hold; each ends with NULL. */
extern const char *const call_attachment_types[];
extern const char *const call_attachment_roles[];
extern const char *const call_signal_types[];
extern const char *const call_sentiments[]; /* upper case on the wire, any case in a rule */

#endif
