#include "map/event_id.h"

#include <stdio.h>

bool line_id_of(const struct file_id *file, uint64_t offset, struct slice content, struct uuid *ret_id)
{
    char head[64];
    int len = snprintf(head, sizeof head, "raingauge-line 1 %llu\n", (unsigned long long)offset);
    const struct slice parts[] = {slice_of(head, (size_t)len), slice_of((const char *)file->bytes, sizeof file->bytes),
                                  content};
    return uuid5_of(parts, 3, ret_id);
}

bool event_id_of(const struct uuid *line, struct slice rule, struct call_place place, struct uuid *ret_id)
{
    char head[96];
    int len = snprintf(head, sizeof head, "raingauge-event 1 %zu %zu %zu\n", place.record, place.call, place.element);
    const struct slice parts[] = {slice_of(head, (size_t)len), slice_of((const char *)line->bytes, sizeof line->bytes),
                                  rule};
    return uuid5_of(parts, 3, ret_id);
}
