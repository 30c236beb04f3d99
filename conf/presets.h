/* Pure. */
#ifndef RAINGAUGE_PRESETS_H
#define RAINGAUGE_PRESETS_H

#include "base/slice.h"

/* conf/presets/NAME.yaml, built into the program (cmake/embed.cmake), sorted by name. */
struct preset {
    const char *name;
    struct slice text;
};
extern const struct preset presets[];
extern const size_t preset_count;

#endif
