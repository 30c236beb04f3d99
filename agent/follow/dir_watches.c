#include "follow/dir_watches.h"

#include "base/content_hash.h"

#include <assert.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <sys/inotify.h>
#include <unistd.h>

enum {
    WRITES = IN_MODIFY | IN_ATTRIB,
    NAMES = IN_CREATE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO,
    SELF = IN_DELETE_SELF | IN_MOVE_SELF,
};

struct dir_watch {
    struct dir_watch *next, *next_of_number;
    int number; /* inotify's; two paths of one directory have the same */
    size_t input;
    uint64_t device, inode, round;
    bool told;  /* something, since the last scan began */
    bool ended; /* its path may lead to another directory by now */
    /* As it was read whole, by the inputs whose bits are set */
    uint64_t known, plain; /* plain: it holds nothing but regular files */
    uint64_t read_at;
    int64_t mtime_ns, ctime_ns;
    char path[];
};

struct inotify {
    uv_poll_t poll;
    int fd;
    struct dir_watches *watches; /* NULL: is being closed */
    void (*on_released)(void *context);
    void *context;
};

void dir_watches_init(struct dir_watches *w, uv_loop_t *loop, const struct dir_events *events)
{
    *w = (struct dir_watches){.loop = loop, .events = *events};
}

/* ---- finding them ---- */

static size_t bucket_of(const char *path)
{
    return content_hash_of(slice_from(path)) % DIR_WATCH_BUCKETS;
}

static struct dir_watch *find(const struct dir_watches *w, const char *path)
{
    struct dir_watch *d = w->by_path[bucket_of(path)];
    while (d && strcmp(d->path, path) != 0)
        d = d->next;
    return d;
}

static struct dir_watch **bucket_of_number(struct dir_watches *w, int number)
{
    return &w->by_number[(unsigned)number % DIR_WATCH_BUCKETS];
}

static bool is_numbered(struct dir_watches *w, int number)
{
    const struct dir_watch *d = *bucket_of_number(w, number);
    while (d && d->number != number)
        d = d->next_of_number;
    return d != NULL;
}

/* ---- what inotify tells ---- */

static void tell(struct dir_watches *w, const struct inotify_event *e)
{
    if (e->mask & IN_Q_OVERFLOW) {
        for (size_t i = 0; i < DIR_WATCH_BUCKETS; i++)
            for (struct dir_watch *d = w->by_path[i]; d; d = d->next)
                d->told = true;
        w->events.on_overflow(w->events.context);
        return;
    }
    for (struct dir_watch *d = *bucket_of_number(w, e->wd); d; d = d->next_of_number) {
        if (d->number != e->wd)
            continue;
        d->told = true;
        if (e->mask & (SELF | IN_IGNORED | IN_UNMOUNT)) {
            d->ended = true;
            w->events.on_changed(w->events.context);
        } else if (e->len)
            w->events.on_event(w->events.context, d->path, e->name, !(e->mask & NAMES));
    }
}

/* What was told up to now. A read that leaves room for one more has emptied the queue: to read until there is nothing
 * would never end beside somebody who writes faster than this reads. */
void dir_watches_hear(struct dir_watches *w)
{
    enum { EVENT_MOST = sizeof(struct inotify_event) + NAME_MAX + 1 };
    _Alignas(struct inotify_event) char events[16 * 1024];
    const ssize_t full = (ssize_t)sizeof events - EVENT_MOST;
    for (ssize_t n = full + 1; w->inotify && n > full;) {
        n = read(w->inotify->fd, events, sizeof events);
        const struct inotify_event *e;
        for (char *at = events; n > 0 && at < events + n; at += sizeof *e + e->len) {
            e = (const struct inotify_event *)(void *)at;
            tell(w, e);
        }
    }
}

static void on_readable(uv_poll_t *poll, int status, int events)
{
    struct inotify *inotify = poll->data;
    (void)status;
    (void)events;
    if (inotify->watches)
        dir_watches_hear(inotify->watches);
}

static void on_closed(uv_handle_t *handle)
{
    struct inotify *inotify = handle->data;
    void (*on_released)(void *) = inotify->on_released;
    void *context = inotify->context;
    close(inotify->fd);
    free(inotify);
    on_released(context);
}

static int open_inotify(struct dir_watches *w)
{
    struct inotify *inotify = calloc(1, sizeof *inotify);
    if (!inotify)
        return ENOMEM;
    inotify->fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
    if (inotify->fd < 0) {
        int error = errno;
        free(inotify);
        return error;
    }
    inotify->watches = w;
    inotify->poll.data = inotify;
    int error = uv_poll_init(w->loop, &inotify->poll, inotify->fd);
    if (error) {
        close(inotify->fd);
        free(inotify);
        return -error;
    }
    error = uv_poll_start(&inotify->poll, UV_READABLE, on_readable);
    assert(error == 0);
    w->inotify = inotify;
    return 0;
}

/* ---- the watches ---- */

static void remove_watch(struct dir_watches *w, struct dir_watch *d)
{
    struct dir_watch **at = &w->by_path[bucket_of(d->path)];
    while (*at != d)
        at = &(*at)->next;
    *at = d->next;
    at = bucket_of_number(w, d->number);
    while (*at != d)
        at = &(*at)->next_of_number;
    *at = d->next_of_number;
    if (!is_numbered(w, d->number))
        inotify_rm_watch(w->inotify->fd, d->number);
    free(d);
}

