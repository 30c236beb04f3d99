/* A document and a path, for tests. */
#ifndef RAINGAUGE_TEST_PATH_CASE_H
#define RAINGAUGE_TEST_PATH_CASE_H

#include "limits.h"
#include "path/jsonpath.h"

struct path_case {
    struct arena programs;
    struct regex_list regexes;
    struct arena scratch; /* documents and results */
    struct path_error error;
};

static inline void path_case_init(struct path_case *c)
{
    *c = (struct path_case){0};
    arena_init(&c->programs, MIB(64));
    arena_init(&c->scratch, MIB(256));
}

static inline void path_case_release(struct path_case *c)
{
    regex_free_all(&c->regexes);
    arena_release(&c->programs);
    arena_release(&c->scratch);
}

/* The whole text as a path, or NULL with c->error. */
static inline const struct jsonpath *path_case_compile(struct path_case *c, struct slice text)
{
    size_t used;
    return jsonpath_compile(&c->programs, &c->regexes, text, PATH_WHOLE, &used, &c->error);
}

/* A document's root; NOTHING where the text is not JSON. */
static inline struct value path_case_document(struct path_case *c, struct slice json)
{
    const struct json_doc *doc;
    if (json_doc_parse(&c->scratch, json, JSON_ANY_VALUE, &doc) != JSON_OK)
        return VALUE_NONE;
    return value_of_token(doc, 0);
}

/* ... without its tokens: what can be found by walking through the text then is. */
static inline struct value path_case_text(struct path_case *c, struct slice json)
{
    struct json_doc *doc;
    return json_doc_read(&c->scratch, json, JSON_ANY_VALUE, &doc) == JSON_OK ? value_of_doc(doc) : VALUE_NONE;
}

#endif
