/* Pure: files and environment come through struct config_source. Private to conf/. */
#ifndef RAINGAUGE_LOADER_H
#define RAINGAUGE_LOADER_H

#include "config.h"
#include "environment.h"
#include "yaml_tree.h"

/* One configuration while it is being loaded: what its readers share. Every reader reports what is wrong and goes on,
 * so that all mistakes are found; whether there was one is asked once, at the end. Memory is the configuration's
 * arena; where it fails, readers return early, and the arena's mark is looked at at the end, too. */

struct document {
    const struct source_file *file;
    const char *directory; /* absolute where that could be found out; what relative paths are relative to */
    const struct yaml_node *root;
};

struct loader {
    const struct config_source *source;
    struct environment environment;
    enum config_purpose purpose;
    struct diagnostics *d;
    struct config *config;
    struct arena *arena; /* the configuration's */
    struct document *documents;
    size_t document_count;

    /* What is being read at the moment */
    const struct document *document;
    enum severity unset;     /* what a variable that is not set is here */
    struct expr_names names; /* what expressions can see here */
    struct slice shared_lets[LETS_SHARED_MOST];
    uint32_t shared_let_count;
};

void loader_error(struct loader *l, struct source_place place, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
void loader_warn(struct loader *l, struct source_place place, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* ---- scalars.c -------------------------------------------------------------------------------------------------- */

struct scalar {
    struct slice text;   /* the environment put in; zero-terminated */
    enum yaml_type type; /* what a setting sees: where something was put in, what the result would be unquoted */
    bool secret;         /* a value of the environment is in it: not for messages */
};

/* A scalar that is a setting or a literal, its variables replaced. False where it is a list or map (not reported), or
 * where a variable is not set (reported). */
bool scalar_read(struct loader *l, const struct yaml_node *node, struct scalar *ret);

/* Any scalar, replaced as its kind wants it. False: reported. */
bool scalar_replace(struct loader *l, const struct yaml_node *node, enum replaced_kind kind, struct replaced *ret);

/* Text without a NUL byte, not empty, for a name or a path. False: reported, as "`what` must be …". */
bool scalar_name(struct loader *l, const struct yaml_node *node, const char *what, struct scalar *ret);

/* A relative path made absolute; NULL on lack of memory. */
const char *scalar_absolute(struct loader *l, struct slice path);
const char *scalar_absolute_pattern(struct loader *l, struct slice pattern); /* of a glob */
void scalar_escape_pattern(struct buffer *out, struct slice path);           /* a path's text as a glob of just it */

/* A list of texts; one that is none is reported and empty. False: it is no list, or empty (reported). */
bool scalar_list(struct loader *l, const struct yaml_node *node, const char *what, struct scalar **ret_items,
                 size_t *ret_count);

/* A regular expression as a setting; NULL: reported. */
const struct regex *scalar_regex(struct loader *l, const struct yaml_node *node, const char *what);

/* `; did you mean "…"?` or an empty text, in the arena. */
const char *did_you_mean(struct loader *l, struct slice name, const char *const names[], size_t count);

/* "a, b or c" of names that end with NULL, in the arena. */
const char *enumerate(struct loader *l, const char *const names[]);

/* ---- conf_values.c ---------------------------------------------------------------------------------------------- */

/* A mapping's value (contract 3) with what l->names can see; NULL: reported. */
const struct expr *value_read(struct loader *l, const struct yaml_node *node);

/* Text that must be an expression: for_each, merge.by … NULL: reported. */
const struct expr *value_expression(struct loader *l, const struct yaml_node *node, const char *what);

/* A value that depends on the record: an expression or a template. NULL: reported. */
const struct expr *value_of_record(struct loader *l, const struct yaml_node *node, const char *what);

/* Whether a value can be a timestamp: it depends on the record, or `time` takes it, or it is nothing. */
bool value_may_be_time(struct loader *l, const struct expr *e);

/* A value that must be a literal (`when`, tables): false where it is an expression (reported). */
bool value_literal(struct loader *l, const struct yaml_node *node, struct value *ret);

/* A value taken as it stands (`tests`): neither `$` nor braces mean anything. */
bool value_verbatim(struct loader *l, const struct yaml_node *node, struct value *ret);

/* A JSONPath query; NULL: reported. */
const struct jsonpath *value_path(struct loader *l, const struct yaml_node *node, const char *what);

/* A map's key as if it were a value. */
struct yaml_node value_of_key(const struct yaml_member *member);

/* The place of a byte of a scalar's text. */
struct source_place value_place(const struct yaml_node *node, const struct replaced *replaced, size_t at);

/* ---- The parts of the file -------------------------------------------------------------------------------------- */

void destinations_read(struct loader *l);
const struct expr *destination_read_to(struct loader *l, const struct yaml_node *node);
const struct expr *destination_read_project(struct loader *l, const struct yaml_node *node);

void tables_read(struct loader *l);
/* The key `preset` of included files: checks it; and the settings that it has for this input (NULL: none). */
void preset_input_check(struct loader *l);
const struct yaml_node *preset_input_for(struct loader *l, const struct yaml_node *input);
void inputs_read(struct loader *l);
void rules_read(struct loader *l);
const struct condition *condition_read(struct loader *l, const struct yaml_node *node);
/* The event, signal or identify calls at a rule's key, appended to `calls`. */
struct call_list {
    struct call_rule *items;
    size_t count;
};
void calls_read(struct loader *l, enum endpoint endpoint, const struct yaml_node *node, struct rule *rule,
                struct call_list *calls);
/* `let`: names added to those that can be seen. */
struct lets lets_read(struct loader *l, const struct yaml_node *node);

void privacy_read(struct loader *l, const struct yaml_node *node);
void tests_read(struct loader *l);

#endif
