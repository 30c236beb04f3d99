/* The checkpoint: after a crash at any byte, damage at any byte, and any file operation that fails, what is loaded is
 * what was saved before or what was being saved, and nothing else. */
#include "state/checkpoint.h"

#include "support/cmocka_setup.h"
#include "support/failing_heap.h"
#include "support/faults.h"
#include "support/temp_dir.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

enum { KEYS = 32 };

struct fixture {
    struct temp_dir dir;
    uv_loop_t loop;
    struct log *log;
    int log_fd;
    uint64_t offsets[KEYS]; /* what was loaded: by key; 0 none */
    size_t loaded;
    bool damaged;
    struct error error;
    bool saved, saved_ok;
};

static int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    temp_dir_make(&f->dir);
    uv_loop_init(&f->loop);
    f->log_fd = open(temp_path(&f->dir, "log"), O_RDWR | O_CREAT | O_APPEND, 0600);
    f->log = log_new(f->log_fd);
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    log_free(f->log);
    close(f->log_fd);
    uv_run(&f->loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&f->loop), 0);
    temp_dir_remove(&f->dir);
    free(f);
    return 0;
}

static void on_record(void *context, const struct journal_record *record)
{
    struct fixture *f = context;
    f->loaded++;
    if (record->kind == JOURNAL_FILE && record->entry.key < KEYS)
        f->offsets[record->entry.key] = record->entry.offset;
}

static void on_saved(void *context, bool ok)
{
    struct fixture *f = context;
    f->saved = true;
    f->saved_ok = ok;
}

static struct checkpoint *open_it(struct fixture *f)
{
    memset(f->offsets, 0, sizeof f->offsets);
    f->loaded = 0;
    f->damaged = false;
    return checkpoint_open(&f->loop, f->dir.path, f->log, on_record, f,
                           (struct checkpoint_callbacks){.on_saved = on_saved, .context = f}, &f->damaged, &f->error);
}

static void write_entry(struct buffer *out, uint64_t key, uint64_t offset)
{
    struct journal_record record = {.kind = JOURNAL_FILE,
                                    .entry = {.key = key, .path = SLICE("/var/log/a.jsonl"), .offset = offset}};
    journal_write(out, &record);
}

static void write_forget(struct buffer *out, uint64_t key)
{
    journal_write(out, &(struct journal_record){.kind = JOURNAL_FORGET, .entry = {.key = key}});
}

/* Saves and waits for it; true if it is on disk. */
static bool save(struct fixture *f, struct checkpoint *c, struct buffer *records)
{
    f->saved = false;
    if (checkpoint_wants_fold(c))
        checkpoint_fold(c, records);
    else
        checkpoint_append(c, records);
    assert_false(f->saved); /* never from inside */
    assert_false(checkpoint_may_save(c));
    while (!f->saved)
        uv_run(&f->loop, UV_RUN_ONCE);
    assert_true(checkpoint_may_save(c));
    buffer_release(records);
    return f->saved_ok;
}

static bool save_entry(struct fixture *f, struct checkpoint *c, uint64_t key, uint64_t offset)
{
    struct buffer records;
    buffer_init(&records, 1 << 20);
    write_entry(&records, key, offset);
    return save(f, c, &records);
}

static bool log_says(struct fixture *f, const char *text)
{
    char *all = temp_read(&f->dir, "log", NULL);
    bool says = strstr(all, text) != NULL;
    free(all);
    return says;
}

/* What was saved is loaded by the next start: the last of each file, none that was forgotten. */
static void last_record_counts(void **state)
{
    struct fixture *f = *state;
    struct checkpoint *c = open_it(f);
    assert_non_null(c);
    assert_int_equal(f->loaded, 0);
    assert_true(checkpoint_wants_fold(c)); /* there is no file yet */
    struct buffer records;
    buffer_init(&records, 1 << 20);
    for (uint64_t key = 1; key <= 5; key++)
        write_entry(&records, key, key * 10);
    assert_true(save(f, c, &records));
    assert_false(checkpoint_wants_fold(c));
    assert_true(save_entry(f, c, 2, 999));
    buffer_init(&records, 1 << 20);
    write_forget(&records, 3);
    assert_true(save(f, c, &records));
    checkpoint_close(c);

    struct stat found;
    assert_int_equal(stat(temp_path(&f->dir, "checkpoint"), &found), 0);
    assert_int_equal(found.st_mode & 07777, 0600);
    c = open_it(f);
    assert_non_null(c);
    assert_false(f->damaged);
    assert_int_equal(f->loaded, 4);
    assert_int_equal(f->offsets[1], 10);
    assert_int_equal(f->offsets[2], 999);
    assert_int_equal(f->offsets[3], 0);
    assert_int_equal(f->offsets[5], 50);
    assert_false(checkpoint_wants_fold(c));
    checkpoint_close(c);
    assert_int_equal(temp_count(&f->dir, "checkpoint"), 1);
}

