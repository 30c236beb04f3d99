/* `privacy:` (contract 9). */
#include "expr/redact.h"
#include "settings.h"

static void read_redact(struct loader *l, const struct yaml_member *member, void *target)
{
    struct privacy_settings *p = target;
    struct scalar *items;
    size_t count;
    const char *names[REDACT_KIND_COUNT + 1] = {NULL};
    if (!scalar_list(l, member->value, "redact in privacy", &items, &count))
        return;
    for (size_t i = 0; i < REDACT_KIND_COUNT; i++)
        names[i] = redact_kind_name(i);
    for (size_t i = 0; i < count; i++) {
        if (items[i].text.len == 0)
            continue; /* reported */
        unsigned kind = redact_kind_of_name(items[i].text);
        p->redact |= kind;
        if (!kind)
            loader_error(l, member->value->items[i]->place, "redact in privacy must be %s%s", enumerate(l, names),
                         did_you_mean(l, items[i].text, names, REDACT_KIND_COUNT));
    }
}

static void read_patterns(struct loader *l, const struct yaml_member *member, void *target)
{
    struct privacy_settings *p = target;
    const struct yaml_node *map = member->value;
    if (map->type != YAML_MAP) {
        loader_error(l, map->place, "patterns in privacy must be a map of names and regular expressions");
        return;
    }
    struct privacy_pattern *patterns = arena_calloc(l->arena, map->count, sizeof *patterns);
    for (size_t i = 0; i < map->count && patterns; i++) {
        patterns[i].name = map->members[i].key;
        if (patterns[i].name.len == 0)
            loader_error(l, map->members[i].key_place, "a pattern needs a name");
        patterns[i].regex = scalar_regex(l, map->members[i].value, "a pattern in privacy");
    }
    p->patterns = patterns;
    p->pattern_count = map->count;
}

static void read_refuse(struct loader *l, const struct yaml_member *member, void *target)
{
    struct privacy_settings *p = target;
    const struct yaml_node *list = member->value;
    if (list->type != YAML_LIST) {
        loader_error(l, list->place, "refuse in privacy must be a list of regular expressions");
        return;
    }
    struct privacy_pattern *refuse = arena_calloc(l->arena, list->count, sizeof *refuse);
    for (size_t i = 0; i < list->count && refuse; i++)
        refuse[i] = (struct privacy_pattern){SLICE(""), scalar_regex(l, list->items[i], "refuse in privacy")};
    p->refuse = refuse;
    p->refuse_count = list->count;
}

/* An empty list is a setting too: no member is sent. */
static void read_properties(struct loader *l, const struct yaml_member *member, void *target)
{
    struct privacy_settings *p = target;
    const struct yaml_node *list = member->value;
    if (list->type != YAML_LIST) {
        loader_error(l, list->place, "properties in privacy must be a list of names");
        return;
    }
    struct slice *names = arena_calloc(l->arena, list->count, sizeof *names);
    for (size_t i = 0; i < list->count && names; i++) {
        struct scalar name;
        if (scalar_name(l, list->items[i], "a name in properties", &name))
            names[i] = name.text;
    }
    p->properties = names;
    p->property_count = list->count;
    p->properties_set = true;
}

static const struct setting privacy_rows[] = {
    READ_BY("redact", read_redact),
    READ_BY("patterns", read_patterns),
    READ_BY("properties", read_properties),
    READ_BY("refuse", read_refuse),
};
static const struct section privacy = SECTION_OF("privacy", privacy_rows);

void privacy_read(struct loader *l, const struct yaml_node *node)
{
    section_read(l, &privacy, node, &l->config->privacy);
    l->config->privacy.set = true;
}
