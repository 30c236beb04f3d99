/* Any text as a checkpoint, and as the content of one record whose checksum is right: what is read is written again and
 * then read as the same. */
#include "base/arena.h"
#include "limits.h"
#include "map/resume.h"
#include "wire/journal.h"

#include <stdlib.h>
#include <zlib.h>

static void resume_comes_back(struct slice text)
{
    struct resume *r = resume_read(text), *same;
    struct buffer once, again;
    if (!r)
        return;
    buffer_init(&once, MIB(64));
    buffer_init(&again, MIB(64));
    resume_sort(r);
    resume_write(r, &once);
    same = resume_read(buffer_slice(&once));
    if (!same)
        abort();
    resume_write(same, &again);
    if (!slice_equal(buffer_slice(&once), buffer_slice(&again)))
        abort();
    for (uint64_t at = 0; at < 8; at++) {
        const struct resume_line *line = NULL;
        if (resume_find(r, at, at % 2, &line) == RESUME_OPEN)
            resume_find_part(r, line, 0, 0);
    }
    resume_free(r);
    resume_free(same);
    buffer_release(&once);
    buffer_release(&again);
}

static void must_come_back(struct arena *arena, const struct journal_record *record)
{
    struct buffer again;
    buffer_init(&again, MIB(16));
    journal_write(&again, record);
    struct slice line = buffer_slice(&again);
    struct journal_record same;
    enum journal_fault fault;
    bool read = journal_read(arena, &line, &same, &fault);
    bool too_long = again.len > LIMIT_CHECKPOINT_RECORD; /* a path beyond PATH_MAX: never written */
    if (!too_long && !arena->failed &&
        (!read || fault != JOURNAL_OK || same.kind != record->kind || same.entry.offset != record->entry.offset ||
         !slice_equal(same.entry.path, record->entry.path) || !slice_equal(same.entry.open, record->entry.open) ||
         !slice_equal(same.url, record->url)))
        abort();
    resume_comes_back(record->entry.open);
    buffer_release(&again);
}

static void read_all(struct slice body)
{
    struct arena arena;
    arena_init(&arena, MIB(1));
    struct journal_record record;
    enum journal_fault fault;
    while (journal_read(&arena, &body, &record, &fault)) {
        if (fault == JOURNAL_OK)
            must_come_back(&arena, &record);
        arena_reset(&arena);
    }
    arena_release(&arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice text = slice_of((const char *)data, size), body = text, writer;
    if (journal_read_header(text, &body, &writer) != JOURNAL_NEWER)
        read_all(body);

    struct buffer line;
    buffer_init(&line, MIB(2));
    buffer_printf(&line, "%08lx ", crc32(0, data, (uInt)size));
    buffer_add(&line, text);
    buffer_add_char(&line, '\n');
    read_all(buffer_slice(&line));
    buffer_release(&line);
    return 0;
}
