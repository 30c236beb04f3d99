/* The checkpoint's format: what is written is read again, and what is damaged is seen. */
#include "wire/journal.h"

#include "base/arena.h"
#include "support/cmocka_setup.h"

static struct checkpoint_entry an_entry(void)
{
    struct checkpoint_entry e = {
        .key = 7,
        .path = SLICE("/var/log/a.jsonl"),
        .device = 2049,
        .inode = UINT64_MAX,
        .generation = 1,
        .offset = 812,
        .content_h = 0x0123456789abcdef,
        .content_pending = 0xff,
        .tail = 1,
        .head_len = 812,
        .head = 0xfedcba9876543210,
        .first_line = 2,
        .skipped = 3,
        .size = 900,
        .last_seen_ms = 1764040000123,
    };
    memcpy(e.id, "\x00\x11\x22\x33\x44\x55\x66\x77\x88\x99\xaa\xbb\xcc\xdd\xee\xff", 16);
    return e;
}

static void assert_same_entry(const struct checkpoint_entry *a, const struct checkpoint_entry *b)
{
    assert_true(slice_equal(a->path, b->path));
    assert_true(slice_equal(a->real_path, b->real_path));
    struct checkpoint_entry x = *a, y = *b;
    x.path = y.path = (struct slice){0};
    assert_int_equal(x.key, y.key);
    assert_memory_equal(&x.device, &y.device,
                        offsetof(struct checkpoint_entry, open) - offsetof(struct checkpoint_entry, device));
    assert_true(slice_equal(a->open, b->open));
    assert_int_equal(x.skipping, y.skipping);
    assert_int_equal(x.gz, y.gz);
    assert_int_equal(x.gone, y.gone);
}

struct fixture {
    struct buffer text;
    struct arena arena;
};

static int set_up(void **state)
{
    static struct fixture f;
    buffer_init(&f.text, 1 << 20);
    arena_init(&f.arena, 1 << 20);
    *state = &f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    buffer_release(&f->text);
    arena_release(&f->arena);
    return 0;
}

/* The format is a promise to later releases: this text never changes. */
static void format_is_pinned(void **state)
{
    struct fixture *f = *state;
    journal_write_header(&f->text);
    journal_write(&f->text, &(struct journal_record){.kind = JOURNAL_URL, .url = SLICE("https://api.raindrop.ai/v1")});
    journal_write(&f->text, &(struct journal_record){.kind = JOURNAL_INPUT, .input = SLICE("chat")});
    struct checkpoint_entry e = an_entry();
    journal_write(&f->text, &(struct journal_record){.kind = JOURNAL_FILE, .entry = e});
    e.skipping = e.gz = e.gone = true;
    e.stderr_ahead = 17;
    e.stdout_skip = 3;
    e.gz_end = 600;
    e.gz_tail = UINT64_MAX;
    e.born_ns = 1764040000123456789;
    e.path = SLICE("/var/log/\xff");
    journal_write(&f->text, &(struct journal_record){.kind = JOURNAL_FILE, .entry = e});
    journal_write(&f->text, &(struct journal_record){.kind = JOURNAL_FORGET, .entry = {.key = 7}});
    journal_write(&f->text, &(struct journal_record){.kind = JOURNAL_TOGETHER, .together = 2});
    e = an_entry();
    e.open = SLICE("900 0 0 1 0 1 0");
    journal_write(&f->text, &(struct journal_record){.kind = JOURNAL_FILE, .entry = e});
    buffer_add_char(&f->text, '\0');
    assert_string_equal(
        f->text.data,
        "raingauge-checkpoint 1 written-by " RAINGAUGE_VERSION "\n"
        "7fa61609 {\"url\":\"https://api.raindrop.ai/v1\"}\n"
        "552837c8 {\"input\":\"chat\"}\n"
        "92964e02 "
        "{\"file\":7,\"path\":\"/var/log/a.jsonl\",\"id\":\"00112233445566778899aabbccddeeff\",\"device\":2049,"
        "\"inode\":18446744073709551615,\"generation\":1,\"offset\":812,\"content\":\"0123456789abcdef\","
        "\"pending\":\"00000000000000ff\",\"tail\":\"0000000000000001\",\"head_len\":812,"
        "\"head\":\"fedcba9876543210\",\"first_line\":\"0000000000000002\",\"skipped\":3,\"size\":900,"
        "\"last_seen\":1764040000123}\n"
        "e5f4dcbb {\"file\":7,\"path_hex\":\"2f7661722f6c6f672fff\",\"id\":\"00112233445566778899aabbccddeeff\","
        "\"device\":2049,\"inode\":18446744073709551615,\"generation\":1,\"offset\":812,"
        "\"content\":\"0123456789abcdef\",\"pending\":\"00000000000000ff\",\"tail\":\"0000000000000001\","
        "\"head_len\":812,\"head\":\"fedcba9876543210\",\"first_line\":\"0000000000000002\",\"skipped\":3,\"size\":900,"
        "\"last_seen\":1764040000123,\"stderr_ahead\":17,\"stdout_skip\":3,\"gz_end\":600,\"gz_tail\":"
        "18446744073709551615,\"born\":1764040000123456789,\"skipping\":true,\"gz\":true,\"gone\":true}"
        "\n"
        "c6a579e7 {\"forget\":7}\n"
        "cd0ae2eb {\"together\":2}\n"
        "d17c1c4c "
        "{\"file\":7,\"path\":\"/var/log/a.jsonl\",\"id\":\"00112233445566778899aabbccddeeff\",\"device\":2049,"
        "\"inode\":18446744073709551615,\"generation\":1,\"offset\":812,\"content\":\"0123456789abcdef\",\"pending\":"
        "\"000"
        "00000000000ff\",\"tail\":\"0000000000000001\",\"head_len\":812,\"head\":\"fedcba9876543210\",\"first_line\":"
        "\"0000"
        "000000000002\",\"skipped\":3,\"size\":900,\"last_seen\":1764040000123,\"open\":\"900 0 0 1 0 1 0\"}\n");
}

