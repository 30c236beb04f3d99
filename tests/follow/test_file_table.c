/* The file table with scans that were made up: no file is touched. */
#include "follow/file_parting.h"
#include "follow/file_saving.h"
#include "follow/file_search.h"
#include "follow/file_table.h"

#include "conf/memory_source.h"
#include "support/cmocka_setup.h"

#include <errno.h>

struct fixture {
    struct diagnostics *diagnostics;
    struct config *config;
    struct scan_rules *rules;
    struct metrics *metrics;
    struct file_table *table;
    struct found_file found[16];
    size_t count;
    bool walked[1];
    char *listed[1];
    uint64_t now;
};

static void set_up(struct fixture *f, const char *more)
{
    struct memory_source memory = {.variables = {"RAINDROP_WRITE_KEY=k"}};
    struct config_source source = memory_source_of(&memory);
    struct buffer text;
    buffer_init(&text, 4096);
    buffer_printf(&text,
                  "inputs: [{name: a, paths: ['/v/*.log'], %s}, {name: b, paths: ['/v/*.log', '/w/*.log']}]\n"
                  "rules: [{name: all, event: {event: e, user_id: u}}]\n",
                  more);
    *f = (struct fixture){.diagnostics = diagnostics_new(), .metrics = metrics_new(), .now = 1000};
    f->config = config_load_text(&source, "/c.yaml", buffer_slice(&text), CONFIG_FOR_CHECK, f->diagnostics);
    assert_non_null(f->config);
    buffer_release(&text);
    f->rules = scan_rules_new(f->config);
    f->table = file_table_new(f->config, f->rules, f->metrics, NULL);
    assert_non_null(f->table);
}

static void tear_down(struct fixture *f)
{
    file_table_free(f->table);
    scan_rules_free(f->rules);
    config_free(f->config);
    diagnostics_free(f->diagnostics);
    metrics_free(f->metrics);
}

static struct found_file *find(struct fixture *f, const char *path, uint64_t inode, uint64_t size)
{
    static char paths[16][64];
    struct found_file *found = &f->found[f->count];
    snprintf(paths[f->count], sizeof paths[0], "%s", path);
    size_t input = scan_rules_input_of(f->rules, slice_from(path));
    *found = (struct found_file){.kind = FOUND_FILE,
                                 .path = paths[f->count++],
                                 .device = 1,
                                 .inode = inode,
                                 .size = size,
                                 .input = input,
                                 .matched = input != SIZE_MAX};
    return found;
}

enum { DAY_MS = 24 * 3600 * 1000 };

/* A scan of all that find() was called for; `listed`: a directory that was read whole. */
static void reconcile(struct fixture *f, bool walk, const char *listed)
{
    char directory[64];
    snprintf(directory, sizeof directory, "%s", listed ? listed : "");
    bool walked[2] = {walk, walk};
    char *lists[1] = {directory};
    struct scan scan = {.found = f->found,
                        .count = f->count,
                        .walked = walked,
                        .input_count = 2,
                        .listed = lists,
                        .listed_count = listed != NULL,
                        .wall_ms = DAY_MS * INT64_C(20000) + (int64_t)f->now};
    for (size_t i = 0; i < f->count; i++)
        scan.unreadable |= f->found[i].kind == FOUND_UNREADABLE, scan.has_known |= f->found[i].known;
    file_table_reconcile(f->table, &scan, f->now);
    f->count = 0;
}

static size_t take_changes(struct fixture *f)
{
    size_t count = 0;
    while (file_table_next_change(f->table))
        count++;
    return count;
}

static struct file *only_file(struct fixture *f)
{
    assert_int_equal(file_table_count(f->table), 1);
    return file_table_first(f->table);
}

/* As if the tailer had read `size` bytes of it. */
static void begin(struct fixture *f, struct file *file, const char *first_line, uint64_t size)
{
    struct position at;
    position_init(&at);
    at.content.len = size;
    assert_true(file_table_begin(f->table, file, slice_from(first_line), &at, 0));
}

