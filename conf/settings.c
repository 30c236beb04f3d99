/* Tables of keys: what is accepted where, and how it is stored. */
#include "settings.h"

#include "json/json_number.h"

#include <math.h>

/* ---- Storing ---------------------------------------------------------------------------------------------------- */

static void *field_of(const struct setting *s, void *target)
{
    return (char *)target + s->offset;
}

static void store_number(const struct setting *s, void *target, uint64_t n)
{
    void *field = field_of(s, target);
    uint8_t narrow = (uint8_t)n;
    uint32_t middle = (uint32_t)n;
    if (s->width == sizeof narrow)
        memcpy(field, &narrow, sizeof narrow);
    else if (s->width == sizeof middle)
        memcpy(field, &middle, sizeof middle);
    else
        memcpy(field, &n, sizeof n);
}

static void store_text(const struct setting *s, void *target, const char *text)
{
    memcpy(field_of(s, target), &text, sizeof text);
}

/* ---- Reading ---------------------------------------------------------------------------------------------------- */

/* A bound as it would be written: in the largest unit that gives a whole number. */
static const char *bound_text(enum setting_type type, uint64_t n, char text[32])
{
    static const struct {
        uint64_t factor;
        const char *name;
    } durations[] = {{DAYS(1), "d"}, {HOURS(1), "h"}, {MINUTES(1), "m"}, {SECONDS(1), "s"}, {1, "ms"}},
      sizes[] = {{UINT64_C(1) << 30, "GiB"}, {1 << 20, "MiB"}, {1 << 10, "KiB"}, {1, ""}};
    for (size_t i = 0; n > 0 && i < 5; i++) {
        bool duration = type == SETTING_DURATION;
        if (!duration && (type != SETTING_SIZE || i == 4))
            break;
        uint64_t factor = duration ? durations[i].factor : sizes[i].factor;
        if (n % factor == 0) {
            snprintf(text, 32, "%llu%s", (unsigned long long)(n / factor),
                     duration ? durations[i].name : sizes[i].name);
            return text;
        }
    }
    snprintf(text, 32, "%llu", (unsigned long long)n);
    return text;
}

/* "max_age in upload.batch"; at the file's top only the key. */
static const char *name_of(struct loader *l, const struct section *section, const char *key)
{
    struct buffer text;
    if (section->is_top)
        return key;
    buffer_init_in(&text, l->arena);
    buffer_printf(&text, "%s in %s%c", key, section->name, '\0');
    return text.failed ? key : text.data;
}

static bool parse_number(const struct setting *s, const struct scalar *scalar, uint64_t *ret)
{
    int64_t whole;
    size_t bytes;
    switch (s->type) {
    case SETTING_COUNT:
        if (scalar->type != YAML_NUMBER || !json_number_to_int64(scalar->text, &whole) || whole < 0)
            return false;
        *ret = (uint64_t)whole;
        return true;
    case SETTING_SIZE:
        if (!config_parse_size(scalar->text, &bytes))
            return false;
        *ret = bytes;
        return true;
    default:
        return config_parse_duration(scalar->text, ret);
    }
}

static void read_number(struct loader *l, const struct setting *s, const char *what, const struct yaml_node *node,
                        const struct scalar *scalar, void *target)
{
    const char *kind = s->type == SETTING_COUNT  ? "a whole number"
                       : s->type == SETTING_SIZE ? "a size such as 64KiB or 10MiB"
                                                 : "a duration such as 500ms, 2s or 1h";
    uint64_t n;
    char bound[32];
    if (!parse_number(s, scalar, &n))
        loader_error(l, node->place, "%s must be %s", what, kind);
    else if (n < s->least)
        loader_error(l, node->place, "%s must be at least %s", what, bound_text(s->type, s->least, bound));
    else if (n > s->most)
        loader_error(l, node->place, "%s must be at most %s", what, bound_text(s->type, s->most, bound));
    else
        store_number(s, target, n);
}

static void read_rate(struct loader *l, const struct setting *s, const char *what, const struct yaml_node *node,
                      const struct scalar *scalar, void *target)
{
    double rate = scalar->type == YAML_NUMBER ? json_number_to_double(scalar->text) : -1;
    if (rate >= 0 && isfinite(rate))
        memcpy(field_of(s, target), &rate, sizeof rate);
    else
        loader_error(l, node->place, "%s must be a number, 0 or more", what);
}

static size_t count_names(const char *const names[])
{
    size_t n = 0;
    while (names[n])
        n++;
    return n;
}

static void read_choice(struct loader *l, const struct setting *s, const char *what, const struct yaml_node *node,
                        const struct scalar *scalar, void *target)
{
    for (size_t i = 0; s->choices[i]; i++)
        if (slice_is(scalar->text, s->choices[i])) {
            store_number(s, target, i);
            return;
        }
    loader_error(l, node->place, "%s must be %s%s", what, enumerate(l, s->choices),
                 did_you_mean(l, scalar->text, s->choices, count_names(s->choices)));
}