/* Each kind of record comes back as it was, hostile paths included. */
static void records_come_back(void **state)
{
    struct fixture *f = *state;
    static const char *const paths[] = {
        "/a", "/with \"quotes\" and \\", "/\xc3\xa9", "/\xff\xfe", "/a\nb\x01", "/\xed\xa0\x80"};
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
        struct checkpoint_entry e = an_entry();
        e.real_path = i % 2 ? SLICE("/var/log/pods/0.log") : SLICE("/r\xff");
        e.path = slice_from(paths[i]);
        e.gz = i % 2;
        e.open = i % 2 ? SLICE("5 0 0 1") : SLICE("");
        e.last_seen_ms = -5;
        buffer_clear(&f->text);
        journal_write(&f->text, &(struct journal_record){.kind = JOURNAL_FILE, .entry = e});
        struct slice body = buffer_slice(&f->text);
        struct journal_record back;
        enum journal_fault fault;
        assert_true(journal_read(&f->arena, &body, &back, &fault));
        assert_int_equal(fault, JOURNAL_OK);
        assert_int_equal(back.kind, JOURNAL_FILE);
        assert_same_entry(&back.entry, &e);
        assert_false(journal_read(&f->arena, &body, &back, &fault));
    }
}

/* The longest paths there can be, of the bytes that take most room, are within the ceiling of a record. */
static void longest_path_fits(void **state)
{
    struct fixture *f = *state;
    static const char fill[] = {'"', '\x01', '\xff'};
    for (size_t i = 0; i < sizeof fill; i++) {
        char path[4096];
        memset(path, fill[i], sizeof path);
        struct checkpoint_entry e = an_entry();
        e.path = e.real_path = slice_of(path, sizeof path);
        buffer_clear(&f->text);
        journal_write(&f->text, &(struct journal_record){.kind = JOURNAL_FILE, .entry = e});
        struct slice body = buffer_slice(&f->text);
        struct journal_record back;
        enum journal_fault fault;
        assert_true(journal_read(&f->arena, &body, &back, &fault));
        assert_int_equal(fault, JOURNAL_OK);
        assert_true(slice_equal(back.entry.path, e.path));
    }
}

