/* Posts over libcurl to a loopback server that does what a server should not. */
#include "deliver/curl_transport.h"
#include "deliver/script_server.h"
#include "limits.h"
#include "support/cmocka_setup.h"

#include <zlib.h>

#define KEY "rd-secret-key-0123456789"
#define NO_CONTENT "HTTP/1.1 204 No Content\r\n\r\n"

struct told {
    struct post post; /* first */
    struct bed *bed;
    unsigned times;
    struct post_result result;
    char body[LIMIT_ANSWER_KEPT + 1];
};

struct bed {
    uv_loop_t loop;
    struct script_server server;
    struct curl_transport *curl;
    struct destination destination;
    struct target *target;
    uv_timer_t watchdog;
    bool inside_post, stopped;
};

static struct bed bed;

static void on_watchdog(uv_timer_t *timer)
{
    (void)timer;
    fail_msg("nothing was told within 20 s");
}

static void make_target(void)
{
    char url[64];
    snprintf(url, sizeof url, "http://127.0.0.1:%d/v1", bed.server.port);
    bed.destination.url = url;
    target_free(bed.target);
    bed.target = target_new(&bed.destination);
    assert_non_null(bed.target);
    struct error error;
    assert_non_null(target_key(bed.target, &error));
}

static int set_up(void **state)
{
    (void)state;
    bed = (struct bed){0};
    uv_loop_init(&bed.loop);
    server_start(&bed.server, &bed.loop);
    struct error error;
    bed.curl = curl_transport_start(&bed.loop, &error);
    assert_non_null(bed.curl);
    bed.destination =
        (struct destination){.name = "raindrop", .write_key = KEY, .timeout_ms = 5000, .connect_timeout_ms = 2000};
    make_target();
    uv_timer_init(&bed.loop, &bed.watchdog);
    uv_timer_start(&bed.watchdog, on_watchdog, 20000, 0);
    return 0;
}

static void on_stopped(void *context)
{
    *(bool *)context = true;
}

/* Nothing is left alive. */
static int tear_down(void **state)
{
    (void)state;
    curl_transport_stop(bed.curl, on_stopped, &bed.stopped);
    server_stop(&bed.server);
    uv_close((uv_handle_t *)&bed.watchdog, NULL);
    uv_run(&bed.loop, UV_RUN_DEFAULT);
    assert_true(bed.stopped);
    assert_int_equal(uv_loop_close(&bed.loop), 0);
    server_release(&bed.server);
    target_free(bed.target);
    return 0;
}

static void on_done(struct post *post, const struct post_result *result)
{
    struct told *t = (struct told *)post;
    assert_false(bed.inside_post);
    t->times++;
    t->result = *result;
    memcpy(t->body, result->body.text ? result->body.text : "", result->body.len);
    t->body[result->body.len] = '\0';
}

static void post(struct told *t, struct slice body, bool gzip)
{
    *t = (struct told){.post = {.target = bed.target, .body = body, .gzip = gzip, .on_done = on_done}};
    struct transport *seam = curl_transport_seam(bed.curl);
    bed.inside_post = true;
    seam->post(seam, &t->post);
    bed.inside_post = false;
}

static const struct post_result *wait_for(struct told *t)
{
    while (t->times == 0)
        uv_run(&bed.loop, UV_RUN_ONCE);
    assert_int_equal(t->times, 1);
    return &t->result;
}

static const struct post_result *post_and_wait(struct told *t)
{
    post(t, SLICE("[{}]"), false);
    return wait_for(t);
}

static void answers(const struct script *list, size_t count)
{
    bed.server.answers = list;
    bed.server.answer_count = count;
}

static uint64_t ms_now(void)
{
    return uv_hrtime() / 1000000;
}

/* The request is what the wire wants: path, key, type, project, agent, headers of the configuration but none of ours
 * replaced, no Expect; the body as it was given. */
