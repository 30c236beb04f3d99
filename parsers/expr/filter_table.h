/* Pure: no I/O, no clock, no logging, no uv. Private to parsers/expr. */
#ifndef RAINGAUGE_FILTER_TABLE_H
#define RAINGAUGE_FILTER_TABLE_H

#include "expr/expr.h"
#include "path/jsonpath.h"
#include "time/zone.h"

/* The filters of contract section 3: one row each in filter_table.c, one file for a family of them.
 *
 * A filter is called with a value that is there and not null (but for those whose row says otherwise). It gives
 * another value, or NOTHING; filter_refuse() gives NOTHING and has it counted: the value is of a kind that the filter
 * cannot take. What it makes is in the scope's arena; what it passes on unchanged keeps its bytes. */

enum filter_arg_kind {
    ARG_VALUE,       /* any expression */
    ARG_TEXT,        /* ... that gives text */
    ARG_NUMBER,      /* ... a number */
    ARG_COUNT,       /* ... a whole number from 0 on */
    ARG_DIGITS,      /* ... a whole number, for round */
    ARG_KEY,         /* ... text or a whole number */
    ARG_REPLACEMENT, /* ... text with $1 in it */
    ARG_TIME,        /* ... a time as the filter `time` takes it */
    ARG_FORMAT,      /* ... a strptime format, or empty text */
    ARG_REGEX,       /* text that is known now, and so compiled once */
    ARG_PATH,
    ARG_ZONE,
    ARG_REDACT, /* a kind of what redact finds, by name */
    ARG_TABLE,  /* bare names */
    ARG_ENVIRONMENT,
};

struct filter_arg {
    const struct expr *of; /* ARG_VALUE … ARG_FORMAT: evaluated on the record, unless it is known: */
    bool known;
    struct value value;
    union { /* what was prepared of it */
        const struct regex *regex;
        const struct jsonpath *path;
        const struct expr_table *table;
        const struct time_zone *zone;
        struct slice key; /* the environment variable's value */
        unsigned redact;  /* a bit */
    };
    size_t at; /* in the source */
};

struct filter_use {
    const struct filter *filter;
    const struct filter_arg *args;
    size_t count;
};

/* One application of a filter. */
struct filter_run {
    struct scope *scope;
    struct arena *arena; /* the scope's */
    const struct filter_arg *args;
    size_t count;
    bool refused;
};

enum filter_trait { TAKES_NULL = 1, TAKES_NOTHING = 2 };

struct filter {
    const char *name;
    unsigned least, most; /* arguments; FILTER_ANY_NUMBER: no upper bound */
    enum filter_arg_kind args[3];
    struct value (*apply)(struct filter_run *run, struct value *in);
    unsigned traits;
    /* A further check of all arguments: NULL, or the mistake, and in *ret_arg at which of them. */
    const char *(*check)(const struct filter_use *use, size_t *ret_arg);
};

enum { FILTER_ANY_NUMBER = 1000 };

const struct filter *filter_find(struct slice name);
const char *filter_nearest(struct slice name);
size_t filter_index(const struct filter *filter);
/* From the third argument on, the second and third kind alternate. */
enum filter_arg_kind filter_arg_kind_at(const struct filter *filter, size_t i);

/* ---- for the filters ---- */

static inline struct value filter_refuse(struct filter_run *run)
{
    run->refused = true;
    return VALUE_NONE;
}

/* The argument's value. */
struct value filter_arg_value(struct filter_run *run, size_t i);
/* ... as it has to be. False: it is nothing or null (then the filter gives nothing), or of a wrong type (then it is
 * refused, too). */
bool filter_arg_text(struct filter_run *run, size_t i, struct slice *ret_plain) __attribute__((warn_unused_result));
bool filter_arg_number(struct filter_run *run, size_t i, struct value *ret_number) __attribute__((warn_unused_result));
bool filter_arg_int(struct filter_run *run, size_t i, int64_t *ret_n) __attribute__((warn_unused_result));

/* A text that was written into the arena; NOTHING where that failed. Likewise an array's or object's JSON. */
struct value filter_made_text(const struct buffer *b);
struct value filter_made_json(const struct buffer *b);
/* ... made of parts of a value that has its document, and nested no deeper than it is. */
struct value filter_made_of_known(struct arena *arena, const struct buffer *b);

/* ---- the families ---- */
typedef struct value filter_function(struct filter_run *run, struct value *in);

/* filters_value.c */
filter_function filter_string, filter_bool, filter_json, filter_parse_json, filter_get, filter_at, filter_default,
    filter_null_if, filter_lookup, filter_first, filter_last, filter_length, filter_keys, filter_values, filter_pick,
    filter_omit;
/* filters_text.c */
filter_function filter_lower, filter_upper, filter_trim, filter_truncate, filter_replace, filter_capture, filter_split,
    filter_join, filter_mask;
/* filters_number.c */
filter_function filter_number, filter_int, filter_step, filter_mul, filter_add, filter_sub, filter_round;
const char *filter_step_check(const struct filter_use *use, size_t *ret_arg);
/* filters_time.c */
filter_function filter_time, filter_since;
/* filters_chat.c */
filter_function filter_text, filter_last_text;
/* filters_otlp.c */
filter_function filter_object, filter_nest;
/* filters_redact.c */
filter_function filter_redact;
/* filters_hash.c */
filter_function filter_sha256, filter_hmac_sha256, filter_uuid;

#endif
