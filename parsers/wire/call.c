#include "wire/call.h"

#include "time/instant.h"

/* One call being written. The first thing that is wrong with it stays. */
struct writer {
    struct buffer *out;
    struct arena *arena;
    const char *reason;
    bool first; /* no member was written yet in the object at hand */
};

static void refuse(struct writer *w, const char *reason)
{
    if (!w->reason)
        w->reason = reason;
}

static void begin(struct writer *w, const char *opening)
{
    buffer_add_text(w->out, opening);
    w->first = true;
}

/* A member's name as it is written behind another member. */
#define NAME(name) SLICE(",\"" name "\":")

static void write_name(struct writer *w, struct slice name)
{
    buffer_add(w->out, slice_from_offset(name, w->first));
    w->first = false;
}

bool call_field_is_empty(const struct value *v)
{
    return value_is_null_or_nothing(v) || v->text.len == 0; /* of a string: its content */
}

/* The texts of most calls are a record's, and are written as they stand there. */
static void write_as_it_is(struct writer *w, struct slice name, struct slice text)
{
    struct buffer *out = w->out;
    size_t n = name.len + text.len + 2;
    char *at = !out->failed && n <= out->cap - out->len ? out->data + out->len : buffer_reserve(out, n);
    if (!at)
        return;
    memcpy(at, name.text, name.len);
    at += name.len;
    *at++ = '"';
    memcpy(at, text.text, text.len);
    at[text.len] = '"';
    out->len += n;
}

static void write_text(struct writer *w, struct slice name, const struct value *v)
{
    if (call_field_is_empty(v))
        return;
    if (v->type == VALUE_STRING && !v->plain) {
        write_as_it_is(w, slice_from_offset(name, w->first), v->text);
        w->first = false;
        return;
    }
    write_name(w, name);
    value_write_as_string(w->out, w->arena, v);
}

static void write_required(struct writer *w, struct slice name, const struct value *v, const char *missing)
{
    if (call_field_is_empty(v))
        refuse(w, missing);
    write_text(w, name, v);
}

static bool is_one_of(struct slice text, const char *const set[])
{
    for (; *set; set++)
        if (slice_is(text, *set))
            return true;
    return false;
}

/* A field that takes the texts of a set only. */
static void write_choice(struct writer *w, struct slice name, const struct value *v, const char *const set[],
                         const char *invalid)
{
    if (call_field_is_empty(v))
        return;
    if (!is_one_of(value_as_text(w->arena, v), set))
        refuse(w, invalid);
    write_text(w, name, v);
}

static void write_timestamp(struct writer *w, const struct value *v)
{
    struct instant t;
    char text[INSTANT_TEXT_MOST];
    bool is_written = v->type == VALUE_STRING && instant_is_written(v->text);
    if (!is_written && (call_field_is_empty(v) || !instant_of_value(w->arena, v, NULL, &t)))
        return;
    write_name(w, NAME("timestamp"));
    buffer_add_char(w->out, '"');
    buffer_add(w->out, is_written ? v->text : slice_of(text, instant_write(&t, text)));
    buffer_add_char(w->out, '"');
}

static bool object_is_empty(const struct value *v)
{
    const char *at = v->text.text + 1;
    while (*at == ' ' || (*at >= '\t' && *at <= '\r'))
        at++;
    return *at == '}';
}

static void write_properties(struct writer *w, const struct value *v)
{
    if (!value_is_there(v) || object_is_empty(v))
        return;
    write_name(w, NAME("properties"));
    value_write(w->out, v);
}

static void write_ai_data(struct writer *w, const struct call_fields *f)
{
    if (call_field_is_empty(&f->input) && call_field_is_empty(&f->output))
        return;
    write_name(w, NAME("ai_data"));
    begin(w, "{");
    write_text(w, NAME("model"), &f->model);
    write_text(w, NAME("input"), &f->input);
    write_text(w, NAME("output"), &f->output);
    write_text(w, NAME("convo_id"), &f->convo_id);
    buffer_add_char(w->out, '}');
}

