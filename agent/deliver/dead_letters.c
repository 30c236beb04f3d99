/* The happy path: dead_letters_write_waiting() takes what delivery gave up, on_worker() appends it to the file,
 * on_written() has it settled. What can go wrong: the file cannot be written (a full disk): the letters are kept, it is
 * said once a minute, and tried again; their calls stay unsettled meanwhile. */
#include "deliver/dead_letters.h"

#include "deliver/dead_letter.h"
#include "deliver/dead_letter_file.h"
#include "limits.h"

#include <assert.h>

enum {
    LETTERS_MOST = 256,      /* written at once, */
    TEXT_MOST = 1024 * 1024, /* or so many bytes */
    RETRY_FIRST_MS = 500,
    RETRY_MOST_MS = 30000,
    COMPLAIN_MS = 60000,
    EXPIRE_MOST_MS = 3600000,
};

struct dead_letters {
    uv_loop_t *loop;
    char *path, *older_path;
    struct delivery *delivery;
    struct metrics *metrics;
    struct log *log;
    size_t max_bytes;
    uint64_t max_age_ms;

    struct dead_letter *letters[LETTERS_MOST]; /* taken from delivery, */
    size_t count, in_text;                     /* so many of them are in the text */
    struct buffer text;

    uint64_t retry_at, retry_ms; /* after a failure; 0: none */
    uint64_t said_at;
    struct error trouble; /* while retry_ms is not 0 */
    uint64_t expire_at;   /* the next look for old ones */

    bool working;
    struct dead_letters_work { /* the worker's while `working` */
        uv_work_t request;
        uint64_t began_at;
        size_t max_bytes;
        char oldest[DEAD_LETTER_TIME_LEN + 1]; /* empty: nothing is too old */
        bool ok;
        struct dead_letter_loss loss;
        struct error error;
    } work;
};

static int64_t wall_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* ---- the work ---- */

static void on_worker(uv_work_t *request)
{
    struct dead_letters *dl = request->data;
    struct dead_letters_work *w = &dl->work;
    w->ok = true;
    if (w->oldest[0])
        w->ok = dead_letter_file_expire(dl->older_path, w->oldest, &w->loss, &w->error) &&
                dead_letter_file_expire(dl->path, w->oldest, &w->loss, &w->error);
    if (dl->in_text > 0)
        w->ok = dead_letter_file_append(dl->path, buffer_slice(&dl->text), w->max_bytes, &w->loss, &w->error);
}

static void say_losses(struct dead_letters *dl)
{
    const struct dead_letter_loss *loss = &dl->work.loss;
    dl->metrics->dead_letters_lost += loss->lost;
    if (loss->lost > 0)
        log_event(dl->log, LOG_ERROR, "", "dead letters are lost: the dead-letter file was full twice",
                  LOG_UINT("lost", loss->lost), LOG_TEXT("file", dl->path), LOG_UINT("max_bytes", dl->max_bytes),
                  LOG_END);
    if (loss->expired > 0)
        log_event(dl->log, LOG_INFO, "", "dead letters older than max_age were deleted",
                  LOG_UINT("deleted", loss->expired), LOG_TEXT("file", dl->path), LOG_END);
}

static void try_again_later(struct dead_letters *dl, uint64_t now, const char *why)
{
    dl->retry_ms = dl->retry_ms == 0                  ? RETRY_FIRST_MS
                   : dl->retry_ms < RETRY_MOST_MS / 2 ? 2 * dl->retry_ms
                                                      : RETRY_MOST_MS;
    dl->retry_at = now + dl->retry_ms;
    error_set(&dl->trouble, "%s", why);
    if (dl->said_at != 0 && now - dl->said_at < COMPLAIN_MS)
        return;
    dl->said_at = now;
    log_event(dl->log, LOG_ERROR, "", "dead letters cannot be written: their lines stay unsettled",
              LOG_TEXT("error", why), LOG_END);
}

static void settle_written(struct dead_letters *dl)
{
    size_t n = dl->in_text;
    dl->in_text = 0;
    for (size_t i = 0; i < n; i++)
        delivery_dead_letter_done(dl->delivery, dl->letters[i]);
    memmove(dl->letters, dl->letters + n, (dl->count - n) * sizeof(struct dead_letter *));
    dl->count -= n;
    buffer_release(&dl->text); /* it is rarely needed */
}

