#include "text/line_splitter.h"

#include "limits.h"

static void step(struct line_splitter *s, size_t n)
{
    s->rest = slice_from_offset(s->rest, n);
    s->offset += n;
}

/* Texts are compared unit by unit; half a unit at the end of one is of no kind. */
static bool ends_with(const struct line_splitter *s, struct slice text, char c)
{
    size_t unit = encoding_unit(s->encoding);
    return text.len >= unit && encoding_unit_is(s->encoding, text.text + text.len - unit, c);
}

static size_t leading_nuls(const struct line_splitter *s, struct slice text)
{
    size_t n = 0, unit = encoding_unit(s->encoding);
    while (text.len - n >= unit && encoding_unit_is(s->encoding, text.text + n, '\0'))
        n += unit;
    return n;
}

static struct slice without_trailing_nuls(const struct line_splitter *s, struct slice text)
{
    while (ends_with(s, text, '\0'))
        text.len -= encoding_unit(s->encoding);
    return text;
}

static struct slice without_carriage_return(const struct line_splitter *s, struct slice text)
{
    if (ends_with(s, text, '\r'))
        text.len -= encoding_unit(s->encoding);
    return text;
}

static bool is_blank_unit(const struct line_splitter *s, const char *at)
{
    if (encoding_unit_is(s->encoding, at, ' '))
        return true;
    for (int c = '\t'; c <= '\r'; c++)
        if (encoding_unit_is(s->encoding, at, (char)c))
            return true;
    return false;
}

static bool is_blank(const struct line_splitter *s, struct slice text)
{
    size_t unit = encoding_unit(s->encoding);
    while (text.len >= unit && is_blank_unit(s, text.text))
        text = slice_from_offset(text, unit);
    return text.len == 0;
}

/* What stands between a line's start and its newline, or the end of what is there. */
struct stretch {
    size_t nuls;       /* before it */
    struct slice text; /* with its carriage return and the NULs at its end */
};

static struct stretch stretch_of(const struct line_splitter *s, size_t len)
{
    struct slice byte_order_mark = encoding_byte_order_mark(s->encoding);
    struct slice text = slice_of(s->rest.text, len);
    size_t nuls = leading_nuls(s, text);
    text = slice_from_offset(text, nuls);
    if (s->offset == 0 && nuls == 0 && slice_starts_with(text, byte_order_mark))
        text = slice_from_offset(text, byte_order_mark.len);
    return (struct stretch){nuls, text};
}

/* Of what comes before a newline that is not there yet: half a unit may be half of it. */
static size_t whole_units(const struct line_splitter *s, size_t len)
{
    return len - len % encoding_unit(s->encoding);
}

/* Too long, whatever may still come behind it: one byte more may be the newline's carriage return. */
static bool is_too_long(const struct line_splitter *s, struct slice unfinished)
{
    unfinished.len = whole_units(s, unfinished.len);
    return without_carriage_return(s, unfinished).len > s->max_line;
}

/* The text as it is given; counts the NULs that it no longer has. */
static struct slice trim(const struct line_splitter *s, struct slice text, uint64_t *nul_bytes)
{
    struct slice kept = without_trailing_nuls(s, text);
    size_t nuls = text.len - kept.len;
    text = without_carriage_return(s, kept);
    kept = without_trailing_nuls(s, text);
    *nul_bytes += nuls + (text.len - kept.len);
    return kept;
}

/* A long run of NULs is not waited for: it is taken in steps, always at the same places of the file. */
static void step_over_nuls(struct line_splitter *s)
{
    size_t nuls = leading_nuls(s, s->rest);
    if (nuls <= LIMIT_NUL_STEP)
        return;
    size_t taken = (nuls - 1) / LIMIT_NUL_STEP * LIMIT_NUL_STEP;
    s->nul_bytes += taken;
    step(s, taken);
}

/* The rest of an oversized line; false where its newline is still to come. */
static bool skip(struct line_splitter *s)
{
    const char *newline = encoding_find_newline(s->encoding, s->rest, s->offset);
    step(s, newline ? (size_t)(newline - s->rest.text) + encoding_unit(s->encoding) : whole_units(s, s->rest.len));
    s->skipping = !newline;
    return !s->skipping;
}

void line_splitter_init(struct line_splitter *s, struct slice bytes, uint64_t offset, bool skipping, size_t max_line)
{
    *s = (struct line_splitter){.rest = bytes, .offset = offset, .skipping = skipping, .max_line = max_line};
}

bool line_splitter_next(struct line_splitter *s, struct line *ret_line)
{
    for (;;) {
        if (s->skipping && !skip(s))
            return false;
        step_over_nuls(s);
        const char *newline = encoding_find_newline(s->encoding, s->rest, s->offset);
        size_t len = newline ? (size_t)(newline - s->rest.text) : s->rest.len;
        struct stretch stretch = stretch_of(s, len);
        struct line line = {.offset = s->offset, .nuls = s->nul_bytes};
        if (is_too_long(s, stretch.text)) {
            line.oversized = true;
            s->skipping = !newline;
        } else if (!newline) {
            return false;
        } else {
            line.text = trim(s, stretch.text, &s->nul_bytes);
        }
        s->nul_bytes += stretch.nuls;
        step(s, newline ? len + encoding_unit(s->encoding) : whole_units(s, len));
        if (line.oversized || s->keep_blank || !is_blank(s, line.text)) {
            *ret_line = line;
            return true;
        }
    }
}

void line_splitter_skip(struct line_splitter *s, size_t len)
{
    step(s, len);
}

bool line_splitter_peek_rest(const struct line_splitter *s, struct line *ret_line)
{
    uint64_t nuls = 0;
    struct line line = {.offset = s->offset, .nuls = s->nul_bytes};
    if (s->skipping || s->rest.len == 0)
        return false;
    line.text = trim(s, stretch_of(s, s->rest.len).text, &nuls);
    if (is_blank(s, line.text))
        return false;
    *ret_line = line;
    return true;
}

void line_splitter_take_rest(struct line_splitter *s)
{
    struct stretch stretch = stretch_of(s, s->rest.len);
    trim(s, stretch.text, &s->nul_bytes);
    s->nul_bytes += stretch.nuls;
    step(s, s->rest.len);
}
