/* The stand-in for Raindrop without HTTP: what the binary's tests cannot bring about. */
#include "receive/receiver.h"

#include "support/cmocka_setup.h"
#include "support/failing_heap.h"

#include <sys/mman.h>
#include <unistd.h>

#define EVENT                                                                                                          \
    "{\"user_id\":\"u\",\"event\":\"chat\",\"event_id\":\"e\\u0031\",\"ai_data\":{\"input\":\"hi\"},"                  \
    "\"properties\":{\"a\":1,\"b\":[],\"c\":{},\"d\":null,\"e\":true}}"

static const struct receive_request good = {
    .method = "POST",
    .path = "/v1/events/track",
    .authorization = "Bearer k",
    .content_type = "application/json",
    .body = {"[" EVENT "]", sizeof("[" EVENT "]") - 1},
};

static off_t size_of(int fd)
{
    return lseek(fd, 0, SEEK_END);
}

/* Each allocation fails in turn: a call that is answered with 204 is in the file, and one that is not there is not
 * answered so; a wrong one is never taken, because there was no memory to see what is wrong with it. */
static void every_allocation_fails_once(void **state)
{
    (void)state;
    struct receive_request wrong = good;
    wrong.body = SLICE("[{\"user_id\":\"u\",\"event\":\"e\",\"\\u0078xx\":1,\"timestamp\":\"\\u0078\"}]");
    const struct receive_request *const requests[] = {&good, &wrong};
    int keep = memfd_create("keep", 0), show = memfd_create("show", 0);
    for (size_t i = 0; i < 2; i++) {
        unsigned failures = 0;
        for (unsigned nth = 1;; nth++) {
            assert_int_equal(ftruncate(keep, 0), 0);
            lseek(keep, 0, SEEK_SET);
            struct receiver r;
            receiver_init(&r, NULL, keep, show, true);
            struct receive_answer answer;
            failing_heap_arm(nth);
            receiver_take(&r, requests[i], &answer);
            bool came = failing_heap_disarm();
            assert_int_equal(answer.status == 204, size_of(keep) > 0);
            assert_int_equal(r.events, answer.status == 204);
            if (i == 1)
                assert_int_not_equal(answer.status, 204);
            if (!came)
                assert_int_equal(answer.status, i == 0 ? 204 : 400);
            buffer_release(&answer.body);
            receiver_release(&r);
            if (!came)
                break;
            failures++;
        }
        assert_true(failures >= 3);
    }
    close(keep);
    close(show);
}

/* A million ids and more: those that can be kept are told apart, and beyond them nobody is warned without reason. */
static void event_ids_are_bounded(void **state)
{
    (void)state;
    struct event_ids ids = {0};
    char id[32];
    assert_false(event_ids_has(&ids, SLICE("")));
    for (unsigned i = 0; i < 5000; i++) {
        snprintf(id, sizeof id, "id-%u", i);
        assert_false(event_ids_has(&ids, slice_from(id)));
        event_ids_add(&ids, slice_from(id));
        event_ids_add(&ids, slice_from(id));
        assert_true(event_ids_has(&ids, slice_from(id)));
    }
    assert_int_equal(ids.count, 5000);
    failing_heap_arm(1);
    for (unsigned i = 5000; !failing_heap_disarm(); i++) {
        failing_heap_arm(1);
        snprintf(id, sizeof id, "id-%u", i);
        event_ids_add(&ids, slice_from(id));
    }
    assert_true(ids.incomplete);
    assert_true(event_ids_has(&ids, SLICE("never seen")));
    event_ids_release(&ids);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_allocation_fails_once),
        cmocka_unit_test(event_ids_are_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
