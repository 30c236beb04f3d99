#include "cli/path_warnings.h"

#include "follow/scanner.h"

struct findings {
    bool file;
    int error; /* of something that could not be looked at */
};

static void warn(const struct input *input, const struct findings *found, struct diagnostics *d)
{
    if (found->file)
        return;
    /* No path is named: a part of it may have come from the environment. */
    if (found->error)
        diagnostics_add(d, SEVERITY_WARNING, input->paths_place,
                        "paths match no file; something there cannot be read: %s", strerror(found->error));
    else
        diagnostics_add(d, SEVERITY_WARNING, input->paths_place, "paths match no file");
}

static void look(const struct config *config, const struct scan *scan, struct findings *found)
{
    for (size_t i = 0; i < scan->count; i++) {
        const struct found_file *f = &scan->found[i];
        if (f->input >= config->input_count)
            continue;
        if (f->kind == FOUND_FILE && f->matched)
            found[f->input].file = true;
        if (f->kind == FOUND_UNREADABLE)
            found[f->input].error = f->error;
    }
    for (size_t i = 0; i < config->input_count; i++)
        found[i].file |= !scan->walked[i] && !found[i].error; /* nobody looked */
}

void path_warnings_add(const struct config *config, struct diagnostics *d)
{
    struct scan_rules *rules = scan_rules_new(config);
    struct findings *found = calloc(config->input_count + 1, sizeof *found);
    if (!rules || !found) {
        diagnostics_set_out_of_memory(d);
    } else {
        struct scan scan;
        scanner_run(rules, &(struct scan_request){.walk = true}, &scan);
        if (scan.failed)
            diagnostics_set_out_of_memory(d);
        else
            look(config, &scan, found);
        for (size_t i = 0; i < config->input_count && !scan.failed; i++)
            warn(&config->inputs[i], &found[i], d);
        scan_release(&scan);
    }
    free(found);
    scan_rules_free(rules);
}