/* A file is new, is not news while it does not change, grows, and is the same under another name. */
static void new_grown_renamed(void **state)
{
    (void)state;
    struct fixture f;
    set_up(&f, "rescan: 10s");
    find(&f, "/v/a.log", 7, 10);
    reconcile(&f, true, NULL);
    struct file *file = only_file(&f);
    assert_int_equal(take_changes(&f), 1);
    assert_int_equal(file->source.input, 0);
    begin(&f, file, "one", 10);
    find(&f, "/v/a.log", 7, 10);
    reconcile(&f, true, NULL);
    assert_int_equal(take_changes(&f), 0);
    find(&f, "/v/a.log", 7, 11);
    reconcile(&f, true, NULL);
    assert_int_equal(take_changes(&f), 1);
    find(&f, "/v/b.log", 7, 11);
    reconcile(&f, true, NULL);
    assert_ptr_equal(only_file(&f), file);
    assert_string_equal(file->path, "/v/a.log"); /* that is what it was read as */
    assert_string_equal(file_location(file), "/v/b.log");
    assert_true(file->moved);
    tear_down(&f);
}

/* One that was not begun when its inode was used again is not the next one that has it, nor that one's earlier name. */
static void not_begun_and_used_again(void **state)
{
    (void)state;
    struct fixture f;
    set_up(&f, "rescan: 10s");
    find(&f, "/v/a.log", 7, 0)->born_ns = 1;
    reconcile(&f, true, NULL);
    find(&f, "/v/b.log", 7, 10)->born_ns = 2;
    reconcile(&f, true, NULL);
    assert_string_equal(only_file(&f)->path, "/v/b.log");
    assert_false(only_file(&f)->moved);
    assert_int_equal(only_file(&f)->born_ns, 2);
    tear_down(&f);
}

/* One that another input begins is that one's, also after a reload. */
static void not_begun_and_in_another_inputs_directory(void **state)
{
    (void)state;
    struct fixture f;
    set_up(&f, "rescan: 10s");
    find(&f, "/v/a.log", 7, 0);
    reconcile(&f, true, NULL);
    assert_int_equal(only_file(&f)->source.input, 0);
    find(&f, "/w/b.log", 7, 10);
    reconcile(&f, true, NULL);
    struct file *file = only_file(&f);
    begin(&f, file, "one", 10);
    assert_true(file_table_configure(f.table, f.config, f.rules));
    assert_int_equal(file->source.input, 1);
    assert_string_equal(file->path, "/w/b.log");
    assert_string_equal(file_location(file), "/w/b.log");
    tear_down(&f);
}

/* Two names of one inode are one file, and its name does not change to and fro. */
static void hard_links_are_one_file(void **state)
{
    (void)state;
    struct fixture f;
    set_up(&f, "rescan: 10s");
    for (int i = 0; i < 2; i++) {
        find(&f, "/v/a.log", 7, 10);
        find(&f, "/v/b.log", 7, 10);
        reconcile(&f, true, NULL);
        assert_string_equal(file_location(only_file(&f)), "/v/a.log");
    }
    take_changes(&f);
    begin(&f, only_file(&f), "one", 10);
    find(&f, "/v/b.log", 7, 10); /* in whichever order a directory shows them */
    find(&f, "/v/a.log", 7, 10);
    reconcile(&f, true, NULL);
    assert_string_equal(file_location(only_file(&f)), "/v/a.log");
    assert_false(only_file(&f)->moved);
    assert_int_equal(take_changes(&f), 0);
    tear_down(&f);
}

/* A file that no scan meets is looked for in its directory; after two listings without it, it is gone, and what was
 * known to be unread in it is counted once nothing continued it. */
