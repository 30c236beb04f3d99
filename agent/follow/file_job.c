#include "follow/file_job.h"

#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

enum { READ_GROWS_BY = 4 };

void file_job_init(struct file_job *job, struct mapper *mapper)
{
    *job = (struct file_job){.mapper = mapper, .file.fd = -1, .other.fd = -1};
    buffer_init(&job->block, LIMIT_FINGERPRINT + LIMIT_PIECE);
    chunk_init(&job->chunk);
}

void file_job_release(struct file_job *job)
{
    buffer_release(&job->block);
    chunk_release(&job->chunk);
}

static enum file_job_outcome unreadable(struct file_job *job)
{
    job->error = errno;
    return errno == ENOMEM ? JOB_NO_MEMORY : JOB_UNREADABLE;
}

/* The file that is meant, not another one that has its name by now. */
static enum file_job_outcome open_file(struct file_job *job, struct job_file *file, struct stat *ret_st)
{
    if (file->fd < 0) {
        file->fd = scan_rules_open(job->rules, file->input, file->location);
        if (file->fd < 0)
            return errno == ENOENT || errno == ENOTDIR || errno == EINVAL ? JOB_ELSEWHERE : unreadable(job);
    }
    if (fstat(file->fd, ret_st) != 0)
        return unreadable(job);
    if (ret_st->st_dev == file->device && ret_st->st_ino == file->inode)
        return JOB_DONE;
    close(file->fd);
    file->fd = -1;
    return JOB_ELSEWHERE;
}

static enum file_job_outcome outcome_of(struct file_job *job, enum identity identity)
{
    switch (identity) {
    case IDENTITY_SAME:
        return JOB_DONE;
    case IDENTITY_OTHER:
        return JOB_OTHER_CONTENT;
    case IDENTITY_SHORTER:
        return JOB_SHORTER;
    case IDENTITY_UNREADABLE:
        break;
    }
    return unreadable(job);
}

/* ---- JOB_LOOK ---- */

static enum file_job_outcome look(struct file_job *job)
{
    ssize_t n = identity_read(job->file.fd, job->start, sizeof job->start, 0);
    if (n < 0)
        return unreadable(job);
    job->start_len = (size_t)n;
    return JOB_DONE;
}

/* ---- JOB_COMPARE ---- */

static enum file_job_outcome compare_with_parted(struct file_job *job)
{
    const struct job_file *other = &job->other;
    struct file_head head;
    job->comparison = COMPARED_DIFFERENT;
    if (job->size < other->head.len)
        return JOB_DONE;
    if (!identity_head(job->file.fd, other->head.len, &head))
        return errno ? unreadable(job) : JOB_DONE;
    if (head.hash != other->head.hash)
        return JOB_DONE;
    enum identity identity = identity_continues(job->file.fd, other->skipped, &other->source.at);
    if (identity == IDENTITY_UNREADABLE)
        return unreadable(job);
    if (identity == IDENTITY_SAME)
        job->comparison = COMPARED_CONTINUES;
    return JOB_DONE;
}

/* The other one is read here, too: only while it is what it was does it count. */
static enum file_job_outcome compare_with_open(struct file_job *job)
{
    struct stat st;
    uint64_t same;
    if (!identity_common_prefix(job->file.fd, job->other.fd, &same))
        return unreadable(job);
    if (identity_check(job->other.fd, &job->other.head, &job->other.source.at) != IDENTITY_SAME ||
        fstat(job->other.fd, &st) != 0) {
        job->comparison = COMPARED_UNSURE;
        return JOB_DONE;
    }
    uint64_t size = (uint64_t)st.st_size;
    if (same < job->size && same < size)
        job->comparison = COMPARED_DIFFERENT;
    else
        job->comparison = job->size > size ? COMPARED_DIFFERENT : COMPARED_SAME;
    if (job->comparison == COMPARED_SAME && !identity_position_at(job->file.fd, 0, same, &job->compared_at))
        return errno ? unreadable(job) : JOB_SHORTER;
    return JOB_DONE;
}

static enum file_job_outcome compare(struct file_job *job)
{
    struct stat st;
    if (job->other_parted)
        return compare_with_parted(job);
    if (open_file(job, &job->other, &st) != JOB_DONE) {
        job->comparison = COMPARED_UNSURE;
        return JOB_DONE;
    }
    enum file_job_outcome outcome = compare_with_open(job);
    close(job->other.fd);
    job->other.fd = -1;
    return outcome;
}

/* ---- JOB_SKIP ---- */

/* The line that is not yet whole is read, and so is what comes after. */
static enum file_job_outcome skip(struct file_job *job)
{
    uint64_t end = job->size;
    size_t len = end < LIMIT_READ ? (size_t)end : LIMIT_READ;
    buffer_clear(&job->block);
    char *block = buffer_reserve(&job->block, len);
    if (!block)
        return JOB_NO_MEMORY;
    ssize_t n = identity_read(job->file.fd, block, len, end - len);
    if (n < 0)
        return unreadable(job);
    if ((size_t)n < len)
        return JOB_SHORTER;
    const char *newline = encoding_find_last_newline(job->encoding, slice_of(block, len), end - len);
    if (newline)
        end = end - len + (size_t)(newline - block) + encoding_unit(job->encoding);
    else if (end <= LIMIT_READ)
        end = 0;
    if (!identity_position_at(job->file.fd, end, end, &job->compared_at))
        return errno ? unreadable(job) : JOB_SHORTER;
    return JOB_DONE;
}

/* ---- JOB_READ ---- */