/* A literal where a field of a call takes text, from a set, perhaps, or not empty. */
static void check_literal(struct loader *l, const struct setting *s, const char *what, const struct yaml_node *node,
                          const struct expr *e)
{
    struct value v;
    if (!e || !expr_is_constant(e, &v))
        return;
    struct slice text = value_as_text(l->arena, &v);
    if (value_is_container(&v)) {
        loader_error(l, node->place, "%s must be text", what);
        return;
    }
    if (text.len == 0) {
        if (s->required)
            loader_error(l, node->place, "%s must not be empty", what);
        return;
    }
    for (size_t i = 0; s->choices && s->choices[i]; i++) {
        size_t length = strlen(s->choices[i]);
        if (text.len == length && (s->any_case ? strncasecmp(text.text, s->choices[i], length) == 0
                                               : memcmp(text.text, s->choices[i], length) == 0))
            return;
    }
    if (s->choices)
        loader_error(l, node->place, "%s must be %s%s", what, enumerate(l, s->choices),
                     did_you_mean(l, text, s->choices, count_names(s->choices)));
}

static void read_scalar(struct loader *l, const struct setting *s, const char *what, const struct yaml_node *node,
                        void *target)
{
    struct scalar scalar;
    if (s->type == SETTING_TEXT || s->type == SETTING_PATH) {
        if (scalar_name(l, node, what, &scalar))
            store_text(s, target, s->type == SETTING_PATH ? scalar_absolute(l, scalar.text) : scalar.text.text);
        return;
    }
    if (node->type == YAML_LIST || node->type == YAML_MAP)
        scalar = (struct scalar){.text = SLICE(""), .type = node->type};
    else if (!scalar_read(l, node, &scalar))
        return;
    if (s->type == SETTING_BOOL) {
        if (scalar.type == YAML_BOOL)
            store_number(s, target, scalar.text.text[0] == 't');
        else
            loader_error(l, node->place, "%s must be true or false", what);
    } else if (s->type == SETTING_CHOICE) {
        read_choice(l, s, what, node, &scalar, target);
    } else if (s->type == SETTING_RATE) {
        read_rate(l, s, what, node, &scalar, target);
    } else {
        read_number(l, s, what, node, &scalar, target);
    }
}

static void read_row(struct loader *l, const struct section *section, const struct setting *s,
                     const struct yaml_member *member, void *target)
{
    const struct yaml_node *node = member->value;
    if (s->type == SETTING_READ) {
        s->read(l, member, target);
    } else if (s->type == SETTING_SECTION) {
        section_read(l, s->section, node, target);
    } else if (s->type == SETTING_EXPRESSION) {
        const struct expr *e = value_read(l, node);
        check_literal(l, s, name_of(l, section, s->key), node, e);
        memcpy(field_of(s, target), &e, sizeof e);
    } else {
        read_scalar(l, s, name_of(l, section, s->key), node, target);
    }
}

/* ---- Sections --------------------------------------------------------------------------------------------------- */

static const struct setting *find_row(const struct section *s, struct slice key)
{
    for (size_t i = 0; i < s->count; i++)
        if (slice_is(key, s->rows[i].key))
            return &s->rows[i];
    return NULL;
}

static void report_unknown(struct loader *l, const struct section *s, const struct yaml_member *member)
{
    const char **keys = arena_calloc(l->arena, s->count, sizeof *keys);
    if (!keys)
        return;
    for (size_t i = 0; i < s->count; i++)
        keys[i] = s->rows[i].key;
    loader_error(l, member->key_place, "unknown key \"%.*s\" in %s%s", SLICE_FMT(member->key), s->name,
                 did_you_mean(l, member->key, keys, s->count));
}

bool section_check(struct loader *l, const struct section *s, const struct yaml_node *node)
{
    if (node->type != YAML_MAP) {
        loader_error(l, node->place, "%s must be a map", s->name);
        return false;
    }
    for (size_t i = 0; i < node->count; i++) {
        const struct yaml_member *member = &node->members[i];
        if (!find_row(s, member->key))
            report_unknown(l, s, member);
    }
    for (size_t i = 0; i < s->count; i++)
        if (s->rows[i].required && !yaml_member_of(node, s->rows[i].key))
            loader_error(l, node->place, "missing key \"%s\" in %s", s->rows[i].key, s->name);
    return true;
}

void section_values(struct loader *l, const struct section *s, const struct yaml_node *node, void *target)
{
    for (size_t i = 0; i < s->count; i++) {
        const struct yaml_member *member = yaml_member_of(node, s->rows[i].key);
        if (member && s->rows[i].type != SETTING_ELSEWHERE)
            read_row(l, s, &s->rows[i], member, target);
    }
}

void section_read(struct loader *l, const struct section *s, const struct yaml_node *node, void *target)
{
    if (section_check(l, s, node))
        section_values(l, s, node, target);
}

void section_defaults(const struct section *s, void *target)
{
    for (size_t i = 0; i < s->count; i++) {
        const struct setting *row = &s->rows[i];
        if (row->type == SETTING_SECTION)
            section_defaults(row->section, target);
        else if (row->type >= SETTING_BOOL && row->type <= SETTING_CHOICE && row->type != SETTING_RATE)
            store_number(row, target, row->fallback);
    }
}
