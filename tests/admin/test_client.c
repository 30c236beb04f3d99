/* Asking the agent over its socket, held against agents that are not there, fall silent, or talk nonsense. */
#include "admin/client.h"

#include "admin/server.h"
#include "limits.h"
#include "support/cmocka_setup.h"
#include "support/temp_dir.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

/* An agent that takes one request and answers it with one text; NULL: says nothing until the client has gone. */
struct stand_in {
    struct temp_dir dir;
    int fd;
    const char *answer;
    char request[1024];
    pthread_t thread;
};

static void *serve(void *argument)
{
    struct stand_in *s = argument;
    int client = accept(s->fd, NULL, NULL);
    size_t len = 0;
    ssize_t n;
    while (!strstr(s->request, "\r\n\r\n") && (n = read(client, s->request + len, sizeof s->request - 1 - len)) > 0)
        len += (size_t)n;
    if (s->answer) {
        ssize_t written = send(client, s->answer, strlen(s->answer), MSG_NOSIGNAL);
        (void)written;
    } else {
        char byte;
        n = read(client, &byte, 1);
    }
    close(client);
    return NULL;
}

static void stand_in_start(struct stand_in *s, const char *answer)
{
    *s = (struct stand_in){.answer = answer};
    temp_dir_make(&s->dir);
    int directory = open(s->dir.path, O_PATH | O_DIRECTORY | O_CLOEXEC);
    struct sockaddr_un address;
    assert_true(admin_socket_address(directory, &address));
    s->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(s->fd, (struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(listen(s->fd, 1), 0);
    close(directory);
    assert_int_equal(pthread_create(&s->thread, NULL, serve, s), 0);
}

static void stand_in_end(struct stand_in *s)
{
    pthread_join(s->thread, NULL);
    close(s->fd);
    temp_dir_remove(&s->dir);
}

/* Asks the stand-in; gives what admin_ask() gave. */
static bool ask(const char *answer, unsigned timeout_ms, unsigned *ret_status, struct buffer *body, struct error *error)
{
    struct stand_in s;
    stand_in_start(&s, answer);
    bool ok = admin_ask(s.dir.path, "POST", "/reload", timeout_ms, ret_status, body, error);
    stand_in_end(&s);
    assert_memory_equal(s.request, "POST /reload HTTP/1.0\r\n", 23);
    return ok;
}

/* Status and body of a good answer, whether its length is told or the connection's end ends it. */
static void answers_are_read(void **state)
{
    (void)state;
    struct buffer body;
    struct error error;
    unsigned status = 0;
    buffer_init(&body, KIB(64));
    assert_true(
        ask("HTTP/1.1 503 Service Unavailable\r\nX: y\r\ncontent-length: 3\r\n\r\nno\n", 5000, &status, &body, &error));
    assert_int_equal(status, 503);
    assert_true(slice_is(buffer_slice(&body), "no\n"));
    assert_true(ask("HTTP/1.0 200 OK\r\n\r\nall of it", 5000, &status, &body, &error));
    assert_int_equal(status, 200);
    assert_true(slice_is(buffer_slice(&body), "all of it"));
    assert_true(ask("HTTP/1.0 204 No\r\n\r\n", 5000, &status, &body, &error));
    assert_int_equal(body.len, 0);
    buffer_release(&body);
}

/* An answer that is cut short, is none, is too large, or never comes is a failure that says so; status stays. */
static void bad_answers_are_failures(void **state)
{
    (void)state;
    struct buffer body;
    struct error error;
    unsigned status = 7;
    buffer_init(&body, KIB(64));
    assert_false(ask("HTTP/1.1 200 OK\r\nContent-Length: 30\r\n\r\nshort", 5000, &status, &body, &error));
    assert_non_null(strstr(error.text, "broke its answer off"));
    assert_false(ask("SSH-2.0-OpenSSH_9.2\r\n\r\n", 5000, &status, &body, &error));
    assert_non_null(strstr(error.text, "broke its answer off"));
    assert_false(ask("", 5000, &status, &body, &error));
    assert_false(ask(NULL, 50, &status, &body, &error));
    assert_non_null(strstr(error.text, "does not answer within 50 ms"));
    buffer_release(&body);
    buffer_init(&body, KIB(17)); /* fits one read only */
    char *large = calloc(1, KIB(40));
    memset(large, 'x', KIB(40) - 1);
    memcpy(large, "HTTP/1.0 200 OK\r\n\r\n", 19);
    assert_false(ask(large, 5000, &status, &body, &error));
    free(large);
    assert_int_equal(status, 7);
    buffer_release(&body);
}

/* Where no agent runs that is what is said, with the directory, for one that was never there and one that died. */
static void no_agent_is_said(void **state)
{
    (void)state;
    struct temp_dir dir;
    struct buffer body;
    struct error error;
    unsigned status;
    temp_dir_make(&dir);
    buffer_init(&body, KIB(64));
    assert_false(admin_ask(dir.path, "GET", "/readyz", 1000, &status, &body, &error));
    assert_non_null(strstr(error.text, "no agent runs"));
    assert_non_null(strstr(error.text, dir.path));
    assert_false(admin_ask(temp_path(&dir, "missing"), "GET", "/readyz", 1000, &status, &body, &error));
    assert_non_null(strstr(error.text, "no agent runs"));

    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), directory = open(dir.path, O_PATH | O_CLOEXEC);
    struct sockaddr_un address;
    assert_true(admin_socket_address(directory, &address));
    assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof address), 0);
    close(fd);
    close(directory);
    assert_true(admin_open(dir.path, "GET", "/readyz", 1000, &status, &body, &error) < 0);
    assert_non_null(strstr(error.text, "no agent runs"));
    buffer_release(&body);
    temp_dir_remove(&dir);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(answers_are_read),
        cmocka_unit_test(bad_answers_are_failures),
        cmocka_unit_test(no_agent_is_said),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
