#include "follow/file_index.h"

#include <stdlib.h>

enum { BUCKETS_AT_FIRST = 256 };

struct slice file_directory(const char *path)
{
    const char *slash = strrchr(path, '/');
    if (!slash)
        return slice_of(path, 0);
    return slice_of(path, slash == path ? 1 : (size_t)(slash - path));
}

uint64_t file_index_hash_inode(uint64_t device, uint64_t inode)
{
    uint64_t numbers[] = {device, inode};
    return content_hash_of(slice_of((const char *)numbers, sizeof numbers));
}

uint64_t file_index_hash_location(const char *path)
{
    return content_hash_of(slice_from(path));
}

uint64_t file_index_hash_line(const char *location, uint64_t first_line)
{
    return content_hash_of(file_directory(location)) ^ first_line;
}

static uint64_t hash_of(enum file_index_kind kind, const struct file *f)
{
    switch (kind) {
    case INDEX_INODE:
        return file_index_hash_inode(f->device, f->inode);
    case INDEX_LOCATION:
        return file_index_hash_location(file_location(f));
    case INDEX_LINE:
    case INDEX_COUNT:
        break;
    }
    return file_index_hash_line(file_home(f), f->first_line);
}

bool file_index_init(struct file_index *index)
{
    *index = (struct file_index){.bucket_count = BUCKETS_AT_FIRST};
    bool ok = true;
    for (int kind = 0; kind < INDEX_COUNT; kind++) {
        index->buckets[kind] = calloc(index->bucket_count, sizeof(struct file *));
        ok &= index->buckets[kind] != NULL;
    }
    if (!ok)
        file_index_release(index);
    return ok;
}

void file_index_release(struct file_index *index)
{
    for (int kind = 0; kind < INDEX_COUNT; kind++)
        free(index->buckets[kind]);
    *index = (struct file_index){.bucket_count = 0};
}

static struct file **bucket(const struct file_index *index, enum file_index_kind kind, uint64_t hash)
{
    return &index->buckets[kind][(hash ^ hash >> 32) & (index->bucket_count - 1)];
}

struct file *file_index_first(const struct file_index *index, enum file_index_kind kind, uint64_t hash)
{
    return *bucket(index, kind, hash);
}

void file_index_put(struct file_index *index, enum file_index_kind kind, struct file *f)
{
    if (f->indexed[kind])
        return;
    struct file **head = bucket(index, kind, hash_of(kind, f));
    f->indexed[kind] = true;
    f->chain[kind] = *head;
    *head = f;
    index->file_count += kind == INDEX_INODE;
}

void file_index_take_out(struct file_index *index, enum file_index_kind kind, struct file *f)
{
    if (!f->indexed[kind])
        return;
    for (struct file **at = bucket(index, kind, hash_of(kind, f)); *at; at = &(*at)->chain[kind]) {
        if (*at != f)
            continue;
        *at = f->chain[kind];
        f->chain[kind] = NULL;
        f->indexed[kind] = false;
        index->file_count -= kind == INDEX_INODE;
        return;
    }
}

void file_index_grow(struct file_index *index, const struct file_list *all)
{
    if (index->file_count < index->bucket_count)
        return;
    struct file_index grown = {.bucket_count = 4 * index->bucket_count};
    bool ok = true;
    for (int kind = 0; kind < INDEX_COUNT; kind++) {
        grown.buckets[kind] = calloc(grown.bucket_count, sizeof(struct file *));
        ok &= grown.buckets[kind] != NULL;
    }
    if (!ok) {
        file_index_release(&grown);
        return;
    }
    for (struct file *f = all->first; f; f = f->links[LIST_ALL].next) {
        for (int kind = 0; kind < INDEX_COUNT; kind++) {
            if (!f->indexed[kind])
                continue;
            f->indexed[kind] = false;
            file_index_put(&grown, (enum file_index_kind)kind, f);
        }
    }
    file_index_release(index);
    *index = grown;
}
