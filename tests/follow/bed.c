#include "bed.h"

#include "conf/memory_source.h"
#include "follow/file_saving.h"
#include "follow/file_search.h"
#include "support/cmocka_setup.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

enum { GIVE_UP_AFTER_MS = 20000 };

/* ---- life ---- */

static void load_config(struct bed *b)
{
    struct memory_source memory = {.variables = {"RAINDROP_WRITE_KEY=k"}};
    struct config_source source = memory_source_of(&memory);
    struct buffer text;
    buffer_init(&text, 65536);
    buffer_printf(
        &text,
        "inputs:\n  - name: logs\n    parser: raw\n    %s\n"
        "rules:\n%s"
        "  - {name: all, event: {event: e, user_id: u}}\n",
        b->input ? b->input : "paths: ['*.log']",
        b->merging
            ? "  - {name: joined, when: {$.message: none}, merge: {by: $.message}, event: {event: e, user_id: u}}\n"
            : "");
    char name[300];
    snprintf(name, sizeof name, "%s/raingauge.yaml", b->dir.path);
    b->diagnostics = diagnostics_new();
    b->config = config_load_text(&source, name, buffer_slice(&text), CONFIG_FOR_CHECK, b->diagnostics);
    buffer_clear(&text);
    diagnostics_print(b->diagnostics, &text, false, false);
    if (!b->config)
        fail_msg("%.*s", SLICE_FMT(buffer_slice(&text)));
    buffer_release(&text);
}

static uint64_t bed_now(struct bed *b)
{
    return (b->frozen ? b->frozen : uv_now(&b->loop)) + b->skew;
}

static void save(struct bed *b)
{
    struct buffer records;
    if (b->no_save || !file_table_has_unsaved(b->table))
        return;
    buffer_init(&records, 1 << 24);
    assert_true(file_table_save(b->table, false, &records));
    buffer_add(&b->journal, buffer_slice(&records));
    file_table_saved(b->table, true);
    buffer_release(&records);
}

static uint64_t earlier(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

static void on_timer(uv_timer_t *timer)
{
    (void)timer;
}

static void on_turn_end(uv_prepare_t *turn_end)
{
    struct bed *b = turn_end->data;
    uint64_t now = bed_now(b);
    if (!b->running)
        return;
    watcher_scan_if_due(b->watcher, now);
    tailer_follow_changes(b->tailer, now);
    sink_settle(&b->sink);
    save(b);
    tailer_read_more(b->tailer, now);
    uint64_t at = earlier(watcher_deadline(b->watcher), tailer_deadline(b->tailer));
    uint64_t in = at > now ? at - now : 0;
    if (b->hurry && in <= 100) { /* what is due soon is due now */
        b->skew += in;
        in = 0;
    }
    uv_timer_start(&b->timer, on_timer, in < 20 ? in : 20, 0); /* turn_until() looks at its clock now and then */
}

static void make(struct bed *b, const char *input, bool merging)
{
    *b = (struct bed){.input = input, .merging = merging, .sink.room = SIZE_MAX};
    temp_dir_make(&b->dir);
    buffer_init(&b->journal, 1 << 28);
    assert_int_equal(uv_loop_init(&b->loop), 0);
    uv_prepare_init(&b->loop, &b->turn_end);
    uv_timer_init(&b->loop, &b->timer);
    b->turn_end.data = b;
    load_config(b);
    b->rules = scan_rules_new(b->config);
    b->metrics = metrics_new();
    uv_prepare_start(&b->turn_end, on_turn_end);
}

void bed_make(struct bed *b, const char *input)
{
    make(b, input, false);
}

void bed_make_merging(struct bed *b, const char *input)
{
    make(b, input, true);
}

/* The last record of a key counts. */
static void restore(struct bed *b)
{
    struct slice body = buffer_slice(&b->journal);
    struct journal_record records[512];
    size_t count = 0;
    struct arena arena;
    arena_init(&arena, 1 << 26);
    struct journal_record record;
    enum journal_fault fault;
    while (journal_read(&arena, &body, &record, &fault)) {
        assert_int_equal(fault, JOURNAL_OK);
        if (record.kind == JOURNAL_INPUT) {
            assert_true(file_table_restore_input(b->table, record.input));
            continue;
        }
        size_t i = 0;
        while (i < count && records[i].entry.key != record.entry.key)
            i++;
        assert_true(i < sizeof records / sizeof *records);
        count += i == count;
        records[i] = record;
    }
    for (size_t i = 0; i < count; i++) {
        records[i].entry.device += b->devices_move;
        if (records[i].kind == JOURNAL_FILE)
            assert_true(file_table_restore(b->table, &records[i].entry));
    }
    arena_release(&arena);
}

void bed_start(struct bed *b)
{
    b->log = NULL;
    b->table = file_table_new(b->config, b->rules, b->metrics, b->log);
    restore(b);
    b->watcher = watcher_new(&b->loop, b->config, b->rules, b->table, b->log);
    b->tailer = tailer_new(&b->loop, b->config, b->rules, b->table, &b->sink, b->metrics, b->log, &b->options);
    assert_true(b->table && b->watcher && b->tailer);
    b->running = true;
}

static void on_stopped(void *context)
{
    struct bed *b = context;
    b->stopping--;
}

void bed_stop(struct bed *b)
{
    b->running = false;
    b->stopping = 2;
    watcher_stop(b->watcher, on_stopped, b);
    tailer_stop(b->tailer, on_stopped, b);
    uv_timer_start(&b->timer, on_timer, 1, 1);
    while (b->stopping)
        uv_run(&b->loop, UV_RUN_ONCE);
    uv_timer_stop(&b->timer);
    assert_int_equal(b->metrics->files_open, 0);
    sink_forget(&b->sink);
    file_table_free(b->table);
    b->table = NULL;
}

void bed_remove(struct bed *b)
{
    if (b->running)
        bed_stop(b);
    uv_close((uv_handle_t *)&b->turn_end, NULL);
    uv_close((uv_handle_t *)&b->timer, NULL);
    uv_run(&b->loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&b->loop), 0);
    for (size_t i = 0; i < b->sink.count; i++) {
        free(b->sink.lines[i].file);
        free(b->sink.lines[i].text);
    }
    free(b->sink.lines);
    scan_rules_free(b->rules);
    config_free(b->config);
    diagnostics_free(b->diagnostics);
    metrics_free(b->metrics);
    buffer_release(&b->journal);
    temp_dir_remove(&b->dir);
}

