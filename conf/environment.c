/* Environment variables in scalars.
 *
 * The text is taken apart into runs that may be replaced and runs that may not; a run's bytes are copied up to a `${`,
 * which is then read, looked up, escaped for where it stands, and written. Each piece remembers where it came from. */
#include "environment.h"

#include "base/buffer.h"
#include "expr/expr.h"
#include "limits.h"
#include "text/utf8.h"

/* How a value is written where it stands. */
enum place_kind { IN_TEXT, IN_TEMPLATE_TEXT, IN_DOUBLE_QUOTES, IN_SINGLE_QUOTES };

struct replacing {
    const struct environment *environment;
    struct arena *arena;
    struct slice source;
    struct buffer out;
    struct replaced result;
    struct replaced_part *parts;
    struct slice *unset;
    size_t expression_start; /* of the part that expr_string_literals goes through */
    size_t copied_to;        /* of the source */
};

/* ${NAME}, ${NAME:-default} */
struct reference {
    struct slice name, fallback;
    bool has_fallback;
    size_t length; /* with `${` and `}` */
};

static bool is_name_char(char c, bool first)
{
    return c == '_' || ((c | 32) >= 'a' && (c | 32) <= 'z') || (!first && c >= '0' && c <= '9');
}

/* A reference that stands whole in `text`, which begins with `${`. */
static bool read_reference(struct slice text, struct reference *ret)
{
    size_t i = 2;
    while (i < text.len && is_name_char(text.text[i], i == 2))
        i++;
    struct reference r = {.name = slice_of(text.text + 2, i - 2)};
    if (r.name.len == 0 || i >= text.len)
        return false;
    if (text.text[i] == ':' && i + 1 < text.len && text.text[i + 1] == '-') {
        const char *end = memchr(text.text + i + 2, '}', text.len - i - 2);
        if (!end)
            return false;
        r.fallback = slice_of(text.text + i + 2, (size_t)(end - text.text) - i - 2);
        r.has_fallback = true;
        i += 2 + r.fallback.len;
    }
    if (text.text[i] != '}')
        return false;
    r.length = i + 1;
    *ret = r;
    return true;
}

static void begin_part(struct replacing *r, size_t source_at, bool copied)
{
    r->parts = arena_grow_array(r->arena, r->parts, r->result.part_count, sizeof *r->parts);
    if (r->parts)
        r->parts[r->result.part_count++] = (struct replaced_part){r->out.len, source_at, copied};
    else
        r->out.failed = true;
}

static void copy_up_to(struct replacing *r, size_t end)
{
    if (end <= r->copied_to || r->out.failed)
        return;
    begin_part(r, r->copied_to, true);
    buffer_add(&r->out, slice_of(r->source.text + r->copied_to, end - r->copied_to));
    r->copied_to = end;
}

static void write_quoted(struct buffer *out, struct slice value, char quote)
{
    for (size_t i = 0; i < value.len; i++) {
        unsigned char c = (unsigned char)value.text[i];
        if (c < 0x20)
            buffer_printf(out, "\\u%04x", c);
        else if (c == '\\' || c == (unsigned char)quote)
            buffer_printf(out, "\\%c", c);
        else
            buffer_add_char(out, (char)c);
    }
}

/* In a template's text a brace of the value must not begin an expression, alone or with its neighbours: the value is
 * then written as a string of an expression, with a brace that stands before it. */
static void write_in_template(struct replacing *r, struct slice value)
{
    bool after_brace = r->out.len > 0 && r->out.data[r->out.len - 1] == '{';
    if (!memchr(value.text, '{', value.len) && !(after_brace && value.len == 0)) {
        buffer_add(&r->out, value);
        return;
    }
    if (after_brace)
        buffer_truncate(&r->out, r->out.len - 1);
    buffer_add_text(&r->out, after_brace ? "{{ \"{" : "{{ \"");
    write_quoted(&r->out, value, '"');
    buffer_add_text(&r->out, "\" }}");
}

static struct slice value_of(struct replacing *r, const struct reference *reference)
{
    char *name = arena_strdup(r->arena, reference->name);
    if (!name)
        return SLICE("");
    const char *found = r->environment->get ? r->environment->get(r->environment->context, name) : NULL;
    struct slice value = slice_from(found);
    if (found && value.len > 0 && utf8_is_valid(value)) {
        r->result.holds_value = true;
        return value;
    }
    if (found && value.len > 0)
        r->result.not_utf8 = true;
    else if (reference->has_fallback)
        return reference->fallback;
    else if (!found) {
        r->unset = arena_grow_array(r->arena, r->unset, r->result.unset_count, sizeof *r->unset);
        if (r->unset)
            r->unset[r->result.unset_count++] = slice_from(name);
    }
    return SLICE("");
}