/* A journal of several saves as bytes, with the end of each line. */
struct journal {
    char *text;
    size_t len;
    size_t ends[16]; /* [0]: the header's */
    size_t lines;
};

static struct journal a_journal(struct fixture *f)
{
    struct checkpoint *c = open_it(f);
    assert_non_null(c);
    for (uint64_t i = 1; i <= 6; i++)
        assert_true(save_entry(f, c, 1 + i % 3, 100 * i));
    checkpoint_close(c);
    struct journal j = {0};
    j.text = temp_read(&f->dir, "checkpoint", &j.len);
    assert_non_null(j.text);
    for (size_t i = 0; i < j.len; i++) {
        if (j.text[i] == '\n')
            j.ends[j.lines++] = i + 1;
    }
    assert_int_equal(j.lines, 7);
    return j;
}

/* What the journal says after its first `lines` records, but for the one numbered `bad` (0: none). */
static void assert_loaded(const struct fixture *f, size_t lines, size_t bad)
{
    uint64_t expected[KEYS] = {0};
    for (size_t i = 1; i <= lines; i++) {
        if (i != bad)
            expected[1 + i % 3] = 100 * i;
    }
    assert_memory_equal(f->offsets, expected, sizeof expected);
}

static void remove_all(struct fixture *f)
{
    temp_dir_remove(&f->dir);
    assert_int_equal(mkdir(f->dir.path, 0700), 0);
}

/* Cut at each byte: the whole records before count, the torn end is gone, and what is saved next stands behind them.
 * Where no record is whole the file is damaged, and kept aside. */
static void cut_at_every_byte(void **state)
{
    struct fixture *f = *state;
    struct journal j = a_journal(f);
    for (size_t len = 0; len < j.len; len++) {
        remove_all(f);
        temp_write(&f->dir, "checkpoint", j.text, len);
        size_t whole = 0;
        while (j.ends[whole] <= len)
            whole++;
        struct checkpoint *c = open_it(f);
        assert_non_null(c);
        if (whole > 0)
            assert_loaded(f, whole - 1, 0);
        bool header_only = len == j.ends[0];
        assert_int_equal(f->damaged, whole < 2 && !header_only);
        assert_int_equal(temp_count(&f->dir, "checkpoint.corrupt-"), whole < 2 && !header_only);
        assert_int_equal(checkpoint_wants_fold(c), whole < 2);
        assert_true(save_entry(f, c, 9, 7));
        checkpoint_close(c);

        c = open_it(f);
        assert_non_null(c);
        assert_false(f->damaged);
        assert_int_equal(f->offsets[9], 7);
        f->offsets[9] = 0;
        if (whole >= 2)
            assert_loaded(f, whole - 1, 0);
        checkpoint_close(c);
        assert_true(temp_count(&f->dir, "checkpoint.corrupt-") <= 1);
    }
    free(j.text);
}

/* Records that belong together count all or none: a tail that is torn within them is cut off before the first. */
static void torn_group_is_cut_whole(void **state)
{
    struct fixture *f = *state;
    struct buffer text;
    buffer_init(&text, 1 << 16);
    journal_write_header(&text);
    write_entry(&text, 1, 100);
    write_entry(&text, 2, 100);
    size_t group = text.len;
    journal_write(&text, &(struct journal_record){.kind = JOURNAL_TOGETHER, .together = 2});
    write_entry(&text, 1, 200);
    write_entry(&text, 2, 200);
    size_t group_end = text.len;
    write_entry(&text, 3, 300);
    for (size_t len = group; len <= text.len; len++) {
        remove_all(f);
        memset(f->offsets, 0, sizeof f->offsets);
        temp_write(&f->dir, "checkpoint", text.data, len);
        struct checkpoint *c = open_it(f);
        assert_non_null(c);
        assert_false(f->damaged);
        assert_int_equal(f->offsets[1], len < group_end ? 100 : 200);
        assert_int_equal(f->offsets[2], len < group_end ? 100 : 200);
        assert_int_equal(f->offsets[3], len == text.len ? 300 : 0);
        assert_int_equal(temp_count(&f->dir, "checkpoint.corrupt-"), 0);
        assert_true(save_entry(f, c, 9, 7));
        checkpoint_close(c);
        c = open_it(f);
        assert_non_null(c);
        assert_int_equal(f->offsets[9], 7);
        assert_int_equal(f->offsets[1], len < group_end ? 100 : 200);
        checkpoint_close(c);
    }
    buffer_release(&text);
}

