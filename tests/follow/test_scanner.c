/* The walk: what is found, what is said about what cannot be read, and what may be opened. */
#include "follow/scanner.h"

#include "conf/memory_source.h"
#include "support/cmocka_setup.h"
#include "support/temp_dir.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

struct fixture {
    struct temp_dir dir, outside;
    struct diagnostics *diagnostics;
    struct config *config;
    struct scan_rules *rules;
    struct scan scan;
};

static void set_up(struct fixture *f, const char *inputs)
{
    temp_dir_make(&f->dir);
    temp_dir_make(&f->outside);
    struct memory_source memory = {.variables = {"RAINDROP_WRITE_KEY=k"}};
    struct config_source source = memory_source_of(&memory);
    struct buffer text;
    buffer_init(&text, 4096);
    buffer_printf(&text, "inputs: [%s]\nrules: [{name: all, event: {event: e, user_id: u}}]\n", inputs);
    f->diagnostics = diagnostics_new();
    f->config =
        config_load_text(&source, temp_path(&f->dir, "c.yaml"), buffer_slice(&text), CONFIG_FOR_CHECK, f->diagnostics);
    assert_non_null(f->config);
    buffer_release(&text);
    f->rules = scan_rules_new(f->config);
    f->scan = (struct scan){.count = 0};
}

static void tear_down(struct fixture *f)
{
    scan_release(&f->scan);
    scan_rules_free(f->rules);
    config_free(f->config);
    diagnostics_free(f->diagnostics);
    temp_dir_remove(&f->dir);
    temp_dir_remove(&f->outside);
}

static void make_directory(struct fixture *f, const char *name)
{
    assert_int_equal(mkdir(temp_path(&f->dir, name), 0755), 0);
}

static void make_link(struct fixture *f, const char *target, const char *name)
{
    assert_int_equal(symlink(target, temp_path(&f->dir, name)), 0);
}

static void run(struct fixture *f, struct scan_request request)
{
    scan_release(&f->scan);
    scanner_run(f->rules, &request, &f->scan);
    assert_false(f->scan.failed);
}

static const struct found_file *find(const struct fixture *f, const char *name)
{
    for (size_t i = 0; i < f->scan.count; i++) {
        if (strcmp(f->scan.found[i].path, temp_path(&f->dir, name)) == 0)
            return &f->scan.found[i];
    }
    return NULL;
}

static size_t count_of(const struct fixture *f, enum found_kind kind)
{
    size_t count = 0;
    for (size_t i = 0; i < f->scan.count; i++)
        count += f->scan.found[i].kind == kind;
    return count;
}

/* Every file that matches once, for the first input that has it; `exclude`, hidden names and other depths left out. */
static void walks(void **state)
{
    (void)state;
    struct fixture f;
    set_up(&f, "{paths: ['{x,y}/**/*.log', 'x/*.log'], exclude: ['no*']}, {paths: ['**/*.log', 'one.txt']}");
    static const char *const directories[] = {"x", "x/d", "x/d/e", "y", "z", "x/.hidden"};
    static const char *const files[] = {"x/a.log",     "x/d/e/b.log",       "y/c.log", "x/no.log",
                                        "z/other.log", "x/.hidden/not.log", "one.txt", "two.txt"};
    for (size_t i = 0; i < sizeof directories / sizeof *directories; i++)
        make_directory(&f, directories[i]);
    for (size_t i = 0; i < sizeof files / sizeof *files; i++)
        temp_write(&f.dir, files[i], "x\n", 2);
    run(&f, (struct scan_request){.walk = true});
    assert_int_equal(find(&f, "x/a.log")->input, 0);
    assert_int_equal(find(&f, "x/d/e/b.log")->input, 0);
    assert_int_equal(find(&f, "y/c.log")->input, 0);
    assert_int_equal(find(&f, "x/no.log")->input, 1);
    assert_int_equal(find(&f, "z/other.log")->input, 1);
    assert_int_equal(find(&f, "one.txt")->input, 1);
    assert_int_equal(count_of(&f, FOUND_FILE), 6);
    assert_int_equal(find(&f, "x/a.log")->size, 2);
    assert_non_null(find(&f, "x/d")); /* to be watched */
    bool only_the_second[] = {false, true};
    run(&f, (struct scan_request){.walk = true, .inputs = only_the_second});
    assert_int_equal(count_of(&f, FOUND_FILE), 3); /* what is the first one's is not taken by the second */
    assert_false(f.scan.walked[0]);
    tear_down(&f);
}

/* Links that lead back do not make a walk endless. */
static void links_in_a_circle(void **state)
{
    (void)state;
    struct fixture f;
    set_up(&f, "{paths: ['**/*.log']}");
    make_directory(&f, "d");
    make_link(&f, "..", "d/up");
    make_link(&f, ".", "d/here");
    make_link(&f, "d", "again");
    make_link(&f, "loop.log", "loop.log");
    temp_write(&f.dir, "d/a.log", "x\n", 2);
    run(&f, (struct scan_request){.walk = true});
    assert_non_null(find(&f, "d/a.log"));
    assert_true(f.scan.count < 20);
    tear_down(&f);
}

