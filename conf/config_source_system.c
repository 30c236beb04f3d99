/* The real world: files, glob(3), the environment, and the presets that were built in. */
#include "config.h"
#include "limits.h"
#include "presets.h"

#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

/* Reads to the end, or until there is more than a configuration may have. 0 or an errno. */
static int read_all(int fd, struct buffer *out)
{
    for (;;) {
        char *room = buffer_reserve(out, KIB(16));
        if (!room)
            return out->len + KIB(16) > out->limit ? EFBIG : ENOMEM;
        ssize_t n = read(fd, room, KIB(16));
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return errno;
        if (n == 0)
            return out->len > LIMIT_CONFIG_FILE ? EFBIG : 0;
        out->len += (size_t)n;
    }
}

static int read_file(void *context, const char *path, char **ret_text, size_t *ret_len)
{
    (void)context;
    struct stat st;
    struct buffer text;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK); /* a FIFO must not hold us up */
    if (fd < 0)
        return errno;
    int error = fstat(fd, &st) < 0 ? errno : S_ISDIR(st.st_mode) ? EISDIR : S_ISFIFO(st.st_mode) ? EINVAL : 0;
    buffer_init(&text, LIMIT_CONFIG_FILE + KIB(32));
    if (!error)
        error = read_all(fd, &text);
    close(fd);
    if (!error) {
        buffer_add_char(&text, '\0'); /* so that an empty file gives memory, too */
        error = text.failed ? ENOMEM : 0;
    }
    if (error) {
        buffer_release(&text);
        return error;
    }
    size_t len;
    *ret_text = buffer_take(&text, &len);
    *ret_len = len - 1;
    return 0;
}

/* Moves glob(3)'s paths into memory of the caller's. 0 or an errno. */
static int copy_paths(const glob_t *found, char ***ret_paths, size_t *ret_count)
{
    char **paths = calloc(found->gl_pathc ? found->gl_pathc : 1, sizeof *paths);
    if (!paths)
        return ENOMEM;
    for (size_t i = 0; i < found->gl_pathc; i++) {
        paths[i] = strdup(found->gl_pathv[i]);
        if (!paths[i]) {
            while (i > 0)
                free(paths[--i]);
            free(paths);
            return ENOMEM;
        }
    }
    *ret_paths = paths;
    *ret_count = found->gl_pathc;
    return 0;
}

static int compare_paths(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static int find_files(void *context, const char *pattern, char ***ret_paths, size_t *ret_count)
{
    (void)context;
    glob_t found = {0};
    int result = glob(pattern, GLOB_BRACE, NULL, &found);
    int error = result == 0 || result == GLOB_NOMATCH ? copy_paths(&found, ret_paths, ret_count)
                : result == GLOB_NOSPACE              ? ENOMEM
                                                      : EIO;
    globfree(&found);
    if (!error && *ret_count > 1) /* glob(3) sorts within each alternative of a brace only */
        qsort(*ret_paths, *ret_count, sizeof **ret_paths, compare_paths);
    return error;
}

static const char *get_environment(void *context, const char *name)
{
    (void)context;
    return getenv(name);
}

static bool find_preset(void *context, const char *name, struct slice *ret_text)
{
    (void)context;
    for (size_t i = 0; i < preset_count; i++)
        if (strcmp(presets[i].name, name) == 0) {
            *ret_text = presets[i].text;
            return true;
        }
    return false;
}

static char *current_directory(void *context)
{
    (void)context;
    return getcwd(NULL, 0);
}

const struct config_source config_source_system = {
    .read_file = read_file,
    .glob = find_files,
    .get_environment = get_environment,
    .preset = find_preset,
    .current_directory = current_directory,
};
