/* The checkpoint file: what is in it is read once, at start; then it is only written to.
 *
 * The happy path:
 *  - checkpoint_open() reads the file, hands over each live record, and keeps the file open for appending (its name is
 *    synced: whoever put it in its place may have been killed before that);
 *  - checkpoint_append() lets a worker write and fdatasync further records behind it;
 *  - when the file has grown to several times what is live in it, checkpoint_wants_fold() asks for everything, and
 *    checkpoint_fold() lets a worker put that in its place.
 * What can go wrong:
 *  - the file's end is torn, as a crash in the middle of an append leaves it: it is cut off;
 *  - it is damaged elsewhere: a copy is set aside, and what is good in it counts. The damaged file itself stays in its
 *    place until the first save, a fold, replaces it, so that a crash before that loses nothing further;
 *  - it is of a newer format, cannot be opened, or the directory cannot be written to: refused, everything stays;
 *  - a save fails: reported once, and the next one is a fold, since nobody knows what of the append is on disk. */
#include "state/checkpoint.h"

#include "base/arena.h"
#include "base/content_hash.h"
#include "limits.h"
#include "state/file_io.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

enum { FOLD_FACTOR = 4, FOLD_LEAST = 64 * 1024, RECORD_ARENA = 1024 * 1024 };

struct checkpoint {
    uv_loop_t *loop;
    struct log *log;
    struct checkpoint_callbacks callbacks;
    char *path;
    int fd;       /* for appending; -1: the next save is a fold */
    size_t size;  /* of the file */
    size_t live;  /* bytes of its live records when it was read, or written as a whole */
    bool failing; /* the last save failed; that was reported */
    char trouble[sizeof((struct error *)NULL)->text]; /* why; `error` is a worker's */

    /* The save under way; the worker's while `saving` */
    bool saving;
    uv_work_t work;
    bool fold;
    char *bytes;
    size_t len;
    int new_fd; /* of the folded file */
    bool ok;
    struct error error;
};

/* ---- Reading ---------------------------------------------------------------------------------------------------- */

/* A good record of the text: what it is about, and where it stands. */
struct record_at {
    enum journal_record_kind kind;
    uint64_t key;
    size_t at, len;
};

struct reading {
    struct slice text;
    struct record_at *records;
    size_t count, cap;
    size_t good_end; /* behind the last good record */
    /* File records that count only together (JOURNAL_TOGETHER): so many more are to come, and where the first began */
    uint64_t group_left;
    size_t group_at, group_first;
    bool bad_before; /* something bad stands before a good record, or there is no good one */
    bool bad_after;  /* … behind the last good one */
};

/* What the last of several records about the same thing replaces. */
static uint64_t subject_of(const struct journal_record *record)
{
    switch (record->kind) {
    case JOURNAL_FILE:
    case JOURNAL_FORGET:
        return record->entry.key;
    case JOURNAL_INPUT:
        return content_hash_of(record->input);
    case JOURNAL_URL:
    case JOURNAL_TOGETHER:
        break;
    }
    return 0;
}

static bool add_record(struct reading *r, const struct journal_record *record, size_t at, size_t end)
{
    if (record->kind == JOURNAL_TOGETHER) {
        r->group_left = record->together;
        r->group_at = at;
        r->group_first = r->count;
        return true;
    }
    if (record->kind == JOURNAL_FILE && r->group_left > 0)
        r->group_left--;
    if (r->count == r->cap) {
        size_t cap = r->cap ? r->cap * 2 : 256;
        struct record_at *grown = realloc(r->records, cap * sizeof *grown);
        if (!grown)
            return false;
        r->records = grown;
        r->cap = cap;
    }
    enum journal_record_kind kind = record->kind == JOURNAL_FORGET ? JOURNAL_FILE : record->kind;
    bool forget = record->kind == JOURNAL_FORGET;
    r->records[r->count++] =
        (struct record_at){.kind = kind, .key = subject_of(record), .at = at, .len = forget ? 0 : end - at};
    return true;
}

