/* Any text, the first byte choosing the kinds: valid UTF-8 comes out, nothing is lost that was not found, and with no
 * kinds at all it is the text itself. */
#include "expr/redact.h"
#include "limits.h"
#include "text/utf8.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    struct arena arena;
    struct buffer text;
    arena_init(&arena, MIB(64));
    buffer_init_in(&text, &arena);
    utf8_repair(&text, slice_of((const char *)data + 1, size - 1));
    struct slice in = text.len ? buffer_slice(&text) : SLICE(""), out, none;
    unsigned kinds = data[0] < 9 ? 1u << data[0] : REDACT_ALL;
    if (!redact_text(&arena, in, kinds, &out) || !redact_text(&arena, in, 0, &none))
        abort();
    if (none.text != in.text || !utf8_is_valid(out) || out.len > in.len * 8)
        abort();
    if (out.text != in.text && !memchr(out.text, '<', out.len))
        abort();
    arena_release(&arena);
    return 0;
}
