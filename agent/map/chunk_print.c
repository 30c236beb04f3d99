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
    if (call->merged)
        print_place(out, chunk_span(chunk, chunk->merged[call->merged - 1].file),
                    chunk->merged[call->merged - 1].offset);
    else
        print_place(out, file, position_offset(&chunk->lines[call->line].start));
    buffer_add_text(out, ",\"call\":");
    buffer_add(out, chunk_text(chunk, call->text_at, call->text_len));
    buffer_add_text(out, "}\n");
}

static void print_note(struct buffer *out, const struct chunk *chunk, struct slice file, const struct map_note *note)
{
    buffer_printf(out, "{\"outcome\":\"%s\"", outcome_names[note->outcome]);
    if (note->merged)
        file = chunk_span(chunk, chunk->merged[note->merged - 1].file);
    print_place(out, file, note->offset);
    buffer_printf(out, ",\"reason\":\"%s\"}\n", note->reason);
}

enum notes { NOTES_NONE, NOTES_ALL, NOTES_REFUSALS };

static bool is_wanted(const struct map_note *note, enum notes notes, uint32_t rule)
{
    if (notes == NOTES_REFUSALS && note->outcome != OUTCOME_INVALID && note->outcome != OUTCOME_OVERSIZED &&
        note->outcome != OUTCOME_REJECTED)
        return false;
    return notes != NOTES_NONE && (rule == UINT32_MAX || note->rule == rule);
}

static void print(struct buffer *out, const struct chunk *chunk, const struct config *config, struct slice file,
                  enum notes notes, uint32_t rule)
{
    size_t note = 0;
    for (size_t call = 0; call <= chunk->call_count; call++) {
        for (; note < chunk->note_count && chunk->notes[note].before_call <= call; note++)
            if (is_wanted(&chunk->notes[note], notes, rule))
                print_note(out, chunk, file, &chunk->notes[note]);
        if (call < chunk->call_count && (rule == UINT32_MAX || chunk->calls[call].rule == rule))
            print_call(out, chunk, config, file, &chunk->calls[call]);
    }
}

void chunk_print(struct buffer *out, const struct chunk *chunk, const struct config *config, struct slice file,
                 bool all)
{
    print(out, chunk, config, file, all ? NOTES_ALL : NOTES_NONE, UINT32_MAX);
}

void chunk_print_rule(struct buffer *out, const struct chunk *chunk, const struct config *config, struct slice file,
                      uint32_t rule)
{
    print(out, chunk, config, file, NOTES_REFUSALS, rule);
}

uint64_t chunk_count_rule(const struct chunk *chunk, uint32_t rule)
{
    uint64_t n = 0;
    for (size_t i = 0; i < chunk->call_count; i++)
        n += rule == UINT32_MAX || chunk->calls[i].rule == rule;
    for (size_t i = 0; i < chunk->note_count; i++)
        n += is_wanted(&chunk->notes[i], NOTES_REFUSALS, rule);
    return n;
}
