#include "support/temp_dir.h"

#include "support/cmocka_setup.h"

#include <dirent.h>
#include <ftw.h>
#include <sys/stat.h>
#include <unistd.h>

void temp_dir_make(struct temp_dir *d)
{
    const char *parent = getenv("TMPDIR");
    if (!parent || !*parent)
        parent = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp";
    snprintf(d->path, sizeof d->path, "%s/raingauge-test-XXXXXX", parent);
    assert_non_null(mkdtemp(d->path));
}

static int remove_one(const char *path, const struct stat *found, int type, struct FTW *at)
{
    (void)found, (void)type, (void)at;
    return remove(path);
}

void temp_dir_remove(struct temp_dir *d)
{
    assert_int_equal(nftw(d->path, remove_one, 16, FTW_DEPTH | FTW_PHYS), 0);
}

const char *temp_path(const struct temp_dir *d, const char *name)
{
    static char paths[4][512];
    static unsigned next;
    char *path = paths[next++ % 4];
    snprintf(path, sizeof paths[0], "%s/%s", d->path, name);
    return path;
}

void temp_write(const struct temp_dir *d, const char *name, const void *bytes, size_t len)
{
    FILE *f = fopen(temp_path(d, name), "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(bytes, 1, len, f), len);
    assert_int_equal(fclose(f), 0);
}

char *temp_read(const struct temp_dir *d, const char *name, size_t *ret_len)
{
    FILE *f = fopen(temp_path(d, name), "rb");
    if (!f)
        return NULL;
    struct stat found;
    assert_int_equal(fstat(fileno(f), &found), 0);
    size_t len = (size_t)found.st_size;
    char *text = malloc(len + 1);
    assert_non_null(text);
    assert_int_equal(fread(text, 1, len, f), len);
    text[len] = '\0';
    fclose(f);
    if (ret_len)
        *ret_len = len;
    return text;
}

size_t temp_count(const struct temp_dir *d, const char *prefix)
{
    DIR *dir = opendir(d->path);
    assert_non_null(dir);
    size_t count = 0;
    for (const struct dirent *e; (e = readdir(dir));)
        count += strncmp(e->d_name, prefix, strlen(prefix)) == 0;
    closedir(dir);
    return count;
}
