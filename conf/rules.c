/* `rules:` → struct rules.
 *
 * A rule's parts are read from the outside in, so that each sees the names that are in force there: first `let`, one by
 * one, then what looks at the record (`when`, `to`, `sample`, `merge`), then the calls. */
#include "settings.h"

#include "text/nearest.h"
#include "json/json_number.h"

#include <math.h>

const char *const endpoint_paths[ENDPOINT_COUNT] = {"events/track", "signals/track", "users/identify"};

static void read_sample(struct loader *l, const struct yaml_member *member, void *target);
static void read_merge(struct loader *l, const struct yaml_member *member, void *target);
static void read_to(struct loader *l, const struct yaml_member *member, void *target);
static void read_project(struct loader *l, const struct yaml_member *member, void *target);
static void read_when(struct loader *l, const struct yaml_member *member, void *target);

static const struct setting rule_rows[] = {
    ELSEWHERE("name"),
    ELSEWHERE("inputs"),
    ELSEWHERE("let"),
    READ_BY("when", read_when),
    READ_BY("to", read_to),
    READ_BY("project_id", read_project),
    BOOL("drop", struct rule, drop, false),
    BOOL("continue", struct rule, continue_, false),
    READ_BY("sample", read_sample),
    READ_BY("merge", read_merge),
    ELSEWHERE("event"),
    ELSEWHERE("signal"),
    ELSEWHERE("identify"),
};
static const struct section rule_section = SECTION_OF("rule", rule_rows);

static const char *const call_keys[ENDPOINT_COUNT] = {"event", "signal", "identify"};

/* ---- let -------------------------------------------------------------------------------------------------------- */

/* Names that mean something else behind a `$`. */
static bool is_reserved(struct slice name)
{
    static const char *const reserved[] = {"item", "key", "outer", "env", "meta"};
    for (size_t i = 0; i < sizeof reserved / sizeof reserved[0]; i++)
        if (slice_is(name, reserved[i]))
            return true;
    if (!slice_starts_with(name, SLICE("parent")))
        return false;
    for (size_t i = strlen("parent"); i < name.len; i++)
        if (name.text[i] < '0' || name.text[i] > '9')
            return false;
    return true;
}

static bool is_name(struct slice text)
{
    for (size_t i = 0; i < text.len; i++) {
        char c = text.text[i];
        bool letter = c == '_' || ((c | 32) >= 'a' && (c | 32) <= 'z');
        if (!letter && (i == 0 || c < '0' || c > '9'))
            return false;
    }
    return text.len > 0;
}

/* Whether an expression looks at nothing but the record: each `$` in it is the record's. */
static bool is_of_record_only(struct slice text)
{
    if (text.len == 0 || text.text[0] != '$')
        return false;
    for (size_t i = 0; i < text.len; i++)
        if (text.text[i] == '$' && i + 1 < text.len && !strchr(".[ |),", text.text[i + 1]))
            return false;
    return memmem(text.text, text.len, "{{", 2) == NULL;
}

/* Rules often begin with the same let: it need not be evaluated for each of them. */
static uint32_t shared_let(struct loader *l, const struct yaml_node *value)
{
    if (value->type != YAML_TEXT || !is_of_record_only(value->text))
        return LET_NOT_SHARED;
    for (uint32_t i = 0; i < l->shared_let_count; i++)
        if (slice_equal(l->shared_lets[i], value->text))
            return i;
    if (l->shared_let_count == LETS_SHARED_MOST)
        return LET_NOT_SHARED;
    l->shared_lets[l->shared_let_count] = value->text;
    return l->shared_let_count++;
}

struct lets lets_read(struct loader *l, const struct yaml_node *node)
{
    struct lets lets = {0, NULL};
    if (node->type != YAML_MAP) {
        loader_error(l, node->place, "let must be a map of names");
        return lets;
    }
    struct let *items = arena_calloc(l->arena, node->count, sizeof *items);
    struct slice *names = arena_calloc(l->arena, l->names.let_count + node->count, sizeof *names);
    if (!items || !names)
        return lets;
    for (size_t i = 0; i < l->names.let_count; i++)
        names[i] = l->names.lets[i];
    l->names.lets = names;
    for (size_t i = 0; i < node->count; i++) {
        const struct yaml_member *member = &node->members[i];
        if (!is_name(member->key))
            loader_error(l, member->key_place,
                         "a name in let must be of letters, digits and _, and not begin with a digit");
        else if (is_reserved(member->key))
            loader_error(l, member->key_place, "$%.*s has a meaning of its own; let needs another name",
                         SLICE_FMT(member->key));
        items[i] = (struct let){member->key, value_read(l, member->value), shared_let(l, member->value)};
        names[l->names.let_count++] = member->key; /* seen by those that follow */
    }
    lets.items = items;
    lets.count = node->count;
    return lets;
}

