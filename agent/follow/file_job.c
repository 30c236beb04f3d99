#include "follow/file_job.h"

#include "text/inflate.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

enum { READ_GROWS_BY = 4 };

void file_job_init(struct file_job *job, struct mapper *mapper)
{
    *job = (struct file_job){.mapper = mapper, .file.content.fd = -1, .other.content.fd = -1};
    buffer_init(&job->block, LIMIT_FINGERPRINT + LIMIT_PIECE);
    chunk_init(&job->chunk);
}

void file_job_release(struct file_job *job)
{
    buffer_release(&job->block);
    chunk_release(&job->chunk);
}

void file_job_trim(struct file_job *job)
{
    if (job->block.cap > LIMIT_KEPT_AT_REST)
        buffer_release(&job->block);
    chunk_trim(&job->chunk);
}

static enum file_job_outcome unreadable(struct file_job *job)
{
    job->error = errno;
    return errno == ENOMEM ? JOB_NO_MEMORY : JOB_UNREADABLE;
}

static enum file_job_outcome open_descriptor(struct file_job *job, struct job_file *file, struct stat *ret_st)
{
    int *fd = &file->content.fd;
    if (*fd < 0) {
        *fd = scan_rules_open(job->rules, file->input, file->location);
        if (*fd < 0)
            return errno == ENOENT || errno == ENOTDIR || errno == EINVAL ? JOB_ELSEWHERE : unreadable(job);
    }
    return scan_stat(*fd, "", AT_EMPTY_PATH, ret_st, &file->born_ns) == 0 ? JOB_DONE : unreadable(job);
}

/* A gzip file is read as its content; one that only has such a name is none. */
static enum file_job_outcome open_content(struct file_job *job, struct job_file *file)
{
    char magic[2];
    struct file_content plain = {.fd = file->content.fd};
    if (file->gz == GZ_MAYBE) {
        ssize_t n = content_read(&plain, magic, sizeof magic, 0);
        if (n < 0)
            return unreadable(job);
        file->gz = inflate_is_gzip(slice_of(magic, (size_t)n)) ? GZ_YES : GZ_NO;
    }
    if (file->gz == GZ_NO)
        return JOB_DONE;
    if (!file->content.gz)
        file->content.gz = gz_reader_new();
    if (!file->content.gz)
        return JOB_NO_MEMORY;
    return gz_reader_renew(file->content.gz, file->content.fd) ? JOB_DONE : unreadable(job);
}

