/* raingauge init: from log lines to a configuration.
 *
 * The happy path:
 *  - the files' first lines are read, unpacked, out of their envelope (init/samples);
 *  - every preset is tried on them (init/trial); one that makes calls of them is included, and named;
 *  - else rules are drafted from the members' names and values (init/draft), and tried on the lines themselves.
 * What can go wrong:
 *  - a file cannot be read, or has no line: nothing is written;
 *  - the draft makes no call, or refused ones: rules that fit any line take its place;
 *  - the file to write to exists: it stays as it is. */
#include "cli/command.h"
#include "cli/options.h"
#include "cli/terminal.h"
#include "init/config_file.h"
#include "init/draft.h"
#include "init/trial.h"
#include "limits.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#define SOMEWHERE "/var/log/app/*.jsonl" /* to be replaced by the user */

struct init_command {
    const char *preset, *out_path;
    char **paths; /* absolute, owned */
    size_t path_count;
    struct buffer out;
};

/* ---- The list --------------------------------------------------------------------------------------------------- */

static int list_presets(void)
{
    struct arena arena;
    bool good = true;
    arena_init(&arena, LIMIT_CONFIG_ARENA);
    printf("%-19s %s\n", "NAME", "READS (VERSIONS)");
    for (size_t i = 0; i < preset_count && good; i++) {
        struct preset_about about;
        arena_reset(&arena);
        good = preset_about(&presets[i], &arena, &about);
        if (good)
            printf("%-19s %s (%s)\n", presets[i].name, about.reads, about.versions);
    }
    arena_release(&arena);
    if (!good)
        fputs("raingauge init: out of memory\n", stderr);
    return good ? EXIT_DONE : EXIT_FAILED;
}

static const struct preset *find_preset(const char *name)
{
    for (size_t i = 0; i < preset_count; i++)
        if (strcmp(presets[i].name, name) == 0)
            return &presets[i];
    return NULL;
}

/* ---- Writing ---------------------------------------------------------------------------------------------------- */

static bool write_all(int fd, struct slice text)
{
    while (text.len > 0) {
        ssize_t n = write(fd, text.text, text.len);
        if (n < 0 && errno != EINTR)
            return false;
        text = slice_from_offset(text, n > 0 ? (size_t)n : 0);
    }
    return true;
}

static void say_next(const struct init_command *c, char *const *arguments)
{
    const char *name = c->out_path ? c->out_path : "raingauge.yaml";
    if (!terminal_is(STDERR_FILENO))
        return;
    fputs("\nNext:\n", stderr);
    if (c->out_path) {
        fprintf(stderr, "  raingauge map -c %s\n  RAINDROP_WRITE_KEY=... raingauge run -c %s\n", name, name);
    } else {
        fprintf(stderr, "  raingauge init -o %s", name);
        if (c->preset)
            fprintf(stderr, " --preset %s", c->preset);
        for (; *arguments; arguments++)
            fprintf(stderr, " %s", *arguments);
        fprintf(stderr, "\n  raingauge map -c %s\n", name);
    }
}

static int hand_out(struct init_command *c, char *const *arguments)
{
    if (c->out.failed) {
        fputs("raingauge init: out of memory\n", stderr);
        return EXIT_FAILED;
    }
    int fd = c->out_path ? open(c->out_path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644) : STDOUT_FILENO;
    bool good = fd >= 0 && write_all(fd, buffer_slice(&c->out));
    int why = errno;
    if (c->out_path && fd >= 0)
        good = close(fd) == 0 && good;
    if (!good) {
        fprintf(stderr, "raingauge init: %s: %s\n", c->out_path ? c->out_path : "standard output",
                why == EEXIST ? "exists; it is left as it is" : strerror(why));
        return EXIT_FAILED;
    }
    say_next(c, arguments);
    return EXIT_DONE;
}

/* ---- A preset's file -------------------------------------------------------------------------------------------- */

static void write_preset(struct init_command *c, const struct preset *preset)
{
    char place[] = SOMEWHERE, *somewhere[] = {place};
    char about[200];
    snprintf(about, sizeof about,
             "The preset %s, to be worked on; include: [\"preset:%s\"] has the same rules built in.", preset->name,
             preset->name);
    config_file_begin(&c->out, about);
    config_file_input(&c->out, c->path_count ? c->paths : somewhere, c->path_count ? c->path_count : 1, NULL, preset);
    config_file_rules_of(&c->out, preset);
}

/* ---- A draft ---------------------------------------------------------------------------------------------------- */

static void write_recognised(struct init_command *c, const struct samples *s, const struct preset *preset,
                             const struct trial *trial)
{
    char about[200];
    snprintf(about, sizeof about, "These are lines of the preset %s: %zu of %zu looked at give a call.", preset->name,
             trial->lines, s->count);
    fprintf(stderr, "raingauge init: %s\n", about);
    config_file_begin(&c->out, about);
    config_file_input(&c->out, c->paths, c->path_count, s, preset);
    if (s->parser == PARSER_LOGFMT && !trial->raw) {
        buffer_truncate(&c->out, c->out.len - 1);
        buffer_add_text(&c->out, "    parser: logfmt\n\n");
    }
    config_file_include(&c->out, preset);
}

