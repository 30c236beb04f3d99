#ifndef RAINGAUGE_RESUME_H
#define RAINGAUGE_RESUME_H

#include "frames/record.h"
#include "json/value.h"

/* Where records are merged (contract 4.6), a file's lines are not settled in their order: behind the checkpoint's
 * offset there are some that are done. A resume says which of those that were taken are not; after a restart these
 * alone are taken again, and of them only what is unsettled. So no merged record comes back as a half.
 *
 * It is read from the checkpoint, and used up as the file is read again up to where it had been taken. Belongs to the
 * file's entry; lent to the job that reads it, which does not change it. */

struct resume_part {      /* a part of a merged record that is not settled */
    uint32_t record, nth; /* as in struct mapped_part */
    uint64_t number;      /* among all parts of the agent: in this order they were joined */
    unsigned ended;       /* its record had ended with it (enum merge_end) */
};

struct resume_line { /* a line that is not settled */
    uint64_t offset;
    bool calls; /* it has unsettled calls of its own */
    uint32_t first_part, part_count;
};

struct resume {
    uint64_t taken;              /* lines that begin from here on are new … */
    uint32_t ahead[FRAME_LANES]; /* … but for those of a lane, so many bytes further */
    uint64_t rules;              /* resume_hash() of the configuration that they were taken by */
    struct resume_line *lines;   /* by offset */
    size_t line_count, line_cap;
    struct resume_part *parts;
    size_t part_count, part_cap;
};

/* As the checkpoint has it: numbers in decimal, with blanks between them. resume_read() gives NULL where the text is
 * none, or on lack of memory. */
struct resume *resume_read(struct slice text);
void resume_write(const struct resume *r, struct buffer *out);

struct resume *resume_new(void); /* NULL: no memory */
void resume_free(struct resume *r);
/* Parts belong to the line that was added last. False: no memory. Then resume_sort(), unless lines came by offset. */
bool resume_add_line(struct resume *r, uint64_t offset, bool calls) __attribute__((warn_unused_result));
bool resume_add_part(struct resume *r, const struct resume_part *part) __attribute__((warn_unused_result));

void resume_sort(struct resume *r);

enum resume_says {
    RESUME_NEW,  /* it was not taken before */
    RESUME_DONE, /* it is settled */
    RESUME_OPEN, /* *ret_line says what of it is not */
};
enum resume_says resume_find(const struct resume *r, uint64_t offset, unsigned lane,
                             const struct resume_line **ret_line);
/* The part, if it is listed; else NULL. */
const struct resume_part *resume_find_part(const struct resume *r, const struct resume_line *line, uint32_t record,
                                           uint32_t nth);
/* Of a configuration's sha256: rules may mean something else when it is another one. */
uint64_t resume_hash(const char *sha256);

#endif
