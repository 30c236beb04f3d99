/* What valid configurations become, field by field. */
#include "conf/memory_source.h"
#include "limits.h"
#include "support/cmocka_setup.h"
#include "support/temp_dir.h"

#include <stdlib.h>

/* Loads a text, or the file of the cases where it ends with .yaml; prints what is wrong with it, if anything is. */
static struct config *load_with(struct memory_source *m, const char *text, enum config_purpose purpose)
{
    struct config_source source = memory_source_of(m);
    struct diagnostics *d = diagnostics_new();
    bool is_file = slice_ends_with(slice_from(text), SLICE(".yaml"));
    struct config *c = is_file ? config_load(&source, text, purpose, d)
                               : config_load_text(&source, "dir/test.yaml", slice_from(text), purpose, d);
    if (!c) {
        struct buffer said;
        buffer_init(&said, 1 << 20);
        diagnostics_print(d, &said, false, false);
        print_error("%.*s", (int)said.len, said.data);
        buffer_release(&said);
    }
    diagnostics_free(d);
    return c;
}

static struct config *load(const char *text)
{
    struct memory_source m = {.directory = TEST_DATA "/conf/cases",
                              .variables = {"RAINDROP_WRITE_KEY=rk_1", "HOST=example.com", "FOUR=4", "EMPTY=",
                                            "EXPRESSION=$.secret", "BRACES={{ $.secret }}", "QUOTE=a\"b\\c'd"}};
    return load_with(&m, text, CONFIG_FOR_RUN);
}

#define MINIMAL "inputs: [{paths: [a.log]}]\nrules: [{name: a, drop: true}]\n"

static void assert_slice(struct slice s, const char *expected)
{
    assert_int_equal(s.len, strlen(expected));
    assert_memory_equal(s.text, expected, s.len);
}

/* The JSON of what an expression gives on a record without members. */
static const char *constant_of(const struct expr *e, char text[256])
{
    struct value v;
    struct buffer json;
    assert_non_null(e);
    assert_true(expr_is_constant(e, &v));
    buffer_init(&json, 255);
    value_write(&json, &v);
    assert_false(json.failed);
    memcpy(text, json.data, json.len);
    text[json.len] = '\0';
    buffer_release(&json);
    return text;
}

