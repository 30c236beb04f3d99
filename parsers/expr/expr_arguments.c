/* A filter's argument: read, checked as far as it can be known while compiling, and prepared.
 *
 * Most arguments are expressions; where one is a literal its type is checked now, and where a filter needs something
 * compiled (a regular expression, a path, a time zone) it has to be one. Tables and environment variables are bare
 * names. What can go wrong is said at the character at fault, also inside a quoted text with escapes. */
#include "expr/expr_program.h"
#include "expr/redact.h"
#include "text/nearest.h"
#include "time/instant.h"
#include "time/time_format.h"
#include "json/json_number.h"

#include <stdio.h>

/* Where in the source the byte `at` of a quoted text's plain content stands; `quote` is the opening quote's place. */
static size_t place_in_text(const struct parser *p, size_t quote, size_t at)
{
    size_t i = quote + 1;
    for (size_t plain = 0; plain < at && i < p->source.len; plain++) {
        if (p->source.text[i] != '\\')
            i++;
        else if (i + 1 < p->source.len && p->source.text[i + 1] == 'u')
            i += 6; /* not exact for what is longer than a byte: near enough */
        else
            i += 2;
    }
    return i < p->source.len ? i : quote;
}

static size_t bare_name_end(const struct parser *p)
{
    size_t i = p->at;
    for (; i < p->source.len; i++) {
        char c = p->source.text[i];
        bool part = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
                    c == '-' || c == '.' || (c & 0x80);
        if (!part)
            break;
    }
    return i;
}

static bool prepare_table(struct parser *p, const struct filter *f, struct slice name, struct filter_arg *arg)
{
    for (size_t i = 0; i < p->names->table_count; i++) {
        if (slice_equal(p->names->tables[i].name, name)) {
            arg->table = &p->names->tables[i];
            return true;
        }
    }
    return parser_fail(p, arg->at, "%s: there is no table \"%.*s\"", f->name, (int)(name.len < 64 ? name.len : 64),
                       name.text);
}

static bool prepare_environment(struct parser *p, const struct filter *f, struct slice name, struct filter_arg *arg)
{
    struct slice value = {0};
    if (!p->names->environment || !p->names->environment(p->names->environment_context, name, &value) || !value.len)
        return parser_fail(p, arg->at, "%s: the environment variable %.*s is not set", f->name,
                           (int)(name.len < 64 ? name.len : 64), name.text);
    arg->key = arena_copy(p->arena, value);
    return arg->key.text || parser_fail(p, 0, "not enough memory");
}

static bool parse_bare_name(struct parser *p, const struct filter *f, bool table, struct filter_arg *arg)
{
    size_t end = bare_name_end(p);
    struct slice name = slice_of(p->source.text + p->at, end - p->at);
    if (name.len == 0)
        return parser_fail(p, p->at, "%s takes the name of %s here", f->name,
                           table ? "a table" : "an environment variable");
    p->at = end;
    return table ? prepare_table(p, f, name, arg) : prepare_environment(p, f, name, arg);
}

/* ---- what is known now ---- */

typedef bool prepare_function(struct parser *p, const struct filter *f, struct slice plain, struct filter_arg *arg);

static bool prepare_regex(struct parser *p, const struct filter *f, struct slice plain, struct filter_arg *arg)
{
    char text[120];
    size_t at = 0;
    arg->regex = regex_compile(p->names->regexes, plain, &at, text, sizeof text);
    return arg->regex || parser_fail(p, place_in_text(p, arg->at, at), "%s: %s", f->name, text);
}

static bool prepare_path(struct parser *p, const struct filter *f, struct slice plain, struct filter_arg *arg)
{
    struct path_error error = {0};
    size_t used;
    (void)f;
    arg->path = jsonpath_compile(p->arena, p->names->regexes, plain, PATH_WHOLE, &used, &error);
    return arg->path || parser_fail(p, place_in_text(p, arg->at, error.at), "%s", error.text);
}

static bool prepare_zone(struct parser *p, const struct filter *f, struct slice plain, struct filter_arg *arg)
{
    struct slice tzif;
    arg->zone = time_zone_fixed(p->arena, plain);
    if (!arg->zone && time_zone_name_is_plain(plain) && p->names->zone &&
        p->names->zone(p->names->zone_context, plain, &tzif))
        arg->zone = time_zone_decode(p->arena, tzif);
    return arg->zone || parser_fail(p, arg->at, "%s: there is no time zone \"%.*s\"", f->name,
                                    (int)(plain.len < 64 ? plain.len : 64), plain.text);
}

