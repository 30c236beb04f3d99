#include "deliver/batch.h"

#include "deliver/delivery.h"

#include <assert.h>

enum {
    BODY_LEAST = 1024,
    CALLS_LEAST = 8,
    EXPECTED_MOST = 16 * 1024, /* bytes that are taken at once where as many were needed last */
    BODY_STEP = 64 * 1024,     /* … and all that was needed last, when these are full, in such steps */
    MARGIN_PART = 16,          /* and that much more: no two batches are of one length */
    WASTE_PART = 4,            /* of a sealed batch's memory that may lie idle */
    COST_ELSEWHERE = 144,      /* of a call: a ledger's entry, twice for its growth, and a user's turn */
};

struct batch *batch_new(struct lane *lane, struct body_pool *pool, uint64_t first, bool array, uint64_t now)
{
    struct batch *b = calloc(1, sizeof *b);
    if (!b)
        return NULL;
    b->lane = lane;
    b->pool = pool;
    b->first = first;
    b->array = array;
    b->began_at = now;
    return b;
}

static void let_go(const struct call *call)
{
    joined_unref(call->joined);
    ledger_unref(call->ledger);
}

void batch_free(struct batch *b)
{
    if (!b)
        return;
    for (size_t i = 0; i < b->count; i++)
        let_go(&b->calls[i]);
    free(b->calls);
    body_pool_give(b->pool, b->body, b->cap);
    free(b);
}

/* A batch that outgrows its first memory will be like the one before it: it takes all that at once. */
static size_t next_cap(const struct batch *b, size_t n)
{
    size_t cap = n > 2 * b->cap ? n : 2 * b->cap;
    size_t expected = b->expected + b->expected / MARGIN_PART;
    if (b->array && cap < BODY_LEAST)
        cap = BODY_LEAST;
    if (cap > EXPECTED_MOST && expected >= n)
        cap = (expected + BODY_STEP - 1) / BODY_STEP * BODY_STEP;
    return cap;
}

static bool reserve_body(struct batch *b, size_t n)
{
    if (n <= b->cap)
        return true;
    size_t cap = next_cap(b, n);
    char *body = body_pool_take(b->pool, b->body, b->len, cap, &cap);
    if (!body)
        body = realloc(b->body, cap);
    if (!body)
        return false;
    b->body = body;
    b->cap = cap;
    return true;
}

static bool reserve_calls(struct batch *b, size_t n)
{
    if (n <= b->call_cap)
        return true;
    size_t cap = n > 2 * b->call_cap ? n : 2 * b->call_cap;
    if (b->array && cap < CALLS_LEAST)
        cap = CALLS_LEAST;
    struct call *calls = realloc(b->calls, cap * sizeof *calls);
    if (!calls)
        return false;
    b->calls = calls;
    b->call_cap = cap;
    return true;
}

void batch_expect(struct batch *b, size_t len, size_t calls)
{
    assert(!b->body && !b->calls);
    if (!b->array)
        return;
    b->expected = len;
    size_t call_cap = calls < EXPECTED_MOST / sizeof *b->calls ? calls : EXPECTED_MOST / sizeof *b->calls;
    size_t cap = len < EXPECTED_MOST ? len : EXPECTED_MOST;
    b->body = cap ? malloc(cap) : NULL;
    b->cap = b->body ? cap : 0;
    b->calls = call_cap ? malloc(call_cap * sizeof *b->calls) : NULL;
    b->call_cap = b->calls ? call_cap : 0;
}

bool batch_reserve(struct batch *b, size_t text_len)
{
    return reserve_body(b, b->len + text_len + 2) && reserve_calls(b, b->count + 1);
}

struct call *batch_add(struct batch *b, const struct call *call, struct slice text)
{
    assert(!b->sealed && b->count < b->call_cap && b->len + text.len + 2 <= b->cap);
    if (b->array)
        b->body[b->len++] = b->count ? ',' : '[';
    struct call *added = &b->calls[b->count++];
    *added = *call;
    added->at = (uint32_t)b->len;
    added->len = (uint32_t)text.len;
    memcpy(b->body + b->len, text.text, text.len);
    b->len += text.len;
    return added;
}

