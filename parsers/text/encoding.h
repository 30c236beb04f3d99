/* Pure: no I/O, no clock, no logging, no uv. */
#ifndef RAINGAUGE_ENCODING_H
#define RAINGAUGE_ENCODING_H

#include "base/buffer.h"

#include <stdint.h>

/* How a file writes its characters. Its lines are found in its own bytes, so that offsets are the file's, and each one
 * is decoded by itself: a newline is never part of another character, so nothing is carried from line to line. */
enum encoding_kind { ENCODING_UTF8, ENCODING_UTF16LE, ENCODING_UTF16BE, ENCODING_LATIN1 };

/* Bytes of one code unit; a file's units begin at multiples of it. */
static inline size_t encoding_unit(enum encoding_kind encoding)
{
    return encoding == ENCODING_UTF16LE || encoding == ENCODING_UTF16BE ? 2 : 1;
}

/* Whether the unit at `at` is that ASCII character. */
static inline bool encoding_unit_is(enum encoding_kind encoding, const char *at, char c)
{
    switch (encoding) {
    case ENCODING_UTF16LE:
        return at[0] == c && at[1] == '\0';
    case ENCODING_UTF16BE:
        return at[1] == c && at[0] == '\0';
    case ENCODING_UTF8:
    case ENCODING_LATIN1:
        break;
    }
    return at[0] == c;
}

/* The first newline of `bytes`, which stand at `offset` of the file: where its unit begins. NULL: none. */
const char *encoding_find_newline(enum encoding_kind encoding, struct slice bytes, uint64_t offset);

const char *encoding_find_last_newline(enum encoding_kind encoding, struct slice bytes, uint64_t offset);

struct slice encoding_byte_order_mark(enum encoding_kind encoding); /* empty where it has none */

/* Appends text as UTF-8: lone surrogates and a half unit at its end become U+FFFD; UTF-8 is copied as it is. */
void encoding_decode(enum encoding_kind encoding, struct slice text, struct buffer *out);

#endif
