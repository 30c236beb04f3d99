/* raingauge test: the configuration's `tests:`, lines that must give certain calls. */
#include "cli/call_match.h"
#include "cli/command.h"
#include "cli/options.h"
#include "cli/terminal.h"
#include "limits.h"
#include "merge/merger.h"
#include "json/json_writer.h"

#include <unistd.h>

struct test_run {
    const struct config *config;
    struct mapper *mapper;
    struct slice host;
    struct chunk chunk;
    struct buffer lines;
    struct buffer out; /* what is wrong with the test at hand */
    struct arena arena;
    bool colours;
};

static const char *const endpoint_names[ENDPOINT_COUNT] = {"event", "signal", "identify"};

/* The end of a test's lines is the end of its input. */
static bool merge(struct test_run *run)
{
    struct merger *m = merger_new(MAP_ALL, run->host);
    bool merged = m && merger_configure(m, run->config, run->config->upload.buffer / 4) &&
                  merger_take(m, &run->chunk, run->config, SLICE("-"));
    if (merged) {
        merger_end_all(m);
        merged = merger_add_ended(m, &run->chunk, run->config);
    }
    if (m)
        merger_forget(m, &run->chunk);
    merger_free(m);
    return merged;
}

static bool map_lines(struct test_run *run, const struct config_test *test)
{
    const struct source_text text = {.in_envelope = true};
    struct source source = {.id = file_id_of_name(test->name), .input = test->input, .path = SLICE("-"), .text = &text};
    position_init(&source.at);
    buffer_clear(&run->lines);
    for (size_t i = 0; i < test->line_count; i++) {
        buffer_add(&run->lines, test->lines[i]);
        buffer_add_char(&run->lines, '\n');
    }
    if (run->lines.failed)
        return false;
    mapper_take(run->mapper, &source, buffer_slice(&run->lines), 0, MAP_TAKE_LAST_LINE_ANYHOW, SIZE_MAX, 0,
                &run->chunk);
    return run->chunk.result != CHUNK_NO_MEMORY && merge(run);
}

/* ---- The difference --------------------------------------------------------------------------------------------- */

static struct slice text_of(const struct test_run *run, size_t call)
{
    return chunk_text(&run->chunk, run->chunk.calls[call].text_at, run->chunk.calls[call].text_len);
}

static void print_got(struct test_run *run, size_t call)
{
    buffer_printf(&run->out, "    got %s ", endpoint_names[run->chunk.calls[call].endpoint]);
    buffer_add(&run->out, text_of(run, call));
    buffer_add_char(&run->out, '\n');
}

static void print_expected(struct test_run *run, const struct expected_call *expected)
{
    buffer_printf(&run->out, "    expected %s ", endpoint_names[expected->endpoint]);
    value_write(&run->out, &expected->call);
    buffer_add_char(&run->out, '\n');
}

/* False where the call is not as it was expected; what is different stands in run->out then. */
static bool compare_call(struct test_run *run, const struct expected_call *expected, size_t call)
{
    const struct mapped_call *got = &run->chunk.calls[call];
    struct buffer difference;
    buffer_init_in(&difference, &run->arena);
    if (got->endpoint == expected->endpoint &&
        call_match(&run->arena, &expected->call, value_of_json(text_of(run, call)), &difference))
        return true;
    buffer_printf(&run->out, "  call %zu:\n", call + 1);
    print_expected(run, expected);
    print_got(run, call);
    if (difference.len) {
        buffer_add_text(&run->out, "    ");
        buffer_add(&run->out, buffer_slice(&difference));
        buffer_add_char(&run->out, '\n');
    }
    return false;
}

/* Lines and calls that came to nothing: often the answer to why a call is missing. */
static void print_notes(struct test_run *run)
{
    for (size_t i = 0; i < run->chunk.note_count; i++) {
        const struct map_note *note = &run->chunk.notes[i];
        size_t line = 1;
        for (size_t at = 0; at < note->offset; at++)
            line += run->lines.data[at] == '\n';
        buffer_printf(&run->out, "  line %zu: %s: %s", line, outcome_names[note->outcome], note->reason);
        if (note->rule != UINT32_MAX) {
            struct slice name = run->config->rules.items[note->rule].name;
            buffer_printf(&run->out, " (rule %.*s)", SLICE_FMT(name));
        }
        buffer_add_char(&run->out, '\n');
    }
}

static bool compare(struct test_run *run, const struct config_test *test)
{
    size_t got = run->chunk.call_count, most = got > test->expected_count ? got : test->expected_count;
    bool same = true;
    for (size_t i = 0; i < most; i++) {
        if (i < got && i < test->expected_count) {
            same = compare_call(run, &test->expected[i], i) && same;
            continue;
        }
        same = false;
        buffer_printf(&run->out, "  call %zu is %s:\n", i + 1, i < got ? "not expected" : "missing");
        if (i < got)
            print_got(run, i);
        else
            print_expected(run, &test->expected[i]);
    }
    if (!same)
        print_notes(run);
    return same;
}

