/* A list of patterns becomes a list of globs in three steps: braces are multiplied out into one text, in which each
 * pattern stands zero-terminated (expand); the text is cut at its slashes (split); `**` at a pattern's end gets a `*`
 * behind it, so that every last part names a file.
 *
 * Matching is the same simple walk twice, over a name's bytes and over a path's parts: on a mismatch go back to the
 * last star and let it take one more. Its time is bounded by the product of the lengths, whatever the names are. */
#include "text/glob.h"

#include "base/buffer.h"
#include "limits.h"

#include <ctype.h>
#include <stdint.h>
#include <stdlib.h>

struct expansion {
    struct buffer text; /* the expanded patterns, each zero-terminated */
    size_t count;
};

/* The end of the class that begins at `at` (its `]`); the length of `p` where it is never closed. */
static size_t class_end(struct slice p, size_t at)
{
    size_t i = at + 1;
    if (i < p.len && (p.text[i] == '!' || p.text[i] == '^'))
        i++;
    if (i < p.len && p.text[i] == ']') /* a bracket in the first place is a member */
        i++;
    for (; i < p.len && p.text[i] != ']'; i++) {
        if (p.text[i] == '\\')
            i++;
        else if (p.text[i] == '[' && i + 1 < p.len && p.text[i + 1] == ':') {
            for (i += 2; i + 1 < p.len && !(p.text[i] == ':' && p.text[i + 1] == ']'); i++)
                ;
            i++;
        }
    }
    return i < p.len ? i : p.len;
}

/* Where the plain character, escape or class at `at` ends. */
static size_t next_unit(struct slice p, size_t at)
{
    if (p.text[at] == '\\' && at + 1 < p.len)
        return at + 2;
    if (p.text[at] == '[') {
        size_t end = class_end(p, at);
        return end < p.len ? end + 1 : at + 1;
    }
    return at + 1;
}

/* The brace that closes the one at `open`; the length of `p` where none does. */
static size_t brace_end(struct slice p, size_t open)
{
    size_t depth = 0;
    for (size_t i = open; i < p.len; i = next_unit(p, i)) {
        if (p.text[i] == '{')
            depth++;
        else if (p.text[i] == '}' && --depth == 0)
            return i;
    }
    return p.len;
}

/* The first group of braces that means something: closed, and not `{}`. */
static bool find_group(struct slice p, size_t *ret_open, size_t *ret_close)
{
    for (size_t i = 0; i < p.len; i = next_unit(p, i)) {
        if (p.text[i] != '{')
            continue;
        size_t close = brace_end(p, i);
        if (close == p.len || close == i + 1)
            continue;
        *ret_open = i;
        *ret_close = close;
        return true;
    }
    return false;
}

/* The comma or closing brace that ends the alternative at `from`, inside the group that ends at `close`. */
static size_t alternative_end(struct slice p, size_t from, size_t close)
{
    size_t depth = 0;
    for (size_t i = from; i < close; i = next_unit(p, i)) {
        if (p.text[i] == '{')
            depth++;
        else if (p.text[i] == '}')
            depth--;
        else if (p.text[i] == ',' && depth == 0)
            return i;
    }
    return close;
}

static enum glob_result expand(struct expansion *e, struct slice p)
{
    size_t open, close;
    if (!find_group(p, &open, &close)) {
        if (++e->count > LIMIT_GLOB_ALTERNATIVES)
            return GLOB_TOO_MANY;
        buffer_add(&e->text, p);
        buffer_add_char(&e->text, '\0');
        return e->text.failed ? GLOB_NO_MEMORY : GLOB_OK;
    }
    enum glob_result result = GLOB_OK;
    for (size_t from = open + 1; from <= close && result == GLOB_OK;) {
        size_t end = alternative_end(p, from, close);
        struct buffer one;
        buffer_init(&one, LIMIT_PATH_BYTES);
        buffer_add(&one, slice_of(p.text, open));
        buffer_add(&one, slice_of(p.text + from, end - from));
        buffer_add(&one, slice_from_offset(p, close + 1));
        result = one.failed ? GLOB_NO_MEMORY : expand(e, buffer_slice(&one));
        buffer_release(&one);
        from = end + 1;
    }
    return result;
}

