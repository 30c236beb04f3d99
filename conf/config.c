/* The loader: files → documents → one checked configuration.
 *
 * The happy path:
 *  - the file is read and parsed, and then what it includes: a document each (struct document);
 *  - sections are read in the order in which they refer to each other: tables, destinations, inputs, rules, tests;
 *    within a section this file's items first, then the includes';
 *  - the sum of all texts becomes the configuration's sha256.
 * What can go wrong is reported with its place, and reading goes on; only a main file that cannot be read or is not
 * YAML ends it at once. At the end an error, or lack of memory, means that there is no configuration. */
#include "config.h"

#include "base/digest.h"
#include "limits.h"
#include "settings.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>

void loader_error(struct loader *l, struct source_place place, const char *format, ...)
{
    char text[512];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    diagnostics_add(l->d, SEVERITY_ERROR, place, "%s", text);
}

void loader_warn(struct loader *l, struct source_place place, const char *format, ...)
{
    char text[512];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    diagnostics_add(l->d, SEVERITY_WARNING, place, "%s", text);
}

/* ---- The file's top --------------------------------------------------------------------------------------------- */

static const char *const log_levels[] = {"error", "warn", "info", "debug", NULL};
static const char *const log_formats[] = {"text", "json", NULL};
static const char *const reloads[] = {"signal", "watch", NULL};
static const char *const sandboxes[] = {"auto", "off", "require", NULL};

static void read_listen(struct loader *l, const struct yaml_member *member, void *target);
static void read_privacy(struct loader *l, const struct yaml_member *member, void *target);

static const struct setting batch_rows[] = {
    COUNT("max_calls", struct config, upload.max_calls, 1, LIMIT_BATCH_CALLS, 500),
    SIZE("max_bytes", struct config, upload.max_bytes, 1, LIMIT_BODY, KIB(900)),
    DURATION("max_age", struct config, upload.max_age_ms, 0, DAYS(1), SECONDS(1)),
};
static const struct section batch = SECTION_OF("upload.batch", batch_rows);

static const struct setting retry_rows[] = {
    DURATION("initial", struct config, upload.retry_initial_ms, 1, DAYS(1), 500),
    DURATION("max", struct config, upload.retry_max_ms, 1, DAYS(1), SECONDS(30)),
};
static const struct section retry = SECTION_OF("upload.retry", retry_rows);

static const struct setting upload_rows[] = {
    SUBSECTION("batch", &batch),
    BOOL("identify_batch", struct config, upload.identify_batch, false),
    COUNT("concurrency", struct config, upload.concurrency, 1, LIMIT_CONCURRENCY, 4),
    SIZE("buffer", struct config, upload.buffer, LIMIT_BUFFER_LEAST, SIZE_MAX / 4, MIB(16)),
    SUBSECTION("retry", &retry),
    COUNT("max_refused", struct config, upload.max_refused, 1, INT64_MAX, 100),
    RATE("rate_limit", struct config, upload.rate_limit),
    DURATION("shutdown_timeout", struct config, upload.shutdown_timeout_ms, 0, LONG_TIME, SECONDS(10)),
    DURATION("shutdown_follow", struct config, upload.shutdown_follow_ms, 0, LONG_TIME, 0),
};
static const struct section upload = SECTION_OF("upload", upload_rows);

static const struct setting identify_rows[] = {
    COUNT("cache", struct config, identify_cache, 0, 100000000, 10000),
};
static const struct section identify = SECTION_OF("identify", identify_rows);

static const struct setting checkpoint_rows[] = {
    DURATION("interval", struct config, checkpoint_interval_ms, 1, DAYS(1), SECONDS(1)),
    DURATION("forget_after", struct config, checkpoint_forget_after_ms, 0, LONG_TIME, DAYS(7)),
};
static const struct section checkpoint = SECTION_OF("checkpoint", checkpoint_rows);

