/* The input's first line is a path, the rest a document: any bytes are compiled, as a whole and as a tail; what
 * compiles is run on a fixed document and on that one. Memory is kept small, so that running out of it is ordinary. */
#include "limits.h"
#include "path/jsonpath.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char fixed[] =
    "{\"a\":[1,2.5,\"x\",null,{\"b\":\"\\u00e9\",\"b\":[true,{}]}],\"p\":\"[a-z]*\",\"b\":{\"a\":\"abc\"}}";

static void run(struct arena *arena, const struct jsonpath *path, struct slice text)
{
    const struct json_doc *doc;
    struct value *nodes, *keys;
    size_t count;
    arena_reset(arena);
    if (json_doc_parse(arena, text, JSON_ANY_VALUE, &doc) != JSON_OK)
        return;
    struct value root = value_of_token(doc, 0);
    if (jsonpath_nodes_with_keys(arena, path, &root, &root, &nodes, &keys, &count)) {
        struct value v = jsonpath_value(arena, path, &root, &root);
        if (!arena->failed && value_is_there(&v) != (count > 0))
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
