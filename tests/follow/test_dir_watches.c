/* What is known of directories by what inotify tells, with real directories and scans of them. */
#include "follow/dir_watches.h"

#include "conf/memory_source.h"
#include "support/cmocka_setup.h"
#include "support/temp_dir.h"

#include <linux/magic.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

struct fixture {
    struct temp_dir dir;
    struct diagnostics *diagnostics;
    struct config *config;
    struct scan_rules *rules;
    uv_loop_t loop;
    struct dir_watches watches;
    unsigned events, writes, changed, overflows;
    char last[512]; /* path of the last event */
    uint64_t now;
    size_t files; /* that the last scan found */
    bool released;
    unsigned answers; /* so often somebody writes again as soon as he is heard of */
};

static void grow(struct fixture *f);

static void on_event(void *context, const char *directory, const char *name, bool is_write)
{
    struct fixture *f = context;
    f->events++;
    f->writes += is_write;
    snprintf(f->last, sizeof f->last, "%s/%s", directory, name);
    if (f->answers > 0) {
        f->answers--;
        grow(f);
    }
}

static void on_changed(void *context)
{
    struct fixture *f = context;
    f->changed++;
}

static void on_overflow(void *context)
{
    struct fixture *f = context;
    f->overflows++;
}

static void set_up(struct fixture *f)
{
    *f = (struct fixture){.now = 1000};
    temp_dir_make(&f->dir);
    struct memory_source memory = {.variables = {"RAINDROP_WRITE_KEY=k"}};
    struct config_source source = memory_source_of(&memory);
    f->diagnostics = diagnostics_new();
    f->config = config_load_text(&source, temp_path(&f->dir, "c.yaml"),
                                 SLICE("inputs: [{name: a, paths: ['**/*.log']}]\n"
                                       "rules: [{name: all, event: {event: e, user_id: u}}]\n"),
                                 CONFIG_FOR_CHECK, f->diagnostics);
    assert_non_null(f->config);
    f->rules = scan_rules_new(f->config);
    assert_int_equal(uv_loop_init(&f->loop), 0);
    const struct dir_events events = {f, on_event, on_changed, on_overflow};
    dir_watches_init(&f->watches, &f->loop, &events);
    temp_write(&f->dir, "a.log", "1", 1);
    temp_write(&f->dir, "b.log", "1", 1);
    assert_int_equal(mkdir(temp_path(&f->dir, "d"), 0755), 0);
    temp_write(&f->dir, "d/c.log", "1", 1);
}

static void on_released(void *context)
{
    struct fixture *f = context;
    f->released = true;
}

static void tear_down(struct fixture *f)
{
    dir_watches_release(&f->watches, on_released, f);
    uv_run(&f->loop, UV_RUN_DEFAULT);
    assert_true(f->released);
    assert_int_equal(uv_loop_close(&f->loop), 0);
    scan_rules_free(f->rules);
    config_free(f->config);
    diagnostics_free(f->diagnostics);
    temp_dir_remove(&f->dir);
}

static enum dir_knowledge know(const void *context, const struct found_file *directory)
{
    return dir_watches_know(context, directory);
}

/* What the watcher does for a walk. */
static void walk(struct fixture *f)
{
    struct scan scan;
    struct scan_request request = {.walk = true, .know = know, .know_context = &f->watches};
    dir_watches_hear(&f->watches);
    dir_watches_begin_scan(&f->watches, f->now, 60000);
    scanner_run(f->rules, &request, &scan);
    assert_false(scan.failed);
    dir_watches_end_scan(&f->watches, &scan);
    dir_watches_begin_round(&f->watches);
    f->files = 0;
    for (size_t i = 0; i < scan.count; i++) {
        f->files += scan.found[i].kind == FOUND_FILE;
        if (scan.found[i].kind == FOUND_DIRECTORY)
            assert_int_equal(dir_watches_add(&f->watches, scan.found[i].path, &scan.found[i]), 0);
    }
    dir_watches_remove_others(&f->watches, &scan);
    scan_release(&scan);
}

/* Until everything is known. */
static void settle(struct fixture *f)
{
    walk(f); /* adds the watches */
    assert_int_equal(f->files, 3);
    walk(f); /* something may have happened before they were there */
    assert_int_equal(f->files, 3);
    walk(f);
    assert_int_equal(f->files, 0);
}

/* File systems that are not known to tell everything are looked at whole, always. */
static bool is_telling(struct fixture *f)
{
    struct statfs fs;
    assert_int_equal(statfs(f->dir.path, &fs), 0);
    return fs.f_type == TMPFS_MAGIC || fs.f_type == EXT4_SUPER_MAGIC || fs.f_type == XFS_SUPER_MAGIC ||
           (uint32_t)fs.f_type == BTRFS_SUPER_MAGIC;
}

static void grow(struct fixture *f)
{
    FILE *file = fopen(temp_path(&f->dir, "d/c.log"), "ae");
    assert_non_null(file);
    fputs("more", file);
    fclose(file);
}

static void add_file(struct fixture *f)
{
    temp_write(&f->dir, "d/new.log", "1", 1);
}

static void move_in(struct fixture *f)
{
    assert_int_equal(rename(temp_path(&f->dir, "b.log"), temp_path(&f->dir, "d/b.log")), 0);
}

