/* The input's first line is a path, the rest a document: any bytes are compiled, as a whole and as a tail; what
 * compiles is run on a fixed document and on that one. Memory is kept small, so that running out of it is ordinary. */
#include "limits.h"
#include "path/jsonpath.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char fixed[] =
    "{\"a\":[1,2.5,\"x\",null,{\"b\":\"\\u00e9\",\"b\":[true,{}]}],\"p\":\"[a-z]*\",\"b\":{\"a\":\"abc\"}}";

struct result {
    bool ended;
    struct value *nodes, *keys;
    size_t count;
};

static struct result nodes_of(struct arena *arena, const struct jsonpath *path, struct value root)
{
    struct result r;
    r.ended = jsonpath_nodes_with_keys(arena, path, &root, &root, &r.nodes, &r.keys, &r.count);
    if (r.ended) {
        struct value v = jsonpath_value(arena, path, &root, &root);
        if (!arena->failed && value_is_there(&v) != (r.count > 0))
            abort();
    }
    return r;
}

/* Tokens and the text, which has them not, give the same. */
static void run(struct arena *arena, const struct jsonpath *path, struct slice text)
{
    const struct json_doc *tokens;
    struct json_doc *doc;
    arena_reset(arena);
    if (json_doc_parse(arena, text, JSON_ANY_VALUE, &tokens) != JSON_OK ||
        json_doc_read(arena, tokens->text, JSON_ANY_VALUE, &doc) != JSON_OK)
        return;
    struct result a = nodes_of(arena, path, value_of_token(tokens, 0)), b = nodes_of(arena, path, value_of_doc(doc));
    if (!a.ended || !b.ended || arena->failed)
        return;
    if (a.count != b.count)
        abort();
    for (size_t i = 0; i < a.count; i++) {
        if (a.nodes[i].text.text != b.nodes[i].text.text || a.nodes[i].text.len != b.nodes[i].text.len ||
            a.nodes[i].type != b.nodes[i].type || !value_equal(arena, &a.keys[i], &b.keys[i]))
            abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice text = slice_of((const char *)data, size);
    const char *newline = size ? memchr(data, '\n', size) : NULL;
    struct slice path_text = newline ? slice_of(text.text, (size_t)(newline - text.text)) : text;
    struct slice document = slice_from_offset(text, path_text.len);
    struct arena programs, scratch;
    struct regex_list regexes = {0};
    struct path_error error;
    size_t used;
    arena_init(&programs, KIB(256));
    arena_init(&scratch, MIB(1));
    for (int tail = 0; tail < 2; tail++) {
        const struct jsonpath *path =
            jsonpath_compile(&programs, &regexes, path_text, tail ? PATH_TAIL : PATH_WHOLE, &used, &error);
        if (path && used > path_text.len)
            abort();
        if (!path && error.at > path_text.len)
            abort();
        if (path) {
            run(&scratch, path, slice_from(fixed));
            run(&scratch, path, document);
        }
    }
    regex_free_all(&regexes);
    arena_release(&programs);
    arena_release(&scratch);
    return 0;
}