/* The file that is meant, not another one that has its name by now. */
static enum file_job_outcome open_file(struct file_job *job, struct job_file *file, struct stat *ret_st)
{
    enum file_job_outcome outcome = open_descriptor(job, file, ret_st);
    if (outcome != JOB_DONE)
        return outcome;
    if (ret_st->st_dev == file->device && ret_st->st_ino == file->inode)
        return open_content(job, file);
    content_close(&file->content);
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

/* ---- the end of a gzip file ---- */

/* The last KiB of a gzip file. */
static bool gz_mark_now(struct file_job *job, struct gz_mark *ret_mark)
{
    char tail[LIMIT_FINGERPRINT];
    size_t len = job->size < sizeof tail ? (size_t)job->size : sizeof tail;
    struct file_content plain = {.fd = job->file.content.fd};
    if (!content_read_whole(&plain, tail, len, job->size - len))
        return false;
    *ret_mark = (struct gz_mark){job->size, content_hash_of(slice_of(tail, len))};
    return true;
}

/* All of it was read, and nothing of it waits: it need not be inflated again to see that. */
static void note_gz_end(struct file_job *job)
{
    const struct gz_reader *gz = job->file.content.gz;
    if (!gz)
        return;
    bool whole = gz_reader_end(gz) == GZ_WHOLE;
    if (!whole && !job->once && !job->cut_is_final)
        return;
    if (gz_mark_now(job, &job->file.gz_end) && !whole)
        job->useless = gz_reader_useless(gz, job->size);
}

/* ---- JOB_LOOK ---- */

static enum file_job_outcome look(struct file_job *job)
{
    ssize_t n = content_read(&job->file.content, job->start, sizeof job->start, 0);
    if (n < 0)
        return unreadable(job);
    job->start_len = (size_t)n;
    if (n == 0)
        note_gz_end(job);
    return JOB_DONE;
}

/* ---- JOB_COMPARE ---- */

/* A gzip file that is shorter than what was read may be on its way there. */
static bool may_become_longer(const struct file_job *job)
{
    enum gz_end end = job->file.content.gz ? gz_reader_end(job->file.content.gz) : GZ_WHOLE;
    return (end == GZ_CUT || end == GZ_DAMAGED) && !job->once && !job->cut_is_final;
}

static enum file_job_outcome compare_with_parted(struct file_job *job)
{
    const struct job_file *other = &job->other;
    struct file_head head;
    bool have_head = identity_head(&job->file.content, other->head.len, &head);
    if (!have_head && errno)
        return unreadable(job);
    job->comparison = COMPARED_DIFFERENT;
    if (have_head && head.hash != other->head.hash)
        return JOB_DONE;
    enum identity identity =
        have_head ? identity_continues(&job->file.content, other->skipped, &other->source.at) : IDENTITY_OTHER;
    if (identity == IDENTITY_UNREADABLE)
        return unreadable(job);
    if (identity == IDENTITY_SAME)
        job->comparison = COMPARED_CONTINUES;
    else if (may_become_longer(job))
        job->comparison = COMPARED_UNSURE;
    return JOB_DONE;
}

/* The other one is read here, too: only while it is what it was does it count. */
static enum file_job_outcome compare_with_open(struct file_job *job)
{
    uint64_t same;
    bool longer; /* where the other one is longer it may be a copy */
    if (!identity_common_prefix(&job->file.content, &job->other.content, &same, &longer))
        return unreadable(job);
    job->comparison = COMPARED_UNSURE;
    if (identity_check(&job->other.content, &job->other.head, &job->other.source.at) != IDENTITY_SAME)
        return JOB_DONE;
    job->comparison = longer ? COMPARED_DIFFERENT : COMPARED_SAME;
    if (!longer && !identity_position_at(&job->file.content, 0, same, &job->compared_at))
        return errno ? unreadable(job) : JOB_SHORTER;
    return JOB_DONE;
}

static enum file_job_outcome compare(struct file_job *job)
{
    struct stat st;
    if (job->other_parted)
        return compare_with_parted(job);
    enum file_job_outcome outcome = open_file(job, &job->other, &st);
    if (outcome == JOB_DONE) {
        outcome = compare_with_open(job);
    } else {
        job->comparison = COMPARED_UNSURE;
        outcome = JOB_DONE;
    }
    content_close(&job->other.content);
    return outcome;
}

/* ---- JOB_SKIP ---- */

/* Where the content ends. */
static enum file_job_outcome find_end(struct file_job *job, uint64_t *ret_end)
{
    *ret_end = job->size < job->skip_to ? job->size : job->skip_to;
    if (!job->file.content.gz)
        return JOB_DONE;
    buffer_clear(&job->block);
    char *block = buffer_reserve(&job->block, LIMIT_READ);
    if (!block)
        return JOB_NO_MEMORY;
    ssize_t n = LIMIT_READ;
    for (*ret_end = 0; n == LIMIT_READ; *ret_end += (uint64_t)n) {
        n = content_read(&job->file.content, block, LIMIT_READ, *ret_end);
        if (n < 0)
            return unreadable(job);
    }
    return JOB_DONE;
}

/* The line that is not yet whole is read, and so is what comes after. */
static enum file_job_outcome skip(struct file_job *job)
{
    uint64_t end;
    enum file_job_outcome outcome = find_end(job, &end);
    if (outcome != JOB_DONE)
        return outcome;
    size_t len = end < LIMIT_READ ? (size_t)end : LIMIT_READ;
    buffer_clear(&job->block);
    char *block = buffer_reserve(&job->block, len);
    if (!block)
        return JOB_NO_MEMORY;
    ssize_t n = content_read(&job->file.content, block, len, end - len);
    if (n < 0)
        return unreadable(job);
    if ((size_t)n < len)
        return JOB_SHORTER;
    const char *newline = encoding_find_last_newline(job->encoding, slice_of(block, len), end - len);
    if (newline)
        end = end - len + (size_t)(newline - block) + encoding_unit(job->encoding);
    else if (end <= LIMIT_READ)
        end = 0;
    if (!identity_position_at(&job->file.content, end, end, &job->compared_at))
        return errno ? unreadable(job) : JOB_SHORTER;
    return JOB_DONE;
}

/* ---- JOB_READ ---- */

/* What the end of the content means. A gzip file that is not whole waits at its end until that is final; where reading
 * stops at a limit before the file's end, as while the agent stops, the line goes on behind it, and is not taken torn.
 */
static unsigned last_line_flags(const struct file_job *job)
{
    if (!job->file.content.gz && job->limit < job->size)
        return 0;
    if (job->file.content.gz && gz_reader_end(job->file.content.gz) != GZ_WHOLE)
        return job->once || job->cut_is_final ? MAP_TAKE_LAST_LINE_ANYHOW : 0;
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
        ssize_t n = content_read(&job->file.content, block, len, job->searched_to);
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
    if (!identity_head(&job->file.content, len, &job->file.head))
        return errno ? unreadable(job) : JOB_SHORTER;
    return JOB_DONE;
}

static bool is_read_to_its_end(struct file_job *job)
{
    struct gz_mark now;
    return job->file.gz == GZ_YES && job->file.gz_end.size && job->file.gz_end.size == job->size &&
           gz_mark_now(job, &now) && now.tail == job->file.gz_end.tail;
}

/* A start of which less was read than was looked at may have been rewritten since that was compared, a moment ago. */
static enum file_job_outcome compare_start(const struct file_job *job, struct slice start)
{
    const struct file_head *head = &job->file.head;
    size_t len = (size_t)head->len;
    if (start.len >= len)
        return content_hash_of(slice_of(start.text, len)) == head->hash ? JOB_DONE : JOB_OTHER_CONTENT;
    struct file_head left = file_head_of(start);
    bool limited = !job->file.content.gz && start.len >= job->limit;
    return file_head_differs(&left, head) ? JOB_OTHER_CONTENT : limited ? JOB_DONE : JOB_SHORTER;
}

/* The bytes up to `to`, more where a line does not fit. They are read together with the history before them, and belong
 * to the content only if that history is what it was. */
static enum file_job_outcome map_piece(struct file_job *job, uint64_t end, uint64_t to, unsigned go_on)
{
    const struct position at = job->file.source.at;
    uint64_t offset = position_offset(&at);
    size_t history = offset < LIMIT_FINGERPRINT ? (size_t)offset : LIMIT_FINGERPRINT;
    size_t want = (size_t)(to - offset), most = job->kind == JOB_READ_AHEAD ? want : job->piece;
    for (;; want = want * READ_GROWS_BY < most ? want * READ_GROWS_BY : most) {
        size_t len = end - offset < want ? (size_t)(end - offset) : want;
        buffer_clear(&job->block);
        char *block = buffer_reserve(&job->block, history + len);
        if (!block)
            return JOB_NO_MEMORY;
        ssize_t n = content_read(&job->file.content, block, history + len, offset - history);
        if (n < 0)
            return unreadable(job);
        if ((size_t)n < history)
            return JOB_SHORTER;
        if (content_hash_of(slice_of(block, history)) != at.tail)
            return JOB_OTHER_CONTENT;
        enum file_job_outcome start = history == offset ? compare_start(job, slice_of(block, (size_t)n)) : JOB_DONE;
        if (start != JOB_DONE)
            return start;
        struct slice bytes = slice_of(block + history, (size_t)n - history);
        job->at_end = bytes.len < len || offset + len == end;
        unsigned flags = go_on | (job->at_end ? last_line_flags(job) : 0);
        mapper_take(job->mapper, &job->file.source, bytes, history, flags, job->budget, job->read_time_ms, &job->chunk);
        if (job->chunk.result == CHUNK_NO_MEMORY)
            return JOB_NO_MEMORY;
        if (job->chunk.result == CHUNK_NEEDS_MORE && !job->at_end && want < most)
            continue;
        job->mapped = true;
        job->at_end = job->at_end && job->chunk.result != CHUNK_FULL;
        job->searched_to = job->at_end ? offset + bytes.len : 0;
        return JOB_DONE;
    }
}

/* The block, a piece after the other: each is still in the processor's cache when it is mapped. What was read before
 * the file turned out to be another one, or unreadable, counts; the next job will find the same. */
static enum file_job_outcome map_block(struct file_job *job, uint64_t end)
{
    uint64_t to = job->block_end - (job->pieces - 1) * LIMIT_READ;
    enum file_job_outcome outcome = map_piece(job, end, to, 0);
    while (outcome == JOB_DONE && !job->at_end && job->chunk.result == CHUNK_ALL_TAKEN && to < job->block_end &&
           position_offset(&job->file.source.at) <= to) {
        to += LIMIT_READ;
        outcome = map_piece(job, end, to, MAP_GO_ON);
        if (outcome != JOB_DONE && outcome != JOB_NO_MEMORY)
            return JOB_DONE;
    }
    return outcome;
}

static enum file_job_outcome read_and_map(struct file_job *job, uint64_t end)
{
    enum file_job_outcome outcome = map_block(job, end);
    if (outcome != JOB_DONE)
        return outcome;
    if (job->at_end && position_offset(&job->file.source.at) == job->searched_to)
        note_gz_end(job);
    return extend_head(job);
}

/* ---- JOB_CHECK ---- */

static enum file_job_outcome check(struct file_job *job)
{
    return outcome_of(job, identity_check(&job->file.content, &job->file.head, &job->file.source.at));
}

static enum file_job_outcome read_file(struct file_job *job)
{
    if (is_read_to_its_end(job)) {
        job->at_end = true;
        return JOB_DONE;
    }
    enum identity identity = identity_check(&job->file.content, &job->file.head, &job->file.source.at);
    if (identity != IDENTITY_SAME)
        return outcome_of(job, identity);
    if (job->limit == UINT64_MAX && job->limit_at_size)
        job->limit = job->size;
    uint64_t end = job->file.content.gz ? UINT64_MAX : job->size < job->limit ? job->size : job->limit;
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

/* ---- JOB_READ_AHEAD ---- */

/* Where the last line begins that is not whole before `end`: there the block before it will have been taken to. */
static bool find_line_start(struct file_job *job, uint64_t end, uint64_t *ret_start)
{
    for (size_t len = KIB(4); len <= LIMIT_READ / 2 && len < end; len *= 8) {
        buffer_clear(&job->block);
        char *block = buffer_reserve(&job->block, len);
        if (!block || !content_read_whole(&job->file.content, block, len, end - len))
            return false;
        const char *newline = encoding_find_last_newline(job->encoding, slice_of(block, len), end - len);
        if (newline) {
            *ret_start = end - len + (size_t)(newline - block) + encoding_unit(job->encoding);
            return true;
        }
    }
    return false;
}

static bool begins_as_it_did(struct file_job *job)
{
    struct file_head now;
    return identity_head(&job->file.content, job->file.head.len, &now) && now.hash == job->file.head.hash;
}

static enum file_job_outcome read_ahead(struct file_job *job)
{
    uint64_t start;
    char before[LIMIT_FINGERPRINT];
    if (!begins_as_it_did(job) || !find_line_start(job, job->block_end - job->pieces * LIMIT_READ, &start) ||
        start < sizeof before || !content_read_whole(&job->file.content, before, sizeof before, start - sizeof before))
        return JOB_NOT_AHEAD;
    position_guess(&job->file.source.at, start, slice_of(before, sizeof before));
    job->guess = job->file.source.at;
    if (map_block(job, UINT64_MAX) != JOB_DONE)
        return JOB_NOT_AHEAD;
    job->mapped = !job->at_end && (job->chunk.result == CHUNK_ALL_TAKEN || job->chunk.result == CHUNK_FULL);
    return job->mapped ? JOB_DONE : JOB_NOT_AHEAD;
}

/* Whether somebody still has a deleted file open for writing: only then can a read lease on it not be had. Its owner
 * and root may ask. */
static void look_for_writer(struct file_job *job)
{
    int fd = job->file.content.fd;
    if (fcntl(fd, F_SETLEASE, F_RDLCK) == 0) {
        fcntl(fd, F_SETLEASE, F_UNLCK);
        job->writer = WRITER_NONE;
    } else if (errno == EAGAIN) {
        job->writer = WRITER_THERE;
    }
}

void file_job_run(struct file_job *job)
{
    static enum file_job_outcome (*const runs[])(struct file_job *) = {
        [JOB_LOOK] = look,      [JOB_COMPARE] = compare, [JOB_SKIP] = skip,
        [JOB_READ] = read_file, [JOB_CHECK] = check,     [JOB_READ_AHEAD] = read_ahead,
    };
    struct stat st;
    job->error = 0;
    job->mapped = job->at_end = job->deleted = false;
    job->useless = 0;
    job->writer = WRITER_UNKNOWN;
    job->outcome = open_file(job, &job->file, &st);
    if (job->outcome != JOB_DONE)
        return;
    job->size = (uint64_t)st.st_size;
    job->deleted = st.st_nlink == 0;
    if (job->last_line_size != job->size)
        job->take_last_line = job->at_rest = job->cut_is_final = false;
    job->outcome = runs[job->kind](job);
    if (job->kind == JOB_READ_AHEAD)
        content_close(&job->file.content);
    if (job->deleted && job->outcome == JOB_DONE && job->at_end)
        look_for_writer(job);
}
