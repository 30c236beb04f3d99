#include "map/call_fields.h"

static struct value eval(const struct expr *e, struct scope *scope)
{
    return e ? expr_eval(e, scope) : VALUE_NONE;
}

void call_lets_begin(const struct rule *rule, const struct call_rule *call, struct scope *scope)
{
    for (size_t i = 0; i < call->lets.count; i++)
        scope->lets[rule->lets.count + i] = (struct let_slot){.expr = call->lets.items[i].value};
}

/* A `let` is evaluated where it is first used. That must not be inside an attachment's for_each, where $item is
 * another one. */
static bool finish_lets(struct scope *scope)
{
    for (size_t i = 0; i < scope->let_count; i++) {
        struct let_slot *let = &scope->lets[i];
        if (!let->expr || let->state != LET_NEW)
            continue;
        let->state = LET_BUSY;
        let->value = expr_eval(let->expr, scope);
        if (!value_share(scope->arena, &let->value))
            let->value = VALUE_NONE;
        let->state = LET_DONE;
    }
    return !scope->arena->failed;
}

/* ---- Attachments ------------------------------------------------------------------------------------------------ */

struct attachment_list {
    struct call_attachment *items;
    size_t count, cap;
};

static bool add_attachment(const struct attachment_rule *rule, struct scope *scope, struct attachment_list *list)
{
    if (rule->when && !condition_holds(rule->when, scope))
        return true;
    if (list->count == list->cap) {
        size_t cap = list->cap ? list->cap * 2 : 4, size = sizeof *list->items;
        struct call_attachment *grown = arena_grow(scope->arena, list->items, list->cap * size, cap * size);
        if (!grown)
            return false;
        list->items = grown;
        list->cap = cap;
    }
    list->items[list->count++] = (struct call_attachment){
        .type = eval(rule->type, scope),
        .name = eval(rule->name, scope),
        .value = eval(rule->value, scope),
        .role = eval(rule->role, scope),
        .language = eval(rule->language, scope),
        .attachment_id = eval(rule->attachment_id, scope),
    };
    return !scope->arena->failed;
}

static bool add_each_attachment(const struct attachment_rule *rule, struct scope *scope, struct attachment_list *list)
{
    struct value *items, *keys, item = scope->item, key = scope->key, outer = scope->outer;
    size_t count;
    if (!finish_lets(scope) || !expr_eval_each(rule->for_each, scope, &items, &keys, &count))
        return false;
    bool ok = true;
    scope->outer = item;
    for (size_t i = 0; i < count && ok; i++) {
        scope->item = items[i];
        scope->key = keys[i];
        ok = add_attachment(rule, scope, list);
    }
    scope->item = item;
    scope->key = key;
    scope->outer = outer;
    return ok;
}

static bool evaluate_attachments(const struct call_rule *call, struct scope *scope, struct call_fields *f)
{
    struct attachment_list list = {0};
    for (size_t i = 0; i < call->attachment_count; i++) {
        const struct attachment_rule *rule = &call->attachments[i];
        if (!(rule->for_each ? add_each_attachment(rule, scope, &list) : add_attachment(rule, scope, &list)))
            return false;
    }
    f->attachments = list.items;
    f->attachment_count = list.count;
    return true;
}

/* ---- Properties and traits -------------------------------------------------------------------------------------- */

static bool evaluate_properties(const struct call_rule *call, struct scope *scope, struct value *ret,
                                const char **ret_reason)
{
    struct value *parts = arena_calloc(scope->arena, call->property_count, sizeof *parts);
    if (!parts)
        return false;
    for (size_t i = 0; i < call->property_count; i++)
        parts[i] = expr_eval(call->properties[i], scope);
    if (scope->arena->failed)
        return false;
    enum properties_result result = properties_merge(scope->arena, parts, call->property_count, ret);
    if (result == PROPERTIES_INVALID)
        *ret_reason = call->endpoint == ENDPOINT_IDENTIFY ? "invalid traits" : "invalid properties";
    return result == PROPERTIES_OK;
}

bool call_fields_evaluate(const struct call_rule *call, struct scope *scope, struct call_fields *ret,
                          const char **ret_reason)
{
    struct call_fields f = {
        .user_id = eval(call->user_id, scope),
        .event_id = eval(call->event_id, scope),
        .timestamp = eval(call->timestamp, scope),
        .event = eval(call->event, scope),
        .model = eval(call->model, scope),
        .input = eval(call->input, scope),
        .output = eval(call->output, scope),
        .convo_id = eval(call->convo_id, scope),
        .signal_name = eval(call->signal_name, scope),
        .signal_type = eval(call->signal_type, scope),
        .sentiment = eval(call->sentiment, scope),
        .attachment_id = eval(call->attachment_id, scope),
    };
    *ret_reason = NULL;
    if (!evaluate_properties(call, scope, &f.properties, ret_reason) || !evaluate_attachments(call, scope, &f))
        return false;
    *ret = f;
    return !scope->arena->failed;
}
