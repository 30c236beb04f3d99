/* A ruleset names all rights over files that the kernel knows; what no rule grants is refused. The interface is the
 * kernel's own: libc has no functions for it, and headers may be older than the kernel. */
#include "sandbox/landlock.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { NR_CREATE_RULESET = 444, NR_ADD_RULE = 445, NR_RESTRICT_SELF = 446 }; /* on every processor */
enum { CREATE_RULESET_VERSION = 1, RULE_PATH_BENEATH = 1 };

enum { /* the bits of linux/landlock.h that are granted */
       RIGHT_WRITE_FILE = 1 << 1,
       RIGHT_READ_FILE = 1 << 2,
       RIGHT_READ_DIR = 1 << 3,
       RIGHT_REMOVE_FILE = 1 << 5,
       RIGHT_MAKE_REG = 1 << 8,
       RIGHT_MAKE_SOCK = 1 << 9,
       RIGHT_TRUNCATE = 1 << 14,
       RIGHTS_READ = RIGHT_READ_FILE | RIGHT_READ_DIR,
       RIGHTS_WRITE =
           RIGHTS_READ | RIGHT_WRITE_FILE | RIGHT_REMOVE_FILE | RIGHT_MAKE_REG | RIGHT_MAKE_SOCK | RIGHT_TRUNCATE,
       RIGHTS_OF_FILE = RIGHT_READ_FILE | RIGHT_WRITE_FILE | RIGHT_TRUNCATE, /* all that a rule on a file may name */
};

struct path_rule { /* the kernel's struct landlock_path_beneath_attr */
    uint64_t allowed;
    int32_t fd;
} __attribute__((packed));

/* All rights over files that this version knows. */
static uint64_t known_rights(int version)
{
    static const unsigned bits[] = {0, 13, 14, 15, 15, 16}; /* by version; later ones add no right over files */
    size_t last = sizeof bits / sizeof *bits - 1;
    return (UINT64_C(1) << bits[(size_t)version > last ? last : (size_t)version]) - 1;
}

/* A directory of /proc is made anew for each look-up unless somebody holds it. */
static bool must_stay_open(const char *path)
{
    return strncmp(path, "/proc/", strlen("/proc/")) == 0;
}

static bool add_rule(int ruleset, const struct landlock_grant *grant, uint64_t known)
{
    struct stat st;
    int fd = open(grant->path, O_PATH | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &st) != 0)
        return true; /* it is not there: nothing to grant */
    uint64_t rights = (grant->write ? RIGHTS_WRITE : RIGHTS_READ) & known;
    if (!S_ISDIR(st.st_mode))
        rights &= RIGHTS_OF_FILE;
    struct path_rule rule = {.allowed = rights, .fd = fd};
    bool added = syscall(NR_ADD_RULE, ruleset, RULE_PATH_BENEATH, &rule, 0) == 0;
    if (!must_stay_open(grant->path))
        close(fd);
    return added;
}

static const char *reason(int error)
{
    switch (error) {
    case ENOSYS:
        return "the kernel has no Landlock";
    case EOPNOTSUPP:
        return "Landlock is disabled in the kernel";
    case EPERM:
    case EACCES:
        return "Landlock is forbidden here";
    default:
        return "Landlock failed";
    }
}

bool landlock_enter(const struct landlock_grant *grants, size_t count, int *ret_version, const char **ret_why)
{
    int version = (int)syscall(NR_CREATE_RULESET, NULL, (size_t)0, CREATE_RULESET_VERSION);
    uint64_t handled = version > 0 ? known_rights(version) : 0; /* the kernel's struct landlock_ruleset_attr, as of 1 */
    int ruleset = version > 0 ? (int)syscall(NR_CREATE_RULESET, &handled, sizeof handled, 0) : -1;
    if (ruleset < 0) {
        *ret_why = reason(errno);
        return false;
    }
    (void)fcntl(ruleset, F_SETFD, FD_CLOEXEC);
    bool ok = true;
    for (size_t i = 0; ok && i < count; i++)
        ok = add_rule(ruleset, &grants[i], handled);
    ok = ok && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 && syscall(NR_RESTRICT_SELF, ruleset, 0) == 0;
    if (!ok)
        *ret_why = reason(errno);
    close(ruleset);
    *ret_version = version;
    return ok;
}
