/* What an answer means, and how long a server asks to be left alone: the cases in cases/verdict.txt and
 * cases/retry_after.txt. */
#include "support/cmocka_setup.h"
#include "wire/retry_after.h"
#include "wire/verdict.h"

static void describe(char *text, size_t size, const struct verdict *v)
{
    static const char *const names[] = {
        [VERDICT_DELIVERED] = "delivered", [VERDICT_LATER] = "later", [VERDICT_PAUSE] = "pause",
        [VERDICT_HALVE] = "halve",         [VERDICT_CUT] = "cut",     [VERDICT_DEAD] = "dead",
        [VERDICT_PLAIN] = "plain",
    };
    static const char *const reasons[] = {
        [DEAD_STATUS] = "status", [DEAD_TOO_LARGE] = "too_large", [DEAD_RETRIES] = "retries"};
    int n = snprintf(text, size, "%s", names[v->kind]);
    if (v->kind == VERDICT_LATER || v->kind == VERDICT_PAUSE)
        n += snprintf(text + n, size - (size_t)n, " %llu", (unsigned long long)v->wait_ms);
    if (v->kind == VERDICT_CUT)
        n += snprintf(text + n, size - (size_t)n, " %zu", v->cut_to);
    if (v->kind == VERDICT_DEAD)
        n += snprintf(text + n, size - (size_t)n, " %s", reasons[v->reason]);
    if (v->hold_ms)
        snprintf(text + n, size - (size_t)n, " hold %llu", (unsigned long long)v->hold_ms);
}

static FILE *open_cases(const char *name)
{
    char path[512];
    snprintf(path, sizeof path, TEST_DATA "/deliver/cases/%s", name);
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    return file;
}

/* The line without its newline, cut at " => " or "=> ": what is expected is returned; NULL for a comment. */
static char *expectation(char *line)
{
    line[strcspn(line, "\n")] = '\0';
    char *arrow = line[0] == '#' ? NULL : strstr(line, "=> ");
    if (!arrow)
        return NULL;
    *arrow = '\0';
    return arrow + 3;
}

/* Every row of the table. */
static void verdicts(void **state)
{
    (void)state;
    const struct retry_policy policy = {500, 30000};
    FILE *file = open_cases("verdict.txt");
    char line[256];
    unsigned count = 0;
    while (fgets(line, sizeof line, file)) {
        const char *expected = expectation(line);
        if (!expected)
            continue;
        char status[8];
        unsigned gzip, calls, bytes, busy, answered, others, proven, retry_after;
        assert_int_equal(sscanf(line, "%7s %u %u %u %u %u %u %u %u", status, &gzip, &calls, &bytes, &busy, &answered,
                                &others, &proven, &retry_after),
                         9);
        struct attempt a = {
            .status = (int)strtol(status, NULL, 10),
            .gzip = gzip,
            .calls = calls,
            .call_bytes = bytes,
            .retry_after_ms = retry_after,
            .before = {.count = busy, .busy = busy, .answered = answered},
            .others_delivered = others,
            .proven = proven,
        };
        struct verdict v = verdict_of(&policy, &a, UINT32_MAX);
        char found[128];
        describe(found, sizeof found, &v);
        if (strcmp(found, expected) != 0)
            fail_msg("%s=> %s, not %s", line, found, expected);
        count++;
    }
    fclose(file);
    assert_in_range(count, 60, 1000);
}

/* Full jitter: from 0 to the whole backoff, evenly; large settings do not overflow. */
static void backoff_is_jittered(void **state)
{
    (void)state;
    const struct retry_policy policy = {500, 30000}, huge = {UINT64_C(1) << 62, UINT64_MAX};
    assert_int_equal(retry_wait_ms(&policy, 3, 0), 0);
    assert_int_equal(retry_wait_ms(&policy, 3, UINT32_C(1) << 31), 1000);
    assert_int_equal(retry_wait_ms(&policy, 1000000, UINT32_C(1) << 31), 15000);
    assert_true(retry_wait_ms(&huge, 1, UINT32_C(1) << 31) == UINT64_C(1) << 61);
    const struct retry_policy none = {0, 0};
    assert_int_equal(retry_wait_ms(&none, 10, UINT32_MAX), 0);
}

static void retry_after(void **state)
{
    (void)state;
    FILE *file = open_cases("retry_after.txt");
    char line[256];
    unsigned count = 0;
    while (fgets(line, sizeof line, file)) {
        const char *expected = expectation(line);
        if (!expected)
            continue;
        char *bar = strchr(line, '|');
        uint64_t ms = retry_after_ms(slice_of(line, (size_t)(bar - line)), slice_from(bar + 1));
        if (ms != strtoull(expected, NULL, 10))
            fail_msg("%s=> %llu, not %s", line, (unsigned long long)ms, expected);
        count++;
    }
    fclose(file);
    assert_in_range(count, 20, 1000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(verdicts),
        cmocka_unit_test(backoff_is_jittered),
        cmocka_unit_test(retry_after),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
