#include "map/chunk_print.h"

#include "json/json_writer.h"

static void print_place(struct buffer *out, struct slice file, uint64_t offset)
{
    buffer_add_text(out, ",\"file\":");
    json_write_string(out, file);
    buffer_printf(out, ",\"offset\":%llu", (unsigned long long)offset);
}

static void print_call(struct buffer *out, const struct chunk *chunk, const struct config *config, struct slice file,
                       const struct mapped_call *call)
{
    buffer_printf(out, "{\"endpoint\":\"%s\",\"rule\":", endpoint_paths[call->endpoint]);
    json_write_string(out, config->rules.items[call->rule].name);
    print_place(out, file, position_offset(&chunk->lines[call->line].start));
    buffer_add_text(out, ",\"call\":");
    buffer_add(out, chunk_text(chunk, call->text_at, call->text_len));
    buffer_add_text(out, "}\n");
}

static void print_note(struct buffer *out, struct slice file, const struct map_note *note)
{
    buffer_printf(out, "{\"outcome\":\"%s\"", outcome_names[note->outcome]);
    print_place(out, file, note->offset);
    buffer_printf(out, ",\"reason\":\"%s\"}\n", note->reason);
}

void chunk_print(struct buffer *out, const struct chunk *chunk, const struct config *config, struct slice file,
                 bool all)
{
    size_t note = 0;
    for (size_t call = 0; call <= chunk->call_count; call++) {
        for (; note < chunk->note_count && chunk->notes[note].before_call <= call; note++)
            if (all)
                print_note(out, file, &chunk->notes[note]);
        if (call < chunk->call_count)
            print_call(out, chunk, config, file, &chunk->calls[call]);
    }
}
