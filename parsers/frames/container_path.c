#include "frames/container_path.h"

/* Takes the last part off a path; all of it where it has only one. */
static struct slice take_last_part(struct slice *path)
{
    const char *slash = path->len ? memrchr(path->text, '/', path->len) : NULL;
    struct slice part = slash ? slice_from_offset(*path, (size_t)(slash - path->text) + 1) : *path;
    path->len = slash ? (size_t)(slash - path->text) : 0;
    return part;
}

/* Takes what stands before the first `separator`, and that, off; false where there is none. */
static bool cut_first(struct slice *text, char separator, struct slice *ret_first)
{
    const char *at = text->len ? memchr(text->text, separator, text->len) : NULL;
    if (!at)
        return false;
    *ret_first = slice_of(text->text, (size_t)(at - text->text));
    *text = slice_from_offset(*text, ret_first->len + 1);
    return true;
}

static bool is_whole(const struct container_path *c)
{
    return c->namespace_.len && c->pod.len && c->container.len;
}

/* NAMESPACE_POD_UID/CONTAINER/N.log…, below `pods`. */
static bool read_pods(struct slice directory, struct slice name, struct container_path *ret)
{
    struct container_path c = {.container = take_last_part(&directory)};
    struct slice pod = take_last_part(&directory);
    if (!slice_is(take_last_part(&directory), "pods") || !memmem(name.text, name.len, ".log", 4) ||
        !cut_first(&pod, '_', &c.namespace_) || !cut_first(&pod, '_', &c.pod))
        return false;
    c.pod_uid = pod;
    *ret = c;
    return is_whole(&c);
}

/* POD_NAMESPACE_CONTAINER-ID.log, below `containers`. */
static bool read_containers(struct slice directory, struct slice name, struct container_path *ret)
{
    static const struct slice suffix = {".log", 4};
    struct container_path c = {0};
    if (!slice_is(take_last_part(&directory), "containers") || !slice_ends_with(name, suffix))
        return false;
    name.len -= suffix.len;
    const char *dash = name.len ? memrchr(name.text, '-', name.len) : NULL;
    if (!dash)
        return false;
    name.len = (size_t)(dash - name.text);
    if (!cut_first(&name, '_', &c.pod) || !cut_first(&name, '_', &c.namespace_))
        return false;
    c.container = name;
    *ret = c;
    return is_whole(&c);
}

bool container_path_read(struct slice path, struct container_path *ret)
{
    struct slice name = take_last_part(&path);
    struct container_path found;
    *ret = (struct container_path){0};
    if (!read_pods(path, name, &found) && !read_containers(path, name, &found))
        return false;
    *ret = found;
    return true;
}
