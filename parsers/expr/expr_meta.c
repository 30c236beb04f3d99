/* $meta: what is known about a line. */
#include "expr/expr_program.h"
#include "text/nearest.h"
#include "text/utf8.h"
#include "time/instant.h"
#include "json/json_writer.h"

static struct value as_offset(const struct record_meta *meta, struct arena *arena)
{
    return value_of_int(arena, (int64_t)meta->offset);
}

static struct value as_read_time(const struct record_meta *meta, struct arena *arena)
{
    struct instant t = instant_of_ms(meta->read_time_ms);
    char text[INSTANT_TEXT_MOST];
    struct slice copy = arena_copy(arena, slice_of(text, instant_write(&t, text)));
    return copy.len ? value_of_plain(copy) : VALUE_NONE;
}

static const struct meta_member {
    const char *name;
    size_t text_at; /* of a struct slice in struct record_meta */
    struct value (*make)(const struct record_meta *meta, struct arena *arena); /* or what makes it */
} members[] = {
    {"file", offsetof(struct record_meta, file), NULL},
    {"offset", 0, as_offset},
    {"input", offsetof(struct record_meta, input), NULL},
    {"host", offsetof(struct record_meta, host), NULL},
    {"time", offsetof(struct record_meta, time), NULL},
    {"stream", offsetof(struct record_meta, stream), NULL},
    {"read_time", 0, as_read_time},
    {"namespace", offsetof(struct record_meta, namespace_), NULL},
    {"pod", offsetof(struct record_meta, pod), NULL},
    {"container", offsetof(struct record_meta, container), NULL},
    {"pod_uid", offsetof(struct record_meta, pod_uid), NULL},
};

enum { MEMBERS = sizeof members / sizeof members[0] };
_Static_assert((int)MEMBERS < (int)META_ALL, "META_ALL is no member");

size_t meta_member_find(struct slice name)
{
    for (size_t i = 0; i < MEMBERS; i++)
        if (slice_is(name, members[i].name))
            return i;
    return META_ALL;
}

const char *meta_member_nearest(struct slice name)
{
    const char *names[MEMBERS];
    for (size_t i = 0; i < MEMBERS; i++)
        names[i] = members[i].name;
    return nearest_name(name, names, MEMBERS);
}

struct value meta_member_value(size_t member, const struct record_meta *meta, struct arena *arena)
{
    const struct meta_member *m = &members[member];
    if (m->make)
        return m->make(meta, arena);
    struct slice text = *(const struct slice *)((const char *)meta + m->text_at);
    if (text.len == 0)
        return VALUE_NONE;
    if (!utf8_is_valid(text)) { /* a file's name may hold any bytes */
        struct buffer b;
        buffer_init_in(&b, arena);
        utf8_repair(&b, text);
        return filter_made_text(&b);
    }
    return value_of_plain(text);
}

struct value meta_value(const struct record_meta *meta, struct arena *arena)
{
    struct buffer b;
    buffer_init_in(&b, arena);
    buffer_add_char(&b, '{');
    for (size_t i = 0; i < MEMBERS; i++) {
        struct value v = meta_member_value(i, meta, arena);
        if (!value_is_there(&v))
            continue;
        if (b.len > 1)
            buffer_add_char(&b, ',');
        json_write_string(&b, slice_from(members[i].name));
        buffer_add_char(&b, ':');
        value_write(&b, &v);
    }
    buffer_add_char(&b, '}');
    return filter_made_json(&b);
}