/* The defaults are those of the contract. */
static void a_minimal_configuration_has_the_defaults(void **state)
{
    (void)state;
    struct config *c = load(MINIMAL);
    assert_non_null(c);
    assert_string_equal(c->path, "dir/test.yaml");
    assert_int_equal(c->file_count, 1);
    assert_null(c->state_dir);

    assert_int_equal(c->destination_count, 1);
    const struct destination *d = &c->destinations[0];
    assert_string_equal(d->name, "raindrop");
    assert_string_equal(d->url, "https://api.raindrop.ai/v1");
    assert_string_equal(d->write_key, "rk_1");
    assert_null(d->write_key_file);
    assert_null(d->project);
    assert_int_equal(d->timeout_ms, 30000);
    assert_int_equal(d->connect_timeout_ms, 10000);
    assert_false(d->gzip);
    assert_null(d->proxy);
    assert_false(d->allow_insecure);
    assert_false(d->context);

    assert_int_equal(c->input_count, 1);
    const struct input *i = &c->inputs[0];
    assert_string_equal(i->name, "input-1");
    assert_string_equal(i->paths[0], "/work/dir/a.log");
    assert_int_equal(i->parser, PARSER_JSON);
    assert_int_equal(i->envelope, ENVELOPE_NONE);
    assert_int_equal(i->start_at, START_AT_BEGINNING);
    assert_int_equal(i->ignore_older_ms, 0);
    assert_int_equal(i->order, ORDER_FAIR);
    assert_int_equal(i->max_line_bytes, 1 << 20);
    assert_null(i->multiline_start);
    assert_int_equal(i->encoding, ENCODING_UTF8);
    assert_true(i->read_gz);
    assert_false(i->validate_all);
    assert_int_equal(i->watch, WATCH_AUTO);
    assert_int_equal(i->rescan_ms, 10000);
    assert_int_equal(i->poll_interval_ms, 1000);
    assert_int_equal(i->close_inactive_ms, 300000);
    assert_int_equal(i->deleted_grace_ms, 3600000);
    assert_int_equal(i->symlinks, SYMLINKS_INSIDE);

    assert_int_equal(c->upload.max_calls, 500);
    assert_int_equal(c->upload.max_bytes, 900 * 1024);
    assert_int_equal(c->upload.max_age_ms, 1000);
    assert_false(c->upload.identify_batch);
    assert_int_equal(c->upload.concurrency, 4);
    assert_int_equal(c->upload.buffer, 16 << 20);
    assert_int_equal(c->upload.retry_initial_ms, 500);
    assert_int_equal(c->upload.retry_max_ms, 30000);
    assert_int_equal(c->upload.max_refused, 100);
    assert_true(c->upload.rate_limit == 0);
    assert_int_equal(c->upload.shutdown_timeout_ms, 10000);
    assert_int_equal(c->upload.shutdown_follow_ms, 0);
    assert_int_equal(c->identify_cache, 10000);
    assert_int_equal(c->checkpoint_interval_ms, 1000);
    assert_int_equal(c->checkpoint_forget_after_ms, 7 * 86400000);
    assert_int_equal(c->dead_letter_max_bytes, 100 << 20);
    assert_int_equal(c->dead_letter_max_age_ms, 0);
    assert_false(c->dead_letter_lines);
    assert_null(c->admin_listen);
    assert_false(c->admin_page);
    assert_int_equal(c->log_level, LOG_INFO);
    assert_false(c->log_json);
    assert_int_equal(c->log_stats_ms, 300000);
    assert_false(c->reload_watch);
    assert_int_equal(c->sandbox, SANDBOX_AUTO);
    assert_false(c->privacy.set);
    assert_int_equal(c->test_count, 0);
    config_free(c);
}