/* ---- What looks at the record ----------------------------------------------------------------------------------- */

static void read_when(struct loader *l, const struct yaml_member *member, void *target)
{
    ((struct rule *)target)->when = condition_read(l, member->value);
}

static void read_to(struct loader *l, const struct yaml_member *member, void *target)
{
    ((struct rule *)target)->to = destination_read_to(l, member->value);
}

static void read_project(struct loader *l, const struct yaml_member *member, void *target)
{
    ((struct rule *)target)->project = destination_read_project(l, member->value);
}

struct rate {
    double rate;
    const struct expr *by;
};

static void read_sample_by(struct loader *l, const struct yaml_member *member, void *target)
{
    ((struct rate *)target)->by = value_of_record(l, member->value, "by in sample");
}

static const struct setting sample_rows[] = {
    {.key = "rate", .type = SETTING_RATE, FIELD(struct rate, rate), .required = true},
    READ_BY("by", read_sample_by),
};
static const struct section sample_section = SECTION_OF("sample", sample_rows);

/* rate × 2^64 */
static void set_sample(struct sample_rule *sample, double rate)
{
    sample->set = true;
    sample->all = rate >= 1;
    sample->below = sample->all ? UINT64_MAX : (uint64_t)ldexp(rate, 64);
}

static void read_sample(struct loader *l, const struct yaml_member *member, void *target)
{
    struct sample_rule *sample = &((struct rule *)target)->sample;
    const struct yaml_node *node = member->value, *rate_node = node;
    struct rate rate = {.rate = 1};
    struct scalar scalar;

    if (node->type == YAML_MAP) {
        section_read(l, &sample_section, node, &rate);
        rate_node = yaml_get(node, "rate") ? yaml_get(node, "rate") : node;
    } else if (node->type == YAML_LIST) {
        rate.rate = -1;
    } else if (scalar_read(l, node, &scalar)) {
        rate.rate = scalar.type == YAML_NUMBER ? json_number_to_double(scalar.text) : -1;
    }
    if (!(rate.rate >= 0 && rate.rate <= 1))
        loader_error(l, rate_node->place, "sample must be a number from 0 to 1");
    else
        set_sample(sample, rate.rate);
    sample->by = rate.by;
}

static void read_merge_by(struct loader *l, const struct yaml_member *member, void *target)
{
    ((struct merge_rule *)target)->by = value_of_record(l, member->value, "by in merge");
}

static void read_merge_until(struct loader *l, const struct yaml_member *member, void *target)
{
    ((struct merge_rule *)target)->until = condition_read(l, member->value);
}

/* A chain of member names, because it says where in the merged record a text grows. */
static void read_merge_append(struct loader *l, const struct yaml_member *member, void *target)
{
    struct merge_rule *merge = target;
    const struct yaml_node *node = member->value;
    if (node->type != YAML_LIST || node->count == 0) {
        loader_error(l, node->place, "append in merge must be a list of paths");
        return;
    }
    const struct expr **append = arena_calloc(l->arena, node->count, sizeof *append);
    struct json_merge_path *paths = arena_calloc(l->arena, node->count, sizeof *paths);
    for (size_t i = 0; i < node->count && append && paths; i++) {
        append[i] = value_expression(l, node->items[i], "append in merge");
        if (append[i] && (!expr_member_chain(append[i], &paths[i].names, &paths[i].count) || paths[i].count == 0))
            loader_error(l, node->items[i]->place,
                         "append in merge must be a path of member names such as $.delta.text");
    }
    merge->append = append;
    merge->append_paths = paths;
    merge->append_count = node->count;
}

static const struct setting merge_rows[] = {
    {.key = "by", .type = SETTING_READ, .read = read_merge_by, .required = true},
    READ_BY("until", read_merge_until),
    DURATION("timeout", struct merge_rule, timeout_ms, 0, LONG_TIME, SECONDS(60)),
    COUNT("max_open", struct merge_rule, max_open, 1, 10000000, 10000),
    EXPRESSION("as", struct merge_rule, as),
    READ_BY("append", read_merge_append),
};
static const struct section merge_section = SECTION_OF("merge", merge_rows);

