/* `inputs:` → struct input. */
#include "limits.h"
#include "settings.h"
#include "text/glob.h"

static void read_paths(struct loader *l, const struct yaml_member *member, void *target);
static void read_exclude(struct loader *l, const struct yaml_member *member, void *target);
static void read_to(struct loader *l, const struct yaml_member *member, void *target);
static void read_pattern(struct loader *l, const struct yaml_member *member, void *target);
static void read_records(struct loader *l, const struct yaml_member *member, void *target);
static void read_symlink_targets(struct loader *l, const struct yaml_member *member, void *target);
static void read_multiline_start(struct loader *l, const struct yaml_member *member, void *target);

static const char *const parsers[] = {"json", "logfmt", "regex", "raw", NULL};
static const char *const envelopes[] = {"none", "cri", "docker", "auto", NULL};
static const char *const encodings[] = {"utf-8", "utf-16le", "utf-16be", "latin1", NULL};
static const char *const starts[] = {"beginning", "end", NULL};
static const char *const orders[] = {"fair", "modified", "name", NULL};
static const char *const watches[] = {"auto", "inotify", "poll", NULL};
static const char *const symlinks[] = {"inside", "all", "none", NULL};
static const char *const compressions[] = {"none", "auto", NULL};
static const char *const validations[] = {"matched", "all", NULL};

static const struct setting multiline_rows[] = {
    {.key = "start", .type = SETTING_READ, .read = read_multiline_start, .required = true},
    DURATION("timeout", struct input, multiline_timeout_ms, 1, LONG_TIME, SECONDS(5)),
};
static const struct section multiline = SECTION_OF("multiline", multiline_rows);

static const struct setting input_rows[] = {
    ELSEWHERE("name"),
    {.key = "paths", .type = SETTING_READ, .read = read_paths, .required = true},
    READ_BY("exclude", read_exclude),
    CHOICE("parser", struct input, parser, parsers, PARSER_JSON),
    READ_BY("pattern", read_pattern),
    READ_BY("records", read_records),
    READ_BY("to", read_to), /* behind records: they say how many $parents there are */
    CHOICE("envelope", struct input, envelope, envelopes, ENVELOPE_NONE),
    CHOICE("start_at", struct input, start_at, starts, START_AT_BEGINNING),
    DURATION("ignore_older", struct input, ignore_older_ms, 0, LONG_TIME, 0),
    CHOICE("order", struct input, order, orders, ORDER_FAIR),
    SIZE("max_line_bytes", struct input, max_line_bytes, 1, LIMIT_LINE_MOST, LIMIT_LINE_DEFAULT),
    SUBSECTION("multiline", &multiline),
    CHOICE("encoding", struct input, encoding, encodings, ENCODING_UTF8),
    CHOICE("compression", struct input, read_gz, compressions, true),
    CHOICE("validate", struct input, validate_all, validations, false),
    CHOICE("watch", struct input, watch, watches, WATCH_AUTO),
    DURATION("rescan", struct input, rescan_ms, 10, DAYS(1), SECONDS(10)),
    DURATION("poll_interval", struct input, poll_interval_ms, 10, DAYS(1), SECONDS(1)),
    DURATION("close_inactive", struct input, close_inactive_ms, 10, LONG_TIME, MINUTES(5)),
    DURATION("deleted_grace", struct input, deleted_grace_ms, 0, LONG_TIME, HOURS(1)),
    CHOICE("symlinks", struct input, symlinks, symlinks, SYMLINKS_INSIDE),
    READ_BY("symlink_targets", read_symlink_targets),
};
static const struct section input_section = SECTION_OF("input", input_rows);

/* What a preset may say for the input that reads its lines. */
static const struct setting preset_rows[] = {
    CHOICE("parser", struct input, parser, parsers, PARSER_JSON),
    READ_BY("pattern", read_pattern),
    READ_BY("records", read_records),
    SIZE("max_line_bytes", struct input, max_line_bytes, 1, LIMIT_LINE_MOST, LIMIT_LINE_DEFAULT),
    SUBSECTION("multiline", &multiline),
};
static const struct section preset_section = SECTION_OF("input of preset", preset_rows);

/* ---- Patterns of paths ------------------------------------------------------------------------------------------ */