static unsigned last_line_flags(const struct file_job *job)
{
    if (job->take_last_line)
        return MAP_TAKE_LAST_LINE_ANYHOW;
    return job->once ? MAP_TAKE_LAST_LINE : job->at_rest ? MAP_AT_REST : 0;
}

/* Whether there is a newline behind what was searched for one; moves searched_to where there is none. */
static enum file_job_outcome search_newline(struct file_job *job, uint64_t end, bool *ret_found)
{
    *ret_found = false;
    while (job->searched_to < end) {
        size_t len = end - job->searched_to < LIMIT_READ ? (size_t)(end - job->searched_to) : LIMIT_READ;
        buffer_clear(&job->block);
        char *block = buffer_reserve(&job->block, len);
        if (!block)
            return JOB_NO_MEMORY;
        ssize_t n = identity_read(job->file.fd, block, len, job->searched_to);
        if (n < 0)
            return unreadable(job);
        if (n == 0)
            break;
        if (memchr(block, '\n', (size_t)n)) {
            *ret_found = true;
            break;
        }
        job->searched_to += (uint64_t)n;
    }
    return JOB_DONE;
}

/* A growing line is not read again and again from its start: nothing is taken before its newline is there. */
static enum file_job_outcome wait_for_newline(struct file_job *job, uint64_t end, bool *ret_wait)
{
    uint64_t offset = position_offset(&job->file.source.at);
    *ret_wait = false;
    if (job->searched_to <= offset || last_line_flags(job) || end - offset > job->max_line)
        return JOB_DONE;
    bool found;
    enum file_job_outcome outcome = search_newline(job, end, &found);
    *ret_wait = outcome == JOB_DONE && !found;
    return outcome;
}

/* The first bytes as far as they have been read now. */
static enum file_job_outcome extend_head(struct file_job *job)
{
    uint64_t offset = position_offset(&job->file.source.at);
    uint64_t len = offset < LIMIT_FINGERPRINT ? offset : LIMIT_FINGERPRINT;
    if (len <= job->file.head.len)
        return JOB_DONE;
    if (!identity_head(job->file.fd, len, &job->file.head))
        return errno ? unreadable(job) : JOB_SHORTER;
    return JOB_DONE;
}

/* One block, larger ones where a line does not fit. It is read together with the history before it, and belongs to the
 * content only if that history is what it was. */
static enum file_job_outcome read_and_map(struct file_job *job, uint64_t end)
{
    const struct position at = job->file.source.at;
    uint64_t offset = position_offset(&at);
    size_t history = offset < LIMIT_FINGERPRINT ? (size_t)offset : LIMIT_FINGERPRINT;
    size_t most = job->piece;
    for (size_t want = LIMIT_READ;; want = want * READ_GROWS_BY < most ? want * READ_GROWS_BY : most) {
        size_t len = end - offset < want ? (size_t)(end - offset) : want;
        buffer_clear(&job->block);
        char *block = buffer_reserve(&job->block, history + len);
        if (!block)
            return JOB_NO_MEMORY;
        ssize_t n = identity_read(job->file.fd, block, history + len, offset - history);
        if (n < 0)
            return unreadable(job);
        if ((size_t)n < history)
            return JOB_SHORTER;
        if (content_hash_of(slice_of(block, history)) != at.tail)
            return JOB_OTHER_CONTENT;
        struct slice bytes = slice_of(block + history, (size_t)n - history);
        job->at_end = bytes.len < len || offset + len == end;
        unsigned flags = job->at_end ? last_line_flags(job) : 0;
        mapper_take(job->mapper, &job->file.source, bytes, history, flags, job->budget, job->read_time_ms, &job->chunk);
        if (job->chunk.result == CHUNK_NO_MEMORY)
            return JOB_NO_MEMORY;
        if (job->chunk.result == CHUNK_NEEDS_MORE && !job->at_end && want < most)
            continue;
        job->mapped = true;
        job->at_end = job->at_end && job->chunk.result != CHUNK_FULL;
        job->searched_to = job->at_end ? offset + bytes.len : 0;
        return extend_head(job);
    }
}

static enum file_job_outcome read_file(struct file_job *job)
{
    enum identity identity = identity_check(job->file.fd, &job->file.head, &job->file.source.at);
    if (identity != IDENTITY_SAME)
        return outcome_of(job, identity);
    if (job->limit == UINT64_MAX && job->limit_at_size)
        job->limit = job->size;
    uint64_t end = job->size < job->limit ? job->size : job->limit;
    bool wait = position_offset(&job->file.source.at) >= end;
    if (!wait) {
        enum file_job_outcome outcome = wait_for_newline(job, end, &wait);
        if (outcome != JOB_DONE)
            return outcome;
    }
    if (!wait)
        return read_and_map(job, end);
    job->at_end = true;
    return JOB_DONE;
}

void file_job_run(struct file_job *job)
{
    static enum file_job_outcome (*const runs[])(struct file_job *) = {
        [JOB_LOOK] = look,
        [JOB_COMPARE] = compare,
        [JOB_SKIP] = skip,
        [JOB_READ] = read_file,
    };
    struct stat st;
    job->error = 0;
    job->mapped = job->at_end = job->deleted = false;
    job->outcome = open_file(job, &job->file, &st);
    if (job->outcome != JOB_DONE)
        return;
    job->size = (uint64_t)st.st_size;
    job->deleted = st.st_nlink == 0;
    if (job->last_line_size != job->size)
        job->take_last_line = job->at_rest = false;
    job->outcome = runs[job->kind](job);
}