/* ---- The command ------------------------------------------------------------------------------------------------ */

static void print_coloured(const struct test_run *run, bool good, const char *text)
{
    if (run->colours)
        printf("%s%s\x1b[0m", good ? "\x1b[32m" : "\x1b[1;31m", text);
    else
        fputs(text, stdout);
}

/* Whether it passed. */
static bool run_test(struct test_run *run, const struct config_test *test)
{
    buffer_clear(&run->out);
    arena_reset(&run->arena);
    bool mapped = map_lines(run, test), passed = mapped && compare(run, test) && !run->arena.failed;
    if (!mapped || run->arena.failed)
        buffer_add_text(&run->out, "  out of memory\n");
    print_coloured(run, passed, passed ? "ok  " : "FAIL");
    printf(" %.*s", SLICE_FMT(test->name));
    if (!passed && test->place.file)
        printf(" (%s:%u)", test->place.file->name, test->place.line);
    putchar('\n');
    if (run->out.len)
        fwrite(run->out.data, 1, run->out.len, stdout);
    return passed;
}

static int run_tests(const struct config *config, struct mapper *mapper, struct slice host)
{
    struct test_run run = {
        .config = config, .mapper = mapper, .host = host, .colours = terminal_has_colours(STDOUT_FILENO)};
    size_t passed = 0;
    chunk_init(&run.chunk);
    buffer_init(&run.lines, LIMIT_CONFIG_FILE * 2);
    buffer_init(&run.out, LIMIT_BODY * 64);
    arena_init(&run.arena, LIMIT_RECORD_ARENA);
    for (size_t i = 0; i < config->test_count; i++)
        passed += run_test(&run, &config->tests[i]);
    char sum[64];
    snprintf(sum, sizeof sum, "%zu passed, %zu failed", passed, config->test_count - passed);
    print_coloured(&run, passed == config->test_count, sum);
    putchar('\n');
    if (config->test_count == 0)
        fputs("raingauge test: the configuration has no tests\n", stderr);
    chunk_release(&run.chunk);
    buffer_release(&run.lines);
    buffer_release(&run.out);
    arena_release(&run.arena);
    return passed == config->test_count ? EXIT_DONE : EXIT_FAILED;
}

static int run(char **arguments)
{
    struct config_options options = {0};
    const struct option_row rows[] = {CONFIG_OPTION_ROWS(&options), PRESET_OPTION_ROW(&options), OPTION_ROWS_END};
    int rest = arguments_parse("test", rows, arguments);
    if (rest < 0 || !options_take_globs(&options, "test", arguments, &rest) ||
        !options_no_rest("test", arguments, rest))
        return EXIT_USAGE;
    struct config *config = options_load_or_explain(&options, CONFIG_FOR_MAP);
    if (!config)
        return EXIT_USAGE;
    char host[256] = "";
    gethostname(host, sizeof host - 1);
    struct mapper *mapper = mapper_new(config, MAP_ALL, slice_from(host));
    int code = EXIT_FAILED;
    if (mapper)
        code = run_tests(config, mapper, slice_from(host));
    else
        fputs("raingauge test: out of memory\n", stderr);
    mapper_free(mapper);
    config_free(config);
    return code;
}

static const char help[] =
    "Usage: raingauge test [-c FILE | --preset NAME GLOB...] [--state-dir DIR]\n"
    "\n"
    "Runs the configuration's `tests:`, without a network, a write key or a log file:\n"
    "  tests:\n"
    "    - name: a completion becomes an event\n"
    "      line: {msg: llm.completion, user: {id: u1}, prompt: hi}\n"
    "      expect:\n"
    "        - event: {event: chat_completion, user_id: u1, ai_data: {input: hi}}\n"
    "`expect` names the calls in order, each with the members that it must have; it may have others.\n"
    "\n"
    "Prints a line for each test (ok, FAIL) and for one that failed the difference; the last line is\n"
    "\"N passed, N failed\".\n"
    "\n"
    "Options:\n"
    "  -c, --config FILE      the configuration (default: $RAINGAUGE_CONFIG, else /etc/raingauge/raingauge.yaml)\n"
    "  --preset NAME GLOB...  in its place: the preset's own tests\n"
    "  --state-dir DIR        taken as the other commands take it; nothing is read or written there\n"
    "\n"
    "Exit codes: 0 all passed; 1 some failed; 2 wrong usage or invalid configuration.\n";

const struct command command_test = {
    .name = "test",
    .summary = "run the configuration's tests",
    .help = help,
    .run = run,
};
