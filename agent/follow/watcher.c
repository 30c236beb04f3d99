/* One scan at a time. What the next one is to hold gathers meanwhile: inputs that are due, paths that hints were about,
 * directories that the file table wants listed. */
#include "follow/watcher.h"

#include "follow/dir_watches.h"
#include "follow/file_search.h"
#include "limits.h"
#include "sandbox/sandbox.h"

#include <assert.h>
#include <errno.h>
#include <malloc.h>
#include <stdlib.h>

enum {
    PAUSE_MS = 5,      /* between scans, so that a burst of hints is one scan */
    WALK_SHARE = 10,   /* a walk may take so much of the time: a tenth */
    HINTS_MOST = 4096, /* more than that, and everything is walked */
    LARGE_SCAN = 1000, /* so much is found only where something happens, or now and then */
    WHOLE_EVERY_RESCANS = 6,
    WHOLE_EVERY_MS = 60000,   /* … but not less often */
    WATCHES_RETRY_MS = 60000, /* after the system had no more watches, or told of less than happened */
};

struct watched_input {
    uint64_t walk_at;
    uint64_t not_before; /* however much one is wanted */
    bool polled;
    bool found_any;
};

struct watcher {
    uv_loop_t *loop;
    const struct config *config;
    const struct scan_rules *rules;
    struct file_table *table;
    struct log *log;

    struct watched_input *inputs;
    size_t input_count;
    bool walk_all;
    uint64_t now;        /* of this turn */
    uint64_t not_before; /* the next scan */
    uint64_t walks;
    uint64_t asked, asked_at_start,
        answered; /* watcher_scan_now(): how often, by the running scan's start, by its end */

    char **hints;
    size_t hint_count, hint_cap;

    struct dir_watches watches;
    uint64_t watches_retry_at;
    bool watches_reported, overflow_reported;

    uv_work_t work;
    bool scanning;
    bool returned; /* the scan has ended, and is to be looked at at the end of this turn */
    bool outdated; /* it is of the configuration before */
    const struct scan_rules *scan_rules;
    struct scan_request request;
    struct scan scan;
    uint64_t scan_began;
    uint64_t scan_told; /* of the first 64 inputs those that are not polled, a bit each */

    bool stopping;
    void (*on_stopped)(void *context);
    void *stopped_context;
};

/* ---- hints ---- */

static void clear_hints(struct watcher *w)
{
    for (size_t i = 0; i < w->hint_count; i++)
        free(w->hints[i]);
    w->hint_count = 0;
}

static void add_hint(struct watcher *w, const char *path)
{
    if (w->walk_all)
        return;
    for (size_t i = w->hint_count; i > 0 && w->hint_count - i < 16; i--) { /* most repeat one of the last */
        if (strcmp(w->hints[i - 1], path) == 0)
            return;
    }
    if (w->hint_count == w->hint_cap) {
        size_t cap = w->hint_cap ? 2 * w->hint_cap : 64;
        char **grown = cap > HINTS_MOST ? NULL : realloc(w->hints, cap * sizeof *grown);
        if (!grown) {
            w->walk_all = true;
            return;
        }
        w->hints = grown;
        w->hint_cap = cap;
    }
    w->hints[w->hint_count] = strdup(path);
    if (w->hints[w->hint_count])
        w->hint_count++;
    else
        w->walk_all = true;
}

static void on_event(void *context, const char *directory, const char *name, bool is_write)
{
    struct watcher *w = context;
    char path[LIMIT_PATH_BYTES];
    if (w->stopping)
        return;
    const char *between = strcmp(directory, "/") == 0 ? "" : "/";
    int len = snprintf(path, sizeof path, "%s%s%s", directory, between, name);
    if (len < 0 || (size_t)len >= sizeof path)
        return;
    bool known = file_table_touch(w->table, path);
    if (is_write && (known || scan_rules_input_of(w->rules, slice_from(path)) == SIZE_MAX))
        return;
    add_hint(w, path);
}

static void on_directory_changed(void *context)
{
    struct watcher *w = context;
    w->walk_all = true;
}

static void free_request(struct watcher *w)
{
    for (size_t i = 0; i < w->request.look_count; i++)
        free((void *)(uintptr_t)w->request.look[i]);
    for (size_t i = 0; i < w->request.list_count; i++)
        free((void *)(uintptr_t)w->request.list[i]);
    free((void *)(uintptr_t)w->request.look);
    free((void *)(uintptr_t)w->request.list);
    free((void *)(uintptr_t)w->request.inputs);
    w->request = (struct scan_request){.walk = false};
}

/* ---- watches ---- */