/* Cuts one pattern at its slashes; *parts moves behind the last part. */
static void split(struct glob *g, struct slice pattern, struct slice **parts)
{
    *g = (struct glob){.parts = *parts, .absolute = pattern.len && pattern.text[0] == '/'};
    for (size_t at = 0; at < pattern.len;) {
        const char *slash = memchr(pattern.text + at, '/', pattern.len - at);
        size_t end = slash ? (size_t)(slash - pattern.text) : pattern.len;
        if (end > at)
            g->parts[g->part_count++] = slice_of(pattern.text + at, end - at);
        at = end + 1;
    }
    if (g->part_count && glob_part_is_any_depth(g->parts[g->part_count - 1]))
        g->parts[g->part_count++] = SLICE("*");
    while (g->literal_parts + 1 < g->part_count && glob_part_is_literal(g->parts[g->literal_parts]))
        g->literal_parts++;
    *parts += g->part_count;
}

enum glob_result glob_list_init(struct glob_list *list, const char *const *patterns, size_t count, bool hidden)
{
    *list = (struct glob_list){.hidden = hidden};
    struct expansion e = {.count = 0};
    buffer_init(&e.text, (size_t)LIMIT_GLOB_ALTERNATIVES * LIMIT_PATH_BYTES);
    enum glob_result result = GLOB_OK;
    for (size_t i = 0; i < count && result == GLOB_OK; i++)
        result = expand(&e, slice_from(patterns[i]));
    if (result != GLOB_OK || e.count == 0) {
        buffer_release(&e.text);
        return result;
    }
    size_t len, parts = 2 * e.count; /* the first part, and a `*` behind a last `**` */
    for (size_t i = 0; i < e.text.len; i++)
        parts += e.text.data[i] == '/';
    list->text = buffer_take(&e.text, &len);
    list->globs = calloc(e.count, sizeof *list->globs);
    list->parts = calloc(parts, sizeof *list->parts);
    if (!list->text || !list->globs || !list->parts) {
        glob_list_release(list);
        return GLOB_NO_MEMORY;
    }
    struct slice *next = list->parts;
    for (const char *p = list->text; list->count < e.count; p += strlen(p) + 1)
        split(&list->globs[list->count++], slice_from(p), &next);
    return GLOB_OK;
}

void glob_list_release(struct glob_list *list)
{
    free(list->globs);
    free(list->parts);
    free(list->text);
    *list = (struct glob_list){.hidden = list->hidden};
}

/* ---- one name ---- */

static const struct character_class {
    const char *name;
    int (*holds)(int c);
} character_classes[] = {
    {"[:alpha:]", isalpha}, {"[:digit:]", isdigit}, {"[:alnum:]", isalnum}, {"[:upper:]", isupper},
    {"[:lower:]", islower}, {"[:space:]", isspace}, {"[:blank:]", isblank}, {"[:punct:]", ispunct},
    {"[:print:]", isprint}, {"[:graph:]", isgraph}, {"[:cntrl:]", iscntrl}, {"[:xdigit:]", isxdigit},
};

/* `members` begins with a named class; its length goes to *ret_len, 0 where it does not. */
static bool named_class_holds(struct slice members, unsigned char c, size_t *ret_len)
{
    *ret_len = 0;
    for (size_t i = 0; i < sizeof character_classes / sizeof *character_classes; i++) {
        struct slice name = slice_from(character_classes[i].name);
        if (slice_starts_with(members, name)) {
            *ret_len = name.len;
            return character_classes[i].holds(c) != 0;
        }
    }
    return false;
}

static unsigned char member_at(struct slice members, size_t *at)
{
    if (members.text[*at] == '\\' && *at + 1 < members.len)
        (*at)++;
    return (unsigned char)members.text[(*at)++];
}

/* `members`: what stands between the brackets. */
static bool class_holds(struct slice members, unsigned char c)
{
    bool negated = members.len && (members.text[0] == '!' || members.text[0] == '^');
    bool found = false;
    for (size_t i = negated; i < members.len;) {
        size_t named;
        found |= named_class_holds(slice_from_offset(members, i), c, &named);
        if (named) {
            i += named;
            continue;
        }
        unsigned char low = member_at(members, &i), high = low;
        if (i + 1 < members.len && members.text[i] == '-') {
            i++;
            high = member_at(members, &i);
        }
        found |= c >= low && c <= high;
    }
    return found != negated;
}

