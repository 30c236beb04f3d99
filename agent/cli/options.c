#include "cli/options.h"

#include "cli/command.h"
#include "cli/terminal.h"
#include "limits.h"
#include "presets.h"
#include "state/file_io.h"
#include "text/nearest.h"
#include "text/utf8.h"
#include "json/json_writer.h"

#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PRESETS_MOST = 64 };

#define DEFAULT_CONFIG "/etc/raingauge/raingauge.yaml"
#define DEFAULT_STATE_DIR "/var/lib/raingauge"

bool options_preset_is_known(const char *command, const char *name)
{
    const char *names[PRESETS_MOST];
    size_t count = 0;
    for (; count < preset_count && count < PRESETS_MOST; count++) {
        names[count] = presets[count].name;
        if (strcmp(names[count], name) == 0)
            return true;
    }
    const char *near = nearest_name(slice_from(name), names, count);
    usage_error(command, near ? "unknown preset \"%s\"; did you mean \"%s\"?" : "unknown preset \"%s\"", name, near);
    return false;
}

bool options_take_globs(struct config_options *o, const char *command, char **arguments, int *rest)
{
    if (!o->preset)
        return true;
    if (o->config_path) {
        usage_error(command, "--preset and -c cannot both be given");
        return false;
    }
    if (!options_preset_is_known(command, o->preset))
        return false;
    if (*rest == 0) {
        usage_error(command, "--preset %s needs a GLOB: the files it is for", o->preset);
        return false;
    }
    for (int i = 0; i < *rest; i++) {
        if (!utf8_is_valid(slice_from(arguments[i]))) {
            usage_error(command, "a GLOB must be UTF-8");
            return false;
        }
    }
    o->globs = arguments;
    o->glob_count = (size_t)*rest;
    if (*rest > 1 || strcmp(arguments[0], "-") != 0)
        *rest = 0;
    return true;
}

bool options_no_rest(const char *command, char *const *arguments, int rest)
{
    if (rest > 0)
        usage_error(command, "unexpected argument \"%s\"", arguments[0]);
    return rest == 0;
}

const char *options_config_path(const struct config_options *o)
{
    if (o->preset)
        return NULL;
    if (o->config_path)
        return o->config_path;
    const char *from_environment = getenv("RAINGAUGE_CONFIG");
    return from_environment && *from_environment ? from_environment : DEFAULT_CONFIG;
}

/* A GLOB as an element of `paths`: with no `${` that would be looked up in the environment. */
static void write_glob(struct buffer *out, struct slice glob)
{
    struct buffer plain;
    buffer_init(&plain, LIMIT_PATH_BYTES * 2);
    for (size_t i = 0; i < glob.len; i++) {
        if (slice_starts_with(slice_from_offset(glob, i), SLICE("${")))
            buffer_add_char(&plain, '$');
        buffer_add_char(&plain, glob.text[i]);
    }
    json_write_string(out, buffer_slice(&plain)); /* a JSON string is a YAML one */
    out->failed |= plain.failed;
    buffer_release(&plain);
}

void options_write_preset(const struct config_options *o, struct buffer *out)
{
    buffer_printf(out, "include: [\"preset:%s\"]\ninputs:\n  - paths:\n", o->preset);
    for (size_t i = 0; i < o->glob_count; i++) {
        buffer_add_text(out, "      - ");
        write_glob(out, slice_from(o->globs[i]));
        buffer_add_char(out, '\n');
    }
}

static const struct config_source *source_of(const struct config_options *o)
{
    return o->source ? o->source : &config_source_system;
}

static struct config *load_preset(const struct config_options *o, enum config_purpose purpose, struct diagnostics *d)
{
    struct config *config = NULL;
    struct buffer text;
    buffer_init(&text, LIMIT_CONFIG_FILE);
    options_write_preset(o, &text);
    if (text.failed)
        diagnostics_add(d, SEVERITY_ERROR, (struct source_place){0}, "--preset: the GLOBs are too long");
    else
        config = config_load_text(source_of(o), "--preset", buffer_slice(&text), purpose, d);
    buffer_release(&text);
    return config;
}

struct config *options_load(const struct config_options *o, enum config_purpose purpose, struct diagnostics *d)
{
    if (o->preset)
        return load_preset(o, purpose, d);
    return config_load(source_of(o), options_config_path(o), purpose, d);
}

void options_print_diagnostics(struct diagnostics *d)
{
    struct buffer out;
    buffer_init(&out, LIMIT_CONFIG_FILE);
    diagnostics_print(d, &out, terminal_is(STDERR_FILENO), terminal_has_colours(STDERR_FILENO));
    if (out.len)
        fwrite(out.data, 1, out.len, stderr);
    if (out.failed || diagnostics_out_of_memory(d))
        fputs("raingauge: out of memory\n", stderr);
    buffer_release(&out);
}

struct config *options_load_or_explain(const struct config_options *o, enum config_purpose purpose)
{
    struct diagnostics *d = diagnostics_new();
    if (!d) {
        fputs("raingauge: out of memory\n", stderr);
        return NULL;
    }
    struct config *config = options_load(o, purpose, d);
    options_print_diagnostics(d);
    diagnostics_free(d);
    return config;
}

static char *join(const char *directory, const char *rest)
{
    char *path = NULL;
    return asprintf(&path, "%s%s", directory, rest) < 0 ? NULL : path;
}

static const char *environment(const char *name)
{
    const char *value = getenv(name);
    return value && *value ? value : NULL;
}

char *options_state_dir(const struct config_options *o, const struct config *config)
{
    if (o->state_dir)
        return strdup(o->state_dir);
    if (config && config->state_dir)
        return strdup(config->state_dir);
    const char *systemd = environment("STATE_DIRECTORY"); /* a list, where a unit names several */
    if (systemd)
        return strndup(systemd, strcspn(systemd, ":"));
    const char *xdg = environment("XDG_STATE_HOME"), *home = environment("HOME");
    if (geteuid() != 0 && xdg && xdg[0] == '/')
        return join(xdg, "/raingauge");
    if (geteuid() != 0 && home && home[0] == '/')
        return join(home, "/.local/state/raingauge");
    return strdup(DEFAULT_STATE_DIR);
}

char *options_find_state_dir(const struct config_options *o)
{
    bool chosen = o->config_path || environment("RAINGAUGE_CONFIG");
    if (o->state_dir || (!chosen && access(DEFAULT_CONFIG, F_OK) != 0))
        return options_state_dir(o, NULL);
    struct config *config = options_load_or_explain(o, CONFIG_FOR_STATE);
    char *state_dir = config ? options_state_dir(o, config) : NULL;
    config_free(config);
    return state_dir;
}

static bool make_directory(const char *path)
{
    if (mkdir(path, 0700) < 0)
        return errno == EEXIST;
    bool synced = file_sync_directory_of(path);
    (void)synced; /* what holds it may not be readable: then the name lasts as that does */
    return true;
}

bool options_make_state_dir(const char *state_dir, struct error *ret_error)
{
    char *path = strdup(state_dir);
    bool made = path != NULL;
    for (char *slash = path ? strchr(path + 1, '/') : NULL; made && slash; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        made = make_directory(path);
        *slash = '/';
    }
    made = made && make_directory(path);
    int reason = errno;
    free(path);
    struct stat found;
    if (made && stat(state_dir, &found) == 0 && S_ISDIR(found.st_mode))
        return true;
    error_set(ret_error, "state directory '%s': %s", state_dir, strerror(made ? ENOTDIR : reason));
    return false;
}
