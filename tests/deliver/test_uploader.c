/* Batches are posted and their answers brought back, with a transport that does what it is told. */
#include "deliver/uploader.h"

#include "deliver/fixture.h"
#include "support/cmocka_setup.h"
#include "support/failing_heap.h"
#include "support/temp_dir.h"

#include <unistd.h>

enum { POSTS = 16 };

/* Keeps the posts until the test answers them. */
struct kept_posts {
    struct transport seam; /* first */
    struct post *posts[POSTS];
    size_t count;
};

static struct fixture f;
static struct temp_dir dir;
static struct kept_posts kept;
static uv_loop_t loop;
static struct uploader *u;
static struct ledger *file;

static void keep_post(struct transport *t, struct post *post)
{
    struct kept_posts *k = (struct kept_posts *)t;
    assert_true(k->count < POSTS);
    k->posts[k->count++] = post;
}

static void answer_post(size_t i, const struct post_result *result)
{
    struct post *post = kept.posts[i];
    memmove(kept.posts + i, kept.posts + i + 1, (--kept.count - i) * sizeof kept.posts[0]);
    post->on_done(post, result);
}

static void cancel_post(struct transport *t, struct post *post)
{
    (void)t;
    for (size_t i = 0; i < kept.count; i++) {
        if (kept.posts[i] == post) {
            answer_post(i, &(struct post_result){.what = POST_CANCELLED});
            return;
        }
    }
    fail_msg("cancelled a post that is none");
}

static int set_up(void **state)
{
    (void)state;
    temp_dir_make(&dir);
    uv_loop_init(&loop);
    fixture_init(&f);
    f.config.upload.max_calls = 1;
    f.config.upload.max_age_ms = 0;
    return 0;
}

static void start(void)
{
    fixture_start(&f);
    f.now = uv_now(&loop);
    file = fixture_file(&f, "a.jsonl");
    kept = (struct kept_posts){.seam = {.post = keep_post, .cancel = cancel_post}};
    u = uploader_new(&loop, f.d, &kept.seam, NULL);
    assert_true(uploader_configure(u, &f.config));
}

static int tear_down(void **state)
{
    (void)state;
    uploader_cancel_all(u);
    assert_int_equal(kept.count, 0);
    uploader_free(u);
    fixture_stop(&f);
    assert_int_equal(uv_loop_close(&loop), 0);
    temp_dir_remove(&dir);
    return 0;
}

static void turn(void)
{
    delivery_seal_due(f.d, f.now, false);
    uploader_send_waiting(u, f.now);
}

static void answer_status(size_t i, int status)
{
    answer_post(i, &(struct post_result){.what = POST_ANSWERED, .status = status});
}

/* The happy path: as many posts as may be in flight, answered in another order. */
static void batches_are_posted(void **state)
{
    (void)state;
    f.config.upload.concurrency = 3;
    f.destinations[0].gzip = true;
    start();
    events(&f, file, 1, 5);
    turn();
    assert_int_equal(kept.count, 3);
    assert_int_equal(uploader_in_flight(u), 3);
    assert_true(slice_is(kept.posts[1]->body, "[{\"n\":\"2\"}]"));
    assert_int_equal(kept.posts[1]->endpoint, ENDPOINT_EVENT);
    assert_true(kept.posts[1]->gzip);
    assert_string_equal(kept.posts[1]->target->urls[ENDPOINT_EVENT], "http://127.0.0.1:1/v1/events/track");
    assert_string_equal(kept.posts[1]->target->key, "key");
    answer_status(2, 204);
    answer_status(0, 204);
    turn();
    assert_int_equal(kept.count, 3);
    while (kept.count > 0)
        answer_status(kept.count - 1, 204);
    assert_true(delivery_is_drained(f.d));
}

/* A 415 to gzip: the next post is plain. */
static void gzip_stops(void **state)
{
    (void)state;
    f.destinations[0].gzip = true;
    start();
    events(&f, file, 1, 1);
    turn();
    answer_post(0, &(struct post_result){.what = POST_ANSWERED, .status = 415, .sent_gzip = true});
    turn();
    assert_false(kept.posts[0]->gzip);
    answer_status(0, 204);
}

