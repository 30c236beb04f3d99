#include "init/survey.h"

#include "time/instant.h"
#include "json/value.h"

enum { DEPTH_MOST = 5, SENTENCE_BLANKS = 2 };

struct walker {
    struct survey *survey;
    struct arena *keep;   /* what stays */
    struct arena scratch; /* of a line */
    size_t line;
};

/* ---- Names ------------------------------------------------------------------------------------------------------ */

static bool is_plain_name(struct slice name)
{
    for (size_t i = 0; i < name.len; i++) {
        char c = name.text[i];
        bool letter = c == '_' || ((c | 32) >= 'a' && (c | 32) <= 'z');
        if (!letter && (i == 0 || c < '0' || c > '9'))
            return false;
    }
    return name.len > 0;
}

/* .name, or ['na''me'] with what has a meaning there escaped. */
static void write_step(struct buffer *out, struct slice name)
{
    if (is_plain_name(name)) {
        buffer_add_char(out, '.');
        buffer_add(out, name);
        return;
    }
    buffer_add_text(out, "['");
    for (size_t i = 0; i < name.len; i++) {
        if (name.text[i] == '\'' || name.text[i] == '\\')
            buffer_add_char(out, '\\');
        buffer_add_char(out, name.text[i]);
    }
    buffer_add_text(out, "']");
}

static bool has_control_characters(struct slice name)
{
    for (size_t i = 0; i < name.len; i++)
        if ((unsigned char)name.text[i] < 0x20 || name.text[i] == 0x7f)
            return true;
    return name.len == 0;
}

/* User_ID → userid */
static void write_squeezed(struct buffer *out, struct slice name)
{
    for (size_t i = 0; i < name.len; i++) {
        char c = name.text[i], lower = (char)(c | 32);
        if (lower >= 'a' && lower <= 'z' && c != '`')
            buffer_add_char(out, lower);
        else if (c >= '0' && c <= '9')
            buffer_add_char(out, c);
    }
}

/* ---- Values ----------------------------------------------------------------------------------------------------- */

static size_t count_blanks(struct slice text)
{
    size_t count = 0;
    for (size_t i = 0; i < text.len; i++)
        count += text.text[i] == ' ' || text.text[i] == '\n';
    return count;
}

static bool looks_like_model(struct slice text)
{
    static const char *const families[] = {"gpt-",     "claude",   "gemini", "llama", "mistral", "mixtral", "qwen",
                                           "deepseek", "command-", "grok",   "gemma", "phi-",    "o1-",     "o3-",
                                           "o4-",      "nova-",    "sonnet", "haiku", "titan-"};
    if (text.len > 80 || count_blanks(text) > 0)
        return false;
    for (size_t i = 0; i < sizeof families / sizeof families[0]; i++)
        if (memmem(text.text, text.len, families[i], strlen(families[i])))
            return true;
    return false;
}

static bool looks_like_email(struct slice text)
{
    const char *at = memchr(text.text, '@', text.len);
    return at && at > text.text && text.len < 200 && count_blanks(text) == 0 &&
           memchr(at, '.', text.len - (size_t)(at - text.text));
}

static bool looks_like_time(struct slice text)
{
    struct instant ignored;
    return text.len >= 10 && text.len < 40 && text.text[4] == '-' && instant_of_iso(text, NULL, &ignored);
}

/* Since 2001, in seconds or smaller units. */
static bool number_is_time(struct slice number)
{
    size_t digits = 0;
    while (digits < number.len && number.text[digits] >= '0' && number.text[digits] <= '9')
        digits++;
    return digits == 10 || digits == 13 || digits == 16 || digits == 19;
}

static bool is_message_list(struct walker *w, struct value *list)
{
    struct value first = value_element(&w->scratch, list, 0);
    if (first.type != VALUE_OBJECT)
        return false;
    struct value role = value_member(&w->scratch, &first, SLICE("role"));
    struct value type = value_member(&w->scratch, &first, SLICE("type"));
    return role.type == VALUE_STRING || type.type == VALUE_STRING;
}

static void note_value(struct walker *w, struct field *f, struct value *v)
{
    struct slice text = value_plain(&w->scratch, v);
    f->texts += v->type == VALUE_STRING;
    f->numbers += v->type == VALUE_NUMBER;
    f->bools += v->type == VALUE_TRUE || v->type == VALUE_FALSE;
    f->objects += v->type == VALUE_OBJECT;
    f->lists += v->type == VALUE_ARRAY;
    f->messages += v->type == VALUE_ARRAY && is_message_list(w, v);
    f->times += v->type == VALUE_NUMBER && number_is_time(v->text);
    if (v->type != VALUE_STRING || text.len == 0)
        return;
    f->bytes += text.len;
    f->sentences += count_blanks(text) >= SENTENCE_BLANKS;
    f->models += looks_like_model(text);
    f->emails += looks_like_email(text);
    f->times += looks_like_time(text);
}

/* ---- Walking ---------------------------------------------------------------------------------------------------- */

