/* The calls of a rule: event, signal, identify (contract 4). */
#include "settings.h"
#include "wire/call_sets.h"

/* ---- Fields ----------------------------------------------------------------------------------------------------- */

static void read_properties(struct loader *l, const struct yaml_member *member, void *target);
static void read_attachments(struct loader *l, const struct yaml_member *member, void *target);

static void read_timestamp(struct loader *l, const struct yaml_member *member, void *target)
{
    struct call_rule *call = target;
    call->timestamp = value_read(l, member->value);
    if (call->timestamp && !value_may_be_time(l, call->timestamp))
        loader_error(l, member->value->place, "timestamp must be a time such as $.time or \"2026-01-31T12:00:00Z\"");
}

/* What comes before the fields: these rows are read first, by read_call(). */
#define FRAME_ROWS ELSEWHERE("when"), ELSEWHERE("for_each"), ELSEWHERE("let")

static const struct setting ai_data_rows[] = {
    EXPRESSION("model", struct call_rule, model),
    EXPRESSION("input", struct call_rule, input),
    EXPRESSION("output", struct call_rule, output),
    EXPRESSION("convo_id", struct call_rule, convo_id),
};
static const struct section ai_data = SECTION_OF("ai_data", ai_data_rows);

static void read_ai_data(struct loader *l, const struct yaml_member *member, void *target)
{
    const struct yaml_node *node = member->value;
    section_read(l, &ai_data, node, target);
    if (node->type == YAML_MAP && !yaml_get(node, "input") && !yaml_get(node, "output"))
        loader_error(l, node->place, "missing key \"input\" or \"output\" in ai_data");
}

static const struct setting event_rows[] = {
    FRAME_ROWS,
    REQUIRED_EXPRESSION("event", struct call_rule, event),
    REQUIRED_EXPRESSION("user_id", struct call_rule, user_id),
    EXPRESSION("event_id", struct call_rule, event_id),
    READ_BY("timestamp", read_timestamp),
    READ_BY("ai_data", read_ai_data),
    READ_BY("properties", read_properties),
    READ_BY("attachments", read_attachments),
};

static const struct setting signal_rows[] = {
    FRAME_ROWS,
    REQUIRED_EXPRESSION("signal_name", struct call_rule, signal_name),
    EXPRESSION("event_id", struct call_rule, event_id),
    {.key = "signal_type",
     .type = SETTING_EXPRESSION,
     FIELD(struct call_rule, signal_type),
     .choices = call_signal_types},
    {.key = "sentiment",
     .type = SETTING_EXPRESSION,
     FIELD(struct call_rule, sentiment),
     .choices = call_sentiments,
     .any_case = true},
    READ_BY("timestamp", read_timestamp),
    EXPRESSION("attachment_id", struct call_rule, attachment_id),
    READ_BY("properties", read_properties),
};

static const struct setting identify_rows[] = {
    FRAME_ROWS,
    REQUIRED_EXPRESSION("user_id", struct call_rule, user_id),
    {.key = "traits", .type = SETTING_READ, .read = read_properties, .required = true},
};

static const struct section call_sections[ENDPOINT_COUNT] = {
    [ENDPOINT_EVENT] = SECTION_OF("event", event_rows),
    [ENDPOINT_SIGNAL] = SECTION_OF("signal", signal_rows),
    [ENDPOINT_IDENTIFY] = SECTION_OF("identify", identify_rows),
};

static const struct setting attachment_rows[] = {
    ELSEWHERE("when"),
    ELSEWHERE("for_each"),
    {.key = "type",
     .type = SETTING_EXPRESSION,
     FIELD(struct attachment_rule, type),
     .required = true,
     .choices = call_attachment_types},
    REQUIRED_EXPRESSION("value", struct attachment_rule, value),
    {.key = "role",
     .type = SETTING_EXPRESSION,
     FIELD(struct attachment_rule, role),
     .required = true,
     .choices = call_attachment_roles},
    EXPRESSION("name", struct attachment_rule, name),
    EXPRESSION("language", struct attachment_rule, language),
    EXPRESSION("attachment_id", struct attachment_rule, attachment_id),
};
static const struct section attachment = SECTION_OF("attachment", attachment_rows);

/* ---- Their parts ------------------------------------------------------------------------------------------------ */

