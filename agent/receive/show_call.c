#include "receive/show_call.h"

#include "text/printable.h"
#include "text/utf8.h"

enum { TEXT_CHARS = 60, VALUE_CHARS = 30, PAIRS_SHOWN = 4 };

#define RED "31"
#define GREEN "32"
#define YELLOW "33"
#define MAGENTA "35"
#define CYAN "36"
#define BOLD "1"
#define DIM "2"

static void colour_on(const struct show *s, const char *colour)
{
    if (s->colour)
        buffer_printf(s->out, "\x1b[%sm", colour);
}

static void colour_off(const struct show *s)
{
    if (s->colour)
        buffer_add_text(s->out, "\x1b[0m");
}

static void begin_line(const struct show *s, const char *label, const char *colour)
{
    colour_on(s, DIM);
    buffer_add_text(s->out, s->time);
    colour_off(s);
    buffer_add_text(s->out, "  ");
    colour_on(s, colour);
    buffer_printf(s->out, "%-8s", label);
    colour_off(s);
}

/* The text's first characters, and … where there are more. */
static void write_short(const struct show *s, struct slice text, size_t chars)
{
    size_t len = utf8_prefix_of_chars(text, chars);
    printable_write(s->out, slice_of(text.text, len));
    if (len < text.len)
        buffer_add_text(s->out, "…");
}

/* The plain text of a string member; empty where there is none. */
static struct slice text_of(const struct show *s, const struct json_doc *doc, uint32_t object, const char *name)
{
    uint32_t value = json_member(doc, object, slice_from(name));
    if (!value || doc->tokens[value].type != JSON_STRING)
        return SLICE("");
    struct slice plain = json_unescape(s->arena, json_token_text(doc, value));
    return plain.text ? plain : SLICE("");
}

static void write_member(const struct show *s, const struct json_doc *doc, uint32_t object, const char *name,
                         const char *colour)
{
    struct slice text = text_of(s, doc, object, name);
    if (text.len == 0)
        return;
    buffer_add_text(s->out, "  ");
    colour_on(s, colour);
    write_short(s, text, TEXT_CHARS);
    colour_off(s);
}

static void write_value(const struct show *s, const struct json_doc *doc, uint32_t value)
{
    switch ((enum json_type)doc->tokens[value].type) {
    case JSON_OBJECT:
        buffer_add_text(s->out, "{…}");
        break;
    case JSON_ARRAY:
        buffer_add_text(s->out, "[…]");
        break;
    case JSON_STRING: {
        struct slice plain = json_unescape(s->arena, json_token_text(doc, value));
        write_short(s, plain.text ? plain : SLICE(""), VALUE_CHARS);
        break;
    }
    default:
        write_short(s, json_token_text(doc, value), VALUE_CHARS);
    }
}

/* The first members of properties or traits as name=value. */
static void write_pairs(const struct show *s, const struct json_doc *doc, uint32_t call, const char *member)
{
    uint32_t object = json_member(doc, call, slice_from(member));
    if (!object || doc->tokens[object].type != JSON_OBJECT)
        return;
    size_t shown = 0;
    uint32_t name = json_first_child(doc, object);
    for (; name && shown < PAIRS_SHOWN; name = json_next_child(doc, object, name), shown++) {
        buffer_add_text(s->out, "  ");
        colour_on(s, DIM);
        struct slice plain = json_unescape(s->arena, json_token_text(doc, name));
        write_short(s, plain.text ? plain : SLICE(""), VALUE_CHARS);
        buffer_add_char(s->out, '=');
        colour_off(s);
        write_value(s, doc, name + 1);
    }
    if (name)
        buffer_printf(s->out, "  +%zu", (size_t)doc->tokens[object].size - shown);
}

static void write_quoted(const struct show *s, struct slice text)
{
    buffer_add_char(s->out, '"');
    write_short(s, text, TEXT_CHARS);
    buffer_add_char(s->out, '"');
}

static void write_ai_data(const struct show *s, const struct json_doc *doc, uint32_t call)
{
    uint32_t ai_data = json_member(doc, call, SLICE("ai_data"));
    if (!ai_data || doc->tokens[ai_data].type != JSON_OBJECT)
        return;
    write_member(s, doc, ai_data, "model", DIM);
    struct slice input = text_of(s, doc, ai_data, "input"), output = text_of(s, doc, ai_data, "output");
    buffer_add_text(s->out, "  ");
    if (input.len)
        write_quoted(s, input);
    buffer_add_text(s->out, input.len && output.len ? " → " : output.len ? "→ " : "");
    if (output.len)
        write_quoted(s, output);
}

static void write_attachments(const struct show *s, const struct json_doc *doc, uint32_t call)
{
    uint32_t array = json_member(doc, call, SLICE("attachments"));
    unsigned count = array ? doc->tokens[array].size : 0;
    if (count)
        buffer_printf(s->out, "  (%u attachment%s)", count, count == 1 ? "" : "s");
}

static void show_event(const struct show *s, const struct json_doc *doc, uint32_t call)
{
    begin_line(s, "event", GREEN);
    write_member(s, doc, call, "event", BOLD);
    write_member(s, doc, call, "user_id", CYAN);
    write_ai_data(s, doc, call);
    write_pairs(s, doc, call, "properties");
    write_attachments(s, doc, call);
}

static void show_signal(const struct show *s, const struct json_doc *doc, uint32_t call)
{
    begin_line(s, "signal", MAGENTA);
    write_member(s, doc, call, "signal_name", BOLD);
    write_member(s, doc, call, "sentiment", YELLOW);
    buffer_add_text(s->out, "  of");
    write_member(s, doc, call, "event_id", DIM);
    write_pairs(s, doc, call, "properties");
}

static void show_identify(const struct show *s, const struct json_doc *doc, uint32_t call)
{
    begin_line(s, "identify", CYAN);
    write_member(s, doc, call, "user_id", CYAN);
    write_pairs(s, doc, call, "traits");
}

void show_call(const struct show *s, const struct json_doc *doc, uint32_t call, enum checked_call kind,
               const char *project)
{
    static void (*const shows[])(const struct show *, const struct json_doc *, uint32_t) = {
        [CHECKED_EVENT] = show_event, [CHECKED_SIGNAL] = show_signal, [CHECKED_IDENTIFY] = show_identify};
    shows[kind](s, doc, call);
    if (*project)
        buffer_printf(s->out, "  [%s]", project);
    buffer_add_char(s->out, '\n');
}

void show_note(const struct show *s, enum show_mood mood, const char *label, struct slice text)
{
    begin_line(s, label, mood == SHOW_REFUSED ? RED : YELLOW);
    buffer_add_text(s->out, "  ");
    printable_write(s->out, text);
    buffer_add_char(s->out, '\n');
}
