/* Every ceiling of raingauge, on one page. A ceiling that a user can set is a key of the configuration; here are its
 * bounds, and those that are fixed. Sizes in bytes. */
#ifndef RAINGAUGE_LIMITS_H
#define RAINGAUGE_LIMITS_H

#include_next <limits.h> /* this page bears the name of C's own */

#define KIB(n) ((size_t)(n)*1024)
#define MIB(n) ((size_t)(n)*1024 * 1024)

/* Records */
#define LIMIT_LINE_DEFAULT MIB(1) /* inputs[].max_line_bytes */
#define LIMIT_LINE_MOST MIB(64)   /* ... and the most it can be set to */
#define LIMIT_NUL_STEP KIB(64)    /* NUL bytes before a line are stepped over so many at a time */
#define LIMIT_RECORD_REACH(max_line)                                                                                   \
    (2 * (max_line) + KIB(256)) /* of the file, from a record's first line to its last */
#define LIMIT_PIECE (2 * LIMIT_RECORD_REACH(LIMIT_LINE_MOST) + LIMIT_NUL_STEP + 4) /* what holds a record for sure */
#define LIMIT_JSON_DEPTH 128         /* objects and arrays open at once, the record the first */
#define LIMIT_JSON_TEXT MIB(256)     /* one JSON text, whoever made it */
#define LIMIT_JSON_SHAPE_SCALARS 128 /* values of a record whose shape is remembered */
#define LIMIT_JSON_SHAPE_TEXT KIB(4) /* what stands between them, together */
#define LIMIT_JSON_SHAPE_WAYS 16     /* to go on behind a value: of more it is a map rather than a record */
#define LIMIT_JSON_SHAPES KIB(64)    /* all shapes that are remembered */
#define LIMIT_RECORD_ARENA MIB(256)  /* values made of one record (tokens of a 64 MiB line included) */
#define LIMIT_RECORDS_A_LINE 100000  /* records taken out of one line with `records` */
#define LIMIT_MERGED_RECORD MIB(64)  /* texts of one merged record (merge); a larger one ends */
#define LIMIT_MERGING MIB(256)       /* of all that are open, where a quarter of upload.buffer is more */

/* Calls and batches: the gateway refuses a body above 1 MiB, the server truncates an event above 1 MB */
#define LIMIT_BODY KIB(1024)         /* upload.batch.max_bytes at most */
#define LIMIT_CALL 1000000           /* JSON text of one call; above it is cut (contract 4.8) */
#define LIMIT_CALL_CUT_FLOOR KIB(1)  /* no text is cut below this */
#define LIMIT_CALL_413_FLOOR KIB(64) /* a call refused with 413 is cut down to this */
#define LIMIT_CALL_RAW MIB(80)       /* a call before it is cut: it may repeat a long line's members */
#define LIMIT_LINE_CALLS MIB(64)     /* all calls of one line together; further ones are too large */
#define LIMIT_CHUNK_NOTES 256        /* lines and calls that came to nothing, listed one by one of one read */
#define LIMIT_BATCH_CALLS 100000     /* upload.batch.max_calls at most */
#define LIMIT_BUFFER_LEAST MIB(4)    /* upload.buffer at least */

/* Expressions */
#define LIMIT_EXPRESSION KIB(64)      /* source text of one expression, template or path */
#define LIMIT_PATH_DEPTH 64           /* nesting of filters and function calls in a path or an expression */
#define LIMIT_UUID_PARTS 16           /* pieces that an id is made of */
#define LIMIT_INT_DIGITS 400          /* digits that `int` writes of a number with an exponent */
#define LIMIT_ZONE_TRANSITIONS 5000   /* counts in a time zone's file */
#define LIMIT_EVALUATION_DEPTH 400    /* expressions that wait for others while one is evaluated (lets use lets) */
#define LIMIT_PATH_NODES 1000000      /* nodes that one query may give */
#define LIMIT_PATH_STEPS 10000000     /* nodes looked at for one query, again and again in its filters included */
#define LIMIT_REGEX_MATCH 100000      /* PCRE2 match limit */
#define LIMIT_REGEX_UNCOUNTED KIB(16) /* texts up to this are searched without counting steps */
#define LIMIT_REGEX_STEPS MIB(64)     /* ... and in a longer one this many are made */
#define LIMIT_REGEX_DEPTH KIB(512)    /* PCRE2 heap limit in bytes, JIT stack included */

/* Configuration */
#define LIMIT_CONFIG_FILE MIB(4)
#define LIMIT_CONFIG_ARENA MIB(512) /* a configuration, its texts, trees and programs */
#define LIMIT_CONFIG_FILES 1000     /* files read through `include` */
#define LIMIT_YAML_DEPTH 64
#define LIMIT_YAML_NODES 1000000 /* after aliases are followed */
#define LIMIT_CONFIG_ERRORS 200  /* reported at once; then "and N more" */

/* Following */
#define LIMIT_FINGERPRINT 1024     /* first and last bytes that tell a file (contract 6.5) */
#define LIMIT_WORKERS 5            /* threads that read and map, and files that are being read at a time */
#define LIMIT_READ_PIECES 4        /* of a turn */
#define LIMIT_READ KIB(256)        /* a piece of a file; a turn is of one, or of a few where few lines give calls */
#define LIMIT_KEPT_AT_REST KIB(64) /* of a buffer that a turn has made larger, when there is nothing more to read */
#define LIMIT_GZ_BLOCK KIB(64)     /* of a gzip file that is inflated at a time */
#define LIMIT_GZ_READERS 8         /* gzip files that are being read at a time */
#define LIMIT_PATH_BYTES 4096
#define LIMIT_GLOB_ALTERNATIVES 4096 /* patterns that the braces of an input's globs may stand for */
#define LIMIT_FILE_REPORTS 10000     /* paths remembered as reported (FIFOs, unreadable directories) */
#define LIMIT_WALK_DEPTH 64          /* directories below each other that a walk enters */

/* Delivery */
#define LIMIT_ANSWER_KEPT KIB(1) /* of a server's answer, for the dead-letter file */
#define LIMIT_SPARE_BODIES 8     /* memory of settled batches that is kept for the next ones */
#define LIMIT_RETRY_AFTER_S 3600
#define LIMIT_CONCURRENCY 64

/* State */
#define LIMIT_CHECKPOINT_RECORD MIB(128) /* a file's, with its unsettled lines where records are merged */
#define LIMIT_CHECKPOINT_FILE MIB(256)
#define LIMIT_DEAD_LETTER_LINE MIB(400) /* a log line at its longest, every byte of it escaped */

/* Admin and receive */
#define LIMIT_HTTP_REQUEST_HEADERS KIB(16)
#define LIMIT_HTTP_CLIENTS 16
#define LIMIT_ADMIN_ANSWER MIB(64) /* /status names every file */
#define LIMIT_TAP_LISTENERS 4
#define LIMIT_TAP_WAITING MIB(1)  /* not yet read by a listener; the rest is left out */
#define LIMIT_RECEIVE_BODY MIB(8) /* a gzip body's content; as it comes LIMIT_BODY holds */
#define LIMIT_RECEIVE_ANSWER MIB(4)
#define LIMIT_RECEIVE_EVENT_IDS (1 << 20) /* remembered, for signals of events that never came */

#endif
