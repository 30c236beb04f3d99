/* The happy path: the texts are folded, the mapper makes the calls behind the others, and they are moved to their
 * place. */
#include "merge/merged_calls.h"

#include "merge/open_records.h"

static void reverse(char *items, size_t size, size_t from, size_t to)
{
    char swap[sizeof(struct mapped_call) + sizeof(struct map_note)];
    for (; from + 1 < to; from++, to--) {
        memcpy(swap, items + from * size, size);
        memcpy(items + from * size, items + (to - 1) * size, size);
        memcpy(items + (to - 1) * size, swap, size);
    }
}

/* What stands from `first` on goes to `at`. */
static void move_to(void *items, size_t size, size_t at, size_t first, size_t end)
{
    reverse(items, size, at, first);
    reverse(items, size, first, end);
    reverse(items, size, at, end);
}

/* The calls and notes that were added behind the others go to the part's place. */
static void insert(struct chunk *chunk, const struct mapped_part *part, size_t calls, size_t notes)
{
    size_t call = part->before_call + chunk->calls_inserted, note = part->before_note + chunk->notes_inserted;
    size_t more_calls = chunk->call_count - calls, more_notes = chunk->note_count - notes;
    for (size_t i = notes; i < chunk->note_count; i++)
        chunk->notes[i].before_call -= calls - call;
    for (size_t i = note; i < notes; i++)
        chunk->notes[i].before_call += more_calls;
    if (more_calls)
        move_to(chunk->calls, sizeof *chunk->calls, call, calls, chunk->call_count);
    if (more_notes)
        move_to(chunk->notes, sizeof *chunk->notes, note, notes, chunk->note_count);
    chunk->calls_inserted += more_calls;
    chunk->notes_inserted += more_notes;
}

/* `map --all`: a line that came to nothing is named, each of those that were joined. */
static bool list_lines(const struct open_record *r, struct chunk *chunk, const struct merged_record *merged)
{
    const struct rule *rule = &r->stream->generation->config->rules.items[merged->rule];
    struct map_note note = {.outcome = merged->sampled ? OUTCOME_SAMPLED : OUTCOME_DROPPED,
                            .rule = merged->rule,
                            .reason = merged->sampled ? "sampled out"
                                      : rule->drop    ? "dropped by rule"
                                                      : "no call of its rule",
                            .before_call = chunk->call_count,
                            .line = UINT32_MAX,
                            .merged = (uint32_t)chunk->merged_count + 1};
    for (const struct merge_part *part = r->joined->first; part; part = part->next) {
        note.offset = part->offset;
        if (!chunk_add_note(chunk, &note, true))
            return false;
    }
    return true;
}

static bool make_calls(struct open_record *r, bool list_all, struct chunk *chunk, struct merged_record *ret)
{
    struct merged_view view = {.rule = r->stream->rule,
                               .input = r->stream->input,
                               .text = buffer_slice(&r->folded),
                               .meta = &r->meta,
                               .sample = r->sample,
                               .record = r->record,
                               .parents = r->parents,
                               .parent_count = r->parent_count,
                               .broken = r->broken};
    memcpy(view.id, r->id, sizeof view.id);
    if (r->parents_text)
        view.parents_text = slice_of(r->parents_text->text, r->parents_text->len);
    size_t calls = chunk->call_count, notes = chunk->note_count;
    if (!mapper_take_merged(r->stream->generation->mapper, &view, chunk, ret))
        return false;
    bool nothing = ret->calls == 0 && !ret->rejected && !ret->invalid;
    if (!list_all || !nothing || list_lines(r, chunk, ret))
        return true;
    chunk->call_count = calls;
    chunk->note_count = notes;
    return false;
}

bool merged_calls_add(struct open_record *r, bool list_all, struct arena *arena, struct chunk *chunk,
                      const struct mapped_part *place)
{
    struct merged_record merged;
    size_t calls = chunk->call_count, notes = chunk->note_count;
    if (!r->broken && r->raw.len && !open_record_fold(r, arena))
        return false;
    if (!make_calls(r, list_all, chunk, &merged))
        return false;
    merged.joined = r->joined;
    merged.file = (struct span){chunk->text.len, r->file.len};
    buffer_add(&chunk->text, r->file);
    merged.how = r->ended;
    merged.record = r;
    if (chunk->text.failed || !chunk_add_merged(chunk, &merged)) {
        chunk->text.failed = chunk->text.starved = false;
        chunk->call_count = calls;
        chunk->note_count = notes;
        return false;
    }
    if (place)
        insert(chunk, place, calls, notes);
    return true;
}
