/* Scalars: text with the environment put in, and what texts stand for. */
#include "limits.h"
#include "settings.h"
#include "text/nearest.h"
#include "text/utf8.h"
#include "json/json_number.h"

/* ---- Text ------------------------------------------------------------------------------------------------------- */

static bool is_scalar(const struct yaml_node *node)
{
    return node->type != YAML_LIST && node->type != YAML_MAP;
}

bool scalar_replace(struct loader *l, const struct yaml_node *node, enum replaced_kind kind, struct replaced *ret)
{
    struct replaced replaced;
    if (!environment_replace(&l->environment, l->arena, node->text, kind, &replaced))
        return false;
    for (size_t i = 0; i < replaced.unset_count; i++)
        diagnostics_add(l->d, l->unset, node->place, "the environment variable %s is not set", replaced.unset[i].text);
    if (replaced.not_utf8)
        loader_error(l, node->place, "the value of an environment variable is not UTF-8");
    if (replaced.unset_count > 0 || replaced.not_utf8)
        return false;
    *ret = replaced;
    return true;
}

static enum yaml_type type_of(struct slice text)
{
    if (slice_is(text, "true") || slice_is(text, "false"))
        return YAML_BOOL;
    return json_number_is(text) ? YAML_NUMBER : YAML_TEXT;
}

bool scalar_read(struct loader *l, const struct yaml_node *node, struct scalar *ret)
{
    struct replaced replaced;
    if (!is_scalar(node) || !scalar_replace(l, node, REPLACED_TEXT, &replaced))
        return false;
    *ret = (struct scalar){replaced.text, replaced.changed ? type_of(replaced.text) : node->type, replaced.holds_value};
    return true;
}

bool scalar_name(struct loader *l, const struct yaml_node *node, const char *what, struct scalar *ret)
{
    struct scalar s;
    if (!is_scalar(node)) {
        loader_error(l, node->place, "%s must be text", what);
        return false;
    }
    if (!scalar_read(l, node, &s))
        return false;
    if (s.text.len == 0 || memchr(s.text.text, '\0', s.text.len)) {
        loader_error(l, node->place, s.text.len ? "%s must not hold a NUL byte" : "%s must not be empty", what);
        return false;
    }
    *ret = s;
    return true;
}

void scalar_escape_pattern(struct buffer *out, struct slice path)
{
    for (size_t i = 0; i < path.len; i++) {
        if (strchr("*?[]{}\\", path.text[i]))
            buffer_add_char(out, '\\');
        buffer_add_char(out, path.text[i]);
    }
}

static const char *absolute(struct loader *l, struct slice path, bool pattern)
{
    while (slice_starts_with(path, SLICE("./")))
        path = slice_from_offset(path, 2);
    struct slice directory = slice_from(l->document->directory);
    if ((path.len > 0 && path.text[0] == '/') || directory.len == 0)
        return arena_strdup(l->arena, path);

    struct buffer joined;
    buffer_init_in(&joined, l->arena);
    if (pattern)
        scalar_escape_pattern(&joined, directory);
    else
        buffer_add(&joined, directory);
    if (!slice_ends_with(directory, SLICE("/")))
        buffer_add_char(&joined, '/');
    buffer_add(&joined, path);
    buffer_add_char(&joined, '\0');
    return joined.failed ? NULL : joined.data;
}

const char *scalar_absolute(struct loader *l, struct slice path)
{
    return absolute(l, path, false);
}

const char *scalar_absolute_pattern(struct loader *l, struct slice pattern)
{
    return absolute(l, pattern, true);
}

bool scalar_list(struct loader *l, const struct yaml_node *node, const char *what, struct scalar **ret_items,
                 size_t *ret_count)
{
    if (node->type != YAML_LIST || node->count == 0) {
        loader_error(l, node->place, node->type == YAML_LIST ? "%s must not be empty" : "%s must be a list", what);
        return false;
    }
    struct scalar *items = arena_calloc(l->arena, node->count, sizeof *items);
    if (!items)
        return false;
    for (size_t i = 0; i < node->count; i++)
        if (!scalar_name(l, node->items[i], what, &items[i]))
            items[i].text = SLICE("");
    *ret_items = items;
    *ret_count = node->count;
    return true;
}