static void read_merge(struct loader *l, const struct yaml_member *member, void *target)
{
    struct merge_rule *merge = &((struct rule *)target)->merge;
    section_defaults(&merge_section, merge);
    section_read(l, &merge_section, member->value, merge);
    merge->set = true;
}

/* ---- Names and inputs ------------------------------------------------------------------------------------------- */

static size_t find_input(const struct config *c, struct slice name)
{
    size_t i = 0;
    while (i < c->input_count && !slice_is(name, c->inputs[i].name))
        i++;
    return i;
}

static void report_input(struct loader *l, const struct yaml_node *node, const struct scalar *name)
{
    const char **names = arena_calloc(l->arena, l->config->input_count, sizeof *names);
    if (!names)
        return;
    for (size_t i = 0; i < l->config->input_count; i++)
        names[i] = l->config->inputs[i].name;
    if (name->secret)
        loader_error(l, node->place, "unknown input");
    else
        loader_error(l, node->place, "unknown input \"%s\"%s", name->text.text,
                     did_you_mean(l, name->text, names, l->config->input_count));
}

static void read_inputs_of(struct loader *l, const struct yaml_node *node, struct rule *rule)
{
    if (node->type != YAML_LIST || node->count == 0) {
        loader_error(l, node->place, "inputs in rule must be a list of names");
        return;
    }
    bool *applies = arena_calloc(l->arena, l->config->input_count, sizeof *applies);
    for (size_t i = 0; i < node->count && applies; i++) {
        struct scalar name;
        if (!scalar_name(l, node->items[i], "a name in inputs", &name))
            continue;
        size_t input = find_input(l->config, name.text);
        if (input < l->config->input_count)
            applies[input] = true;
        else
            report_input(l, node->items[i], &name);
    }
    rule->applies_to_input = applies;
}

static void note_merging(struct config *c, const struct rule *rule)
{
    for (size_t i = 0; i < c->input_count; i++)
        c->inputs[i].merges |= rule_applies_to(rule, i);
}

/* How many $parents a record of the rule's inputs can have. */
static size_t parents_of(const struct config *c, const struct rule *rule)
{
    size_t most = 0;
    for (size_t i = 0; i < c->input_count; i++)
        if (rule_applies_to(rule, i) && c->inputs[i].record_count > most)
            most = c->inputs[i].record_count;
    return most;
}

static void read_name(struct loader *l, const struct yaml_node *node, size_t place, struct rule *rule)
{
    const struct yaml_node *given = yaml_get(node, "name");
    struct scalar name;
    if (given && scalar_name(l, given, "name in rule", &name)) {
        rule->name = name.text;
        rule->named = true;
    }
    if (!rule->named) {
        char text[32];
        int n = snprintf(text, sizeof text, "rule-%zu", place + 1);
        rule->name = slice_from(arena_strdup(l->arena, slice_of(text, (size_t)n)));
    }
    const struct rules *rules = &l->config->rules;
    for (size_t i = 0; i < rules->count; i++) {
        if (&rules->items[i] == rule || !slice_equal(rules->items[i].name, rule->name))
            continue;
        struct source_place where = given ? given->place : node->place;
        loader_error(l, where, "%s, at line %u of %s, has the same name%s", given ? "another rule" : "an unnamed rule",
                     rules->items[i].line, rules->items[i].file->name, given ? "" : "; give this one a name");
        break;
    }
}

/* ---- Rules ------------------------------------------------------------------------------------------------------ */

static size_t count_calls(const struct call_list *calls, enum endpoint endpoint)
{
    size_t n = 0;
    for (size_t i = 0; i < calls->count; i++)
        n += calls->items[i].endpoint == endpoint;
    return n;
}

