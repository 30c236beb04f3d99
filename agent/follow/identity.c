/* All comparisons are by hash but for identity_common_prefix(): what was read is not kept. */
#include "follow/identity.h"

#include "limits.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static size_t smaller(uint64_t a, size_t b)
{
    return a < b ? (size_t)a : b;
}

static size_t mark_len(size_t i)
{
    return (size_t)16 << i;
}

enum { MARK_COUNT = sizeof((struct file_head *)0)->marks / sizeof(uint64_t) };

struct file_head file_head_of(struct slice start)
{
    struct file_head head = {.len = start.len, .hash = content_hash_of(start)};
    for (size_t i = 0; i < MARK_COUNT && mark_len(i) <= start.len; i++)
        head.marks[i] = content_hash_of(slice_of(start.text, mark_len(i)));
    return head;
}

bool file_head_differs(const struct file_head *a, const struct file_head *b)
{
    for (size_t i = 0; i < MARK_COUNT; i++) {
        if (a->marks[i] && b->marks[i] && a->marks[i] != b->marks[i])
            return true;
    }
    return false;
}

bool identity_head(const struct file_content *c, uint64_t len, struct file_head *ret_head)
{
    char start[LIMIT_FINGERPRINT];
    size_t n = smaller(len, sizeof start);
    if (!content_read_whole(c, start, n, 0))
        return false;
    *ret_head = file_head_of(slice_of(start, n));
    return true;
}

/* What is left of a file that is shorter than the head. */
static bool begins_alike(const struct file_content *c, uint64_t size, const struct file_head *head)
{
    struct file_head left;
    return !identity_head(c, size, &left) || !file_head_differs(&left, head);
}

static bool tail_is(const struct file_content *c, const struct position *at, bool *ret_same)
{
    char tail[LIMIT_FINGERPRINT];
    uint64_t offset = position_offset(at);
    size_t len = smaller(offset, sizeof tail);
    if (!content_read_whole(c, tail, len, offset - len))
        return false;
    *ret_same = content_hash_of(slice_of(tail, len)) == at->tail;
    return true;
}

/* Where a read failed: the file is shorter (it was cut just now), or cannot be read. */
static enum identity failure(void)
{
    return errno ? IDENTITY_UNREADABLE : IDENTITY_SHORTER;
}

static bool size_of(int fd, uint64_t *ret_size)
{
    struct stat st;
    if (fstat(fd, &st) != 0)
        return false;
    *ret_size = (uint64_t)st.st_size;
    return true;
}

/* How large a gzip file's content is is not known before it is read. */
enum identity identity_check(const struct file_content *c, struct file_head *head, const struct position *at)
{
    struct file_head now;
    bool same;
    uint64_t size = UINT64_MAX;
    if (!c->gz && !size_of(c->fd, &size))
        return IDENTITY_UNREADABLE;
    if (size < head->len)
        return begins_alike(c, size, head) ? IDENTITY_SHORTER : IDENTITY_OTHER;
    if (!identity_head(c, head->len, &now))
        return failure();
    if (head->len && now.hash != head->hash)
        return IDENTITY_OTHER;
    *head = now;
    if (size < position_offset(at))
        return IDENTITY_SHORTER;
    if (!tail_is(c, at, &same))
        return failure();
    return same ? IDENTITY_SAME : IDENTITY_OTHER;
}

/* What the hash of a content begins with whose start was skipped: its first and last KiB, at the offset behind it. */
static bool begin_behind_skipped(const struct file_content *c, uint64_t skipped, struct content_hash *ret_hash)
{
    char ends[2 * LIMIT_FINGERPRINT];
    size_t len = smaller(skipped, LIMIT_FINGERPRINT);
    content_hash_init(ret_hash);
    if (!skipped)
        return true;
    if (!content_read_whole(c, ends, len, 0) || !content_read_whole(c, ends + len, len, skipped - len))
        return false;
    content_hash_add(ret_hash, slice_of(ends, 2 * len));
    *ret_hash = (struct content_hash){
        .h = ret_hash->h ^ ret_hash->pending,
        .len = skipped,
    };
    return true;
}

bool identity_position_at(const struct file_content *c, uint64_t skipped, uint64_t offset, struct position *ret_at)
{
    struct position at;
    position_init(&at);
    char tail[LIMIT_FINGERPRINT];
    bool ok = begin_behind_skipped(c, skipped, &at.content);
    char *block = ok ? malloc(LIMIT_READ) : NULL;
    while (block && ok && at.content.len < offset) {
        size_t len = smaller(offset - at.content.len, LIMIT_READ);
        ok = content_read_whole(c, block, len, at.content.len);
        if (ok)
            content_hash_add(&at.content, slice_of(block, len));
    }
    if (!block && ok)
        errno = ENOMEM;
    int saved = errno;
    bool have_block = block != NULL;
    free(block);
    errno = saved;
    size_t len = smaller(offset, sizeof tail);
    if (!have_block || !ok || !content_read_whole(c, tail, len, offset - len))
        return false;
    at.tail = content_hash_of(slice_of(tail, len));
    *ret_at = at;
    return true;
}

enum identity identity_continues(const struct file_content *c, uint64_t skipped, const struct position *at)
{
    struct position there;
    bool same;
    if (!tail_is(c, at, &same)) /* tells most apart without reading all of it */
        return errno ? IDENTITY_UNREADABLE : IDENTITY_OTHER;
    if (!same)
        return IDENTITY_OTHER;
    if (!identity_position_at(c, skipped, position_offset(at), &there))
        return errno ? IDENTITY_UNREADABLE : IDENTITY_OTHER;
    return content_hash_equal(&there.content, &at->content) ? IDENTITY_SAME : IDENTITY_OTHER;
}

static size_t common_bytes(const char *a, const char *b, size_t len)
{
    if (memcmp(a, b, len) == 0)
        return len;
    size_t i = 0;
    while (a[i] == b[i])
        i++;
    return i;
}

bool identity_common_prefix(const struct file_content *c, const struct file_content *other, uint64_t *ret_same,
                            bool *ret_is_longer)
{
    char *block = malloc(2 * LIMIT_READ);
    if (!block) {
        errno = ENOMEM;
        return false;
    }
    uint64_t same = 0;
    for (;;) {
        ssize_t n = content_read(c, block, LIMIT_READ, same);
        ssize_t m = n < 0 ? -1 : content_read(other, block + LIMIT_READ, LIMIT_READ, same);
        if (m < 0) {
            int saved = errno;
            free(block);
            errno = saved;
            return false;
        }
        size_t len = (size_t)(n < m ? n : m);
        size_t common = common_bytes(block, block + LIMIT_READ, len);
        same += common;
        if (common < LIMIT_READ) {
            *ret_is_longer = (size_t)n > common;
            break;
        }
    }
    free(block);
    *ret_same = same;
    return true;
}
