#include "map/source.h"

#include "limits.h"
#include "wire/uuid5.h"

#include <assert.h>
#include <stdio.h>

void position_init(struct position *p)
{
    *p = (struct position){.tail = 0};
    content_hash_init(&p->content);
    p->tail = content_hash_of(SLICE(""));
}

void position_move(struct position *p, struct slice bytes, size_t history)
{
    if (bytes.len == 0)
        return;
    content_hash_add(&p->content, bytes);
    uint64_t offset = position_offset(p);
    size_t len = offset < LIMIT_FINGERPRINT ? (size_t)offset : LIMIT_FINGERPRINT;
    assert(len <= history + bytes.len);
    (void)history; /* without assertions */
    p->tail = content_hash_of(slice_of(bytes.text + bytes.len - len, len));
}

void position_guess(struct position *p, uint64_t offset, struct slice before)
{
    struct slice tail = slice_from_offset(before, before.len - LIMIT_FINGERPRINT);
    *p = (struct position){.tail = content_hash_of(tail)};
    content_hash_begin_at(&p->content, offset, before);
}

bool position_is_as_guessed(const struct position *p, const struct position *guess)
{
    return position_is(p, guess) && p->content.pending == guess->content.pending && p->tail == guess->tail;
}

void position_settle(struct position *reached, const struct position *p)
{
    content_hash_join(&reached->content, &p->content);
}

static struct file_id id_of(struct slice head, struct slice rest)
{
    struct uuid uuid;
    struct file_id id = {{0}};
    if (uuid5_of((struct slice[]){head, rest}, 2, &uuid))
        memcpy(id.bytes, uuid.bytes, sizeof id.bytes);
    return id;
}

/* Fixed for ever: the version-5 UUID of "raingauge-file 1 DEVICE INODE GENERATION\n" (decimal) and the first line. */
struct file_id file_id_of(uint64_t device, uint64_t inode, uint64_t generation, struct slice first_line)
{
    char head[96];
    int len = snprintf(head, sizeof head, "raingauge-file 1 %llu %llu %llu\n", (unsigned long long)device,
                       (unsigned long long)inode, (unsigned long long)generation);
    return id_of(slice_of(head, (size_t)len), first_line);
}

/* Fixed for ever: the version-5 UUID of "raingauge-name 1\n" and the name. */
struct file_id file_id_of_name(struct slice name)
{
    return id_of(SLICE("raingauge-name 1\n"), name);
}