static const struct expr *read_each(struct loader *l, const struct yaml_node *call)
{
    const struct yaml_node *node = yaml_get(call, "for_each");
    return node ? value_expression(l, node, "for_each") : NULL;
}

/* One part of properties or traits: an object, as far as that can be told. */
static const struct expr *read_part(struct loader *l, const struct yaml_node *node, const char *key)
{
    bool may_be_object =
        node->type == YAML_MAP || (node->type == YAML_TEXT && expr_kind_of(node->text) == EXPR_KIND_EXPRESSION);
    if (may_be_object)
        return value_read(l, node);
    loader_error(l, node->place, "%s must be a map, an expression, or a list of these", key);
    return NULL;
}

static void read_properties(struct loader *l, const struct yaml_member *member, void *target)
{
    struct call_rule *call = target;
    const struct yaml_node *node = member->value;
    const char *key = call->endpoint == ENDPOINT_IDENTIFY ? "traits" : "properties";
    size_t count = node->type == YAML_LIST ? node->count : 1;
    const struct expr **parts = arena_calloc(l->arena, count, sizeof *parts);

    for (size_t i = 0; i < count && parts; i++)
        parts[i] = read_part(l, node->type == YAML_LIST ? node->items[i] : node, key);
    call->properties = parts;
    call->property_count = count;
    call->properties_mapped = true;
}

static void read_attachment(struct loader *l, const struct yaml_node *node, const struct call_rule *call,
                            struct attachment_rule *a)
{
    unsigned roots = l->names.roots;
    if (!section_check(l, &attachment, node))
        return;
    a->for_each = read_each(l, node);
    if (yaml_get(node, "for_each"))
        l->names.roots = EXPR_ITEM | (call->for_each ? EXPR_OUTER : 0U);
    if (yaml_get(node, "when"))
        a->when = condition_read(l, yaml_get(node, "when"));
    section_values(l, &attachment, node, a);
    l->names.roots = roots;
}

static void read_attachments(struct loader *l, const struct yaml_member *member, void *target)
{
    struct call_rule *call = target;
    const struct yaml_node *node = member->value;
    if (node->type != YAML_LIST) {
        loader_error(l, node->place, "attachments must be a list of maps");
        return;
    }
    struct attachment_rule *items = arena_calloc(l->arena, node->count, sizeof *items);
    for (size_t i = 0; i < node->count && items; i++)
        read_attachment(l, node->items[i], call, &items[i]);
    call->attachments = items;
    call->attachment_count = node->count;
}

/* ---- Calls ------------------------------------------------------------------------------------------------------ */

/* `let` comes first: all else sees its names. $item is there wherever for_each is; for_each itself has none. */
static void read_call(struct loader *l, const struct yaml_node *node, struct call_rule *call)
{
    const struct section *section = &call_sections[call->endpoint];
    const struct expr_names outside = l->names;
    if (!section_check(l, section, node))
        return;
    const unsigned roots = outside.roots | (yaml_get(node, "for_each") ? EXPR_ITEM : 0U);
    l->names.roots = roots;
    if (yaml_get(node, "let"))
        call->lets = lets_read(l, yaml_get(node, "let"));
    l->names.roots = outside.roots;
    call->for_each = read_each(l, node);
    l->names.roots = roots;
    if (yaml_get(node, "when"))
        call->when = condition_read(l, yaml_get(node, "when"));
    section_values(l, section, node, call);
    l->names = outside;
}

void calls_read(struct loader *l, enum endpoint endpoint, const struct yaml_node *node, struct rule *rule,
                struct call_list *calls)
{
    bool list = node->type == YAML_LIST;
    size_t count = list ? node->count : 1;
    if (count == 0)
        loader_error(l, node->place, "%s must not be an empty list", call_sections[endpoint].name);
    for (size_t i = 0; i < count; i++) {
        struct call_rule *grown = arena_grow_array(l->arena, calls->items, calls->count, sizeof *calls->items);
        if (!grown)
            return;
        calls->items = grown;
        struct call_rule *call = &calls->items[calls->count++];
        *call = (struct call_rule){.endpoint = endpoint};
        read_call(l, list ? node->items[i] : node, call);
        if (rule->lets.count + call->lets.count > rule->slot_count)
            rule->slot_count = rule->lets.count + call->lets.count;
    }
}
