/* Pure: no I/O, no clock, no logging, no uv. */
#ifndef RAINGAUGE_JSONPATH_LEX_H
#define RAINGAUGE_JSONPATH_LEX_H

#include "path/jsonpath.h"

/* The words of a path: blanks, names, integers, numbers and quoted texts, each where the grammar wants it. There is no
 * stream of tokens, because what a character means depends on the place (`.` before a name, `.` in a number) and
 * because blanks matter in some places and not in others.
 *
 * Each path_lex_X() begins at lexer->at and leaves it behind what it took. False: `error` says what is wrong and where;
 * only the first mistake is kept. */
struct path_lexer {
    struct arena *arena; /* names and texts are copied to it */
    struct slice text;
    size_t at;
    struct path_error *error;
    bool failed;
};

/* The next character, `offset` bytes further on; NUL at the end. */
static inline char path_peek(const struct path_lexer *lexer, size_t offset)
{
    return offset < lexer->text.len - lexer->at ? lexer->text.text[lexer->at + offset] : '\0';
}

/* Takes that text where it stands next. */
static inline bool path_take(struct path_lexer *lexer, const char *text)
{
    if (!slice_starts_with(slice_from_offset(lexer->text, lexer->at), slice_from(text)))
        return false;
    lexer->at += strlen(text);
    return true;
}

static inline bool path_is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

void path_skip_blanks(struct path_lexer *lexer);

/* Notes the mistake and returns false. */
bool path_fail(struct path_lexer *lexer, size_t at, const char *format, ...) __attribute__((format(printf, 3, 4)));
bool path_no_memory(struct path_lexer *lexer);

/* A member's name behind a dot. */
bool path_lex_name(struct path_lexer *lexer, struct slice *ret_name);

/* A quoted text, in single or double quotes, as plain UTF-8. */
bool path_lex_string(struct path_lexer *lexer, struct slice *ret_text);

/* An index, or a part of a slice: no leading zeros, no -0, within ±(2^53 - 1). */
bool path_lex_integer(struct path_lexer *lexer, int64_t *ret_integer);

/* A JSON number. */
bool path_lex_number(struct path_lexer *lexer, struct slice *ret_number);

/* A lower-case word (a function's name, true, false, null), borrowed from the text; empty where there is none. */
struct slice path_lex_word(struct path_lexer *lexer);

#endif
