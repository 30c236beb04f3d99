/* Pure: no I/O, no clock, no logging, no uv. */
#ifndef RAINGAUGE_JOURNAL_H
#define RAINGAUGE_JOURNAL_H

#include "base/buffer.h"

#include <stdint.h>

/* The checkpoint's format: a header line, then one record a line, each a checksum and a JSON object. Text, so that a
 * person can look into it; a line is a record, so that a torn tail is seen.
 *
 *     raingauge-checkpoint 1 written-by 0.1.0
 *     6f1c2a90 {"url":"https://api.raindrop.ai/v1"}
 *     1b2c3d4e {"file":7,"path":"/var/log/a.jsonl",…,"offset":812,…}
 *     99aabbcc {"forget":7}
 *     0d1e2f3a {"input":"chat"}
 *     4b5a6978 {"together":2}
 *
 * The checksum is the CRC-32 (zlib's) of the JSON text, eight lower-case hex digits. The last record of a `file` key
 * counts. Version 1 is read by every release; a new version is written only by a release whose predecessor reads it. */

struct checkpoint_entry {
    uint64_t key; /* the file's number in this state directory; never used again */
    struct slice path;
    struct slice real_path; /* where it is, if not at `path` (a link's target, a rotated file); or empty */
    uint64_t device, inode, generation;
    unsigned char id[16];                      /* file_id */
    uint64_t offset;                           /* committed */
    uint64_t content_h, content_pending, tail; /* struct position at that offset */
    uint64_t head_len,
        head;             /* how many of the first bytes were seen (at most LIMIT_FINGERPRINT), content_hash_of them */
    uint64_t first_line;  /* content_hash_of() what stands before the first newline (at most LIMIT_FINGERPRINT) */
    uint64_t skipped;     /* bytes at the start that `start_at: end` skipped: not in the content hash */
    uint64_t size;        /* the most bytes that were seen in it */
    int64_t last_seen_ms; /* wall clock: when it was last found on disk */
    /* Of a container's log, whose streams stand mixed: lines of one that were taken behind the offset, within so many
     * bytes, and what is skipped behind them (struct record_lanes) */
    uint64_t stdout_ahead, stderr_ahead, stdout_skip, stderr_skip;
    /* A gzip file that was read to its end: how large it was, and content_hash_of() its last KiB. Size 0: it was not.
     */
    uint64_t gz_end, gz_tail;
    uint64_t born_ns;  /* wall clock: when the file was made, as its file system says; 0: not known */
    struct slice open; /* lines behind the offset that are not settled (map/resume.h); or empty */
    bool skipping;     /* the offset is within an oversized line */
    bool gz;           /* offsets are of the decompressed content */
    bool gone;         /* rewritten, cut or deleted: kept for its continuation */
};

enum journal_record_kind {
    JOURNAL_FILE,
    JOURNAL_FORGET,
    JOURNAL_URL,
    JOURNAL_INPUT,   /* an input of that name was seen: `start_at` is for inputs that are new */
    JOURNAL_TOGETHER /* so many file records that follow count only if all of them are there: a torn tail must not part
                      * what was joined across files */
};
struct journal_record {
    enum journal_record_kind kind;
    struct checkpoint_entry entry; /* file; forget: the key alone */
    struct slice url;
    struct slice input; /* its name */
    uint64_t together;
};

void journal_write_header(struct buffer *out);
void journal_write(struct buffer *out, const struct journal_record *record);

enum journal_fault { JOURNAL_OK, JOURNAL_BAD_RECORD, JOURNAL_NOT_A_CHECKPOINT, JOURNAL_NEWER };

/* The header of a text; *ret_body is what stands behind it, ret_writer the version of raingauge that wrote it. */
enum journal_fault journal_read_header(struct slice text, struct slice *ret_body, struct slice *ret_writer);
/* The next record, texts in the arena; moves *body behind it. JOURNAL_BAD_RECORD: a line that is damaged (checksum,
 * form, torn), which was stepped over. False at the end. */
struct arena;
bool journal_read(struct arena *arena, struct slice *body, struct journal_record *ret_record,
                  enum journal_fault *ret_fault);

#endif
