/* Pure: no I/O, no clock, no logging, no uv. */
#ifndef RAINGAUGE_JSONPATH_PARSE_H
#define RAINGAUGE_JSONPATH_PARSE_H

#include "path/jsonpath_ast.h"
#include "path/jsonpath_lex.h"

/* Text → query. Takes as much as belongs to the path and stops before the blanks behind it; with PATH_WHOLE the path
 * begins with `$` and must go to the end. `ret_uses_record`: whether a filter in it looks at `$`. False: lexer->error
 * says what is wrong. */
bool path_parse(struct path_lexer *lexer, struct regex_list *regexes, enum path_extent extent,
                struct path_query *ret_query, bool *ret_uses_record) __attribute__((warn_unused_result));

#endif