/* `symlinks` says where links may lead, for the walk and for opening. */
static void links_out_of_bounds(void **state)
{
    (void)state;
    static const struct {
        const char *input;
        bool inside, outside;
    } cases[] = {
        {"{paths: ['*.log', '*/*.log'], symlinks: inside}", true, false},
        {"{paths: ['*.log', '*/*.log'], symlinks: all}", true, true},
        {"{paths: ['*.log', '*/*.log'], symlinks: none}", false, false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct fixture f;
        set_up(&f, cases[i].input);
        temp_write(&f.outside, "secret.log", "secret\n", 7);
        temp_write(&f.dir, "target", "x\n", 2);
        temp_write(&f.dir, "plain.log", "x\n", 2);
        make_link(&f, temp_path(&f.outside, "secret.log"), "out.log");
        make_link(&f, "target", "in.log");
        make_link(&f, f.outside.path, "d"); /* a directory on the way */
        make_link(&f, "nothing", "dangling.log");
        run(&f, (struct scan_request){.walk = true});
        assert_int_equal(find(&f, "plain.log")->kind, FOUND_FILE);
        assert_int_equal(find(&f, "in.log")->kind, cases[i].inside ? FOUND_FILE : FOUND_FORBIDDEN);
        assert_int_equal(find(&f, "out.log")->kind, cases[i].outside ? FOUND_FILE : FOUND_FORBIDDEN);
        assert_null(find(&f, "dangling.log"));
        static const char *const names[] = {"plain.log", "in.log", "out.log", "d/secret.log"};
        const bool allowed[] = {true, cases[i].inside, cases[i].outside, cases[i].outside};
        for (size_t n = 0; n < 4; n++) {
            int fd = scan_rules_open(f.rules, 0, temp_path(&f.dir, names[n]));
            assert_int_equal(fd >= 0, allowed[n]);
            if (fd >= 0)
                close(fd);
            else
                assert_int_equal(errno, ELOOP);
        }
        tear_down(&f);
    }
}

/* Only regular files are opened. */
static void opens_only_files(void **state)
{
    (void)state;
    struct fixture f;
    set_up(&f, "{paths: ['*.log']}");
    assert_int_equal(mkfifo(temp_path(&f.dir, "fifo.log"), 0644), 0);
    make_directory(&f, "d.log");
    run(&f, (struct scan_request){.walk = true});
    assert_int_equal(find(&f, "fifo.log")->kind, FOUND_OTHER);
    assert_int_equal(find(&f, "d.log")->kind, FOUND_OTHER);
    assert_true(find(&f, "d.log")->is_directory);
    assert_int_equal(scan_rules_open(f.rules, 0, temp_path(&f.dir, "fifo.log")), -1);
    assert_int_equal(errno, EINVAL);
    assert_int_equal(scan_rules_open(f.rules, 0, temp_path(&f.dir, "d.log")), -1);
    assert_int_equal(scan_rules_open(f.rules, 0, temp_path(&f.dir, "nothing.log")), -1);
    assert_int_equal(errno, ENOENT);
    tear_down(&f);
}

/* Single paths, and every file of a directory, matching or not. */
static void looks_and_lists(void **state)
{
    (void)state;
    struct fixture f;
    set_up(&f, "{paths: ['*.log']}");
    temp_write(&f.dir, "a.log", "x\n", 2);
    temp_write(&f.dir, "a.log.1", "x\n", 2);
    const char *look[] = {strdup(temp_path(&f.dir, "a.log.1")), strdup(temp_path(&f.dir, "none.log")), f.dir.path};
    run(&f, (struct scan_request){.look = look, .look_count = 3});
    assert_int_equal(find(&f, "a.log.1")->kind, FOUND_FILE);
    assert_false(find(&f, "a.log.1")->matched);
    assert_int_equal(find(&f, "none.log")->kind, FOUND_NOTHING);
    assert_true(f.scan.found[2].is_directory);
    const char *list[] = {f.dir.path, look[1]};
    run(&f, (struct scan_request){.list = list, .list_count = 2});
    assert_int_equal(count_of(&f, FOUND_FILE), 2);
    assert_int_equal(f.scan.listed_count, 2); /* a directory that is not there holds nothing */
    free((void *)(uintptr_t)look[0]);
    free((void *)(uintptr_t)look[1]);
    tear_down(&f);
}

/* A directory that cannot be read is said to be so: by the walk, and by a listing, which then is none. */
static void unreadable_directories(void **state)
{
    (void)state;
    struct fixture f;
    bool root = geteuid() == 0;
    set_up(&f, "{paths: ['*/*.log']}");
    make_directory(&f, "d");
    temp_write(&f.dir, "d/a.log", "x\n", 2);
    assert_int_equal(chmod(f.dir.path, 0755) | chmod(temp_path(&f.dir, "d"), 0), 0);
    assert_int_equal(root ? seteuid(65534) : 0, 0);
    const char *list[] = {temp_path(&f.dir, "d")};
    run(&f, (struct scan_request){.walk = true, .list = list, .list_count = 1});
    assert_int_equal(root ? seteuid(0) : 0, 0);
    assert_int_equal(count_of(&f, FOUND_UNREADABLE), 2);
    assert_int_equal(find(&f, "d")->error, EACCES);
    assert_int_equal(f.scan.listed_count, 0);
    assert_int_equal(chmod(temp_path(&f.dir, "d"), 0755), 0);
    tear_down(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(walks),
        cmocka_unit_test(links_in_a_circle),
        cmocka_unit_test(links_out_of_bounds),
        cmocka_unit_test(opens_only_files),
        cmocka_unit_test(looks_and_lists),
        cmocka_unit_test(unreadable_directories),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
