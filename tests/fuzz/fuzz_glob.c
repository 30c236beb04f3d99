/* Any pattern on any path: ends, in bounded time, and reads nothing outside. */
#include "text/glob.h"

#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const uint8_t *cut = memchr(data, '\n', size);
    struct slice path = cut ? slice_of((const char *)cut + 1, size - (size_t)(cut - data) - 1) : slice_of(NULL, 0);
    char pattern[512];
    size_t len = cut ? (size_t)(cut - data) : size;
    if (len >= sizeof pattern)
        return 0;
    memcpy(pattern, data, len);
    pattern[len] = '\0';
    const char *patterns[] = {pattern};
    struct glob_list list;
    if (glob_list_init(&list, patterns, 1, size & 1) != GLOB_OK)
        return 0;
    glob_list_matches(&list, path);
    glob_list_release(&list);
    return 0;
}
