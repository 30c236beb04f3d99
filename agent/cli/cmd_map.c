/* raingauge map: what the rules make of these lines, on stdout. No network, no state. */
#include "cli/command.h"
#include "cli/map_reader.h"
#include "cli/options.h"
#include "cli/paint.h"
#include "cli/terminal.h"
#include "follow/scanner.h"
#include "limits.h"
#include "map/chunk_print.h"
#include "text/inflate.h"
#include "json/json_writer.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

struct map_command {
    struct config_options options;
    bool all, explain, colours;
    const char *input_name;

    const struct config *config;
    struct scan_rules *rules;
    struct map_reader reader;
    size_t default_input; /* of a LOGFILE that no input's paths match */
    struct buffer out;
    const char *name; /* of the file at hand, as it was given */
    bool failed;      /* a file could not be read to its end */
};

static void complain(struct map_command *m, const char *what)
{
    fprintf(stderr, "raingauge map: %s: %s\n", m->name, what);
    m->failed = true;
}

/* ---- What is shown ---------------------------------------------------------------------------------------------- */

static void paint(struct map_command *m)
{
    struct buffer painted;
    buffer_init(&painted, SIZE_MAX);
    paint_json_lines(buffer_slice(&m->out), &painted);
    painted.failed |= m->out.failed;
    buffer_release(&m->out);
    m->out = painted;
}

static bool write_out(struct map_command *m)
{
    if (m->colours)
        paint(m);
    bool nothing = m->out.len == 0; /* perhaps no memory yet */
    bool ok = !m->out.failed && (nothing || fwrite(m->out.data, 1, m->out.len, stdout) == m->out.len);
    if (m->out.failed)
        errno = ENOMEM;
    buffer_clear(&m->out);
    return ok;
}

static bool on_chunk(void *context, const struct chunk *chunk)
{
    struct map_command *m = context;
    chunk_print(&m->out, chunk, m->config, slice_from(m->name), m->all);
    return write_out(m);
}

/* {"explain":"RULE","file":…,"offset":…,"endpoint":…,"holds":false,"condition":"$.msg","at":"raingauge.yaml:12"};
 * the endpoint is a call's, whose own `when` it is. */
static void on_explanation(void *context, const struct explanation *e)
{
    struct map_command *m = context;
    const struct rule *rule = &m->config->rules.items[e->rule];
    buffer_add_text(&m->out, "{\"explain\":");
    json_write_string(&m->out, rule->name);
    buffer_add_text(&m->out, ",\"file\":");
    json_write_string(&m->out, slice_from(m->name));
    buffer_printf(&m->out, ",\"offset\":%llu", (unsigned long long)e->offset);
    if (e->call)
        buffer_printf(&m->out, ",\"endpoint\":\"%s\"", endpoint_paths[e->call->endpoint]);
    buffer_printf(&m->out, ",\"holds\":%s", e->why_not ? "false" : "true");
    if (e->why_not) {
        buffer_add_text(&m->out, ",\"condition\":");
        json_write_string(&m->out, e->why_not->source);
        if (rule->file) {
            struct buffer at;
            buffer_init(&at, LIMIT_PATH_BYTES + 32);
            buffer_printf(&at, "%s:%u", rule->file->name, e->why_not->line);
            buffer_add_text(&m->out, ",\"at\":");
            json_write_string(&m->out, buffer_slice(&at));
            buffer_release(&at);
        }
    }
    buffer_add_text(&m->out, "}\n");
}

/* ---- One file --------------------------------------------------------------------------------------------------- */

/* The path as the inputs' globs mean it. NULL: no memory. */
static char *absolute(const char *path)
{
    char directory[LIMIT_PATH_BYTES], *whole = NULL;
    while (strncmp(path, "./", 2) == 0)
        path += 2;
    if (path[0] == '/' || !getcwd(directory, sizeof directory))
        return strdup(path);
    return asprintf(&whole, "%s/%s", strcmp(directory, "/") == 0 ? "" : directory, path) < 0 ? NULL : whole;
}

static void map_content(struct map_command *m, const struct file_content *content, size_t input, const char *path)
{
    struct source source = {.input = input, .path = slice_from(path)};
    struct stat st;
    struct slice first_line;
    struct error error;
    if (!map_reader_first_line(&m->reader, content, &first_line, &error)) {
        complain(m, error.text);
        return;
    }
    if (fstat(content->fd, &st) == 0 && S_ISREG(st.st_mode) && content->fd != STDIN_FILENO)
        source.id = file_id_of(st.st_dev, st.st_ino, 0, first_line);
    else
        source.id = file_id_of_name(slice_from(m->name));
    if (!map_reader_run(&m->reader, &source, slice_from(m->name), on_chunk, m, &error))
        complain(m, error.text);
}