static void write_attachment(struct writer *w, const struct call_attachment *a)
{
    static const char *const types[] = {"code", "text", "image", "iframe", NULL};
    static const char *const roles[] = {"input", "output", NULL};
    begin(w, "{");
    if (call_field_is_empty(&a->type))
        refuse(w, "missing attachments.type");
    write_choice(w, NAME("type"), &a->type, types, "invalid attachments.type");
    write_text(w, NAME("value"), &a->value);
    if (call_field_is_empty(&a->role))
        refuse(w, "missing attachments.role");
    write_choice(w, NAME("role"), &a->role, roles, "invalid attachments.role");
    write_text(w, NAME("name"), &a->name);
    write_text(w, NAME("attachment_id"), &a->attachment_id);
    if (slice_is(value_as_text(w->arena, &a->type), "code"))
        write_text(w, NAME("language"), &a->language);
    buffer_add_char(w->out, '}');
}

static void write_attachments(struct writer *w, const struct call_fields *f)
{
    size_t written = 0;
    for (size_t i = 0; i < f->attachment_count; i++) {
        if (call_field_is_empty(&f->attachments[i].value))
            continue;
        if (written++ == 0) {
            write_name(w, NAME("attachments"));
            buffer_add_char(w->out, '[');
        } else {
            buffer_add_char(w->out, ',');
        }
        write_attachment(w, &f->attachments[i]);
    }
    if (written)
        buffer_add_char(w->out, ']');
}

static void write_sentiment(struct writer *w, const struct value *v)
{
    if (call_field_is_empty(v))
        return;
    struct slice text = value_as_text(w->arena, v);
    static const char *const sentiments[] = {"POSITIVE", "NEGATIVE", NULL};
    for (size_t i = 0; sentiments[i]; i++) {
        if (text.len == strlen(sentiments[i]) && strncasecmp(text.text, sentiments[i], text.len) == 0) {
            write_name(w, NAME("sentiment"));
            buffer_add_char(w->out, '"');
            buffer_add(w->out, slice_from(sentiments[i]));
            buffer_add_char(w->out, '"');
            return;
        }
    }
    refuse(w, "invalid sentiment");
}

const char *call_write_event(struct buffer *out, struct arena *arena, const struct call_fields *f)
{
    struct writer w = {.out = out, .arena = arena};
    begin(&w, "{");
    write_required(&w, NAME("event_id"), &f->event_id, "missing event_id");
    write_required(&w, NAME("user_id"), &f->user_id, "missing user_id");
    write_required(&w, NAME("event"), &f->event, "missing event");
    write_timestamp(&w, &f->timestamp);
    write_ai_data(&w, f);
    write_properties(&w, &f->properties);
    write_attachments(&w, f);
    buffer_add_char(out, '}');
    return w.reason;
}

const char *call_write_signal(struct buffer *out, struct arena *arena, const struct call_fields *f)
{
    static const char *const types[] = {"default", "feedback", "edit", "standard", "agent", "agent_internal", NULL};
    struct writer w = {.out = out, .arena = arena};
    begin(&w, "{");
    write_required(&w, NAME("event_id"), &f->event_id, "missing event_id");
    write_required(&w, NAME("signal_name"), &f->signal_name, "missing signal_name");
    write_choice(&w, NAME("signal_type"), &f->signal_type, types, "invalid signal_type");
    write_sentiment(&w, &f->sentiment);
    write_timestamp(&w, &f->timestamp);
    write_properties(&w, &f->properties);
    write_text(&w, NAME("attachment_id"), &f->attachment_id);
    buffer_add_char(out, '}');
    return w.reason;
}

const char *call_write_identify(struct buffer *out, struct arena *arena, const struct call_fields *f)
{
    struct writer w = {.out = out, .arena = arena};
    begin(&w, "{");
    write_required(&w, NAME("user_id"), &f->user_id, "missing user_id");
    if (value_is_there(&f->properties)) {
        write_name(&w, NAME("traits"));
        value_write(out, &f->properties);
    } else {
        refuse(&w, "missing traits");
    }
    buffer_add_char(out, '}');
    return w.reason;
}
