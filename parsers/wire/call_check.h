/* Pure: no I/O, no clock, no logging, no uv. */
#ifndef RAINGAUGE_CALL_CHECK_H
#define RAINGAUGE_CALL_CHECK_H

#include "json/json_doc.h"

/* One call against Raindrop's documented contract: which members there may be, which there must be, and what each may
 * hold. What `raingauge receive` judges by.
 *
 *     struct call_problems problems;
 *     call_check(&arena, doc, token, CHECKED_EVENT, &problems);
 *     for (size_t i = 0; i < problems.count; i++) … problems.items[i].path … problems.items[i].text … */

enum checked_call { CHECKED_EVENT, CHECKED_SIGNAL, CHECKED_IDENTIFY };

enum { CALL_PROBLEMS_MOST = 32 };

struct call_problem {
    struct slice path; /* "ai_data.input", "attachments[0].role"; empty: the call itself. In the arena */
    struct slice text; /* "is missing", "must be a string" … */
};

struct call_problems {
    struct call_problem items[CALL_PROBLEMS_MOST];
    size_t count;
    size_t left_out; /* further ones */
};

/* `call` is a token of the document: the object, or what stands in its place. On lack of memory arena->failed. */
void call_check(struct arena *arena, const struct json_doc *doc, uint32_t call, enum checked_call kind,
                struct call_problems *ret_problems);

#endif
