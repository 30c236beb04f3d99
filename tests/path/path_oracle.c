/* The near side of differential.mjs: reads lines {"path": …, "doc": …} and writes for each one the array of nodes,
 * `null` where the path is refused, or `"failed"` where a ceiling was met. */
#include "path_case.h"

#include <stdio.h>
#include <stdlib.h>

static void write_answer(struct path_case *c, struct slice line)
{
    struct buffer out;
    buffer_init(&out, MIB(64));
    struct value root = path_case_text(c, line); /* as the agent has it: its tokens are made where they are needed */
    struct value text = value_member(&c->scratch, &root, SLICE("path"));
    struct value document = value_member(&c->scratch, &root, SLICE("doc"));
    const struct jsonpath *path = path_case_compile(c, value_plain(&c->scratch, &text));
    struct value *nodes;
    size_t count;
    if (!path) {
        buffer_add_text(&out, "null");
    } else if (!jsonpath_nodes(&c->scratch, path, &document, &document, &nodes, &count)) {
        buffer_add_text(&out, "\"failed\"");
    } else {
        buffer_add_char(&out, '[');
        for (size_t i = 0; i < count; i++) {
            if (i)
                buffer_add_char(&out, ',');
            value_write(&out, &nodes[i]);
        }
        buffer_add_char(&out, ']');
    }
    buffer_add_char(&out, '\n');
    fwrite(out.data, 1, out.len, stdout);
    buffer_release(&out);
}

int main(void)
{
    char *line = NULL;
    size_t room = 0;
    ssize_t len;
    while ((len = getline(&line, &room, stdin)) > 0) {
        struct path_case c;
        path_case_init(&c);
        write_answer(&c, slice_of(line, (size_t)len));
        path_case_release(&c);
    }
    free(line);
    return 0;
}