/* What a rule's calls need of each other. */
static void check_calls(struct loader *l, const struct yaml_node *node, const struct rule *rule,
                        const struct call_list *calls)
{
    const struct yaml_node *signals = yaml_get(node, "signal");
    bool list = signals && signals->type == YAML_LIST;
    for (size_t i = 0; signals && i < (list ? signals->count : 1); i++) {
        const struct yaml_node *signal = list ? signals->items[i] : signals;
        if (signal->type == YAML_MAP && !yaml_get(signal, "event_id") && count_calls(calls, ENDPOINT_EVENT) == 0)
            loader_error(l, signal->place, "missing key \"event_id\" in signal");
    }
    bool any_call = false;
    for (unsigned e = 0; e < ENDPOINT_COUNT; e++)
        any_call |= yaml_get(node, call_keys[e]) != NULL;
    const struct yaml_node *drop = yaml_get(node, "drop");
    if (rule->drop && any_call)
        loader_error(l, yaml_member_of(node, "drop")->key_place, "a rule with drop: true makes no calls");
    else if (!any_call && (!drop || drop->type == YAML_BOOL) && !rule->drop)
        loader_error(l, node->place, "a rule needs an event, a signal, an identify, or drop: true");

    bool makes_ids = false;
    for (size_t i = 0; i < calls->count; i++)
        makes_ids |= calls->items[i].endpoint == ENDPOINT_EVENT && !calls->items[i].event_id;
    if (makes_ids && !rule->named && (l->purpose == CONFIG_FOR_CHECK || l->purpose == CONFIG_FOR_ONLINE))
        loader_warn(l, node->place, "event ids are made of the rule's name, which is its place (%s): give it a name",
                    rule->name.text);
}

static bool mentions_parent(struct slice text)
{
    return text.len && memmem(text.text, text.len, "$parent", strlen("$parent"));
}

/* Wherever it stands: in a key, an expression, a template. */
static bool looks_at_parents(const struct yaml_node *node)
{
    if (node->type != YAML_LIST && node->type != YAML_MAP)
        return mentions_parent(node->text);
    for (size_t i = 0; i < node->count; i++) {
        bool is_map = node->type == YAML_MAP;
        if ((is_map && mentions_parent(node->members[i].key)) ||
            looks_at_parents(is_map ? node->members[i].value : node->items[i]))
            return true;
    }
    return false;
}

static void read_rule(struct loader *l, const struct yaml_node *node, size_t place, struct rule *rule)
{
    struct call_list calls = {NULL, 0};
    const struct expr_names outside = l->names;
    *rule = (struct rule){.name = SLICE(""), .file = node->place.file, .line = node->place.line};
    if (!section_check(l, &rule_section, node))
        return;
    read_name(l, node, place, rule);
    if (yaml_get(node, "inputs"))
        read_inputs_of(l, yaml_get(node, "inputs"), rule);
    l->names.parents = parents_of(l->config, rule);
    l->names.filters = &rule->filters;
    if (yaml_get(node, "let"))
        rule->lets = lets_read(l, yaml_get(node, "let"));
    rule->slot_count = rule->lets.count;
    section_values(l, &rule_section, node, rule);
    rule->merge.uses_parents = rule->merge.set && looks_at_parents(node);
    if (rule->merge.set)
        note_merging(l->config, rule);
    for (unsigned endpoint = 0; endpoint < ENDPOINT_COUNT; endpoint++)
        if (yaml_get(node, call_keys[endpoint]))
            calls_read(l, endpoint, yaml_get(node, call_keys[endpoint]), rule, &calls);
    rule->calls = calls.items;
    rule->call_count = calls.count;
    check_calls(l, node, rule, &calls);
    l->names = outside;
}

void rules_read(struct loader *l)
{
    struct rules *rules = &l->config->rules;
    bool any = false;
    for (size_t d = 0; d < l->document_count; d++) {
        const struct yaml_node *list = yaml_get(l->documents[d].root, "rules");
        l->document = &l->documents[d];
        any |= list != NULL;
        if (list && (list->type != YAML_LIST || list->count == 0)) {
            loader_error(l, list->place, "rules must be a list of rules%s",
                         list->type == YAML_LIST ? ", not empty" : "");
            continue;
        }
        for (size_t i = 0; list && i < list->count; i++) {
            struct rule *grown = arena_grow_array(l->arena, rules->items, rules->count, sizeof *rules->items);
            if (!grown)
                return;
            rules->items = grown;
            read_rule(l, list->items[i], i, &rules->items[rules->count]);
            if (rules->items[rules->count].slot_count > rules->max_slots)
                rules->max_slots = rules->items[rules->count].slot_count;
            rules->count++;
        }
    }
    rules->shared_lets = l->shared_let_count;
    if (!any)
        loader_error(l, (struct source_place){l->documents[0].file, 1, 1},
                     "missing key \"rules\" in the configuration");
}
