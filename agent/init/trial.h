#ifndef RAINGAUGE_TRIAL_H
#define RAINGAUGE_TRIAL_H

#include "init/samples.h"
#include "presets.h"

/* What a configuration makes of the samples. */
struct trial {
    bool valid;     /* the configuration is */
    size_t lines;   /* that gave a call */
    size_t refused; /* lines with a rejected call, and invalid ones */
    bool raw;       /* its input wants the lines as text */
};
/* False on lack of memory. */
bool trial_run(const struct samples *s, const char *name, struct slice config, struct trial *ret)
    __attribute__((warn_unused_result));

/* The preset that the samples were written for; NULL: none. *ret_trial is its. */
bool trial_find_preset(const struct samples *s, const struct preset **ret_preset, struct trial *ret_trial)
    __attribute__((warn_unused_result));

#endif
