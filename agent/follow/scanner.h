#ifndef RAINGAUGE_SCANNER_H
#define RAINGAUGE_SCANNER_H

#include "config.h"
#include "text/glob.h"

#include <sys/types.h>

/* Which files there are: a walk over the inputs' globs, and a look at single paths. Blocking: runs on a worker. Opens
 * directories, never a file.
 *
 *     rules = scan_rules_new(config);                   // globs compiled; immutable, shared with the worker
 *     scanner_run(rules, &request, &scan);              // one stat for each file that matches
 *     file_table_reconcile(table, &scan, …);
 *     scan_release(&scan);
 *
 * What can go wrong is said, never taken for absence: a directory or file that could not be looked at (EACCES, EIO, out
 * of descriptors) is in the scan with its errno, and what lies below it is not gone. */

/* What the configuration says about finding files. Holds the config's texts: lives no longer than it. */
struct scan_rules;
struct scan_rules *scan_rules_new(const struct config *config); /* NULL: no memory */
void scan_rules_free(struct scan_rules *rules);

/* The first input whose `paths` match and whose `exclude` do not; SIZE_MAX: none. Also for `map LOGFILE`. */
size_t scan_rules_input_of(const struct scan_rules *rules, struct slice path);

/* The directory that an input's globs begin in: the first that is not there or cannot be read, with its errno; else the
 * first one, and 0. */
int scan_rules_first_root(const struct scan_rules *rules, size_t input, char ret_directory[static LIMIT_PATH_BYTES]);

/* Opens a regular file for reading as the input's `symlinks` says: no link on the way leads out of the allowed
 * directories, not even one that was put there a moment ago. -1 and errno; ELOOP: a link that is not allowed; EINVAL:
 * not a regular file. */
int scan_rules_open(const struct scan_rules *rules, size_t input, const char *path) __attribute__((warn_unused_result));

/* fstatat() that also says when the file was made: 0 where the file system does not know. */
struct stat;
int scan_stat(int directory, const char *path, int flags, struct stat *ret_st, uint64_t *ret_born_ns);

struct found_file;
enum dir_knowledge {
    DIR_UNKNOWN,
    DIR_KNOWN,       /* its names, and its regular files, are as they were when it was read whole */
    DIR_KNOWN_PLAIN, /* … and there is nothing else in it */
};

struct scan_request {
    bool walk;               /* all inputs for which `inputs[i]` is set */
    const bool *inputs;      /* by index; NULL: all */
    const char *const *look; /* single paths to be looked at, matching or not */
    size_t look_count;
    const char *const *list; /* directories of which every regular file is wanted, matching or not */
    size_t list_count;
    /* What is known of a directory by other means; NULL: nothing. On the worker. */
    enum dir_knowledge (*know)(const void *context, const struct found_file *directory);
    const void *know_context;
};

enum found_kind {
    FOUND_FILE,       /* regular */
    FOUND_OTHER,      /* FIFO, device, socket, directory: matches, but is not read */
    FOUND_NOTHING,    /* a looked-at path that names nothing (ENOENT, ENOTDIR) */
    FOUND_UNREADABLE, /* could not be looked at: `error`. For a directory all that is below it counts so */
    FOUND_FORBIDDEN,  /* a link out of the allowed directories */
    FOUND_DIRECTORY,  /* a directory that was read: to be watched */
};

struct found_file {
    enum found_kind kind;
    bool matched;      /* it belongs to `input`; else only looked at or listed */
    bool is_directory; /* FOUND_OTHER: may hold files that match */
    bool remote;       /* FOUND_DIRECTORY: of a network file system, where inotify does not see others' writes */
    bool telling;      /* …: of a file system where inotify sees all of them */
    bool known;        /* …: was not looked into, or only for what is no regular file; as the request knows it */
    bool read_whole;   /* …: what is in it is here, and inotify would tell of a change */
    bool plain;        /* …: no name in it is a directory, a link or anything else but a file */
    bool has_links;    /* FOUND_FILE: more than one name */
    int error;         /* errno */
    size_t input;      /* index in the configuration */
    char *path;
    char *real_path; /* where a symbolic link on the way led; NULL: there was none */
    uint64_t device, inode, size;
    int64_t mtime_ns, ctime_ns;
    uint64_t born_ns; /* 0: the file system does not say */
};

struct scan {
    struct found_file *found;
    size_t count, cap;
    bool *walked;  /* by input: what was known of it and is not here is missing */
    char **listed; /* directories of which every file is here */
    size_t input_count, listed_count;
    bool failed;     /* no memory: says nothing at all */
    bool unreadable; /* some FOUND_UNREADABLE is in it */
    bool has_known;  /* some FOUND_DIRECTORY with `known` is */
    int64_t wall_ms; /* when it began */
    uint64_t began;  /* … by the loop's clock: the watcher's */
};

void scanner_run(const struct scan_rules *rules, const struct scan_request *request, struct scan *ret_scan);
bool scan_has_listed(const struct scan *scan, struct slice directory);
/* Below a directory that could not be read nothing is missing. */
bool scan_lies_below_unreadable(const struct scan *scan, const char *path);
void scan_release(struct scan *scan);

#endif
