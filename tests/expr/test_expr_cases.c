/* Runs the case files of tests/expr/cases: each says a record, expressions on it, and what comes of them.
 *
 *     record: {"a": "B"}               what follows is evaluated on it; so are parent:, item:, key:, outer:
 *     env: NAME=value                  and table: NAME={…}, let: NAME=expression, meta: NAME=text
 *     reset:                           all of these are forgotten
 *
 *     $.a | lower                      an expression; or template: text, each: expression (for_each)
 *     => "b"                           its value, to the byte; or nothing; each: items and keys, `item @ key`, …
 *     => nothing, counted lower        the filter could not take the value
 *     !! 7 unknown filter              a mistake at this byte, whose text holds this
 *
 *     when: $.a ;; eq ;; "B"           a condition: => holds, => does not hold, => does not hold, limit
 */
#include "expr/condition.h"
#include "expr/expr.h"
#include "limits.h"
#include "support/cmocka_setup.h"
#include "json/json_writer.h"

#include <stdio.h>
#include <stdlib.h>

enum { MOST = 16, LINE_MOST = 65536 };

struct bench {
    const char *file;
    unsigned line, cases, failures;
    struct arena settings; /* what a case file sets, until `reset:` */
    struct regex_list regexes;
    struct value record, parents[2], item, key, outer;
    size_t parent_count;
    unsigned roots;
    struct slice let_names[MOST];
    struct let_slot lets[MOST];
    size_t let_count;
    struct slice env_names[MOST], env_values[MOST];
    size_t env_count;
    struct expr_table tables[MOST];
    size_t table_count;
    struct record_meta meta;
};

static void complain(struct bench *b, const char *what, struct slice detail)
{
    b->failures++;
    fprintf(stderr, "%s:%u: %s%.*s\n", b->file, b->line, what, (int)detail.len, detail.text ? detail.text : "");
}

/* ---- what expressions ask the world ---- */

static bool environment_of(void *context, struct slice name, struct slice *ret_value)
{
    struct bench *b = context;
    for (size_t i = 0; i < b->env_count; i++) {
        if (slice_equal(b->env_names[i], name)) {
            *ret_value = b->env_values[i];
            return true;
        }
    }
    return false;
}

static bool zone_of(void *context, struct slice name, struct slice *ret_tzif)
{
    static char bytes[8192];
    char path[512];
    (void)context;
    snprintf(path, sizeof path, "%s/expr/zones/%.*s", TEST_DATA, (int)name.len, name.text);
    for (char *p = path + strlen(TEST_DATA "/expr/zones/"); *p; p++)
        if (*p == '/')
            *p = '-';
    FILE *f = fopen(path, "rb");
    if (!f)
        return false;
    *ret_tzif = slice_of(bytes, fread(bytes, 1, sizeof bytes, f));
    fclose(f);
    return true;
}

static struct expr_names names_of(struct bench *b)
{
    return (struct expr_names){.roots = b->roots,
                               .parents = b->parent_count,
                               .lets = b->let_names,
                               .let_count = b->let_count,
                               .tables = b->tables,
                               .table_count = b->table_count,
                               .environment = environment_of,
                               .environment_context = b,
                               .zone = zone_of,
                               .regexes = &b->regexes};
}

static struct scope scope_of(struct bench *b, struct arena *arena, struct let_slot *lets, uint32_t *counters)
{
    memcpy(lets, b->lets, sizeof b->lets);
    return (struct scope){.arena = arena,
                          .record = b->record,
                          .parents = b->parents,
                          .parent_count = b->parent_count,
                          .item = b->item,
                          .key = b->key,
                          .outer = b->outer,
                          .lets = lets,
                          .let_count = b->let_count,
                          .meta = &b->meta,
                          .filter_failures = counters};
}

/* ---- settings ---- */

static struct value json_of(struct bench *b, struct slice text)
{
    const struct json_doc *doc;
    struct slice kept = arena_copy(&b->settings, text);
    enum json_fault fault = json_doc_parse(&b->settings, kept, JSON_ANY_VALUE, &doc);
    if (fault != JSON_OK) {
        complain(b, "not JSON: ", text);
        return VALUE_NONE;
    }
    return value_of_token(doc, 0);
}

