#include "cli/call_match.h"

static void say(struct buffer *difference, struct slice path, const struct value *expected, const struct value *got)
{
    if (path.len) {
        buffer_add(difference, path);
        buffer_add_text(difference, ": ");
    }
    buffer_add_text(difference, "expected ");
    value_write(difference, expected);
    buffer_add_text(difference, ", got ");
    if (value_is_there(got))
        value_write(difference, got);
    else
        buffer_add_text(difference, "nothing");
}

static bool match(struct arena *arena, struct slice path, struct value expected, struct value got,
                  struct buffer *difference);

static struct slice path_of_member(struct arena *arena, struct slice path, struct slice name)
{
    struct buffer b;
    buffer_init_in(&b, arena);
    buffer_add(&b, path);
    if (path.len)
        buffer_add_char(&b, '.');
    buffer_add(&b, name);
    return buffer_slice(&b);
}

static bool match_object(struct arena *arena, struct slice path, struct value expected, struct value got,
                         struct buffer *difference)
{
    struct value_walk walk = {.of = expected};
    while (value_walk_next(arena, &walk)) {
        struct slice name = value_plain(arena, &walk.name);
        if (!match(arena, path_of_member(arena, path, name), walk.value, value_member(arena, &got, name), difference))
            return false;
    }
    return true;
}

static bool match_array(struct arena *arena, struct slice path, struct value expected, struct value got,
                        struct buffer *difference)
{
    struct value_walk wanted = {.of = expected}, found = {.of = got};
    for (size_t i = 0;; i++) {
        bool more = value_walk_next(arena, &wanted);
        if (value_walk_next(arena, &found) != more) {
            say(difference, path, &expected, &got);
            return false;
        }
        if (!more)
            return true;
        struct buffer place;
        buffer_init_in(&place, arena);
        buffer_add(&place, path);
        buffer_printf(&place, "[%zu]", i);
        if (!match(arena, buffer_slice(&place), wanted.value, found.value, difference))
            return false;
    }
}

/* As deep as the expected value, which the configuration's own depth bounds. */
static bool match(struct arena *arena, struct slice path, struct value expected, struct value got,
                  struct buffer *difference)
{
    if (expected.type == VALUE_OBJECT && got.type == VALUE_OBJECT)
        return match_object(arena, path, expected, got, difference);
    if (expected.type == VALUE_ARRAY && got.type == VALUE_ARRAY)
        return match_array(arena, path, expected, got, difference);
    if (value_equal(arena, &expected, &got))
        return true;
    say(difference, path, &expected, &got);
    return false;
}

bool call_match(struct arena *arena, const struct value *expected, struct value got, struct buffer *difference)
{
    return match(arena, SLICE(""), *expected, got, difference);
}
