/* Several blocks of one file at a time: what comes is the same, whatever the guess was. The mappers are watched, and
 * made to wait for each other, so that a block is read ahead for certain where it may be. */
#include "bed.h"

#include "follow/file_saving.h"
#include "limits.h"
#include "support/cmocka_setup.h"

#include <fcntl.h>
#include <pthread.h>
#include <time.h>
#include <unistd.h>

enum { LINE_MOST = 400, MAPPINGS_MOST = 200, PATIENCE_S = 20 };

struct watched {
    struct bed bed;
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    uint64_t mappings[MAPPINGS_MOST]; /* the offsets at which they began */
    size_t count, at_work, most_at_work;
    uint64_t size;                         /* of the file */
    bool in_pairs;                         /* none that another can be read ahead of goes on before that was begun */
    bool hold;                             /* none that begins behind 0 goes on */
    uint64_t stop_from;                    /* the first that begins here or later stops early; 0: none */
    void (*when_ahead)(struct watched *w); /* once, by the first that is read ahead, when it has read its block */
    bool done;                             /* … that */
    _Atomic(uint64_t) cut_behind;          /* the first that begins here or later cuts the file; 0: none */
};

/* ---- the watch ---- */

static bool has_begun_behind(const struct watched *w, uint64_t offset)
{
    for (size_t i = 0; i < w->count; i++) {
        if (w->mappings[i] > offset)
            return true;
    }
    return false;
}

static void wait_while(struct watched *w, bool (*waits)(const struct watched *w, uint64_t offset), uint64_t offset)
{
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += PATIENCE_S;
    while (waits(w, offset)) {
        if (pthread_cond_timedwait(&w->changed, &w->mutex, &until) != 0)
            fail_msg("the mapping at %llu waits for ever", (unsigned long long)offset);
    }
}

static bool is_held(const struct watched *w, uint64_t offset)
{
    return w->hold && offset > 0;
}

static bool waits_for_next(const struct watched *w, uint64_t offset)
{
    bool has_next = offset > LIMIT_FINGERPRINT && offset + 2 * LIMIT_READ + LINE_MOST <= w->size;
    return w->in_pairs && has_next && !has_begun_behind(w, offset);
}

static bool waits_for_what_is_done_ahead(const struct watched *w, uint64_t offset)
{
    return w->when_ahead && offset > 0 && !w->done;
}

static void on_begin(void *context, uint64_t offset, size_t *budget)
{
    struct watched *w = context;
    pthread_mutex_lock(&w->mutex);
    bool is_ahead = offset + LINE_MOST > 2 * LIMIT_READ; /* the first that can be is the third block */
    assert_true(w->count < MAPPINGS_MOST);
    w->mappings[w->count++] = offset;
    w->at_work++;
    if (w->at_work > w->most_at_work)
        w->most_at_work = w->at_work;
    if (is_ahead && w->when_ahead && !w->done) {
        w->when_ahead(w);
        w->done = true;
        w->in_pairs = false;
    }
    pthread_cond_broadcast(&w->changed);
    wait_while(w, waits_for_next, offset);
    wait_while(w, waits_for_what_is_done_ahead, offset);
    wait_while(w, is_held, offset);
    if (w->cut_behind && offset >= w->cut_behind) {
        assert_int_equal(truncate(bed_path(&w->bed, "a.log"), 2 * LIMIT_READ), 0);
        w->cut_behind = 0;
    }
    if (w->stop_from && offset >= w->stop_from) {
        *budget = 1000;
        w->stop_from = 0;
        w->in_pairs = false; /* a while passes before the next guess */
    }
    pthread_mutex_unlock(&w->mutex);
}

static void on_end(void *context, uint64_t offset)
{
    struct watched *w = context;
    (void)offset;
    pthread_mutex_lock(&w->mutex);
    w->at_work--;
    pthread_mutex_unlock(&w->mutex);
}

