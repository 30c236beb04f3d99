/* The parts of `properties` and `traits` → one object. */
#include "wire/call.h"

#include <stdlib.h>

struct property {
    struct slice name; /* plain, for comparing */
    struct value as_written, value;
    size_t place;
    bool replaced; /* by a later one, whose value stands in the place of the first */
};

static int by_name_and_place(const void *a, const void *b)
{
    const struct property *x = *(struct property *const *)a, *y = *(struct property *const *)b;
    int order = slice_compare(x->name, y->name);
    return order ? order : (x->place > y->place) - (x->place < y->place);
}

/* Later members replace earlier ones: of each name the first one gets the last one's value. By sorting, so that a
 * hostile line's thousands of members cost n log n. */
static bool replace_earlier(struct arena *arena, struct property *properties, size_t count)
{
    struct property **sorted = arena_calloc(arena, count, sizeof(struct property *));
    if (!sorted)
        return false;
    for (size_t i = 0; i < count; i++)
        sorted[i] = &properties[i];
    qsort(sorted, count, sizeof *sorted, by_name_and_place);
    for (size_t i = 1, first = 0; i < count; i++) {
        if (!slice_equal(sorted[i]->name, sorted[first]->name)) {
            first = i;
        } else {
            sorted[first]->value = sorted[i]->value;
            sorted[i]->replaced = true;
        }
    }
    return true;
}

static struct value write_object(struct arena *arena, const struct property *properties, size_t count)
{
    struct buffer b;
    buffer_init_in(&b, arena);
    buffer_add_char(&b, '{');
    for (size_t i = 0; i < count; i++) {
        if (properties[i].replaced)
            continue;
        if (b.len > 1)
            buffer_add_char(&b, ',');
        value_write(&b, &properties[i].as_written);
        buffer_add_char(&b, ':');
        value_write(&b, &properties[i].value);
    }
    buffer_add_char(&b, '}');
    return b.failed ? VALUE_NONE : value_of_json(buffer_slice(&b));
}

/* All members of the parts, in order. */
struct property_list {
    struct property *items;
    size_t count;
};

static enum properties_result list_members(struct arena *arena, struct value parts[], size_t count,
                                           struct property_list *ret)
{
    size_t all = 0;
    for (size_t i = 0; i < count; i++) {
        if (!value_tokenise(arena, &parts[i])) /* nested too deep, where memory is not what lacks */
            return arena->failed ? PROPERTIES_NO_MEMORY : PROPERTIES_INVALID;
        all += parts[i].doc->tokens[parts[i].token].size;
    }
    struct property_list list = {arena_calloc(arena, all, sizeof(struct property)), 0};
    if (!list.items)
        return PROPERTIES_NO_MEMORY;
    for (size_t i = 0; i < count; i++) {
        struct value_walk walk = {.of = parts[i]};
        while (value_walk_next(arena, &walk)) {
            struct slice name = value_plain(arena, &walk.name);
            list.items[list.count] = (struct property){name, walk.name, walk.value, list.count, false};
            list.count++;
        }
    }
    *ret = list;
    return arena->failed ? PROPERTIES_NO_MEMORY : PROPERTIES_OK;
}

enum properties_result properties_merge(struct arena *arena, const struct value parts[], size_t count,
                                        struct value *ret)
{
    struct value *present = arena_calloc(arena, count, sizeof *present);
    size_t n = 0;
    if (!present)
        return PROPERTIES_NO_MEMORY;
    for (size_t i = 0; i < count; i++) {
        if (value_is_null_or_nothing(&parts[i]))
            continue;
        if (parts[i].type != VALUE_OBJECT)
            return PROPERTIES_INVALID;
        present[n++] = parts[i];
    }
    if (n <= 1) {
        *ret = n ? present[0] : VALUE_NONE;
        return PROPERTIES_OK;
    }
    struct property_list list;
    enum properties_result result = list_members(arena, present, n, &list);
    if (result != PROPERTIES_OK)
        return result;
    if (!replace_earlier(arena, list.items, list.count))
        return PROPERTIES_NO_MEMORY;
    *ret = write_object(arena, list.items, list.count);
    return value_is_there(ret) ? PROPERTIES_OK : PROPERTIES_NO_MEMORY;
}

static bool is_named(struct slice name, const struct slice names[], size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (slice_equal(name, names[i]))
            return true;
    return false;
}

enum properties_result properties_pick(struct arena *arena, const struct value *of, const struct slice names[],
                                       size_t count, struct value *ret, size_t *ret_left_out)
{
    struct value object = *of;
    struct property_list list;
    enum properties_result result = list_members(arena, &object, 1, &list);
    if (result != PROPERTIES_OK)
        return result;
    size_t left_out = 0;
    for (size_t i = 0; i < list.count; i++) {
        list.items[i].replaced = !is_named(list.items[i].name, names, count);
        left_out += list.items[i].replaced;
    }
    *ret = write_object(arena, list.items, list.count);
    *ret_left_out = left_out;
    return value_is_there(ret) ? PROPERTIES_OK : PROPERTIES_NO_MEMORY;
}
