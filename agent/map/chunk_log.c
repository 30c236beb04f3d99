#include "map/chunk_log.h"

void chunk_log_notes(struct log *log, const struct chunk *chunk, const struct config *config, struct slice file)
{
    static const char *const what[OUTCOME_COUNT] = {
        [OUTCOME_INVALID] = "line is invalid",
        [OUTCOME_OVERSIZED] = "line is longer than max_line_bytes",
        [OUTCOME_REJECTED] = "call is rejected",
    };
    for (size_t i = 0; i < chunk->note_count; i++) {
        const struct map_note *note = &chunk->notes[i];
        if (!what[note->outcome])
            continue;
        bool of_rule = note->rule < config->rules.count;
        struct slice where = note->merged ? chunk_span(chunk, chunk->merged[note->merged - 1].file) : file;
        log_event(log, LOG_WARN, what[note->outcome], what[note->outcome], LOG_SLICE("file", where),
                  LOG_UINT("offset", note->offset), LOG_TEXT("reason", note->reason),
                  of_rule ? LOG_SLICE("rule", config->rules.items[note->rule].name) : LOG_END, LOG_END);
    }
}