/* ---- files ---- */

const char *bed_path(struct bed *b, const char *name)
{
    return temp_path(&b->dir, name);
}

void bed_append(struct bed *b, const char *name, const char *text)
{
    int fd = open(bed_path(b, name), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0644);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), strlen(text));
    close(fd);
}

void bed_truncate(struct bed *b, const char *name, size_t size)
{
    assert_int_equal(truncate(bed_path(b, name), (off_t)size), 0);
}

void bed_rename(struct bed *b, const char *from, const char *to)
{
    assert_int_equal(rename(bed_path(b, from), bed_path(b, to)), 0);
}

void bed_copy(struct bed *b, const char *from, const char *to)
{
    size_t len;
    char *text = temp_read(&b->dir, from, &len);
    assert_non_null(text);
    temp_write(&b->dir, to, text, len);
    free(text);
}

void bed_delete(struct bed *b, const char *name)
{
    assert_int_equal(unlink(bed_path(b, name)), 0);
}

/* ---- turning ---- */

uint64_t bed_give_up_at(void)
{
    return uv_hrtime() / 1000000 + GIVE_UP_AFTER_MS;
}

void bed_turn(struct bed *b, uint64_t give_up_at, const char *what, const char *file, int line)
{
    if (uv_hrtime() / 1000000 > give_up_at) {
        print_error("%s:%d: never came: %s\n", file, line, what);
        for (size_t i = 0; i < b->sink.count; i++)
            print_error("  %s:%lu %s\n", b->sink.lines[i].file, (unsigned long)b->sink.lines[i].offset,
                        b->sink.lines[i].text);
        _fail(file, line);
    }
    uv_run(&b->loop, UV_RUN_ONCE);
}

static bool is_quiet(struct bed *b)
{
    bool stuck = b->sink.room == 0; /* what is queued stays so */
    return !tailer_is_working(b->tailer) && (stuck || read_queue_is_empty(b->table)) &&
           !file_table_list(b->table, LIST_CHANGED)->first && file_table_deadline(b->table) > bed_now(b) &&
           tailer_deadline(b->tailer) > bed_now(b);
}

void bed_settle_down(struct bed *b)
{
    for (int i = 0; i < 2; i++) { /* what the first walk finds may be looked for by the second */
        uint64_t walks = watcher_walks(b->watcher);
        watcher_scan_now(b->watcher);
        turn_until(b, watcher_walks(b->watcher) >= walks + 1);
        walks = watcher_walks(b->watcher); /* the one that was under way may have begun too early */
        watcher_scan_now(b->watcher);
        turn_until(b, watcher_walks(b->watcher) >= walks + 1 && is_quiet(b));
    }
}

void bed_pass(struct bed *b, uint64_t ms)
{
    b->skew += ms;
}
