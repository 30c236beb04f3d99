/* The contract stands in tables: one for each object there can be, a row for each member. */
#include "wire/call_check.h"

#include "wire/call_sets.h"

#include "base/buffer.h"
#include "text/nearest.h"
#include "text/utf8.h"
#include "time/instant.h"

#include <stdarg.h>

enum { PATH_MOST = 512, MEMBERS_MOST = 16, NAME_SHOWN = 100 };

/* What is being checked: an object of the call, and how it is called in messages. */
struct check {
    struct arena *arena;
    const struct json_doc *doc;
    struct call_problems *problems;
};

struct place {
    uint32_t object;
    const char *path; /* with a dot behind it, or empty: the call */
};

struct member;
typedef void member_check(const struct check *c, const struct place *in, const struct member *m, uint32_t value);

struct member {
    const char *name;
    bool required;
    member_check *check;
    const char *const *one_of; /* ended by NULL */
};

/* ---- Saying ----------------------------------------------------------------------------------------------------- */

static struct slice print(const struct check *c, const char *format, ...) __attribute__((format(printf, 2, 3)));
static struct slice print(const struct check *c, const char *format, ...)
{
    char text[PATH_MOST];
    va_list args;
    va_start(args, format);
    int len = vsnprintf(text, sizeof text, format, args);
    va_end(args);
    return arena_copy(c->arena, slice_of(text, len < 0                     ? 0
                                               : (size_t)len < sizeof text ? (size_t)len
                                                                           : sizeof text - 1));
}

static void add_problem(const struct check *c, struct slice path, struct slice text)
{
    struct call_problems *p = c->problems;
    if (p->count == CALL_PROBLEMS_MOST) {
        p->left_out++;
        return;
    }
    p->items[p->count++] = (struct call_problem){.path = path, .text = text};
}

static void say(const struct check *c, const struct place *in, const char *member, const char *text)
{
    add_problem(c, print(c, "%s%s", in->path, member), slice_from(text));
}

/* ---- What a member may hold ------------------------------------------------------------------------------------- */

static enum json_type type_of(const struct check *c, uint32_t token)
{
    return (enum json_type)c->doc->tokens[token].type;
}

static bool is_string(const struct check *c, const struct place *in, const struct member *m, uint32_t value)
{
    if (type_of(c, value) == JSON_STRING)
        return true;
    say(c, in, m->name, "must be a string");
    return false;
}

static void check_string(const struct check *c, const struct place *in, const struct member *m, uint32_t value)
{
    (void)is_string(c, in, m, value);
}

static void check_not_empty(const struct check *c, const struct place *in, const struct member *m, uint32_t value)
{
    if (is_string(c, in, m, value) && json_token_text(c->doc, value).len == 0)
        say(c, in, m->name, "must not be empty");
}

static void check_time(const struct check *c, const struct place *in, const struct member *m, uint32_t value)
{
    if (!is_string(c, in, m, value))
        return;
    struct slice text = json_unescape(c->arena, json_token_text(c->doc, value));
    struct instant instant;
    bool lenient = text.len > 0 && (memchr(text.text, ' ', text.len) || memchr(text.text, ',', text.len));
    if (lenient || !instant_of_iso(text, NULL, &instant)) /* that reads some more than ISO 8601 */
        say(c, in, m->name, "is not an ISO 8601 time");
}

static void check_object(const struct check *c, const struct place *in, const struct member *m, uint32_t value)
{
    if (type_of(c, value) != JSON_OBJECT)
        say(c, in, m->name, "must be an object");
}

static void check_one_of(const struct check *c, const struct place *in, const struct member *m, uint32_t value)
{
    if (!is_string(c, in, m, value))
        return;
    char list[PATH_MOST] = "must be one of";
    size_t len = strlen(list);
    for (const char *const *known = m->one_of; *known; known++) {
        if (json_string_is(c->doc, value, slice_from(*known)))
            return;
        len += (size_t)snprintf(list + len, sizeof list - len, "%s %s", known == m->one_of ? "" : ",", *known);
    }
    add_problem(c, print(c, "%s%s", in->path, m->name), print(c, "%s", list));
}

/* ---- Objects ---------------------------------------------------------------------------------------------------- */

static bool is_known(const struct check *c, const struct member members[], uint32_t name)
{
    for (const struct member *m = members; m->name; m++) {
        if (json_string_is(c->doc, name, slice_from(m->name)))
            return true;
    }
    return false;
}

static void unknown_member(const struct check *c, const struct place *in, const struct member members[], uint32_t name)
{
    const char *names[MEMBERS_MOST];
    size_t count = 0;
    for (; members[count].name && count < MEMBERS_MOST; count++)
        names[count] = members[count].name;
    struct slice plain = json_unescape(c->arena, json_token_text(c->doc, name));
    const char *near = nearest_name(plain, names, count);
    struct buffer path; /* a name may be as long as the call */
    buffer_init_in(&path, c->arena);
    buffer_add_text(&path, in->path);
    buffer_add(&path, slice_of(plain.text, utf8_prefix_of_chars(plain, NAME_SHOWN)));
    struct slice text = near ? print(c, "is not allowed; did you mean \"%s\"?", near) : SLICE("is not allowed");
    add_problem(c, buffer_slice(&path), text);
}

