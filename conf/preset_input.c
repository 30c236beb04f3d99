/* The key `preset` of an included file: what it says of itself, and how an input that reads its lines takes them apart
 * (`records` and the like), so that `include: [preset:NAME]` and `paths` are a whole configuration.
 *
 * Such settings hold for the configuration's input where there is just one, and it does not say itself how its lines
 * are read. With several inputs nobody can tell which one is meant: a warning says what is to be written there. */
#include "presets.h"

#include "settings.h"

static void read_marks(struct loader *l, const struct yaml_member *member, void *target)
{
    struct scalar *items;
    size_t count;
    (void)target;
    (void)!scalar_list(l, member->value, "marks in preset", &items, &count);
}

static const struct setting about_rows[] = {
    TEXT("reads", struct preset_about, reads),
    TEXT("versions", struct preset_about, versions),
    READ_BY("marks", read_marks),
    ELSEWHERE("input"),
};
static const struct section about_section = SECTION_OF("preset", about_rows);

static const char *const line_keys[] = {"parser", "pattern", "records", "multiline"};

static bool same_node(const struct yaml_node *a, const struct yaml_node *b)
{
    if (a->type != b->type || a->count != b->count || !slice_equal(a->text, b->text))
        return false;
    for (size_t i = 0; i < a->count; i++) {
        bool map = a->type == YAML_MAP;
        if (map && !slice_equal(a->members[i].key, b->members[i].key))
            return false;
        if (!same_node(map ? a->members[i].value : a->items[i], map ? b->members[i].value : b->items[i]))
            return false;
    }
    return true;
}

static bool says_how_lines_are_read(const struct yaml_node *input)
{
    for (size_t i = 0; i < sizeof line_keys / sizeof line_keys[0]; i++)
        if (yaml_get(input, line_keys[i]))
            return true;
    return false;
}

static size_t count_inputs(const struct loader *l)
{
    size_t count = 0;
    for (size_t d = 0; d < l->document_count; d++) {
        const struct yaml_node *list = yaml_get(l->documents[d].root, "inputs");
        count += list && list->type == YAML_LIST ? list->count : 0;
    }
    return count;
}

static bool any_input_says(const struct loader *l)
{
    for (size_t d = 0; d < l->document_count; d++) {
        const struct yaml_node *list = yaml_get(l->documents[d].root, "inputs");
        for (size_t i = 0; list && list->type == YAML_LIST && i < list->count; i++)
            if (list->items[i]->type == YAML_MAP && says_how_lines_are_read(list->items[i]))
                return true;
    }
    return false;
}

/* The settings all included files agree on; NULL where there are none. */
static const struct yaml_node *agreed_input(struct loader *l)
{
    const struct yaml_node *agreed = NULL;
    for (size_t d = 1; d < l->document_count; d++) {
        const struct yaml_node *about = yaml_get(l->documents[d].root, "preset");
        const struct yaml_node *input = about ? yaml_get(about, "input") : NULL;
        if (!input)
            continue;
        if (agreed && !same_node(agreed, input))
            return NULL;
        agreed = input;
    }
    return agreed;
}

void preset_input_check(struct loader *l)
{
    bool any = false;
    for (size_t d = 1; d < l->document_count; d++) {
        const struct yaml_node *about = yaml_get(l->documents[d].root, "preset");
        if (!about || !section_check(l, &about_section, about))
            continue;
        struct preset_about ignored = {.reads = NULL};
        l->document = &l->documents[d];
        section_values(l, &about_section, about, &ignored);
        any |= yaml_get(about, "input") != NULL;
    }
    const struct yaml_node *inputs = yaml_get(l->documents[0].root, "inputs");
    if (any && inputs && (count_inputs(l) != 1 || !agreed_input(l)) && !any_input_says(l))
        loader_warn(l, inputs->place,
                    "an included preset needs `records` at its input; `raingauge init --preset NAME` shows them");
}

const struct yaml_node *preset_input_for(struct loader *l, const struct yaml_node *input)
{
    return count_inputs(l) == 1 && !says_how_lines_are_read(input) ? agreed_input(l) : NULL;
}

static const char *text_of(struct arena *arena, const struct yaml_node *about, const char *key)
{
    const struct yaml_node *node = about ? yaml_get(about, key) : NULL;
    return arena_strdup(arena, node ? node->text : SLICE(""));
}

bool preset_about(const struct preset *preset, struct arena *arena, struct preset_about *ret_about)
{
    struct diagnostics *d = diagnostics_new();
    struct source_file *file = arena_calloc(arena, 1, sizeof *file);
    if (!d || !file) {
        diagnostics_free(d);
        return false;
    }
    *file = (struct source_file){preset->name, preset->text};
    const struct yaml_node *root = yaml_tree_parse(arena, d, file);
    diagnostics_free(d);
    if (!root)
        return false;
    const struct yaml_node *about = yaml_get(root, "preset");
    const struct yaml_node *marks = about ? yaml_get(about, "marks") : NULL;
    struct preset_about found = {
        .reads = text_of(arena, about, "reads"),
        .versions = text_of(arena, about, "versions"),
        .marks = arena_calloc(arena, marks ? marks->count + 1 : 1, sizeof *found.marks),
        .mark_count = marks ? marks->count : 0,
    };
    for (size_t i = 0; found.marks && i < found.mark_count; i++)
        found.marks[i] = arena_strdup(arena, marks->items[i]->text);
    *ret_about = found;
    return !arena->failed;
}
