/* Whether a file is still what it was, by its first and last KiB, and whether it continues another one. */
#include "follow/identity.h"

#include "limits.h"
#include "support/cmocka_setup.h"
#include "support/temp_dir.h"

#define PLAIN(descriptor) (&(struct file_content){.fd = (descriptor)})

#include <fcntl.h>
#include <unistd.h>

enum { SIZE = 600000 };

struct fixture {
    struct temp_dir dir;
    char *bytes;
};

static void set_up(struct fixture *f)
{
    temp_dir_make(&f->dir);
    f->bytes = malloc(SIZE);
    uint32_t random = 7;
    for (size_t i = 0; i < SIZE; i++) {
        random = random * 1664525 + 1013904223;
        f->bytes[i] = (char)(random >> 24);
    }
}

static void tear_down(struct fixture *f)
{
    free(f->bytes);
    temp_dir_remove(&f->dir);
}

static int write_and_open(struct fixture *f, const char *name, size_t size)
{
    temp_write(&f->dir, name, f->bytes, size);
    int fd = open(temp_path(&f->dir, name), O_RDONLY | O_CLOEXEC);
    assert_true(fd >= 0);
    return fd;
}

static const size_t offsets[] = {0, 1, 15, 16, 500, 1023, 1024, 1025, 2048, 262144, 300001, SIZE};
enum { OFFSETS = sizeof offsets / sizeof *offsets };

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* The same, and a changed byte in the first or last KiB is seen, at every kind of offset. */
static void sees_what_changed(void **state)
{
    (void)state;
    struct fixture f;
    set_up(&f);
    for (size_t i = 1; i < OFFSETS; i++) {
        struct position at;
        struct file_head head;
        int fd = write_and_open(&f, "a", SIZE);
        size_t offset = offsets[i];
        assert_true(identity_position_at(PLAIN(fd), 0, offset, &at));
        assert_true(identity_head(PLAIN(fd), least(offset, LIMIT_FINGERPRINT), &head));
        assert_int_equal(position_offset(&at), offset);
        assert_int_equal(identity_check(PLAIN(fd), &head, &at), IDENTITY_SAME);
        assert_int_equal(identity_continues(PLAIN(fd), 0, &at), IDENTITY_SAME);
        close(fd);
        const size_t changed[] = {0, offset - 1, offset / 2};
        for (size_t c = 0; c < 3; c++) {
            f.bytes[changed[c]] ^= 1;
            fd = write_and_open(&f, "a", SIZE);
            bool is_near = changed[c] < LIMIT_FINGERPRINT || changed[c] + LIMIT_FINGERPRINT >= offset;
            assert_int_equal(identity_check(PLAIN(fd), &head, &at), is_near ? IDENTITY_OTHER : IDENTITY_SAME);
            assert_int_equal(identity_continues(PLAIN(fd), 0, &at), IDENTITY_OTHER); /* all of it is read */
            close(fd);
            f.bytes[changed[c]] ^= 1;
        }
    }
    tear_down(&f);
}

/* The position that is read is the one that position_move() comes to. */
static void position_is_the_mappers(void **state)
{
    (void)state;
    struct fixture f;
    set_up(&f);
    int fd = write_and_open(&f, "a", SIZE);
    for (size_t i = 0; i < OFFSETS; i++) {
        struct position at, moved;
        assert_true(identity_position_at(PLAIN(fd), 0, offsets[i], &at));
        position_init(&moved);
        position_move(&moved, slice_of(f.bytes, offsets[i]), 0);
        assert_true(content_hash_equal(&at.content, &moved.content));
        assert_int_equal(at.tail, moved.tail);
    }
    close(fd);
    tear_down(&f);
}

/* A shorter file: it begins alike, or is empty, and may be an old size; or it begins differently, and is another. */
static void shorter_files(void **state)
{
    (void)state;
    struct fixture f;
    struct position at;
    struct file_head head;
    set_up(&f);
    int fd = write_and_open(&f, "a", 5000);
    assert_true(identity_position_at(PLAIN(fd), 0, 5000, &at));
    assert_true(identity_head(PLAIN(fd), LIMIT_FINGERPRINT, &head));
    close(fd);
    static const size_t sizes[] = {0, 10, 16, 100, 1023, 1024, 4999};
    for (int changed = 0; changed < 2; changed++) {
        for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
            fd = write_and_open(&f, "a", sizes[i]);
            bool is_seen = changed && sizes[i] >= 16;
            assert_int_equal(identity_check(PLAIN(fd), &head, &at), is_seen ? IDENTITY_OTHER : IDENTITY_SHORTER);
            assert_int_equal(identity_continues(PLAIN(fd), 0, &at), IDENTITY_OTHER);
            close(fd);
        }
        f.bytes[3] ^= 1;
    }
    tear_down(&f);
}