/* Each known member by its row (of several of one name the last counts), and then what is there besides. */
static void check_members(const struct check *c, const struct place *in, const struct member members[])
{
    for (const struct member *m = members; m->name; m++) {
        uint32_t value = json_member(c->doc, in->object, slice_from(m->name));
        if (value)
            m->check(c, in, m, value);
        else if (m->required)
            say(c, in, m->name, "is missing");
    }
    for (uint32_t name = json_first_child(c->doc, in->object); name; name = json_next_child(c->doc, in->object, name)) {
        if (!is_known(c, members, name))
            unknown_member(c, in, members, name);
    }
}

static const struct member ai_data_members[] = {
    {"model", false, check_string, NULL},
    {"input", false, check_string, NULL},
    {"output", false, check_string, NULL},
    {"convo_id", false, check_string, NULL},
    {0},
};

static bool holds_text(const struct check *c, uint32_t object, const char *name)
{
    uint32_t value = json_member(c->doc, object, slice_from(name));
    /* of another type it has been reported already */
    return value && (type_of(c, value) != JSON_STRING || json_token_text(c->doc, value).len > 0);
}

static void check_ai_data(const struct check *c, const struct place *in, const struct member *m, uint32_t value)
{
    if (type_of(c, value) != JSON_OBJECT) {
        say(c, in, m->name, "must be an object");
        return;
    }
    check_members(c, &(struct place){.object = value, .path = "ai_data."}, ai_data_members);
    if (!holds_text(c, value, "input") && !holds_text(c, value, "output"))
        say(c, in, m->name, "must have an input or an output that is not empty");
}

static const struct member attachment_members[] = {
    {"type", true, check_one_of, call_attachment_types},
    {"value", true, check_string, NULL},
    {"role", true, check_one_of, call_attachment_roles},
    {"name", false, check_string, NULL},
    {"attachment_id", false, check_string, NULL},
    {"language", false, check_string, NULL},
    {0},
};

static void check_attachment(const struct check *c, uint32_t element, size_t index)
{
    char path[64];
    snprintf(path, sizeof path, "attachments[%zu].", index);
    struct place in = {.object = element, .path = path};
    if (type_of(c, element) != JSON_OBJECT) {
        add_problem(c, print(c, "attachments[%zu]", index), SLICE("must be an object"));
        return;
    }
    check_members(c, &in, attachment_members);
    uint32_t type = json_member(c->doc, element, SLICE("type"));
    bool code = type && type_of(c, type) == JSON_STRING && json_string_is(c->doc, type, SLICE("code"));
    if (json_member(c->doc, element, SLICE("language")) && !code)
        say(c, &in, "language", "is for the type code only");
}

static void check_attachments(const struct check *c, const struct place *in, const struct member *m, uint32_t value)
{
    if (type_of(c, value) != JSON_ARRAY) {
        say(c, in, m->name, "must be an array");
        return;
    }
    size_t index = 0;
    for (uint32_t element = json_first_child(c->doc, value); element; element = json_next_child(c->doc, value, element))
        check_attachment(c, element, index++);
}

static const struct member event_members[] = {
    {"user_id", true, check_not_empty, NULL},  {"event", true, check_not_empty, NULL},
    {"event_id", false, check_string, NULL},   {"timestamp", false, check_time, NULL},
    {"properties", false, check_object, NULL}, {"attachments", false, check_attachments, NULL},
    {"ai_data", false, check_ai_data, NULL},   {0},
};

static const struct member signal_members[] = {
    {"event_id", true, check_not_empty, NULL},
    {"signal_name", true, check_not_empty, NULL},
    {"signal_type", false, check_one_of, call_signal_types},
    {"sentiment", false, check_one_of, call_sentiments},
    {"timestamp", false, check_time, NULL},
    {"properties", false, check_object, NULL},
    {"attachment_id", false, check_string, NULL},
    {0},
};

static const struct member identify_members[] = {
    {"user_id", true, check_not_empty, NULL},
    {"traits", true, check_object, NULL},
    {0},
};

static const struct member *const members_of[] = {
    [CHECKED_EVENT] = event_members,
    [CHECKED_SIGNAL] = signal_members,
    [CHECKED_IDENTIFY] = identify_members,
};

void call_check(struct arena *arena, const struct json_doc *doc, uint32_t call, enum checked_call kind,
                struct call_problems *ret_problems)
{
    *ret_problems = (struct call_problems){0};
    struct check c = {.arena = arena, .doc = doc, .problems = ret_problems};
    if (type_of(&c, call) != JSON_OBJECT)
        add_problem(&c, SLICE(""), SLICE("must be an object"));
    else
        check_members(&c, &(struct place){.object = call, .path = ""}, members_of[kind]);
}
