#include "text/inflate.h"

#include <limits.h>
#include <stdlib.h>
#define ZLIB_CONST
#include <zlib.h>

enum { GZIP_ONLY = 16 };

struct inflater {
    z_stream stream;
    enum inflate_status status;
    uint64_t written;
};

struct inflater *inflater_new(void)
{
    struct inflater *f = calloc(1, sizeof *f);
    if (!f)
        return NULL;
    if (inflateInit2(&f->stream, MAX_WBITS + GZIP_ONLY) != Z_OK) {
        free(f);
        return NULL;
    }
    f->status = INFLATE_WHOLE;
    return f;
}

void inflater_free(struct inflater *f)
{
    if (!f)
        return;
    inflateEnd(&f->stream);
    free(f);
}

/* zlib counts in 32 bits. */
static unsigned some_of(size_t n)
{
    return n < UINT_MAX ? (unsigned)n : UINT_MAX;
}

/* Between two members. */
static void begin_member(struct inflater *f, struct slice *in)
{
    if (f->stream.total_in > 0) /* a file does not begin with padding */
        while (in->len && in->text[0] == '\0')
            *in = slice_from_offset(*in, 1);
    if (in->len)
        f->status = inflateReset(&f->stream) == Z_OK ? INFLATE_GOES_ON : INFLATE_DAMAGED;
}

/* One call of zlib. */
static size_t inflate_some(struct inflater *f, struct slice *in, char *out, size_t room)
{
    z_stream *z = &f->stream;
    z->next_in = (const unsigned char *)in->text;
    z->avail_in = some_of(in->len);
    z->next_out = (unsigned char *)out;
    z->avail_out = some_of(room);
    unsigned had_in = z->avail_in, had_out = z->avail_out;
    int result = inflate(z, Z_NO_FLUSH);
    *in = slice_from_offset(*in, had_in - z->avail_in);
    if (result == Z_STREAM_END)
        f->status = INFLATE_WHOLE;
    else if (result == Z_MEM_ERROR)
        f->status = INFLATE_NO_MEMORY;
    else if (result != Z_OK && result != Z_BUF_ERROR)
        f->status = INFLATE_DAMAGED;
    return had_out - z->avail_out;
}

enum inflate_status inflater_run(struct inflater *f, struct slice *in, char *out, size_t room, size_t *ret_written)
{
    *ret_written = 0;
    if (f->status == INFLATE_NO_MEMORY)
        f->status = INFLATE_GOES_ON;
    for (;;) {
        if (f->status == INFLATE_WHOLE)
            begin_member(f, in);
        if (f->status != INFLATE_GOES_ON)
            return f->status;
        size_t had = in->len, written = inflate_some(f, in, out + *ret_written, room - *ret_written);
        *ret_written += written;
        f->written += written;
        if (f->status != INFLATE_WHOLE && written == 0 && in->len == had)
            return f->status; /* wants more input, or more room */
    }
}

uint64_t inflater_offset(const struct inflater *f)
{
    return f->written;
}

bool inflate_is_gzip(struct slice start)
{
    return slice_starts_with(start, SLICE("\x1f\x8b"));
}