static size_t times_mapped(struct watched *w, uint64_t offset)
{
    size_t times = 0;
    pthread_mutex_lock(&w->mutex);
    for (size_t i = 0; i < w->count; i++)
        times += w->mappings[i] == offset;
    pthread_mutex_unlock(&w->mutex);
    return times;
}

/* Mappings that have begun and not ended. */
static size_t at_work(struct watched *w)
{
    pthread_mutex_lock(&w->mutex);
    size_t n = w->at_work;
    pthread_mutex_unlock(&w->mutex);
    return n;
}

static void let_go(struct watched *w)
{
    pthread_mutex_lock(&w->mutex);
    w->hold = w->in_pairs = false;
    pthread_cond_broadcast(&w->changed);
    pthread_mutex_unlock(&w->mutex);
}

/* ---- the file ---- */

static void make(struct watched *w, const char *input)
{
    *w = (struct watched){.in_pairs = true};
    pthread_mutex_init(&w->mutex, NULL);
    pthread_cond_init(&w->changed, NULL);
    bed_make(&w->bed, input);
    w->bed.options.jobs = 3;
    mapping_watch = (struct mapping_watch){on_begin, on_end, w};
}

static void end(struct watched *w)
{
    bed_remove(&w->bed);
    mapping_watch = (struct mapping_watch){0};
    pthread_cond_destroy(&w->changed);
    pthread_mutex_destroy(&w->mutex);
}

/* Lines "0 …", "1 …" until so many bytes are there. Returns the number of the next one. */
static size_t fill(struct watched *w, size_t number, uint64_t size)
{
    struct buffer text;
    buffer_init(&text, MIB(64));
    for (uint64_t at = w->size; w->size + text.len < size; number++) {
        buffer_printf(&text, "%zu from %llu ", number, (unsigned long long)(at + text.len));
        for (size_t n = number * 31 % 300; n > 0; n--)
            buffer_add(&text, SLICE("x"));
        buffer_add(&text, SLICE("\n"));
    }
    buffer_add(&text, SLICE("\0"));
    bed_append(&w->bed, "a.log", text.data);
    w->size += text.len - 1;
    buffer_release(&text);
    return number;
}

/* Lines of which no call is made, but for one in fifty, until so many bytes are there. */
static size_t fill_mostly_noise(struct watched *w, size_t number, uint64_t size)
{
    struct buffer text;
    buffer_init(&text, MIB(64));
    for (uint64_t at = w->size, n = 0; w->size + text.len < size; n++) {
        if (n % 50 == 17)
            buffer_printf(&text, "%zu from %llu\n", number++, (unsigned long long)(at + text.len));
        else
            buffer_printf(&text, "- %*s\n", (int)(n * 31 % 300), "noise");
    }
    buffer_add(&text, SLICE("\0"));
    bed_append(&w->bed, "a.log", text.data);
    w->size += text.len - 1;
    buffer_release(&text);
    return number;
}

/* A line of so many bytes. */
static size_t add_long(struct watched *w, size_t number, size_t len)
{
    char *line = malloc(len + 2);
    memset(line, 'y', len);
    int head = snprintf(line, len, "%zu from %llu ", number, (unsigned long long)w->size);
    line[head] = 'y';
    line[len] = '\n';
    line[len + 1] = '\0';
    bed_append(&w->bed, "a.log", line);
    w->size += len + 1;
    free(line);
    return number + 1;
}

/* Each line from `first` on came once, in order, with the offset at which it stands. */
static void check_came(struct watched *w, size_t at, size_t first, size_t count)
{
    assert_true(w->bed.sink.count >= at + count);
    for (size_t i = 0; i < count; i++) {
        const struct sunk_line *line = &w->bed.sink.lines[at + i];
        unsigned long long number, offset;
        if (sscanf(line->text, "%llu from %llu ", &number, &offset) != 2 || number != first + i ||
            offset != line->offset)
            fail_msg("%zu: not line %zu: %.60s at %llu", i, first + i, line->text, (unsigned long long)line->offset);
    }
}

static void check_all(struct watched *w, size_t count)
{
    check_came(w, 0, 0, count);
    assert_int_equal(w->bed.sink.count, count);
}

