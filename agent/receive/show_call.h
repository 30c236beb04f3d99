#ifndef RAINGAUGE_SHOW_CALL_H
#define RAINGAUGE_SHOW_CALL_H

#include "base/buffer.h"
#include "wire/call_check.h"
#include "json/json_doc.h"

/* A call as a line for a person: what kind, of whom, what was said, shortened.
 *
 *     12:03:41  event     chat_completion  u1  gpt-4  "hi" → "hello"  env=production  (1 attachment)
 *
 * Everything that came over the wire is escaped (text/printable.h). */
struct show {
    struct buffer *out;
    struct arena *arena;
    bool colour;
    const char *time; /* "12:03:41" */
};

/* `project`: "" where none was named. */
void show_call(const struct show *s, const struct json_doc *doc, uint32_t call, enum checked_call kind,
               const char *project);
/* Lines that are not calls: `label` in the place of the kind. */
enum show_mood { SHOW_WARNING, SHOW_REFUSED };
void show_note(const struct show *s, enum show_mood mood, const char *label, struct slice text);

#endif