static void on_released(void *context)
{
    struct watcher *w = context;
    void (*on_stopped)(void *) = w->on_stopped;
    void *stopped_context = w->stopped_context;
    scan_release(&w->scan);
    free_request(w);
    clear_hints(w);
    free(w->hints);
    free(w->inputs);
    free(w);
    on_stopped(stopped_context);
}

static void stopped_if_quiet(struct watcher *w)
{
    if (w->stopping && !w->scanning)
        dir_watches_release(&w->watches, on_released, w);
}

/* "8192", of /proc/sys/fs/inotify; empty where it cannot be read. */
static void read_inotify_limit(const char *name, char *to, int size)
{
    char path[128];
    to[0] = '\0';
    snprintf(path, sizeof path, "/proc/sys/fs/inotify/%s", name);
    FILE *f = fopen(path, "re");
    if (!f)
        return;
    if (fgets(to, size, f))
        to[strcspn(to, "\n")] = '\0';
    fclose(f);
}

static void report_limit(struct watcher *w, const char *message, const char *directory, int error, const char *limit)
{
    char value[32], sysctl[64];
    read_inotify_limit(limit, value, sizeof value);
    snprintf(sysctl, sizeof sysctl, "fs.inotify.%s", limit);
    log_event(w->log, LOG_WARN, "", message, LOG_TEXT("directory", directory), LOG_TEXT("error", uv_strerror(-error)),
              LOG_TEXT("sysctl", sysctl), LOG_TEXT("value", value), LOG_END);
}

/* The system has no more watches: polled from now on, and tried again later. */
static void on_no_watch(struct watcher *w, const char *directory, size_t input, int error, uint64_t now)
{
    w->inputs[input].polled = true;
    w->watches_retry_at = now + WATCHES_RETRY_MS;
    if (!w->watches_reported)
        report_limit(w, "directory cannot be watched, it is polled instead", directory, error,
                     error == ENOSPC ? "max_user_watches" : "max_user_instances");
    w->watches_reported = true;
}

/* More happened than was told: everything is walked, and polled for a while, as it may be so again. */
static void on_overflow(void *context)
{
    struct watcher *w = context;
    w->walk_all = true;
    w->watches_retry_at = w->now + WATCHES_RETRY_MS;
    for (size_t i = 0; i < w->input_count; i++)
        w->inputs[i].polled = true;
    if (!w->overflow_reported)
        report_limit(w, "directories change faster than is told of them, they are polled for a while", "", EOVERFLOW,
                     "max_queued_events");
    w->overflow_reported = true;
}

static void add_watch(struct watcher *w, const char *path, const struct found_file *found, uint64_t now)
{
    if (now < w->watches_retry_at) {
        dir_watches_keep(&w->watches, path, found);
        return;
    }
    int error = dir_watches_add(&w->watches, path, found);
    if (error == ENOSPC || error == EMFILE || error == ENFILE || error == ENOSYS)
        on_no_watch(w, path, found->input, error, now);
}

/* A link's target lies in a directory of its own, where its writes are seen. */
static void add_watch_of_target(struct watcher *w, const struct found_file *found, uint64_t now)
{
    char directory[LIMIT_PATH_BYTES];
    const char *slash = strrchr(found->real_path, '/');
    size_t len = slash && slash != found->real_path ? (size_t)(slash - found->real_path) : 1;
    if (len >= sizeof directory)
        return;
    memcpy(directory, found->real_path, len);
    directory[len] = '\0';
    struct found_file unknown = {.input = found->input};
    add_watch(w, directory, &unknown, now);
}

static void set_watches(struct watcher *w, const struct scan *scan, uint64_t now)
{
    if (now >= w->watches_retry_at) {
        w->watches_retry_at = 0;
        for (size_t i = 0; i < w->input_count; i++)
            w->inputs[i].polled = w->config->inputs[i].watch == WATCH_POLL;
    }
    dir_watches_begin_round(&w->watches);
    for (size_t i = 0; i < scan->count; i++) {
        const struct found_file *found = &scan->found[i];
        if (found->input >= w->input_count || w->config->inputs[found->input].watch == WATCH_POLL)
            continue;
        if (found->kind == FOUND_DIRECTORY && found->remote && w->config->inputs[found->input].watch == WATCH_AUTO)
            w->inputs[found->input].polled = true;
        if (found->kind == FOUND_DIRECTORY)
            add_watch(w, found->path, found, now);
        else if (found->kind == FOUND_FILE && found->real_path)
            add_watch_of_target(w, found, now);
    }
    dir_watches_remove_others(&w->watches, scan);
}

/* ---- the scan ---- */

/* Not of an input that is polled: there inotify does not tell everything. */
static enum dir_knowledge know(const void *context, const struct found_file *directory)
{
    const struct watcher *w = context;
    bool told = directory->input < 64 && w->scan_told >> directory->input & 1;
    return told ? dir_watches_know(&w->watches, directory) : DIR_UNKNOWN;
}