static void on_written(uv_work_t *request, int status)
{
    (void)status; /* it is never cancelled */
    struct dead_letters *dl = request->data;
    assert(dl->working);
    dl->working = false;
    say_losses(dl);
    if (!dl->work.ok) {
        try_again_later(dl, dl->work.began_at, dl->work.error.text);
        return;
    }
    dl->retry_ms = dl->retry_at = dl->said_at = 0;
    settle_written(dl);
}

/* ---- what is to be written ---- */

/* As many letters as are there, up to a bound; those from the last time first. Together they are no longer than the
 * file may be, so that it passes its ceiling only for a single letter that does. */
static void write_text(struct dead_letters *dl)
{
    int64_t now = wall_ms();
    buffer_clear(&dl->text);
    dl->in_text = 0;
    while (dl->in_text < LETTERS_MOST && dl->text.len < TEXT_MOST) {
        if (dl->in_text == dl->count) {
            struct dead_letter *letter = delivery_next_dead_letter(dl->delivery);
            if (!letter)
                return;
            dl->letters[dl->count++] = letter;
        }
        size_t len = dl->text.len;
        dead_letter_write(dl->letters[dl->in_text], now, &dl->text);
        if (dl->text.failed || (dl->in_text > 0 && dl->text.len > dl->max_bytes)) {
            buffer_truncate(&dl->text, len);
            return;
        }
        dl->in_text++;
    }
}

static bool expire_is_due(struct dead_letters *dl, uint64_t now)
{
    if (dl->max_age_ms == 0 || now < dl->expire_at)
        return false;
    uint64_t every = dl->max_age_ms / 10 < EXPIRE_MOST_MS ? dl->max_age_ms / 10 : EXPIRE_MOST_MS;
    dl->expire_at = now + every + 1;
    return true;
}

void dead_letters_write_waiting(struct dead_letters *dl, uint64_t now)
{
    if (dl->working || now < dl->retry_at)
        return;
    write_text(dl);
    if (dl->in_text == 0 && dl->count > 0) {
        try_again_later(dl, now, "out of memory");
        return;
    }
    bool expire = expire_is_due(dl, now);
    if (dl->in_text == 0 && !expire) {
        dl->retry_at = 0; /* only a look for old ones had failed */
        return;
    }
    dl->work = (struct dead_letters_work){.request.data = dl, .began_at = now, .max_bytes = dl->max_bytes};
    if (expire)
        dead_letter_time(wall_ms() - (int64_t)dl->max_age_ms, dl->work.oldest);
    if (uv_queue_work(dl->loop, &dl->work.request, on_worker, on_written) == 0)
        dl->working = true;
    else
        try_again_later(dl, now, "no worker");
}

uint64_t dead_letters_deadline(const struct dead_letters *dl)
{
    uint64_t expire_at = dl->max_age_ms ? dl->expire_at : UINT64_MAX;
    if (dl->working)
        return UINT64_MAX;
    return dl->retry_at != 0 ? dl->retry_at : expire_at;
}

const char *dead_letters_trouble(const struct dead_letters *dl)
{
    return dl->retry_ms ? dl->trouble.text : NULL;
}

bool dead_letters_is_idle(const struct dead_letters *dl)
{
    return !dl->working;
}

/* ---- life ---- */

struct dead_letters *dead_letters_new(uv_loop_t *loop, const char *state_dir, struct delivery *delivery,
                                      struct metrics *metrics, struct log *log)
{
    struct dead_letters *dl = calloc(1, sizeof *dl);
    if (!dl)
        return NULL;
    *dl = (struct dead_letters){.loop = loop, .delivery = delivery, .metrics = metrics, .log = log};
    buffer_init(&dl->text, LIMIT_DEAD_LETTER_LINE);
    if (asprintf(&dl->path, "%s/dead-letter.jsonl", state_dir) < 0)
        dl->path = NULL;
    if (!dl->path || asprintf(&dl->older_path, "%s.1", dl->path) < 0) {
        dl->older_path = NULL;
        dead_letters_free(dl);
        return NULL;
    }
    return dl;
}

void dead_letters_free(struct dead_letters *dl)
{
    if (!dl)
        return;
    assert(!dl->working);
    buffer_release(&dl->text);
    free(dl->path);
    free(dl->older_path);
    free(dl);
}

void dead_letters_configure(struct dead_letters *dl, const struct config *config)
{
    dl->max_bytes = config->dead_letter_max_bytes;
    dl->max_age_ms = config->dead_letter_max_age_ms;
    dl->expire_at = 0;
}