/* As `run` has it: by the name and the first bytes. */
static bool is_gzip(const struct map_command *m, int fd, size_t input, const char *path)
{
    char magic[2];
    return m->config->inputs[input].read_gz && slice_ends_with(slice_from(path), SLICE(".gz")) &&
           pread(fd, magic, sizeof magic, 0) == sizeof magic && inflate_is_gzip(slice_of(magic, sizeof magic));
}

/* What can be read of one that is not whole is mapped. */
static void map_gzip(struct map_command *m, int fd, size_t input, const char *path)
{
    struct file_content content = {.fd = fd, .gz = gz_reader_new()};
    if (!content.gz) {
        complain(m, strerror(ENOMEM));
        return;
    }
    map_content(m, &content, input, path);
    enum gz_end end = gz_reader_end(content.gz);
    if (end == GZ_CUT || end == GZ_DAMAGED)
        complain(m, end == GZ_CUT ? "the gzip file is cut off" : "the gzip file is damaged");
    gz_reader_free(content.gz);
}

static void map_file(struct map_command *m, const char *name, size_t input, const char *path)
{
    m->name = name;
    int fd = open(name, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    if (fd < 0) {
        complain(m, strerror(errno));
        return;
    }
    if (is_gzip(m, fd, input, path))
        map_gzip(m, fd, input, path);
    else
        map_content(m, &(struct file_content){.fd = fd}, input, path);
    close(fd);
}

static void map_argument(struct map_command *m, const char *name)
{
    m->name = name;
    if (strcmp(name, "-") == 0) {
        map_content(m, &(struct file_content){.fd = STDIN_FILENO}, m->default_input, name);
        return;
    }
    char *path = absolute(name);
    size_t input = path ? scan_rules_input_of(m->rules, slice_from(path)) : SIZE_MAX;
    if (path)
        map_file(m, name, input == SIZE_MAX ? m->default_input : input, path);
    else
        complain(m, strerror(ENOMEM));
    free(path);
}

/* ---- The inputs' own files -------------------------------------------------------------------------------------- */

/* Inputs in the configuration's order, within one the oldest file first, unless it is read by name. */
static int compare_found(const void *a, const void *b, void *config)
{
    const struct found_file *x = a, *y = b;
    if (x->input != y->input)
        return x->input < y->input ? -1 : 1;
    bool by_name = ((const struct config *)config)->inputs[x->input].order == ORDER_NAME;
    if (!by_name && x->mtime_ns != y->mtime_ns)
        return x->mtime_ns < y->mtime_ns ? -1 : 1;
    return strcmp(x->path, y->path);
}

static int compare_number(uint64_t a, uint64_t b)
{
    return (a > b) - (a < b);
}

static int compare_identity(const void *a, const void *b)
{
    const struct found_file *x = *(struct found_file *const *)a, *y = *(struct found_file *const *)b;
    int order = compare_number(x->device, y->device);
    if (order == 0)
        order = compare_number(x->inode, y->inode);
    return order ? order : (x > y) - (x < y);
}

/* One file, however many names and patterns lead to it, is read once, as `run` reads it: the first stays. False: no
 * memory. */
static bool forget_repeats(struct scan *scan)
{
    struct found_file **files = calloc(scan->count + 1, sizeof *files);
    size_t count = 0;
    if (!files)
        return false;
    for (size_t i = 0; i < scan->count; i++)
        if (scan->found[i].kind == FOUND_FILE && scan->found[i].matched)
            files[count++] = &scan->found[i];
    qsort(files, count, sizeof *files, compare_identity);
    for (size_t i = 1; i < count; i++)
        if (files[i]->device == files[i - 1]->device && files[i]->inode == files[i - 1]->inode)
            files[i]->matched = false;
    free(files);
    return true;
}

static void map_found(struct map_command *m, const struct found_file *found)
{
    m->name = found->path;
    if (found->kind == FOUND_UNREADABLE)
        complain(m, strerror(found->error));
    else if (found->kind == FOUND_FILE && found->matched)
        map_file(m, found->path, found->input, found->path);
}

static void map_inputs(struct map_command *m)
{
    struct scan scan;
    struct scan_request request = {.walk = true};
    scanner_run(m->rules, &request, &scan);
    if (!scan.failed && scan.count)
        qsort_r(scan.found, scan.count, sizeof *scan.found, compare_found, (void *)(uintptr_t)m->config);
    if (scan.failed || !forget_repeats(&scan)) {
        m->name = "inputs";
        complain(m, strerror(ENOMEM));
    } else {
        for (size_t i = 0; i < scan.count; i++)
            map_found(m, &scan.found[i]);
    }
    scan_release(&scan);
}

/* ---- The command ------------------------------------------------------------------------------------------------ */

static bool find_input(struct map_command *m)
{
    if (!m->input_name)
        return true;
    for (size_t i = 0; i < m->config->input_count; i++) {
        if (strcmp(m->config->inputs[i].name, m->input_name) == 0) {
            m->default_input = i;
            return true;
        }
    }
    usage_error("map", "--input: no input is named \"%s\"", m->input_name);
    return false;
}

static void map_end(struct map_command *m)
{
    struct error error;
    m->name = "merge";
    if (!map_reader_end(&m->reader, on_chunk, m, &error))
        complain(m, error.text);
}

static int map_all(struct map_command *m, struct mapper *mapper, struct merger *merger, char *const *arguments,
                   int count)
{
    m->rules = scan_rules_new(m->config);
    if (merger && m->explain)
        merger_explain(merger, (struct map_explainer){on_explanation, m});
    if (!mapper || !merger || !m->rules || !merger_configure(merger, m->config, m->config->upload.buffer / 4)) {
        fputs("raingauge map: out of memory\n", stderr);
        scan_rules_free(m->rules);
        return EXIT_FAILED;
    }
    if (m->explain)
        mapper_explain(mapper, (struct map_explainer){on_explanation, m});
    map_reader_init(&m->reader, mapper, merger, m->config, m->explain ? 0 : LIMIT_READ); /* explained line by line */
    buffer_init(&m->out, SIZE_MAX);
    for (int i = 0; i < count; i++)
        map_argument(m, arguments[i]);
    if (count == 0)
        map_inputs(m);
    map_end(m);
    buffer_release(&m->out);
    map_reader_release(&m->reader);
    scan_rules_free(m->rules);
    return m->failed ? EXIT_FAILED : EXIT_DONE;
}

static int run(char **arguments)
{
    struct map_command m = {0};
    const struct option_row rows[] = {{"--all", NULL, OPTION_FLAG, &m.all},
                                      {"--explain", NULL, OPTION_FLAG, &m.explain},
                                      {"--input", NULL, OPTION_TEXT, &m.input_name},
                                      CONFIG_OPTION_ROWS(&m.options),
                                      PRESET_OPTION_ROW(&m.options),
                                      OPTION_ROWS_END};
    int rest = arguments_parse("map", rows, arguments);
    if (rest < 0 || !options_take_globs(&m.options, "map", arguments, &rest))
        return EXIT_USAGE;
    struct config *config = options_load_or_explain(&m.options, CONFIG_FOR_MAP);
    if (!config)
        return EXIT_USAGE;
    m.config = config;
    m.colours = terminal_has_colours(STDOUT_FILENO);
    char host[256] = "";
    gethostname(host, sizeof host - 1);
    int code = EXIT_USAGE;
    if (find_input(&m)) {
        struct mapper *mapper = mapper_new(config, MAP_ALL, slice_from(host));
        struct merger *merger = merger_new(MAP_ALL, slice_from(host));
        code = map_all(&m, mapper, merger, arguments, rest);
        merger_free(merger);
        mapper_free(mapper);
    }
    config_free(config);
    return code;
}

static const char help[] =
    "Usage: raingauge map [--all] [--explain] [--input NAME] [-c FILE] [LOGFILE|-]...\n"
    "       raingauge map [--all] [--explain] --preset NAME GLOB...|-\n"
    "\n"
    "What the rules make of these lines, on standard output; nothing is sent or remembered. One JSON object a line "
    "for\n"
    "each call, just as it would be sent:\n"
    "  {\"endpoint\":\"events/track\",\"rule\":\"completion\",\"file\":\"chat.jsonl\",\"offset\":0,\"call\":{...}}\n"
    "Without LOGFILE the inputs' own files are mapped; - is standard input. No write key is needed.\n"
    "\n"
    "Options:\n"
    "  --all           also an object for each line that gave no call, and for each rejected call:\n"
    "                  {\"outcome\":\"unmatched\",\"file\":\"chat.jsonl\",\"offset\":812,\"reason\":\"no rule "
    "matches\"}\n"
    "                  (outcomes: unmatched, dropped, invalid, oversized, sampled, rejected)\n"
    "  --explain       before the calls of a line, an object for each rule that was tried on it: whether its `when`\n"
    "                  held, and which condition did not:\n"
    "                  {\"explain\":\"completion\",\"file\":\"chat.jsonl\",\"offset\":812,\"holds\":false,\n"
    "                   \"condition\":\"$.msg\",\"at\":\"raingauge.yaml:12\"}\n"
    "  --input NAME    the input that a LOGFILE is of, where no input's paths match it (default: the first)\n"
    "  -c, --config FILE\n"
    "                  the configuration (default: $RAINGAUGE_CONFIG, else /etc/raingauge/raingauge.yaml)\n"
    "  --preset NAME GLOB...\n"
    "                  the preset on these files in the place of a configuration\n"
    "  --state-dir DIR taken as the other commands take it; nothing is read or written there\n"
    "\n"
    "Exit codes: 0 done; 1 a file could not be read; 2 wrong usage or invalid configuration.\n"
    "\n"
    "Example:\n"
    "  tail -n 100 /var/log/chat/app.jsonl | raingauge map --all -c raingauge.yaml -\n";

const struct command command_map = {
    .name = "map",
    .summary = "what the rules make of these lines: to standard output, no network, no state",
    .help = help,
    .run = run,
};
