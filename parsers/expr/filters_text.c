/* Text. What a filter leaves as it was keeps its bytes. */
#include "expr/filter_table.h"
#include "expr/regex.h"
#include "text/utf8.h"
#include "json/json_writer.h"

static bool text_in(struct filter_run *run, const struct value *in, struct slice *ret_plain)
{
    if (in->type != VALUE_STRING) {
        run->refused = true;
        return false;
    }
    *ret_plain = value_plain(run->arena, in);
    return !run->arena->failed;
}

static struct value part_of(const struct value *in, struct slice whole, struct slice part)
{
    if (part.len == whole.len)
        return *in;
    return value_of_plain(part.len ? part : SLICE(""));
}

/* ---- case ---- */

/* The place of the first character that is mapped to another one; the text's length where none is. */
static size_t first_change(struct slice text, uint32_t (*map)(uint32_t))
{
    for (size_t at = 0; at < text.len;) {
        size_t from = at;
        uint32_t c = utf8_next(text, &at);
        if (map(c) != c)
            return from;
    }
    return text.len;
}

static struct value mapped(struct filter_run *run, struct value *in, uint32_t (*map)(uint32_t))
{
    struct slice text;
    struct buffer b;
    if (!text_in(run, in, &text))
        return VALUE_NONE;
    size_t at = first_change(text, map);
    if (at == text.len)
        return *in;
    buffer_init_in(&b, run->arena);
    buffer_add(&b, slice_of(text.text, at));
    while (at < text.len) {
        char *out = buffer_reserve(&b, 4);
        if (!out)
            break;
        b.len += utf8_encode(map(utf8_next(text, &at)), out);
    }
    return filter_made_text(&b);
}

struct value filter_lower(struct filter_run *run, struct value *in)
{
    return mapped(run, in, unicode_lower);
}

struct value filter_upper(struct filter_run *run, struct value *in)
{
    return mapped(run, in, unicode_upper);
}

/* ---- parts ---- */

static bool is_space(uint32_t c) /* Unicode's White_Space */
{
    return (c >= 0x09 && c <= 0x0d) || c == 0x20 || c == 0x85 || c == 0xa0 || c == 0x1680 ||
           (c >= 0x2000 && c <= 0x200a) || c == 0x2028 || c == 0x2029 || c == 0x202f || c == 0x205f || c == 0x3000;
}

struct value filter_trim(struct filter_run *run, struct value *in)
{
    struct slice text;
    if (!text_in(run, in, &text))
        return VALUE_NONE;
    size_t begin = text.len, end = 0; /* of what is not space */
    for (size_t at = 0; at < text.len;) {
        size_t from = at;
        if (is_space(utf8_next(text, &at)))
            continue;
        if (begin > from)
            begin = from;
        end = at;
    }
    return part_of(in, text, begin < end ? slice_of(text.text + begin, end - begin) : SLICE(""));
}

struct value filter_truncate(struct filter_run *run, struct value *in)
{
    struct slice text;
    int64_t n;
    if (!text_in(run, in, &text) || !filter_arg_int(run, 0, &n))
        return VALUE_NONE;
    if (n < 0)
        return filter_refuse(run);
    return part_of(in, text, slice_of(text.text, utf8_prefix_of_chars(text, (size_t)n)));
}

struct value filter_mask(struct filter_run *run, struct value *in)
{
    struct slice text;
    struct buffer b;
    int64_t n;
    if (!text_in(run, in, &text) || !filter_arg_int(run, 0, &n))
        return VALUE_NONE;
    if (n < 0)
        return filter_refuse(run);
    size_t chars = utf8_count(text), hidden = chars > (size_t)n ? chars - (size_t)n : 0;
    if (hidden == 0)
        return *in;
    buffer_init_in(&b, run->arena);
    char *stars = buffer_reserve(&b, hidden);
    if (!stars)
        return VALUE_NONE;
    memset(stars, '*', hidden);
    b.len += hidden;
    buffer_add(&b, slice_from_offset(text, utf8_prefix_of_chars(text, hidden)));
    return filter_made_text(&b);
}

/* ---- regular expressions ---- */

static bool gave_up(struct filter_run *run, enum regex_result result)
{
    if (result == REGEX_LIMIT)
        run->scope->match_limit_hits++;
    return result == REGEX_LIMIT;
}

enum { GROUPS = 100 };
struct groups {
    struct slice text;
    size_t count, starts[GROUPS], ends[GROUPS];
};

static void add_group(struct buffer *out, const struct groups *g, size_t group)
{
    if (group < g->count && g->starts[group] != SIZE_MAX)
        buffer_add(out, slice_of(g->text.text + g->starts[group], g->ends[group] - g->starts[group]));
}