/* What is remembered of the file is what its bytes say. */
static void check_position(struct watched *w)
{
    const struct file *f = file_table_first(w->bed.table);
    struct file_content content = {.fd = open(bed_path(&w->bed, "a.log"), O_RDONLY | O_CLOEXEC)};
    struct position there;
    assert_true(identity_position_at(&content, 0, file_offset(f), &there));
    close(content.fd);
    assert_int_equal(file_offset(f), w->size);
    assert_true(content_hash_equal(&there.content, &f->source.at.content));
    assert_int_equal(there.tail, f->source.at.tail);
    assert_true(content_hash_equal(&there.content, &file_committed(f)->content));
}

/* ---- the guess is right ---- */

/* All blocks but the first, of which the file is not known yet, are read in pairs, and each one once. */
static void blocks_are_read_ahead(void **state)
{
    (void)state;
    struct watched w;
    make(&w, NULL);
    size_t count = fill(&w, 0, 9 * LIMIT_READ / 2);
    bed_start(&w.bed);
    turn_until(&w.bed, w.bed.sink.count == count);
    bed_settle_down(&w.bed);
    check_all(&w, count);
    check_position(&w);
    assert_int_equal(w.most_at_work, 2);
    assert_int_equal(w.count, 5);
    count = fill(&w, count, w.size + LIMIT_READ / 4); /* it goes on as ever */
    bed_settle_down(&w.bed);
    check_all(&w, count);
    check_position(&w);
    end(&w);
}

/* More slots read more blocks; one is left over. */
static void as_many_as_there_are_slots(void **state)
{
    (void)state;
    struct watched w;
    make(&w, NULL);
    w.bed.options.jobs = 4;
    w.hold = true;
    size_t count = fill(&w, 0, 8 * LIMIT_READ);
    bed_start(&w.bed);
    turn_until(&w.bed, at_work(&w) == 3);
    bed_append(&w.bed, "b.log", "a small file does not wait\n");
    turn_until(&w.bed, sink_count(&w.bed.sink, "a small file does not wait") == 1);
    assert_int_equal(at_work(&w), 3);
    let_go(&w);
    turn_until(&w.bed, w.bed.sink.count == count + 1);
    assert_int_equal(w.most_at_work, 4); /* the small one */
    end(&w);
}

/* `--once` ends where the file ended; a block beyond that is not read. */
static void only_to_the_limit(void **state)
{
    (void)state;
    struct watched w;
    make(&w, NULL);
    w.bed.options.once = true;
    size_t count = fill(&w, 0, 7 * LIMIT_READ / 2);
    bed_start(&w.bed);
    turn_until(&w.bed, file_table_first(w.bed.table) && w.bed.sink.count > 0);
    fill(&w, count, w.size + 4 * LIMIT_READ);
    w.in_pairs = false;
    turn_until(&w.bed, tailer_is_done(w.bed.tailer) && tailer_is_idle(w.bed.tailer));
    check_all(&w, count);
    end(&w);
}

/* ---- the guess is wrong ---- */

/* The block before it stopped early. What was read ahead is read again, and nothing is guessed for a while. */
static void stopped_early(void **state)
{
    (void)state;
    struct watched w;
    make(&w, NULL);
    w.stop_from = 1;
    size_t count = fill(&w, 0, 11 * LIMIT_READ / 2);
    bed_start(&w.bed);
    turn_until(&w.bed, w.bed.sink.count == count);
    bed_settle_down(&w.bed);
    check_all(&w, count);
    check_position(&w);
    assert_int_equal(w.most_at_work, 2);
    assert_int_equal(w.count, 1 + 1 + 1 + 5);
    end(&w);
}