void batch_drop_last(struct batch *b)
{
    struct call *last = &b->calls[--b->count];
    let_go(last);
    b->len = last->at - (b->array ? 1 : 0);
}

bool batch_has_room(const struct batch *b, size_t text_len, size_t max_calls, size_t max_bytes)
{
    return b->count == 0 || (b->array && b->count < max_calls && b->len + text_len + 2 <= max_bytes);
}

static void shrink(struct batch *b)
{
    bool wasteful = b->cap - b->len > b->cap / WASTE_PART;
    char *body = wasteful ? realloc(b->body, b->len) : NULL;
    if (body) {
        b->body = body;
        b->cap = b->len;
    }
    wasteful = b->call_cap - b->count > b->call_cap / WASTE_PART;
    struct call *calls = wasteful ? realloc(b->calls, b->count * sizeof *calls) : NULL;
    if (calls) {
        b->calls = calls;
        b->call_cap = b->count;
    }
}

void batch_seal(struct batch *b)
{
    assert(!b->sealed && b->count > 0);
    if (b->array)
        b->body[b->len++] = ']';
    b->sealed = true;
    shrink(b);
}

struct slice batch_body(const struct batch *b)
{
    return slice_of(b->body, b->len);
}

struct slice batch_text(const struct batch *b, size_t call)
{
    return slice_of(b->body + b->calls[call].at, b->calls[call].len);
}

struct batch *batch_split(struct batch *b, size_t keep)
{
    assert(b->sealed && b->array && keep > 0 && keep < b->count);
    size_t from = b->calls[keep].at, rest = b->count - keep;
    struct batch *half = batch_new(b->lane, b->pool, b->first + keep, true, b->began_at);
    if (!half || !reserve_body(half, 1 + b->len - from) || !reserve_calls(half, rest)) {
        batch_free(half);
        return NULL;
    }
    assert(half->body && half->calls);
    half->sealed = true;
    half->body[0] = '[';
    memcpy(half->body + 1, b->body + from, b->len - from);
    half->len = 1 + b->len - from;
    memcpy(half->calls, b->calls + keep, rest * sizeof *half->calls);
    half->count = rest;
    for (size_t i = 0; i < rest; i++)
        half->calls[i].at -= (uint32_t)(from - 1);

    b->count = keep;
    b->registered = 0;
    b->len = from; /* the comma before the other half's first call becomes the bracket */
    b->body[from - 1] = ']';
    shrink(b);

    half->fence = b->fence;
    half->overtaken = b->overtaken;
    half->delivered_before = b->delivered_before;
    half->failed_after = b->failed_after;
    return half;
}

void batch_shorten(struct batch *b, struct slice text)
{
    struct call *call = &b->calls[0];
    assert(b->count == 1 && text.len <= call->len);
    memcpy(b->body + call->at, text.text, text.len);
    call->len = (uint32_t)text.len;
    b->len = call->at + text.len;
    if (b->array)
        b->body[b->len++] = ']';
    shrink(b);
}

size_t batch_recost(struct batch *b)
{
    size_t before = b->cost;
    b->cost = sizeof *b + b->cap + b->call_cap * sizeof *b->calls + b->count * COST_ELSEWHERE;
    return b->cost - before;
}

void batch_list_add(struct batch_list *list, struct batch *b)
{
    b->previous = list->last;
    b->next = NULL;
    *(list->last ? &list->last->next : &list->first) = b;
    list->last = b;
}

void batch_list_insert(struct batch_list *list, struct batch *b)
{
    struct batch *after = list->first; /* one that failed belongs near the front */
    while (after && after->first < b->first)
        after = after->next;
    if (!after) {
        batch_list_add(list, b);
        return;
    }
    b->next = after;
    b->previous = after->previous;
    *(after->previous ? &after->previous->next : &list->first) = b;
    after->previous = b;
}

void batch_list_remove(struct batch_list *list, struct batch *b)
{
    *(b->previous ? &b->previous->next : &list->first) = b->next;
    *(b->next ? &b->next->previous : &list->last) = b->previous;
    b->previous = b->next = NULL;
}