/* The last group is not whole: a torn end begins there. Where something is bad before a good record the file is
 * damaged, and all good records count. */
static bool drop_torn_group(struct reading *r)
{
    if (r->group_left == 0 || r->bad_before)
        return false;
    r->count = r->group_first;
    r->good_end = r->group_at;
    return true;
}

/* Finds the good records behind the header. False on lack of memory. */
static bool find_records(struct reading *r, struct slice body, bool header_good)
{
    struct arena arena;
    arena_init(&arena, RECORD_ARENA);
    struct journal_record record;
    enum journal_fault fault;
    bool found_all = true;
    bool bad = !header_good;
    r->good_end = (size_t)(body.text - r->text.text);
    size_t at = r->good_end;
    while (found_all && journal_read(&arena, &body, &record, &fault)) {
        size_t end = (size_t)(body.text - r->text.text);
        if (fault == JOURNAL_OK) {
            found_all = add_record(r, &record, at, end);
            r->bad_before |= bad;
            bad = false;
            r->good_end = end;
        } else {
            bad = true;
        }
        found_all = found_all && !arena.failed;
        at = end;
        arena_reset(&arena);
    }
    bad |= drop_torn_group(r);
    r->bad_after = bad;
    r->bad_before |= bad && r->count == 0;
    arena_release(&arena);
    return found_all;
}

static int by_subject(const void *a, const void *b)
{
    const struct record_at *x = a, *y = b;
    if (x->kind != y->kind)
        return x->kind < y->kind ? -1 : 1;
    if (x->key != y->key)
        return x->key < y->key ? -1 : 1;
    return x->at < y->at ? -1 : x->at > y->at;
}

/* Hands over the last record of each subject, unless that one says forget. *ret_live: the bytes that these take up.
 * False on lack of memory. */
static bool hand_over_live(struct reading *r, void (*on_record)(void *, const struct journal_record *), void *context,
                           size_t *ret_live)
{
    struct arena arena;
    arena_init(&arena, RECORD_ARENA);
    *ret_live = 0;
    if (r->count > 0)
        qsort(r->records, r->count, sizeof *r->records, by_subject);
    for (size_t i = 0; i < r->count && !arena.failed; i++) {
        const struct record_at *at = &r->records[i], *next = at + 1;
        bool replaced = i + 1 < r->count && next->kind == at->kind && next->key == at->key;
        if (replaced || at->len == 0)
            continue;
        arena_reset(&arena);
        struct slice line = slice_of(r->text.text + at->at, at->len);
        struct journal_record record;
        enum journal_fault fault;
        if (journal_read(&arena, &line, &record, &fault) && fault == JOURNAL_OK && !arena.failed)
            on_record(context, &record);
        *ret_live += at->len;
    }
    bool handed_over = !arena.failed;
    arena_release(&arena);
    return handed_over;
}

/* Keeps what is there now under checkpoint.corrupt-<time>. */
static bool set_aside(const struct checkpoint *c, const struct reading *r, struct error *ret_error)
{
    char *name = NULL;
    if (asprintf(&name, "%s.corrupt-%lld", c->path, (long long)time(NULL)) < 0) {
        error_set(ret_error, "set '%s' aside: out of memory", c->path);
        return false;
    }
    bool kept = link(c->path, name) == 0 || errno == EEXIST; /* EEXIST: a start that failed within this second */
    kept = kept || file_replace(name, &r->text, 1, NULL, ret_error); /* a file system without hard links */
    if (kept)
        log_event(c->log, LOG_ERROR, "", "checkpoint is damaged, set aside; its good records count",
                  LOG_TEXT("file", name), LOG_UINT("good_records", r->count), LOG_END);
    else
        error_wrap(ret_error, "set '%s' aside", c->path);
    free(name);
    return kept;
}

