#include "wire/verdict.h"

#include "limits.h"

enum { TRIES_UNTIL_HALVED = 3, ANSWERS_UNTIL_DEAD = 10 };

/* What kind of answer a status is; the first row that holds it. */
enum answer { TAKEN, SHUT, BUSY, TOO_LARGE, NO_GZIP, REFUSED };
static const struct {
    int from, to;
    enum answer answer;
} answers[] = {
    {200, 299, TAKEN},     {300, 399, SHUT}, {401, 405, SHUT},    {407, 407, SHUT}, {408, 408, BUSY},
    {413, 413, TOO_LARGE}, {425, 425, BUSY}, {415, 415, NO_GZIP}, {429, 429, BUSY}, {400, 499, REFUSED},
};

/* No answer, 5xx, and what is no final status at all: BUSY. */
static enum answer answer_of(int status)
{
    for (size_t i = 0; i < sizeof answers / sizeof answers[0]; i++)
        if (status >= answers[i].from && status <= answers[i].to)
            return answers[i].answer;
    return BUSY;
}

uint64_t retry_wait_ms(const struct retry_policy *policy, unsigned tries, uint32_t random)
{
    uint64_t most = policy->initial_ms;
    for (unsigned i = 1; i < tries && most < policy->max_ms; i++)
        most *= 2;
    if (most > policy->max_ms)
        most = policy->max_ms;
    /* most * random / 2^32, in two steps that do not overflow */
    return (most >> 32) * random + ((most & UINT32_MAX) * random >> 32);
}

static void judge_busy(struct verdict *v, const struct attempt *a)
{
    bool counts = a->status != 0 && a->status != 429;
    v->tries.busy++;
    v->tries.answered += counts;
    v->kind = VERDICT_LATER;
    v->busy = true;
    v->hold_ms = a->retry_after_ms;
    if (v->wait_ms < v->hold_ms)
        v->wait_ms = v->hold_ms;
    if (a->calls > 1 && a->others_delivered && v->tries.busy >= TRIES_UNTIL_HALVED) {
        v->kind = VERDICT_HALVE;
    } else if (a->calls == 1 && a->proven && counts && v->tries.answered >= ANSWERS_UNTIL_DEAD) {
        v->kind = VERDICT_DEAD;
        v->reason = DEAD_RETRIES;
    }
}

static void judge_too_large(struct verdict *v, const struct attempt *a)
{
    if (a->calls > 1) {
        v->kind = VERDICT_HALVE;
    } else if (a->call_bytes > LIMIT_CALL_413_FLOOR) {
        v->kind = VERDICT_CUT;
        v->cut_to = a->call_bytes / 2 > LIMIT_CALL_413_FLOOR ? a->call_bytes / 2 : LIMIT_CALL_413_FLOOR;
    } else {
        v->kind = VERDICT_DEAD;
        v->reason = DEAD_TOO_LARGE;
    }
}

static void judge_refused(struct verdict *v, const struct attempt *a)
{
    v->kind = a->calls > 1 ? VERDICT_HALVE : VERDICT_DEAD;
    v->reason = DEAD_STATUS;
}

struct verdict verdict_of(const struct retry_policy *policy, const struct attempt *a, uint32_t random)
{
    struct verdict v = {.tries = a->before};
    v.tries.count++;
    v.wait_ms = retry_wait_ms(policy, v.tries.count, random);
    switch (answer_of(a->status)) {
    case TAKEN:
        v.kind = VERDICT_DELIVERED;
        break;
    case SHUT:
        v.kind = VERDICT_PAUSE;
        break;
    case BUSY:
        judge_busy(&v, a);
        break;
    case TOO_LARGE:
        judge_too_large(&v, a);
        break;
    case NO_GZIP:
        if (a->gzip)
            v.kind = VERDICT_PLAIN;
        else
            judge_refused(&v, a);
        break;
    case REFUSED:
        judge_refused(&v, a);
        break;
    }
    if (v.kind == VERDICT_CUT || v.kind == VERDICT_PLAIN) /* another request, in a way */
        v.tries = a->before;
    return v;
}

const char *verdict_meaning(int status, bool project)
{
    switch (status) {
    case 401:
        return "the write key is refused";
    case 402:
        return "payment is required";
    case 403:
        return project ? "the project is refused (archived, or over the limit of projects), or the key may not use it"
                       : "the write key may not send";
    case 404:
    case 405:
        return "there is no such API at this url";
    case 407:
        return "the proxy wants a password";
    case 408:
    case 425:
    case 429:
        return "the server wants no more for now";
    default:
        return status >= 500                   ? "the server cannot do it now"
               : status >= 300 && status < 400 ? "the url redirects to another one, which is not followed"
                                               : NULL;
    }
}
