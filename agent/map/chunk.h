#ifndef RAINGAUGE_CHUNK_H
#define RAINGAUGE_CHUNK_H

#include "admin/metrics.h"
#include "map/source.h"

/* What a mapper made of a stretch of one file: the calls in the order of the lines (within a line: records, rules, then
 * event, signal, identify), and the lines that have calls. Made on any thread, taken in on the loop's, then cleared and
 * used again. */

struct joined;
struct merge_part;
struct open_record;

struct mapped_call {
    enum endpoint endpoint;
    uint32_t rule;                  /* index in config->rules */
    uint32_t line;                  /* index in chunk->lines */
    uint32_t merged;                /* 0; or one more than its index in chunk->merged: of a merged record, not a line */
    uint32_t destination;           /* index in config->destinations */
    size_t text_at, text_len;       /* its JSON text, in chunk->text */
    size_t project_at, project_len; /* its project's slug, in chunk->text; length 0: none */
    /* identify, for "says something new" (contract 4.7): its user within destination and project; the traits' bytes */
    uint64_t user_hash, traits_hash;
};

struct mapped_line {       /* a line with at least one call or kept text */
    struct position start; /* from where it is read again */
    uint64_t offset;       /* of it, or of the first line that it was joined from */
    uint32_t calls;        /* to be settled; a kept text counts as one, and so does a part */
    bool rejected;         /* a call of it was rejected: it will count as that */
    bool sampled;          /* a record of it was sampled out */
    bool invalid;          /* kept text only: it will count as that */
};

struct span { /* in chunk->text */
    size_t at, len;
};

/* A record that a rule merges (contract 4.6): the mapper only takes it out of its line, and finds what it is merged by;
 * agent/merge joins it to others. */
struct mapped_part {
    uint32_t rule;      /* index in config->rules */
    uint32_t line;      /* index in chunk->lines */
    uint32_t origin;    /* index in chunk->origins */
    uint32_t record;    /* its place in the line */
    uint32_t nth;       /* of the merging rules that took it (`continue`) */
    size_t before_call; /* its place among the calls: the index in chunk->calls it comes before */
    size_t before_note; /* … and among the notes */
    struct span key;    /* what `by` gave */
    struct span as;     /* with `named`: the name it is put under */
    struct span text;   /* the record, JSON */
    bool named;
    bool last;               /* `until` holds */
    uint64_t number;         /* from the checkpoint: which one it was among all parts; 0: it is new */
    unsigned ended;          /* from the checkpoint: its record had ended with it, enum merge_end */
    struct merge_part *kept; /* agent/merge's */
};

/* The line of parts: what is needed of it should it be a merged record's first. */
struct mapped_origin {
    uint64_t offset;
    unsigned char id[16]; /* of the line; zero where no rule makes an id of it */
    uint64_t sample;      /* the first 8 bytes of the SHA-256 of what the parser got */
    struct span time, stream;
    int64_t read_time_ms;
    /* Where a rule looks at $parent: the outermost one's text, and each parent's place in it */
    struct span parents_text;
    size_t first_parent, parent_count; /* in chunk->parents: the nearest comes first */
};

/* A merged record that has ended, and whose calls are in the chunk. */
struct merged_record {
    struct open_record *record; /* agent/merge's */
    struct joined *joined;      /* its lines */
    struct span file;           /* of its first line, as it is shown */
    uint64_t offset;            /* … and where that begins */
    uint32_t rule;
    unsigned how;   /* it ended: enum merge_end */
    uint32_t calls; /* to be settled; a kept text counts as one */
    bool rejected, sampled, invalid;
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
    uint32_t kept_time_len, kept_stream_len; /* behind it: what its envelope said, … */
    uint32_t kept_rule_len;                  /* … and the name of the rule that merged it; 0: it is a line's */
    uint32_t line;                           /* kept: its entry in chunk->lines; else UINT32_MAX */
    uint32_t merged;                         /* as a call's: of a merged record */
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
    size_t input;                                /* index in config->inputs; and what is known of its lines: */
    struct record_meta meta; /* of parts; texts borrowed from the mapper and the source, but for a line's own */
    struct mapped_part *parts;
    size_t part_count, part_cap;
    struct mapped_origin *origins;
    size_t origin_count, origin_cap;
    struct span *parents;
    size_t parent_count, parent_cap;
    struct merged_record *merged; /* agent/merge adds them */
    size_t merged_count, merged_cap;
    size_t parts_joined, calls_inserted, notes_inserted; /* by agent/merge, so far */

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
void chunk_trim(struct chunk *c); /* nothing more is to be done for now: what is large goes back to the heap */
void chunk_release(struct chunk *c);

/* The mapper's: each false on lack of memory. */
bool chunk_add_call(struct chunk *c, const struct mapped_call *call) __attribute__((warn_unused_result));
bool chunk_add_line(struct chunk *c, const struct mapped_line *line) __attribute__((warn_unused_result));
bool chunk_add_part(struct chunk *c, const struct mapped_part *part) __attribute__((warn_unused_result));
bool chunk_add_origin(struct chunk *c, const struct mapped_origin *origin) __attribute__((warn_unused_result));
bool chunk_add_parent(struct chunk *c, struct span parent) __attribute__((warn_unused_result));
bool chunk_add_merged(struct chunk *c, const struct merged_record *merged) __attribute__((warn_unused_result));
/* `all`: listed even above the ceiling. */
bool chunk_add_note(struct chunk *c, const struct map_note *note, bool all) __attribute__((warn_unused_result));

static inline struct slice chunk_span(const struct chunk *c, struct span span)
{
    return slice_of(span.len ? c->text.data + span.at : "", span.len);
}
static inline struct slice chunk_text(const struct chunk *c, size_t at, size_t len)
{
    return slice_of(c->text.data + at, len);
}

#endif