static void request_is_complete(void **state)
{
    (void)state;
    const struct header headers[] = {{"X-Extra", "value"}, {"Authorization", "other"}, {"X-Empty", ""}};
    bed.destination.headers = headers;
    bed.destination.header_count = 3;
    make_target();
    const struct script ok = {.bytes = SLICE(NO_CONTENT)};
    answers(&ok, 1);
    static char large[900000];
    memset(large, 'a', sizeof large);
    struct told t = {.post = {.target = bed.target,
                              .endpoint = ENDPOINT_SIGNAL,
                              .project = SLICE("support-agent"),
                              .body = slice_of(large, sizeof large),
                              .on_done = on_done}};
    curl_transport_seam(bed.curl)->post(curl_transport_seam(bed.curl), &t.post);
    const struct post_result *r = wait_for(&t);
    assert_int_equal(r->what, POST_ANSWERED);
    assert_int_equal(r->status, 204);
    assert_false(r->sent_gzip);
    assert_true(r->seconds > 0 && r->seconds < 5);
    assert_true(slice_starts_with(buffer_slice(&bed.server.requests[0]), SLICE("POST /v1/signals/track HTTP/1.1\r\n")));
    static const char *const expected[][2] = {
        {"Authorization", "Bearer " KEY},
        {"Content-Type", "application/json"},
        {"X-Raindrop-Project-Id", "support-agent"},
        {"User-Agent", "raingauge/" RAINGAUGE_VERSION},
        {"X-Extra", "value"},
        {"Content-Length", "900000"},
        {"Expect", ""},
        {"Content-Encoding", ""},
    };
    for (size_t i = 0; i < sizeof expected / sizeof expected[0]; i++) {
        if (!slice_is(request_header(&bed.server, 0, expected[i][0]), expected[i][1]))
            fail_msg("%s", expected[i][0]);
    }
    assert_non_null(memmem(bed.server.requests[0].data, bed.server.requests[0].len, "X-Empty:\r\n", 10));
    assert_true(slice_equal(request_body(&bed.server, 0), slice_of(large, sizeof large)));
}

/* A connection is used again, also after an answer with a body. */
static void connections_are_kept(void **state)
{
    (void)state;
    const struct script list[] = {{.bytes = SLICE(NO_CONTENT)},
                                  {.bytes = SLICE("HTTP/1.1 200 OK\r\nContent-Length: 16\r\n\r\n{\"success\":true}")},
                                  {.bytes = SLICE("HTTP/1.1 503 No\r\nContent-Length: 2\r\n\r\nno")},
                                  {.bytes = SLICE(NO_CONTENT)}};
    answers(list, 4);
    static const int expected[] = {204, 200, 503, 204};
    for (int i = 0; i < 4; i++) {
        struct told t;
        assert_int_equal(post_and_wait(&t)->status, expected[i]);
    }
    assert_int_equal(bed.server.connections, 1);
}

/* One that the server closed meanwhile is not an error. */
static void stale_connections_are_no_error(void **state)
{
    (void)state;
    const struct script list[] = {{.bytes = SLICE(NO_CONTENT), .then = SERVER_CLOSE}};
    answers(list, 1);
    for (int i = 0; i < 5; i++) {
        struct told t;
        assert_int_equal(post_and_wait(&t)->status, 204);
    }
    assert_int_equal(bed.server.request_count, 5);
}

/* The answer's beginning is kept, with the key blanked wherever it is echoed, also where it is cut off. */
static void key_is_blanked_in_answers(void **state)
{
    (void)state;
    char long_echo[2048], start[] = "HTTP/1.1 400 Bad\r\nContent-Length: 2000\r\n\r\n";
    size_t at = sizeof start - 1;
    memset(long_echo, '.', sizeof long_echo);
    memcpy(long_echo, start, at);
    memcpy(long_echo + at + LIMIT_ANSWER_KEPT - 5, KEY, sizeof KEY - 1); /* over the end of what is kept */
    const struct script list[] = {
        {.bytes = SLICE("HTTP/1.1 400 Bad\r\nContent-Length: 43\r\n\r\nkey " KEY " is not welcome")},
        {.bytes = slice_of(long_echo, at + 2000)},
        {.bytes = SLICE("HTTP/1.1 400 Bad\r\nContent-Length: 99\r\n\r\nkey rd-secret-k"), .then = SERVER_CLOSE},
    };
    answers(list, 3);
    struct told t;
    assert_int_equal(post_and_wait(&t)->status, 400);
    assert_string_equal(t.body, "key ************************ is not welcome");
    assert_int_equal(post_and_wait(&t)->status, 400);
    assert_int_equal(strlen(t.body), LIMIT_ANSWER_KEPT);
    assert_string_equal(t.body + LIMIT_ANSWER_KEPT - 7, "..*****");
    assert_int_equal(post_and_wait(&t)->status, 400);
    assert_string_equal(t.body, "key ***********");
}

