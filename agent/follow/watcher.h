#ifndef RAINGAUGE_WATCHER_H
#define RAINGAUGE_WATCHER_H

#include "follow/file_table.h"

#include <uv.h>

/* When to look: runs the scanner on a worker and hands what it found to the file table.
 *
 *     w = watcher_new(loop, config, rules, table, log);
 *     each turn: watcher_scan_if_due(w, now); and the agent's timer is set to watcher_deadline(w) at the latest
 *     watcher_stop(w, on_stopped, context);
 *
 * Scans are the truth, events are hints: inotify (dir_watches.h) says sooner what the next scan would find, and which
 * directories have not changed since the last, so that it need not look into them again. A write to a known file makes
 * it visited at once; another event makes that path be looked at; a new directory makes a walk. Every input is walked
 * each `rescan`, or, where it is polled (`watch: poll`, a network file system, no more watches to be had), each
 * `poll_interval`; a walk that takes long makes the next one wait longer. */

struct watcher;
/* NULL: no memory. Config and rules are borrowed. */
struct watcher *watcher_new(uv_loop_t *loop, const struct config *config, const struct scan_rules *rules,
                            struct file_table *table, struct log *log);
void watcher_scan_if_due(struct watcher *w, uint64_t now);
uint64_t watcher_deadline(const struct watcher *w);
void watcher_scan_now(struct watcher *w); /* all inputs, at the next turn (before stopping) */
/* How often all inputs have been walked in one scan: 0 before the first time; for `--once` and "ready". */
uint64_t watcher_walks(const struct watcher *w);
bool watcher_is_current(const struct watcher *w); /* all were walked since the last watcher_scan_now() */

/* A reload: everything is walked anew. The old configuration and rules are used no longer once
 * watcher_is_configured(). False: no memory, all is as before. */
bool watcher_configure(struct watcher *w, const struct config *config, const struct scan_rules *rules)
    __attribute__((warn_unused_result));
bool watcher_is_configured(const struct watcher *w);

/* Closes its handles, waits for a scan under way; then calls, and is freed. */
void watcher_stop(struct watcher *w, void (*on_stopped)(void *context), void *context);

#endif
