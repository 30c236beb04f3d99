/* Another configuration in the place of the one in force, without a line lost or repeated.
 *
 * The happy path: the new one is loaded and checked whole, then given to every part in one go; jobs that are under way
 * end with the old one, which is freed when none uses it any more. Lines read before keep the old rules, batches in
 * flight the old settings.
 * What can go wrong: it is invalid, or asks for what only a restart can give: everything stays as it is, and that is
 * said; memory is lacking half-way: the old one is put back. */
#include "agent_internal.h"

#include "limits.h"
#include "map/rejections.h"
#include "sandbox/sandbox.h"

static void begin_reason(void *context, const char *reason)
{
    struct rule_metrics *series = context;
    metrics_count_reason(&series->rejected, reason, 0);
}

static bool begin_rule(struct metrics *m, const struct config *config, const struct rule *rule)
{
    struct rule_metrics *series = metrics_rule(m, rule->name);
    if (!series)
        return false;
    series->merges |= rule->merge.set;
    series->filters |= rule->filters;
    rejections_of(config, rule, begin_reason, series);
    return true;
}

bool agent_begin_series(struct metrics *m, const struct config *config)
{
    for (size_t i = 0; i < config->input_count; i++)
        if (!metrics_input(m, config->inputs[i].name))
            return false;
    for (size_t i = 0; i < config->rules.count; i++)
        if (!begin_rule(m, config, &config->rules.items[i]))
            return false;
    for (size_t i = 0; i < config->destination_count; i++)
        if (!metrics_destination(m, config->destinations[i].name))
            return false;
    return true;
}

/* Jobs of before the last reload are under way. */
static bool is_reloading(const struct agent *a)
{
    return a->retired_count > 0 && !(tailer_is_configured(a->tailer) && watcher_is_configured(a->watcher));
}

/* An old configuration goes once no job, and no record that is open, looks at it. */
static void drop_retired(struct agent *a)
{
    size_t kept = 0;
    if (is_reloading(a))
        return;
    for (size_t i = 0; i < a->retired_count; i++) {
        struct setup *old = &a->retired[i];
        scan_rules_free(old->scan_rules);
        old->scan_rules = NULL;
        if (merging_uses(a->merging, old->config))
            a->retired[kept++] = *old;
        else
            config_free(old->config);
    }
    a->retired_count = kept;
}

/* False: no memory. Then some parts may have the new one already, so the caller puts the old one back. */
static bool configure_parts(struct agent *a, const struct setup *setup)
{
    const struct config *c = setup->config;
    bool ok = agent_begin_series(a->metrics, c) && delivery_configure(a->delivery, c) &&
              uploader_configure(a->uploader, c) && file_table_configure(a->files, c, setup->scan_rules) &&
              watcher_configure(a->watcher, c, setup->scan_rules) &&
              tailer_configure(a->tailer, c, setup->scan_rules) && merging_configure(a->merging, c);
    if (ok) {
        dead_letters_configure(a->dead_letters, c);
        log_configure(a->log, c->log_level, c->log_json);
    }
    return ok;
}

/* Says why the configuration cannot replace the one in force while the agent runs; false: it can. */
static bool needs_restart(struct agent *a, const struct config *config, struct buffer *why)
{
    char *state_dir = a->options->state_dir_of(a->options->load_context, config);
    bool same = state_dir && strcmp(state_dir, a->options->state_dir) == 0;
    free(state_dir);
    if (!same)
        buffer_add_text(why, "state_dir: needs a restart");
    const char *was = a->config->admin_listen ? a->config->admin_listen : "";
    const char *is = config->admin_listen ? config->admin_listen : "";
    if (same && strcmp(was, is) != 0)
        buffer_add_text(why, "admin.listen: needs a restart");
    char *outside = why->len == 0 ? sandbox_lacks(config) : NULL;
    if (outside)
        buffer_printf(why, "%s: needs a restart: the sandbox does not allow this directory", outside);
    free(outside);
    return why->len > 0;
}

/* Says why the configuration stays out of force, and frees it. */
static bool refuse(struct agent *a, struct config *config, struct slice why, struct buffer *said)
{
    buffer_printf(said, "%s: error: %.*s\n", config->path, SLICE_FMT(why));
    log_event(a->log, LOG_ERROR, "", "configuration error", LOG_TEXT("at", config->path), LOG_SLICE("error", why),
              LOG_END);
    config_free(config);
    return false;
}