static void gone_only_after_it_was_looked_for(void **state)
{
    (void)state;
    struct fixture f;
    const char *const *directories;
    set_up(&f, "rescan: 10s");
    find(&f, "/v/a.log", 7, 10);
    reconcile(&f, true, NULL);
    struct file *file = only_file(&f);
    begin(&f, file, "one", 4);
    file->most_size = 10;
    reconcile(&f, true, NULL);
    assert_int_equal(file->place, FILE_UNSEEN);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(file->place, FILE_UNSEEN);
        assert_int_equal(file_table_wanted_lists(f.table, f.now, &directories), 1);
        assert_string_equal(directories[0], "/v");
        reconcile(&f, false, "/v");
    }
    assert_int_equal(file->place, FILE_PARTED);
    assert_true(file_table_is_searching(f.table));
    for (int i = 0; i < 2; i++) {
        assert_int_equal(f.metrics->inputs->bytes_lost[LOSS_GONE], 0);
        assert_int_equal(file_table_wanted_lists(f.table, f.now, &directories), 1);
        reconcile(&f, false, "/v");
        f.now += 5000;
    }
    assert_int_equal(metrics_input(f.metrics, "a")->bytes_lost[LOSS_GONE], 6);
    assert_false(file_table_is_searching(f.table));
    tear_down(&f);
}

/* An inode that was given to another file, as its birth shows: what was known of the first is lost, what is seen of the
 * second is not taken for it. */
static void inode_is_given_to_another_file(void **state)
{
    (void)state;
    struct fixture f;
    set_up(&f, "rescan: 10s");
    find(&f, "/v/a.log", 7, 10)->born_ns = 1;
    reconcile(&f, true, NULL);
    struct file *file = only_file(&f);
    begin(&f, file, "one", 4);
    file_note_verified(file);
    find(&f, "/v/b.log", 7, 1000)->born_ns = 2;
    reconcile(&f, true, NULL);
    assert_int_equal(file_table_count(f.table), 2);
    assert_int_equal(file->place, FILE_PARTED);
    assert_string_equal(file_location(file), "/v/a.log");
    while (file_table_next_change(f.table)) /* it was looked at: nothing waits any more */
        ;
    f.now += 6000;
    reconcile(&f, false, "/v");
    assert_int_equal(metrics_input(f.metrics, "a")->bytes_lost[LOSS_GONE], 6);
    tear_down(&f);
}

/* What it grew by is counted as lost with it when it was seen for a second; what was seen just before another content
 * was found is that content's, and so is what was seen after it was cut. */
static void growth_that_is_not_known_to_be_its_own(void **state)
{
    (void)state;
    static const struct {
        uint64_t sizes[3]; /* seen, one after the other */
        size_t checked;    /* its content was found to be the same after so many of them */
        uint64_t lost;
    } cases[] = {
        {{10, 1000, 2000}, 0, 0},
        {{20, 30, 2000}, 2, 20},
        {{50, 5, 2000}, 0, 0},
        {{50, 5, 2000}, 1, 40},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct fixture f;
        struct file *successor;
        set_up(&f, "rescan: 10s");
        find(&f, "/v/a.log", 7, 10);
        reconcile(&f, true, NULL);
        struct file *file = only_file(&f);
        begin(&f, file, "one", 10);
        file_note_verified(file);
        for (size_t k = 0; k < 3; k++) {
            f.now += 1000;
            find(&f, "/v/a.log", 7, cases[i].sizes[k]);
            reconcile(&f, true, NULL);
            if (k + 1 == cases[i].checked)
                file_note_verified(file);
        }
        assert_true(file_table_part(f.table, file, f.now, &successor));
        assert_int_equal(file->lost_if_not_continued, cases[i].lost);
        tear_down(&f);
    }
}

/* What was lost is counted, though the agent was stopped while its continuation was looked for; and only once. */
static void losses_are_counted_after_a_restart(void **state)
{
    (void)state;
    for (int told = 0; told < 2; told++) {
        struct fixture f, g;
        struct buffer records;
        struct arena arena;
        struct journal_record record;
        enum journal_fault fault;
        set_up(&f, "rescan: 10s");
        find(&f, "/v/a.log", 7, 10);
        reconcile(&f, true, NULL);
        struct file *file = only_file(&f);
        begin(&f, file, "one", 4);
        file_note_verified(file);
        file_table_gone(f.table, file, LOSS_DELETED, f.now);
        f.now += 6000;
        if (told)
            reconcile(&f, false, "/v");
        assert_int_equal(metrics_input(f.metrics, "a")->bytes_lost[LOSS_DELETED], told ? 6 : 0);
        buffer_init(&records, 1 << 20);
        arena_init(&arena, 1 << 20);
        assert_true(file_table_save(f.table, true, &records));
        file_table_saved(f.table, true);
        set_up(&g, "rescan: 10s");
        struct slice rest = buffer_slice(&records);
        while (journal_read(&arena, &rest, &record, &fault)) {
            if (record.kind == JOURNAL_FILE)
                assert_true(file_table_restore(g.table, &record.entry));
        }
        reconcile(&g, false, "/v");
        assert_int_equal(metrics_input(g.metrics, "a")->bytes_lost[LOSS_GONE], told ? 0 : 6);
        arena_release(&arena);
        buffer_release(&records);
        tear_down(&f);
        tear_down(&g);
    }
}

