/* The confinement from inside: each test is a child that enters it and tries what it must not do. */
#include "sandbox/landlock.h"
#include "sandbox/path_set.h"
#include "sandbox/seccomp_filter.h"
#include "sandbox/wanted.h"

#include "support/cmocka_setup.h"
#include "support/temp_dir.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/netlink.h>
#include <netinet/in.h>
#include <pthread.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/* What the child found wrong is the line of its check. */
#define CHECK(condition)                                                                                               \
    do {                                                                                                               \
        if (!(condition))                                                                                              \
            _exit(__LINE__ % 256);                                                                                     \
    } while (0)

static int in_child(void (*body)(const char *directory), const char *directory)
{
    pid_t child = fork();
    if (child == 0) {
        body(directory);
        _exit(0);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static bool is_refused(long result)
{
    return result < 0 && errno == EPERM;
}

static void *tries_to_exec(void *context)
{
    (void)context;
    CHECK(is_refused(syscall(SYS_execve, "/bin/true", NULL, NULL)));
    return NULL;
}

static void without_calls(const char *directory)
{
    (void)directory;
    const char *why = NULL;
    pthread_t before;
    CHECK(seccomp_filter_enter(&why));
    tries_to_exec(NULL);
    CHECK(pthread_create(&before, NULL, tries_to_exec, NULL) == 0);
    CHECK(pthread_join(before, NULL) == 0);
    CHECK(is_refused(syscall(SYS_execveat, AT_FDCWD, "/bin/true", NULL, NULL, 0)));
    CHECK(is_refused(syscall(SYS_process_vm_readv, getppid(), NULL, 0L, NULL, 0L, 0L)));
    CHECK(is_refused(syscall(SYS_unshare, 0)));
    CHECK(is_refused(syscall(425, 1, NULL))); /* io_uring_setup: it would open sockets past the filter */

    CHECK(is_refused(socket(AF_PACKET, SOCK_RAW, 0)));
    CHECK(is_refused(socket(AF_INET, SOCK_RAW, IPPROTO_ICMP)));
    CHECK(is_refused(socket(AF_INET6, SOCK_SEQPACKET, 0)));
    CHECK(is_refused(socket(AF_NETLINK, SOCK_RAW, NETLINK_AUDIT)));
    CHECK(is_refused(socket(AF_VSOCK, SOCK_STREAM, 0)));
    int pair[2];
    CHECK(is_refused(socketpair(AF_INET, SOCK_STREAM, 0, pair)));

    int tcp = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    CHECK(tcp >= 0 && is_refused(listen(tcp, 1)));
    CHECK(socket(AF_INET6, SOCK_DGRAM, IPPROTO_UDP) >= 0 || errno == EAFNOSUPPORT);
    CHECK(socket(AF_UNIX, SOCK_STREAM, 0) >= 0);
    CHECK(socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE) >= 0);
    CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0);
}

/* Programs, other processes, servers and sockets of other kinds are refused in every thread; what HTTP and name
 * resolution need is not. */
static void calls_are_refused(void **state)
{
    (void)state;
    assert_int_equal(in_child(without_calls, NULL), 0);
}

static char *under(const char *directory, const char *name)
{
    static char path[4][512];
    static unsigned turn;
    turn = (turn + 1) % 4;
    snprintf(path[turn], sizeof path[turn], "%s/%s", directory, name);
    return path[turn];
}

static bool opens(const char *path, int flags)
{
    int fd = open(path, flags | O_CLOEXEC, 0600);
    if (fd >= 0)
        close(fd);
    return fd >= 0;
}

static bool is_denied(const char *path, int flags)
{
    return !opens(path, flags) && errno == EACCES;
}