/* Of what `start_at: end` skipped only the first and last KiB count. */
static void skipped_bytes(void **state)
{
    (void)state;
    struct fixture f;
    struct position at;
    set_up(&f);
    int fd = write_and_open(&f, "a", SIZE);
    assert_true(identity_position_at(PLAIN(fd), 100000, 200000, &at));
    close(fd);
    static const struct {
        size_t changed;
        enum identity expected;
    } cases[] = {{5, IDENTITY_OTHER},
                 {50000, IDENTITY_SAME},
                 {99999, IDENTITY_OTHER},
                 {150000, IDENTITY_OTHER},
                 {200000, IDENTITY_SAME}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        f.bytes[cases[i].changed] ^= 1;
        fd = write_and_open(&f, "a", SIZE);
        assert_int_equal(identity_continues(PLAIN(fd), 100000, &at), cases[i].expected);
        close(fd);
        f.bytes[cases[i].changed] ^= 1;
    }
    tear_down(&f);
}

static void common_prefix(void **state)
{
    (void)state;
    struct fixture f;
    uint64_t same;
    bool longer;
    set_up(&f);
    static const size_t sizes[] = {0, 1, 262143, 262144, 262145, 524288, SIZE};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        int a = write_and_open(&f, "a", SIZE), b = write_and_open(&f, "b", sizes[i]);
        assert_true(identity_common_prefix(PLAIN(a), PLAIN(b), &same, &longer));
        assert_int_equal(same, sizes[i]);
        assert_int_equal(longer, sizes[i] < SIZE);
        assert_true(identity_common_prefix(PLAIN(b), PLAIN(a), &same, &longer));
        assert_int_equal(same, sizes[i]);
        assert_false(longer);
        if (sizes[i]) {
            size_t changed = sizes[i] - 1;
            f.bytes[changed] ^= 1;
            close(b);
            b = write_and_open(&f, "b", sizes[i]);
            assert_true(identity_common_prefix(PLAIN(a), PLAIN(b), &same, &longer));
            assert_int_equal(same, changed);
            assert_true(longer);
            f.bytes[changed] ^= 1;
        }
        close(a);
        close(b);
    }
    tear_down(&f);
}

static struct {
    int fd; /* -1: none grows */
    const char *path, *bytes;
    size_t len;
} growing = {.fd = -1};

/* A file that grows as soon as its end was read. */
ssize_t __wrap_pread(int fd, void *to, size_t len, off_t offset);
ssize_t __real_pread(int fd, void *to, size_t len, off_t offset);
ssize_t __wrap_pread(int fd, void *to, size_t len, off_t offset)
{
    ssize_t n = __real_pread(fd, to, len, offset);
    if (n == 0 && fd == growing.fd) {
        int copy = open(growing.path, O_WRONLY | O_APPEND | O_CLOEXEC);
        assert_int_equal(write(copy, growing.bytes, growing.len), growing.len);
        close(copy);
        growing.fd = -1;
    }
    return n;
}

/* A copy that is being made has never more than the one that it is a copy of. */
static void a_copy_that_grows(void **state)
{
    (void)state;
    struct fixture f;
    uint64_t same;
    bool longer;
    enum { COPIED = 300000 };
    set_up(&f);
    int original = write_and_open(&f, "original", SIZE), copy = write_and_open(&f, "copy", COPIED);
    char *path = strdup(temp_path(&f.dir, "copy"));
    growing.fd = copy;
    growing.path = path;
    growing.bytes = f.bytes + COPIED;
    growing.len = SIZE - COPIED;
    assert_true(identity_common_prefix(PLAIN(copy), PLAIN(original), &same, &longer));
    assert_int_equal(growing.fd, -1);
    assert_int_equal(same, COPIED);
    assert_false(longer);
    free(path);
    close(original);
    close(copy);
    tear_down(&f);
}

/* What cannot be read is no answer. */
static void unreadable(void **state)
{
    (void)state;
    struct position at = {.content.len = 10};
    struct file_head head = {.len = 10};
    assert_int_equal(identity_check(PLAIN(-1), &head, &at), IDENTITY_UNREADABLE);
    assert_int_equal(identity_continues(PLAIN(-1), 0, &at), IDENTITY_UNREADABLE);
    uint64_t same;
    bool longer;
    assert_false(identity_common_prefix(PLAIN(-1), PLAIN(-1), &same, &longer));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sees_what_changed), cmocka_unit_test(position_is_the_mappers),
        cmocka_unit_test(shorter_files),     cmocka_unit_test(skipped_bytes),
        cmocka_unit_test(common_prefix),     cmocka_unit_test(a_copy_that_grows),
        cmocka_unit_test(unreadable),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