/* What is only by its inode taken for a file is not saved as its place: after a restart it is looked for where it was.
 */
static void doubtful_places_are_not_saved(void **state)
{
    (void)state;
    struct fixture f, g;
    struct buffer records;
    struct arena arena;
    struct journal_record record;
    enum journal_fault fault;
    set_up(&f, "rescan: 10s");
    find(&f, "/v/a.log", 7, 10);
    reconcile(&f, true, NULL);
    begin(&f, only_file(&f), "one", 10);
    file_note_verified(only_file(&f));
    find(&f, "/w/b.log", 7, 0);
    reconcile(&f, true, NULL);
    assert_string_equal(file_location(only_file(&f)), "/w/b.log");
    buffer_init(&records, 1 << 20);
    arena_init(&arena, 1 << 20);
    assert_true(file_table_save(f.table, true, &records));
    file_table_saved(f.table, true);
    set_up(&g, "rescan: 10s");
    struct slice rest = buffer_slice(&records);
    while (journal_read(&arena, &rest, &record, &fault)) {
        if (record.kind == JOURNAL_FILE)
            assert_true(file_table_restore(g.table, &record.entry));
    }
    assert_string_equal(file_location(only_file(&g)), "/v/a.log");
    arena_release(&arena);
    buffer_release(&records);
    tear_down(&f);
    tear_down(&g);
}

/* Found by its inode under a name that matches nothing, it is the same file still. */
static void found_by_its_inode(void **state)
{
    (void)state;
    struct fixture f;
    const char *const *paths;
    set_up(&f, "rescan: 10s");
    find(&f, "/v/a.log", 7, 10);
    reconcile(&f, true, NULL);
    struct file *file = only_file(&f);
    begin(&f, file, "one", 10);
    find(&f, "/v/a.log", 8, 3); /* the next one of that name */
    reconcile(&f, true, NULL);
    assert_int_equal(file_table_count(f.table), 2);
    find(&f, "/v/a.log", 8, 3);
    find(&f, "/v/a.log.1", 7, 10);
    find(&f, "/v/unknown.txt", 9, 10);
    reconcile(&f, false, "/v");
    assert_int_equal(file->place, FILE_PRESENT);
    assert_string_equal(file_location(file), "/v/a.log.1");
    assert_int_equal(file_table_count(f.table), 2);
    assert_int_equal(file_table_wanted_looks(f.table, &paths), 1); /* no walk would find it */
    assert_string_equal(paths[0], "/v/a.log.1");
    tear_down(&f);
}

/* What could not be looked at is not gone: neither the file, nor what is below a directory. */
static void unreadable_is_not_gone(void **state)
{
    (void)state;
    struct fixture f;
    set_up(&f, "rescan: 10s");
    find(&f, "/v/a.log", 7, 10);
    find(&f, "/w/b.log", 8, 10);
    reconcile(&f, true, NULL);
    for (struct file *file = file_table_first(f.table); file; file = file_table_next(file))
        begin(&f, file, "one", 10);
    for (int i = 0; i < 5; i++) {
        *find(&f, "/v/a.log", 7, 0) = (struct found_file){
            .kind = FOUND_UNREADABLE, .error = 5, .path = f.found[0].path, .input = 0, .matched = true};
        *find(&f, "/w", 0, 0) =
            (struct found_file){.kind = FOUND_UNREADABLE, .error = 13, .path = f.found[1].path, .input = 1};
        reconcile(&f, true, NULL);
        f.now += 100000;
    }
    for (struct file *file = file_table_first(f.table); file; file = file_table_next(file))
        assert_int_equal(file->place, FILE_PRESENT);
    file_table_measure(f.table, f.now);
    assert_int_equal(metrics_input(f.metrics, "a")->files_unreadable, 2); /* each one is told of once, and counted */
    tear_down(&f);
}

