#include "conf/memory_source.h"

#include <errno.h>
#include <fnmatch.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>

static int read_disk(const char *path, char **ret_text, size_t *ret_len)
{
    FILE *f = fopen(path, "rb");
    if (!f)
        return errno;
    char *text = malloc(1 << 20);
    if (!text) {
        fclose(f);
        return ENOMEM;
    }
    *ret_len = fread(text, 1, 1 << 20, f);
    *ret_text = text;
    fclose(f);
    return 0;
}

static int read_file(void *context, const char *path, char **ret_text, size_t *ret_len)
{
    const struct memory_source *m = context;
    for (const struct memory_file *f = m->files; f && f->name; f++) {
        if (strcmp(f->name, path) != 0)
            continue;
        *ret_len = strlen(f->text);
        *ret_text = malloc(*ret_len + 1);
        if (!*ret_text)
            return ENOMEM;
        memcpy(*ret_text, f->text, *ret_len + 1);
        return 0;
    }
    char full[4096];
    if (m->directory && path[0] != '/') {
        snprintf(full, sizeof full, "%s/%s", m->directory, path);
        return read_disk(full, ret_text, ret_len);
    }
    return strncmp(path, "/usr/share/zoneinfo/", 20) == 0 ? read_disk(path, ret_text, ret_len) : ENOENT;
}

static int find_in_memory(const struct memory_source *m, const char *pattern, char **paths, size_t *count)
{
    for (const struct memory_file *f = m->files; f && f->name; f++)
        if (fnmatch(pattern, f->name, FNM_PATHNAME) == 0) {
            paths[*count] = strdup(f->name);
            if (!paths[*count])
                return ENOMEM;
            (*count)++;
        }
    return 0;
}

static int find_on_disk(const struct memory_source *m, const char *pattern, char **paths, size_t *count)
{
    char full[4096];
    glob_t found = {0};
    snprintf(full, sizeof full, "%s/%s", m->directory, pattern);
    int result = glob(full, 0, NULL, &found);
    int error = result == 0 || result == GLOB_NOMATCH ? 0 : ENOMEM;
    for (size_t i = 0; i < found.gl_pathc && *count < 16 && !error; i++) {
        paths[*count] = strdup(found.gl_pathv[i] + strlen(m->directory) + 1);
        if (paths[*count])
            (*count)++;
        else
            error = ENOMEM;
    }
    globfree(&found);
    return error;
}

static int find_files(void *context, const char *pattern, char ***ret_paths, size_t *ret_count)
{
    const struct memory_source *m = context;
    size_t count = 0;
    char **paths = calloc(32, sizeof *paths);
    if (!paths)
        return ENOMEM;
    int error = find_in_memory(m, pattern, paths, &count);
    if (!error && m->directory)
        error = find_on_disk(m, pattern, paths, &count);
    if (error) {
        while (count > 0)
            free(paths[--count]);
        free(paths);
        return error;
    }
    *ret_paths = paths;
    *ret_count = count;
    return 0;
}

static const char *get_environment(void *context, const char *name)
{
    const struct memory_source *m = context;
    size_t len = strlen(name);
    for (size_t i = 0; i < 16 && m->variables[i]; i++)
        if (strncmp(m->variables[i], name, len) == 0 && m->variables[i][len] == '=')
            return m->variables[i] + len + 1;
    return NULL;
}

static bool find_preset(void *context, const char *name, struct slice *ret_text)
{
    (void)context;
    if (strcmp(name, "chat") != 0)
        return false;
    *ret_text = SLICE("rules:\n  - {name: preset-rule, drop: true}\ntables: {preset_table: {a: b}}\n");
    return true;
}

static char *current_directory(void *context)
{
    (void)context;
    return strdup("/work");
}

struct config_source memory_source_of(struct memory_source *m)
{
    return (struct config_source){.context = m,
                                  .read_file = read_file,
                                  .glob = find_files,
                                  .get_environment = get_environment,
                                  .preset = find_preset,
                                  .current_directory = current_directory};
}
