/* The input's first line is an expression (or a template, where it holds `{{`), the rest a record. What compiles is
 * evaluated, as a value and for each element; what comes of it must be JSON again. Memory is kept small, so that
 * running out of it is ordinary. */
#include "expr/expr.h"
#include "limits.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char fixed[] =
    "{\"a\":[1,2.5,\"x\",null,{\"b\":\"\\u00e9\",\"b\":[true,{}]}],\"role\":\"user\",\"t\":1.7e9,"
    "\"text\":\"2026-01-02T03:04:05.6+01:00\",\"k.0\":\"{\\\"key\\\":1}\"}";

static bool environment_of(void *context, struct slice name, struct slice *ret_value)
{
    (void)context;
    *ret_value = name;
    return name.len < 4;
}

static void run(struct arena *arena, const struct expr *e, struct slice text)
{
    const struct json_doc *doc;
    struct value *items, *keys;
    size_t count;
    struct buffer out;
    uint32_t failures[FILTER_COUNT_MAX] = {0};
    struct record_meta meta = {.file = SLICE("\xff/a"), .offset = 1};

    arena_reset(arena);
    if (json_doc_parse(arena, text, JSON_ANY_VALUE, &doc) != JSON_OK)
        return;
    struct value root = value_of_token(doc, 0);
    struct let_slot let = {.expr = e};
    struct scope scope = {.arena = arena,
                          .record = root,
                          .item = root,
                          .parents = &root,
                          .parent_count = 1,
                          .lets = &let,
                          .let_count = 1,
                          .meta = &meta,
                          .filter_failures = failures};
    struct value v = expr_eval(e, &scope);
    buffer_init(&out, MIB(16));
    value_write(&out, &v);
    if (!arena->failed && value_is_there(&v)) {
        enum json_fault fault = json_check(buffer_slice(&out), JSON_ANY_VALUE);
        if (fault != JSON_OK && fault != JSON_TOO_DEEP)
            abort();
    }
    buffer_release(&out);
    if (expr_eval_each(e, &scope, &items, &keys, &count) && count && !value_is_there(&items[count - 1]))
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice text = slice_of((const char *)data, size);
    const char *newline = size ? memchr(data, '\n', size) : NULL;
    struct slice source = newline ? slice_of(text.text, (size_t)(newline - text.text)) : text;
    struct arena programs, scratch;
    struct regex_list regexes = {0};
    struct expr_error error;
    const struct slice let = SLICE("let");
    const struct expr_table table = {.name = SLICE("t")};
    struct expr_names names = {.roots = EXPR_ITEM | EXPR_OUTER,
                               .parents = 2,
                               .lets = &let,
                               .let_count = 1,
                               .tables = &table,
                               .table_count = 1,
                               .environment = environment_of,
                               .regexes = &regexes};
    arena_init(&programs, KIB(256));
    arena_init(&scratch, MIB(1));

    const struct expr *e = expr_kind_of(source) == EXPR_KIND_TEMPLATE
                               ? expr_compile_template(&programs, source, &names, &error)
                               : expr_compile(&programs, source, &names, &error);
    if (!e && (error.at > source.len || !error.text[0]))
        abort();
    if (e) {
        run(&scratch, e, slice_from_offset(text, source.len));
        run(&scratch, e, slice_from(fixed));
    }
    regex_free_all(&regexes);
    arena_release(&programs);
    arena_release(&scratch);
    return 0;
}
