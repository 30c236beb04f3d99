#ifndef RAINGAUGE_WATCHER_H
#define RAINGAUGE_WATCHER_H

#include "follow/file_table.h"

#include <uv.h>

/* When to look: runs the scanner on a worker and hands what it found to the file table.
 *
 *     watcher_start(w, loop, config, table, log);
 *     each turn: watcher_scan_if_due(w, now);  and the agent's timer is set to watcher_deadline(w) at the latest
 *     watcher_stop(w, on_stopped, context);
 *
 * Scans are the truth, events are hints: inotify (uv_fs_event on the directories) only says sooner what the next scan
 * would find, and libuv 1.44 hides an overflow of its queue. A write to a known file makes it visited at once; another
 * event makes that path be looked at; a new directory makes a walk. Every input is walked each `rescan`, or, where it
 * is polled (`watch: poll`, a network file system, no more watches), each `poll_interval`. A walk that takes long makes
 * the next one wait longer. */

struct watcher;
struct watcher *watcher_new(uv_loop_t *loop, const struct config *config, struct file_table *table,
                            struct metrics *metrics, struct log *log); /* NULL: no memory */
void watcher_scan_if_due(struct watcher *w, uint64_t now);
uint64_t watcher_deadline(const struct watcher *w);
void watcher_scan_now(struct watcher *w); /* all inputs, at the next turn (stopping, a reload) */
/* How often all inputs have been walked since the start: 0 before the first time; for `--once` and "ready". */
uint64_t watcher_walks(const struct watcher *w);
const struct scan_rules *watcher_rules(const struct watcher *w);

/* A reload. The old configuration is used no longer once watcher_is_configured(). False: no memory. */
bool watcher_configure(struct watcher *w, const struct config *config) __attribute__((warn_unused_result));
bool watcher_is_configured(const struct watcher *w);

/* Closes its handles, waits for a scan under way; then calls, and is freed. */
void watcher_stop(struct watcher *w, void (*on_stopped)(void *context), void *context);

#endif
