#ifndef RAINGAUGE_FILE_REPORT_H
#define RAINGAUGE_FILE_REPORT_H

#include <stdbool.h>
#include <stddef.h>

/* What was reported about paths that are no files of ours (a FIFO, a link out of the allowed directories, a directory
 * that cannot be read), so that each is reported once for as long as it lasts. */

struct file_report;
struct file_reports {
    struct file_report *buckets[256];
    size_t count;
    unsigned round;
};

/* True where the path was not yet reported. Beyond a ceiling (and without memory) nothing is new. */
bool file_reports_add(struct file_reports *r, const char *path, size_t input);
/* A walk over these inputs has ended: what it did not come across again is over. */
void file_reports_end_round(struct file_reports *r, const bool *walked, size_t input_count);
void file_reports_release(struct file_reports *r);

#endif
