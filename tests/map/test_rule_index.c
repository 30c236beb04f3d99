/* Rules that are found by a member's text are those that trying one after the other finds. */
#include "map/mapping.h"

#include "support/cmocka_setup.h"

/* Given one, the mapper tries every rule. */
static void explain_nothing(void *context, const struct explanation *e)
{
    (void)context, (void)e;
}

static void map(const struct buffer *config, const struct buffer *log, bool one_by_one, struct buffer *ret_shown)
{
    struct mapping m;
    size_t end = log->len;
    mapping_begin(&m, buffer_slice(config));
    if (one_by_one)
        mapper_explain(m.mapper, (struct map_explainer){.explain = explain_nothing});
    mapping_take(&m, buffer_slice(log), &end, 1, SIZE_MAX);
    buffer_clear(ret_shown);
    buffer_add(ret_shown, buffer_slice(&m.shown));
    mapping_end(&m);
}

static uint32_t random_below(uint32_t *seed, uint32_t n)
{
    *seed = *seed * 1664525 + 1013904223;
    return (*seed >> 16) % n;
}

static const char *const texts[] = {"a", "b", "c", "ab", "", "é", "x\\\\y", "llm.completion"};
enum { TEXTS = sizeof texts / sizeof *texts };

static void add_when(struct buffer *out, uint32_t *seed)
{
    const char *member = random_below(seed, 5) ? "$.msg" : "$.user.id";
    const char *one = texts[random_below(seed, TEXTS)], *other = texts[random_below(seed, TEXTS)];
    static const char *const ways[] = {"starts_with", "ends_with", "contains", "ne", "gt", "lte", "matches"};
    enum { WAYS = sizeof ways / sizeof *ways };
    switch (random_below(seed, 13)) {
    case 0:
    case 1:
        buffer_printf(out, "{%s: \"%s\"}", member, one);
        break;
    case 2:
        buffer_printf(out, "{%s: [\"%s\", \"%s\", \"%s\"]}", member, one, other, one);
        break;
    case 3:
        buffer_printf(out, "{%s: \"%s\", $.n: {lt: 5}}", member, one);
        break;
    case 4:
        buffer_printf(out, "{%s: [\"%s\", 1]}", member, one);
        break;
    case 5:
        buffer_printf(out, "{any: [{%s: \"%s\"}, {$.n: 3}]}", member, one);
        break;
    case 6:
        buffer_printf(out, "{%s: {exists: %s}, $.n: {gt: %u}}", member, random_below(seed, 2) ? "true" : "false",
                      random_below(seed, 9));
        break;
    case 7:
    case 8:
        buffer_printf(out, "{%s: {%s: \"%s\"}}", member, ways[random_below(seed, WAYS)],
                      one[0] && one[0] != 'x' ? one : "x");
        break;
    case 9:
        buffer_printf(out, "{$.n: {gte: %u, lt: %u.5}, $.msg: \"%s\", $.user.id: \"%s\"}", random_below(seed, 9),
                      random_below(seed, 9), one, other);
        break;
    case 10:
        buffer_printf(out, "{$.n: %u}", random_below(seed, 9));
        break;
    case 11:
        buffer_printf(out, "{not: {%s: \"%s\"}, $.gone: {exists: false}}", member, one);
        break;
    default:
        buffer_printf(out, "{%s: {ne: \"%s\"}, $.n: %u}", member, one, random_below(seed, 9));
    }
}

static void add_rules(struct buffer *out, uint32_t *seed)
{
    buffer_add_text(out, "inputs: [{paths: [/logs/*]}, {name: other, paths: [/other/*]}]\nrules:\n");
    for (int i = 0; i < 24; i++) {
        buffer_printf(out, "  - {name: r%d, when: ", i);
        add_when(out, seed);
        buffer_printf(out, ", continue: %s%s, event: {event: e, user_id: u, ai_data: {input: $.n}}}\n",
                      random_below(seed, 2) ? "true" : "false", random_below(seed, 6) ? "" : ", inputs: [other]");
    }
}

static void add_log(struct buffer *out, uint32_t *seed)
{
    static const char *const odd[] = {"1", "null", "[\"a\"]", "\"\\u0061\"", "\"a\",\"msg\":\"b\""};
    for (int i = 0; i < 60; i++) {
        buffer_printf(out, "{\"n\":%u,\"user\":{\"id\":\"%s\"},\"msg\":", random_below(seed, 9),
                      texts[random_below(seed, TEXTS)]);
        if (random_below(seed, 4))
            buffer_printf(out, "\"%s\"}\n", texts[random_below(seed, TEXTS)]);
        else
            buffer_printf(out, "%s}\n", odd[random_below(seed, 5)]);
    }
}

static void the_same_rules_are_found(void **state)
{
    (void)state;
    struct buffer config, log, found, tried;
    buffer_init(&config, 1 << 20);
    buffer_init(&log, 1 << 20);
    buffer_init(&found, 64 << 20);
    buffer_init(&tried, 64 << 20);
    for (uint32_t round = 0; round < 40; round++) {
        uint32_t seed = round * 7919 + 1;
        buffer_clear(&config);
        buffer_clear(&log);
        add_rules(&config, &seed);
        add_log(&log, &seed);
        map(&config, &log, false, &found);
        map(&config, &log, true, &tried);
        assert_true(found.len > 1000 && slice_equal(buffer_slice(&found), buffer_slice(&tried)));
    }
    buffer_release(&config);
    buffer_release(&log);
    buffer_release(&found);
    buffer_release(&tried);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_same_rules_are_found),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
