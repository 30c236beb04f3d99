/* Cases of the mapper, as text files that anyone can add to.
 *
 *     == what the case shows
 *     rules: …                          the configuration; without `inputs:` it gets one input, "chat"
 *     --
 *     {"msg":"hello"}                   lines of a log
 *     --
 *     {"endpoint":…}                    what `raingauge map --all` shows of them
 *
 * In lines and results <NUL> <CR> <BOM> <FF> <TAB> stand for these bytes, <VERSION> for raingauge's, <end> for the end
 * of the text (so without a newline), and <1000*a> for a thousand times "a". */
#ifndef RAINGAUGE_TEST_CASE_FILE_H
#define RAINGAUGE_TEST_CASE_FILE_H

#include "base/buffer.h"

struct mapper_case {
    char *title;
    struct buffer config, lines, expected;
};

struct case_file {
    char path[512];
    struct mapper_case *cases;
    size_t count;
};

/* Fails the test where the file cannot be read. */
void case_file_read(struct case_file *file, const char *path);
void case_file_release(struct case_file *file);

#endif