/* Every setting arrives where it belongs, with other values than the defaults. */
static void settings_arrive(void **state)
{
    (void)state;
    struct config *c =
        load(MINIMAL "state_dir: state\n"
                     "raindrop: {url: 'http://127.0.0.1:8080/v1//', write_key: ' rk_2 ', timeout: 5s,\n"
                     "  connect_timeout: 1500ms, compression: gzip, proxy: 'proxy:3128', context: true,\n"
                     "  tls: {ca_file: ca.pem, cert_file: ./c.pem, key_file: /k.pem}, project_id: p,\n"
                     "  headers: {X-A: b, X-C: 5}, allow_insecure: true}\n"
                     "upload: {batch: {max_calls: 1, max_bytes: 1MB, max_age: 0}, identify_batch: true,\n"
                     "  concurrency: '${FOUR}', buffer: 4MiB, retry: {initial: 1s, max: 1s},\n"
                     "  max_refused: 7, rate_limit: 2.5, shutdown_timeout: 1m, shutdown_follow: 1.5s}\n"
                     "identify: {cache: 0}\n"
                     "checkpoint: {interval: 10s, forget_after: 1h}\n"
                     "dead_letter: {max_bytes: 12345, max_age: 7d, lines: true}\n"
                     "admin: {listen: '[::1]:9464', page: true}\n"
                     "log: {level: debug, format: json, stats: 0}\n"
                     "reload: watch\nsandbox: off\n");
    assert_non_null(c);
    const struct destination *d = &c->destinations[0];
    assert_string_equal(c->state_dir, "/work/dir/state");
    assert_string_equal(d->url, "http://127.0.0.1:8080/v1");
    assert_string_equal(d->write_key, "rk_2");
    assert_int_equal(d->timeout_ms, 5000);
    assert_int_equal(d->connect_timeout_ms, 1500);
    assert_true(d->gzip && d->context && d->allow_insecure);
    assert_string_equal(d->proxy, "proxy:3128");
    assert_string_equal(d->tls.ca_file, "/work/dir/ca.pem");
    assert_string_equal(d->tls.cert_file, "/work/dir/c.pem");
    assert_string_equal(d->tls.key_file, "/k.pem");
    assert_int_equal(d->header_count, 2);
    assert_string_equal(d->headers[1].name, "X-C");
    assert_string_equal(d->headers[1].value, "5");
    char text[256];
    assert_string_equal(constant_of(d->project, text), "\"p\"");

    assert_int_equal(c->upload.max_calls, 1);
    assert_int_equal(c->upload.max_bytes, 1000000);
    assert_int_equal(c->upload.max_age_ms, 0);
    assert_true(c->upload.identify_batch);
    assert_int_equal(c->upload.concurrency, 4);
    assert_int_equal(c->upload.buffer, 4 << 20);
    assert_int_equal(c->upload.retry_initial_ms, 1000);
    assert_int_equal(c->upload.retry_max_ms, 1000);
    assert_int_equal(c->upload.max_refused, 7);
    assert_true(c->upload.rate_limit == 2.5);
    assert_int_equal(c->upload.shutdown_timeout_ms, 60000);
    assert_int_equal(c->upload.shutdown_follow_ms, 1500);
    assert_int_equal(c->identify_cache, 0);
    assert_int_equal(c->checkpoint_interval_ms, 10000);
    assert_int_equal(c->checkpoint_forget_after_ms, 3600000);
    assert_int_equal(c->dead_letter_max_bytes, 12345);
    assert_int_equal(c->dead_letter_max_age_ms, 7 * 86400000);
    assert_true(c->dead_letter_lines);
    assert_string_equal(c->admin_listen, "[::1]:9464");
    assert_true(c->admin_page);
    assert_int_equal(c->log_level, LOG_DEBUG);
    assert_true(c->log_json);
    assert_int_equal(c->log_stats_ms, 0);
    assert_true(c->reload_watch);
    assert_int_equal(c->sandbox, SANDBOX_OFF);
    config_free(c);
}

/* What a destination leaves out is raindrop's; a key and a key file replace each other. */
static void destinations_inherit(void **state)
{
    (void)state;
    struct config *c =
        load(MINIMAL "raindrop: {write_key: a, timeout: 5s, compression: gzip, project_id: p, tls: {ca_file: /ca}}\n"
                     "destinations:\n"
                     "  x: {write_key_file: key, timeout: 6s}\n"
                     "  y: {project_id: $meta.namespace}\n");
    assert_non_null(c);
    assert_int_equal(c->destination_count, 3);
    const struct destination *x = &c->destinations[1], *y = &c->destinations[2];
    assert_string_equal(x->name, "x");
    assert_null(x->write_key);
    assert_string_equal(x->write_key_file, "/work/dir/key");
    assert_int_equal(x->timeout_ms, 6000);
    assert_true(x->gzip);
    assert_string_equal(x->tls.ca_file, "/ca");
    assert_ptr_equal(x->project, c->destinations[0].project);
    assert_string_equal(y->write_key, "a");
    assert_int_equal(y->timeout_ms, 5000);
    assert_false(expr_is_constant(y->project, &(struct value){0}));
    config_free(c);
}

