#ifndef RAINGAUGE_CHUNK_H
#define RAINGAUGE_CHUNK_H

#include "admin/metrics.h"
#include "map/source.h"

/* What a mapper made of a stretch of one file: the calls in the order of the lines (within a line: records, rules, then
 * event, signal, identify), and the lines that have calls. Made on any thread, taken in on the loop's, then cleared and
 * used again. */

struct mapped_call {
    enum endpoint endpoint;
    uint32_t rule;                  /* index in config->rules */
    uint32_t line;                  /* index in chunk->lines */
    uint32_t destination;           /* index in config->destinations */
    size_t text_at, text_len;       /* its JSON text, in chunk->text */
    size_t project_at, project_len; /* its project's slug, in chunk->text; length 0: none */
    /* identify, for "says something new" (contract 4.7): its user within destination and project; the traits' bytes */
    uint64_t user_hash, traits_hash;
};

struct mapped_line {       /* a line with at least one call or kept text */
    struct position start; /* from where it is read again */
    uint64_t offset;       /* of it, or of the first line that it was joined from */
    uint32_t calls;        /* to be settled; a kept text counts as one */
    bool rejected;         /* a call of it was rejected: it will count as that */
    bool invalid;          /* kept text only: it will count as that */
};

/* A line, or a call of it, that came to nothing: for the log, for `map --all`, and for counting rejections. Listed up
 * to a ceiling; above it a note stands for further ones of its outcome, rule and reason too (`more`). All of them are
 * listed with MAP_ALL. */
struct map_note {
    enum outcome outcome; /* invalid, oversized, rejected; with MAP_ALL also unmatched, dropped, sampled */
    uint64_t offset;
    uint32_t rule;            /* rejected, dropped, sampled: index in config->rules; else UINT32_MAX */
    uint32_t more;            /* so many like it were left out after it */
    const char *reason;       /* from a fixed list; static */
    size_t before_call;       /* for the order of `map --all`: the index in chunk->calls it comes before */
    size_t kept_at, kept_len; /* the line's text in chunk->text, where dead_letter.lines keeps it; else 0, 0 */
    uint32_t line;            /* kept: its entry in chunk->lines; else UINT32_MAX */
};

struct rule_counts {
    uint32_t calls[ENDPOINT_COUNT];
    uint32_t match_limit_hits;
    uint32_t properties_left_out; /* by `privacy.properties` */
    uint32_t filter_failures[FILTER_COUNT_MAX];
};

struct chunk {
    struct buffer text;
    struct mapped_call *calls;
    size_t call_count, call_cap;
    struct mapped_line *lines;
    size_t line_count, line_cap;
    struct map_note *notes;
    size_t note_count, note_cap, notes_left_out; /* the sum of all `more` */

    uint64_t lines_read, bytes_read, nul_bytes;
    uint64_t outcomes[OUTCOME_COUNT]; /* of the lines that are settled here and now (those not in `lines`) */
    struct rule_counts *rules;        /* by index of config->rules; size rule_count */
    size_t rule_count;

    struct position end; /* where the next stretch begins */
    size_t consumed;     /* of the bytes that were given */
    enum {
        CHUNK_ALL_TAKEN,  /* up to the last newline (or the end, where the last line was to be taken) */
        CHUNK_NEEDS_MORE, /* not one whole line in them, and the line may still be within max_line_bytes */
        CHUNK_FULL,       /* stopped at a line, as `budget` was reached: give the rest again */
        CHUNK_NO_MEMORY,  /* nothing of it counts; give the same again later */
    } result;
};

void chunk_init(struct chunk *c);
/* Keeps the memory, up to a bound. False: no memory for the rules' counts. */
bool chunk_clear(struct chunk *c, size_t rule_count) __attribute__((warn_unused_result));
void chunk_release(struct chunk *c);

/* The mapper's: each false on lack of memory. */
bool chunk_add_call(struct chunk *c, const struct mapped_call *call) __attribute__((warn_unused_result));
bool chunk_add_line(struct chunk *c, const struct mapped_line *line) __attribute__((warn_unused_result));
/* `all`: listed even above the ceiling. */
bool chunk_add_note(struct chunk *c, const struct map_note *note, bool all) __attribute__((warn_unused_result));

static inline struct slice chunk_text(const struct chunk *c, size_t at, size_t len)
{
    return slice_of(c->text.data + at, len);
}

#endif
