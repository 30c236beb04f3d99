/* Pure. Private to conf/. */
#ifndef RAINGAUGE_SETTINGS_H
#define RAINGAUGE_SETTINGS_H

#include "loader.h"

/* A section of the file as a table: every key with its type, bounds, default and place in a struct. What the table
 * says is what is accepted; a key that is read by code of its own has a row as well, so that it is known.
 *
 *     static const struct setting rows[] = {
 *         DURATION("max_age", struct upload_settings, max_age_ms, 0, DAYS(1), SECONDS(1)),
 *         ...
 *     };
 *     static const struct section batch = SECTION("upload.batch", rows);
 *     section_defaults(&batch, &config->upload);
 *     section_read(l, &batch, node, &config->upload); */

enum setting_type {
    SETTING_ELSEWHERE, /* known here, read by other code */
    SETTING_TEXT,
    SETTING_PATH, /* made absolute */
    SETTING_BOOL,
    SETTING_COUNT,
    SETTING_SIZE,
    SETTING_DURATION,
    SETTING_RATE,       /* a double, not negative */
    SETTING_CHOICE,     /* the index of a name */
    SETTING_EXPRESSION, /* a value of a mapping, with what l->names can see */
    SETTING_SECTION,    /* a map of further rows, into the same struct */
    SETTING_READ,       /* by a function */
};

struct section;
struct setting {
    const char *key;
    enum setting_type type;
    bool required;
    bool any_case;  /* of a literal that must be one of the choices */
    unsigned width; /* of the field */
    size_t offset;
    uint64_t least, most, fallback;
    const char *const *choices; /* end with NULL; of an expression: what a literal may be */
    const struct section *section;
    void (*read)(struct loader *l, const struct yaml_member *member, void *target);
};

struct section {
    const char *name; /* as in `unknown key "x" in event` */
    bool is_top;
    const struct setting *rows;
    size_t count;
};
#define SECTION_OF(name_, rows_)                                                                                       \
    {                                                                                                                  \
        .name = (name_), .rows = (rows_), .count = sizeof(rows_) / sizeof(rows_)[0]                                    \
    }

#define SECONDS(n) ((uint64_t)(n)*1000)
#define MINUTES(n) SECONDS((uint64_t)(n)*60)
#define HOURS(n) MINUTES((uint64_t)(n)*60)
#define DAYS(n) HOURS((uint64_t)(n)*24)
#define LONG_TIME DAYS(36500) /* the most a duration can be */

#define FIELD(type_, field_) .offset = offsetof(type_, field_), .width = sizeof(((type_ *)0)->field_)
#define BOUNDS(least_, most_, fallback_) .least = (least_), .most = (most_), .fallback = (fallback_)

#define ELSEWHERE(key_)                                                                                                \
    {                                                                                                                  \
        .key = (key_), .type = SETTING_ELSEWHERE                                                                       \
    }
#define REQUIRED_ELSEWHERE(key_)                                                                                       \
    {                                                                                                                  \
        .key = (key_), .type = SETTING_ELSEWHERE, .required = true                                                     \
    }
#define TEXT(key_, type_, field_)                                                                                      \
    {                                                                                                                  \
        .key = (key_), .type = SETTING_TEXT, FIELD(type_, field_)                                                      \
    }
#define PATH(key_, type_, field_)                                                                                      \
    {                                                                                                                  \
        .key = (key_), .type = SETTING_PATH, FIELD(type_, field_)                                                      \
    }
#define BOOL(key_, type_, field_, fallback_)                                                                           \
    {                                                                                                                  \
        .key = (key_), .type = SETTING_BOOL, FIELD(type_, field_), .fallback = (fallback_)                             \
    }
#define COUNT(key_, type_, field_, least_, most_, fallback_)                                                           \
    {                                                                                                                  \
        .key = (key_), .type = SETTING_COUNT, FIELD(type_, field_), BOUNDS(least_, most_, fallback_)                   \
    }
#define SIZE(key_, type_, field_, least_, most_, fallback_)                                                            \
    {                                                                                                                  \
        .key = (key_), .type = SETTING_SIZE, FIELD(type_, field_), BOUNDS(least_, most_, fallback_)                    \
    }
#define DURATION(key_, type_, field_, least_, most_, fallback_)                                                        \
    {                                                                                                                  \
        .key = (key_), .type = SETTING_DURATION, FIELD(type_, field_), BOUNDS(least_, most_, fallback_)                \
    }
#define RATE(key_, type_, field_)                                                                                      \
    {                                                                                                                  \
        .key = (key_), .type = SETTING_RATE, FIELD(type_, field_)                                                      \
    }
#define CHOICE(key_, type_, field_, choices_, fallback_)                                                               \
    {                                                                                                                  \
        .key = (key_), .type = SETTING_CHOICE, FIELD(type_, field_), .choices = (choices_), .fallback = (fallback_)    \
    }
#define EXPRESSION(key_, type_, field_)                                                                                \
    {                                                                                                                  \
        .key = (key_), .type = SETTING_EXPRESSION, FIELD(type_, field_)                                                \
    }
#define REQUIRED_EXPRESSION(key_, type_, field_)                                                                       \
    {                                                                                                                  \
        .key = (key_), .type = SETTING_EXPRESSION, FIELD(type_, field_), .required = true                              \
    }
#define SUBSECTION(key_, section_)                                                                                     \
    {                                                                                                                  \
        .key = (key_), .type = SETTING_SECTION, .section = (section_)                                                  \
    }
#define READ_BY(key_, read_)                                                                                           \
    {                                                                                                                  \
        .key = (key_), .type = SETTING_READ, .read = (read_)                                                           \
    }

/* Whether it is a map; reports it where it is none, and keys that are unknown, not supported, or missing. */
bool section_check(struct loader *l, const struct section *s, const struct yaml_node *node);

/* Every row that is not read elsewhere, where it is there; what is not there keeps the value that target has. */
void section_values(struct loader *l, const struct section *s, const struct yaml_node *node, void *target);

/* Both. */
void section_read(struct loader *l, const struct section *s, const struct yaml_node *node, void *target);

void section_defaults(const struct section *s, void *target);

#endif
