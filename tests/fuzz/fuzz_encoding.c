/* Any bytes in each encoding: what comes out of UTF-16 and Latin-1 is UTF-8, and decoded line by line it is the same as
 * decoded at once. The first byte chooses. */
#include "text/encoding.h"
#include "text/utf8.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    enum encoding_kind encoding = data[0] % 4;
    struct slice text = slice_of((const char *)data + 1, size - 1), rest = text;
    struct buffer whole, lines;
    buffer_init(&whole, 1 << 24);
    buffer_init(&lines, 1 << 24);
    encoding_decode(encoding, text, &whole);
    const char *newline;
    while ((newline = encoding_find_newline(encoding, rest, (uint64_t)(text.len - rest.len)))) {
        size_t len = (size_t)(newline - rest.text) + encoding_unit(encoding);
        encoding_decode(encoding, slice_of(rest.text, len), &lines);
        rest = slice_from_offset(rest, len);
    }
    encoding_decode(encoding, rest, &lines);
    if (!slice_equal(buffer_slice(&whole), buffer_slice(&lines)) ||
        (encoding != ENCODING_UTF8 && !utf8_is_valid(buffer_slice(&whole))))
        abort();
    buffer_release(&whole);
    buffer_release(&lines);
    return 0;
}