/* The example of the contract, whole. */
static void the_whole_contract_loads(void **state)
{
    (void)state;
    struct config *c = load("valid.yaml");
    assert_non_null(c);
    assert_int_equal(c->input_count, 3);
    const struct input *chat = &c->inputs[0], *raw = &c->inputs[1], *regex = &c->inputs[2];
    assert_string_equal(chat->name, "chat");
    assert_string_equal(chat->paths[0], "/var/log/chat/**/*.jsonl");
    assert_string_equal(chat->exclude[0], "*.tmp.jsonl");
    assert_int_equal(chat->record_count, 1);
    assert_string_equal(chat->symlink_targets[0], "/var/log/pods");
    assert_int_equal(chat->place.line, 18);
    assert_string_equal(raw->name, "input-2");
    assert_int_equal(raw->parser, PARSER_RAW);
    assert_non_null(raw->multiline_start);
    assert_int_equal(raw->multiline_timeout_ms, 5000);
    assert_int_equal(regex_names(regex->pattern), 2);

    const struct rules *rules = &c->rules;
    assert_int_equal(rules->count, 4);
    const struct rule *completion = &rules->items[0], *feedback = &rules->items[1], *merged = &rules->items[2];
    assert_slice(completion->name, "completion");
    assert_true(completion->named);
    assert_true(completion->applies_to_input[0] && !completion->applies_to_input[1]);
    assert_int_equal(completion->when->op, COND_ALL);
    assert_int_equal(completion->when->child_count, 7);
    const struct condition *when = completion->when->children;
    assert_int_equal(when[0].op, COND_EQ);
    assert_slice(when[0].literals[0].text, "llm.completion");
    assert_int_equal(when[1].op, COND_ONE_OF);
    assert_int_equal(when[1].literal_count, 2);
    assert_int_equal(when[2].op, COND_ALL);
    assert_int_equal(when[2].children[1].op, COND_LT);
    assert_int_equal(when[3].op, COND_EXISTS);
    assert_int_equal(when[3].literals[0].type, VALUE_TRUE);
    assert_int_equal(when[4].op, COND_MATCHES);
    assert_non_null(when[4].regex);
    assert_int_equal(when[6].op, COND_NOT);
    assert_int_equal(when[6].child_count, 1);
    assert_int_equal(completion->lets.count, 1);
    assert_int_equal(completion->slot_count, 1);
    assert_slice(completion->lets.items[0].name, "req");
    assert_int_equal(completion->call_count, 2);
    const struct call_rule *event = &completion->calls[0], *identify = &completion->calls[1];
    assert_int_equal(event->endpoint, ENDPOINT_EVENT);
    assert_non_null(event->event_id && event->user_id && event->timestamp && event->model ? event : NULL);
    assert_int_equal(event->property_count, 2);
    assert_int_equal(event->attachment_count, 2);
    assert_non_null(event->attachments[1].for_each);
    assert_int_equal(identify->endpoint, ENDPOINT_IDENTIFY);
    assert_int_equal(identify->when->op, COND_EXISTS);
    assert_int_equal(identify->property_count, 1);
    assert_true(feedback->sample.set && feedback->sample.below == UINT64_C(1) << 63 && !feedback->sample.all);
    assert_non_null(feedback->sample.by);
    assert_int_equal(feedback->calls[0].endpoint, ENDPOINT_SIGNAL);
    assert_true(merged->merge.set);
    assert_int_equal(merged->merge.timeout_ms, 60000);
    assert_int_equal(merged->merge.max_open, 10);
    assert_int_equal(merged->merge.append_count, 1);
    assert_slice(merged->merge.append_paths[0].names[0], "delta");
    assert_slice(rules->items[3].name, "preset-rule");
    assert_true(rules->items[3].drop);

    assert_int_equal(c->table_count, 2);
    assert_slice(c->tables[0].entries[0].key, "down");
    assert_slice(c->tables[0].entries[0].value.text, "NEGATIVE");
    assert_int_equal(c->privacy.redact, 1 | 16);
    assert_int_equal(c->privacy.pattern_count, 1);
    assert_slice(c->privacy.patterns[0].name, "CUSTOMER");
    assert_int_equal(c->privacy.refuse_count, 1);
    assert_int_equal(c->privacy.property_count, 2);
    assert_int_equal(c->test_count, 2);
    assert_slice(c->tests[0].lines[0],
                 "{\"msg\":\"llm.completion\",\"user\":{\"id\":\"u1\"},\"prompt\":\"hi\",\"completion\":\"hello\"}");
    assert_int_equal(c->tests[0].expected_count, 1);
    assert_slice(c->tests[1].lines[0], "not json");
    assert_int_equal(c->tests[1].expected_count, 0);
    assert_int_equal(c->file_count, 2);
    assert_string_equal(c->files[1]->name, "preset:chat");
    assert_int_equal(strlen(c->sha256), 64);
    config_free(c);
}