/* One byte changed, at each place: either the header now names a newer format, and the file is refused and left as it
 * is; or the name of the release that wrote it, which is no damage; or all records but the damaged one count, and a
 * copy of the file is kept aside, unless it is only the end. */
static void damage_at_every_byte(void **state)
{
    struct fixture *f = *state;
    struct journal j = a_journal(f);
    size_t refused = 0;
    for (size_t at = 0; at < j.len; at++) {
        remove_all(f);
        char was = j.text[at];
        j.text[at] = (char)(was ^ 2);
        temp_write(&f->dir, "checkpoint", j.text, j.len);
        struct checkpoint *c = open_it(f);
        if (!c) {
            refused++;
            size_t len;
            char *left = temp_read(&f->dir, "checkpoint", &len);
            assert_int_equal(len, j.len);
            assert_memory_equal(left, j.text, len);
            free(left);
        } else {
            size_t line = 0;
            while (j.ends[line] <= at)
                line++;
            bool newline = was == '\n'; /* then the next line is lost too */
            if (!newline)
                assert_loaded(f, j.lines - 1, line);
            else if (line > 0 && line + 1 < j.lines)
                assert_int_equal(f->loaded, 3);
            size_t last_good = line == j.lines - 1 || (newline && line == j.lines - 2);
            bool other_release = line == 0 && f->loaded == 3 && isdigit((unsigned char)j.text[at]);
            assert_int_equal(temp_count(&f->dir, "checkpoint.corrupt-"), !last_good && !other_release);
            assert_false(f->damaged);
            checkpoint_close(c);
        }
        j.text[at] = was;
    }
    assert_int_equal(refused, 1); /* the digit of the version */
    free(j.text);
}

/* A damaged file stays in its place until the first save: a crash before that, and the next start says the same. */
static void damaged_file_is_not_given_up_early(void **state)
{
    struct fixture *f = *state;
    temp_write(&f->dir, "checkpoint", "nothing good\n", 13);
    for (int i = 0; i < 2; i++) {
        struct checkpoint *c = open_it(f);
        assert_non_null(c);
        assert_true(f->damaged);
        assert_true(checkpoint_wants_fold(c));
        checkpoint_close(c);
    }
    assert_true(log_says(f, "level=error message=\"checkpoint is damaged"));
    assert_true(log_says(f, "checkpoint.corrupt-"));
    struct checkpoint *c = open_it(f);
    assert_true(save_entry(f, c, 1, 5));
    checkpoint_close(c);
    c = open_it(f);
    assert_false(f->damaged);
    assert_int_equal(f->offsets[1], 5);
    checkpoint_close(c);
}

/* Two saves with one failing file operation, at each place in turn; the second save is tried again. After a crash at
 * any point between, the old or the new state is loaded. */
static void every_operation_fails_once(void **state)
{
    struct fixture *f = *state;
    unsigned failures = 0;
    for (unsigned nth = 1;; nth++) {
        remove_all(f);
        faults_arm(nth, ENOSPC);
        struct checkpoint *c = open_it(f);
        bool opened = c != NULL;
        bool first = opened && save_entry(f, c, 1, 10);
        bool second = opened && save_entry(f, c, 1, 20);
        bool came = faults_disarm();
        if (!opened) {
            assert_non_null(strstr(f->error.text, "No space left"));
        } else {
            assert_int_equal(first && second, !came);
            struct checkpoint *other = open_it(f); /* as after a crash: a second reader of the same files */
            assert_non_null(other);
            assert_false(f->damaged);
            if (second)
                assert_int_equal(f->offsets[1], 20);
            else if (first)
                assert_true(f->offsets[1] == 10 || f->offsets[1] == 20);
            checkpoint_close(other);
            if (!second)
                assert_true(checkpoint_wants_fold(c));
            assert_true(save_entry(f, c, 1, 30));
            checkpoint_close(c);
        }
        c = open_it(f);
        assert_non_null(c);
        assert_int_equal(f->offsets[1], opened ? 30 : 0);
        assert_int_equal(temp_count(&f->dir, "checkpoint.corrupt-"), 0);
        assert_int_equal(temp_count(&f->dir, "checkpoint.tmp"), 0);
        checkpoint_close(c);
        if (!came)
            break;
        failures++;
    }
    assert_true(failures > 8);
}