static bool cut_tail(struct checkpoint *c, const struct reading *r, struct error *ret_error)
{
    if (ftruncate(c->fd, (off_t)r->good_end) < 0 || fdatasync(c->fd) < 0) {
        error_set(ret_error, "cut the torn end of '%s': %s", c->path, strerror(errno));
        return false;
    }
    log_event(c->log, LOG_WARN, "", "checkpoint's torn end was cut off", LOG_TEXT("file", c->path),
              LOG_UINT("offset", r->good_end), LOG_UINT("bytes", r->text.len - r->good_end), LOG_END);
    c->size = r->good_end;
    return true;
}

/* Decides what the text is and mends it; on success r->records are what counts. */
static bool take_text(struct checkpoint *c, struct reading *r, struct error *ret_error)
{
    struct slice body = r->text, writer;
    enum journal_fault fault = journal_read_header(r->text, &body, &writer);
    if (fault == JOURNAL_NEWER) {
        error_set(ret_error,
                  "'%s' is of a newer format, written by raingauge %.*s; this is %s, which leaves it as it is", c->path,
                  SLICE_FMT(writer), RAINGAUGE_VERSION);
        return false;
    }
    if (!find_records(r, body, fault == JOURNAL_OK)) {
        error_set(ret_error, "read '%s': out of memory", c->path);
        return false;
    }
    c->size = r->text.len;
    if (!r->bad_before)
        return !r->bad_after || cut_tail(c, r, ret_error);
    if (!set_aside(c, r, ret_error))
        return false;
    close(c->fd);
    c->fd = -1;
    return true;
}

/* Whether files can be made beside the checkpoint: better known now than at the first save. */
static bool check_writable(const struct checkpoint *c, struct error *ret_error)
{
    char *probe = NULL;
    if (asprintf(&probe, "%s.tmp", c->path) < 0) {
        error_set(ret_error, "out of memory");
        return false;
    }
    int fd = file_open_regular(probe, O_WRONLY | O_CREAT | O_NOFOLLOW);
    if (fd < 0)
        error_set(ret_error, "create '%s': %s", probe, strerror(errno));
    else
        close(fd);
    unlink(probe); /* also what a crash in the middle of a fold has left */
    free(probe);
    return fd >= 0;
}

/* True with c->fd -1 where there is no file yet. */
static bool open_file(struct checkpoint *c, char **ret_text, size_t *ret_len, struct error *ret_error)
{
    c->fd = file_open_regular(c->path, O_RDWR | O_APPEND);
    if (c->fd < 0 && errno == ENOENT)
        return true;
    if (c->fd < 0) {
        error_set(ret_error, "open '%s': %s", c->path, file_open_strerror(errno));
        return false;
    }
    if (!file_read_all(c->fd, LIMIT_CHECKPOINT_FILE, ret_text, ret_len)) {
        error_set(ret_error, "read '%s': %s", c->path, strerror(errno));
        return false;
    }
    return true;
}

static bool load(struct checkpoint *c, void (*on_record)(void *, const struct journal_record *), void *context,
                 bool *ret_damaged, struct error *ret_error)
{
    char *text = NULL;
    struct reading reading = {0};
    bool loaded = open_file(c, &text, &reading.text.len, ret_error) && check_writable(c, ret_error);
    reading.text.text = text;
    if (loaded && c->fd >= 0) {
        bool synced = file_sync_directory_of(c->path);
        (void)synced; /* else the next fold does it */
        loaded = take_text(c, &reading, ret_error);
    }
    if (loaded && !hand_over_live(&reading, on_record, context, &c->live)) {
        error_set(ret_error, "read '%s': out of memory", c->path);
        loaded = false;
    }
    if (loaded)
        *ret_damaged = reading.bad_before && reading.count == 0;
    free(reading.records);
    free(text);
    return loaded;
}

struct checkpoint *checkpoint_open(uv_loop_t *loop, const char *state_dir, struct log *log,
                                   void (*on_record)(void *context, const struct journal_record *record), void *context,
                                   struct checkpoint_callbacks callbacks, bool *ret_damaged, struct error *ret_error)
{
    struct checkpoint *c = calloc(1, sizeof *c);
    if (!c || asprintf(&c->path, "%s/checkpoint", state_dir) < 0) {
        free(c);
        error_set(ret_error, "out of memory");
        return NULL;
    }
    c->loop = loop;
    c->log = log;
    c->callbacks = callbacks;
    c->fd = -1;
    if (load(c, on_record, context, ret_damaged, ret_error))
        return c;
    checkpoint_close(c);
    return NULL;
}