const struct regex *scalar_regex(struct loader *l, const struct yaml_node *node, const char *what)
{
    struct scalar s;
    char text[160];
    size_t at = 0;

    if (!scalar_name(l, node, what, &s))
        return NULL;
    const struct regex *re = regex_compile(&l->config->regexes, s.text, &at, text, sizeof text);
    if (!re)
        loader_error(l, node->place, "%s is no valid regular expression: %s (at offset %zu)", what, text, at);
    return re;
}

/* ---- Words for messages ----------------------------------------------------------------------------------------- */

const char *did_you_mean(struct loader *l, struct slice name, const char *const names[], size_t count)
{
    const char *nearest = nearest_name(name, names, count);
    struct buffer text;
    if (!nearest)
        return "";
    buffer_init_in(&text, l->arena);
    buffer_printf(&text, "; did you mean \"%s\"?%c", nearest, '\0');
    return text.failed ? "" : text.data;
}

const char *enumerate(struct loader *l, const char *const names[])
{
    struct buffer text;
    buffer_init_in(&text, l->arena);
    for (size_t i = 0; names[i]; i++) {
        if (i > 0)
            buffer_add_text(&text, names[i + 1] ? ", " : " or ");
        buffer_add_text(&text, names[i]);
    }
    buffer_add_char(&text, '\0');
    return text.failed ? "" : text.data;
}

/* ---- Numbers with units ----------------------------------------------------------------------------------------- */

struct unit {
    const char *name;
    uint64_t factor;
};

/* "1.5h": digits, perhaps a fraction of at most six digits, and one of the units. Exact: what is not a whole number
 * of the smallest unit is none. */
static bool parse_with_unit(struct slice text, const struct unit *units, size_t count, uint64_t *ret)
{
    size_t i = 0;
    uint64_t number = 0, divisor = 1;
    bool point = false;

    for (; i < text.len && (text.text[i] == '.' || (text.text[i] >= '0' && text.text[i] <= '9')); i++) {
        if (text.text[i] == '.') {
            if (point || i == 0 || i + 1 == text.len || text.text[i + 1] < '0' || text.text[i + 1] > '9')
                return false;
            point = true;
            continue;
        }
        if (point && (divisor *= 10) > 1000000)
            return false;
        if (__builtin_mul_overflow(number, 10, &number) ||
            __builtin_add_overflow(number, (uint64_t)(text.text[i] - '0'), &number))
            return false;
    }
    if (i == 0)
        return false;
    for (size_t u = 0; u < count; u++) {
        if (!slice_is(slice_from_offset(text, i), units[u].name))
            continue;
        if (__builtin_mul_overflow(number, units[u].factor, &number) || number % divisor != 0)
            return false;
        *ret = number / divisor;
        return true;
    }
    return false;
}

bool config_parse_duration(struct slice text, uint64_t *ret_ms)
{
    static const struct unit units[] = {
        {"ms", 1}, {"s", SECONDS(1)}, {"m", MINUTES(1)}, {"h", HOURS(1)}, {"d", DAYS(1)},
    };
    if (slice_is(text, "0")) { /* needs no unit */
        *ret_ms = 0;
        return true;
    }
    return parse_with_unit(text, units, sizeof units / sizeof units[0], ret_ms);
}

bool config_parse_size(struct slice text, size_t *ret_bytes)
{
    static const struct unit units[] = {
        {"", 1},
        {"B", 1},
        {"KiB", UINT64_C(1) << 10},
        {"MiB", UINT64_C(1) << 20},
        {"GiB", UINT64_C(1) << 30},
        {"TiB", UINT64_C(1) << 40},
        {"kB", UINT64_C(1000)},
        {"KB", UINT64_C(1000)},
        {"MB", UINT64_C(1000000)},
        {"GB", UINT64_C(1000000000)},
        {"TB", UINT64_C(1000000000000)},
    };
    uint64_t bytes;
    if (!parse_with_unit(text, units, sizeof units / sizeof units[0], &bytes) || bytes > SIZE_MAX)
        return false;
    *ret_bytes = (size_t)bytes;
    return true;
}

bool config_is_slug(struct slice text)
{
    if (text.len == 0 || text.len > 63 || text.text[0] == '-' || text.text[text.len - 1] == '-')
        return false;
    for (size_t i = 0; i < text.len; i++) {
        char c = text.text[i];
        if (!(c >= 'a' && c <= 'z') && !(c >= '0' && c <= '9') && c != '-')
            return false;
    }
    return true;
}