void dir_watches_release(struct dir_watches *w, void (*on_released)(void *context), void *context)
{
    struct inotify *inotify = w->inotify;
    for (size_t i = 0; i < DIR_WATCH_BUCKETS; i++) {
        while (w->by_path[i])
            remove_watch(w, w->by_path[i]);
    }
    w->inotify = NULL;
    if (!inotify) {
        on_released(context);
        return;
    }
    inotify->watches = NULL;
    inotify->on_released = on_released;
    inotify->context = context;
    uv_close((uv_handle_t *)&inotify->poll, on_closed);
}

static bool put(struct dir_watches *w, const char *path, const struct found_file *found, int number)
{
    size_t len = strlen(path);
    struct dir_watch *d = calloc(1, sizeof *d + len + 1);
    if (!d) {
        if (!is_numbered(w, number))
            inotify_rm_watch(w->inotify->fd, number);
        return false;
    }
    *d = (struct dir_watch){
        .next = w->by_path[bucket_of(path)],
        .next_of_number = *bucket_of_number(w, number),
        .number = number,
        .input = found->input,
        .device = found->device,
        .inode = found->inode,
        .round = w->round,
        .told = true, /* what happened before it was watched */
    };
    memcpy(d->path, path, len + 1);
    w->by_path[bucket_of(path)] = d;
    *bucket_of_number(w, number) = d;
    return true;
}

void dir_watches_begin_round(struct dir_watches *w)
{
    w->round++;
}

static bool keep(struct dir_watches *w, const char *path, const struct found_file *found)
{
    struct dir_watch *d = find(w, path);
    bool same = d && !d->ended && (!found->device || (d->device == found->device && d->inode == found->inode));
    if (d && !same)
        remove_watch(w, d); /* it was made again */
    if (!same)
        return false;
    if (d->input == SIZE_MAX)
        d->input = found->input;
    d->round = w->round;
    return true;
}

void dir_watches_keep(struct dir_watches *w, const char *path, const struct found_file *found)
{
    keep(w, path, found);
}

int dir_watches_add(struct dir_watches *w, const char *path, const struct found_file *found)
{
    if (keep(w, path, found))
        return 0;
    int error = w->inotify ? 0 : open_inotify(w);
    if (error)
        return error;
    int number = inotify_add_watch(w->inotify->fd, path, WRITES | NAMES | SELF);
    if (number < 0)
        return errno;
    return put(w, path, found, number) ? 0 : ENOMEM;
}

void dir_watches_remove_others(struct dir_watches *w, const struct scan *scan)
{
    struct dir_watch *next;
    for (size_t i = 0; i < DIR_WATCH_BUCKETS; i++) {
        for (struct dir_watch *d = w->by_path[i]; d; d = next) {
            next = d->next;
            bool walked = d->input >= scan->input_count || scan->walked[d->input];
            if (walked && d->round != w->round)
                remove_watch(w, d);
        }
    }
}

void dir_watches_forget_inputs(struct dir_watches *w)
{
    for (size_t i = 0; i < DIR_WATCH_BUCKETS; i++) {
        for (struct dir_watch *d = w->by_path[i]; d; d = d->next) {
            d->input = SIZE_MAX;
            d->told = true;
        }
    }
}

/* ---- what is known ---- */

void dir_watches_begin_scan(struct dir_watches *w, uint64_t now, uint64_t whole_every)
{
    w->now = now;
    for (size_t i = 0; i < DIR_WATCH_BUCKETS; i++) {
        for (struct dir_watch *d = w->by_path[i]; d; d = d->next) {
            if (d->told || now >= d->read_at + whole_every)
                d->known = 0;
            d->told = false;
        }
    }
}

static uint64_t bit_of(size_t input)
{
    return input < 64 ? UINT64_C(1) << input : 0;
}

static bool is_as_it_was(const struct dir_watch *d, const struct found_file *directory)
{
    return d->device == directory->device && d->inode == directory->inode && d->mtime_ns == directory->mtime_ns &&
           d->ctime_ns == directory->ctime_ns;
}

enum dir_knowledge dir_watches_know(const struct dir_watches *w, const struct found_file *directory)
{
    const struct dir_watch *d = find(w, directory->path);
    uint64_t bit = bit_of(directory->input);
    if (!d || !(d->known & bit) || !is_as_it_was(d, directory))
        return DIR_UNKNOWN;
    return d->plain & bit ? DIR_KNOWN_PLAIN : DIR_KNOWN;
}

static void note_whole(struct dir_watch *d, const struct found_file *found, uint64_t now)
{
    uint64_t bit = bit_of(found->input);
    if (d->known && !is_as_it_was(d, found))
        d->known = 0;
    if (d->device != found->device || d->inode != found->inode)
        return;
    if (!d->known) {
        d->read_at = now;
        d->mtime_ns = found->mtime_ns;
        d->ctime_ns = found->ctime_ns;
    }
    d->known |= bit;
    d->plain |= bit;
}

void dir_watches_end_scan(struct dir_watches *w, const struct scan *scan)
{
    for (int pass = 0; pass < 2; pass++) { /* globs may have led to a directory more than once */
        for (size_t i = 0; i < scan->count; i++) {
            const struct found_file *found = &scan->found[i];
            struct dir_watch *d = found->kind == FOUND_DIRECTORY && !found->known ? find(w, found->path) : NULL;
            if (!d || d->told)
                continue;
            if (pass == 0 && found->read_whole)
                note_whole(d, found, w->now);
            else if (pass == 1 && !found->read_whole)
                d->known &= ~bit_of(found->input);
            else if (pass == 1 && !found->plain)
                d->plain &= ~bit_of(found->input);
        }
    }
}
