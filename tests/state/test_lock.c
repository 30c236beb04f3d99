/* One agent for each state directory. */
#include "state/lock.h"

#include "support/cmocka_setup.h"
#include "support/temp_dir.h"

#include <sys/wait.h>
#include <unistd.h>

/* The second one is refused and told who holds it; when the holder is gone, however it went, the next one gets it. */
static void second_is_told_who_holds_it(void **state)
{
    (void)state;
    struct temp_dir dir;
    temp_dir_make(&dir);
    struct lock first, second;
    struct error error;
    assert_true(lock_take(&first, dir.path, &error));
    assert_false(lock_take(&second, dir.path, &error));
    char pid[32];
    snprintf(pid, sizeof pid, "pid %ld on ", (long)getpid());
    assert_non_null(strstr(error.text, pid));
    assert_non_null(strstr(error.text, dir.path));
    lock_release(&first);
    lock_release(&first); /* twice does nothing */

    pid_t child = fork();
    if (child == 0)
        _exit(lock_take(&second, dir.path, &error) ? 0 : 1); /* dies with the lock held */
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    assert_true(lock_take(&second, dir.path, &error));
    lock_release(&second);
    temp_dir_remove(&dir);
}

/* What is in the lock file is printed only as far as it is plain text. */
static void holder_cannot_speak_to_the_terminal(void **state)
{
    (void)state;
    struct temp_dir dir;
    temp_dir_make(&dir);
    struct lock first, second;
    struct error error;
    assert_true(lock_take(&first, dir.path, &error));
    temp_write(&dir, "lock", "pid 1\x1b[2Jxx", 11);
    assert_false(lock_take(&second, dir.path, &error));
    assert_non_null(strstr(error.text, "(pid 1)"));
    lock_release(&first);
    temp_dir_remove(&dir);
}

/* Where the directory is missing, the reason names the file. */
static void missing_directory_is_named(void **state)
{
    (void)state;
    struct lock lock;
    struct error error;
    assert_false(lock_take(&lock, "/nonexistent/state", &error));
    assert_string_equal(error.text, "open '/nonexistent/state/lock': No such file or directory");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(second_is_told_who_holds_it),
        cmocka_unit_test(holder_cannot_speak_to_the_terminal),
        cmocka_unit_test(missing_directory_is_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