/* The number behind a `$`: $1, $12, ${1}. The length of what was read; 0: the `$` stands for itself. */
static size_t group_reference(struct slice at, size_t *ret_group)
{
    size_t i = 1, group = 0, digits = 0;
    bool braces = i < at.len && at.text[i] == '{';
    for (i += braces; i < at.len && digits < 2 && at.text[i] >= '0' && at.text[i] <= '9'; i++, digits++)
        group = group * 10 + (size_t)(at.text[i] - '0');
    if (!digits || (braces && (i == at.len || at.text[i] != '}')))
        return 0;
    *ret_group = group;
    return i + braces;
}

/* Appends the replacement with $1, $2 … and $0 (the match) filled in; `$$` is a `$`. */
static void add_replacement(struct buffer *out, struct slice replacement, const struct groups *g)
{
    for (size_t i = 0; i < replacement.len;) {
        const char *dollar = memchr(replacement.text + i, '$', replacement.len - i);
        size_t end = dollar ? (size_t)(dollar - replacement.text) : replacement.len;
        buffer_add(out, slice_of(replacement.text + i, end - i));
        if (!dollar)
            return;
        size_t group = 0, len = group_reference(slice_from_offset(replacement, end), &group);
        if (len)
            add_group(out, g, group);
        else
            buffer_add_char(out, '$');
        bool twice = !len && end + 1 < replacement.len && replacement.text[end + 1] == '$';
        i = end + (len ? len : 1 + (size_t)twice);
    }
}

struct value filter_replace(struct filter_run *run, struct value *in)
{
    struct slice text, replacement;
    struct regex_match match;
    struct buffer b;
    size_t from = 0, search = 0;

    if (!text_in(run, in, &text) || !filter_arg_text(run, 1, &replacement))
        return VALUE_NONE;
    buffer_init_in(&b, run->arena);
    while (search <= text.len) {
        enum regex_result result = regex_search(run->args[0].regex, text, search, &match);
        if (gave_up(run, result))
            return VALUE_NONE;
        if (result == REGEX_NO)
            break;
        struct groups g = {.text = text};
        g.count = regex_groups(run->args[0].regex, g.starts, g.ends, GROUPS);
        buffer_add(&b, slice_of(text.text + from, match.start - from));
        add_replacement(&b, replacement, &g);
        from = match.end;
        search = match.end;
        if (match.end == match.start) { /* an empty match: go on behind the next character */
            if (search == text.len)
                break;
            utf8_next(text, &search);
        }
        if (b.failed)
            return VALUE_NONE;
    }
    if (b.len == 0 && from == 0)
        return *in;
    buffer_add(&b, slice_from_offset(text, from));
    return filter_made_text(&b);
}

struct value filter_capture(struct filter_run *run, struct value *in)
{
    struct slice text;
    struct regex_match match;
    if (!text_in(run, in, &text))
        return VALUE_NONE;
    const struct regex *re = run->args[0].regex;
    enum regex_result result = regex_search(re, text, 0, &match);
    if (gave_up(run, result) || result == REGEX_NO)
        return VALUE_NONE;
    if (regex_group_count(re) == 0)
        return part_of(in, text, slice_of(text.text + match.start, match.end - match.start));
    if (match.group_start == SIZE_MAX)
        return VALUE_NONE;
    return part_of(in, text, slice_of(text.text + match.group_start, match.group_end - match.group_start));
}

/* ---- lists ---- */

static void add_element(struct buffer *b, struct slice plain)
{
    if (b->len > 1)
        buffer_add_char(b, ',');
    json_write_string(b, plain);
}

struct value filter_split(struct filter_run *run, struct value *in)
{
    struct slice text, sep;
    struct buffer b;
    if (!text_in(run, in, &text) || !filter_arg_text(run, 0, &sep))
        return VALUE_NONE;
    buffer_init_in(&b, run->arena);
    buffer_add_char(&b, '[');
    if (sep.len == 0) { /* into characters */
        for (size_t at = 0, from = 0; at < text.len; from = at) {
            utf8_next(text, &at);
            add_element(&b, slice_of(text.text + from, at - from));
        }
    } else {
        for (;;) {
            const char *found = text.len ? memmem(text.text, text.len, sep.text, sep.len) : NULL;
            add_element(&b, found ? slice_of(text.text, (size_t)(found - text.text)) : text);
            if (!found)
                break;
            text = slice_from_offset(text, (size_t)(found - text.text) + sep.len);
        }
    }
    buffer_add_char(&b, ']');
    return filter_made_json(&b);
}

struct value filter_join(struct filter_run *run, struct value *in)
{
    struct slice sep;
    struct buffer b;
    if (in->type != VALUE_ARRAY)
        return filter_refuse(run);
    if (!filter_arg_text(run, 0, &sep))
        return VALUE_NONE;
    buffer_init_in(&b, run->arena);
    bool first = true;
    for (struct value_walk walk = {.of = *in}; value_walk_next(run->arena, &walk); first = false) {
        if (!first)
            buffer_add(&b, sep);
        buffer_add(&b, value_as_text(run->arena, &walk.value));
    }
    return filter_made_text(&b);
}
