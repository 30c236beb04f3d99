/* Any bytes: what is repaired is valid and as long as its replacements say, and counting, cutting and decoding agree.
 */
#include "limits.h"
#include "text/utf8.h"

#include <stdlib.h>

static void require(bool holds)
{
    if (!holds)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice bytes = slice_of((const char *)data, size);
    struct buffer out;
    buffer_init(&out, MIB(16));
    utf8_repair(&out, bytes);
    struct slice text = buffer_slice(&out);
    require(!out.failed && utf8_is_valid(text));
    size_t valid = utf8_valid_prefix(bytes);
    require(valid <= size && (valid == 0 || memcmp(text.text, bytes.text, valid) == 0));
    require((valid == size) == slice_equal(text, bytes));

    size_t count = 0;
    for (size_t at = 0, start = 0; at < text.len; start = at, count++) {
        uint32_t c = utf8_next(text, &at);
        char again[4];
        require(at <= text.len && utf8_encode(c, again) == at - start &&
                memcmp(again, text.text + start, at - start) == 0);
        require(utf8_prefix_of_chars(text, count) == start);
        for (size_t inside = start; inside < at; inside++)
            require(utf8_floor(text, inside) == start);
        require(unicode_lower(unicode_lower(c)) == unicode_lower(c));
    }
    require(count == utf8_count(text));
    buffer_release(&out);
    return 0;
}
