#ifndef RAINGAUGE_SAMPLES_H
#define RAINGAUGE_SAMPLES_H

#include "base/buffer.h"
#include "config.h"
#include "error.h"

/* The first lines of some log files, for `raingauge init` to look at: unpacked (.gz), out of their containers'
 * envelope.
 *
 *     samples_init(&s);
 *     samples_read(&s, "app.jsonl.gz", &error);       // for each file
 *     samples_decide(&s);                             // what most lines are
 *     samples_release(&s); */
enum { SAMPLE_LINES_MOST = 500 };

struct samples {
    struct arena arena;
    struct slice lines[SAMPLE_LINES_MOST]; /* as the application wrote them */
    struct slice json[SAMPLE_LINES_MOST];  /* the record of each: an object's JSON text; empty where there is none */
    size_t count, json_count;
    size_t cri_count, docker_count;
    enum envelope_kind envelope;
    enum parser_kind parser; /* json, logfmt or raw */
};

void samples_init(struct samples *s);
void samples_release(struct samples *s);

/* `-` is standard input. False: it could not be read. */
bool samples_read(struct samples *s, const char *path, struct error *ret_error) __attribute__((warn_unused_result));
/* False on lack of memory. */
bool samples_decide(struct samples *s) __attribute__((warn_unused_result));

#endif
