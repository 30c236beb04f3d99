/* The text of chat contents and messages, in the shapes that OpenAI, Anthropic, Google, OpenTelemetry, OpenInference
 * and LangChain log them: text itself, a part or message, a list of them.
 *
 * What is left out: parts that are no text of the conversation (calls of tools, reasoning, images …), by their `type`,
 * and messages of tools. Recursion goes no deeper than JSON nests (LIMIT_JSON_DEPTH). */
#include "expr/filter_table.h"

struct chat {
    struct arena *arena;
    struct slice separator;
    struct buffer *out;
};

static bool contains(struct slice text, struct slice part)
{
    return text.len >= part.len && memmem(text.text, text.len, part.text, part.len) != NULL;
}

/* The members of a part or message that are looked at. What may have its text stands in the order it is looked for. */
enum { TYPE, ROLE, TEXT, CONTENT, PARTS, CONTENTS, MESSAGE, MESSAGE_CONTENT, REFUSAL, KWARGS, MEMBERS };

static void members_of(struct arena *arena, struct value *object, struct value ret[MEMBERS])
{
    static const struct slice names[MEMBERS] = {
        [TYPE] = SLICE("type"),       [ROLE] = SLICE("role"),
        [TEXT] = SLICE("text"),       [CONTENT] = SLICE("content"),
        [PARTS] = SLICE("parts"),     [CONTENTS] = SLICE("contents"),
        [MESSAGE] = SLICE("message"), [MESSAGE_CONTENT] = SLICE("message_content"),
        [REFUSAL] = SLICE("refusal"), [KWARGS] = SLICE("kwargs"),
    };
    value_members(arena, object, names, MEMBERS, ret);
}

static bool is_left_out(struct chat *chat, const struct value members[MEMBERS])
{
    static const struct slice kinds[] = {
        SLICE("tool"),  SLICE("function_call"), SLICE("reasoning"), SLICE("thinking"),
        SLICE("image"), SLICE("file"),          SLICE("audio"),     SLICE("video"),
    };
    struct slice type = value_plain(chat->arena, &members[TYPE]);
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++)
        if (contains(type, kinds[i]))
            return true;
    return slice_is(value_plain(chat->arena, &members[ROLE]), "tool");
}

static bool add_text(struct chat *chat, struct value *v);

/* The first member that has any text. */
static bool add_text_of_object(struct chat *chat, struct value *object)
{
    struct value members[MEMBERS];
    members_of(chat->arena, object, members);
    if (chat->arena->failed || is_left_out(chat, members))
        return false;
    if (members[TEXT].type == VALUE_OBJECT) { /* text.value */
        struct value inner = value_member(chat->arena, &members[TEXT], SLICE("value"));
        if (value_is_there(&inner))
            members[TEXT] = inner;
    }
    for (size_t i = TEXT; i < MEMBERS; i++)
        if (add_text(chat, &members[i]))
            return true;
    return false;
}

static bool add_text_of_list(struct chat *chat, struct value *list)
{
    bool any = false;
    for (struct value_walk walk = {.of = *list}; value_walk_next(chat->arena, &walk);) {
        size_t before = chat->out->len;
        if (any)
            buffer_add(chat->out, chat->separator);
        if (add_text(chat, &walk.value))
            any = true;
        else
            buffer_truncate(chat->out, before);
    }
    return any;
}

/* Appends the value's text; false, and nothing appended, where it has none. */
static bool add_text(struct chat *chat, struct value *v)
{
    if (v->type == VALUE_ARRAY)
        return add_text_of_list(chat, v);
    if (v->type == VALUE_OBJECT)
        return add_text_of_object(chat, v);
    struct slice plain = value_plain(chat->arena, v);
    buffer_add(chat->out, plain);
    return plain.len > 0;
}

static struct value text_of(struct arena *arena, struct value *v, struct slice separator)
{
    struct buffer b;
    if (v->type == VALUE_STRING)
        return v->text.len ? *v : VALUE_NONE;
    buffer_init_in(&b, arena);
    struct chat chat = {arena, separator, &b};
    return add_text(&chat, v) ? filter_made_text(&b) : VALUE_NONE;
}

struct value filter_text(struct filter_run *run, struct value *in)
{
    struct slice separator = SLICE("\n");
    if (in->type != VALUE_STRING && !value_is_container(in))
        return filter_refuse(run);
    if (run->count && !filter_arg_text(run, 0, &separator))
        return VALUE_NONE;
    return text_of(run->arena, in, separator);
}

/* A message's role, by `role` or by `type`; what wraps a message (OpenInference's `message`, LangChain's `kwargs`) is
 * looked into. */
static bool has_role(struct arena *arena, struct value *message, struct slice role)
{
    struct value members[MEMBERS];
    members_of(arena, message, members);
    struct slice own = value_plain(arena, &members[ROLE]), type = value_plain(arena, &members[TYPE]);
    if (own.len)
        return slice_equal(own, role);
    if (slice_equal(type, role) || (slice_is(type, "human") && slice_is(role, "user")) ||
        (slice_is(type, "ai") && slice_is(role, "assistant")))
        return true;
    return (members[MESSAGE].type == VALUE_OBJECT && has_role(arena, &members[MESSAGE], role)) ||
           (members[KWARGS].type == VALUE_OBJECT && has_role(arena, &members[KWARGS], role));
}

/* The list's messages of that role. False on lack of memory. */
static bool messages_of(struct arena *arena, struct value *list, struct slice role, struct value **ret_messages,
                        size_t *ret_count)
{
    struct value *messages = NULL;
    size_t count = 0;
    for (struct value_walk walk = {.of = *list}; value_walk_next(arena, &walk);) {
        if (walk.value.type != VALUE_OBJECT || !has_role(arena, &walk.value, role))
            continue;
        messages = arena_grow_array(arena, messages, count, sizeof *messages);
        if (!messages)
            return false;
        messages[count++] = walk.value;
    }
    *ret_messages = messages;
    *ret_count = count;
    return !arena->failed;
}

struct value filter_last_text(struct filter_run *run, struct value *in)
{
    struct slice role;
    struct value found = VALUE_NONE;

    if (in->type != VALUE_STRING && in->type != VALUE_ARRAY)
        return filter_refuse(run);
    if (!filter_arg_text(run, 0, &role))
        return VALUE_NONE;
    if (in->type == VALUE_STRING)
        return slice_is(role, "user") ? text_of(run->arena, in, SLICE("\n")) : VALUE_NONE;
    struct value *messages;
    size_t count;
    if (!messages_of(run->arena, in, role, &messages, &count))
        return VALUE_NONE;
    while (count && !value_is_there(&found))
        found = text_of(run->arena, &messages[--count], SLICE("\n"));
    return found;
}