static void scan_on_worker(uv_work_t *work)
{
    struct watcher *w = work->data;
    scanner_run(w->scan_rules, &w->request, &w->scan);
}

static bool walked_everything(const struct scan *scan)
{
    for (size_t i = 0; i < scan->input_count; i++) {
        if (!scan->walked[i])
            return false;
    }
    return true;
}

/* Often because the directory that they begin in is not there, or is another one. */
static void say_nothing_found(const struct watcher *w, size_t input)
{
    char directory[LIMIT_PATH_BYTES];
    int error = scan_rules_first_root(w->scan_rules, input, directory);
    log_event(w->log, LOG_WARN, "", "paths match no file", LOG_TEXT("input", w->config->inputs[input].name),
              LOG_TEXT("directory", directory),
              LOG_TEXT("error", error ? sandbox_strerror(directory, error) : "no file there matches"), LOG_END);
}

static void note_found(struct watcher *w, const struct scan *scan)
{
    for (size_t i = 0; i < scan->count; i++) {
        const struct found_file *found = &scan->found[i];
        if (found->matched && found->input < w->input_count)
            w->inputs[found->input].found_any = true;
        else if (found->kind == FOUND_OTHER && found->is_directory)
            w->walk_all = true; /* a hint's path: a directory was made or moved here */
    }
    if (!walked_everything(scan))
        return;
    for (size_t i = 0; w->walks == 0 && i < w->input_count; i++) {
        if (!w->inputs[i].found_any)
            say_nothing_found(w, i);
    }
    w->walks++;
    w->answered = w->asked_at_start;
}

static void set_next_walks(struct watcher *w, const struct scan *scan, uint64_t now)
{
    uint64_t pause = WALK_SHARE * (now - w->scan_began);
    for (size_t i = 0; i < scan->input_count && i < w->input_count; i++) {
        const struct input *input = &w->config->inputs[i];
        uint64_t interval = w->inputs[i].polled ? input->poll_interval_ms : input->rescan_ms;
        if (!scan->walked[i])
            continue;
        w->inputs[i].walk_at = now + (interval > pause ? interval : pause);
        w->inputs[i].not_before = now + pause;
    }
    w->not_before = now + PAUSE_MS;
}

static void on_scanned(uv_work_t *work, int status)
{
    struct watcher *w = work->data;
    assert(w->scanning && status == 0);
    (void)status;
    w->scanning = false;
    w->returned = true;
    stopped_if_quiet(w);
}

static void release_scan(struct watcher *w)
{
    bool was_large = w->scan.count > LARGE_SCAN;
    scan_release(&w->scan);
    free_request(w);
    if (was_large)
        malloc_trim(0); /* its texts lay between others */
    w->returned = w->outdated = false;
}

static void take_scan(struct watcher *w, uint64_t now)
{
    if (w->outdated) {
        w->walk_all = true;
    } else if (!w->scan.failed) {
        note_found(w, &w->scan);
        dir_watches_end_scan(&w->watches, &w->scan);
        if (w->request.walk)
            set_watches(w, &w->scan, now);
        w->scan.began = w->scan_began;
        file_table_reconcile(w->table, &w->scan, now);
    }
    set_next_walks(w, &w->scan, now);
    release_scan(w);
}

/* Copies of texts that may be gone while the scan is under way. False: no memory; as many as there are were copied. */
static bool copy_texts(const char *const *texts, size_t count, char **to, size_t *ret_count)
{
    for (size_t i = 0; i < count; i++) {
        to[*ret_count] = strdup(texts[i]);
        if (!to[*ret_count])
            return false;
        (*ret_count)++;
    }
    return true;
}

/* When an input is to be walked next. */
static uint64_t walk_at(const struct watcher *w, size_t input)
{
    const struct watched_input *in = &w->inputs[input];
    return file_table_wants_walk(w->table, input) && in->not_before < in->walk_at ? in->not_before : in->walk_at;
}

static bool request_inputs(struct watcher *w, uint64_t now)
{
    bool *due = calloc(w->input_count ? w->input_count : 1, sizeof *due);
    if (!due)
        return false;
    for (size_t i = 0; i < w->input_count; i++) {
        due[i] = w->walk_all || walk_at(w, i) <= now;
        w->request.walk |= due[i];
    }
    w->request.inputs = due;
    return true;
}