/* A scan of one name says nothing about the other: it was not renamed. (Its last line would be taken without newline.)
 */
static void a_second_name_is_no_rename(void **state)
{
    (void)state;
    struct fixture f;
    set_up(&f, "rescan: 10s");
    find(&f, "/v/a.log", 7, 10);
    reconcile(&f, true, NULL);
    struct file *file = only_file(&f);
    begin(&f, file, "one", 10);
    take_changes(&f);
    find(&f, "/v/b.log", 7, 12); /* looked at, after a hint */
    reconcile(&f, false, NULL);
    assert_string_equal(file_location(only_file(&f)), "/v/a.log");
    assert_false(file->moved);
    assert_int_equal(file->size, 12);
    assert_int_equal(take_changes(&f), 1);
    find(&f, "/v/b.log", 7, 12);
    find(&f, "/v/a.log", 0, 0)->kind = FOUND_NOTHING; /* now it was */
    reconcile(&f, false, NULL);
    assert_string_equal(file_location(only_file(&f)), "/v/b.log");
    assert_true(file->moved);
    tear_down(&f);
}

/* Nothing showed a file, which was not open; then its inode is found in another directory: what was read of it counts.
 * One that is younger has only the inode. */
static void gone_and_found_elsewhere(void **state)
{
    (void)state;
    for (int younger = 0; younger < 2; younger++) {
        struct fixture f;
        set_up(&f, "rescan: 10s");
        find(&f, "/v/a.log", 7, 10)->born_ns = 1;
        reconcile(&f, true, NULL);
        struct file *file = only_file(&f);
        begin(&f, file, "one", 10);
        file_table_gone(f.table, file, LOSS_GONE, f.now);
        find(&f, "/w/a.log", 7, 9)->born_ns = 1; /* cannot hold what was read */
        reconcile(&f, false, NULL);
        assert_int_equal(file->place, FILE_PARTED);
        file_table_drop(f.table, file_table_next(file));
        find(&f, "/w/a.log", 7, 12)->born_ns = younger ? 2 : 1;
        reconcile(&f, false, NULL);
        assert_int_equal(file_table_count(f.table), younger ? 2 : 1);
        assert_int_equal(file->place, younger ? FILE_PARTED : FILE_PRESENT);
        if (!younger) {
            assert_string_equal(file_location(file), "/w/a.log");
            assert_false(file_table_is_searching(f.table));
            assert_false(file->reading.verified);
            assert_int_equal(take_changes(&f), 1);
        }
        tear_down(&f);
    }
}

/* A walk that did not look into a directory, as nothing happened there, misses nothing in it, but does elsewhere. */
static void a_known_directory_misses_nothing(void **state)
{
    (void)state;
    struct fixture f;
    set_up(&f, "rescan: 10s");
    find(&f, "/v/a.log", 7, 10);
    find(&f, "/v/b.log", 8, 10);
    find(&f, "/w/c.log", 9, 10);
    reconcile(&f, true, NULL);
    struct file *unreadable = file_table_first(f.table), *c = file_table_next(file_table_next(unreadable));
    assert_string_equal(c->path, "/w/c.log");
    take_changes(&f);
    unreadable->unreadable = EACCES;
    struct found_file *directory = find(&f, "/v", 1, 0);
    directory->kind = FOUND_DIRECTORY;
    directory->known = true;
    directory->matched = false;
    reconcile(&f, true, NULL);
    assert_int_equal(unreadable->place, FILE_PRESENT);
    assert_int_equal(file_table_next(unreadable)->place, FILE_PRESENT);
    assert_int_equal(c->place, FILE_UNSEEN);
    assert_true(file_table_is_unsure(f.table)); /* c.log may be anywhere */
    assert_ptr_equal(file_table_next_change(f.table), unreadable);
    assert_null(file_table_next_change(f.table));
    tear_down(&f);
}

