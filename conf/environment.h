/* Pure: no file, no clock, no logging, no uv. */
#ifndef RAINGAUGE_ENVIRONMENT_H
#define RAINGAUGE_ENVIRONMENT_H

#include "base/arena.h"

/* ${NAME} and ${NAME:-default} in a scalar, replaced after the YAML was parsed (contract 2), so that a value can change
 * neither the document's structure nor what kind of thing a scalar is:
 *  - in a literal or a setting it is put in as it is;
 *  - in an expression only inside its string literals, escaped for them;
 *  - in a template as in a literal outside the braces, where a brace of the value stays text, and as in an expression
 *    inside them.
 * `$${` stands for `${`; any other `${` stays. */

struct environment {
    const char *(*get)(void *context, const char *name);
    void *context;
};

enum replaced_kind { REPLACED_TEXT, REPLACED_EXPRESSION, REPLACED_TEMPLATE };

struct replaced {
    struct slice text; /* zero-terminated; the given text itself where nothing was replaced */
    bool changed;      /* differs from the given text */
    bool holds_value;  /* something of the environment is in it: no message may show it */
    /* Where its parts came from, so that an error in it can be shown in the source. */
    const struct replaced_part {
        size_t at, source_at;
        bool copied; /* the bytes behind `at` are the source's bytes; else they all stand for what is at source_at */
    } * parts;
    size_t part_count;
    const struct slice *unset; /* names that are not set and have no default; they were replaced by nothing */
    size_t unset_count;
    bool not_utf8; /* a value is not valid UTF-8; replaced by nothing */
};

/* False on lack of memory. `text` is borrowed and must be zero-terminated. */
bool environment_replace(const struct environment *environment, struct arena *arena, struct slice text,
                         enum replaced_kind kind, struct replaced *ret) __attribute__((warn_unused_result));

/* The byte of the source that a byte of the result came from. */
size_t replaced_source(const struct replaced *r, size_t at);

#endif