void checkpoint_close(struct checkpoint *c)
{
    if (!c)
        return;
    assert(!c->saving);
    if (c->fd >= 0)
        close(c->fd);
    free(c->path);
    free(c);
}

/* ---- Saving ----------------------------------------------------------------------------------------------------- */

static bool append(struct checkpoint *c)
{
    if (file_write_all(c->fd, slice_of(c->bytes, c->len)) && fdatasync(c->fd) == 0)
        return true;
    error_set(&c->error, "write '%s': %s", c->path, strerror(errno));
    return false;
}

static bool fold(struct checkpoint *c)
{
    struct buffer header;
    buffer_init(&header, 1024);
    journal_write_header(&header);
    struct slice parts[] = {buffer_slice(&header), slice_of(c->bytes, c->len)};
    bool folded = false;
    if (header.failed)
        error_set(&c->error, "write '%s': out of memory", c->path);
    else
        folded = file_replace(c->path, parts, 2, &c->new_fd, &c->error);
    c->len += header.len;
    buffer_release(&header);
    return folded;
}

static void write_on_worker(uv_work_t *work)
{
    struct checkpoint *c = work->data;
    c->ok = c->fold ? fold(c) : append(c);
}

static void take_new_file(struct checkpoint *c)
{
    if (c->fd >= 0)
        close(c->fd);
    c->fd = c->new_fd;
    c->size = 0;
    c->live = c->len;
}

static void on_written(uv_work_t *work, int status)
{
    struct checkpoint *c = work->data;
    assert(c->saving);
    if (status == UV_ECANCELED) {
        c->ok = false;
        error_set(&c->error, "write '%s': cancelled", c->path);
    }
    c->saving = false;
    free(c->bytes);
    c->bytes = NULL;
    if (c->ok && c->fold)
        take_new_file(c);
    if (c->ok)
        c->size += c->len;
    if (!c->ok && c->fd >= 0) {
        close(c->fd);
        c->fd = -1;
    }
    if (c->ok && c->failing)
        log_event(c->log, LOG_INFO, "", "checkpoint is written again", LOG_END);
    if (!c->ok && !c->failing)
        log_event(c->log, LOG_ERROR, "", "checkpoint cannot be written, will be tried again",
                  LOG_TEXT("error", c->error.text), LOG_END);
    c->failing = !c->ok;
    snprintf(c->trouble, sizeof c->trouble, "%s", c->ok ? "" : c->error.text);
    c->callbacks.on_saved(c->callbacks.context, c->ok);
}

static void start_save(struct checkpoint *c, struct buffer *records, bool as_fold)
{
    assert(checkpoint_may_save(c));
    c->bytes = buffer_take(records, &c->len);
    c->fold = as_fold;
    c->saving = true;
    c->work.data = c;
    int started = uv_queue_work(c->loop, &c->work, write_on_worker, on_written);
    assert(started == 0); /* fails only without a callback */
    (void)started;
}

const char *checkpoint_trouble(const struct checkpoint *c)
{
    return c->failing ? c->trouble : NULL;
}

bool checkpoint_may_save(const struct checkpoint *c)
{
    return !c->saving;
}

bool checkpoint_wants_fold(const struct checkpoint *c)
{
    /* Behind a header alone nothing is appended: torn, that would look like a file of which nothing is left. */
    return c->fd < 0 || c->live == 0 || (c->size > FOLD_LEAST && c->size / FOLD_FACTOR > c->live);
}

void checkpoint_append(struct checkpoint *c, struct buffer *records)
{
    assert(c->fd >= 0);
    start_save(c, records, false);
}

void checkpoint_fold(struct checkpoint *c, struct buffer *records)
{
    start_save(c, records, true);
}
