#include "cli/map_reader.h"

#include "limits.h"

#include <errno.h>
#include <time.h>
#include <unistd.h>

void map_reader_init(struct map_reader *r, struct mapper *mapper, struct merger *merger, const struct config *config,
                     size_t budget)
{
    *r = (struct map_reader){.mapper = mapper, .merger = merger, .config = config, .budget = budget};
    chunk_init(&r->chunk);
    buffer_init(&r->bytes, LIMIT_FINGERPRINT + LIMIT_PIECE + LIMIT_READ);
}

void map_reader_release(struct map_reader *r)
{
    chunk_release(&r->chunk);
    buffer_release(&r->bytes);
}

static ssize_t read_block(struct map_reader *r, char *to)
{
    ssize_t n;
    do
        n = r->content.gz ? gz_reader_read(r->content.gz, r->content.fd, to, LIMIT_READ, r->read)
                          : read(r->content.fd, to, LIMIT_READ);
    while (n < 0 && errno == EINTR);
    r->read += n > 0 ? (uint64_t)n : 0;
    return n;
}

/* Another block behind what there is. *ret_end: there was none. */
static bool read_more(struct map_reader *r, bool *ret_end, struct error *ret_error)
{
    char *room = buffer_reserve(&r->bytes, LIMIT_READ);
    if (!room) {
        error_set(ret_error, "out of memory");
        return false;
    }
    ssize_t n = read_block(r, room);
    if (n < 0) {
        error_set(ret_error, "read: %s", strerror(errno));
        return false;
    }
    r->bytes.len += (size_t)n;
    *ret_end = n == 0;
    return true;
}

bool map_reader_first_line(struct map_reader *r, const struct file_content *content, struct slice *ret_line,
                           struct error *ret_error)
{
    r->content = *content;
    r->read = 0;
    buffer_clear(&r->bytes);
    r->taken = 0;
    const char *newline = NULL;
    for (bool end = false; !newline && !end && r->bytes.len < LIMIT_FINGERPRINT;) {
        if (!read_more(r, &end, ret_error))
            return false;
        newline = memchr(r->bytes.data, '\n', r->bytes.len);
    }
    size_t len = newline ? (size_t)(newline - r->bytes.data) : r->bytes.len;
    *ret_line = slice_of(r->bytes.data, len < LIMIT_FINGERPRINT ? len : LIMIT_FINGERPRINT);
    return true;
}

/* Lets go of what was taken, but for the last bytes, which a position is told by. */
static void forget_taken(struct map_reader *r)
{
    if (r->taken <= LIMIT_FINGERPRINT)
        return;
    size_t away = r->taken - LIMIT_FINGERPRINT;
    memmove(r->bytes.data, r->bytes.data + away, r->bytes.len - away);
    r->bytes.len -= away;
    r->taken -= away;
}

static int64_t now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static bool hand_on(struct map_reader *r, bool (*on_chunk)(void *context, const struct chunk *chunk), void *context,
                    struct error *ret_error)
{
    bool written = on_chunk(context, &r->chunk);
    if (!written)
        error_set(ret_error, "write: %s", strerror(errno));
    merger_forget(r->merger, &r->chunk);
    return written;
}

static bool map_what_is_there(struct map_reader *r, struct source *source, struct slice name, bool end,
                              bool (*on_chunk)(void *context, const struct chunk *chunk), void *context,
                              struct error *ret_error)
{
    do {
        mapper_take(r->mapper, source, slice_from_offset(buffer_slice(&r->bytes), r->taken), r->taken,
                    end ? MAP_TAKE_LAST_LINE_ANYHOW : 0, r->budget, now_ms(), &r->chunk);
        if (r->chunk.result == CHUNK_NO_MEMORY || !merger_take(r->merger, &r->chunk, r->config, name)) {
            error_set(ret_error, "out of memory");
            return false;
        }
        r->taken += r->chunk.consumed;
        if (!hand_on(r, on_chunk, context, ret_error))
            return false;
    } while (r->chunk.result == CHUNK_FULL);
    return true;
}

bool map_reader_run(struct map_reader *r, struct source *source, struct slice name,
                    bool (*on_chunk)(void *context, const struct chunk *chunk), void *context, struct error *ret_error)
{
    bool end = false;
    position_init(&source->at);
    source->skipping = false;
    do {
        if (!read_more(r, &end, ret_error) || !map_what_is_there(r, source, name, end, on_chunk, context, ret_error))
            return false;
        forget_taken(r);
    } while (!end);
    return true;
}

bool map_reader_end(struct map_reader *r, bool (*on_chunk)(void *context, const struct chunk *chunk), void *context,
                    struct error *ret_error)
{
    const struct config *config;
    merger_end_all(r->merger);
    while (merger_has_ended(r->merger)) {
        if (!merger_next(r->merger, &r->chunk, &config)) {
            error_set(ret_error, "out of memory");
            return false;
        }
        if (!hand_on(r, on_chunk, context, ret_error))
            return false;
    }
    return true;
}
