/* Any bytes as a gzip file: read at once and in small pieces the same comes out. The first two bytes are the sizes of
 * the pieces. */
#include "base/buffer.h"
#include "text/inflate.h"

#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static enum inflate_status inflate_all(struct slice file, size_t in_step, size_t out_step, struct buffer *out)
{
    struct inflater *f = inflater_new();
    enum inflate_status status = INFLATE_WHOLE;
    for (size_t at = 0; f && at < file.len && status != INFLATE_DAMAGED; at += in_step) {
        struct slice in = slice_of(file.text + at, file.len - at < in_step ? file.len - at : in_step);
        size_t written;
        do {
            char *room = buffer_reserve(out, out_step);
            if (!room)
                break;
            status = inflater_run(f, &in, room, out_step, &written);
            out->len += written;
        } while (status == INFLATE_GOES_ON && written > 0);
    }
    inflater_free(f);
    return status;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2)
        return 0;
    struct slice file = slice_of((const char *)data + 2, size - 2);
    struct buffer whole, pieces;
    buffer_init(&whole, 1 << 20);
    buffer_init(&pieces, 1 << 20);
    enum inflate_status first = inflate_all(file, file.len, 4096, &whole);
    enum inflate_status second = inflate_all(file, data[0] + 1U, data[1] + 1U, &pieces);
    if (!whole.failed && !pieces.failed &&
        (first != second || !slice_equal(buffer_slice(&whole), buffer_slice(&pieces))))
        abort();
    buffer_release(&whole);
    buffer_release(&pieces);
    return 0;
}
