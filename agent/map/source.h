#ifndef RAINGAUGE_SOURCE_H
#define RAINGAUGE_SOURCE_H

#include "base/content_hash.h"
#include "config.h"
#include "map/resume.h"

/* Where in a file something stands, and what came before it: enough to go on there after a restart and to tell whether
 * the file is still the same (contract 6.5). */
struct position {
    struct content_hash content; /* of all bytes before; its len is the offset */
    uint64_t tail;             /* content_hash_of() the last LIMIT_FINGERPRINT bytes before it (fewer near the start) */
    struct record_lanes lanes; /* what was taken behind it already, where a record before that waits for its end */
};

static inline uint64_t position_offset(const struct position *p)
{
    return p->content.len;
}
/* The same place of one file, with the same lines taken behind it. */
static inline bool position_is(const struct position *p, const struct position *q)
{
    return position_offset(p) == position_offset(q) && memcmp(&p->lanes, &q->lanes, sizeof p->lanes) == 0;
}
void position_init(struct position *p); /* the file's beginning */
/* Moves `p` behind `bytes`, which begin there; the lanes stay. Before bytes.text there are `history` more bytes of
 * the file in memory (at least the smaller of LIMIT_FINGERPRINT and the offset). */
void position_move(struct position *p, struct slice bytes, size_t history);

/* A place that is read from before all that stands in front of it was: `before`, LIMIT_FINGERPRINT bytes at least, is
 * known of that. When the rest is known, too, position_is_as_guessed() says whether it was the place where that ends,
 * and position_settle() makes a position of each one that was reached from the guess. */
void position_guess(struct position *p, uint64_t offset, struct slice before);
bool position_is_as_guessed(const struct position *p, const struct position *guess);
void position_settle(struct position *reached, const struct position *p);

/* Version-5 UUID of what a file is (contract 4.3): device, inode, first line, how often it was seen to begin anew.
 * Never changes between versions. `first_line`: the bytes before the first newline, at most LIMIT_FINGERPRINT of them.
 * All zero where hashing found no memory. */
struct file_id {
    unsigned char bytes[16];
};
struct file_id file_id_of(uint64_t device, uint64_t inode, uint64_t generation, struct slice first_line);
struct file_id file_id_of_name(struct slice name); /* `-` and `tests` */

/* Bytes that are no file's: text already, whatever the input's encoding is. */
struct source_text {
    bool in_envelope;          /* as the input has it; else it was taken off, and said: */
    struct slice time, stream; /* empty: nothing */
    uint32_t merged_by;        /* it is no line, but what this rule had merged, as JSON: its index + 1; else 0 */
};

/* What is remembered of one file between two reads: where to go on, and what a line's meaning hangs on. Moves into a
 * job that reads and maps, and back; only one job at a time has it. Copyable bytes, no ownership. */
struct source {
    struct position at; /* the next byte to be read: a record's start, but while `skipping` */
    bool skipping;      /* within an oversized line, up to its newline */
    struct file_id id;
    size_t input;                   /* index in the configuration's inputs */
    struct slice path;              /* $meta.file; borrowed from the file's entry */
    const struct resume *resume;    /* NULL, or what is unsettled of lines that were taken before; borrowed likewise */
    const struct source_text *text; /* NULL: the bytes are a file's; borrowed */
};

#endif
