/* Any text as a checkpoint: what is read is written again and then read as the same. */
#include "base/arena.h"
#include "limits.h"
#include "wire/journal.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice text = slice_of((const char *)data, size), body = text, writer;
    if (journal_read_header(text, &body, &writer) == JOURNAL_NEWER)
        return 0;
    struct arena arena;
    arena_init(&arena, MIB(1));
    struct buffer again;
    buffer_init(&again, MIB(1));
    struct journal_record record, same;
    enum journal_fault fault;
    while (journal_read(&arena, &body, &record, &fault)) {
        if (fault != JOURNAL_OK)
            continue;
        buffer_clear(&again);
        journal_write(&again, &record);
        struct slice line = buffer_slice(&again);
        if (!journal_read(&arena, &line, &same, &fault) || fault != JOURNAL_OK || same.kind != record.kind ||
            same.entry.offset != record.entry.offset || !slice_equal(same.entry.path, record.entry.path))
            abort();
        arena_reset(&arena);
    }
    buffer_release(&again);
    arena_release(&arena);
    return 0;
}
