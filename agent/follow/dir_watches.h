#ifndef RAINGAUGE_DIR_WATCHES_H
#define RAINGAUGE_DIR_WATCHES_H

#include "follow/scanner.h"

#include <uv.h>

/* Directories that inotify tells about, and what is known of them by that: one of which nothing was heard since it was
 * read whole is what it was then.
 *
 *     dir_watches_init(&w, loop, &events);
 *     dir_watches_hear(&w);                         // what was told so far
 *     dir_watches_begin_scan(&w, now, whole_every); // … and what is told from now on is remembered
 *     … on the worker, for each directory: dir_watches_know(&w, &found);
 *     dir_watches_end_scan(&w, &scan, now);
 *     dir_watches_add(&w, path, &found); …          // those that were found; then:
 *     dir_watches_remove_others(&w, …);
 *     dir_watches_release(&w, on_released, context); // no scan is under way
 *
 * What inotify does not tell has to be looked for all the same: what others write on a network file system, what is
 * written through a link of another directory, and what it had no room for. So only directories of file systems that
 * are known to tell everything, whose files have one name, count as known; and each is read whole now and then. */

struct dir_watch;
struct dir_events {
    void *context;
    /* In that directory, under that name; is_write: it was only written to. */
    void (*on_event)(void *context, const char *directory, const char *name, bool is_write);
    void (*on_changed)(void *context);  /* a directory is not what it was: everything is to be walked */
    void (*on_overflow)(void *context); /* more happened than inotify's queue holds */
};

enum { DIR_WATCH_BUCKETS = 256 };
struct dir_watches {
    uv_loop_t *loop;
    struct dir_events events;
    struct dir_watch *by_path[DIR_WATCH_BUCKETS], *by_number[DIR_WATCH_BUCKETS];
    uint64_t round;          /* of additions */
    uint64_t now;            /* when the scan began */
    struct inotify *inotify; /* NULL: not open */
};

void dir_watches_init(struct dir_watches *w, uv_loop_t *loop, const struct dir_events *events);
/* Calls when its handle is closed; then `w` is not used any more. */
void dir_watches_release(struct dir_watches *w, void (*on_released)(void *context), void *context);

/* A round of additions: what is not added in it can be removed. */
void dir_watches_begin_round(struct dir_watches *w);
/* One that is watched already, and is the same directory, stays as it is. 0; or an errno: ENOSPC (no more watches),
 * EMFILE (no more inotify instances), … */
int dir_watches_add(struct dir_watches *w, const char *path, const struct found_file *found);
/* The same, but adds none. */
void dir_watches_keep(struct dir_watches *w, const char *path, const struct found_file *found);
/* Those of walked inputs that were not added in this round. */
void dir_watches_remove_others(struct dir_watches *w, const struct scan *scan);
/* A reload: whose they are, and what is to be found in them, is not known any more. */
void dir_watches_forget_inputs(struct dir_watches *w);

/* Also done whenever the loop turns; here, so that what has happened by now is known. */
void dir_watches_hear(struct dir_watches *w);
/* `whole_every`: what was read whole so many ms ago is not known any more. */
void dir_watches_begin_scan(struct dir_watches *w, uint64_t now, uint64_t whole_every);
/* On the worker, while a scan is under way: nothing else of this is called then but what the loop calls. */
enum dir_knowledge dir_watches_know(const struct dir_watches *w, const struct found_file *directory);
/* What the scan read whole is known from now on, if nothing is heard of it. */
void dir_watches_end_scan(struct dir_watches *w, const struct scan *scan);

#endif