/* Retry-After as seconds and as a date counted from the answer's own; not that of an interim answer. */
static void retry_after_is_read(void **state)
{
    (void)state;
    const struct script list[] = {
        {.bytes = SLICE("HTTP/1.1 429 Slow\r\nretry-after: 7\r\nContent-Length: 0\r\n\r\n")},
        {.bytes = SLICE("HTTP/1.1 503 No\r\nRetry-After: Sun, 06 Nov 1994 08:49:37 GMT\r\nDate: Sun, 06 Nov 1994 "
                        "08:49:07 GMT\r\nContent-Length: 0\r\n\r\n")},
        {.bytes = SLICE("HTTP/1.1 103 Early Hints\r\nRetry-After: 9\r\n\r\nHTTP/1.1 503 No\r\nContent-Length: "
                        "0\r\n\r\n")},
    };
    answers(list, 3);
    struct told t;
    assert_int_equal(post_and_wait(&t)->retry_after_ms, 7000);
    assert_int_equal(post_and_wait(&t)->retry_after_ms, 30000);
    assert_int_equal(post_and_wait(&t)->status, 503);
    assert_int_equal(t.result.retry_after_ms, 0);
}

/* A gzip body is announced, and is the body. */
static void gzip_bodies(void **state)
{
    (void)state;
    const struct script ok = {.bytes = SLICE(NO_CONTENT)};
    answers(&ok, 1);
    char body[5000];
    for (size_t i = 0; i < sizeof body; i++)
        body[i] = (char)('a' + i * i % 7);
    struct told t;
    post(&t, slice_of(body, sizeof body), true);
    assert_true(wait_for(&t)->sent_gzip);
    assert_true(slice_is(request_header(&bed.server, 0, "Content-Encoding"), "gzip"));
    struct slice sent = request_body(&bed.server, 0);
    assert_true(sent.len < sizeof body / 2);
    char plain[sizeof body + 1];
    z_stream z = {.next_in = (Bytef *)(uintptr_t)sent.text,
                  .avail_in = (uInt)sent.len,
                  .next_out = (Bytef *)plain,
                  .avail_out = sizeof plain};
    assert_int_equal(inflateInit2(&z, MAX_WBITS + 16), Z_OK);
    assert_int_equal(inflate(&z, Z_FINISH), Z_STREAM_END);
    assert_int_equal(z.total_out, sizeof body);
    assert_memory_equal(plain, body, sizeof body);
    inflateEnd(&z);
}

/* A redirect is an answer, and is not followed; not to another scheme either. */
static void redirects_are_not_followed(void **state)
{
    (void)state;
    const struct script list[] = {
        {.bytes = SLICE("HTTP/1.1 307 Away\r\nLocation: /elsewhere\r\nContent-Length: 0\r\n\r\n")}};
    answers(list, 1);
    struct told t;
    assert_int_equal(post_and_wait(&t)->status, 307);
    assert_int_equal(bed.server.request_count, 1);
}

/* Whatever is no answer is told as none, with a reason: closed, reset, garbage, half of the headers. */
static void no_answer(void **state)
{
    (void)state;
    const struct script list[] = {
        {.then = SERVER_CLOSE},
        {.then = SERVER_RESET},
        {.bytes = SLICE("\x16\x03\x01 nonsense\r\n\r\n"), .then = SERVER_CLOSE},
        {.bytes = SLICE("HTTP/1.1 204 No Con"), .then = SERVER_CLOSE},
        {.bytes = SLICE("HTTP/1.1 204 No Content\r\nDate: now\r\n"), .then = SERVER_RESET},
        {.bytes = SLICE("HTTP/1.1 abc\r\n\r\n"), .then = SERVER_CLOSE},
        {.bytes = SLICE("HTTP/1.1 100 Continue\r\n\r\n"), .then = SERVER_CLOSE},
    };
    answers(list, sizeof list / sizeof list[0]);
    for (size_t i = 0; i < sizeof list / sizeof list[0]; i++) {
        struct told t;
        const struct post_result *r = post_and_wait(&t);
        if (r->what != POST_NO_ANSWER)
            fail_msg("answer %zu was taken for status %d", i, r->status);
        assert_non_null(r->why);
        assert_int_equal(r->status, 0);
    }
}

/* Nobody listens. */
static void connection_refused(void **state)
{
    (void)state;
    static uv_tcp_t taken; /* closed after this returns */
    struct sockaddr_in address;
    int len = sizeof address;
    uv_ip4_addr("127.0.0.1", 0, &address);
    uv_tcp_init(&bed.loop, &taken);
    uv_tcp_bind(&taken, (const struct sockaddr *)&address, 0); /* a port that nobody else gets meanwhile */
    uv_tcp_getsockname(&taken, (struct sockaddr *)&address, &len);
    int port = bed.server.port;
    bed.server.port = ntohs(address.sin_port);
    make_target();
    bed.server.port = port;
    struct told t;
    assert_int_equal(post_and_wait(&t)->what, POST_NO_ANSWER);
    assert_string_equal(t.result.why, "Couldn't connect to server");
    uv_close((uv_handle_t *)&taken, NULL);
}