static const struct setting dead_letter_rows[] = {
    SIZE("max_bytes", struct config, dead_letter_max_bytes, 1, SIZE_MAX / 4, MIB(100)),
    DURATION("max_age", struct config, dead_letter_max_age_ms, 0, LONG_TIME, 0),
    BOOL("lines", struct config, dead_letter_lines, false),
};
static const struct section dead_letter = SECTION_OF("dead_letter", dead_letter_rows);

static const struct setting admin_rows[] = {
    READ_BY("listen", read_listen),
    BOOL("page", struct config, admin_page, false),
};
static const struct section admin = SECTION_OF("admin", admin_rows);

static const struct setting log_rows[] = {
    CHOICE("level", struct config, log_level, log_levels, LOG_INFO),
    CHOICE("format", struct config, log_json, log_formats, false),
    DURATION("stats", struct config, log_stats_ms, 0, LONG_TIME, MINUTES(5)),
};
static const struct section log_section = SECTION_OF("log", log_rows);

static const struct setting main_rows[] = {
    ELSEWHERE("raindrop"),
    ELSEWHERE("destinations"),
    PATH("state_dir", struct config, state_dir),
    ELSEWHERE("inputs"),
    ELSEWHERE("include"),
    ELSEWHERE("rules"),
    ELSEWHERE("tables"),
    READ_BY("privacy", read_privacy),
    ELSEWHERE("tests"),
    SUBSECTION("upload", &upload),
    SUBSECTION("identify", &identify),
    SUBSECTION("checkpoint", &checkpoint),
    SUBSECTION("dead_letter", &dead_letter),
    SUBSECTION("admin", &admin),
    SUBSECTION("log", &log_section),
    CHOICE("reload", struct config, reload_watch, reloads, false),
    CHOICE("sandbox", struct config, sandbox, sandboxes, SANDBOX_AUTO),
};
static const struct section main_section = {"the configuration", true, main_rows,
                                            sizeof main_rows / sizeof main_rows[0]};

static const struct setting included_rows[] = {
    ELSEWHERE("inputs"), ELSEWHERE("rules"),        ELSEWHERE("tables"),
    ELSEWHERE("tests"),  ELSEWHERE("destinations"), ELSEWHERE("preset"),
};
static const struct section included_section = SECTION_OF("an included file", included_rows);

static const struct setting state_rows[] = {PATH("state_dir", struct config, state_dir)};
static const struct section state_section = {"the configuration", true, state_rows,
                                             sizeof state_rows / sizeof state_rows[0]};

/* ADDRESS:PORT, the address of IPv6 in brackets. */
static bool is_listen(struct slice text)
{
    size_t port = text.len;
    while (port > 0 && text.text[port - 1] >= '0' && text.text[port - 1] <= '9')
        port--;
    struct slice host = slice_of(text.text, port > 0 ? port - 1 : 0);
    if (port < 2 || text.text[port - 1] != ':' || text.len - port > 5 || text.len == port ||
        strtoul(text.text + port, NULL, 10) > 65535)
        return false;
    if (host.text[0] == '[')
        return host.text[host.len - 1] == ']';
    return !memchr(host.text, ':', host.len);
}

static void read_listen(struct loader *l, const struct yaml_member *member, void *target)
{
    struct scalar s;
    if (!scalar_name(l, member->value, "listen in admin", &s))
        return;
    if (!is_listen(s.text))
        loader_error(l, member->value->place, "listen in admin must be an address and a port such as 127.0.0.1:9464");
    ((struct config *)target)->admin_listen = s.text.text;
}

static void read_privacy(struct loader *l, const struct yaml_member *member, void *target)
{
    (void)target;
    privacy_read(l, member->value);
}

static void check_retry(struct loader *l, const struct yaml_node *root)
{
    const struct yaml_node *section = yaml_get(root, "upload");
    const struct yaml_node *node = section ? yaml_get(section, "retry") : NULL;
    if (node && l->config->upload.retry_max_ms < l->config->upload.retry_initial_ms)
        loader_error(l, yaml_get(node, "max") ? yaml_get(node, "max")->place : node->place,
                     "max in upload.retry must not be less than initial");
}

/* ---- Documents -------------------------------------------------------------------------------------------------- */