static bool cut_at(struct slice text, const char *separator, struct slice *ret_left, struct slice *ret_right)
{
    const char *at = memmem(text.text, text.len, separator, strlen(separator));
    if (!at)
        return false;
    *ret_left = slice_of(text.text, (size_t)(at - text.text));
    *ret_right = slice_from_offset(text, (size_t)(at - text.text) + strlen(separator));
    return true;
}

static int compare_entries(const void *left, const void *right)
{
    const struct expr_table_entry *a = left, *b = right;
    return slice_compare(a->key, b->key);
}

static void set_table(struct bench *b, struct slice name, struct slice json)
{
    struct value v = json_of(b, json);
    struct expr_table_entry *entries = arena_calloc(&b->settings, MOST, sizeof *entries);
    size_t n = 0;
    for (struct value_walk walk = {.of = v}; value_walk_next(&b->settings, &walk) && n < MOST; n++)
        entries[n] = (struct expr_table_entry){value_plain(&b->settings, &walk.name), walk.value};
    qsort(entries, n, sizeof *entries, compare_entries);
    b->tables[b->table_count++] = (struct expr_table){arena_copy(&b->settings, name), n, entries};
}

static void set_let(struct bench *b, struct slice name, struct slice source)
{
    struct expr_names names = names_of(b);
    struct expr_error error;
    const struct expr *e = expr_compile(&b->settings, source, &names, &error);
    if (!e)
        complain(b, "let: ", slice_from(error.text));
    b->let_names[b->let_count] = arena_copy(&b->settings, name);
    b->lets[b->let_count++] = (struct let_slot){.expr = e};
}

static void set_meta(struct bench *b, struct slice name, struct slice value)
{
    value = arena_copy(&b->settings, value);
    if (slice_is(name, "file"))
        b->meta.file = value;
    else if (slice_is(name, "time"))
        b->meta.time = value;
    else if (slice_is(name, "pod"))
        b->meta.pod = value;
    else if (slice_is(name, "offset"))
        b->meta.offset = strtoull(value.text, NULL, 10);
    else if (slice_is(name, "read_time"))
        b->meta.read_time_ms = strtoll(value.text, NULL, 10);
    else
        complain(b, "meta: ", name);
}

static void reset(struct bench *b)
{
    struct bench fresh = {.file = b->file, .line = b->line, .cases = b->cases, .failures = b->failures};
    arena_release(&b->settings);
    regex_free_all(&b->regexes);
    *b = fresh;
    arena_init(&b->settings, MIB(16));
}

/* One line of settings; false where it is none. */
static bool take_setting(struct bench *b, struct slice line)
{
    struct slice key, rest, name, value;
    if (slice_is(line, "reset:")) {
        reset(b);
        return true;
    }
    if (!cut_at(line, ": ", &key, &rest))
        return false;
    bool pair = cut_at(rest, "=", &name, &value);
    if (slice_is(key, "record"))
        b->record = json_of(b, rest);
    else if (slice_is(key, "parent"))
        b->parents[b->parent_count++] = json_of(b, rest);
    else if (slice_is(key, "item"))
        b->roots |= EXPR_ITEM, b->item = json_of(b, rest);
    else if (slice_is(key, "key"))
        b->roots |= EXPR_ITEM, b->key = json_of(b, rest);
    else if (slice_is(key, "outer"))
        b->roots |= EXPR_OUTER, b->outer = json_of(b, rest);
    else if (slice_is(key, "env") && pair) {
        b->env_names[b->env_count] = arena_copy(&b->settings, name);
        b->env_values[b->env_count++] = arena_copy(&b->settings, value);
    } else if (slice_is(key, "table") && pair)
        set_table(b, name, value);
    else if (slice_is(key, "let") && pair)
        set_let(b, name, value);
    else if (slice_is(key, "meta") && pair)
        set_meta(b, name, value);
    else
        return false;
    return true;
}

/* ---- cases ---- */

enum case_kind { CASE_EXPRESSION, CASE_TEMPLATE, CASE_EACH, CASE_CONDITION };

static const struct expr *compile(struct bench *b, struct arena *arena, enum case_kind kind, struct slice source,
                                  struct expr_error *ret_error)
{
    struct expr_names names = names_of(b);
    return kind == CASE_TEMPLATE ? expr_compile_template(arena, source, &names, ret_error)
                                 : expr_compile(arena, source, &names, ret_error);
}