/* A glob whose brackets and braces are closed. */
static const char *glob_fault(struct slice glob)
{
    unsigned braces = 0;
    for (size_t i = 0; i < glob.len; i++) {
        char c = glob.text[i];
        if (c == '\\') {
            i++;
        } else if (c == '[') {
            size_t end = i + 1;
            if (end < glob.len && (glob.text[end] == '!' || glob.text[end] == '^'))
                end++;
            for (end++; end < glob.len && glob.text[end] != ']';)
                end++;
            if (end >= glob.len)
                return "a [ without ]";
            i = end;
        } else if (c == '{') {
            braces++;
        } else if (c == '}' && braces > 0) {
            braces--;
        }
    }
    return braces > 0 ? "a { without }" : NULL;
}

static void check_pattern(struct loader *l, const struct yaml_node *node, const char *what, struct slice pattern)
{
    struct glob_list list;
    const char *fault = glob_fault(pattern);
    if (fault) {
        loader_error(l, node->place, "%s is no valid pattern: %s", what, fault);
        return;
    }
    if (pattern.len > LIMIT_PATH_BYTES) {
        loader_error(l, node->place, "%s is too long for a path", what);
        return;
    }
    enum glob_result result = glob_list_init(&list, &pattern.text, 1, false);
    if (result == GLOB_TOO_MANY)
        loader_error(l, node->place, "%s stands for more than %d patterns", what, LIMIT_GLOB_ALTERNATIVES);
    else if (result == GLOB_NO_MEMORY)
        diagnostics_set_out_of_memory(l->d);
    else
        glob_list_release(&list);
}

enum { PATTERN_PATH, PATTERN_EXCLUDE };

static const char *const *read_patterns(struct loader *l, const struct yaml_node *node, const char *what, int kind,
                                        size_t *ret_count)
{
    struct scalar *items;
    size_t count;
    if (!scalar_list(l, node, what, &items, &count))
        return NULL;
    const char **patterns = arena_calloc(l->arena, count, sizeof *patterns);
    for (size_t i = 0; i < count && patterns; i++) {
        struct slice text = items[i].text;
        if (text.len == 0)
            continue; /* reported */
        check_pattern(l, node->items[i], what, text);
        /* An exclusion without a slash is for base names, and one that begins with a star for any directory. */
        bool as_it_is = kind == PATTERN_EXCLUDE && (text.text[0] == '*' || !memchr(text.text, '/', text.len));
        patterns[i] = as_it_is ? text.text : scalar_absolute_pattern(l, text);
    }
    *ret_count = count;
    return patterns;
}

static void read_paths(struct loader *l, const struct yaml_member *member, void *target)
{
    struct input *input = target;
    input->paths = read_patterns(l, member->value, "paths in input", PATTERN_PATH, &input->path_count);
    input->paths_place = member->value->place;
}

static void read_exclude(struct loader *l, const struct yaml_member *member, void *target)
{
    struct input *input = target;
    if (member->value->type == YAML_LIST && member->value->count == 0)
        return;
    input->exclude = read_patterns(l, member->value, "exclude in input", PATTERN_EXCLUDE, &input->exclude_count);
}

static void read_symlink_targets(struct loader *l, const struct yaml_member *member, void *target)
{
    struct input *input = target;
    struct scalar *items;
    size_t count;
    if (!scalar_list(l, member->value, "symlink_targets in input", &items, &count))
        return;
    const char **targets = arena_calloc(l->arena, count, sizeof *targets);
    for (size_t i = 0; i < count && targets; i++)
        targets[i] = scalar_absolute(l, items[i].text);
    input->symlink_targets = targets;
    input->symlink_target_count = count;
}

/* ---- Records ---------------------------------------------------------------------------------------------------- */

static void read_to(struct loader *l, const struct yaml_member *member, void *target)
{
    struct input *input = target;
    l->names.parents = input->record_count;
    input->to = destination_read_to(l, member->value);
    l->names.parents = 0;
}

static void read_pattern(struct loader *l, const struct yaml_member *member, void *target)
{
    struct input *input = target;
    input->pattern = scalar_regex(l, member->value, "pattern in input");
    if (input->pattern && regex_names(input->pattern) == 0)
        loader_error(l, member->value->place, "pattern in input needs named groups such as (?<name>...)");
}