/* "a/b.yaml" → "a/", "b.yaml" → "" */
static struct slice directory_of(const char *name)
{
    const char *slash = strrchr(name, '/');
    return slice_of(name, slash ? (size_t)(slash - name) + 1 : 0);
}

static const char *absolute_directory(struct loader *l, const char *name)
{
    struct slice directory = directory_of(name);
    char *current = NULL;
    if (directory.len > 0 && directory.text[0] == '/')
        return arena_strdup(l->arena, directory);
    if (l->source->current_directory) {
        current = l->source->current_directory(l->source->context);
        if (!current)
            return NULL;
    }
    struct buffer path;
    buffer_init_in(&path, l->arena);
    if (current) {
        buffer_add_text(&path, current);
        buffer_add_char(&path, '/');
    }
    buffer_add(&path, directory);
    buffer_add_char(&path, '\0');
    free(current);
    return path.failed ? NULL : path.data;
}

/* Copies the file into the configuration and parses it. False where it is not YAML, or on lack of memory. */
static bool add_document(struct loader *l, const char *name, struct slice text, const char *directory)
{
    struct source_file *file = arena_calloc(l->arena, 1, sizeof *file);
    struct document *documents = arena_grow_array(l->arena, l->documents, l->document_count, sizeof *l->documents);
    if (!file || !documents)
        return false;
    l->documents = documents;
    file->name = arena_strdup(l->arena, slice_from(name));
    file->text = arena_copy(l->arena, text);
    if (!file->name || !file->text.text)
        return false;
    diagnostics_add_file(l->d, file);
    struct yaml_node *root = arena_calloc(l->arena, 1, sizeof *root);
    if (!root)
        return false;
    root->place = (struct source_place){file, 1, 1};
    if (!directory)
        directory = absolute_directory(l, name);
    if (!directory) {
        loader_error(l, root->place, "cannot find out the current directory, which paths are relative to");
        return false;
    }
    root->type = YAML_MAP;
    const struct yaml_node *parsed = yaml_tree_parse(l->arena, l->d, file);
    bool empty = parsed && parsed->type == YAML_NULL && parsed->text.len == 0;
    l->documents[l->document_count++] = (struct document){file, directory, parsed && !empty ? parsed : root};
    return parsed != NULL;
}

static bool is_loaded(const struct loader *l, const char *name)
{
    for (size_t i = 0; i < l->document_count; i++)
        if (strcmp(l->documents[i].file->name, name) == 0)
            return true;
    return false;
}

static const char *explain(const struct config_source *source, const char *path, int error)
{
    if (error == EINVAL)
        return "not a regular file";
    return source->explain ? source->explain(path, error) : strerror(error);
}

static void include_file(struct loader *l, const struct yaml_node *node, const char *name, bool secret)
{
    char *text = NULL;
    size_t len = 0;
    if (is_loaded(l, name))
        return;
    if (l->document_count > LIMIT_CONFIG_FILES) {
        loader_error(l, node->place, "too many files are included");
        return;
    }
    int error = l->source->read_file(l->source->context, name, &text, &len);
    if (error && secret)
        loader_error(l, node->place, "cannot read what is included: %s", explain(l->source, name, error));
    else if (error)
        loader_error(l, node->place, "cannot read \"%s\": %s", name, explain(l->source, name, error));
    else
        (void)!add_document(l, name, slice_of(text, len), NULL);
    free(text);
}

static void include_preset(struct loader *l, const struct yaml_node *node, const struct scalar *item)
{
    struct slice name = slice_from_offset(item->text, strlen("preset:")), text;
    if (is_loaded(l, item->text.text))
        return;
    if (l->source->preset && l->source->preset(l->source->context, name.text, &text))
        (void)!add_document(l, item->text.text, text, l->documents[0].directory);
    else if (item->secret)
        loader_error(l, node->place, "unknown preset");
    else
        loader_error(l, node->place, "unknown preset \"%s\"", name.text);
}

static bool has_wildcard(struct slice pattern)
{
    for (size_t i = 0; i < pattern.len; i++)
        if (strchr("*?[{", pattern.text[i]))
            return true;
    return false;
}