static struct field *find_field(struct walker *w, struct slice path, struct slice parent, struct slice name)
{
    struct survey *s = w->survey;
    for (size_t i = 0; i < s->count; i++)
        if (slice_equal(s->fields[i].path, path))
            return &s->fields[i];
    if (s->count == FIELDS_MOST)
        return NULL;
    struct buffer squeezed;
    buffer_init_in(&squeezed, w->keep);
    write_squeezed(&squeezed, parent);
    size_t short_at = squeezed.len;
    write_squeezed(&squeezed, name);
    if (squeezed.failed)
        return NULL;
    struct field *f = &s->fields[s->count++];
    *f = (struct field){
        .path = arena_copy(w->keep, path),
        .name = slice_from_offset(buffer_slice(&squeezed), short_at),
        .long_name = buffer_slice(&squeezed),
    };
    return f;
}

static void walk_object(struct walker *w, struct slice path, struct slice parent, struct value *object, int depth);

/* The name of the `let` that a text of JSON is parsed under: the member's, kept off what has a meaning of its own. */
static struct slice let_for(struct walker *w, struct slice path, struct slice name)
{
    struct survey *s = w->survey;
    for (size_t i = 0; i < s->let_count; i++)
        if (slice_equal(s->lets[i].path, path))
            return s->lets[i].name;
    if (s->let_count == LETS_MOST)
        return SLICE("");
    struct buffer let;
    buffer_init_in(&let, w->keep);
    write_squeezed(&let, name);
    buffer_add_text(&let, "_json");
    if (s->let_count > 0)
        buffer_printf(&let, "%zu", s->let_count + 1);
    struct slice text = buffer_slice(&let);
    if (let.failed || (text.text[0] >= '0' && text.text[0] <= '9'))
        return SLICE("");
    s->lets[s->let_count].name = text;
    s->lets[s->let_count++].path = arena_copy(w->keep, path);
    return text;
}

static void walk_text(struct walker *w, struct slice path, struct slice name, struct value *v, int depth)
{
    struct slice text = value_plain(&w->scratch, v);
    if (text.len < 2 || text.text[0] != '{' || json_check(text, JSON_OBJECT_ONLY) != JSON_OK)
        return;
    struct slice let = let_for(w, path, name);
    if (let.len == 0)
        return;
    struct buffer root;
    struct value object = value_of_json(text);
    buffer_init_in(&root, &w->scratch);
    buffer_add_char(&root, '$');
    buffer_add(&root, let);
    walk_object(w, buffer_slice(&root), name, &object, depth + 1);
}

static void walk_member(struct walker *w, struct slice path, struct slice parent, struct slice name, struct value *v,
                        int depth)
{
    struct field *f = find_field(w, path, parent, name);
    if (!f || v->type == VALUE_NULL)
        return;
    if (!(f->lines[w->line / 64] >> (w->line % 64) & 1))
        f->seen++;
    f->lines[w->line / 64] |= UINT64_C(1) << (w->line % 64);
    note_value(w, f, v);
    if (v->type == VALUE_OBJECT)
        walk_object(w, path, name, v, depth + 1);
    else if (v->type == VALUE_STRING)
        walk_text(w, path, name, v, depth);
}

static void walk_object(struct walker *w, struct slice path, struct slice parent, struct value *object, int depth)
{
    if (depth > DEPTH_MOST || !value_tokenise(&w->scratch, object))
        return;
    for (struct value_walk walk = {.of = *object}; value_walk_next(&w->scratch, &walk);) {
        struct slice name = value_plain(&w->scratch, &walk.name);
        struct buffer step;
        if (has_control_characters(name))
            continue;
        buffer_init_in(&step, &w->scratch);
        buffer_add(&step, path);
        write_step(&step, name);
        if (!step.failed)
            walk_member(w, buffer_slice(&step), parent, name, &walk.value, depth);
    }
}

bool survey_run(const struct samples *s, struct arena *arena, struct survey *ret)
{
    struct walker w = {.survey = ret, .keep = arena};
    *ret = (struct survey){.fields = arena_calloc(arena, FIELDS_MOST, sizeof *ret->fields)};
    arena_init(&w.scratch, arena->limit);
    for (w.line = 0; ret->fields && w.line < s->count; w.line++) {
        const struct json_doc *doc;
        arena_reset(&w.scratch);
        if (s->json[w.line].len == 0 || json_doc_parse(&w.scratch, s->json[w.line], JSON_OBJECT_ONLY, &doc) != JSON_OK)
            continue;
        struct value record = value_of_token(doc, 0);
        walk_object(&w, SLICE("$"), SLICE(""), &record, 0);
    }
    bool good = ret->fields && !arena->failed && !w.scratch.failed;
    arena_release(&w.scratch);
    return good;
}

size_t field_together(const struct field *a, const struct field *b)
{
    size_t count = 0;
    for (size_t i = 0; i < LINE_WORDS; i++)
        count += (size_t)__builtin_popcountll(a->lines[i] & b->lines[i]);
    return count;
}
