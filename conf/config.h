/* Pure: no clock, no logging, no uv; files and environment come through struct config_source. */
#ifndef RAINGAUGE_CONFIG_H
#define RAINGAUGE_CONFIG_H

#include "diagnostics.h"
#include "frames/envelope.h"
#include "rules.h"
#include "text/encoding.h"

#include <stdint.h>

/* The configuration, checked: YAML text → one struct config, every mistake reported with its place (contract 2).
 *
 *     struct config *c = config_load(&source, "/etc/raingauge/raingauge.yaml", CONFIG_FOR_RUN, diagnostics);
 *     if (!c) ... diagnostics_print ...
 *     config_free(c);
 *
 * Immutable after loading; a reload loads another one beside it. All texts live as long as it does and are
 * zero-terminated too. Durations in milliseconds, sizes in bytes. */

enum config_purpose { /* what an unset variable below raindrop and destinations is: an error for the first two */
                      CONFIG_FOR_RUN, /* run, replay, check --online */
                      CONFIG_FOR_ONLINE,
                      CONFIG_FOR_CHECK, /* check, map, test: a warning; no write key needed */
                      CONFIG_FOR_MAP,
                      CONFIG_FOR_STATE, /* status, top, tap, reload: only state_dir matters; nothing else is an error */
};

/* How the loader reaches the world; in tests, memory. Results are malloc'ed and freed by the loader. */
struct config_source {
    void *context;
    /* 0 and the file's bytes (limit LIMIT_CONFIG_FILE), or an errno. */
    int (*read_file)(void *context, const char *path, char **ret_text, size_t *ret_len);
    /* What such an errno means for that path; no function: strerror(). */
    const char *(*explain)(const char *path, int error);
    /* Paths that match the glob, sorted by name. 0 or an errno. */
    int (*glob)(void *context, const char *pattern, char ***ret_paths, size_t *ret_count);
    const char *(*get_environment)(void *context, const char *name);
    /* A preset's text by name, or false. */
    bool (*preset)(void *context, const char *name, struct slice *ret_text);
    /* What relative paths are made absolute with, malloc'ed; NULL on failure. No function: they
     * stay relative. */
    char *(*current_directory)(void *context);
};

/* ---- raindrop, destinations ---- */
struct tls_settings {
    const char *ca_file, *cert_file, *key_file;
};
struct header {
    const char *name, *value;
};
struct destination { /* [0] is `raindrop` itself; what a further one leaves out was filled in from it */
    const char *name;
    const char *url;            /* without a trailing slash */
    const char *write_key;      /* NULL: from the file */
    const char *write_key_file; /* NULL: the key above */
    const struct expr *project; /* NULL: none; a literal was checked to be a slug */
    uint64_t timeout_ms, connect_timeout_ms;
    bool gzip;
    const char *proxy;
    struct tls_settings tls;
    const struct header *headers;
    size_t header_count;
    bool allow_insecure;
    bool context;
    struct source_place place;
};

/* ---- inputs ---- */
enum parser_kind { PARSER_JSON, PARSER_LOGFMT, PARSER_REGEX, PARSER_RAW };
enum start_at { START_AT_BEGINNING, START_AT_END };
enum read_order { ORDER_FAIR, ORDER_MODIFIED, ORDER_NAME };
enum watch_kind { WATCH_AUTO, WATCH_INOTIFY, WATCH_POLL };
enum symlinks_kind { SYMLINKS_INSIDE, SYMLINKS_ALL, SYMLINKS_NONE };

struct input {
    const char *name;
    const char *const *paths; /* absolute patterns */
    size_t path_count;
    const char *const *exclude;
    size_t exclude_count;
    const struct expr *to; /* NULL: the default destination */
    enum parser_kind parser;
    const struct regex *pattern; /* parser: regex */
    const struct jsonpath *const *records;
    size_t record_count;
    enum envelope_kind envelope;
    enum start_at start_at;
    uint64_t ignore_older_ms;
    enum read_order order;
    size_t max_line_bytes;
    const struct regex *multiline_start; /* NULL: none */
    uint64_t multiline_timeout_ms;
    enum encoding_kind encoding;
    bool read_gz;      /* compression: auto */
    bool validate_all; /* validate: all */
    enum watch_kind watch;
    uint64_t rescan_ms, poll_interval_ms, close_inactive_ms, deleted_grace_ms;
    enum symlinks_kind symlinks;
    const char *const *symlink_targets;
    size_t symlink_target_count;
    struct source_place place, paths_place;
    bool merges; /* some rule joins its records to others */
};

