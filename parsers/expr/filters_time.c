/* Times: to RFC 3339, and the milliseconds between two. */
#include "expr/filter_table.h"
#include "time/instant.h"
#include "time/time_format.h"
#include "json/json_number.h"

static struct value instant_value(struct arena *arena, const struct instant *t)
{
    char text[INSTANT_TEXT_MOST];
    struct slice copy = arena_copy(arena, slice_of(text, instant_write(t, text)));
    return copy.text ? value_of_plain(copy) : VALUE_NONE;
}

/* A format may also be laid on a number: 20260102 by "%Y%m%d". */
static bool read_by_format(struct filter_run *run, struct slice format, const struct value *in,
                           const struct time_zone *zone, struct instant *ret_instant)
{
    if (in->type != VALUE_STRING && in->type != VALUE_NUMBER)
        return false;
    return time_format_read(format, value_as_text(run->arena, in), zone, ret_instant);
}

struct value filter_time(struct filter_run *run, struct value *in)
{
    struct slice format = SLICE("");
    const struct time_zone *zone = run->count > 1 ? run->args[1].zone : NULL;
    struct instant t;

    if (run->count > 0 && !filter_arg_text(run, 0, &format))
        return VALUE_NONE;
    bool read = format.len ? read_by_format(run, format, in, zone, &t) : instant_of_value(run->arena, in, zone, &t);
    return read ? instant_value(run->arena, &t) : filter_refuse(run);
}

/* A whole number of nanoseconds as milliseconds: "1234.5". */
static struct value ms_of_ns(struct arena *arena, __int128 ns)
{
    bool negative = ns < 0;
    unsigned __int128 size = negative ? -(unsigned __int128)ns : (unsigned __int128)ns;
    uint64_t whole = (uint64_t)(size / 1000000), rest = (uint64_t)(size % 1000000);
    char text[48], *end = text + sizeof text, *at = end;
    unsigned digits = 6;
    for (; digits && rest % 10 == 0; digits--)
        rest /= 10;
    for (unsigned i = digits; i; i--, rest /= 10)
        *--at = (char)('0' + rest % 10);
    if (digits)
        *--at = '.';
    do
        *--at = (char)('0' + whole % 10);
    while (whole /= 10);
    if (negative)
        *--at = '-';
    struct slice copy = arena_copy(arena, slice_of(at, (size_t)(end - at)));
    return copy.text ? value_of_number(copy) : VALUE_NONE;
}

struct value filter_since(struct filter_run *run, struct value *in)
{
    struct value from = filter_arg_value(run, 0);
    struct instant begin, end;

    if (value_is_null_or_nothing(&from))
        return VALUE_NONE;
    if (!instant_of_value(run->arena, in, NULL, &end) || !instant_of_value(run->arena, &from, NULL, &begin))
        return filter_refuse(run);
    __int128 ns = (__int128)(end.seconds - begin.seconds) * 1000000000 + end.ns - begin.ns;
    return ms_of_ns(run->arena, ns);
}
