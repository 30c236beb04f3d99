/* Pure. */
#ifndef RAINGAUGE_PRESETS_H
#define RAINGAUGE_PRESETS_H

#include "base/arena.h"

/* conf/presets/NAME.yaml, built into the program (cmake/embed.cmake), sorted by name. */
struct preset {
    const char *name;
    struct slice text;
};
extern const struct preset presets[];
extern const size_t preset_count;

/* What a preset says of itself under its key `preset`. */
struct preset_about {
    const char *reads;    /* one line: what writes such lines */
    const char *versions; /* of which it was seen */
    const char **marks;   /* texts that all stand in any line of its writer, where there are such */
    size_t mark_count;
};

/* False on lack of memory, or where the preset is not valid YAML. The texts are the arena's. */
bool preset_about(const struct preset *preset, struct arena *arena, struct preset_about *ret_about)
    __attribute__((warn_unused_result));

#endif
