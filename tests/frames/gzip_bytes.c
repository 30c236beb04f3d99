#include "gzip_bytes.h"

#include "support/cmocka_setup.h"

#include <zlib.h>

void gzip_add(struct buffer *out, struct slice content)
{
    z_stream z = {.zalloc = Z_NULL};
    assert_int_equal(deflateInit2(&z, 6, Z_DEFLATED, MAX_WBITS + 16, 8, Z_DEFAULT_STRATEGY), Z_OK);
    size_t bound = deflateBound(&z, content.len) + 32;
    char *to = buffer_reserve(out, bound);
    assert_non_null(to);
    z.next_in = (unsigned char *)(uintptr_t)content.text;
    z.avail_in = (unsigned)content.len;
    z.next_out = (unsigned char *)to;
    z.avail_out = (unsigned)bound;
    assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
    out->len += bound - z.avail_out;
    deflateEnd(&z);
}
