/* How ids are made never changes between versions: known answers, computed by another implementation. */
#include "map/event_id.h"
#include "support/cmocka_setup.h"

static void assert_id(const unsigned char bytes[16], const char *text)
{
    char got[UUID_TEXT + 1] = {0};
    struct uuid id;
    memcpy(id.bytes, bytes, sizeof id.bytes);
    uuid_write(&id, got);
    assert_string_equal(got, text);
}

/* A file's id, its line's, and that of the third element of its rule's second call. */
static void ids_are_fixed(void **state)
{
    (void)state;
    struct slice line = SLICE("{\"a\":1}");
    struct uuid line_id, event_id;
    struct file_id file = file_id_of(2049, 131, 0, line);
    assert_true(line_id_of(&file, 812, line, &line_id));
    assert_true(event_id_of(&line_id, SLICE("completion"), (struct call_place){0, 1, 2}, &event_id));
    assert_id(file.bytes, "96c28012-b55e-58d6-a2c5-e2b5c82a1f9b");
    assert_id(line_id.bytes, "7bbfc844-77aa-5f78-a485-c00879c7da63");
    assert_id(event_id.bytes, "69abb3c9-3fc8-5d42-85b2-3dcdb453511b");
    struct file_id name = file_id_of_name(SLICE("-"));
    assert_id(name.bytes, "bc2a023b-28b2-5614-b0ef-df09baedd6ef");
}

/* Each of what they are made of makes another id. */
static void all_parts_count(void **state)
{
    (void)state;
    struct slice line = SLICE("{\"a\":1}"), other = SLICE("{\"a\":2}");
    struct file_id ids[] = {file_id_of(1, 2, 3, line), file_id_of(2, 2, 3, line), file_id_of(1, 3, 3, line),
                            file_id_of(1, 2, 4, line), file_id_of(1, 2, 3, other)};
    for (size_t i = 0; i < 5; i++)
        for (size_t j = 0; j < i; j++)
            assert_memory_not_equal(ids[i].bytes, ids[j].bytes, 16);
    struct uuid lines[4], events[5];
    assert_true(line_id_of(&ids[0], 1, line, &lines[0]) && line_id_of(&ids[1], 1, line, &lines[1]) &&
                line_id_of(&ids[0], 2, line, &lines[2]) && line_id_of(&ids[0], 1, other, &lines[3]));
    for (size_t i = 0; i < 4; i++)
        for (size_t j = 0; j < i; j++)
            assert_memory_not_equal(lines[i].bytes, lines[j].bytes, 16);
    assert_true(event_id_of(&lines[0], SLICE("r"), (struct call_place){1, 1, 1}, &events[0]) &&
                event_id_of(&lines[0], SLICE("s"), (struct call_place){1, 1, 1}, &events[1]) &&
                event_id_of(&lines[0], SLICE("r"), (struct call_place){0, 1, 1}, &events[2]) &&
                event_id_of(&lines[0], SLICE("r"), (struct call_place){1, 0, 1}, &events[3]) &&
                event_id_of(&lines[0], SLICE("r"), (struct call_place){1, 1, 0}, &events[4]));
    for (size_t i = 0; i < 5; i++)
        for (size_t j = 0; j < i; j++)
            assert_memory_not_equal(events[i].bytes, events[j].bytes, 16);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ids_are_fixed),
        cmocka_unit_test(all_parts_count),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