/* ---- the rest ---- */
struct upload_settings {
    size_t max_calls, max_bytes;
    uint64_t max_age_ms;
    bool identify_batch;
    unsigned concurrency;
    size_t buffer;
    uint64_t retry_initial_ms, retry_max_ms;
    uint64_t max_refused;
    double rate_limit; /* requests a second and destination; 0 none */
    uint64_t shutdown_timeout_ms, shutdown_follow_ms;
};

struct privacy_settings {
    bool set;
    unsigned redact; /* bit set of redact kinds, see expr/redact.h; 0 none */
    const struct privacy_pattern {
        struct slice name;
        const struct regex *regex;
    } * patterns, *refuse;
    size_t pattern_count, refuse_count;
    const struct slice *properties;
    size_t property_count;
    bool properties_set;
};

struct config_test {
    struct slice name;
    size_t input;
    const struct slice *lines; /* raw lines; a map was written as JSON */
    size_t line_count;
    const struct expected_call {
        enum endpoint endpoint;
        struct value call; /* the members it must have, JSON */
        struct source_place place;
    } * expected;
    size_t expected_count;
    struct source_place place;
};

enum log_level { LOG_ERROR, LOG_WARN, LOG_INFO, LOG_DEBUG };

struct config {
    struct arena arena;
    struct regex_list regexes;
    const char *path;
    const char *sha256;                     /* hex, of the whole text, includes in order */
    const struct source_file *const *files; /* that it was read from */
    size_t file_count;
    const char *const
        *includes; /* patterns of files, as they were looked for: absolute, or as the main file's name is */
    size_t include_count;

    struct destination *destinations;
    size_t destination_count;
    const char *state_dir; /* NULL: not given, the command's default holds */
    struct input *inputs;
    size_t input_count;
    struct rules rules;
    const struct expr_table *tables;
    size_t table_count;
    struct privacy_settings privacy;
    const struct config_test *tests;
    size_t test_count;

    struct upload_settings upload;
    size_t identify_cache;
    uint64_t checkpoint_interval_ms, checkpoint_forget_after_ms;
    size_t dead_letter_max_bytes;
    uint64_t dead_letter_max_age_ms;
    bool dead_letter_lines;
    const char *admin_listen; /* NULL: only the socket */
    bool admin_page;
    enum log_level log_level;
    bool log_json;
    uint64_t log_stats_ms;
    bool reload_watch;
    enum { SANDBOX_AUTO, SANDBOX_OFF, SANDBOX_REQUIRE } sandbox;
};

/* NULL where there was an error (all of them are in `d`; the files it names live in `d` too). */
struct config *config_load(const struct config_source *source, const char *path, enum config_purpose purpose,
                           struct diagnostics *d) __attribute__((warn_unused_result));
/* The same from a text that no file holds (`--preset NAME GLOB…`, fuzzing); `name` is what messages call it. */
struct config *config_load_text(const struct config_source *source, const char *name, struct slice text,
                                enum config_purpose purpose, struct diagnostics *d) __attribute__((warn_unused_result));
void config_free(struct config *c);

/* The source of the real world: files, glob(3), getenv, the built-in presets. */
extern const struct config_source config_source_system;

/* A project slug: up to 63 of a-z 0-9 `-`, the ends no `-`. */
bool config_is_slug(struct slice text);

/* "500ms", "2s", "1.5h", … and "64KiB", "1MB", "123": false where it is none. */
bool config_parse_duration(struct slice text, uint64_t *ret_ms);
bool config_parse_size(struct slice text, size_t *ret_bytes);

#endif
