/* Any answer: its status, Retry-After and Date, to any request. What is said about it must fit the request. */
#include "limits.h"
#include "wire/retry_after.h"
#include "wire/verdict.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 8)
        return 0;
    struct slice rest = slice_of((const char *)data + 8, size - 8), date = {0};
    const char *newline = memchr(rest.text, '\n', rest.len);
    if (newline) {
        date = slice_from_offset(rest, (size_t)(newline - rest.text) + 1);
        rest.len = (size_t)(newline - rest.text);
    }
    struct attempt a = {
        .status = (data[0] & 3) << 8 | data[1],
        .gzip = data[0] & 4,
        .others_delivered = data[0] & 8,
        .proven = data[0] & 16,
        .calls = 1U + data[2] % 3,
        .call_bytes = (size_t)data[3] << 12,
        .before = {.count = data[4], .busy = data[5], .answered = data[6]},
        .retry_after_ms = retry_after_ms(rest, date),
    };
    const struct retry_policy policy = {500, 30000};
    struct verdict v = verdict_of(&policy, &a, data[7] * UINT32_C(0x01010101));
    bool alone = v.kind == VERDICT_DEAD || v.kind == VERDICT_CUT, several = v.kind == VERDICT_HALVE;
    if (a.retry_after_ms > LIMIT_RETRY_AFTER_S * 1000 || (alone && a.calls > 1) || (several && a.calls == 1) ||
        (v.kind == VERDICT_DELIVERED) != (a.status >= 200 && a.status < 300) || v.hold_ms > a.retry_after_ms ||
        (v.kind == VERDICT_LATER && v.wait_ms < v.hold_ms) || (v.kind == VERDICT_CUT && v.cut_to >= a.call_bytes) ||
        (v.kind == VERDICT_DEAD && v.reason == DEAD_RETRIES && !a.proven))
        abort();
    return 0;
}