static bool prepare_redact(struct parser *p, const struct filter *f, struct slice plain, struct filter_arg *arg)
{
    const char *names[REDACT_KIND_COUNT];
    for (size_t i = 0; i < REDACT_KIND_COUNT; i++)
        names[i] = redact_kind_name(i);
    arg->redact = redact_kind_of_name(plain);
    if (arg->redact)
        return true;
    const char *nearest = nearest_name(plain, names, REDACT_KIND_COUNT);
    return parser_fail(p, arg->at, "%s: unknown kind \"%.*s\"%s%s%s", f->name, (int)(plain.len < 64 ? plain.len : 64),
                       plain.text, nearest ? "; did you mean \"" : "", nearest ? nearest : "", nearest ? "\"?" : "");
}

static bool prepare_format(struct parser *p, const struct filter *f, struct slice plain, struct filter_arg *arg)
{
    size_t at = 0;
    const char *mistake = time_format_check(plain, &at);
    return !mistake || parser_fail(p, place_in_text(p, arg->at, at), "%s: %s", f->name, mistake);
}

static const struct argument_kind {
    enum value_type type;    /* what a literal has to be; VALUE_NOTHING: anything */
    enum value_type or_type; /* ... or may be, too */
    const char *is;
    bool whole, not_negative; /* numbers */
    bool has_to_be_known;
    prepare_function *prepare;
} kinds[] = {
    [ARG_VALUE] = {.type = VALUE_NOTHING},
    [ARG_TEXT] = {.type = VALUE_STRING, .is = "text"},
    [ARG_NUMBER] = {.type = VALUE_NUMBER, .is = "a number"},
    [ARG_COUNT] = {.type = VALUE_NUMBER, .is = "a whole number from 0 on", .whole = true, .not_negative = true},
    [ARG_DIGITS] = {.type = VALUE_NUMBER, .is = "a whole number", .whole = true},
    [ARG_KEY] = {.type = VALUE_STRING, .or_type = VALUE_NUMBER, .is = "a name or an index", .whole = true},
    [ARG_REPLACEMENT] = {.type = VALUE_STRING, .is = "text"},
    [ARG_TIME] = {.type = VALUE_NOTHING},
    [ARG_FORMAT] = {.type = VALUE_STRING, .is = "a format", .prepare = prepare_format},
    [ARG_REGEX] = {.type = VALUE_STRING,
                   .is = "a regular expression in quotes",
                   .has_to_be_known = true,
                   .prepare = prepare_regex},
    [ARG_PATH] = {.type = VALUE_STRING, .is = "a path in quotes", .has_to_be_known = true, .prepare = prepare_path},
    [ARG_ZONE] = {.type = VALUE_STRING,
                  .is = "a time zone in quotes",
                  .has_to_be_known = true,
                  .prepare = prepare_zone},
    [ARG_REDACT] = {.type = VALUE_STRING, .is = "a kind in quotes", .has_to_be_known = true, .prepare = prepare_redact},
};

static bool literal_fits(const struct argument_kind *kind, const struct value *v)
{
    int64_t n;
    if (kind->type == VALUE_NOTHING)
        return true;
    if (v->type == VALUE_NOTHING) /* an environment variable that is not set */
        return !kind->has_to_be_known;
    if (v->type != kind->type && (v->type != kind->or_type || !kind->or_type))
        return false;
    return !kind->whole || v->type != VALUE_NUMBER ||
           (json_number_to_int64(v->text, &n) && (n >= 0 || !kind->not_negative));
}

static bool known_time(struct arena *arena, const struct value *v)
{
    struct instant t;
    return value_is_null_or_nothing(v) || instant_of_value(arena, v, NULL, &t);
}

static bool check_known(struct parser *p, const struct filter *f, enum filter_arg_kind which, struct filter_arg *arg)
{
    const struct argument_kind *kind = &kinds[which];
    if (!literal_fits(kind, &arg->value))
        return parser_fail(p, arg->at, "%s takes %s here", f->name, kind->is);
    if (which == ARG_TIME && !known_time(p->arena, &arg->value))
        return parser_fail(p, arg->at, "%s: not a time", f->name);
    if (!kind->prepare || arg->value.type == VALUE_NOTHING)
        return true;
    return kind->prepare(p, f, value_plain(p->arena, &arg->value), arg);
}

bool filter_argument_parse(struct parser *p, const struct filter *filter, size_t i, struct filter_arg *ret_arg)
{
    enum filter_arg_kind which = filter_arg_kind_at(filter, i);
    ret_arg->at = p->at;
    if (which == ARG_TABLE || which == ARG_ENVIRONMENT)
        return parse_bare_name(p, filter, which == ARG_TABLE, ret_arg);

    ret_arg->of = parse_expression(p);
    if (!ret_arg->of)
        return false;
    ret_arg->known = expr_is_constant(ret_arg->of, &ret_arg->value);
    if (ret_arg->known)
        return check_known(p, filter, which, ret_arg);
    if (kinds[which].has_to_be_known)
        return parser_fail(p, ret_arg->at, "%s takes %s here", filter->name, kinds[which].is);
    return true;
}
