/* TZif files decoded, and local times turned into UTC.
 *
 * The happy path: time_zone_decode() steps over the version 1 block, reads the 64-bit transitions of version 2 and the
 * rule in the footer, which holds for all times after the last transition. What can go wrong: a file that is cut,
 * whose counts do not fit, or whose indexes point outside; it is refused as a whole. */
#include "time/zone.h"

#include "limits.h"
#include "time/calendar.h"

/* When within a year the clock is changed: Mm.w.d, Jn or n of a POSIX TZ string. */
struct change_rule {
    enum { RULE_MONTH, RULE_JULIAN, RULE_DAY } kind;
    int month, week, day;
    int32_t time; /* seconds after that day's midnight, local */
};

struct footer {
    bool has_dst;
    int32_t standard, dst; /* offsets */
    struct change_rule dst_begins, dst_ends;
};

struct time_zone {
    size_t count;
    const int64_t *at;      /* transitions, rising */
    const int32_t *offsets; /* in force from at[i] on */
    int32_t first;          /* in force before the first one */
    bool has_footer;
    struct footer footer;
};

/* ---- reading bytes ---- */

struct reader {
    const unsigned char *at;
    size_t left;
    bool short_;
};

static const unsigned char *take_bytes(struct reader *r, size_t n)
{
    if (n > r->left) {
        r->short_ = true;
        return NULL;
    }
    const unsigned char *at = r->at;
    r->at += n;
    r->left -= n;
    return at;
}

static uint64_t big_endian(const unsigned char *p, size_t n)
{
    uint64_t v = 0;
    for (size_t i = 0; i < n; i++)
        v = v << 8 | p[i];
    return v;
}

struct header {
    int version;
    uint32_t isut, isstd, leap, times, types, chars;
};

static bool read_header(struct reader *r, struct header *ret)
{
    const unsigned char *p = take_bytes(r, 44);
    if (!p || memcmp(p, "TZif", 4) != 0)
        return false;
    ret->version = p[4];
    uint32_t *counts[] = {&ret->isut, &ret->isstd, &ret->leap, &ret->times, &ret->types, &ret->chars};
    for (size_t i = 0; i < 6; i++) {
        *counts[i] = (uint32_t)big_endian(p + 20 + 4 * i, 4);
        if (*counts[i] > LIMIT_ZONE_TRANSITIONS)
            return false;
    }
    return ret->types > 0;
}

static size_t block_size(const struct header *h, size_t time_size)
{
    return h->times * (time_size + 1) + h->types * 6 + h->chars + h->leap * (time_size + 4) + h->isstd + h->isut;
}

/* ---- the footer ---- */

static bool take_sign(struct slice *s, char c)
{
    if (s->len == 0 || s->text[0] != c)
        return false;
    *s = slice_from_offset(*s, 1);
    return true;
}

static bool take_number(struct slice *s, int *ret)
{
    int n = 0;
    size_t digits = 0;
    while (digits < s->len && digits < 4 && s->text[digits] >= '0' && s->text[digits] <= '9')
        n = n * 10 + (s->text[digits++] - '0');
    *s = slice_from_offset(*s, digits);
    *ret = n;
    return digits > 0;
}

/* [+-]hh[:mm[:ss]] as seconds. */
static bool take_time(struct slice *s, int32_t *ret)
{
    bool negative = take_sign(s, '-');
    if (!negative)
        take_sign(s, '+');
    int hours, minutes = 0, seconds = 0;
    if (!take_number(s, &hours) || (take_sign(s, ':') && !take_number(s, &minutes)) ||
        (take_sign(s, ':') && !take_number(s, &seconds)) || hours > 167 || minutes > 59 || seconds > 59)
        return false;
    *ret = (hours * 3600 + minutes * 60 + seconds) * (negative ? -1 : 1);
    return true;
}

static bool take_zone_name(struct slice *s)
{
    size_t n = 0;
    if (take_sign(s, '<')) {
        while (n < s->len && s->text[n] != '>')
            n++;
        *s = slice_from_offset(*s, n);
        return take_sign(s, '>');
    }
    while (n < s->len && ((s->text[n] | 32) >= 'a' && (s->text[n] | 32) <= 'z'))
        n++;
    *s = slice_from_offset(*s, n);
    return n >= 3;
}

static bool take_rule(struct slice *s, struct change_rule *ret)
{
    if (!take_sign(s, ','))
        return false;
    if (take_sign(s, 'M')) {
        ret->kind = RULE_MONTH;
        if (!take_number(s, &ret->month) || !take_sign(s, '.') || !take_number(s, &ret->week) || !take_sign(s, '.') ||
            !take_number(s, &ret->day) || ret->month < 1 || ret->month > 12 || ret->week < 1 || ret->week > 5 ||
            ret->day > 6)
            return false;
    } else {
        ret->kind = take_sign(s, 'J') ? RULE_JULIAN : RULE_DAY;
        if (!take_number(s, &ret->day) || ret->day > 365)
            return false;
    }
    ret->time = 2 * 3600;
    return !take_sign(s, '/') || take_time(s, &ret->time);
}

/* "CET-1CEST,M3.5.0,M10.5.0/3" */
static bool read_footer(struct slice s, struct footer *ret)
{
    int32_t west;
    if (!take_zone_name(&s) || !take_time(&s, &west))
        return false;
    ret->standard = -west;
    ret->has_dst = s.len > 0;
    if (!ret->has_dst)
        return true;
    if (!take_zone_name(&s))
        return false;
    ret->dst = ret->standard + 3600;
    if (s.len && s.text[0] != ',') {
        if (!take_time(&s, &west))
            return false;
        ret->dst = -west;
    }
    return take_rule(&s, &ret->dst_begins) && take_rule(&s, &ret->dst_ends) && s.len == 0;
}

