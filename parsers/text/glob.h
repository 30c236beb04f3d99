/* Pure: no I/O, no clock, no logging, no uv. */
#ifndef RAINGAUGE_GLOB_H
#define RAINGAUGE_GLOB_H

#include "base/slice.h"
#include "limits.h"

/* Patterns of file names: glob(7) with `**` (any number of directories, also none) and {a,b} (nested, with slashes).
 *
 *     glob_list_init(&list, patterns, count);   // braces are multiplied out, each pattern is cut at its slashes
 *     if (glob_list_matches(&list, path)) …
 *     glob_list_release(&list);
 *
 * `*`, `?` and `[…]` never take a slash, and a dot at a name's start only where `hidden` says so (glob(7): it must be
 * written). A backslash makes the next character plain. A `[` that is never closed and a `{` likewise stand for
 * themselves. Bytes, not characters, are compared: names need not be UTF-8. */

struct glob {            /* one pattern without braces */
    struct slice *parts; /* between the slashes; `**` alone is any number of directories */
    size_t part_count;
    size_t literal_parts; /* so many at the start hold no wildcard: the directory that a search begins in */
    bool absolute;
};

struct glob_list {
    struct glob *globs;
    size_t count;
    bool hidden; /* wildcards take a dot at a name's start (exclude) */
    char *text;  /* what the parts point into */
    struct slice *parts;
};

enum glob_result { GLOB_OK, GLOB_TOO_MANY /* alternatives: LIMIT_GLOB_ALTERNATIVES */, GLOB_NO_MEMORY };

enum glob_result glob_list_init(struct glob_list *list, const char *const *patterns, size_t count, bool hidden)
    __attribute__((warn_unused_result));
void glob_list_release(struct glob_list *list);

/* The whole path. A pattern of one part without a leading slash is compared with the path's last part (contract 2,
 * `exclude`). */
bool glob_list_matches(const struct glob_list *list, struct slice path);

/* One name against one part. */
bool glob_part_matches(struct slice part, struct slice name, bool hidden);
bool glob_part_is_any_depth(struct slice part); /* `**` */
bool glob_part_is_literal(struct slice part);   /* no wildcard and no backslash: names itself */

/* The directory that a search begins in, before the first wildcard; "/" at least. Of a part too many for the room it is
 * the directory above. */
void glob_root(const struct glob *glob, char ret_path[static LIMIT_PATH_BYTES]);

#endif