static void cut(struct fixture *f)
{
    assert_int_equal(truncate(temp_path(&f->dir, "d/c.log"), 0), 0);
}

static void change_mode(struct fixture *f)
{
    assert_int_equal(chmod(temp_path(&f->dir, "d/c.log"), 0600), 0);
}

static void delete (struct fixture *f)
{
    assert_int_equal(unlink(temp_path(&f->dir, "d/c.log")), 0);
}

/* Only a directory in which something happened is looked into again, once. */
static void what_happened_is_looked_at(void **state)
{
    (void)state;
    static const struct {
        void (*happens)(struct fixture *f);
        size_t found; /* next */
    } cases[] = {{grow, 1}, {add_file, 2}, {move_in, 3}, {cut, 1}, {change_mode, 1}, {delete, 0}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct fixture f;
        set_up(&f);
        if (!is_telling(&f))
            skip();
        settle(&f);
        unsigned before = f.events;
        cases[i].happens(&f);
        walk(&f);
        assert_true(f.events > before);
        assert_int_equal(f.files, cases[i].found);
        walk(&f);
        assert_int_equal(f.files, 0);
        tear_down(&f);
    }
}

/* A write is told from a change of names, and both with their path. */
static void events_have_a_path(void **state)
{
    (void)state;
    struct fixture f;
    set_up(&f);
    walk(&f);
    grow(&f);
    dir_watches_hear(&f.watches);
    assert_string_equal(f.last, temp_path(&f.dir, "d/c.log"));
    assert_int_equal(f.events, f.writes);
    delete (&f);
    dir_watches_hear(&f.watches);
    assert_int_equal(f.events, f.writes + 1);
    tear_down(&f);
}

/* What was told is heard to its end, not to the end of what is told meanwhile: a writer may be as fast as this. */
static void a_fast_writer_is_not_listened_to_for_ever(void **state)
{
    (void)state;
    struct fixture f;
    set_up(&f);
    walk(&f);
    grow(&f);
    f.answers = 500;
    dir_watches_hear(&f.watches);
    assert_in_range(f.answers, 480, 499);
    f.answers = 0;
    unsigned before = f.events;
    dir_watches_hear(&f.watches);
    assert_true(f.events > before);
    tear_down(&f);
}

/* What is written through another name, in another directory, is not told. */
static void files_with_more_names_are_looked_at(void **state)
{
    (void)state;
    struct fixture f;
    set_up(&f);
    if (!is_telling(&f))
        skip();
    assert_int_equal(mkdir(temp_path(&f.dir, ".elsewhere"), 0755), 0); /* `**` does not lead there */
    assert_int_equal(link(temp_path(&f.dir, "d/c.log"), temp_path(&f.dir, ".elsewhere/other")), 0);
    for (int i = 0; i < 4; i++)
        walk(&f);
    assert_int_equal(f.files, 1);
    tear_down(&f);
}

/* … and once a minute everything is. */
static void all_is_looked_at_once_a_minute(void **state)
{
    (void)state;
    struct fixture f;
    set_up(&f);
    if (!is_telling(&f))
        skip();
    settle(&f);
    f.now += 59000;
    walk(&f);
    assert_int_equal(f.files, 0);
    f.now += 1000;
    walk(&f);
    assert_int_equal(f.files, 3);
    walk(&f);
    assert_int_equal(f.files, 0);
    tear_down(&f);
}

/* A directory that was deleted and made again is another one, though it may have the same inode; what happens in it is
 * told again. */
static void made_again(void **state)
{
    (void)state;
    struct fixture f;
    set_up(&f);
    settle(&f);
    delete (&f);
    assert_int_equal(rmdir(temp_path(&f.dir, "d")), 0);
    assert_int_equal(mkdir(temp_path(&f.dir, "d"), 0755), 0);
    temp_write(&f.dir, "d/c.log", "1", 1);
    walk(&f);
    assert_true(f.changed > 0);
    assert_int_equal(f.files, 3);
    walk(&f);
    unsigned before = f.writes;
    grow(&f);
    dir_watches_hear(&f.watches);
    assert_true(f.writes > before);
    tear_down(&f);
}

/* Where more happened than the queue holds nothing is known. */
static void overflow(void **state)
{
    (void)state;
    struct fixture f;
    unsigned most = 0;
    FILE *limit = fopen("/proc/sys/fs/inotify/max_queued_events", "re");
    if (!limit || fscanf(limit, "%u", &most) != 1 || most > 100000)
        skip();
    fclose(limit);
    set_up(&f);
    settle(&f);
    for (unsigned i = 0; i <= most / 2; i++) { /* of two in turn, as the same twice is told once */
        assert_int_equal(chmod(temp_path(&f.dir, "a.log"), 0600), 0);
        assert_int_equal(chmod(temp_path(&f.dir, "b.log"), 0600), 0);
    }
    grow(&f); /* there is no room to tell that */
    walk(&f);
    assert_int_equal(f.overflows, 1);
    assert_int_equal(f.files, 3);
    tear_down(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_happened_is_looked_at),
        cmocka_unit_test(events_have_a_path),
        cmocka_unit_test(a_fast_writer_is_not_listened_to_for_ever),
        cmocka_unit_test(files_with_more_names_are_looked_at),
        cmocka_unit_test(all_is_looked_at_once_a_minute),
        cmocka_unit_test(made_again),
        cmocka_unit_test(overflow),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
