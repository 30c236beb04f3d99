#ifndef RAINGAUGE_AGENT_INTERNAL_H
#define RAINGAUGE_AGENT_INTERNAL_H

#include "admin/admin.h"
#include "admin/metrics.h"
#include "agent.h"
#include "cli/progress.h"
#include "config_watch.h"
#include "deliver/curl_transport.h"
#include "deliver/dead_letters.h"
#include "deliver/delivery.h"
#include "deliver/uploader.h"
#include "follow/file_saving.h"
#include "follow/file_table.h"
#include "follow/tailer.h"
#include "follow/watcher.h"
#include "merge/merging.h"
#include "notify.h"
#include "state/checkpoint.h"
#include "state/lock.h"

#include <uv.h>

/* What agent.c and agent_reload.c share, and nobody else. */

enum stage {
    STAGE_RUNNING,
    STAGE_LAST_WORDS, /* a signal came: still following, for shutdown_follow */
    STAGE_DRAINING,   /* reads what is there, delivers, for shutdown_timeout */
    STAGE_SAVING,     /* the last save */
    STAGE_CLOSING,
};

/* A configuration and what was made of it. After a reload the old one stays until no job and no open record uses it. */
struct setup {
    struct config *config;
    struct scan_rules *scan_rules;
};

struct agent {
    struct config *config;
    const struct agent_options *options;
    struct log *log;
    struct metrics *metrics;

    uv_loop_t loop;
    uv_prepare_t turn_end;
    uv_timer_t wake;
    uv_signal_t terminate, interrupt, hangup;

    struct lock lock;
    struct checkpoint *checkpoint;
    struct scan_rules *scan_rules;
    struct setup *retired; /* by reloads, the last one at the end */
    size_t retired_count;
    struct config_watch config_watch;
    bool reload_wanted;
    struct file_table *files;
    struct watcher *watcher;
    struct tailer *tailer;
    struct delivery *delivery;
    struct merging *merging;
    struct curl_transport *transport;
    struct uploader *uploader;
    struct dead_letters *dead_letters;
    struct admin *admin;
    struct progress progress;
    char host[256];

    enum stage stage;
    uint64_t stage_ends;
    uint64_t give_up_at;         /* --timeout */
    uint64_t save_at, report_at; /* the next time */
    uint64_t saved_at;           /* the last save began */
    struct notify notify;
    const char *why_it_ends; /* NULL: it reached its end */
    bool saved_once, last_save_done, last_save_ok;
    bool cut_short;          /* ended by a signal or --timeout */
    bool reading_is_bounded; /* nothing is read that came after the stop began */
    char why_not_ready[512];
    int parts_open; /* that have loop handles: closed one after the other */
};

/* agent.c */
const char *agent_not_ready(struct agent *a);           /* NULL: ready; else why not, until the next call */
const char *agent_state_trouble(const struct agent *a); /* why the state directory cannot be written; NULL: it can */

/* agent_report.c */
void agent_begin_reports(struct agent *a, uint64_t now); /* and systemd is told that it is ready */
void agent_report_if_due(struct agent *a, uint64_t now);
uint64_t agent_report_deadline(const struct agent *a);
/* When the files were measured last, none was there that could not be looked at or opened. */
bool agent_could_read_all(const struct agent *a);
void agent_say_end(struct agent *a); /* what was done, what was not, and why it ends */

/* agent_reload.c */
/* The series of every input, rule and destination are there from the start, at 0. False: no memory. */
bool agent_begin_series(struct metrics *m, const struct config *config);
void agent_reload_if_wanted(struct agent *a, uint64_t now);
/* For POST /reload: 200, 422 (the old configuration stays), 503 (not now); what is to be said is appended. */
unsigned agent_reload_on_request(void *agent, struct buffer *said);

#endif
