/* `tests:` (contract 5): lines and the calls that they must give. */
#include "settings.h"

static const struct setting test_rows[] = {
    ELSEWHERE("name"), ELSEWHERE("input"), ELSEWHERE("line"), ELSEWHERE("lines"), REQUIRED_ELSEWHERE("expect"),
};
static const struct section test_section = SECTION_OF("test", test_rows);

/* What a call may be expected to have: the members of the wire. */
static const struct setting event_rows[] = {
    ELSEWHERE("event"),   ELSEWHERE("event_id"),   ELSEWHERE("user_id"),     ELSEWHERE("timestamp"),
    ELSEWHERE("ai_data"), ELSEWHERE("properties"), ELSEWHERE("attachments"),
};
static const struct setting signal_rows[] = {
    ELSEWHERE("event_id"),  ELSEWHERE("signal_name"), ELSEWHERE("signal_type"),   ELSEWHERE("sentiment"),
    ELSEWHERE("timestamp"), ELSEWHERE("properties"),  ELSEWHERE("attachment_id"),
};
static const struct setting identify_rows[] = {ELSEWHERE("user_id"), ELSEWHERE("traits")};
static const struct section expected_sections[ENDPOINT_COUNT] = {
    [ENDPOINT_EVENT] = SECTION_OF("expected event", event_rows),
    [ENDPOINT_SIGNAL] = SECTION_OF("expected signal", signal_rows),
    [ENDPOINT_IDENTIFY] = SECTION_OF("expected identify", identify_rows),
};
static const char *const endpoint_keys[] = {"event", "signal", "identify"};

/* A string is the raw line, anything else the JSON of it. */
static void read_line(struct loader *l, const struct yaml_node *node, struct slice *line)
{
    struct value v;
    struct buffer json;
    if (!value_verbatim(l, node, &v))
        return;
    if (v.type == VALUE_STRING) {
        *line = v.text;
        return;
    }
    buffer_init_in(&json, l->arena);
    value_write(&json, &v);
    *line = buffer_slice(&json);
}

static void read_lines(struct loader *l, const struct yaml_node *node, struct config_test *test)
{
    const struct yaml_member *one = yaml_member_of(node, "line"), *many = yaml_member_of(node, "lines");
    if (!one == !many) {
        loader_error(l, one ? many->key_place : node->place,
                     one ? "line and lines cannot both be given" : "missing key \"line\" or \"lines\" in test");
        return;
    }
    if (many && (many->value->type != YAML_LIST || many->value->count == 0)) {
        loader_error(l, many->value->place, "lines in test must be a list of lines");
        return;
    }
    size_t count = many ? many->value->count : 1;
    struct slice *lines = arena_calloc(l->arena, count, sizeof *lines);
    for (size_t i = 0; i < count && lines; i++)
        read_line(l, many ? many->value->items[i] : one->value, &lines[i]);
    test->lines = lines;
    test->line_count = count;
}

static void read_expected(struct loader *l, const struct yaml_node *node, struct expected_call *call)
{
    call->place = node->place;
    call->call = value_of_null();
    for (unsigned e = 0; e < ENDPOINT_COUNT && node->type == YAML_MAP && node->count == 1; e++) {
        if (!slice_is(node->members[0].key, endpoint_keys[e]))
            continue;
        call->endpoint = e;
        if (section_check(l, &expected_sections[e], node->members[0].value) &&
            !value_verbatim(l, node->members[0].value, &call->call))
            call->call = value_of_null();
        return;
    }
    if (node->type == YAML_MAP && node->count == 1)
        loader_error(l, node->members[0].key_place, "unknown key \"%.*s\" in expect%s", SLICE_FMT(node->members[0].key),
                     did_you_mean(l, node->members[0].key, endpoint_keys, ENDPOINT_COUNT));
    else
        loader_error(l, node->place, "a call in expect must be a map with one key: event, signal or identify");
}

static void read_expect(struct loader *l, const struct yaml_node *list, struct config_test *test)
{
    if (list->type != YAML_LIST) {
        loader_error(l, list->place, "expect in test must be a list of calls");
        return;
    }
    struct expected_call *calls = arena_calloc(l->arena, list->count, sizeof *calls);
    for (size_t i = 0; i < list->count && calls; i++)
        read_expected(l, list->items[i], &calls[i]);
    test->expected = calls;
    test->expected_count = list->count;
}

static void read_input_of(struct loader *l, const struct yaml_node *node, struct config_test *test)
{
    const struct config *c = l->config;
    struct scalar name;
    if (!scalar_name(l, node, "input in test", &name))
        return;
    const char **names = arena_calloc(l->arena, c->input_count, sizeof *names);
    for (size_t i = 0; i < c->input_count && names; i++) {
        names[i] = c->inputs[i].name;
        if (slice_is(name.text, names[i])) {
            test->input = i;
            return;
        }
    }
    if (name.secret || !names)
        loader_error(l, node->place, "unknown input");
    else
        loader_error(l, node->place, "unknown input \"%s\"%s", name.text.text,
                     did_you_mean(l, name.text, names, c->input_count));
}

static void read_test(struct loader *l, const struct yaml_node *node, size_t place, struct config_test *test)
{
    char text[32];
    int n = snprintf(text, sizeof text, "test-%zu", place + 1);
    struct scalar name;
    *test = (struct config_test){.name = arena_copy(l->arena, slice_of(text, (size_t)n)), .place = node->place};
    if (!section_check(l, &test_section, node))
        return;
    if (yaml_get(node, "name") && scalar_name(l, yaml_get(node, "name"), "name in test", &name))
        test->name = name.text;
    if (yaml_get(node, "input"))
        read_input_of(l, yaml_get(node, "input"), test);
    read_lines(l, node, test);
    if (yaml_get(node, "expect"))
        read_expect(l, yaml_get(node, "expect"), test);
}

void tests_read(struct loader *l)
{
    struct config_test *tests = NULL;
    size_t count = 0;
    for (size_t d = 0; d < l->document_count; d++) {
        const struct yaml_node *list = yaml_get(l->documents[d].root, "tests");
        if (list && list->type != YAML_LIST)
            loader_error(l, list->place, "tests must be a list of tests");
        for (size_t i = 0; list && list->type == YAML_LIST && i < list->count; i++) {
            tests = arena_grow_array(l->arena, tests, count, sizeof *tests);
            if (!tests)
                return;
            read_test(l, list->items[i], i, &tests[count++]);
        }
    }
    l->config->tests = tests;
    l->config->test_count = count;
}