/* An inode that was seen in another directory may hold something else: what continues its content is looked for where
 * that was for certain, until the content is found to be the same. */
static void a_copy_is_compared_with_what_was_moved_meanwhile(void **state)
{
    (void)state;
    struct fixture f;
    set_up(&f, "rescan: 10s");
    find(&f, "/v/a.log", 7, 10);
    reconcile(&f, true, NULL);
    struct file *file = only_file(&f);
    begin(&f, file, "one", 10);
    find(&f, "/v/copy.log", 8, 10);
    find(&f, "/w/b.log", 7, 10);
    reconcile(&f, true, NULL);
    struct file *copy = file_table_next(file);
    assert_string_equal(file_location(copy), "/v/copy.log");
    assert_string_equal(file_location(file), "/w/b.log");
    uint64_t line = content_hash_of(SLICE("one"));
    assert_ptr_equal(file_table_next_suspect(f.table, copy, line, NULL), file);
    file_table_hold(f.table, copy, line, file);
    take_changes(&f);
    file_note_verified(file); /* it is a file of that directory now */
    assert_null(file_table_next_suspect(f.table, copy, line, NULL));
    assert_null(copy->reading.held_by);
    assert_int_equal(take_changes(&f), 1);
    tear_down(&f);
}

/* A link's target that was met in its directory before the link was: it is known by the name that matches. */
static void a_candidate_that_a_link_leads_to(void **state)
{
    (void)state;
    struct fixture f;
    set_up(&f, "rescan: 10s");
    find(&f, "/v/a.log", 7, 10);
    reconcile(&f, true, NULL);
    struct file *file = only_file(&f);
    begin(&f, file, "one", 10);
    file_table_gone(f.table, file, LOSS_GONE, f.now);
    find(&f, "/v/target", 8, 20); /* may continue it */
    reconcile(&f, false, "/v");
    struct file *candidate = file_table_next(file);
    assert_true(candidate->candidate);
    static char real[] = "/v/target";
    find(&f, "/v/b.log", 8, 20)->real_path = real;
    reconcile(&f, true, NULL);
    assert_false(candidate->candidate);
    assert_string_equal(candidate->path, "/v/b.log");
    assert_string_equal(file_location(candidate), "/v/target");
    assert_false(candidate->moved);
    tear_down(&f);
}

/* After a change of device numbers the same path and inode are the same file; another inode is another file. */
static void devices_are_numbered_anew(void **state)
{
    (void)state;
    struct fixture f;
    set_up(&f, "rescan: 10s");
    struct checkpoint_entry entry = {.key = 3, .path = SLICE("/v/a.log"), .device = 99, .inode = 7, .offset = 4};
    assert_true(file_table_restore(f.table, &entry));
    entry.key = 4;
    entry.path = SLICE("/v/b.log");
    assert_true(file_table_restore(f.table, &entry));
    find(&f, "/v/a.log", 7, 10);
    find(&f, "/v/b.log", 8, 10);
    reconcile(&f, true, NULL);
    assert_int_equal(file_table_count(f.table), 3);
    struct file *file = file_table_first(f.table);
    assert_int_equal(file->place, FILE_PRESENT);
    assert_int_equal(file->device, 1);
    assert_int_equal(file_table_next(file)->place, FILE_UNSEEN);
    tear_down(&f);
}

/* What is saved is restored: position, place and name; a file's calls wait for its entry, unless that
 * cannot be written (contract 4.3); then it is written with the next save. */