static const struct condition *compile_condition(struct bench *b, struct arena *arena, struct slice source)
{
    static const char *const names[] = {[COND_EQ] = "eq",
                                        [COND_NE] = "ne",
                                        [COND_GT] = "gt",
                                        [COND_GTE] = "gte",
                                        [COND_LT] = "lt",
                                        [COND_LTE] = "lte",
                                        [COND_ONE_OF] = "one_of",
                                        [COND_EXISTS] = "exists",
                                        [COND_MATCHES] = "matches",
                                        [COND_CONTAINS] = "contains",
                                        [COND_STARTS_WITH] = "starts_with",
                                        [COND_ENDS_WITH] = "ends_with"};
    struct slice key, rest, operator, literal;
    struct condition *c = arena_calloc(arena, 1, sizeof *c);
    struct value *literals = arena_calloc(arena, MOST, sizeof *literals);
    struct expr_error error;
    char message[100];
    size_t at;

    if (!cut_at(source, " ;; ", &key, &rest) || !cut_at(rest, " ;; ", &operator, & literal)) {
        complain(b, "not a condition: ", source);
        return NULL;
    }
    if (!c || !literals)
        return NULL;
    for (unsigned op = COND_EQ; op <= COND_ENDS_WITH; op++)
        if (slice_is(operator, names[op]))
            c->op = (enum condition_op)op;
    c->key = compile(b, arena, CASE_EXPRESSION, key, &error);
    literals[0] = json_of(b, literal);
    c->literals = literals;
    c->literal_count = 1;
    if (c->op == COND_ONE_OF) {
        struct value list = literals[0];
        c->literal_count = 0;
        for (struct value_walk walk = {.of = list}; value_walk_next(arena, &walk);)
            literals[c->literal_count++] = walk.value;
    }
    if (c->op == COND_MATCHES)
        c->regex = regex_compile(&b->regexes, value_plain(arena, &literals[0]), &at, message, sizeof message);
    return c->key ? c : NULL;
}

static void write_result(struct buffer *out, const struct value *v, const uint32_t counters[])
{
    if (value_is_there(v))
        value_write(out, v);
    else
        buffer_add_text(out, "nothing");
    for (size_t i = 0; i < filter_count(); i++)
        if (counters[i])
            buffer_printf(out, ", counted %s", filter_name(i));
}

static void write_each(struct buffer *out, const struct expr *e, struct scope *scope)
{
    struct value *items, *keys;
    size_t count;
    if (!expr_eval_each(e, scope, &items, &keys, &count))
        buffer_add_text(out, "no memory");
    else if (count == 0)
        buffer_add_text(out, "nothing");
    else
        for (size_t i = 0; i < count; i++) {
            buffer_add_text(out, i ? ", " : "");
            value_write(out, &items[i]);
            if (value_is_there(&keys[i])) {
                buffer_add_text(out, " @ ");
                value_write(out, &keys[i]);
            }
        }
}

/* Compiles and runs a case with an arena of that size. True: it ended; false: it ran out of memory. The text of what
 * came of it is written to `out`. */
static bool run(struct bench *b, enum case_kind kind, struct slice source, size_t limit, struct buffer *out)
{
    struct arena arena;
    struct let_slot lets[MOST];
    uint32_t counters[FILTER_COUNT_MAX] = {0};
    struct expr_error error = {0};
    arena_init(&arena, limit);
    struct scope scope = scope_of(b, &arena, lets, counters);

    buffer_clear(out);
    if (kind == CASE_CONDITION) {
        const struct condition *c = compile_condition(b, &arena, source);
        buffer_add_text(out, c && condition_holds(c, &scope) ? "holds" : "does not hold");
        if (scope.match_limit_hits)
            buffer_add_text(out, ", limit");
    } else {
        const struct expr *e = compile(b, &arena, kind, source, &error);
        if (!e) {
            buffer_printf(out, "!! %zu %s", error.at, error.text);
        } else if (kind == CASE_EACH) {
            write_each(out, e, &scope);
        } else {
            struct value v = expr_eval(e, &scope);
            write_result(out, &v, counters);
            if (scope.match_limit_hits)
                buffer_add_text(out, ", limit");
        }
    }
    bool ended = !arena.failed;
    if (scope.depth != 0)
        complain(b, "the depth does not come back to 0", source);
    arena_release(&arena);
    return ended;
}

/* With ever more memory, from none at all: as long as it is not enough nothing but `failed` may come of it, and no
 * byte may be touched that is not there (the sanitizers look). */
