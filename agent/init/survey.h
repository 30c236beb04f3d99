#ifndef RAINGAUGE_SURVEY_H
#define RAINGAUGE_SURVEY_H

#include "init/samples.h"

/* Every place where the samples' records hold a value, and what kind of values stand there; also inside text that is
 * JSON itself. */

enum { FIELDS_MOST = 256, LETS_MOST = 8, LINE_WORDS = (SAMPLE_LINES_MOST + 63) / 64 };

struct field {
    struct slice path; /* as an expression: $.user.id, $body.prompt */
    struct slice name; /* its last name, and its last two: lower case, letters and digits only */
    struct slice long_name;
    uint64_t lines[LINE_WORDS]; /* a bit for each line that has it */
    size_t seen;
    /* what the values are */
    size_t texts, numbers, bools, objects, lists;
    size_t messages; /* lists of chat messages */
    size_t sentences, models, emails, times;
    size_t bytes; /* of the texts */
};

struct survey {
    struct field *fields;
    size_t count;
    struct {
        struct slice name, path; /* let NAME: PATH | parse_json */
    } lets[LETS_MOST];
    size_t let_count;
};

/* False on lack of memory. Lives in the arena. */
bool survey_run(const struct samples *s, struct arena *arena, struct survey *ret) __attribute__((warn_unused_result));

/* On how many lines both stand. */
size_t field_together(const struct field *a, const struct field *b);

#endif