/* One unit of the pattern against one byte. */
static bool unit_matches(struct slice p, size_t at, size_t end, char c)
{
    if (p.text[at] == '\\' && end == at + 2)
        return p.text[at + 1] == c;
    if (p.text[at] == '[' && end > at + 1)
        return class_holds(slice_of(p.text + at + 1, end - at - 2), (unsigned char)c);
    return p.text[at] == '?' || p.text[at] == c;
}

static bool begins_with_wildcard(struct slice part)
{
    return part.len && strchr("*?[", part.text[0]) && part.text[0];
}

bool glob_part_matches(struct slice part, struct slice name, bool hidden)
{
    if (!hidden && name.len && name.text[0] == '.' && begins_with_wildcard(part))
        return false;
    size_t p = 0, n = 0;
    size_t star = SIZE_MAX, star_took = 0; /* behind the last star; the name's bytes up to where it took them */
    while (n < name.len) {
        if (p < part.len && part.text[p] == '*') {
            star = ++p;
            star_took = n;
            continue;
        }
        if (p < part.len) {
            size_t end = next_unit(part, p);
            if (unit_matches(part, p, end, name.text[n])) {
                p = end;
                n++;
                continue;
            }
        }
        if (star == SIZE_MAX)
            return false;
        p = star;
        n = ++star_took;
    }
    while (p < part.len && part.text[p] == '*')
        p++;
    return p == part.len;
}

bool glob_part_is_any_depth(struct slice part)
{
    return slice_equal(part, SLICE("**"));
}

bool glob_part_is_literal(struct slice part)
{
    for (size_t i = 0; i < part.len; i++) {
        if (part.text[i] == '*' || part.text[i] == '?' || part.text[i] == '[' || part.text[i] == '\\')
            return false;
    }
    return true;
}

/* ---- a whole path ---- */

/* The part of the path at *at, which moves to the next one; false at the end. */
static bool next_name(struct slice path, size_t *at, struct slice *ret_name)
{
    while (*at < path.len && path.text[*at] == '/')
        (*at)++;
    if (*at == path.len)
        return false;
    size_t from = *at;
    while (*at < path.len && path.text[*at] != '/')
        (*at)++;
    *ret_name = slice_of(path.text + from, *at - from);
    return true;
}

static bool glob_matches(const struct glob *g, struct slice path, bool hidden)
{
    bool any_root = g->part_count && glob_part_is_any_depth(g->parts[0]);
    if (g->absolute != (path.len && path.text[0] == '/') && !any_root)
        return false;
    size_t p = 0, at = 0;
    size_t star = SIZE_MAX, star_at = 0;
    struct slice name;
    for (;;) {
        if (p < g->part_count && glob_part_is_any_depth(g->parts[p])) {
            star = ++p;
            star_at = at;
            continue;
        }
        size_t next = at;
        if (!next_name(path, &next, &name))
            return p == g->part_count;
        if (p < g->part_count && glob_part_matches(g->parts[p], name, hidden)) {
            p++;
            at = next;
            continue;
        }
        if (star == SIZE_MAX || !next_name(path, &star_at, &name))
            return false;
        if (!hidden && name.text[0] == '.')
            return false; /* `**` does not enter it, and what stands before it was tried */
        p = star;
        at = star_at;
    }
}

bool glob_list_matches(const struct glob_list *list, struct slice path)
{
    size_t base_at = path.len;
    while (base_at && path.text[base_at - 1] != '/')
        base_at--;
    struct slice base = slice_from_offset(path, base_at);
    for (size_t i = 0; i < list->count; i++) {
        const struct glob *g = &list->globs[i];
        if (!g->absolute && g->part_count == 1 ? glob_part_matches(g->parts[0], base, list->hidden)
                                               : glob_matches(g, path, list->hidden))
            return true;
    }
    return false;
}

void glob_root(const struct glob *g, char ret_path[static LIMIT_PATH_BYTES])
{
    size_t len = 0;
    for (size_t i = 0; i < g->literal_parts && len + g->parts[i].len + 2 < LIMIT_PATH_BYTES; i++) {
        ret_path[len++] = '/';
        memcpy(ret_path + len, g->parts[i].text, g->parts[i].len);
        len += g->parts[i].len;
    }
    if (len == 0)
        ret_path[len++] = '/';
    ret_path[len] = '\0';
}
