/* The filter is a list of calls that are refused, not of those that are allowed: what libc, the resolver's modules and
 * TLS need changes with their versions, what an intruder would need does not. It is classic BPF, written out here
 * rather than through a library: a table and two special cases.
 *
 * What can go wrong: the kernel has no seccomp, a container forbids it, or the processor is one whose calls are not
 * known here. Then nothing is in force. */
#include "sandbox/seccomp_filter.h"

#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/netlink.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#if defined(__x86_64__)
#define THIS_ARCH AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define THIS_ARCH AUDIT_ARCH_AARCH64
#endif

#ifdef THIS_ARCH

/* LeakSanitizer stops the threads with ptrace when the process ends. */
#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define BUILT_WITH_ASAN 1
#endif
#endif
#if defined(__SANITIZE_ADDRESS__) && !defined(BUILT_WITH_ASAN)
#define BUILT_WITH_ASAN 1
#endif

/* Numbers that are the same on every processor, for headers older than the call. */
enum { NR_PIDFD_GETFD = 438, NR_IO_URING_SETUP = 425, NR_MOUNT_SETATTR = 442, NR_OPEN_TREE = 428 };

static const unsigned refused[] = {
    /* another program */
    SYS_execve, SYS_execveat,
#ifndef BUILT_WITH_ASAN
    /* another process */
    SYS_ptrace,
#endif
    SYS_process_vm_readv, SYS_process_vm_writev, SYS_kcmp, NR_PIDFD_GETFD,
    /* a server; a file by its number instead of its name; a way around this filter */
    SYS_listen, SYS_open_by_handle_at, SYS_name_to_handle_at, NR_IO_URING_SETUP,
    /* the machine */
    SYS_acct, SYS_add_key, SYS_adjtimex, SYS_bpf, SYS_chroot, SYS_clock_adjtime, SYS_clock_settime, SYS_delete_module,
    SYS_fanotify_init, SYS_finit_module, SYS_init_module, SYS_kexec_load, SYS_keyctl, SYS_mount, NR_MOUNT_SETATTR,
    NR_OPEN_TREE, SYS_perf_event_open, SYS_pivot_root, SYS_quotactl, SYS_reboot, SYS_request_key, SYS_setdomainname,
    SYS_sethostname, SYS_setns, SYS_settimeofday, SYS_swapoff, SYS_swapon, SYS_syslog, SYS_umount2, SYS_unshare,
    SYS_userfaultfd, SYS_vhangup};

enum { REFUSED_COUNT = sizeof refused / sizeof *refused, ROOM = 2 * REFUSED_COUNT + 64 };

struct program {
    struct sock_filter at[ROOM];
    unsigned short len;
};

static void add(struct program *p, uint16_t code, uint32_t k, uint8_t jump_true, uint8_t jump_false)
{
    p->at[p->len++] = (struct sock_filter){code, jump_true, jump_false, k};
}

static void load(struct program *p, size_t offset)
{
    add(p, BPF_LD | BPF_W | BPF_ABS, (uint32_t)offset, 0, 0);
}

/* The lower half of an argument; both processors are little-endian. */
static void load_argument(struct program *p, unsigned n)
{
    load(p, offsetof(struct seccomp_data, args) + n * sizeof(uint64_t));
}

static void give(struct program *p, uint32_t what)
{
    add(p, BPF_RET | BPF_K, what, 0, 0);
}

/* Gives `what` where what was loaded equals `value`, else goes on. */
static void give_if(struct program *p, uint32_t value, uint32_t what)
{
    add(p, BPF_JMP | BPF_JEQ | BPF_K, value, 0, 1);
    give(p, what);
}

static const uint32_t allow = SECCOMP_RET_ALLOW, refuse = SECCOMP_RET_ERRNO | EPERM;

/* Jumps over `count` further instructions where what was loaded is not `value`. */
static void skip_unless(struct program *p, uint32_t value, uint8_t count)
{
    add(p, BPF_JMP | BPF_JEQ | BPF_K, value, 0, count);
}

/* socket(): unix, TCP and UDP, and the routing table that a resolver looks at; socketpair(): unix. */
static void filter_sockets(struct program *p)
{
    enum { TYPE_MASK = 0xf, PAIR_LEN = 4, SOCKET_LEN = 17 };
    skip_unless(p, SYS_socketpair, PAIR_LEN);
    load_argument(p, 0);
    give_if(p, AF_UNIX, allow);
    give(p, refuse);
    skip_unless(p, SYS_socket, SOCKET_LEN);
    load_argument(p, 0);
    give_if(p, AF_UNIX, allow);
    skip_unless(p, AF_NETLINK, 4);
    load_argument(p, 2);
    give_if(p, NETLINK_ROUTE, allow);
    give(p, refuse);
    add(p, BPF_JMP | BPF_JEQ | BPF_K, AF_INET, 2, 0);
    add(p, BPF_JMP | BPF_JEQ | BPF_K, AF_INET6, 1, 0);
    give(p, refuse);
    load_argument(p, 1);
    add(p, BPF_ALU | BPF_AND | BPF_K, TYPE_MASK, 0, 0);
    add(p, BPF_JMP | BPF_JEQ | BPF_K, SOCK_STREAM, 1, 0);
    add(p, BPF_JMP | BPF_JEQ | BPF_K, SOCK_DGRAM, 0, 1);
    give(p, allow);
    give(p, refuse);
}

static void write_filter(struct program *p)
{
    load(p, offsetof(struct seccomp_data, arch));
    add(p, BPF_JMP | BPF_JEQ | BPF_K, THIS_ARCH, 1, 0);
    give(p, refuse);
    load(p, offsetof(struct seccomp_data, nr));
#ifdef __x86_64__
    enum { X32 = 0x40000000 };
    add(p, BPF_JMP | BPF_JGE | BPF_K, X32, 0, 1);
    give(p, refuse);
#endif
    for (size_t i = 0; i < REFUSED_COUNT; i++)
        give_if(p, refused[i], refuse);
    filter_sockets(p);
    give(p, allow);
}

bool seccomp_filter_enter(const char **ret_why)
{
    struct program p = {.len = 0};
    write_filter(&p);
    struct sock_fprog program = {.len = p.len, .filter = p.at};
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
        syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_TSYNC, &program) == 0)
        return true;
    *ret_why = errno == ENOSYS || errno == EINVAL  ? "the kernel has no seccomp filters"
               : errno == EPERM || errno == EACCES ? "seccomp is forbidden here"
                                                   : "seccomp failed";
    return false;
}

#else

bool seccomp_filter_enter(const char **ret_why)
{
    *ret_why = "no seccomp filter for this processor";
    return false;
}

#endif
