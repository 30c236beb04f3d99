/* Pure: no I/O, no clock, no logging, no uv. */
#ifndef RAINGAUGE_EXPR_H
#define RAINGAUGE_EXPR_H

#include "expr/regex.h"
#include "json/value.h"

/* Values in a mapping (contract 3): literals, expressions, templates, and lists and maps of these.
 *
 *     source text → expr_compile() → a checked program → expr_eval() on a record's scope, any number of times
 *
 * A program lives in the arena it was compiled in and is never written to afterwards: many threads may use one. What
 * changes while it runs stands in the scope, which belongs to one thread. */

struct expr;

/* ---- Names ------------------------------------------------------------------------------------------------------ */

/* A `tables:` entry: text to any JSON value. Entries sorted by key (memcmp, shorter first) for the look-up. */
struct expr_table {
    struct slice name;
    size_t count;
    const struct expr_table_entry {
        struct slice key;
        struct value value;
    } * entries;
};

enum expr_root_flag {                 /* which roots besides $, $env and $meta mean something here */
                      EXPR_ITEM = 1,  /* $item, $key: inside for_each */
                      EXPR_OUTER = 2, /* $outer: inside an attachment's own for_each within a call's */
};

/* What names mean where an expression stands. Borrowed by expr_compile; strings it needs later are copied. */
struct expr_names {
    unsigned roots; /* of expr_root_flag */
    size_t parents; /* $parent (1), $parent2 (2) … that exist; SIZE_MAX where it depends on the input */
    const struct slice
        *lets;        /* names of `let` that can be seen, without `$`; a later one hides an earlier of its name */
    size_t let_count; /* index = slot in the scope */
    const struct expr_table *tables;
    size_t table_count;
    /* The value of an environment variable, or false. NULL: none is set. */
    bool (*environment)(void *context, struct slice name, struct slice *ret_value);
    void *environment_context;
    /* The bytes of a time zone's TZif file (`Europe/Berlin`), or false; the name was checked to be a plain relative
     * path. Only asked while compiling. NULL: only UTC is known. */
    bool (*zone)(void *context, struct slice name, struct slice *ret_tzif);
    void *zone_context;
    struct regex_list *regexes; /* takes the regular expressions in; given back with the arena */
    uint64_t *filters;          /* gets a bit for each filter (its index) that is used; NULL: not asked for */
};

/* ---- Compiling -------------------------------------------------------------------------------------------------- */

struct expr_error {
    size_t at; /* byte offset of the offending character in the source text */
    char text[200];
};

/* An expression as it stands after its `$` rule was applied by the caller, or any text that must be one (for_each, a
 * condition's key). NULL with `ret_error` filled on a mistake (syntax, unknown name or filter, wrong number or type of
 * arguments, an invalid path or regular expression). */
const struct expr *expr_compile(struct arena *arena, struct slice source, const struct expr_names *names,
                                struct expr_error *ret_error) __attribute__((warn_unused_result));

/* Text that contains `{{`. */
const struct expr *expr_compile_template(struct arena *arena, struct slice source, const struct expr_names *names,
                                         struct expr_error *ret_error) __attribute__((warn_unused_result));

/* What a mapping's string is (contract 3): text that begins with `$` as said there, or contains `{{`, or neither. */
enum expr_kind { EXPR_KIND_LITERAL, EXPR_KIND_EXPRESSION, EXPR_KIND_TEMPLATE };
enum expr_kind expr_kind_of(struct slice text);
/* A literal string's value: a leading `$$` stands for `$`. */
struct slice expr_literal_text(struct slice text);

/* Where in an expression's source environment substitution may act: inside its string literals only. Calls `on_literal`
 * for each one (with the quotes), in order. Used by the configuration before it compiles. */
bool expr_string_literals(struct slice source, bool (*on_literal)(void *context, size_t start, size_t end),
                          void *context);

/* The parts of a template in order: text, and what stands between `{{` and `}}`. Used likewise. */
bool expr_template_parts(struct slice source,
                         bool (*on_part)(void *context, bool is_expression, size_t start, size_t end), void *context);

/* Pieces the configuration builds from YAML: a literal, a list, a map whose values are any of these. All borrowed for
 * the program's life. NULL on lack of memory. */
const struct expr *expr_of_literal(struct arena *arena, struct value literal);
const struct expr *expr_of_list(struct arena *arena, const struct expr *const items[], size_t count);
const struct expr *expr_of_map(struct arena *arena, const struct slice names[], const struct expr *const values[],
                               size_t count);

/* Literal: its value never depends on the record. */
bool expr_is_constant(const struct expr *e, struct value *ret_value);
/* `$.a.b.c` and nothing else: its member names (see jsonpath_member_chain). */
bool expr_member_chain(const struct expr *e, const struct slice **ret_names, size_t *ret_count);
/* Whether the text of an expression uses a name (e.g. `$item`); for checks and for laying out what is evaluated. */
bool expr_uses_root(const struct expr *e, struct slice root);

/* ---- Running ---------------------------------------------------------------------------------------------------- */

enum { FILTER_COUNT_MAX = 64 };
size_t filter_count(void);
const char *filter_name(size_t filter); /* index → "lower" …; what filter_failures[] is counted by */

/* What is known about a line: $meta. Texts borrowed; empty = nothing. */
struct record_meta {
    struct slice file, input, host, time, stream, namespace_, pod, container, pod_uid;
    uint64_t offset;
    int64_t read_time_ms; /* since the epoch; given by the caller */
};

struct let_slot {
    const struct expr *expr; /* NULL: not in force at the moment */
    struct value value;
    bool refused; /* a filter could not take something, which is counted for the rule at hand */
    enum { LET_NEW, LET_BUSY, LET_DONE } state; /* evaluated at the first use, once a record */
};

/* The variables of one evaluation. Belongs to one thread; visible so that rules can set $item and the like. */
struct scope {
    struct arena *arena;         /* values live until it is reset */
    struct value record;         /* $ */
    const struct value *parents; /* [0] is $parent, [1] is $parent2 … */
    size_t parent_count;
    struct value item, key, outer;
    struct let_slot *lets;
    size_t let_count;
    const struct record_meta *meta;
    uint32_t *filter_failures; /* FILTER_COUNT_MAX counters, added to; NULL: not counted */
    uint32_t match_limit_hits; /* regular expressions that gave up (contract: bounded, counted) */
    unsigned depth, refusals;  /* private */
};

/* The value; NOTHING where there is none. On lack of memory NOTHING, with scope->arena->failed set. */
struct value expr_eval(const struct expr *e, struct scope *scope);

/* For `for_each` (contract 4.5): the nodes of a query (one by one, never as one array), the elements of an array with
 * their index, the members of an object with their name; any other value is one with `key` NOTHING; nothing is none. */
bool expr_eval_each(const struct expr *e, struct scope *scope, struct value **ret_items, struct value **ret_keys,
                    size_t *ret_count) __attribute__((warn_unused_result));

#endif
