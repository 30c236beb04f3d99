#include "sandbox/path_set.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

static bool lies_in(const char *path, const char *directory)
{
    size_t len = strcmp(directory, "/") == 0 ? 0 : strlen(directory);
    return strncmp(path, directory, len) == 0 && (path[len] == '/' || path[len] == '\0');
}

bool path_set_has(const struct path_set *set, const char *path)
{
    for (size_t i = 0; i < set->count; i++)
        if (strcmp(set->at[i].path, path) == 0)
            return true;
    return false;
}

bool path_set_covers(const struct path_set *set, const char *path)
{
    for (size_t i = 0; i < set->count; i++)
        if (lies_in(path, set->at[i].path))
            return true;
    return false;
}

static bool has_room(struct path_set *set)
{
    if (set->count < set->cap)
        return true;
    size_t cap = set->cap ? 2 * set->cap : 32;
    struct landlock_grant *grown = realloc(set->at, cap * sizeof *grown);
    if (!grown)
        return false;
    set->at = grown;
    set->cap = cap;
    return true;
}

void path_set_add(struct path_set *set, const char *path, bool write)
{
    if (!write && path_set_has(set, path))
        return;
    char *copy = has_room(set) ? strdup(path) : NULL;
    if (copy)
        set->at[set->count++] = (struct landlock_grant){copy, write};
    else
        set->failed = true;
}

void path_set_release(struct path_set *set)
{
    for (size_t i = 0; i < set->count; i++)
        free((char *)(uintptr_t)set->at[i].path);
    free(set->at);
    *set = (struct path_set){0};
}