/* Each allocation fails in turn: the file is refused, or all of it is loaded, never a part. */
static void every_allocation_fails_once(void **state)
{
    struct fixture *f = *state;
    free(a_journal(f).text);
    unsigned failures = 0;
    for (unsigned nth = 1;; nth++) {
        failing_heap_arm(nth);
        struct checkpoint *c = open_it(f);
        bool came = failing_heap_disarm();
        if (c)
            assert_loaded(f, 6, 0);
        else
            assert_non_null(strstr(f->error.text, "memory"));
        checkpoint_close(c);
        if (!came)
            break;
        failures++;
        assert_int_equal(temp_count(&f->dir, "checkpoint"), 1);
    }
    assert_true(failures > 4);
}

/* While saves go on failing that is said once, and once that they work again. */
static void failing_is_said_once(void **state)
{
    struct fixture *f = *state;
    struct checkpoint *c = open_it(f);
    assert_true(save_entry(f, c, 1, 10));
    for (int i = 0; i < 3; i++) {
        faults_arm(1, EIO);
        assert_false(save_entry(f, c, 1, 20));
        faults_disarm();
    }
    assert_true(save_entry(f, c, 1, 30));
    char *log = temp_read(&f->dir, "log", NULL);
    char *said = strstr(log, "cannot be written");
    assert_non_null(said);
    assert_non_null(strstr(said, "Input/output error"));
    assert_null(strstr(said + 1, "cannot be written"));
    assert_non_null(strstr(said, "written again"));
    free(log);
    checkpoint_close(c);
}

/* A newer format is refused, with the release that wrote it, and left as it is. */
static void newer_format_is_refused(void **state)
{
    struct fixture *f = *state;
    static const char text[] = "raingauge-checkpoint 2 written-by 9.1.0\nwho knows\n";
    temp_write(&f->dir, "checkpoint", text, strlen(text));
    assert_null(open_it(f));
    assert_non_null(strstr(f->error.text, "newer format, written by raingauge 9.1.0"));
    char *left = temp_read(&f->dir, "checkpoint", NULL);
    assert_string_equal(left, text);
    free(left);
    assert_int_equal(temp_count(&f->dir, "checkpoint"), 1);
}

/* What cannot be opened, or is no file, is refused with the reason; so is a directory in which nothing can be made. */
static void unreadable_is_refused(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(mkfifo(temp_path(&f->dir, "checkpoint"), 0600), 0);
    assert_null(open_it(f));
    assert_non_null(strstr(f->error.text, "not a regular file"));
    remove_all(f);

    temp_write(&f->dir, "checkpoint", "x\n", 2);
    faults_arm(1, EACCES);
    assert_null(open_it(f));
    assert_true(faults_disarm());
    assert_non_null(strstr(f->error.text, "Permission denied"));
    assert_int_equal(temp_count(&f->dir, "checkpoint"), 1);

    faults_arm(2, EROFS);
    assert_null(open_it(f));
    assert_true(faults_disarm());
    assert_non_null(strstr(f->error.text, "Read-only file system"));
    assert_int_equal(temp_count(&f->dir, "checkpoint"), 1);
}

/* With many files a save costs what changed; the file is folded when it is several times what is live, and then is
 * small again. */
static void many_files_fold_now_and_then(void **state)
{
    struct fixture *f = *state;
    enum { MANY = 4000, SAVES = 400 };
    struct checkpoint *c = open_it(f);
    struct buffer records;
    buffer_init(&records, 64 << 20);
    for (uint64_t key = 0; key < MANY; key++)
        write_entry(&records, key, 1);
    size_t live = records.len;
    assert_true(save(f, c, &records));
    unsigned folds = 0;
    for (uint64_t i = 1; i <= SAVES; i++) {
        bool fold = checkpoint_wants_fold(c);
        folds += fold;
        buffer_init(&records, 64 << 20);
        for (uint64_t key = 0; key < (fold ? MANY : MANY / 20); key++)
            write_entry(&records, key, i + 1);
        assert_true(save(f, c, &records));
    }
    struct stat found;
    assert_int_equal(stat(temp_path(&f->dir, "checkpoint"), &found), 0);
    assert_in_range(found.st_size, live, 5 * live);
    assert_in_range(folds, 3, 8); /* 400 saves of a twentieth: 20 times what is live */
    checkpoint_close(c);
    c = open_it(f);
    assert_int_equal(f->loaded, MANY);
    assert_int_equal(f->offsets[31], SAVES + 1);
    checkpoint_close(c);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(last_record_counts),
        TEST(cut_at_every_byte),
        TEST(torn_group_is_cut_whole),
        TEST(damage_at_every_byte),
        TEST(damaged_file_is_not_given_up_early),
        TEST(every_operation_fails_once),
        TEST(every_allocation_fails_once),
        TEST(failing_is_said_once),
        TEST(newer_format_is_refused),
        TEST(unreadable_is_refused),
        TEST(many_files_fold_now_and_then),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