static void without_files(const char *d)
{
    int version = 0, fd = open(under(d, "outside/open"), O_RDWR | O_CREAT, 0600);
    const char *why = NULL;
    const struct landlock_grant grants[] = {
        {under(d, "read"), false}, {under(d, "write"), true}, {under(d, "nothing"), false}, {"/proc/self", false}};
    CHECK(fd >= 0 && landlock_enter(grants, 4, &version, &why) && version >= 1);

    CHECK(opens(under(d, "read/log"), O_RDONLY) && is_denied(under(d, "read/log"), O_WRONLY));
    CHECK(is_denied(under(d, "read/new"), O_WRONLY | O_CREAT));
    CHECK(unlink(under(d, "read/log")) < 0 && errno == EACCES);
    CHECK(opens(under(d, "write/new"), O_RDWR | O_CREAT) && opens(under(d, "write/new"), O_RDWR | O_TRUNC));
    CHECK(rename(under(d, "write/new"), under(d, "write/newer")) == 0 && unlink(under(d, "write/newer")) == 0);
    CHECK(is_denied(under(d, "outside/log"), O_RDONLY) && is_denied(under(d, "outside"), O_RDONLY | O_DIRECTORY));
    CHECK(is_denied(under(d, "read/link"), O_RDONLY)); /* it leads outside */
    CHECK(is_denied("/etc/passwd", O_RDONLY));
    CHECK(write(fd, "x", 1) == 1); /* what was open stays usable */
    CHECK(opens("/proc/self/stat", O_RDONLY) && opens("/proc/self/fd", O_RDONLY | O_DIRECTORY));
}

/* Only what was granted can be opened, as it was granted, also through a link; a grant of what is not there does no
 * harm. */
static void files_are_out_of_reach(void **state)
{
    (void)state;
    struct temp_dir dir;
    temp_dir_make(&dir);
    static const char *const directories[] = {"read", "write", "outside"};
    for (size_t i = 0; i < 3; i++)
        assert_int_equal(mkdir(under(dir.path, directories[i]), 0700), 0);
    temp_write(&dir, "read/log", "x", 1);
    temp_write(&dir, "outside/log", "x", 1);
    assert_int_equal(symlink("../outside/log", under(dir.path, "read/link")), 0);
    assert_int_equal(in_child(without_files, dir.path), 0);
    temp_dir_remove(&dir);
}

/* A directory's grants: itself and what holds it; of one that is missing what is nearest; never `/` for what holds it.
 */
static void grants_of_a_directory(void **state)
{
    (void)state;
    struct temp_dir dir;
    temp_dir_make(&dir);
    assert_int_equal(mkdir(under(dir.path, "logs"), 0700), 0);
    assert_int_equal(mkdir(under(dir.path, "real"), 0700), 0);
    assert_int_equal(mkdir(under(dir.path, "real/logs"), 0700), 0);
    assert_int_equal(symlink("real/logs", under(dir.path, "link")), 0);

    struct path_set set = {0};
    wanted_grant_with_holder(under(dir.path, "logs"), &set);
    assert_int_equal(set.count, 2);
    assert_true(path_set_has(&set, under(dir.path, "logs")) && path_set_has(&set, dir.path));
    path_set_release(&set);

    wanted_grant_with_holder(under(dir.path, "logs/a/b"), &set);
    assert_int_equal(set.count, 1);
    assert_true(path_set_has(&set, under(dir.path, "logs")));
    path_set_release(&set);

    wanted_grant_with_holder(under(dir.path, "link"),
                             &set); /* the link may be made anew, and so may what it leads to */
    assert_true(path_set_has(&set, under(dir.path, "link")) && path_set_has(&set, dir.path));
    assert_true(path_set_has(&set, under(dir.path, "real")));
    path_set_release(&set);

    wanted_grant_with_holder("/nowhere-at-all/logs", &set);
    assert_int_equal(set.count, 0);
    wanted_grant_with_holder("/usr", &set);
    assert_true(set.count == 1 && path_set_has(&set, "/usr"));
    path_set_release(&set);
    wanted_grant_with_holder("/", &set);
    assert_true(set.count == 1 && path_set_has(&set, "/"));
    path_set_release(&set);
    temp_dir_remove(&dir);
}

static void covers_whole_names(void **state)
{
    (void)state;
    struct path_set set = {0};
    path_set_add(&set, "/var/log", false);
    path_set_add(&set, "/var/log", false);
    assert_int_equal(set.count, 1);
    assert_true(path_set_covers(&set, "/var/log") && path_set_covers(&set, "/var/log/a/b"));
    assert_false(path_set_covers(&set, "/var/logs") || path_set_covers(&set, "/var") || path_set_covers(&set, "/"));
    path_set_add(&set, "/", false);
    assert_true(path_set_covers(&set, "/var/logs") && path_set_covers(&set, "/"));
    path_set_release(&set);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(calls_are_refused), cmocka_unit_test(files_are_out_of_reach),
                                       cmocka_unit_test(grants_of_a_directory), cmocka_unit_test(covers_whole_names)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
