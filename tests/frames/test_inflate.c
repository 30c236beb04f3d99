/* Gzip files: whole, in several members, cut, damaged; given and taken in pieces of any size. */
#include "gzip_bytes.h"
#include "support/cmocka_setup.h"
#include "text/inflate.h"

#include <stdlib.h>

enum { CONTENT = 100000 };

static struct buffer content; /* compresses neither well nor not at all */

static int make_content(void **state)
{
    (void)state;
    uint32_t random = 1;
    buffer_init(&content, CONTENT + 100);
    while (content.len < CONTENT) {
        random = random * 1664525 + 1013904223;
        buffer_printf(&content, "{\"n\":%u,\"text\":\"always the same\"}\n", random >> 8);
    }
    return 0;
}

static int free_content(void **state)
{
    (void)state;
    buffer_release(&content);
    return 0;
}

/* Inflates with pieces of so many bytes; appends to `out`, which is exactly as large as what is in it. */
static enum inflate_status inflate_all(struct slice file, size_t in_step, size_t out_step, struct buffer *out)
{
    struct inflater *f = inflater_new();
    enum inflate_status status = INFLATE_WHOLE;
    char *room = malloc(out_step);
    assert_true(f && room);
    for (size_t at = 0; at < file.len; at += in_step) {
        struct slice in = slice_of(file.text + at, file.len - at < in_step ? file.len - at : in_step);
        size_t written;
        do {
            status = inflater_run(f, &in, room, out_step, &written);
            buffer_add(out, slice_of(room, written));
            assert_int_equal(inflater_offset(f), out->len);
        } while (status == INFLATE_GOES_ON && written > 0);
        assert_true(in.len == 0 || status == INFLATE_DAMAGED);
        if (status == INFLATE_DAMAGED)
            break;
    }
    free(room);
    inflater_free(f);
    return status;
}

static void expect(struct slice file, struct slice wanted, enum inflate_status status)
{
    static const size_t steps[] = {1, 7, 4096, 1 << 20};
    for (size_t i = 0; i < 4; i++) {
        for (size_t j = 0; j < 4; j++) {
            struct buffer out;
            buffer_init(&out, 10 * CONTENT);
            assert_int_equal(inflate_all(file, steps[i], steps[j], &out), status);
            assert_true(slice_equal(buffer_slice(&out), wanted));
            buffer_release(&out);
        }
    }
}

static struct buffer file_of(struct slice first, struct slice second, struct slice behind)
{
    struct buffer file;
    buffer_init(&file, 10 * CONTENT);
    gzip_add(&file, first);
    gzip_add(&file, second);
    buffer_add(&file, behind);
    return file;
}

/* The contents of the members are one; nothing at all is a whole file too. */
static void members_are_one_content(void **state)
{
    (void)state;
    struct slice first = slice_of(content.data, 60000), rest = slice_from_offset(buffer_slice(&content), 60000);
    struct buffer file = file_of(first, rest, SLICE(""));
    expect(buffer_slice(&file), buffer_slice(&content), INFLATE_WHOLE);
    buffer_release(&file);
    file = file_of(SLICE(""), buffer_slice(&content), SLICE("\0\0\0\0"));
    expect(buffer_slice(&file), buffer_slice(&content), INFLATE_WHOLE);
    buffer_release(&file);
    expect(SLICE(""), SLICE(""), INFLATE_WHOLE);
}

/* Cut anywhere: what comes out is a beginning of the content, and that there is no end is seen. */
static void a_cut_file_gives_its_beginning(void **state)
{
    (void)state;
    struct slice small = slice_of(content.data, 2000);
    struct buffer file;
    buffer_init(&file, CONTENT);
    gzip_add(&file, small);
    size_t most = 0;
    for (size_t len = 1; len < file.len; len++) {
        struct buffer out;
        buffer_init(&out, CONTENT);
        assert_int_equal(inflate_all(slice_of(file.data, len), 100, 100, &out), INFLATE_GOES_ON);
        assert_true(out.len >= most && slice_starts_with(small, buffer_slice(&out)));
        most = out.len;
        buffer_release(&out);
    }
    assert_int_equal(most, small.len);
    buffer_release(&file);
}

/* A changed byte in the data, its check or its length, and rubbish behind a member, are damage. */
static void damage_is_seen(void **state)
{
    (void)state;
    struct buffer file, out;
    buffer_init(&file, CONTENT);
    buffer_init(&out, 10 * CONTENT);
    gzip_add(&file, slice_of(content.data, 2000));
    for (size_t at = 10; at < file.len; at++) {
        file.data[at] = (char)(file.data[at] ^ 0x10);
        buffer_clear(&out);
        enum inflate_status status = inflate_all(buffer_slice(&file), 100, 100, &out);
        assert_true(status == INFLATE_DAMAGED || status == INFLATE_GOES_ON);
        file.data[at] = (char)(file.data[at] ^ 0x10);
    }
    buffer_release(&out);
    size_t len = file.len;
    buffer_add(&file, SLICE("rubbish"));
    expect(buffer_slice(&file), slice_of(content.data, 2000), INFLATE_DAMAGED);
    file.len = len;
    buffer_add(&file, SLICE("\0\0xyz"));
    expect(buffer_slice(&file), slice_of(content.data, 2000), INFLATE_DAMAGED);
    expect(SLICE("\0\0\0"), SLICE(""), INFLATE_DAMAGED);
    buffer_release(&file);
}

/* No more comes out than there is room for, however much is in it. */
static void a_bomb_is_taken_by_the_spoon(void **state)
{
    (void)state;
    struct buffer file;
    char *zeros = calloc(1, 1 << 24), room[1000];
    struct inflater *f = inflater_new();
    assert_true(zeros && f);
    buffer_init(&file, 1 << 25);
    gzip_add(&file, slice_of(zeros, 1 << 24));
    assert_true(file.len < 20000);
    struct slice in = buffer_slice(&file);
    size_t written;
    for (int i = 1; i <= 10; i++) {
        assert_int_equal(inflater_run(f, &in, room, sizeof room, &written), INFLATE_GOES_ON);
        assert_int_equal(written, sizeof room);
    }
    assert_int_equal(inflater_offset(f), 10 * sizeof room);
    inflater_free(f);
    inflater_free(NULL);
    buffer_release(&file);
    free(zeros);
}

static void a_gzip_file_is_known_by_its_start(void **state)
{
    (void)state;
    assert_true(inflate_is_gzip(SLICE("\x1f\x8b\x08")));
    assert_false(inflate_is_gzip(SLICE("\x1f")));
    assert_false(inflate_is_gzip(SLICE("{}")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(members_are_one_content),
        cmocka_unit_test(a_cut_file_gives_its_beginning),
        cmocka_unit_test(damage_is_seen),
        cmocka_unit_test(a_bomb_is_taken_by_the_spoon),
        cmocka_unit_test(a_gzip_file_is_known_by_its_start),
    };
    return cmocka_run_group_tests(tests, make_content, free_content);
}