/* A line that ends a block, or is longer than one, or too long at all. */
static void long_lines_at_the_end_of_a_block(void **state)
{
    static const size_t lens[] = {5000, 40000, LIMIT_READ / 2 - 10, LIMIT_READ, 3 * LIMIT_READ / 2, 3 * LIMIT_READ};
    (void)state;
    for (size_t i = 0; i < sizeof lens / sizeof *lens; i++) {
        struct watched w;
        make(&w, i == 3 ? "paths: ['*.log']\n    max_line_bytes: 600KiB" : NULL);
        w.in_pairs = false;
        size_t number = fill(&w, 0, 2 * LIMIT_READ - LINE_MOST);
        bool oversized = lens[i] > MIB(1);
        size_t before = number;
        number = add_long(&w, number, lens[i]);
        number = fill(&w, number, w.size + 5 * LIMIT_READ);
        bed_start(&w.bed);
        turn_until(&w.bed, w.bed.sink.count == number - oversized);
        bed_settle_down(&w.bed);
        check_came(&w, 0, 0, before + !oversized);
        check_came(&w, before + !oversized, before + 1, number - before - 1);
        check_position(&w);
        end(&w);
    }
}

/* Where the next block begins something else stands by now. */
static void overwrite_end_of_block(struct watched *w)
{
    uint64_t near_end = w->mappings[w->count - 1] + LIMIT_READ - LINE_MOST - 50;
    int fd = open(bed_path(&w->bed, "a.log"), O_WRONLY | O_CLOEXEC);
    assert_true(fd >= 0);
    assert_int_equal(pwrite(fd, "z", 1, (off_t)near_end), 1);
    close(fd);
}

/* The file was rewritten while it was read: what is there now is a new content. */
static void changed_meanwhile(void **state)
{
    (void)state;
    struct watched w;
    make(&w, NULL);
    w.when_ahead = overwrite_end_of_block;
    size_t count = fill(&w, 0, 6 * LIMIT_READ);
    bed_start(&w.bed);
    turn_until(&w.bed, w.bed.sink.count > count);
    bed_settle_down(&w.bed);
    size_t of_old = w.bed.sink.count - count;
    check_came(&w, 0, 0, of_old);
    assert_in_range(w.bed.sink.lines[of_old - 1].offset, 3 * LIMIT_READ - 2 * LINE_MOST, 3 * LIMIT_READ);
    assert_memory_not_equal(&w.bed.sink.lines[0].id, &w.bed.sink.lines[of_old].id, sizeof(struct file_id));
    assert_int_equal(w.bed.sink.lines[of_old].offset, 0);
    end(&w);
}

static void cut_it(struct watched *w)
{
    bed_truncate(&w->bed, "a.log", 0);
    bed_append(&w->bed, "a.log", "what came then\n");
}

/* The file was cut while it was read. */
static void cut_meanwhile(void **state)
{
    (void)state;
    struct watched w;
    make(&w, NULL);
    w.when_ahead = cut_it;
    fill(&w, 0, 6 * LIMIT_READ);
    bed_start(&w.bed);
    turn_until(&w.bed, sink_count(&w.bed.sink, "what came then") == 1);
    bed_settle_down(&w.bed);
    size_t of_old = w.bed.sink.count - 1;
    check_came(&w, 0, 0, of_old);
    assert_in_range(w.bed.sink.lines[of_old - 1].offset, LIMIT_READ - 2 * LINE_MOST, 3 * LIMIT_READ);
    end(&w);
}

/* Delivery takes nothing for a while. */
static void refused_meanwhile(void **state)
{
    (void)state;
    struct watched w;
    make(&w, NULL);
    w.hold = true;
    size_t count = fill(&w, 0, 6 * LIMIT_READ);
    bed_start(&w.bed);
    turn_until(&w.bed, at_work(&w) == 2);
    w.bed.sink.refuse = true;
    let_go(&w);
    bed_settle_down(&w.bed);
    assert_true(w.bed.sink.count < count);
    w.bed.sink.refuse = false;
    bed_pass(&w.bed, 1100);
    turn_until(&w.bed, w.bed.sink.count == count);
    bed_settle_down(&w.bed);
    check_all(&w, count);
    check_position(&w);
    end(&w);
}

