/* Files that are replaced whole or not at all. */
#include "state/file_io.h"

#include "support/cmocka_setup.h"
#include "support/faults.h"
#include "support/temp_dir.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

static int set_up(void **state)
{
    static struct temp_dir dir;
    temp_dir_make(&dir);
    *state = &dir;
    return 0;
}

static int tear_down(void **state)
{
    temp_dir_remove(*state);
    return 0;
}

/* Each operation fails in turn: the file is the old or the new one, whole, and nothing else lies about. */
static void replace_is_all_or_nothing(void **state)
{
    struct temp_dir *dir = *state;
    const char *path = temp_path(dir, "f");
    const struct slice parts[] = {SLICE("new "), SLICE("content")};
    unsigned failures = 0;
    for (unsigned nth = 1;; nth++) {
        temp_write(dir, "f", "old", 3);
        struct error error = {0};
        faults_arm(nth, EIO);
        bool done = file_replace(path, parts, 2, NULL, &error);
        bool came = faults_disarm();
        assert_int_equal(done, !came);
        char *text = temp_read(dir, "f", NULL);
        assert_true(strcmp(text, "new content") == 0 || (!done && strcmp(text, "old") == 0));
        free(text);
        assert_int_equal(temp_count(dir, "f"), 1);
        if (!came)
            break;
        assert_non_null(strstr(error.text, "Input/output error"));
        failures++;
    }
    assert_in_range(failures, 5, 10);
}

/* The descriptor that is handed back is of the new file and appends; the mode is 0600 whatever the old one's was. */
static void replaced_file_stays_open(void **state)
{
    struct temp_dir *dir = *state;
    temp_write(dir, "f", "old", 3);
    chmod(temp_path(dir, "f"), 0666);
    struct error error;
    int fd;
    assert_true(file_replace(temp_path(dir, "f"), &SLICE("new"), 1, &fd, &error));
    assert_true(file_write_all(fd, SLICE(", more")));
    struct stat found;
    assert_int_equal(fstat(fd, &found), 0);
    assert_int_equal(found.st_mode & 07777, 0600);
    close(fd);
    char *text = temp_read(dir, "f", NULL);
    assert_string_equal(text, "new, more");
    free(text);
}

/* A whole file is read, up to the limit and not a byte above; of an empty one comes an empty text. */
static void reads_up_to_the_limit(void **state)
{
    struct temp_dir *dir = *state;
    size_t len = 300000;
    char *big = malloc(len);
    memset(big, 'x', len);
    temp_write(dir, "f", big, len);
    int fd = file_open_regular(temp_path(dir, "f"), O_RDONLY);
    char *text;
    size_t got;
    assert_true(file_read_all(fd, len, &text, &got));
    assert_int_equal(got, len);
    assert_memory_equal(text, big, len);
    free(text);
    free(big);
    assert_false(file_read_all(fd, len - 1, &text, &got));
    assert_int_equal(errno, EFBIG);
    assert_int_equal(ftruncate(open(temp_path(dir, "f"), O_WRONLY | O_CLOEXEC), 0), 0);
    assert_true(file_read_all(fd, 0, &text, &got));
    assert_int_equal(got, 0);
    assert_string_equal(text, "");
    free(text);
    close(fd);
}

/* A FIFO does not make it wait, and neither that nor a directory is opened. */
static void opens_regular_files_only(void **state)
{
    struct temp_dir *dir = *state;
    assert_int_equal(mkfifo(temp_path(dir, "fifo"), 0600), 0);
    assert_int_equal(file_open_regular(temp_path(dir, "fifo"), O_RDONLY), -1);
    assert_int_equal(errno, EINVAL);
    assert_int_equal(file_open_regular(dir->path, O_RDONLY), -1);
    assert_int_equal(file_open_regular(temp_path(dir, "none"), O_RDONLY), -1);
    assert_int_equal(errno, ENOENT);
}

/* The temporary file's name may have been put there as a link to something else: that is not written to. */
static void follows_no_planted_link(void **state)
{
    struct temp_dir *dir = *state;
    temp_write(dir, "victim", "precious", 8);
    assert_int_equal(symlink(temp_path(dir, "victim"), temp_path(dir, "f.tmp")), 0);
    struct error error;
    assert_false(file_replace(temp_path(dir, "f"), &SLICE("new"), 1, NULL, &error));
    char *text = temp_read(dir, "victim", NULL);
    assert_string_equal(text, "precious");
    free(text);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(replace_is_all_or_nothing), TEST(replaced_file_stays_open), TEST(reads_up_to_the_limit),
        TEST(opens_regular_files_only),  TEST(follows_no_planted_link),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