static void saves_and_restores(void **state)
{
    (void)state;
    struct fixture f;
    struct buffer records;
    struct arena arena;
    struct journal_record record;
    enum journal_fault fault;
    set_up(&f, "rescan: 10s");
    find(&f, "/v/a.log", 7, 10);
    reconcile(&f, true, NULL);
    struct file *file = only_file(&f);
    begin(&f, file, "one", 4);
    find(&f, "/v/b.log", 7, 10);
    reconcile(&f, true, NULL);
    file_note_verified(file);
    buffer_init(&records, 65536);
    arena_init(&arena, 65536);
    for (int i = 0; i < 2; i++) { /* the first save fails */
        buffer_clear(&records);
        assert_true(file_table_has_unsaved(f.table));
        assert_true(file_table_save(f.table, false, &records));
        assert_int_equal(ledger_is_registered(file->ledger), i == 1);
        file_table_saved(f.table, i == 1);
        assert_int_equal(file->ledger == NULL, i == 1); /* nothing waits: at rest none is kept */
        assert_true(ledger_is_registered(file_table_ledger(f.table, file)));
    }
    assert_false(file_table_has_unsaved(f.table));
    struct file_id id = file->source.id;
    tear_down(&f);

    set_up(&f, "rescan: 10s");
    struct slice body = buffer_slice(&records);
    while (journal_read(&arena, &body, &record, &fault)) {
        if (record.kind == JOURNAL_FILE)
            assert_true(file_table_restore(f.table, &record.entry));
    }
    file = only_file(&f);
    assert_int_equal(file_offset(file), 4);
    assert_memory_equal(&file->source.id, &id, sizeof id);
    assert_string_equal(file->path, "/v/a.log");
    assert_string_equal(file_location(file), "/v/b.log");
    find(&f, "/v/b.log", 7, 10);
    reconcile(&f, true, NULL);
    assert_int_equal(only_file(&f)->place, FILE_PRESENT);
    tear_down(&f);
    buffer_release(&records);
    arena_release(&arena);
}

/* A content that parts leaves its inode to another file; a copy that continues it gives it a new place. The generation
 * counts how often a file was begun at an inode, so that no two of them share an id. */
static void parts_and_is_continued(void **state)
{
    (void)state;
    struct fixture f;
    set_up(&f, "rescan: 10s");
    find(&f, "/v/a.log", 7, 10);
    reconcile(&f, true, NULL);
    struct file *file = only_file(&f);
    begin(&f, file, "one", 4);
    struct file_id id = file->source.id;
    struct file *next;
    assert_true(file_table_part(f.table, file, f.now, &next));
    assert_non_null(next);
    assert_int_equal(next->inode, 7);
    begin(&f, next, "one", 0);
    assert_memory_not_equal(&next->source.id, &id, sizeof id);
    find(&f, "/v/a.log.1", 8, 10); /* matches nothing: a candidate */
    find(&f, "/v/small", 9, 2);    /* too small to hold what was read */
    reconcile(&f, false, "/v");
    assert_int_equal(file_table_count(f.table), 3);
    struct file *candidate = file_table_next(next);
    assert_ptr_equal(file_table_next_suspect(f.table, candidate, content_hash_of(SLICE("one")), NULL) == file ||
                         file_table_next_suspect(f.table, candidate, content_hash_of(SLICE("one")), next) == file,
                     true);
    file_table_continue(f.table, file, candidate);
    assert_int_equal(file_table_count(f.table), 2);
    assert_int_equal(file->place, FILE_PRESENT);
    assert_int_equal(file->inode, 8);
    assert_memory_equal(&file->source.id, &id, sizeof id);
    assert_false(file_table_is_searching(f.table));
    tear_down(&f);
}

/* A deleted file's inode that was given to another name: the content looks for its continuation where it was, and what
 * has the inode now gets the name under which the next scan finds it. */
static void inode_goes_to_another_name(void **state)
{
    (void)state;
    struct fixture f;
    struct file *next;
    set_up(&f, "rescan: 10s");
    find(&f, "/v/a.log", 7, 10);
    reconcile(&f, true, NULL);
    struct file *file = only_file(&f);
    begin(&f, file, "one", 4);
    find(&f, "/w/b.log", 7, 10);
    reconcile(&f, true, NULL);
    assert_string_equal(file_location(only_file(&f)), "/w/b.log");
    assert_true(file_table_part(f.table, file, f.now, &next));
    assert_null(next);
    assert_string_equal(file_location(file), "/v/a.log");
    find(&f, "/w/b.log", 7, 10);
    reconcile(&f, true, NULL);
    next = file_table_next(file);
    assert_string_equal(next->path, "/w/b.log");
    assert_false(next->moved);
    assert_int_equal(next->source.input, 1);
    assert_int_equal(next->generation, 1);
    tear_down(&f);
}