/* A reload: what was read ahead by then is read again. */
static void configured_meanwhile(void **state)
{
    (void)state;
    struct watched w;
    make(&w, NULL);
    w.hold = true;
    size_t count = fill(&w, 0, 6 * LIMIT_READ);
    bed_start(&w.bed);
    turn_until(&w.bed, at_work(&w) == 2);
    uint64_t ahead = w.mappings[1] > w.mappings[2] ? w.mappings[1] : w.mappings[2];
    assert_true(tailer_configure(w.bed.tailer, w.bed.config, w.bed.rules));
    let_go(&w);
    turn_until(&w.bed, w.bed.sink.count == count);
    bed_settle_down(&w.bed);
    check_all(&w, count);
    check_position(&w);
    assert_int_equal(times_mapped(&w, ahead), 2);
    end(&w);
}

/* A stop: the next start goes on where the last line was taken. */
static void stopped_meanwhile(void **state)
{
    (void)state;
    struct watched w;
    make(&w, NULL);
    w.hold = true;
    size_t count = fill(&w, 0, 6 * LIMIT_READ);
    bed_start(&w.bed);
    turn_until(&w.bed, at_work(&w) == 2);
    let_go(&w);
    bed_stop(&w.bed);
    assert_true(w.bed.sink.count < count);
    bed_start(&w.bed);
    turn_until(&w.bed, w.bed.sink.count == count);
    bed_settle_down(&w.bed);
    check_all(&w, count);
    check_position(&w);
    end(&w);
}

/* ---- where few lines give calls ---- */

/* Several pieces go to delivery at a time; and no longer where there are more calls. */
static void few_calls(void **state)
{
    (void)state;
    static const unsigned jobs[] = {1, 4, 0 /* as in the agent */};
    for (size_t i = 0; i < sizeof jobs / sizeof *jobs; i++) {
        struct watched w;
        make(&w, NULL);
        w.bed.options.jobs = jobs[i];
        w.in_pairs = false;
        size_t count = fill_mostly_noise(&w, 0, 20 * LIMIT_READ + LIMIT_READ / 3);
        bed_start(&w.bed);
        turn_until(&w.bed, w.bed.sink.count == count);
        bed_settle_down(&w.bed);
        check_all(&w, count);
        check_position(&w);
        assert_true(w.count >= 20);
        assert_in_range(w.bed.sink.takes, 6, 12);

        bed_pass(&w.bed, 1001); /* it is not live any more */
        w.bed.sink.takes = 0;
        count = fill(&w, count, w.size + 30 * LIMIT_READ);
        turn_until(&w.bed, w.bed.sink.count == count);
        assert_true(w.bed.sink.takes >= 14);
        count = fill_mostly_noise(&w, count, w.size + 9 * LIMIT_READ);
        turn_until(&w.bed, w.bed.sink.count == count);
        bed_settle_down(&w.bed);
        check_all(&w, count);
        check_position(&w);
        end(&w);
    }
}

static void long_lines_among_noise(void **state)
{
    static const size_t lens[] = {5000, LIMIT_READ / 2 - 10, LIMIT_READ, 3 * LIMIT_READ / 2};
    (void)state;
    for (size_t i = 0; i < sizeof lens / sizeof *lens; i++) {
        struct watched w;
        make(&w, NULL);
        w.in_pairs = false;
        size_t count = fill_mostly_noise(&w, 0, 10 * LIMIT_READ - LINE_MOST);
        count = add_long(&w, count, lens[i]);
        count = fill_mostly_noise(&w, count, w.size + 9 * LIMIT_READ);
        bed_start(&w.bed);
        turn_until(&w.bed, w.bed.sink.count == count);
        bed_settle_down(&w.bed);
        check_all(&w, count);
        check_position(&w);
        end(&w);
    }
}