static void read_multiline_start(struct loader *l, const struct yaml_member *member, void *target)
{
    ((struct input *)target)->multiline_start = scalar_regex(l, member->value, "start in multiline");
}

static void read_records(struct loader *l, const struct yaml_member *member, void *target)
{
    struct input *input = target;
    const struct yaml_node *node = member->value;
    bool list = node->type == YAML_LIST;
    size_t count = list ? node->count : 1;
    if (count == 0) {
        loader_error(l, node->place, "records in input must not be empty");
        return;
    }
    const struct jsonpath **records = arena_calloc(l->arena, count, sizeof *records);
    for (size_t i = 0; i < count && records; i++)
        records[i] = value_path(l, list ? node->items[i] : node, "records in input");
    input->records = records;
    input->record_count = count;
}

/* ---- Inputs ----------------------------------------------------------------------------------------------------- */

static void check_input(struct loader *l, const struct yaml_node *node, const struct input *input)
{
    const struct yaml_member *pattern = yaml_member_of(node, "pattern");
    const struct yaml_member *lines = yaml_member_of(node, "multiline");
    const struct yaml_member *records = yaml_member_of(node, "records");
    if (input->parser == PARSER_REGEX && !pattern && !input->pattern)
        loader_error(l, node->place, "missing key \"pattern\" in input: parser: regex needs it");
    if (input->parser != PARSER_REGEX && pattern)
        loader_error(l, pattern->key_place, "pattern in input is for parser: regex only");
    if (input->parser != PARSER_REGEX && input->parser != PARSER_RAW && lines)
        loader_error(l, lines->key_place, "multiline in input is for parser: raw and regex only");
    if (input->parser != PARSER_JSON && records)
        loader_error(l, records->key_place, "records in input is for parser: json only");
}

static void read_name(struct loader *l, const struct yaml_node *node, struct input *input)
{
    const struct config *c = l->config;
    const struct yaml_node *given = yaml_get(node, "name");
    struct scalar name;
    char text[32];
    int n = snprintf(text, sizeof text, "input-%zu", c->input_count + 1);
    const char *own = arena_strdup(l->arena, slice_of(text, (size_t)n));
    input->name = own ? own : "";
    if (given && scalar_name(l, given, "name in input", &name))
        input->name = name.text.text;
    for (size_t i = 0; i < c->input_count; i++)
        if (strcmp(c->inputs[i].name, input->name) == 0)
            loader_error(l, given ? given->place : node->place, "the input at line %u of %s has the same name",
                         c->inputs[i].place.line, c->inputs[i].place.file->name);
}

/* Read before the input's own settings: `to` may ask for $parent. */
static void read_preset(struct loader *l, const struct yaml_node *node, struct input *input)
{
    const struct yaml_node *settings = preset_input_for(l, node);
    if (settings)
        section_read(l, &preset_section, settings, input);
}

void inputs_read(struct loader *l)
{
    struct config *c = l->config;
    bool any = false;
    for (size_t d = 0; d < l->document_count; d++) {
        const struct yaml_node *list = yaml_get(l->documents[d].root, "inputs");
        l->document = &l->documents[d];
        any |= list != NULL;
        if (list && (list->type != YAML_LIST || list->count == 0)) {
            loader_error(l, list->place, "inputs must be a list of inputs%s",
                         list->type == YAML_LIST ? ", not empty" : "");
            continue;
        }
        for (size_t i = 0; list && i < list->count; i++) {
            struct input *grown = arena_grow_array(l->arena, c->inputs, c->input_count, sizeof *c->inputs);
            if (!grown)
                return;
            c->inputs = grown;
            struct input *input = &c->inputs[c->input_count];
            *input = (struct input){.name = "", .place = list->items[i]->place};
            section_defaults(&input_section, input);
            if (section_check(l, &input_section, list->items[i])) {
                read_name(l, list->items[i], input);
                read_preset(l, list->items[i], input);
                section_values(l, &input_section, list->items[i], input);
                check_input(l, list->items[i], input);
            }
            c->input_count++;
        }
    }
    if (!any)
        loader_error(l, (struct source_place){l->documents[0].file, 1, 1},
                     "missing key \"inputs\" in the configuration");
}
