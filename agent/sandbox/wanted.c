#include "sandbox/wanted.h"

#include "deliver/curl_loop.h"
#include "limits.h"
#include "text/glob.h"

#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

/* The path without its last name; false where that is `/`, or there is nothing before it. */
static bool cut_last(char *path)
{
    char *slash = strrchr(path, '/');
    if (!slash || slash == path)
        return false;
    *slash = '\0';
    return true;
}

static void add_directory_of(struct path_set *set, const char *file)
{
    char absolute[LIMIT_PATH_BYTES], directory[LIMIT_PATH_BYTES];
    if (!file)
        return;
    snprintf(directory, sizeof directory, "%s", file);
    if (!strchr(directory, '/'))
        snprintf(directory, sizeof directory, ".");
    else if (!cut_last(directory))
        snprintf(directory, sizeof directory, "/");
    if (directory[0] == '/')
        path_set_add(set, directory, false);
    else if (realpath(directory, absolute))
        path_set_add(set, absolute, false);
    if (realpath(file, absolute) && cut_last(absolute))
        path_set_add(set, absolute, false);
}

static void add_globs(struct path_set *set, const char *const *patterns, size_t count)
{
    struct glob_list globs;
    char root[LIMIT_PATH_BYTES];
    if (glob_list_init(&globs, patterns, count, false) != GLOB_OK) {
        set->failed = true;
        return;
    }
    for (size_t i = 0; i < globs.count; i++) {
        glob_root(&globs.globs[i], root);
        path_set_add(set, root, false);
    }
    glob_list_release(&globs);
}

/* A pattern, relative to where the process was started. */
static void add_include(struct path_set *set, const char *pattern)
{
    char here[LIMIT_PATH_BYTES], absolute[2 * LIMIT_PATH_BYTES];
    if (pattern[0] == '/' || !getcwd(here, sizeof here))
        here[0] = '\0';
    snprintf(absolute, sizeof absolute, "%s%s%s", here, here[0] ? "/" : "", pattern);
    add_globs(set, (const char *const[]){absolute}, 1);
}

void wanted_by_inputs(const struct config *config, struct path_set *set)
{
    for (size_t i = 0; i < config->input_count; i++)
        add_globs(set, config->inputs[i].paths, config->inputs[i].path_count);
}

void wanted_beside_inputs(const struct config *config, struct path_set *set)
{
    for (size_t i = 0; i < config->input_count; i++) {
        const struct input *input = &config->inputs[i];
        for (size_t k = 0; k < input->symlink_target_count; k++)
            path_set_add(set, input->symlink_targets[k], false);
    }
    for (size_t i = 0; i < config->destination_count; i++) {
        const struct destination *d = &config->destinations[i];
        const char *const files[] = {d->write_key_file, d->tls.ca_file, d->tls.cert_file, d->tls.key_file};
        for (size_t k = 0; k < sizeof files / sizeof *files; k++)
            add_directory_of(set, files[k]);
    }
    for (size_t i = 0; i < config->file_count; i++)
        if (access(config->files[i]->name, F_OK) == 0) /* else a preset */
            add_directory_of(set, config->files[i]->name);
    for (size_t i = 0; i < config->include_count; i++)
        add_include(set, config->includes[i]);
}

void wanted_of_system(struct path_set *set)
{
    static const char *const files[] = {"/etc/resolv.conf", "/etc/hosts", "/etc/nsswitch.conf", "/etc/localtime"};
    static const char *const directories[] = {"/lib",
                                              "/lib64",
                                              "/usr/lib",
                                              "/usr/lib64",
                                              "/usr/local/lib", /* modules of the resolver and of TLS */
                                              "/usr/share/zoneinfo",
                                              "/usr/share/ca-certificates",
                                              "/usr/local/share/ca-certificates",
                                              "/etc/ssl",
                                              "/etc/pki",
                                              "/proc/self",
                                              "/proc/sys/fs/inotify"};
    for (size_t i = 0; i < sizeof files / sizeof *files; i++)
        add_directory_of(set, files[i]);
    for (size_t i = 0; i < sizeof directories / sizeof *directories; i++)
        path_set_add(set, directories[i], false);
    const char *file, *directory;
    curl_loop_authorities(&file, &directory);
    add_directory_of(set, file);
    if (directory)
        path_set_add(set, directory, false);
}

void wanted_grant(const char *directory, struct path_set *grants)
{
    struct stat st;
    char path[LIMIT_PATH_BYTES];
    snprintf(path, sizeof path, "%s", directory);
    while (stat(path, &st) != 0)
        if (!cut_last(path))
            return;
    path_set_add(grants, path, false);
}

void wanted_grant_with_holder(const char *directory, struct path_set *grants)
{
    char path[LIMIT_PATH_BYTES];
    wanted_grant(directory, grants);
    snprintf(path, sizeof path, "%s", directory);
    if (cut_last(path))
        wanted_grant(path, grants);
    if (realpath(directory, path) && cut_last(path))
        path_set_add(grants, path, false);
}
