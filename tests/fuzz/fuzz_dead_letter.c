/* Any text as a line of a dead-letter file: what is taken is a call or a line that can be sent, and lies in the text.
 */
#include "deliver/dead_letter_read.h"

#include "limits.h"
#include "json/json_doc.h"

#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena arena;
    struct dead_letter_read letter;
    char *text = malloc(size + 1); /* of just that size, for the address sanitizer */
    if (!text)
        return 0;
    memcpy(text, data, size);
    arena_init(&arena, LIMIT_RECORD_ARENA);
    if (!dead_letter_read(&arena, slice_of(text, size), &letter)) {
        if (!letter.is_line && json_check(letter.call, JSON_OBJECT_ONLY) != JSON_OK)
            abort();
        if (letter.project.len && !config_is_slug(letter.project))
            abort();
        if (letter.file.len && memchr(letter.file.text, '\0', letter.file.len))
            abort();
    }
    arena_release(&arena);
    free(text);
    return 0;
}