/* This file's items come first, then those of the includes in order; a file is taken once; paths are relative to the
 * file that they stand in. */
static void includes_are_merged(void **state)
{
    (void)state;
    const struct memory_file files[] = {
        {"etc/main.yaml", "include: ['more/*.yaml', 'more/b.yaml', main.yaml]\n" MINIMAL},
        {"etc/more/a.yaml", "inputs: [{paths: [logs/*.log]}]\nrules: [{name: b, drop: true}]\n"},
        {"etc/more/b.yaml",
         "rules: [{drop: true}]\ndestinations: {d: {write_key: k}}\ntests: [{line: x, expect: []}]\n"},
        {NULL, NULL},
    };
    struct memory_source m = {.files = files, .variables = {"RAINDROP_WRITE_KEY=k"}};
    struct config *c = load_with(&m, "etc/main.yaml", CONFIG_FOR_RUN);
    assert_non_null(c);
    assert_int_equal(c->file_count, 3);
    assert_int_equal(c->input_count, 2);
    assert_string_equal(c->inputs[0].paths[0], "/work/etc/a.log");
    assert_string_equal(c->inputs[1].paths[0], "/work/etc/more/logs/*.log");
    assert_string_equal(c->inputs[1].name, "input-2");
    assert_int_equal(c->rules.count, 3);
    assert_slice(c->rules.items[1].name, "b");
    assert_slice(c->rules.items[2].name, "rule-1");
    assert_string_equal(c->rules.items[2].file->name, "etc/more/b.yaml");
    assert_int_equal(c->destination_count, 2);
    assert_int_equal(c->test_count, 1);
    config_free(c);
}

static const struct expr *property(const struct config *c)
{
    return c->rules.items[0].calls[0].properties[0];
}

/* What stands as `properties` of a rule, evaluated on {"name":"n"}. */
static void assert_property(const char *yaml, const char *expected)
{
    char text[1024];
    snprintf(text, sizeof text,
             "inputs: [{paths: [a.log]}]\nrules:\n  - name: a\n    event:\n      event: x\n      user_id: u\n      "
             "properties:\n        p: %s\n",
             yaml);
    struct config *c = load(text);
    assert_non_null(c);
    struct arena arena;
    arena_init(&arena, 1 << 20);
    struct scope scope = {.arena = &arena, .record = value_of_json(SLICE("{\"name\":\"n\"}"))};
    struct value v = expr_eval(property(c), &scope);
    struct buffer json;
    buffer_init_in(&json, &arena);
    value_write(&json, &v);
    buffer_add_char(&json, '\0');
    assert_string_equal(json.data, expected);
    arena_release(&arena);
    config_free(c);
}

/* Variables change neither structure nor kind: what they hold is text, whatever it looks like. */
static void variables_stay_text(void **state)
{
    (void)state;
    assert_property("${HOST}", "{\"p\":\"example.com\"}");
    assert_property("${FOUR}", "{\"p\":\"4\"}");
    assert_property("${EXPRESSION}", "{\"p\":\"$.secret\"}");
    assert_property("${BRACES}", "{\"p\":\"{{ $.secret }}\"}");
    assert_property("a-${HOST}-${NOBODY:-b}-${EMPTY:-c}-${EMPTY}", "{\"p\":\"a-example.com-b-c-\"}");
    assert_property("$${HOST} ${ ${1} ${HOST", "{\"p\":\"${HOST} ${ ${1} ${HOST\"}");
    assert_property("$$.name ${HOST}", "{\"p\":\"$.name example.com\"}");
    assert_property("'$.name ?? \"${HOST}\"'", "{\"p\":\"n\"}");
    assert_property("'$.x ?? \"${QUOTE}\"'", "{\"p\":\"a\\\"b\\\\c'd\"}");
    assert_property("'$[''${HOST}''] ?? \"$${HOST}\"'", "{\"p\":\"${HOST}\"}");
    assert_property("'{{ $.name }}-${BRACES}-${HOST}'", "{\"p\":\"n-{{ $.secret }}-example.com\"}");
    assert_property("'{${BRACES} {{ $.name | default(\"${QUOTE}\") }}'", "{\"p\":\"{{{ $.secret }} n\"}");
    assert_property("'{${EMPTY}{ {{ $.name }}'", "{\"p\":\"{{ n\"}");
    assert_property("{\"${HOST}\": [1.10, true, null, ~, no, \"5\", 0o7]}",
                    "{\"p\":{\"example.com\":[1.10,true,null,null,\"no\",\"5\",\"0o7\"]}}");
}