/* A server that says nothing: told after the time-out, although it is the last transfer. */
static void silence_times_out(void **state)
{
    (void)state;
    bed.destination.timeout_ms = 300;
    make_target();
    const struct script silence = {0};
    answers(&silence, 1);
    uint64_t began = ms_now();
    struct told t;
    assert_int_equal(post_and_wait(&t)->what, POST_NO_ANSWER);
    assert_string_equal(t.result.why, "Timeout was reached");
    assert_in_range(ms_now() - began, 250, 5000);
}

/* A 2xx is one once its headers have come: whether its body stalls, is cut off, or does not end. */
static void headers_are_an_answer(void **state)
{
    (void)state;
    bed.destination.timeout_ms = 15000;
    make_target();
    const struct script list[] = {
        {.bytes = SLICE("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf")},
        {.bytes = SLICE("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf"), .then = SERVER_CLOSE},
        {.bytes = SLICE("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n"), .then = SERVER_RESET},
        {.bytes = SLICE("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nnot a chunk"), .then = SERVER_CLOSE},
        {.bytes = SLICE("HTTP/1.1 200 OK\r\nContent-Length: 10000000\r\n\r\n"), .filler = 10000000},
    };
    answers(list, sizeof list / sizeof list[0]);
    for (size_t i = 0; i < sizeof list / sizeof list[0]; i++) {
        uint64_t began = ms_now();
        struct told t;
        const struct post_result *r = post_and_wait(&t);
        if (r->what != POST_ANSWERED || r->status != 200)
            fail_msg("answer %zu was not taken: %s", i, r->why);
        assert_in_range(ms_now() - began, 0, 5000);
    }
}

/* A huge answer is cut where it no longer interests. */
static void huge_answers_are_cut(void **state)
{
    (void)state;
    const struct script list[] = {
        {.bytes = SLICE("HTTP/1.1 422 No\r\nContent-Length: 10000000\r\n\r\nbecause "), .filler = 10000000}};
    answers(list, 1);
    struct told t;
    assert_int_equal(post_and_wait(&t)->status, 422);
    assert_int_equal(t.result.body.len, LIMIT_ANSWER_KEPT);
    assert_memory_equal(t.body, "because xxxx", 12);
}

/* Cancelled: told at once, exactly once, whatever state it is in; others go on. */
static void cancelling(void **state)
{
    (void)state;
    struct script list[] = {{.bytes = SLICE("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf")},
                            {.then = SERVER_KEEP}};
    answers(list, 2);
    struct transport *seam = curl_transport_seam(bed.curl);
    for (size_t turns = 0; turns < 12; turns++) {
        struct told cancelled;
        post(&cancelled, SLICE("[{}]"), false);
        for (size_t i = 0; i < turns && cancelled.times == 0; i++)
            uv_run(&bed.loop, UV_RUN_NOWAIT);
        assert_int_equal(cancelled.times, 0);
        seam->cancel(seam, &cancelled.post);
        assert_int_equal(cancelled.times, 1);
        assert_int_equal(cancelled.result.what, POST_CANCELLED);
    }
    const struct script ok = {.bytes = SLICE(NO_CONTENT)};
    answers(&ok, 1);
    struct told t;
    assert_int_equal(post_and_wait(&t)->status, 204);
}

/* Many at a time, each answered once. */
static void many_at_a_time(void **state)
{
    (void)state;
    const struct script list[] = {{.bytes = SLICE(NO_CONTENT)},
                                  {.then = SERVER_RESET},
                                  {.bytes = SLICE("HTTP/1.1 500 No\r\nContent-Length: 2\r\n\r\nno")},
                                  {.bytes = SLICE(NO_CONTENT), .then = SERVER_CLOSE}};
    struct script many[40];
    for (size_t i = 0; i < 40; i++)
        many[i] = list[i % 4];
    answers(many, 40);
    static struct told told[32];
    for (size_t i = 0; i < 32; i++)
        post(&told[i], SLICE("[{}]"), i % 2);
    for (size_t i = 0; i < 32; i++)
        wait_for(&told[i]);
    for (size_t i = 0; i < 32; i++)
        assert_int_equal(told[i].times, 1);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(request_is_complete),
        TEST(connections_are_kept),
        TEST(stale_connections_are_no_error),
        TEST(key_is_blanked_in_answers),
        TEST(retry_after_is_read),
        TEST(gzip_bodies),
        TEST(redirects_are_not_followed),
        TEST(no_answer),
        TEST(connection_refused),
        TEST(silence_times_out),
        TEST(headers_are_an_answer),
        TEST(huge_answers_are_cut),
        TEST(cancelling),
        TEST(many_at_a_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
