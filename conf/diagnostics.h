/* Pure: no file, no clock, no logging, no uv. */
#ifndef RAINGAUGE_DIAGNOSTICS_H
#define RAINGAUGE_DIAGNOSTICS_H

#include "base/buffer.h"
#include "text/nearest.h"

#include <stdint.h>

/* Every mistake of a configuration, with its place; collected, sorted by file and place, printed as compilers do:
 *
 *     raingauge.yaml:12:7: error: unknown key "user" in event; did you mean "user_id"?
 *         user: $.user.id
 *         ^~~~
 *
 * (the source line and the caret only for a terminal). A message never holds a value that came from the environment or
 * a key file. */

struct source_file {
    const char *name;  /* as the user would write it: what is printed */
    struct slice text; /* for the source line under a message */
};

struct source_place {
    const struct source_file *file; /* NULL: no place */
    uint32_t line;                  /* from 1 */
    uint32_t column;                /* characters, from 1 */
};

enum severity { SEVERITY_ERROR, SEVERITY_WARNING };

struct diagnostic {
    enum severity severity;
    struct source_place place;
    const char *text;
};

struct diagnostics; /* heap; holds copies of the texts and of the files they are about */
struct diagnostics *diagnostics_new(void);
void diagnostics_free(struct diagnostics *d);

/* Makes a copy of a file, so that a message about it can be printed when the file itself is gone. Files are told apart
 * by name; the order in which they are added is the order in which messages are printed. One that a message names and
 * that was not added is added then. */
void diagnostics_add_file(struct diagnostics *d, const struct source_file *file);

void diagnostics_add(struct diagnostics *d, enum severity severity, struct source_place place, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
size_t diagnostics_errors(const struct diagnostics *d);
size_t diagnostics_count(const struct diagnostics *d); /* warnings too */
const struct diagnostic *diagnostics_at(const struct diagnostics *d, size_t i);
/* Then something may be missing, and what was checked is not to be relied upon. */
bool diagnostics_out_of_memory(const struct diagnostics *d);
void diagnostics_set_out_of_memory(struct diagnostics *d);

/* By file, line and column; each only once. Done by diagnostics_print, and by config_load at its end. */
void diagnostics_sort(struct diagnostics *d);

/* Appends them all, sorted, one a line; with `excerpts` also the source line and a caret under it (but no line that may
 * hold a key); with `colour` as gcc. Above LIMIT_CONFIG_ERRORS the rest is only counted. */
void diagnostics_print(struct diagnostics *d, struct buffer *out, bool excerpts, bool colour);

#endif
