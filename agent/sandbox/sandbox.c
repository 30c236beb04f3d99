/* The happy path: what the configuration and the system's libraries need is listed, Landlock confines files to it,
 * seccomp refuses calls, and a line of log says so.
 * What can go wrong: the kernel (or the container around us) has not got one of the two. With `require` the agent does
 * not start; with `auto` the other one is in force, and the line says what is not. */
#include "sandbox/sandbox.h"

#include "limits.h"
#include "sandbox/landlock.h"
#include "sandbox/seccomp_filter.h"
#include "sandbox/wanted.h"

#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

#define OUTSIDE "not allowed by the sandbox; needs a restart"

static struct {
    bool files_confined;
    struct path_set granted; /* without links */
    struct path_set wanted;  /* at the start, as written */
} the;

static void keep_granted(const struct path_set *grants)
{
    char real[LIMIT_PATH_BYTES];
    for (size_t i = 0; i < grants->count; i++)
        if (realpath(grants->at[i].path, real))
            path_set_add(&the.granted, real, false);
}

/* A directory that is missing, and everything above it too but `/`: no rule can be made for it. */
static void warn_of_missing(struct log *log)
{
    struct stat st;
    for (size_t i = 0; i < the.wanted.count; i++) {
        const char *path = the.wanted.at[i].path;
        if (stat(path, &st) != 0 && strcmp(sandbox_strerror(path, EACCES), OUTSIDE) == 0)
            log_event(log, LOG_WARN, "", "a directory is not there, and the sandbox will not allow it once it is made",
                      LOG_TEXT("directory", path), LOG_TEXT("then", "restart the agent"), LOG_END);
    }
}

static bool list_grants(const struct config *config, const char *state_dir, struct path_set *grants)
{
    wanted_by_inputs(config, &the.wanted);
    for (size_t i = 0; i < the.wanted.count; i++)
        wanted_grant_with_holder(the.wanted.at[i].path, grants);
    size_t inputs = the.wanted.count;
    wanted_beside_inputs(config, &the.wanted);
    for (size_t i = inputs; i < the.wanted.count; i++)
        wanted_grant(the.wanted.at[i].path, grants);
    wanted_of_system(grants);
    path_set_add(grants, state_dir, true);
    return !the.wanted.failed && !grants->failed;
}

static void say(struct log *log, int landlock, const char *no_landlock, const char *no_seccomp)
{
    char version[32];
    snprintf(version, sizeof version, "Landlock, version %d", landlock);
    log_event(log, LOG_INFO, "", no_landlock || no_seccomp ? "not wholly confined" : "confined",
              LOG_TEXT("files", no_landlock ? no_landlock : version),
              LOG_TEXT("calls", no_seccomp ? no_seccomp : "seccomp"), LOG_END);
}

bool sandbox_enter(const struct config *config, const char *state_dir, struct log *log, struct error *ret_error)
{
    struct path_set grants = {0};
    const char *no_landlock = NULL, *no_seccomp = NULL;
    int version = 0;
    if (config->sandbox == SANDBOX_OFF)
        return true;
    if (!list_grants(config, state_dir, &grants)) {
        path_set_release(&grants);
        error_set(ret_error, "out of memory");
        return false;
    }
    keep_granted(&grants);
    the.files_confined = landlock_enter(grants.at, grants.count, &version, &no_landlock);
    path_set_release(&grants);
    bool calls_filtered = seccomp_filter_enter(&no_seccomp);
    bool whole = the.files_confined && calls_filtered && !the.granted.failed;
    if (config->sandbox == SANDBOX_REQUIRE && !whole) {
        error_set(ret_error, "sandbox: require: %s%s%s", no_landlock ? no_landlock : "",
                  no_landlock && no_seccomp ? "; " : "", no_seccomp ? no_seccomp : "");
        return false;
    }
    say(log, version, the.files_confined ? NULL : no_landlock, calls_filtered ? NULL : no_seccomp);
    warn_of_missing(log);
    return true;
}

/* By the nearest directory above that there is. */
static bool is_forbidden(const char *path)
{
    char above[LIMIT_PATH_BYTES], real[LIMIT_PATH_BYTES];
    if (!the.files_confined)
        return false;
    snprintf(above, sizeof above, "%s%s", strchr(path, '/') ? "" : "./", path);
    while (!realpath(above, real)) {
        char *slash = strrchr(above, '/');
        if (!slash || slash == above) {
            snprintf(real, sizeof real, "/");
            break;
        }
        *slash = '\0';
    }
    return !path_set_covers(&the.granted, real);
}

const char *sandbox_strerror(const char *path, int error)
{
    return error == EACCES && is_forbidden(path) ? OUTSIDE : strerror(error);
}

char *sandbox_lacks(const struct config *config)
{
    struct path_set wanted = {0};
    struct stat st;
    char *lacking = NULL;
    wanted_by_inputs(config, &wanted);
    wanted_beside_inputs(config, &wanted);
    for (size_t i = 0; !lacking && i < wanted.count; i++) {
        const char *path = wanted.at[i].path;
        bool known_missing = stat(path, &st) != 0 && path_set_has(&the.wanted, path);
        if (is_forbidden(path) && !known_missing)
            lacking = strdup(path);
    }
    path_set_release(&wanted);
    return lacking;
}
