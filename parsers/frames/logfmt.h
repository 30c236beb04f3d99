/* Pure: no I/O, no clock, no logging, no uv. */
#ifndef RAINGAUGE_LOGFMT_H
#define RAINGAUGE_LOGFMT_H

#include "base/buffer.h"

/* logfmt: `level=info msg="a \"quoted\" text" done` → {"level":"info","msg":"a \"quoted\" text","done":true}.
 *
 * Pairs stand between blanks. A value is quoted, with backslash escapes, or goes to the next blank; after `=` there may
 * be none (empty text); a key without `=` is true. A backslash before anything that JSON knows no escape for stands for
 * itself. False where it is none: a quote that is not closed or stands in a key, no key before `=`, something right
 * behind a closing quote. */
bool logfmt_to_json(struct buffer *out, struct slice line) __attribute__((warn_unused_result));
bool logfmt_is(struct slice line);

#endif