/* Any changed byte of a record, and any end cut off, makes it a bad one; the record behind it is still good. */
static void damage_is_seen(void **state)
{
    struct fixture *f = *state;
    journal_write(&f->text, &(struct journal_record){.kind = JOURNAL_FILE, .entry = an_entry()});
    size_t first = f->text.len;
    journal_write(&f->text, &(struct journal_record){.kind = JOURNAL_FORGET, .entry = {.key = 1}});
    struct journal_record record;
    enum journal_fault fault;
    for (size_t at = 0; at + 1 < first; at++) {
        char was = f->text.data[at];
        f->text.data[at] = (char)(was ^ 1);
        if (f->text.data[at] != '\n') {
            struct slice body = buffer_slice(&f->text);
            assert_true(journal_read(&f->arena, &body, &record, &fault));
            assert_int_equal(fault, JOURNAL_BAD_RECORD);
            assert_true(journal_read(&f->arena, &body, &record, &fault));
            assert_int_equal(fault, JOURNAL_OK);
            assert_int_equal(record.kind, JOURNAL_FORGET);
        }
        f->text.data[at] = was;
    }
    for (size_t len = 1; len < first; len++) {
        struct slice body = slice_of(f->text.data, len);
        assert_true(journal_read(&f->arena, &body, &record, &fault));
        assert_int_equal(fault, JOURNAL_BAD_RECORD);
        assert_false(journal_read(&f->arena, &body, &record, &fault));
        arena_reset(&f->arena);
    }
}

/* A record whose checksum is right: of an unknown kind it is passed over, of a known kind but lacking a member, or with
 * a value that cannot be, it is bad. */
static void form_is_checked(void **state)
{
    struct fixture *f = *state;
    static const struct {
        const char *line;
        bool there;
    } cases[] = {
        {"5318b19d {\"later\":1}\n", false},
        {"fa1e816c {\"file\":7}\n", true},
        {"8f631601 {\"forget\":-1}\n", true},
        {"b649740f {\"forget\":18446744073709551616}\n", true},
        {"989d4b6a {\"url\":null}\n", true},
        {"4c2f32b8 [1]\n", true},
        {"00000000 \n", true},
        {"\n", true},
        {"6f1c2a90\n", true},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct slice body = slice_from(cases[i].line);
        struct journal_record record;
        enum journal_fault fault = JOURNAL_OK;
        assert_int_equal(journal_read(&f->arena, &body, &record, &fault), cases[i].there);
        assert_int_equal(fault, cases[i].there ? JOURNAL_BAD_RECORD : JOURNAL_OK);
        assert_int_equal(body.len, 0);
    }
}

/* The header tells this format, a newer one with the release that wrote it, and what is none. */
static void header_is_told(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        enum journal_fault fault;
        const char *writer;
    } cases[] = {
        {"raingauge-checkpoint 1 written-by 0.1.0\nrest", JOURNAL_OK, "0.1.0"},
        {"raingauge-checkpoint 2 written-by 3.0.0-rc1\n", JOURNAL_NEWER, "3.0.0-rc1"},
        {"raingauge-checkpoint 999 by somebody\n", JOURNAL_NEWER, "an unknown version"},
        {"raingauge-checkpoint 2 written-by \x1b[2J\n", JOURNAL_NEWER, "an unknown version"},
        {"raingauge-checkpoint 2\n", JOURNAL_NEWER, "an unknown version"},
        {"raingauge-checkpoint 0 written-by 0.1.0\n", JOURNAL_NOT_A_CHECKPOINT, NULL},
        {"raingauge-checkpoint 1 written-by \n", JOURNAL_NOT_A_CHECKPOINT, NULL},
        {"raingauge-checkpoint 1 written-by 0.1.0", JOURNAL_NOT_A_CHECKPOINT, NULL},
        {"raingauge-checkpoint one written-by 0.1.0\n", JOURNAL_NOT_A_CHECKPOINT, NULL},
        {"{}\n", JOURNAL_NOT_A_CHECKPOINT, NULL},
        {"", JOURNAL_NOT_A_CHECKPOINT, NULL},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct slice body = {0}, writer = {0};
        assert_int_equal(journal_read_header(slice_from(cases[i].text), &body, &writer), cases[i].fault);
        if (cases[i].writer)
            assert_true(slice_is(writer, cases[i].writer));
        if (cases[i].fault == JOURNAL_OK)
            assert_true(slice_is(body, "rest"));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(format_is_pinned, set_up, tear_down),
        cmocka_unit_test_setup_teardown(records_come_back, set_up, tear_down),
        cmocka_unit_test_setup_teardown(longest_path_fits, set_up, tear_down),
        cmocka_unit_test_setup_teardown(damage_is_seen, set_up, tear_down),
        cmocka_unit_test_setup_teardown(form_is_checked, set_up, tear_down),
        cmocka_unit_test(header_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