/* Durations and sizes, and what looks like them and is none. */
static void numbers_have_units(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        uint64_t value;
    } durations[] = {{"500ms", 500},
                     {"2s", 2000},
                     {"5m", 300000},
                     {"1h", 3600000},
                     {"7d", 604800000},
                     {"1.5h", 5400000},
                     {"0", 0},
                     {"0s", 0},
                     {"0.5ms", UINT64_MAX},
                     {"5", UINT64_MAX},
                     {"s", UINT64_MAX},
                     {"", UINT64_MAX},
                     {"1.s", UINT64_MAX},
                     {".5s", UINT64_MAX},
                     {"1 s", UINT64_MAX},
                     {"-1s", UINT64_MAX},
                     {"1e3s", UINT64_MAX},
                     {"99999999999999999999s", UINT64_MAX},
                     {"18446744073709551615d", UINT64_MAX}},
      sizes[] = {{"64KiB", 65536},
                 {"10MiB", 10485760},
                 {"1MB", 1000000},
                 {"123", 123},
                 {"1.5KiB", 1536},
                 {"2GiB", UINT64_C(2) << 30},
                 {"5B", 5},
                 {"0.3B", UINT64_MAX},
                 {"1mb", UINT64_MAX},
                 {"KiB", UINT64_MAX},
                 {"1e3", UINT64_MAX},
                 {"-1", UINT64_MAX},
                 {"18446744073709551616", UINT64_MAX}};
    for (size_t i = 0; i < sizeof durations / sizeof durations[0]; i++) {
        uint64_t ms = UINT64_MAX;
        assert_int_equal(config_parse_duration(slice_from(durations[i].text), &ms), durations[i].value != UINT64_MAX);
        assert_int_equal(ms, durations[i].value);
    }
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        size_t bytes = SIZE_MAX;
        assert_int_equal(config_parse_size(slice_from(sizes[i].text), &bytes), sizes[i].value != UINT64_MAX);
        assert_int_equal(bytes, sizes[i].value);
    }
    assert_true(config_is_slug(SLICE("a-1")));
    assert_true(config_is_slug(slice_from("abcdefghijklmnopqrstuvwxyz0123456789abcdefghijklmnopqrstuvwxyz0")));
    assert_false(config_is_slug(slice_from("abcdefghijklmnopqrstuvwxyz0123456789abcdefghijklmnopqrstuvwxyz01")));
    assert_false(config_is_slug(SLICE("")));
    assert_false(config_is_slug(SLICE("-a")));
    assert_false(config_is_slug(SLICE("a-")));
    assert_false(config_is_slug(SLICE("A")));
}

/* For status and the like nothing is read but state_dir. */
static void state_commands_need_only_state_dir(void **state)
{
    (void)state;
    struct memory_source m = {0};
    struct config *c = load_with(&m, "state_dir: /s\nrules: 5\nnonsense: x\nnonsense: y\n", CONFIG_FOR_STATE);
    assert_non_null(c);
    assert_string_equal(c->state_dir, "/s");
    config_free(c);
    assert_null(load_with(&m, "state_dir: [\n", CONFIG_FOR_STATE));
    assert_null(load_with(&m, "no-such-file.yaml", CONFIG_FOR_RUN));
}

