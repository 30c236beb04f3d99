#include "text/line_splitter.h"

#include "limits.h"

static void step(struct line_splitter *s, size_t n)
{
    s->rest = slice_from_offset(s->rest, n);
    s->offset += n;
}

static size_t leading_nuls(struct slice text)
{
    size_t n = 0;
    while (n < text.len && text.text[n] == '\0')
        n++;
    return n;
}

static struct slice without_trailing_nuls(struct slice text)
{
    while (text.len && text.text[text.len - 1] == '\0')
        text.len--;
    return text;
}

static struct slice without_carriage_return(struct slice text)
{
    if (text.len && text.text[text.len - 1] == '\r')
        text.len--;
    return text;
}

static bool is_blank(struct slice text)
{
    for (size_t i = 0; i < text.len; i++)
        if (text.text[i] != ' ' && (text.text[i] < '\t' || text.text[i] > '\r'))
            return false;
    return true;
}

/* What stands between a line's start and its newline, or the end of what is there. */
struct stretch {
    size_t nuls;       /* before it */
    struct slice text; /* with its carriage return and the NULs at its end */
};

static struct stretch stretch_of(const struct line_splitter *s, size_t len)
{
    static const struct slice byte_order_mark = {"\xef\xbb\xbf", 3};
    struct slice text = slice_of(s->rest.text, len);
    size_t nuls = leading_nuls(text);
    text = slice_from_offset(text, nuls);
    if (s->offset == 0 && nuls == 0 && slice_starts_with(text, byte_order_mark))
        text = slice_from_offset(text, byte_order_mark.len);
    return (struct stretch){nuls, text};
}

/* Too long, whatever may still come behind it: one byte more may be the newline's carriage return. */
static bool is_too_long(const struct line_splitter *s, struct slice unfinished)
{
    return without_carriage_return(unfinished).len > s->max_line;
}

/* The text as it is given; counts the NULs that it no longer has. */
static struct slice trim(struct slice text, uint64_t *nul_bytes)
{
    struct slice kept = without_trailing_nuls(text);
    size_t nuls = text.len - kept.len;
    text = without_carriage_return(kept);
    kept = without_trailing_nuls(text);
    *nul_bytes += nuls + (text.len - kept.len);
    return kept;
}

/* A long run of NULs is not waited for: it is taken in steps, always at the same places of the file. */
static void step_over_nuls(struct line_splitter *s)
{
    size_t nuls = leading_nuls(s->rest);
    if (nuls <= LIMIT_NUL_STEP)
        return;
    size_t taken = (nuls - 1) / LIMIT_NUL_STEP * LIMIT_NUL_STEP;
    s->nul_bytes += taken;
    step(s, taken);
}

/* The rest of an oversized line; false where its newline is still to come. */
static bool skip(struct line_splitter *s)
{
    const char *newline = s->rest.len ? memchr(s->rest.text, '\n', s->rest.len) : NULL;
    step(s, newline ? (size_t)(newline - s->rest.text) + 1 : s->rest.len);
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
        const char *newline = s->rest.len ? memchr(s->rest.text, '\n', s->rest.len) : NULL;
        size_t len = newline ? (size_t)(newline - s->rest.text) : s->rest.len;
        struct stretch stretch = stretch_of(s, len);
        struct line line = {.offset = s->offset};
        if (is_too_long(s, stretch.text)) {
            line.oversized = true;
            s->skipping = !newline;
        } else if (!newline) {
            return false;
        } else {
            line.text = trim(stretch.text, &s->nul_bytes);
        }
        s->nul_bytes += stretch.nuls;
        step(s, newline ? len + 1 : len);
        if (line.oversized || !is_blank(line.text)) {
            *ret_line = line;
            return true;
        }
    }
}

bool line_splitter_peek_rest(const struct line_splitter *s, struct line *ret_line)
{
    uint64_t nuls = 0;
    struct line line = {.offset = s->offset};
    if (s->skipping || s->rest.len == 0)
        return false;
    line.text = trim(stretch_of(s, s->rest.len).text, &nuls);
    if (is_blank(line.text))
        return false;
    *ret_line = line;
    return true;
}

void line_splitter_take_rest(struct line_splitter *s)
{
    struct stretch stretch = stretch_of(s, s->rest.len);
    trim(stretch.text, &s->nul_bytes);
    s->nul_bytes += stretch.nuls;
    step(s, s->rest.len);
}
