/* Pure: no I/O, no clock, no logging, no uv. */
#ifndef RAINGAUGE_REGEX_H
#define RAINGAUGE_REGEX_H

#include "base/arena.h"

/* Regular expressions: the only includer of pcre2.h. PCRE2 with UTF and UCP, JIT where there is one, and limits, so
 * that no line costs more than a bounded time. `\C` is refused, as it could match half a character.
 *
 * PCRE2's match limit holds for each place where a match may begin, and does not see a single `\d+` run over a megabyte
 * again from each of them. So in a text of more than LIMIT_REGEX_UNCOUNTED bytes the steps over all beginnings are
 * counted instead, and over all searches in it: a search from 0 begins the count, one from behind goes on with it.
 *
 * A compiled expression is heap memory of PCRE2's; it is registered with the arena's owner through a list so that
 * regex_free_all() gives them back together with the arena. Matching is thread-safe (each thread has its own match
 * data, kept by this module). */
struct regex;
struct regex_list {
    struct regex *first;
};

/* NULL with the error's place (byte offset in the pattern) and text. */
struct regex *regex_compile(struct regex_list *owner, struct slice pattern, size_t *ret_at, char *ret_error,
                            size_t error_size) __attribute__((warn_unused_result));
void regex_free_all(struct regex_list *list);

/* REGEX_LIMIT: given up (a limit, or no memory); treated as no match, and counted. */
enum regex_result { REGEX_NO, REGEX_YES, REGEX_LIMIT };

struct regex_match {
    size_t start, end;             /* of the match */
    size_t group_start, group_end; /* of group 1; SIZE_MAX where it took no part or there is none */
};
/* Searches `text` (valid UTF-8) from `from` on. `ret_match` may be NULL. */
enum regex_result regex_search(const struct regex *re, struct slice text, size_t from, struct regex_match *ret_match);
enum regex_result regex_match_whole(const struct regex *re, struct slice text); /* anchored at both ends */

/* All groups of this thread's last successful search, which was of `re`: fills at most `max` pairs, the match itself
 * first (so that index = number), SIZE_MAX for one that took no part; returns how many. */
size_t regex_groups(const struct regex *re, size_t *starts, size_t *ends, size_t max);
/* Named groups, in the order of their numbers: returns how many; name i and its number. */
size_t regex_names(const struct regex *re);
struct slice regex_name(const struct regex *re, size_t i, size_t *ret_group);
size_t regex_group_count(const struct regex *re); /* the highest number */

/* RFC 9485's I-Regexp as a PCRE2 pattern in the arena; text NULL where it is not one (or on lack of memory). `^` and
 * `$`, ordinary characters in its grammar, are anchors, as the JSONPath compliance suite has them. */
struct slice iregexp_to_pcre2(struct arena *arena, struct slice pattern);

#endif