static bool write_draft(struct init_command *c, const struct samples *s)
{
    struct trial trial;
    config_file_begin(&c->out,
                      "A draft from the names and values in the log. Look it over: each place says how sure it is.");
    config_file_input(&c->out, c->paths, c->path_count, s, NULL);
    size_t rules_at = c->out.len;
    if (s->parser != PARSER_RAW && !draft_rules(s, &c->out))
        return false;
    if (!trial_run(s, "draft", buffer_slice(&c->out), &trial))
        return false;
    bool fits = trial.valid && trial.lines > 0 && trial.refused == 0;
    if (!fits) {
        buffer_truncate(&c->out, rules_at);
        draft_fallback(s, &c->out);
    }
    fprintf(stderr, "raingauge init: no preset knows these lines; %s\n",
            fits ? "the rules are a draft, with what is sure and what is a guess in its comments"
                 : "and nothing looks like a prompt, an answer or a rating");
    return true;
}

static bool read_samples(struct init_command *c, struct samples *s, char *const *arguments)
{
    for (; *arguments; arguments++) {
        struct error error;
        if (!samples_read(s, *arguments, &error)) {
            fprintf(stderr, "raingauge init: %s: %s\n", *arguments, error.text);
            return false;
        }
    }
    if (!samples_decide(s)) {
        fputs("raingauge init: out of memory\n", stderr);
        return false;
    }
    if (s->count == 0)
        fprintf(stderr, "raingauge init: %s has no line to look at\n",
                c->path_count == 1 ? c->paths[0] : "none of the files");
    return s->count > 0;
}

static bool write_for_samples(struct init_command *c, const struct samples *s)
{
    const struct preset *preset;
    struct trial trial;
    bool good = trial_find_preset(s, &preset, &trial);
    if (good && preset)
        write_recognised(c, s, preset, &trial);
    else if (good)
        good = write_draft(c, s);
    if (!good)
        fputs("raingauge init: out of memory\n", stderr);
    return good;
}

static int draft(struct init_command *c, char *const *arguments)
{
    struct samples *s = calloc(1, sizeof *s);
    int code = EXIT_FAILED;
    if (!s) {
        fputs("raingauge init: out of memory\n", stderr);
        return code;
    }
    samples_init(s);
    if (read_samples(c, s, arguments) && write_for_samples(c, s))
        code = hand_out(c, arguments);
    samples_release(s);
    free(s);
    return code;
}

/* ---- The command ------------------------------------------------------------------------------------------------ */

/* What stands in `paths`: absolute, as a configuration's paths are relative to where it lies. */
static bool take_paths(struct init_command *c, char *const *arguments, size_t count)
{
    c->paths = calloc(count + 1, sizeof *c->paths);
    for (size_t i = 0; c->paths && i < count; i++) {
        bool standard_input = strcmp(arguments[i], "-") == 0;
        char *path = standard_input ? strdup(SOMEWHERE) : realpath(arguments[i], NULL);
        c->paths[i] = path ? path : strdup(arguments[i]);
        if (!c->paths[i])
            return false;
        c->path_count++;
    }
    return c->paths != NULL;
}

static int make(struct init_command *c, char *const *arguments, size_t count)
{
    if (!take_paths(c, arguments, count)) {
        fputs("raingauge init: out of memory\n", stderr);
        return EXIT_FAILED;
    }
    if (!c->preset)
        return draft(c, arguments);
    write_preset(c, find_preset(c->preset));
    return hand_out(c, arguments);
}

static int run(char **arguments)
{
    struct init_command c = {.preset = NULL};
    const struct option_row rows[] = {
        {"--preset", NULL, OPTION_TEXT, &c.preset}, {"--output", "-o", OPTION_TEXT, &c.out_path}, OPTION_ROWS_END};
    int rest = arguments_parse("init", rows, arguments);
    if (rest < 0)
        return EXIT_USAGE;
    if (c.preset && strcmp(c.preset, "list") == 0)
        return list_presets();
    if (c.preset && !options_preset_is_known("init", c.preset))
        return EXIT_USAGE;
    if (!c.preset && rest == 0)
        return usage_error("init", "a LOGFILE to look at is needed, or --preset NAME (--preset list names them)");
    buffer_init(&c.out, LIMIT_CONFIG_FILE);
    int code = make(&c, arguments, (size_t)rest);
    buffer_release(&c.out);
    for (size_t i = 0; i < c.path_count; i++)
        free(c.paths[i]);
    free(c.paths);
    return code;
}

static const char help[] =
    "Usage: raingauge init [-o FILE] LOGFILE...\n"
    "       raingauge init [-o FILE] --preset NAME [LOGFILE...]\n"
    "       raingauge init --preset list\n"
    "\n"
    "Drafts a commented configuration from the first lines of some log files: JSON lines, logfmt or text, also in\n"
    ".gz files and in containers' logs (CRI, Docker); - is standard input. What a preset knows is included by name;\n"
    "else what looks like a user's id, a prompt, an answer, a rating and so on is found by names and values, and a\n"
    "comment says how sure it is. The configuration is valid, and makes calls of these lines.\n"
    "\n"
    "Options:\n"
    "  -o, --output FILE  write to FILE, which must not exist yet (default: standard output)\n"
    "  --preset NAME      print the preset as a configuration of its own, for these files; `list` names them all\n"
    "\n"
    "Exit codes: 0 done; 1 a file could not be read or written; 2 wrong usage.\n"
    "\n"
    "Example:\n"
    "  raingauge init -o raingauge.yaml /var/log/chat/app.jsonl\n"
    "  raingauge map -c raingauge.yaml\n";

const struct command command_init = {
    .name = "init",
    .summary = "draft a commented configuration from sample log lines",
    .help = help,
    .run = run,
};
