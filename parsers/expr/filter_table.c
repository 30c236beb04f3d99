#include "expr/filter_table.h"

#include "expr/expr_program.h"
#include "text/nearest.h"
#include "json/json_number.h"

#include <assert.h>

/* clang-format off */
static const struct filter filters[] = {
    /* name         least most               arguments                                 function */
    {"string",      0, 0,                    {0},                                      filter_string, 0, NULL},
    {"number",      0, 0,                    {0},                                      filter_number, 0, NULL},
    {"int",         0, 0,                    {0},                                      filter_int, 0, NULL},
    {"bool",        0, 0,                    {0},                                      filter_bool, 0, NULL},
    {"json",        0, 0,                    {0},                                      filter_json, TAKES_NULL, NULL},
    {"parse_json",  0, 0,                    {0},                                      filter_parse_json, 0, NULL},
    {"get",         1, 1,                    {ARG_PATH},                               filter_get, 0, NULL},
    {"at",          1, 1,                    {ARG_KEY},                                filter_at, 0, NULL},
    {"text",        0, 1,                    {ARG_TEXT},                               filter_text, 0, NULL},
    {"last_text",   1, 1,                    {ARG_TEXT},                               filter_last_text, 0, NULL},
    {"object",      0, 0,                    {0},                                      filter_object, 0, NULL},
    {"nest",        0, 0,                    {0},                                      filter_nest, 0, NULL},
    {"lower",       0, 0,                    {0},                                      filter_lower, 0, NULL},
    {"upper",       0, 0,                    {0},                                      filter_upper, 0, NULL},
    {"trim",        0, 0,                    {0},                                      filter_trim, 0, NULL},
    {"truncate",    1, 1,                    {ARG_COUNT},                              filter_truncate, 0, NULL},
    {"replace",     2, 2,                    {ARG_REGEX, ARG_REPLACEMENT},             filter_replace, 0, NULL},
    {"capture",     1, 1,                    {ARG_REGEX},                              filter_capture, 0, NULL},
    {"split",       1, 1,                    {ARG_TEXT},                               filter_split, 0, NULL},
    {"join",        1, 1,                    {ARG_TEXT},                               filter_join, 0, NULL},
    {"first",       0, 0,                    {0},                                      filter_first, 0, NULL},
    {"last",        0, 0,                    {0},                                      filter_last, 0, NULL},
    {"length",      0, 0,                    {0},                                      filter_length, 0, NULL},
    {"keys",        0, 0,                    {0},                                      filter_keys, 0, NULL},
    {"values",      0, 0,                    {0},                                      filter_values, 0, NULL},
    {"pick",        1, FILTER_ANY_NUMBER,    {ARG_TEXT, ARG_TEXT, ARG_TEXT},           filter_pick, 0, NULL},
    {"omit",        1, FILTER_ANY_NUMBER,    {ARG_TEXT, ARG_TEXT, ARG_TEXT},           filter_omit, 0, NULL},
    {"default",     1, 1,                    {ARG_VALUE},                              filter_default,
                                                                                       TAKES_NULL | TAKES_NOTHING, NULL},
    {"null_if",     1, FILTER_ANY_NUMBER,    {ARG_VALUE, ARG_VALUE, ARG_VALUE},        filter_null_if, TAKES_NULL, NULL},
    {"lookup",      1, 2,                    {ARG_TABLE, ARG_VALUE},                   filter_lookup, 0, NULL},
    {"step",        3, FILTER_ANY_NUMBER,    {ARG_VALUE, ARG_NUMBER, ARG_VALUE},       filter_step, 0, filter_step_check},
    {"mul",         1, 1,                    {ARG_NUMBER},                             filter_mul, 0, NULL},
    {"add",         1, 1,                    {ARG_NUMBER},                             filter_add, 0, NULL},
    {"sub",         1, 1,                    {ARG_NUMBER},                             filter_sub, 0, NULL},
    {"round",       1, 1,                    {ARG_DIGITS},                             filter_round, 0, NULL},
    {"time",        0, 2,                    {ARG_FORMAT, ARG_ZONE},                   filter_time, 0, NULL},
    {"since",       1, 1,                    {ARG_TIME},                               filter_since, 0, NULL},
    {"sha256",      0, 0,                    {0},                                      filter_sha256, 0, NULL},
    {"hmac_sha256", 1, 1,                    {ARG_ENVIRONMENT},                        filter_hmac_sha256, 0, NULL},
    {"uuid",        0, 0,                    {0},                                      filter_uuid, 0, NULL},
    {"redact",      0, FILTER_ANY_NUMBER,    {ARG_REDACT, ARG_REDACT, ARG_REDACT},     filter_redact, 0, NULL},
    {"mask",        1, 1,                    {ARG_COUNT},                              filter_mask, 0, NULL},
};
/* clang-format on */

enum { FILTERS = sizeof filters / sizeof filters[0] };
_Static_assert((int)FILTERS <= (int)FILTER_COUNT_MAX, "filter_failures[] has room for every filter");

size_t filter_count(void)
{
    return FILTERS;
}

const char *filter_name(size_t filter)
{
    assert(filter < FILTERS);
    return filters[filter].name;
}

const struct filter *filter_find(struct slice name)
{
    for (size_t i = 0; i < FILTERS; i++)
        if (slice_is(name, filters[i].name))
            return &filters[i];
    return NULL;
}

const char *filter_nearest(struct slice name)
{
    const char *names[FILTERS];
    for (size_t i = 0; i < FILTERS; i++)
        names[i] = filters[i].name;
    return nearest_name(name, names, FILTERS);
}

size_t filter_index(const struct filter *filter)
{
    return (size_t)(filter - filters);
}

enum filter_arg_kind filter_arg_kind_at(const struct filter *filter, size_t i)
{
    return filter->args[i < 3 ? i : 1 + (i - 1) % 2];
}

struct value filter_arg_value(struct filter_run *run, size_t i)
{
    const struct filter_arg *arg = &run->args[i];
    return arg->known ? arg->value : expr_eval(arg->of, run->scope);
}

bool filter_arg_text(struct filter_run *run, size_t i, struct slice *ret_plain)
{
    struct value v = filter_arg_value(run, i);
    if (v.type != VALUE_STRING) {
        run->refused = !value_is_null_or_nothing(&v);
        return false;
    }
    *ret_plain = value_plain(run->arena, &v);
    return true;
}

bool filter_arg_number(struct filter_run *run, size_t i, struct value *ret_number)
{
    struct value v = filter_arg_value(run, i);
    if (v.type != VALUE_NUMBER) {
        run->refused = !value_is_null_or_nothing(&v);
        return false;
    }
    *ret_number = v;
    return true;
}

bool filter_arg_int(struct filter_run *run, size_t i, int64_t *ret_n)
{
    struct value v;
    if (!filter_arg_number(run, i, &v))
        return false;
    run->refused = !json_number_to_int64(v.text, ret_n);
    return !run->refused;
}

struct value filter_made_text(const struct buffer *b)
{
    if (b->failed)
        return VALUE_NONE;
    return value_of_plain(b->len ? buffer_slice(b) : SLICE(""));
}

struct value filter_made_json(const struct buffer *b)
{
    return b->failed ? VALUE_NONE : value_of_json(buffer_slice(b));
}

struct value filter_made_of_known(struct arena *arena, const struct buffer *b)
{
    struct value v = filter_made_json(b);
    if (value_is_container(&v))
        v.doc = json_doc_of_part(arena, v.text, NULL);
    return arena->failed ? VALUE_NONE : v;
}
