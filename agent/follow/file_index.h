#ifndef RAINGAUGE_FILE_INDEX_H
#define RAINGAUGE_FILE_INDEX_H

#include "follow/file_table.h"

/* Finds files by what they are and where: three hash tables over the same files, whose chains run through them
 * (struct file.chain). A file is in each at most once; after what its place in one hangs on has changed it is taken out
 * before and put in again behind. */

enum file_index_kind {
    INDEX_INODE,    /* device, inode: also of contents that parted, for their generation */
    INDEX_LOCATION, /* file_location() */
    INDEX_LINE,     /* file_home()'s directory and first line */
    INDEX_COUNT
};

struct file_index {
    struct file **buckets[INDEX_COUNT];
    size_t bucket_count; /* a power of two */
    size_t file_count;   /* in INDEX_INODE */
};

bool file_index_init(struct file_index *index) __attribute__((warn_unused_result));
void file_index_release(struct file_index *index);
/* Room for one more file. Lack of memory only makes the chains longer. */
void file_index_grow(struct file_index *index, const struct file_list *all);

void file_index_put(struct file_index *index, enum file_index_kind kind, struct file *f);
void file_index_take_out(struct file_index *index, enum file_index_kind kind, struct file *f); /* or it is not in it */

/* Walks the files of one hash: more than those that are meant may come, the caller compares. */
struct file *file_index_first(const struct file_index *index, enum file_index_kind kind, uint64_t hash);
static inline struct file *file_index_next(enum file_index_kind kind, const struct file *f)
{
    return f->chain[kind];
}

uint64_t file_index_hash_inode(uint64_t device, uint64_t inode);
uint64_t file_index_hash_location(const char *path);
uint64_t file_index_hash_line(const char *location, uint64_t first_line);

/* The directory's part of a path. */
struct slice file_directory(const char *path);

#endif