/* The key's file is read when a post needs it, trimmed, and read again after a 401, not before. */
static void key_file_is_read_again_after_401(void **state)
{
    (void)state;
    f.destinations[0].write_key_file = temp_path(&dir, "key");
    f.config.upload.concurrency = 1;
    temp_write(&dir, "key", " \t first\r\n\n", 11);
    start();
    events(&f, file, 1, 3);
    turn();
    assert_string_equal(kept.posts[0]->target->key, "first");
    temp_write(&dir, "key", "second", 6);
    answer_status(0, 204);
    turn();
    assert_string_equal(kept.posts[0]->target->key, "first");
    answer_status(0, 401);
    turn();
    assert_int_equal(kept.count, 0);
    f.now += 1000;
    turn();
    assert_string_equal(kept.posts[0]->target->key, "second");
    answer_status(0, 204);
    assert_null(delivery_paused(f.d));
}

/* While there is no key nothing is sent; the destination is paused, and goes on when there is one. */
static void no_key_pauses(void **state)
{
    (void)state;
    static const char *const bad[] = {"", " \n ", "two words", "a\x01", "\xc3\xa9"};
    f.destinations[0].write_key_file = temp_path(&dir, "key");
    start();
    events(&f, file, 1, 1);
    turn();
    assert_string_equal(delivery_paused(f.d), "no_write_key");
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        temp_write(&dir, "key", bad[i], strlen(bad[i]));
        f.now += 60000;
        turn();
        assert_int_equal(kept.count, 0);
        assert_int_equal(f.metrics->destinations->requests == NULL, true);
    }
    temp_write(&dir, "key", "good", 4);
    f.now += 60000;
    turn();
    assert_string_equal(kept.posts[0]->target->key, "good");
    answer_status(0, 204);
    assert_null(delivery_paused(f.d));
}

/* Cancelled posts settle nothing; they are sent again. */
static void cancelling(void **state)
{
    (void)state;
    start();
    events(&f, file, 1, 2);
    turn();
    assert_int_equal(kept.count, 2);
    uploader_cancel_all(u);
    assert_int_equal(kept.count, 0);
    assert_int_equal(uploader_in_flight(u), 0);
    assert_int_equal(delivery_unsettled_calls(f.d), 2);
    turn();
    assert_true(slice_is(kept.posts[0]->body, "[{\"n\":\"1\"}]"));
    answer_status(0, 204);
    answer_status(0, 204);
}

/* A reload changes where later posts go; a destination that is gone keeps its settings for the calls it still has. */
static void reload(void **state)
{
    (void)state;
    f.config.destination_count = 2;
    start();
    line(&f);
    call_to(&f, ENDPOINT_EVENT, 0, "", "1");
    call_to(&f, ENDPOINT_EVENT, 1, "", "2");
    assert_true(take(&f, file));
    struct destination other = f.destinations[0];
    other.url = "https://example.org";
    other.write_key = "other";
    f.config.destinations = &other;
    f.config.destination_count = 1;
    assert_true(uploader_configure(u, &f.config));
    turn();
    assert_int_equal(kept.count, 2);
    size_t gone = strcmp(kept.posts[0]->target->name, "b") == 0 ? 0 : 1;
    assert_string_equal(kept.posts[gone]->target->urls[ENDPOINT_EVENT], "http://127.0.0.1:1/v1/events/track");
    assert_string_equal(kept.posts[1 - gone]->target->urls[ENDPOINT_EVENT], "https://example.org/events/track");
    assert_string_equal(kept.posts[1 - gone]->target->key, "other");
    answer_status(0, 204);
    answer_status(0, 204);
}

/* Every allocation fails in turn: the call is sent later. A reload changes everything or nothing. */
static void no_memory(void **state)
{
    (void)state;
    temp_write(&dir, "key", "secret", 6);
    const struct header headers[] = {{"A", "b"}};
    f.destinations[0].write_key_file = temp_path(&dir, "key");
    f.destinations[0].headers = headers;
    f.destinations[0].header_count = 1;
    start();
    f.config.destination_count = 3;
    for (unsigned nth = 1;; nth++) {
        failing_heap_arm(nth);
        bool configured = uploader_configure(u, &f.config);
        bool came = failing_heap_disarm();
        assert_int_equal(configured, !came);
        if (!came)
            break;
    }
    for (unsigned nth = 1;; nth++) {
        assert_true(uploader_configure(u, &f.config)); /* the key is not read yet */
        events(&f, file, nth, 1);
        failing_heap_arm(nth);
        turn();
        bool came = failing_heap_disarm();
        assert_true(kept.count == 1 || came);
        f.now += 60000;
        turn();
        assert_int_equal(kept.count, 1);
        answer_status(0, 204);
        if (!came)
            break;
    }
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(batches_are_posted), TEST(gzip_stops), TEST(key_file_is_read_again_after_401),
        TEST(no_key_pauses),      TEST(cancelling), TEST(reload),
        TEST(no_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