/* Kept for who wants to know which directories are looked at. */
static void keep_pattern(struct loader *l, const char *pattern)
{
    const char **grown =
        arena_grow_array(l->arena, (void *)(uintptr_t)l->config->includes, l->config->include_count, sizeof *grown);
    if (!grown)
        return;
    grown[l->config->include_count++] = pattern;
    l->config->includes = grown;
}

/* Names as the user would write them: relative to the directory that the main file was named in. */
static void include_pattern(struct loader *l, const struct yaml_node *node, const struct scalar *item)
{
    char **paths = NULL;
    size_t count = 0;
    struct buffer pattern;
    buffer_init_in(&pattern, l->arena);
    if (item->text.text[0] != '/')
        scalar_escape_pattern(&pattern, directory_of(l->documents[0].file->name));
    buffer_add(&pattern, item->text);
    buffer_add_char(&pattern, '\0');
    if (pattern.failed)
        return;
    keep_pattern(l, pattern.data);
    int error = l->source->glob(l->source->context, pattern.data, &paths, &count);
    if (error)
        loader_error(l, node->place, "cannot look for what is included: %s", strerror(error));
    else if (count == 0 && !has_wildcard(item->text))
        loader_error(l, node->place, "no such file");
    for (size_t i = 0; i < count; i++) {
        include_file(l, node, paths[i], item->secret);
        free(paths[i]);
    }
    free(paths);
}

static void read_includes(struct loader *l)
{
    const struct yaml_node *list = yaml_get(l->documents[0].root, "include");
    if (list && list->type != YAML_LIST)
        loader_error(l, list->place, "include must be a list of files and presets");
    for (size_t i = 0; list && list->type == YAML_LIST && i < list->count; i++) {
        struct scalar item;
        if (!scalar_name(l, list->items[i], "an item of include", &item))
            continue;
        if (slice_starts_with(item.text, SLICE("preset:")))
            include_preset(l, list->items[i], &item);
        else
            include_pattern(l, list->items[i], &item);
    }
}

/* ---- What expressions ask for ----------------------------------------------------------------------------------- */

static bool get_environment(void *context, struct slice name, struct slice *ret_value)
{
    struct loader *l = context;
    char *terminated = arena_strdup(l->arena, name);
    const char *value =
        terminated && l->environment.get ? l->environment.get(l->environment.context, terminated) : NULL;
    if (!value)
        return false;
    *ret_value = arena_copy(l->arena, slice_from(value));
    return ret_value->text != NULL;
}

static bool get_zone(void *context, struct slice name, struct slice *ret_tzif)
{
    struct loader *l = context;
    struct buffer path;
    char *text = NULL;
    size_t len = 0;
    buffer_init_in(&path, l->arena);
    buffer_add_text(&path, "/usr/share/zoneinfo/");
    buffer_add(&path, name);
    buffer_add_char(&path, '\0');
    if (path.failed || l->source->read_file(l->source->context, path.data, &text, &len) != 0)
        return false;
    *ret_tzif = arena_copy(l->arena, slice_of(text, len));
    free(text);
    return ret_tzif->text != NULL;
}

/* ---- Loading ---------------------------------------------------------------------------------------------------- */

static void set_sha256(struct loader *l)
{
    unsigned char hash[SHA256_BYTES];
    char hex[SHA256_HEX];
    struct slice *texts = arena_calloc(l->arena, l->document_count, sizeof *texts);
    if (!texts)
        return;
    for (size_t i = 0; i < l->document_count; i++)
        texts[i] = l->documents[i].file->text;
    if (!sha256_of(texts, l->document_count, hash)) {
        diagnostics_set_out_of_memory(l->d);
        return;
    }
    hex_write(hash, sizeof hash, hex);
    l->config->sha256 = arena_strdup(l->arena, slice_of(hex, sizeof hex));
}

static void keep_files(struct loader *l)
{
    const struct source_file **files = arena_calloc(l->arena, l->document_count, sizeof *files);
    for (size_t i = 0; i < l->document_count && files; i++)
        files[i] = l->documents[i].file;
    l->config->files = files;
    l->config->file_count = l->document_count;
}

