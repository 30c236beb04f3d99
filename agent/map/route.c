#include "map/route.h"

static bool find_destination(const struct config *config, struct slice name, uint32_t *ret)
{
    for (size_t i = 0; i < config->destination_count; i++) {
        if (slice_is(name, config->destinations[i].name)) {
            *ret = (uint32_t)i;
            return true;
        }
    }
    return false;
}

struct route route_of(const struct config *config, const struct input *input, const struct rule *rule,
                      struct scope *scope)
{
    struct route route = {0};
    const struct expr *to = rule->to ? rule->to : input->to;
    if (to) {
        struct value name = expr_eval(to, scope);
        if (!find_destination(config, value_as_text(scope->arena, &name), &route.destination)) {
            route.rejection = "destination";
            return route;
        }
    }
    const struct expr *project = rule->project ? rule->project : config->destinations[route.destination].project;
    if (project) {
        struct value slug = expr_eval(project, scope);
        route.project = value_as_text(scope->arena, &slug);
        if (!config_is_slug(route.project))
            route.rejection = "project";
    }
    return route;
}
