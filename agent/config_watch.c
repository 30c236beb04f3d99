#include "config_watch.h"

#include "base/content_hash.h"

#include <sys/stat.h>

enum { LOOK_EVERY_MS = 1000, QUIET_MS = 2000 };

static uint64_t looks_like(const struct config_watch *w)
{
    struct content_hash all;
    content_hash_init(&all);
    for (size_t i = 0; i < w->count; i++) {
        struct stat st;
        uint64_t marks[6] = {0};
        if (stat(w->paths[i], &st) == 0) {
            marks[0] = (uint64_t)st.st_ino;
            marks[1] = (uint64_t)st.st_dev;
            marks[2] = S_ISDIR(st.st_mode) ? 0 : (uint64_t)st.st_size;
            marks[3] = (uint64_t)st.st_mtim.tv_sec;
            marks[4] = (uint64_t)st.st_mtim.tv_nsec;
            marks[5] = 1;
        }
        content_hash_add(&all, slice_of((const char *)marks, sizeof marks));
    }
    return all.h ? all.h : 1;
}

static bool add_path(struct config_watch *w, const char *path, size_t len)
{
    w->paths[w->count] = strndup(path, len);
    if (!w->paths[w->count])
        return false;
    w->count++;
    return true;
}

/* The file, and the directory it lies in. */
static bool add_file(struct config_watch *w, const char *path)
{
    const char *slash = strrchr(path, '/');
    bool added = add_path(w, path, strlen(path));
    if (added && slash && slash > path)
        added = add_path(w, path, (size_t)(slash - path));
    return added;
}

bool config_watch_init(struct config_watch *w, const struct config *config, uint64_t now)
{
    *w = (struct config_watch){.on = config->reload_watch};
    if (!w->on)
        return true;
    size_t most = 2 * (config->file_count + config->destination_count);
    w->paths = calloc(most ? most : 1, sizeof *w->paths);
    bool ok = w->paths != NULL;
    for (size_t i = 0; ok && i < config->file_count; i++)
        ok = add_file(w, config->files[i]->name);
    for (size_t i = 0; ok && i < config->destination_count; i++)
        ok = !config->destinations[i].write_key_file || add_file(w, config->destinations[i].write_key_file);
    if (!ok) {
        config_watch_release(w);
        return false;
    }
    w->seen = looks_like(w);
    w->look_at = now + LOOK_EVERY_MS;
    return true;
}

void config_watch_release(struct config_watch *w)
{
    for (size_t i = 0; i < w->count; i++)
        free(w->paths[i]);
    free(w->paths);
    *w = (struct config_watch){0};
}

bool config_watch_is_due(struct config_watch *w, uint64_t now)
{
    if (!w->on || now < w->look_at)
        return false;
    w->look_at = now + LOOK_EVERY_MS;
    uint64_t looks = looks_like(w);
    if (looks != w->seen) {
        w->seen = looks;
        w->changed_at = now;
        return false;
    }
    if (w->changed_at == 0 || now - w->changed_at < QUIET_MS)
        return false;
    w->changed_at = 0;
    return true;
}

uint64_t config_watch_deadline(const struct config_watch *w)
{
    return w->on ? w->look_at : UINT64_MAX;
}
