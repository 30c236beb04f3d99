#include "follow/gz_reader.h"

#include "base/buffer.h"
#include "base/content_hash.h"
#include "follow/content.h"
#include "limits.h"
#include "text/inflate.h"

#include <errno.h>
#include <stdlib.h>

struct gz_reader {
    struct inflater *inflater;
    enum inflate_status status;
    bool at_end; /* of the file, when last read */

    uint64_t read_to;   /* so much of the file was read */
    uint64_t used_to;   /* … and so much of it gave something */
    struct slice input; /* read, not yet inflated; in `block` */
    char block[LIMIT_GZ_BLOCK];
    struct { /* the file's first bytes, and the last ones that were read: is it still the same? */
        size_t len;
        uint64_t hash;
    } first, last;

    char start[LIMIT_FINGERPRINT]; /* of the content; asked for again and again */
    size_t start_len;
    struct buffer window; /* of the content, up to where it was inflated */
    uint64_t window_at;
};

struct gz_reader *gz_reader_new(void)
{
    struct gz_reader *g = calloc(1, sizeof *g);
    if (!g)
        return NULL;
    buffer_init(&g->window, LIMIT_FINGERPRINT + LIMIT_PIECE + LIMIT_GZ_BLOCK);
    return g;
}

void gz_reader_free(struct gz_reader *g)
{
    if (!g)
        return;
    inflater_free(g->inflater);
    buffer_release(&g->window);
    free(g);
}

static void begin_anew(struct gz_reader *g)
{
    struct buffer window = g->window;
    buffer_clear(&window);
    inflater_free(g->inflater);
    *g = (struct gz_reader){.window = window};
}

/* ---- is it the same file ---------------------------------------------------------------------------------------- */

/* The `len` bytes before `end`. */
static bool hash_before(int fd, uint64_t end, size_t len, uint64_t *ret_hash)
{
    char bytes[LIMIT_FINGERPRINT];
    struct file_content plain = {.fd = fd};
    ssize_t n = content_read(&plain, bytes, len, end - len);
    if (n < 0)
        return false;
    *ret_hash = content_hash_of(slice_of(bytes, (size_t)n));
    return true;
}

bool gz_reader_renew(struct gz_reader *g, int fd)
{
    uint64_t first = 0, last = 0;
    if (g->read_to == 0)
        return true;
    if (!hash_before(fd, g->first.len, g->first.len, &first) || !hash_before(fd, g->read_to, g->last.len, &last))
        return false;
    if (first != g->first.hash || last != g->last.hash)
        begin_anew(g);
    return true;
}

static size_t at_most_a_fingerprint(uint64_t n)
{
    return n < LIMIT_FINGERPRINT ? (size_t)n : LIMIT_FINGERPRINT;
}

/* What gz_reader_renew() will compare. The bytes are read again: a block may be shorter than what is compared. */
static bool note_bytes(struct gz_reader *g, int fd)
{
    g->last.len = at_most_a_fingerprint(g->read_to);
    if (!hash_before(fd, g->read_to, g->last.len, &g->last.hash))
        return false;
    if (g->first.len < LIMIT_FINGERPRINT) {
        g->first.len = g->last.len;
        return hash_before(fd, g->first.len, g->first.len, &g->first.hash);
    }
    return true;
}

/* ---- inflating -------------------------------------------------------------------------------------------------- */

static uint64_t inflated_to(const struct gz_reader *g)
{
    return g->window_at + g->window.len;
}

/* More of the file. False: errno. */
static bool read_block(struct gz_reader *g, int fd)
{
    struct file_content plain = {.fd = fd};
    ssize_t n = content_read(&plain, g->block, sizeof g->block, g->read_to);
    if (n < 0)
        return false;
    g->at_end = n == 0;
    g->input = slice_of(g->block, (size_t)n);
    g->read_to += (uint64_t)n;
    return n == 0 || note_bytes(g, fd);
}

static void note_content(struct gz_reader *g, struct slice content)
{
    size_t more = LIMIT_FINGERPRINT - g->start_len;
    if (content.len < more)
        more = content.len;
    memcpy(g->start + g->start_len, content.text, more);
    g->start_len += more;
    g->used_to = g->read_to - g->input.len;
}

/* Some more of the content, at the window's end; *ret_any is false where there is none. */
static bool inflate_some(struct gz_reader *g, int fd, bool *ret_any)
{
    *ret_any = false;
    for (;;) {
        size_t written;
        char *room = buffer_reserve(&g->window, LIMIT_GZ_BLOCK);
        if (room)
            g->status = inflater_run(g->inflater, &g->input, room, LIMIT_GZ_BLOCK, &written);
        if (!room || g->status == INFLATE_NO_MEMORY) {
            errno = ENOMEM;
            return false;
        }
        if (written) {
            note_content(g, slice_of(room, written));
            g->window.len += written;
            *ret_any = true;
            return true;
        }
        if (g->status == INFLATE_DAMAGED)
            return true;
        if (!read_block(g, fd))
            return false;
        if (g->at_end)
            return true;
    }
}

/* What stands before `offset` will not be asked for. */
static void forget_before(struct gz_reader *g, uint64_t offset)
{
    if (offset <= g->window_at)
        return;
    size_t away = offset < inflated_to(g) ? (size_t)(offset - g->window_at) : g->window.len;
    memmove(g->window.data, g->window.data + away, g->window.len - away);
    buffer_truncate(&g->window, g->window.len - away);
    g->window_at += away;
}

/* Inflates until the window holds up to `end`, or there is no more. */
static bool inflate_to(struct gz_reader *g, int fd, uint64_t offset, uint64_t end)
{
    if (!g->inflater || offset < g->window_at) {
        begin_anew(g);
        g->inflater = inflater_new();
        if (!g->inflater) {
            errno = ENOMEM;
            return false;
        }
    }
    for (bool any = true; any && inflated_to(g) < end;) {
        forget_before(g, offset);
        if (!inflate_some(g, fd, &any))
            return false;
    }
    return true;
}

ssize_t gz_reader_read(struct gz_reader *g, int fd, char *to, size_t len, uint64_t offset)
{
    if (offset + len <= g->start_len) {
        memcpy(to, g->start + offset, len);
        return (ssize_t)len;
    }
    if (!inflate_to(g, fd, offset, offset + len))
        return -1;
    uint64_t end = inflated_to(g);
    size_t n = offset >= end ? 0 : end - offset < len ? (size_t)(end - offset) : len;
    if (n)
        memcpy(to, g->window.data + (offset - g->window_at), n);
    return (ssize_t)n;
}

enum gz_end gz_reader_end(const struct gz_reader *g)
{
    if (g->status == INFLATE_DAMAGED)
        return GZ_DAMAGED;
    return !g->at_end ? GZ_MORE : g->status == INFLATE_WHOLE ? GZ_WHOLE : GZ_CUT;
}

uint64_t gz_reader_useless(const struct gz_reader *g, uint64_t size)
{
    return size > g->used_to ? size - g->used_to : 1;
}