static bool request_looks(struct watcher *w)
{
    const char *const *texts = NULL;
    size_t count = w->request.walk ? file_table_wanted_looks(w->table, &texts) : 0;
    char **look = calloc(count + w->hint_count + 1, sizeof(char *));
    if (!look)
        return false;
    w->request.look = (const char *const *)look;
    if (!copy_texts(texts, count, look, &w->request.look_count))
        return false;
    for (size_t i = 0; i < w->hint_count; i++) /* taken over */
        look[w->request.look_count++] = w->hints[i];
    w->hint_count = 0;
    return true;
}

static bool request_lists(struct watcher *w, uint64_t now)
{
    const char *const *texts = NULL;
    size_t count = file_table_wanted_lists(w->table, now, &texts);
    char **list = calloc(count + 1, sizeof(char *));
    if (!list)
        return false;
    w->request.list = (const char *const *)list;
    return copy_texts(texts, count, list, &w->request.list_count);
}

static uint64_t next_scan_at(const struct watcher *w)
{
    uint64_t at = w->walk_all || w->hint_count ? 0 : file_table_deadline(w->table);
    for (size_t i = 0; i < w->input_count; i++) {
        if (walk_at(w, i) < at)
            at = walk_at(w, i);
    }
    return at > w->not_before ? at : w->not_before;
}

/* What inotify did not tell is found by a rescan that looks into everything: one in some. */
static uint64_t whole_every(const struct watcher *w)
{
    uint64_t every = WHOLE_EVERY_MS;
    for (size_t i = 0; i < w->config->input_count; i++) {
        uint64_t some = WHOLE_EVERY_RESCANS * w->config->inputs[i].rescan_ms;
        if (some < every)
            every = some;
    }
    return every;
}

void watcher_scan_if_due(struct watcher *w, uint64_t now)
{
    w->now = now;
    if (w->scanning || w->stopping)
        return;
    if (w->returned)
        take_scan(w, now);
    if (next_scan_at(w) > now)
        return;
    dir_watches_hear(&w->watches);
    if (!request_inputs(w, now) || !request_looks(w) || !request_lists(w, now)) {
        free_request(w);
        w->walk_all = true;
        w->not_before = now + 1000;
        return;
    }
    dir_watches_begin_scan(&w->watches, now, whole_every(w));
    w->request.know = file_table_is_unsure(w->table) ? NULL : know;
    w->request.know_context = w;
    w->scan_told = 0;
    for (size_t i = 0; i < w->input_count && i < 64; i++)
        w->scan_told |= (uint64_t)!w->inputs[i].polled << i;
    w->walk_all = false;
    w->asked_at_start = w->asked;
    w->scanning = true;
    w->scan_began = now;
    w->scan_rules = w->rules;
    w->work.data = w;
    int result = uv_queue_work(w->loop, &w->work, scan_on_worker, on_scanned);
    assert(result == 0);
    (void)result;
}

uint64_t watcher_deadline(const struct watcher *w)
{
    return w->scanning || w->stopping ? UINT64_MAX : next_scan_at(w);
}

void watcher_scan_now(struct watcher *w)
{
    w->walk_all = true;
    w->not_before = 0;
    w->asked++;
}

uint64_t watcher_walks(const struct watcher *w)
{
    return w->walks;
}

bool watcher_is_current(const struct watcher *w)
{
    return w->walks > 0 && w->answered == w->asked;
}

/* ---- life ---- */

bool watcher_configure(struct watcher *w, const struct config *config, const struct scan_rules *rules)
{
    struct watched_input *inputs = calloc(config->input_count ? config->input_count : 1, sizeof *inputs);
    if (!inputs)
        return false;
    for (size_t i = 0; i < config->input_count; i++)
        inputs[i] = (struct watched_input){.polled = config->inputs[i].watch == WATCH_POLL};
    free(w->inputs);
    w->inputs = inputs;
    w->input_count = config->input_count;
    w->config = config;
    w->rules = rules;
    w->outdated = w->scanning || w->returned;
    w->walk_all = true;
    dir_watches_forget_inputs(&w->watches);
    return true;
}

struct watcher *watcher_new(uv_loop_t *loop, const struct config *config, const struct scan_rules *rules,
                            struct file_table *table, struct log *log)
{
    struct watcher *w = calloc(1, sizeof *w);
    if (!w)
        return NULL;
    w->loop = loop;
    w->table = table;
    w->log = log;
    const struct dir_events events = {w, on_event, on_directory_changed, on_overflow};
    dir_watches_init(&w->watches, loop, &events);
    if (!watcher_configure(w, config, rules)) {
        free(w);
        return NULL;
    }
    return w;
}

bool watcher_is_configured(const struct watcher *w)
{
    return !w->outdated;
}

void watcher_stop(struct watcher *w, void (*on_stopped)(void *context), void *context)
{
    assert(!w->stopping);
    w->stopping = true;
    w->on_stopped = on_stopped;
    w->stopped_context = context;
    stopped_if_quiet(w);
}
