/* What a path says of a container: cases/container_paths.txt. */
#include "frames/container_path.h"
#include "support/cmocka_setup.h"

#include <stdio.h>

static void write_part(char *out, size_t size, struct slice part, const char *behind)
{
    size_t len = strlen(out);
    snprintf(out + len, size - len, "%.*s%s", (int)(part.len ? part.len : 1), part.len ? part.text : "-", behind);
}

static void paths_name_their_containers(void **state)
{
    (void)state;
    char line[512];
    int cases = 0;
    FILE *file = fopen(CASES "/container_paths.txt", "r");
    assert_non_null(file);
    while (fgets(line, sizeof line, file)) {
        char *expected = strstr(line, " | "), got[2048] = "";
        if (line[0] == '#' || !expected)
            continue;
        *expected = '\0';
        expected += 3;
        expected[strcspn(expected, "\n")] = '\0';
        struct container_path c;
        bool is_one = container_path_read(slice_from(line), &c);
        if (is_one) {
            write_part(got, sizeof got, c.namespace_, " ");
            write_part(got, sizeof got, c.pod, " ");
            write_part(got, sizeof got, c.container, " ");
            write_part(got, sizeof got, c.pod_uid, "");
        } else {
            assert_true(c.pod.len == 0 && c.namespace_.len == 0 && c.container.len == 0 && c.pod_uid.len == 0);
            snprintf(got, sizeof got, "none");
        }
        if (strcmp(got, expected) != 0)
            fail_msg("%s: got %s", line, got);
        cases++;
    }
    fclose(file);
    print_message("%d cases\n", cases);
    assert_true(cases >= 20);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(paths_name_their_containers)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