static void read_sections(struct loader *l)
{
    struct config *c = l->config;
    const struct document *main = &l->documents[0];

    section_defaults(&main_section, c);
    if (!section_check(l, &main_section, main->root))
        return;
    read_includes(l);
    main = &l->documents[0]; /* they may have moved */
    l->document = main;
    for (size_t i = 1; i < l->document_count; i++)
        section_check(l, &included_section, l->documents[i].root);
    tables_read(l);
    destinations_read(l);
    preset_input_check(l);
    inputs_read(l);
    rules_read(l);
    tests_read(l);
    l->document = main;
    section_values(l, &main_section, main->root, c);
    check_retry(l, main->root);
}

/* status and the like need no more than state_dir: what else is wrong is not their business. */
static void read_state_dir(struct loader *l)
{
    const struct yaml_node *root = l->documents[0].root;
    if (root->type == YAML_MAP)
        section_values(l, &state_section, root, l->config);
}

/* A tree has only the mistakes that keep it from being read, where nothing but state_dir is asked for. */
static bool read_main(struct loader *l, const char *name, struct slice text)
{
    struct diagnostics *d = l->d;
    if (l->purpose != CONFIG_FOR_STATE)
        return add_document(l, name, text, NULL);
    l->d = diagnostics_new();
    bool read = l->d && add_document(l, name, text, NULL);
    for (size_t i = 0; l->d && !read && i < diagnostics_count(l->d); i++) {
        const struct diagnostic *e = diagnostics_at(l->d, i);
        diagnostics_add(d, e->severity, e->place, "%s", e->text);
    }
    if (!l->d || diagnostics_out_of_memory(l->d))
        diagnostics_set_out_of_memory(d);
    diagnostics_free(l->d);
    l->d = d;
    return read;
}

struct config *config_load_text(const struct config_source *source, const char *name, struct slice text,
                                enum config_purpose purpose, struct diagnostics *d)
{
    struct config *c = calloc(1, sizeof *c);
    if (!c) {
        diagnostics_set_out_of_memory(d);
        return NULL;
    }
    arena_init(&c->arena, LIMIT_CONFIG_ARENA);
    struct loader l = {
        .source = source,
        .environment = {source->get_environment, source->context},
        .purpose = purpose,
        .d = d,
        .config = c,
        .arena = &c->arena,
    };
    l.names = (struct expr_names){.environment = get_environment,
                                  .environment_context = &l,
                                  .zone = get_zone,
                                  .zone_context = &l,
                                  .regexes = &c->regexes};
    size_t errors = diagnostics_errors(d);
    c->path = arena_strdup(&c->arena, slice_from(name));
    if (read_main(&l, name, text)) {
        l.document = &l.documents[0];
        if (purpose == CONFIG_FOR_STATE)
            read_state_dir(&l);
        else
            read_sections(&l);
        keep_files(&l);
        set_sha256(&l);
    }
    if (c->arena.failed)
        diagnostics_set_out_of_memory(d);
    diagnostics_sort(d);
    if (diagnostics_errors(d) > errors || diagnostics_out_of_memory(d)) {
        config_free(c);
        return NULL;
    }
    return c;
}

struct config *config_load(const struct config_source *source, const char *path, enum config_purpose purpose,
                           struct diagnostics *d)
{
    char *text = NULL;
    size_t len = 0;
    int error = source->read_file(source->context, path, &text, &len);
    if (error) {
        const struct source_file file = {path, SLICE("")};
        diagnostics_add(d, SEVERITY_ERROR, (struct source_place){&file, 1, 1}, "cannot read the configuration: %s",
                        explain(source, path, error));
        return NULL;
    }
    struct config *c = config_load_text(source, path, slice_of(text, len), purpose, d);
    free(text);
    return c;
}

void config_free(struct config *c)
{
    if (!c)
        return;
    regex_free_all(&c->regexes);
    arena_release(&c->arena);
    free(c);
}