/* Before the piece that begins behind the middle, the file is cut: what was mapped of the block counts. */
static void cut_between_pieces(void **state)
{
    (void)state;
    struct watched w;
    make(&w, NULL);
    w.bed.options.jobs = 1;
    w.in_pairs = false;
    w.cut_behind = 5 * LIMIT_READ; /* blocks of 1, 2, 4: within the third */
    size_t count = fill_mostly_noise(&w, 0, 12 * LIMIT_READ), some = 0;
    bed_start(&w.bed);
    turn_until(&w.bed, w.cut_behind == 0);
    bed_settle_down(&w.bed);
    while (some < w.bed.sink.count && w.bed.sink.lines[some].offset < 5 * LIMIT_READ)
        some++;
    check_came(&w, 0, 0, some);
    assert_in_range(w.bed.sink.lines[some - 1].offset, 5 * LIMIT_READ - 50 * LINE_MOST, 5 * LIMIT_READ);
    assert_true(some < count);
    end(&w);
}

/* ---- nothing is guessed ---- */

static void check_none_at_a_time(struct watched *w, size_t count)
{
    w->in_pairs = false;
    bed_start(&w->bed);
    turn_until(&w->bed, w->bed.sink.count == count);
    bed_settle_down(&w->bed);
    check_all(w, count);
    assert_int_equal(w->most_at_work, 1);
    end(w);
}

/* Where lines are joined to records, delivery is behind, one slot is all there is, or the file is small. */
static void not_worth_it(void **state)
{
    (void)state;
    struct watched w;
    make(&w, "paths: ['*.log']\n    multiline: {start: '^[0-9]'}");
    check_none_at_a_time(&w, fill(&w, 0, 6 * LIMIT_READ));
    make(&w, NULL);
    w.bed.sink.room = 8 * LIMIT_READ - 1;
    check_none_at_a_time(&w, fill(&w, 0, 6 * LIMIT_READ));
    make(&w, NULL);
    w.bed.metrics->buffer_bytes = MIB(16) / 3 + 1; /* of upload.buffer */
    check_none_at_a_time(&w, fill(&w, 0, 6 * LIMIT_READ));
    make(&w, NULL);
    w.bed.options.jobs = 2;
    check_none_at_a_time(&w, fill(&w, 0, 6 * LIMIT_READ));
    make(&w, NULL);
    check_none_at_a_time(&w, fill(&w, 0, 2 * LIMIT_READ));
}

/* While another file is read as it is written, its lines find a core. */
static void not_beside_a_live_file(void **state)
{
    (void)state;
    struct watched w;
    make(&w, NULL);
    w.in_pairs = false;
    bed_append(&w.bed, "b.log", "one\n");
    bed_start(&w.bed);
    w.bed.frozen = uv_now(&w.bed.loop);
    turn_until(&w.bed, w.bed.sink.count == 1);
    w.count = w.most_at_work = 0;
    size_t count = fill(&w, 0, 6 * LIMIT_READ);
    watcher_scan_now(w.bed.watcher);
    turn_until(&w.bed, w.bed.sink.count == 1 + count);
    assert_int_equal(w.most_at_work, 1);
    bed_pass(&w.bed, 1001); /* the big one itself came to its end */
    w.in_pairs = true;
    w.count = 0;
    count = fill(&w, count, w.size + 6 * LIMIT_READ);
    watcher_scan_now(w.bed.watcher);
    turn_until(&w.bed, w.bed.sink.count == 1 + count);
    assert_int_equal(w.most_at_work, 2);
    end(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(blocks_are_read_ahead),
        cmocka_unit_test(as_many_as_there_are_slots),
        cmocka_unit_test(only_to_the_limit),
        cmocka_unit_test(stopped_early),
        cmocka_unit_test(long_lines_at_the_end_of_a_block),
        cmocka_unit_test(changed_meanwhile),
        cmocka_unit_test(cut_meanwhile),
        cmocka_unit_test(refused_meanwhile),
        cmocka_unit_test(configured_meanwhile),
        cmocka_unit_test(stopped_meanwhile),
        cmocka_unit_test(few_calls),
        cmocka_unit_test(long_lines_among_noise),
        cmocka_unit_test(cut_between_pieces),
        cmocka_unit_test(not_worth_it),
        cmocka_unit_test(not_beside_a_live_file),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
