#include "map/rejections.h"

struct reasons {
    void (*on_reason)(void *context, const char *reason);
    void *context;
};

/* A field that is not mapped is NULL, and never wrong. */
static void add_if_varies(const struct reasons *to, const struct expr *field, const char *reason)
{
    struct value literal;
    if (field && !expr_is_constant(field, &literal))
        to->on_reason(to->context, reason);
}

static void add_attachment(const struct reasons *to, const struct attachment_rule *a)
{
    add_if_varies(to, a->type, "missing attachments.type");
    add_if_varies(to, a->type, "invalid attachments.type");
    add_if_varies(to, a->role, "missing attachments.role");
    add_if_varies(to, a->role, "invalid attachments.role");
}

static void add_call(const struct reasons *to, const struct call_rule *call)
{
    bool is_identify = call->endpoint == ENDPOINT_IDENTIFY;
    if (call->endpoint == ENDPOINT_SIGNAL && !call->event_id) /* its rule's event may be none */
        to->on_reason(to->context, "missing event_id");
    add_if_varies(to, call->event_id, "missing event_id");
    add_if_varies(to, call->user_id, "missing user_id");
    add_if_varies(to, call->event, "missing event");
    add_if_varies(to, call->signal_name, "missing signal_name");
    add_if_varies(to, call->signal_type, "invalid signal_type");
    add_if_varies(to, call->sentiment, "invalid sentiment");
    for (size_t i = 0; i < call->property_count; i++) {
        add_if_varies(to, call->properties[i], is_identify ? "invalid traits" : "invalid properties");
        if (is_identify)
            add_if_varies(to, call->properties[i], "missing traits");
    }
    for (size_t i = 0; i < call->attachment_count; i++)
        add_attachment(to, &call->attachments[i]);
    to->on_reason(to->context, "too large");
}

static void add_routes(const struct reasons *to, const struct config *config, const struct rule *rule)
{
    add_if_varies(to, rule->to, "destination");
    add_if_varies(to, rule->project, "project");
    for (size_t i = 0; i < config->input_count && !rule->to; i++)
        if (rule_applies_to(rule, i))
            add_if_varies(to, config->inputs[i].to, "destination");
    for (size_t i = 0; i < config->destination_count && !rule->project; i++)
        add_if_varies(to, config->destinations[i].project, "project");
}

void rejections_of(const struct config *config, const struct rule *rule,
                   void (*on_reason)(void *context, const char *reason), void *context)
{
    const struct reasons to = {on_reason, context};
    for (size_t i = 0; i < rule->call_count; i++)
        add_call(&to, &rule->calls[i]);
    if (rule->call_count == 0)
        return;
    add_routes(&to, config, rule);
    if (config->privacy.refuse_count > 0)
        on_reason(context, "privacy");
}