static void write_reference(struct replacing *r, const struct reference *reference, size_t at, enum place_kind kind)
{
    struct slice value = value_of(r, reference);
    begin_part(r, at, false);
    switch (kind) {
    case IN_TEXT:
        buffer_add(&r->out, value);
        break;
    case IN_TEMPLATE_TEXT:
        write_in_template(r, value);
        break;
    case IN_DOUBLE_QUOTES:
        write_quoted(&r->out, value, '"');
        break;
    case IN_SINGLE_QUOTES:
        write_quoted(&r->out, value, '\'');
        break;
    }
    r->copied_to = at + reference->length;
    r->result.changed = true;
}

/* Replaces within source[start, end). */
static void replace_in(struct replacing *r, size_t start, size_t end, enum place_kind kind)
{
    for (size_t i = start; i + 1 < end; i++) {
        struct slice rest = slice_of(r->source.text + i, end - i);
        struct reference reference;
        if (slice_starts_with(rest, SLICE("$${"))) {
            copy_up_to(r, i);
            r->copied_to = i + 1;
            r->result.changed = true;
            i += 2;
        } else if (slice_starts_with(rest, SLICE("${")) && read_reference(rest, &reference)) {
            copy_up_to(r, i);
            write_reference(r, &reference, i, kind);
            i += reference.length - 1;
        }
    }
}

static bool on_string_literal(void *context, size_t start, size_t end)
{
    struct replacing *r = context;
    start += r->expression_start;
    end += r->expression_start;
    if (end - start >= 2)
        replace_in(r, start + 1, end - 1, r->source.text[start] == '\'' ? IN_SINGLE_QUOTES : IN_DOUBLE_QUOTES);
    return true;
}

static void replace_in_expression(struct replacing *r, size_t start, size_t end)
{
    r->expression_start = start;
    if (!expr_string_literals(slice_of(r->source.text + start, end - start), on_string_literal, r))
        return; /* it will not compile either, which says more */
}

/* The end of a template's expression that begins at `at`: its `}}` outside of strings, or the end of the text. */
static size_t expression_end(struct slice text, size_t at)
{
    char quote = '\0';
    for (size_t i = at; i < text.len; i++) {
        char c = text.text[i];
        if (quote) {
            if (c == '\\')
                i++;
            else if (c == quote)
                quote = '\0';
        } else if (c == '"' || c == '\'') {
            quote = c;
        } else if (c == '}' && i + 1 < text.len && text.text[i + 1] == '}') {
            return i;
        }
    }
    return text.len;
}

static void replace_in_template(struct replacing *r)
{
    for (size_t at = 0; at < r->source.len;) {
        const char *open = memmem(r->source.text + at, r->source.len - at, "{{", 2);
        size_t text_end = open ? (size_t)(open - r->source.text) : r->source.len;
        replace_in(r, at, text_end, IN_TEMPLATE_TEXT);
        if (!open)
            return;
        size_t end = expression_end(r->source, text_end + 2);
        replace_in_expression(r, text_end + 2, end);
        at = end + 2;
    }
}

bool environment_replace(const struct environment *environment, struct arena *arena, struct slice text,
                         enum replaced_kind kind, struct replaced *ret)
{
    struct replacing r = {.environment = environment, .arena = arena, .source = text, .result = {.text = text}};

    if (!memmem(text.text, text.len, "${", 2)) {
        *ret = r.result;
        return true;
    }
    buffer_init_in(&r.out, arena);
    if (kind == REPLACED_TEXT)
        replace_in(&r, 0, text.len, IN_TEXT);
    else if (kind == REPLACED_EXPRESSION)
        replace_in_expression(&r, 0, text.len);
    else
        replace_in_template(&r);
    if (r.result.changed) {
        copy_up_to(&r, text.len);
        buffer_add_char(&r.out, '\0');
        if (r.out.failed || arena->failed)
            return false;
        r.result.text = slice_of(r.out.data, r.out.len - 1);
        r.result.parts = r.parts;
        r.result.unset = r.unset;
    }
    *ret = r.result;
    return !arena->failed;
}

size_t replaced_source(const struct replaced *r, size_t at)
{
    if (!r->changed)
        return at;
    size_t source = 0;
    for (size_t i = 0; i < r->part_count && r->parts[i].at <= at; i++)
        source = r->parts[i].source_at + (r->parts[i].copied ? at - r->parts[i].at : 0);
    return source;
}
