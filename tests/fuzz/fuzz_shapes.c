/* Any lines, one after the other: what is read by the shape of earlier ones is what the plain reader makes of them. */
#include "../support/same_doc.h"
#include "limits.h"
#include "json/json_shapes.h"

#include <stdint.h>
#include <stdlib.h>

static void require(bool holds)
{
    if (!holds)
        abort();
}

static void read_both_ways(struct json_shapes *shapes, struct arena *arena, struct slice line)
{
    struct json_doc *by_shape, *plain;
    enum json_want want = line.len % 2 ? JSON_ANY_VALUE : JSON_OBJECT_ONLY;
    enum json_fault fault = json_shapes_read(shapes, arena, line, want, &by_shape);
    require(fault == json_doc_read(arena, line, want, &plain));
    require(fault != JSON_OK || docs_are_same(arena, by_shape, plain));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena arena;
    struct json_shapes *shapes = json_shapes_new();
    arena_init(&arena, MIB(64));
    require(shapes != NULL);
    const char *at = (const char *)data, *end = at + size;
    while (at < end) {
        const char *newline = memchr(at, '\n', (size_t)(end - at));
        const char *stop = newline ? newline : end;
        size_t len = (size_t)(stop - at);
        char *line = malloc(len ? len : 1); /* a room of its own: no byte behind it is looked at */
        require(line != NULL);
        memcpy(line, at, len);
        read_both_ways(shapes, &arena, slice_of(line, len));
        read_both_ways(shapes, &arena, slice_of(line, len)); /* its shape is known now, if it is to be */
        free(line);
        arena_reset(&arena);
        at = stop + (newline != NULL);
    }
    json_shapes_free(shapes);
    arena_release(&arena);
    return 0;
}