static void run_short_of_memory(struct bench *b, enum case_kind kind, struct slice source, const struct buffer *result)
{
    struct buffer out;
    buffer_init(&out, MIB(4));
    for (size_t limit = 0; limit < KIB(64); limit += limit < KIB(1) ? 32 : limit / 8) {
        if (!run(b, kind, source, limit, &out))
            continue;
        if (!slice_equal(buffer_slice(&out), buffer_slice(result)))
            complain(b, "short of memory it is another result: ", buffer_slice(&out));
        break;
    }
    buffer_release(&out);
}

/* `!! 7 part of the message` */
static bool is_expected_error(struct slice got, struct slice expected)
{
    struct slice ignored, got_at, got_text, at, text;
    return cut_at(got, "!! ", &ignored, &got) && cut_at(got, " ", &got_at, &got_text) &&
           cut_at(expected, " ", &at, &text) && slice_equal(got_at, at) &&
           memmem(got_text.text, got_text.len, text.text, text.len);
}

static void run_case(struct bench *b, enum case_kind kind, struct slice source, struct slice expected)
{
    struct buffer out;
    buffer_init(&out, MIB(4));
    b->cases++;
    if (!run(b, kind, source, MIB(64), &out))
        complain(b, "no memory: ", source);
    struct slice got = buffer_slice(&out), rest = {0}, ignored;
    bool as_expected = slice_starts_with(expected, SLICE("!! "))
                           ? cut_at(expected, "!! ", &ignored, &rest) && is_expected_error(got, rest)
                           : slice_equal(got, slice_from_offset(expected, 3));
    if (!as_expected) {
        complain(b, "expected ", expected);
        fprintf(stderr, "    of   %.*s\n    came %.*s\n", (int)source.len, source.text, (int)got.len, got.text);
    }
    run_short_of_memory(b, kind, source, &out);
    buffer_release(&out);
}

static void take_line(struct bench *b, struct slice line, struct buffer *source, enum case_kind *kind)
{
    static const struct {
        const char *prefix;
        enum case_kind kind;
    } kinds[] = {{"template: ", CASE_TEMPLATE}, {"each: ", CASE_EACH}, {"when: ", CASE_CONDITION}};

    if (slice_starts_with(line, SLICE("=> ")) || slice_starts_with(line, SLICE("!! "))) {
        run_case(b, *kind, buffer_slice(source), line);
        return;
    }
    if (line.len == 0 || line.text[0] == '#' || take_setting(b, line))
        return;
    *kind = CASE_EXPRESSION;
    buffer_clear(source);
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        if (slice_starts_with(line, slice_from(kinds[i].prefix))) {
            *kind = kinds[i].kind;
            line = slice_from_offset(line, strlen(kinds[i].prefix));
        }
    }
    buffer_add(source, line);
}

/* All cases of one file. */
static void run_file(void **state)
{
    char path[512];
    struct bench b = {.file = *state};
    struct buffer source;
    char *line = NULL;
    size_t cap = 0;
    ssize_t n;
    enum case_kind kind = CASE_EXPRESSION;

    buffer_init(&source, LINE_MOST * 2);
    reset(&b);
    snprintf(path, sizeof path, "%s/expr/cases/%s", TEST_DATA, b.file);
    FILE *f = fopen(path, "r");
    assert_non_null(f);
    while ((n = getline(&line, &cap, f)) >= 0) {
        b.line++;
        take_line(&b, slice_of(line, (size_t)n - (n && line[n - 1] == '\n')), &source, &kind);
    }
    fclose(f);
    free(line);
    reset(&b);
    arena_release(&b.settings);
    buffer_release(&source);
    printf("%s: %u cases\n", b.file, b.cases);
    assert_int_equal(b.failures, 0);
    assert_true(b.cases > 5);
}

#define FILE_OF_CASES(name)                                                                                            \
    {                                                                                                                  \
        name, run_file, NULL, NULL, (void *)(uintptr_t)name                                                            \
    }

int main(void)
{
    const struct CMUnitTest tests[] = {
        FILE_OF_CASES("language.case"),      FILE_OF_CASES("value.case"), FILE_OF_CASES("text.case"),
        FILE_OF_CASES("number.case"),        FILE_OF_CASES("time.case"),  FILE_OF_CASES("chat.case"),
        FILE_OF_CASES("otlp.case"),          FILE_OF_CASES("hash.case"),  FILE_OF_CASES("condition.case"),
        FILE_OF_CASES("filter_redact.case"),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