/* Takes the configuration. */
static bool replace_config(struct agent *a, struct config *config, struct buffer *said)
{
    struct buffer why;
    buffer_init(&why, LIMIT_PATH_BYTES);
    bool stays = needs_restart(a, config, &why);
    if (stays)
        refuse(a, config, buffer_slice(&why), said);
    buffer_release(&why);
    if (stays)
        return false;
    struct setup old = {a->config, a->scan_rules};
    struct setup new = {config, scan_rules_new(config)};
    struct setup *retired = realloc(a->retired, (a->retired_count + 1) * sizeof *retired);
    if (retired)
        a->retired = retired;
    if (!retired || !new.scan_rules || !configure_parts(a, &new)) {
        if (new.scan_rules && !configure_parts(a, &old))
            log_event(a->log, LOG_ERROR, "", "no memory to go back to the old configuration", LOG_END);
        scan_rules_free(new.scan_rules);
        return refuse(a, config, SLICE("out of memory"), said);
    }
    a->config = new.config;
    a->scan_rules = new.scan_rules;
    a->retired[a->retired_count++] = old;
    config_watch_release(&a->config_watch);
    if (!config_watch_init(&a->config_watch, a->config, uv_now(&a->loop)))
        log_event(a->log, LOG_ERROR, "", "no memory to watch the configuration", LOG_END);
    return true;
}

static void log_diagnostics(struct agent *a, const struct diagnostics *d)
{
    for (size_t i = 0; i < diagnostics_count(d); i++) {
        const struct diagnostic *one = diagnostics_at(d, i);
        bool error = one->severity == SEVERITY_ERROR;
        char place[LIMIT_PATH_BYTES];
        snprintf(place, sizeof place, "%s:%u:%u", one->place.file ? one->place.file->name : "", one->place.line,
                 one->place.column);
        log_event(a->log, error ? LOG_ERROR : LOG_WARN, "", error ? "configuration error" : "configuration warning",
                  LOG_TEXT("at", place), LOG_TEXT("error", one->text), LOG_END);
    }
}

/* Checks first, then exchanges in one go: an invalid file leaves everything as it is. What is to be said is appended.
 */
static bool reload(struct agent *a, struct buffer *said)
{
    notify_reloading(&a->notify);
    struct diagnostics *d = diagnostics_new();
    struct config *config = d ? a->options->load(a->options->load_context, d) : NULL;
    if (d) {
        diagnostics_print(d, said, false, false);
        log_diagnostics(a, d);
        diagnostics_free(d);
    }
    bool unchanged = config && strcmp(config->sha256, a->config->sha256) == 0;
    bool ok = config && replace_config(a, config, said);
    a->metrics->reload_failed = !ok;
    log_event(a->log, ok ? LOG_INFO : LOG_ERROR, "",
              ok ? "configuration reloaded" : "configuration not reloaded; the old one stays",
              LOG_TEXT("sha256", a->config->sha256), LOG_TEXT("changed", unchanged ? "no" : "yes"), LOG_END);
    notify_say(&a->notify, "READY=1");
    return ok;
}

/* One at a time: the next waits until no job uses the configuration before the last one. */
void agent_reload_if_wanted(struct agent *a, uint64_t now)
{
    drop_retired(a);
    if (config_watch_is_due(&a->config_watch, now))
        a->reload_wanted = true;
    if (!a->reload_wanted || is_reloading(a) || a->stage != STAGE_RUNNING)
        return;
    a->reload_wanted = false;
    struct buffer said;
    buffer_init(&said, LIMIT_CONFIG_FILE);
    reload(a, &said);
    buffer_release(&said);
}

unsigned agent_reload_on_request(void *agent, struct buffer *said)
{
    struct agent *a = agent;
    drop_retired(a);
    if (is_reloading(a) || a->stage != STAGE_RUNNING) {
        buffer_add_text(said, a->stage == STAGE_RUNNING ? "another reload is under way\n" : "the agent is stopping\n");
        return 503;
    }
    return reload(a, said) ? 200 : 422;
}
