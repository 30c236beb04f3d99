#ifndef RAINGAUGE_CONFIG_FILE_H
#define RAINGAUGE_CONFIG_FILE_H

#include "init/samples.h"
#include "presets.h"

/* The text of a configuration file, part by part. `paths` are globs as they shall stand in it. */
void config_file_begin(struct buffer *out, const char *about);
/* `s` may be NULL: nothing is known of the files but what the preset (may be NULL) says. */
void config_file_input(struct buffer *out, char *const *paths, size_t count, const struct samples *s,
                       const struct preset *preset);
/* `include: [preset:NAME]`, or the preset's own rules, tables and tests to be worked on. */
void config_file_include(struct buffer *out, const struct preset *preset);
void config_file_rules_of(struct buffer *out, const struct preset *preset);

#endif