/* Files that are too old when first met are left alone, until they change. */
static void ignores_what_is_older(void **state)
{
    (void)state;
    struct fixture f;
    set_up(&f, "ignore_older: 1h");
    find(&f, "/v/a.log", 7, 10)->mtime_ns = 1000;
    reconcile(&f, true, NULL);
    assert_int_equal(file_table_count(f.table), 0);
    find(&f, "/v/a.log", 7, 12)->mtime_ns = DAY_MS * INT64_C(20000) * 1000000;
    reconcile(&f, true, NULL);
    assert_int_equal(file_table_count(f.table), 1);
    tear_down(&f);
}

/* What was gone for longer than checkpoint.forget_after is forgotten, also by the checkpoint. */
static void forgets(void **state)
{
    (void)state;
    struct fixture f;
    struct buffer records;
    set_up(&f, "rescan: 10s");
    struct checkpoint_entry entry = {.key = 3,
                                     .path = SLICE("/v/a.log"),
                                     .inode = 7,
                                     .offset = 4,
                                     .gone = true,
                                     .last_seen_ms = DAY_MS * INT64_C(19990)};
    assert_true(file_table_restore(f.table, &entry));
    reconcile(&f, true, "/v");
    assert_int_equal(file_table_count(f.table), 0);
    buffer_init(&records, 4096);
    assert_true(file_table_save(f.table, false, &records));
    assert_non_null(memmem(records.data, records.len, "{\"forget\":3}", 12));
    file_table_saved(f.table, true);
    buffer_release(&records);
    tear_down(&f);
}

static bool by_size(const void *context, const struct file *f, const struct file *g)
{
    (void)context;
    return f->size < g->size;
}

/* Sorting a list keeps every file, in both directions, and equal ones in their order. */
static void sorts_its_lists(void **state)
{
    (void)state;
    struct fixture f;
    char path[32];
    set_up(&f, "rescan: 10s");
    uint32_t random = 1;
    for (int i = 0; i < 200; i++) {
        random = random * 1664525 + 1013904223;
        snprintf(path, sizeof path, "/v/%d.log", i);
        find(&f, path, (uint64_t)i + 1, random >> 28);
        reconcile(&f, false, NULL);
    }
    file_table_sort(f.table, LIST_CHANGED, by_size, NULL);
    const struct file_list *list = file_table_list(f.table, LIST_CHANGED);
    size_t count = 0;
    for (const struct file *file = list->first; file; file = file->links[LIST_CHANGED].next, count++) {
        const struct file *next = file->links[LIST_CHANGED].next;
        assert_ptr_equal(next ? next->links[LIST_CHANGED].prev : list->last, file);
        assert_true(!next || file->size < next->size || (file->size == next->size && file->inode < next->inode));
    }
    assert_int_equal(count, 200);
    tear_down(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(new_grown_renamed),
        cmocka_unit_test(not_begun_and_used_again),
        cmocka_unit_test(not_begun_and_in_another_inputs_directory),
        cmocka_unit_test(hard_links_are_one_file),
        cmocka_unit_test(gone_only_after_it_was_looked_for),
        cmocka_unit_test(inode_is_given_to_another_file),
        cmocka_unit_test(growth_that_is_not_known_to_be_its_own),
        cmocka_unit_test(losses_are_counted_after_a_restart),
        cmocka_unit_test(doubtful_places_are_not_saved),
        cmocka_unit_test(found_by_its_inode),
        cmocka_unit_test(unreadable_is_not_gone),
        cmocka_unit_test(a_second_name_is_no_rename),
        cmocka_unit_test(gone_and_found_elsewhere),
        cmocka_unit_test(a_copy_is_compared_with_what_was_moved_meanwhile),
        cmocka_unit_test(a_known_directory_misses_nothing),
        cmocka_unit_test(a_candidate_that_a_link_leads_to),
        cmocka_unit_test(devices_are_numbered_anew),
        cmocka_unit_test(saves_and_restores),
        cmocka_unit_test(parts_and_is_continued),
        cmocka_unit_test(inode_goes_to_another_name),
        cmocka_unit_test(ignores_what_is_older),
        cmocka_unit_test(forgets),
        cmocka_unit_test(sorts_its_lists),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