/* The examples that are shipped load in the real world, without a word. */
static void the_examples_load(void **state)
{
    (void)state;
    static const char *const examples[] = {"minimal.yaml", "chat.yaml"};
    for (size_t i = 0; i < sizeof examples / sizeof examples[0]; i++) {
        char path[4096];
        snprintf(path, sizeof path, "%s/../conf/examples/%s", TEST_DATA, examples[i]);
        struct diagnostics *d = diagnostics_new();
        struct config *c = config_load(&config_source_system, path, CONFIG_FOR_MAP, d);
        for (size_t m = 0; m < diagnostics_count(d); m++)
            if (!strstr(diagnostics_at(d, m)->text, "RAINDROP_WRITE_KEY is not set"))
                fail_msg("%s:%u: %s", examples[i], diagnostics_at(d, m)->place.line, diagnostics_at(d, m)->text);
        assert_non_null(c);
        config_free(c);
        diagnostics_free(d);
    }
}

static void write_text(const struct temp_dir *dir, const char *name, const char *text)
{
    temp_write(dir, name, text, strlen(text));
}

static size_t errors_of(const char *path)
{
    struct diagnostics *d = diagnostics_new();
    struct config *c = config_load(&config_source_system, path, CONFIG_FOR_MAP, d);
    size_t errors = diagnostics_errors(d);
    assert_true((c == NULL) == (errors > 0));
    config_free(c);
    diagnostics_free(d);
    return errors;
}

/* The real files: globs sorted by name, braces, a directory, nothing there, a file that is too large. */
static void the_system_is_read(void **state)
{
    (void)state;
    struct temp_dir dir;
    temp_dir_make(&dir);
    write_text(&dir, "main.yaml", "include: ['{b,a}*.yaml', '[x]*.yaml']\ninputs: [{paths: [a.log]}]\n");
    write_text(&dir, "b2.yaml", "rules: [{name: second, drop: true}]\n");
    write_text(&dir, "a1.yaml", "rules: [{name: first, drop: true}]\n");
    struct diagnostics *d = diagnostics_new();
    struct config *c = config_load(&config_source_system, temp_path(&dir, "main.yaml"), CONFIG_FOR_MAP, d);
    assert_non_null(c);
    assert_int_equal(c->rules.count, 2);
    assert_slice(c->rules.items[0].name, "first");
    assert_slice(c->rules.items[1].name, "second");
    assert_string_equal(c->inputs[0].paths[0], temp_path(&dir, "a.log"));
    config_free(c);
    diagnostics_free(d);

    assert_int_equal(errors_of(dir.path), 1);
    assert_int_equal(errors_of(temp_path(&dir, "nothing.yaml")), 1);
    write_text(&dir, "empty.yaml", "");
    assert_int_equal(errors_of(temp_path(&dir, "empty.yaml")), 2);
    char *large = calloc(1, LIMIT_CONFIG_FILE + 1);
    assert_non_null(large);
    memset(large, '#', LIMIT_CONFIG_FILE + 1);
    temp_write(&dir, "large.yaml", large, LIMIT_CONFIG_FILE + 1);
    free(large);
    assert_int_equal(errors_of(temp_path(&dir, "large.yaml")), 1);
    temp_dir_remove(&dir);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_minimal_configuration_has_the_defaults),
        cmocka_unit_test(settings_arrive),
        cmocka_unit_test(destinations_inherit),
        cmocka_unit_test(the_whole_contract_loads),
        cmocka_unit_test(includes_are_merged),
        cmocka_unit_test(variables_stay_text),
        cmocka_unit_test(numbers_have_units),
        cmocka_unit_test(state_commands_need_only_state_dir),
        cmocka_unit_test(the_examples_load),
        cmocka_unit_test(the_system_is_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
