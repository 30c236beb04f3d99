/* Any JSON as a call: the check says something that can be printed, and never more than its bound. */
#include "limits.h"
#include "wire/call_check.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    struct arena arena;
    arena_init(&arena, MIB(16));
    const struct json_doc *doc;
    struct call_problems problems;
    if (json_doc_parse(&arena, slice_of((const char *)data + 1, size - 1), JSON_ANY_VALUE, &doc) == JSON_OK) {
        call_check(&arena, doc, 0, (enum checked_call)(data[0] % 3), &problems);
        if (problems.count > CALL_PROBLEMS_MOST)
            abort();
        for (size_t i = 0; i < problems.count; i++) {
            if (problems.items[i].text.len == 0 && !arena.failed)
                abort();
        }
    }
    arena_release(&arena);
    return 0;
}