/* The local second of that year at which the rule strikes. */
static int64_t rule_strikes(const struct change_rule *rule, int64_t year)
{
    int64_t day;
    if (rule->kind == RULE_MONTH) {
        int64_t first = calendar_days(year, rule->month, 1);
        int to_weekday = (rule->day - calendar_weekday(first) + 7) % 7;
        day = first + to_weekday + 7 * (rule->week - 1);
        if (day >= first + calendar_month_days(year, rule->month))
            day -= 7;
    } else {
        day = calendar_days(year, 1, 1) + rule->day;
        if (rule->kind == RULE_JULIAN) /* 1 to 365, 29 February is never counted */
            day -= calendar_is_leap(year) && rule->day >= 60 ? 0 : 1;
    }
    return day * 86400 + rule->time;
}

static int32_t footer_offset_at(const struct footer *f, int64_t utc)
{
    if (!f->has_dst)
        return f->standard;
    int64_t year, local = utc + f->standard;
    int month, day;
    calendar_date(local >= 0 ? local / 86400 : (local - 86399) / 86400, &year, &month, &day);
    int64_t begins = rule_strikes(&f->dst_begins, year) - f->standard;
    int64_t ends = rule_strikes(&f->dst_ends, year) - f->dst;
    bool dst = begins < ends ? utc >= begins && utc < ends : utc >= begins || utc < ends;
    return dst ? f->dst : f->standard;
}

/* ---- zones ---- */

static bool read_block(struct arena *arena, struct reader *r, const struct header *h, size_t time_size,
                       struct time_zone *zone)
{
    struct reader block = *r;
    if (!take_bytes(r, block_size(h, time_size)))
        return false;
    const unsigned char *times = take_bytes(&block, h->times * time_size);
    const unsigned char *indexes = take_bytes(&block, h->times);
    const unsigned char *types = take_bytes(&block, h->types * 6);
    int64_t *at = arena_calloc(arena, h->times, sizeof *at);
    int32_t *offsets = arena_calloc(arena, h->times, sizeof *offsets);
    if (!times || !indexes || !types || !at || !offsets)
        return false;
    for (uint32_t i = 0; i < h->times; i++) {
        uint64_t t = big_endian(times + i * time_size, time_size);
        at[i] = time_size == 4 ? (int32_t)(uint32_t)t : (int64_t)t;
        if (indexes[i] >= h->types || (i && at[i] <= at[i - 1]))
            return false;
        offsets[i] = (int32_t)(uint32_t)big_endian(types + indexes[i] * 6, 4);
        if (offsets[i] < -93600 || offsets[i] > 93600)
            return false;
    }
    zone->count = h->times;
    zone->at = at;
    zone->offsets = offsets;
    zone->first = (int32_t)(uint32_t)big_endian(types, 4);
    return zone->first >= -93600 && zone->first <= 93600;
}

const struct time_zone *time_zone_decode(struct arena *arena, struct slice tzif)
{
    struct reader r = {(const unsigned char *)tzif.text, tzif.len, false};
    struct header h;
    struct time_zone *zone = arena_calloc(arena, 1, sizeof *zone);

    if (!zone || !read_header(&r, &h))
        return NULL;
    if (h.version == 0)
        return read_block(arena, &r, &h, 4, zone) ? zone : NULL;
    if (!take_bytes(&r, block_size(&h, 4)) || !read_header(&r, &h) || !read_block(arena, &r, &h, 8, zone))
        return NULL;
    struct slice footer = slice_of((const char *)r.at, r.left);
    if (!take_sign(&footer, '\n'))
        return NULL;
    const char *end = memchr(footer.text, '\n', footer.len);
    if (!end)
        return NULL;
    footer.len = (size_t)(end - footer.text);
    zone->has_footer = footer.len > 0;
    return !zone->has_footer || read_footer(footer, &zone->footer) ? zone : NULL;
}

bool time_zone_name_is_plain(struct slice name)
{
    if (name.len == 0 || name.len > 64 || name.text[0] == '/')
        return false;
    for (size_t i = 0; i < name.len; i++) {
        char c = name.text[i];
        bool plain = (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '_' ||
                     c == '-' || c == '+' || c == '/';
        if (!plain)
            return false;
    }
    return true;
}

const struct time_zone *time_zone_fixed(struct arena *arena, struct slice name)
{
    int32_t offset = 0;
    if (!slice_is(name, "UTC") && !slice_is(name, "GMT") && !slice_is(name, "Z") && !slice_is(name, "Etc/UTC")) {
        struct slice rest = name;
        if (name.len == 0 || (name.text[0] != '+' && name.text[0] != '-') || !take_time(&rest, &offset) || rest.len ||
            offset < -86399 || offset > 86399)
            return NULL;
    }
    struct time_zone *zone = arena_calloc(arena, 1, sizeof *zone);
    if (zone)
        zone->first = offset;
    return zone;
}

int32_t time_zone_offset_at(const struct time_zone *zone, int64_t utc)
{
    size_t low = 0, high = zone->count; /* the first transition after utc is in [low, high] */
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (zone->at[middle] <= utc)
            low = middle + 1;
        else
            high = middle;
    }
    if (low == zone->count && zone->has_footer)
        return footer_offset_at(&zone->footer, utc);
    return low ? zone->offsets[low - 1] : zone->first;
}

int64_t time_zone_to_utc(const struct time_zone *zone, int64_t local)
{
    enum { DAY = 86400 };
    int32_t before = time_zone_offset_at(zone, local - DAY), after = time_zone_offset_at(zone, local + DAY);
    if (time_zone_offset_at(zone, local - before) == before)
        return local - before;
    if (time_zone_offset_at(zone, local - after) == after)
        return local - after;
    return local - before; /* a time that never comes */
}
