/* Values of any kind: conversions, and what looks into arrays and objects. */
#include "expr/expr_program.h"
#include "text/utf8.h"
#include "json/json_number.h"
#include "json/json_writer.h"

struct value filter_string(struct filter_run *run, struct value *in)
{
    if (in->type == VALUE_STRING)
        return *in;
    return value_of_plain(value_as_text(run->arena, in));
}

struct value filter_bool(struct filter_run *run, struct value *in)
{
    if (in->type == VALUE_TRUE || in->type == VALUE_FALSE)
        return *in;
    if (in->type != VALUE_STRING && in->type != VALUE_NUMBER)
        return filter_refuse(run);
    struct slice text = value_as_text(run->arena, in);
    if (slice_is(text, "true") || (json_number_is(text) && json_number_compare(text, SLICE("1")) == 0))
        return value_of_bool(true);
    if (slice_is(text, "false") || (json_number_is(text) && json_number_compare(text, SLICE("0")) == 0))
        return value_of_bool(false);
    return filter_refuse(run);
}

struct value filter_json(struct filter_run *run, struct value *in)
{
    if (in->type != VALUE_STRING)
        return value_of_plain(in->text);
    struct buffer b;
    buffer_init_in(&b, run->arena);
    value_write(&b, in);
    return filter_made_text(&b);
}

struct value filter_parse_json(struct filter_run *run, struct value *in)
{
    struct json_doc *doc;
    if (value_is_container(in))
        return *in;
    if (in->type != VALUE_STRING)
        return filter_refuse(run);
    if (json_doc_read(run->arena, value_plain(run->arena, in), JSON_ANY_VALUE, &doc) != JSON_OK)
        return VALUE_NONE;
    return value_of_doc(doc);
}

struct value filter_get(struct filter_run *run, struct value *in)
{
    return jsonpath_value(run->arena, run->args[0].path, in, in);
}

struct value filter_at(struct filter_run *run, struct value *in)
{
    struct value key = filter_arg_value(run, 0);
    int64_t index;

    if (value_is_null_or_nothing(&key))
        return VALUE_NONE;
    if (in->type == VALUE_OBJECT && (key.type == VALUE_STRING || key.type == VALUE_NUMBER))
        return value_member(run->arena, in, value_as_text(run->arena, &key));
    if (in->type == VALUE_ARRAY && key.type == VALUE_NUMBER && json_number_to_int64(key.text, &index))
        return value_element(run->arena, in, index);
    return filter_refuse(run);
}

struct value filter_default(struct filter_run *run, struct value *in)
{
    return value_is_null_or_nothing(in) ? filter_arg_value(run, 0) : *in;
}

struct value filter_null_if(struct filter_run *run, struct value *in)
{
    for (size_t i = 0; i < run->count; i++) {
        struct value other = filter_arg_value(run, i);
        if (value_equal(run->arena, in, &other))
            return VALUE_NONE;
    }
    return *in;
}

struct value filter_lookup(struct filter_run *run, struct value *in)
{
    const struct expr_table *table = run->args[0].table;
    if (value_is_container(in))
        return filter_refuse(run);
    struct slice key = value_as_text(run->arena, in);
    size_t low = 0, high = table->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = slice_compare(key, table->entries[middle].key);
        if (order == 0)
            return table->entries[middle].value;
        if (order < 0)
            high = middle;
        else
            low = middle + 1;
    }
    return run->count > 1 ? filter_arg_value(run, 1) : VALUE_NONE;
}

/* ---- arrays and objects ---- */

struct value filter_first(struct filter_run *run, struct value *in)
{
    return in->type == VALUE_ARRAY ? value_element(run->arena, in, 0) : filter_refuse(run);
}

struct value filter_last(struct filter_run *run, struct value *in)
{
    return in->type == VALUE_ARRAY ? value_element(run->arena, in, -1) : filter_refuse(run);
}

/* Of members of one name only the last one is seen. */
static bool next_part(struct filter_run *run, struct value_walk *walk)
{
    while (value_walk_next(run->arena, walk))
        if (!value_walk_is_shadowed(walk))
            return true;
    return false;
}

struct value filter_length(struct filter_run *run, struct value *in)
{
    if (in->type == VALUE_STRING)
        return value_of_int(run->arena, (int64_t)utf8_count(value_plain(run->arena, in)));
    if (!value_is_container(in))
        return filter_refuse(run);
    int64_t n = 0;
    for (struct value_walk walk = {.of = *in}; next_part(run, &walk);)
        n++;
    return value_of_int(run->arena, n);
}

static struct value list_of_parts(struct filter_run *run, const struct value *object, bool names)
{
    struct buffer b;
    if (object->type != VALUE_OBJECT)
        return filter_refuse(run);
    buffer_init_in(&b, run->arena);
    buffer_add_char(&b, '[');
    for (struct value_walk walk = {.of = *object}; next_part(run, &walk);) {
        if (b.len > 1)
            buffer_add_char(&b, ',');
        value_write(&b, names ? &walk.name : &walk.value);
    }
    buffer_add_char(&b, ']');
    return filter_made_json(&b);
}

struct value filter_keys(struct filter_run *run, struct value *in)
{
    return list_of_parts(run, in, true);
}

struct value filter_values(struct filter_run *run, struct value *in)
{
    return list_of_parts(run, in, false);
}

/* The arguments' texts; NULL where one is not text. */
static struct slice *argument_names(struct filter_run *run)
{
    struct slice *names = arena_calloc(run->arena, run->count, sizeof *names);
    for (size_t i = 0; names && i < run->count; i++)
        if (!filter_arg_text(run, i, &names[i]))
            return NULL;
    return names;
}

static bool is_named(struct filter_run *run, const struct value *name, const struct slice names[])
{
    struct slice plain = value_plain(run->arena, name);
    for (size_t i = 0; i < run->count; i++)
        if (slice_equal(plain, names[i]))
            return true;
    return false;
}

static struct value with_members(struct filter_run *run, struct value *in, bool named)
{
    struct buffer b;
    if (in->type != VALUE_OBJECT)
        return filter_refuse(run);
    struct slice *names = argument_names(run);
    if (!names)
        return VALUE_NONE;
    buffer_init_in(&b, run->arena);
    buffer_add_char(&b, '{');
    for (struct value_walk walk = {.of = *in}; next_part(run, &walk);) {
        if (is_named(run, &walk.name, names) != named)
            continue;
        if (b.len > 1)
            buffer_add_char(&b, ',');
        value_write(&b, &walk.name);
        buffer_add_char(&b, ':');
        value_write(&b, &walk.value);
    }
    buffer_add_char(&b, '}');
    return filter_made_json(&b);
}

struct value filter_pick(struct filter_run *run, struct value *in)
{
    return with_members(run, in, true);
}

struct value filter_omit(struct filter_run *run, struct value *in)
{
    return with_members(run, in, false);
}
