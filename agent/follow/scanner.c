/* The walk: from the directory that stands before a glob's first wildcard downwards, each directory once for all globs
 * of an input that begin there. On the way it carries *marks*: which glob, and which of its parts the names of this
 * directory are compared with. A name that matches a last part is a file that was found; one that matches another part
 * is a directory to enter with that mark moved on (or kept, for `**`).
 *
 * Names are read whole, and files are looked at, before a directory below is entered, so that no more than one
 * descriptor is needed. */
#include "follow/scanner.h"

#include "limits.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/magic.h>
#include <linux/openat2.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>
#include <unistd.h>

struct input_globs {
    const struct input *input;
    struct glob_list paths, exclude;
};

struct scan_rules {
    struct input_globs *inputs;
    size_t count;
};

struct scan_rules *scan_rules_new(const struct config *config)
{
    struct scan_rules *rules = calloc(1, sizeof *rules);
    if (!rules)
        return NULL;
    rules->inputs = calloc(config->input_count ? config->input_count : 1, sizeof *rules->inputs);
    for (; rules->inputs && rules->count < config->input_count; rules->count++) {
        const struct input *input = &config->inputs[rules->count];
        struct input_globs *g = &rules->inputs[rules->count];
        g->input = input;
        if (glob_list_init(&g->paths, input->paths, input->path_count, false) != GLOB_OK)
            break;
        if (glob_list_init(&g->exclude, input->exclude, input->exclude_count, true) != GLOB_OK) {
            glob_list_release(&g->paths);
            break;
        }
    }
    if (!rules->inputs || rules->count < config->input_count) {
        scan_rules_free(rules);
        return NULL;
    }
    return rules;
}

void scan_rules_free(struct scan_rules *rules)
{
    if (!rules)
        return;
    for (size_t i = 0; i < rules->count; i++) {
        glob_list_release(&rules->inputs[i].paths);
        glob_list_release(&rules->inputs[i].exclude);
    }
    free(rules->inputs);
    free(rules);
}

size_t scan_rules_input_of(const struct scan_rules *rules, struct slice path)
{
    for (size_t i = 0; i < rules->count; i++) {
        if (glob_list_matches(&rules->inputs[i].paths, path) && !glob_list_matches(&rules->inputs[i].exclude, path))
            return i;
    }
    return SIZE_MAX;
}

int scan_rules_first_root(const struct scan_rules *rules, size_t input, char ret_directory[static LIMIT_PATH_BYTES])
{
    const struct glob_list *paths = &rules->inputs[input].paths;
    for (size_t i = 0; i < paths->count; i++) {
        glob_root(&paths->globs[i], ret_directory);
        if (access(ret_directory, R_OK | X_OK) != 0)
            return errno;
    }
    glob_root(&paths->globs[0], ret_directory);
    return 0;
}

/* ---- symbolic links ---- */

static bool lies_under(const char *path, const char *directory)
{
    size_t len = strlen(directory);
    if (len == 1)
        return true; /* "/" */
    return strncmp(path, directory, len) == 0 && (path[len] == '/' || path[len] == '\0');
}

/* Whether a path without links lies where the input's links may lead. */
static bool is_allowed_target(const struct input_globs *g, const char *real)
{
    char root[PATH_MAX], real_root[PATH_MAX];
    if (g->input->symlinks == SYMLINKS_ALL)
        return true;
    if (g->input->symlinks == SYMLINKS_NONE)
        return false;
    for (size_t i = 0; i < g->paths.count; i++) {
        glob_root(&g->paths.globs[i], root);
        if (realpath(root, real_root) && lies_under(real, real_root))
            return true;
    }
    for (size_t i = 0; i < g->input->symlink_target_count; i++) {
        if (realpath(g->input->symlink_targets[i], real_root) && lies_under(real, real_root))
            return true;
    }
    return false;
}

/* Opens below `directory` without following any link. */
static int open_without_links(int directory, const char *path)
{
    struct open_how how = {.flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY, .resolve = RESOLVE_NO_SYMLINKS};
    return (int)syscall(SYS_openat2, directory, path, &how, sizeof how);
}

/* The same for a kernel (or a filter) without openat2: the link is looked for before, and the file's real name after.
 */
static int open_and_compare(const char *real)
{
    char link[32], name[PATH_MAX];
    int fd = open(real, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY | O_NOFOLLOW);
    if (fd < 0)
        return -1;
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t n = readlink(link, name, sizeof name - 1);
    if (n > 0) {
        name[n] = '\0';
        if (strcmp(name, real) == 0)
            return fd;
    }
    close(fd);
    errno = ELOOP;
    return -1;
}

/* What stands before the globs' wildcards was written by the administrator and may well be a link; what is behind it
 * may have been made by anybody. */
static int open_below_root(const struct input_globs *g, const char *path)
{
    char root[PATH_MAX];
    for (size_t i = 0; i < g->paths.count; i++) {
        glob_root(&g->paths.globs[i], root);
        if (!lies_under(path, root))
            continue;
        int directory = open(root, O_PATH | O_CLOEXEC | O_DIRECTORY);
        if (directory < 0)
            return -1;
        const char *rest = path + strlen(root);
        while (*rest == '/')
            rest++;
        int fd = open_without_links(directory, rest);
        int saved = errno;
        close(directory);
        errno = saved;
        return fd;
    }
    errno = ELOOP;
    return -1;
}

static int open_as_allowed(const struct input_globs *g, const char *path)
{
    if (g->input->symlinks == SYMLINKS_ALL)
        return open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    int fd = open_below_root(g, path);
    if (fd >= 0 || (errno != ELOOP && errno != ENOSYS && errno != EPERM))
        return fd;
    bool no_openat2 = errno != ELOOP;
    char real[PATH_MAX];
    if (!realpath(path, real))
        return -1;
    bool plain = g->input->symlinks == SYMLINKS_NONE && no_openat2 && strcmp(real, path) == 0;
    if (!plain && !is_allowed_target(g, real)) {
        errno = ELOOP;
        return -1;
    }
    return no_openat2 ? open_and_compare(real) : open_without_links(AT_FDCWD, real);
}

int scan_rules_open(const struct scan_rules *rules, size_t input, const char *path)
{
    int fd = open_as_allowed(&rules->inputs[input], path);
    struct stat st;
    if (fd < 0)
        return -1;
    if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode))
        return fd;
    close(fd);
    errno = EINVAL;
    return -1;
}

/* ---- what is found ---- */

static struct found_file *found_add(struct scan *scan, enum found_kind kind, const char *path)
{
    if (scan->count == scan->cap) {
        size_t cap = scan->cap ? 2 * scan->cap : 64;
        struct found_file *grown = realloc(scan->found, cap * sizeof *grown);
        if (!grown) {
            scan->failed = true;
            return NULL;
        }
        scan->found = grown;
        scan->cap = cap;
    }
    struct found_file *f = &scan->found[scan->count];
    *f = (struct found_file){.kind = kind, .path = strdup(path), .input = SIZE_MAX};
    if (!f->path) {
        scan->failed = true;
        return NULL;
    }
    scan->count++;
    return f;
}

/* Anybody who can write a file can date it in the year 5000: the ends are such that the difference of two fits, too. */
static int64_t nanoseconds(struct timespec t)
{
    const int64_t most = INT64_MAX / 2, most_s = most / 1000000000;
    if (t.tv_sec >= most_s || t.tv_sec <= -most_s)
        return t.tv_sec > 0 ? most : -most;
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

int scan_stat(int directory, const char *path, int flags, struct stat *ret_st, uint64_t *ret_born_ns)
{
    struct statx sx;
    *ret_born_ns = 0;
    if (statx(directory, path, flags, STATX_BASIC_STATS | STATX_BTIME, &sx) != 0)
        return errno == ENOSYS || errno == EPERM ? fstatat(directory, path, ret_st, flags) : -1;
    *ret_st = (struct stat){
        .st_dev = makedev(sx.stx_dev_major, sx.stx_dev_minor),
        .st_ino = sx.stx_ino,
        .st_mode = sx.stx_mode,
        .st_nlink = sx.stx_nlink,
        .st_size = (off_t)sx.stx_size,
        .st_mtim = {sx.stx_mtime.tv_sec, sx.stx_mtime.tv_nsec},
        .st_ctim = {sx.stx_ctime.tv_sec, sx.stx_ctime.tv_nsec},
    };
    if (sx.stx_mask & STATX_BTIME)
        *ret_born_ns = (uint64_t)sx.stx_btime.tv_sec * 1000000000 + sx.stx_btime.tv_nsec;
    return 0;
}

static void found_set(struct found_file *f, const struct stat *st)
{
    f->device = st->st_dev;
    f->inode = st->st_ino;
    f->size = (uint64_t)st->st_size;
    f->mtime_ns = nanoseconds(st->st_mtim);
    f->ctime_ns = nanoseconds(st->st_ctim);
    f->is_directory = S_ISDIR(st->st_mode);
    f->has_links = st->st_nlink > 1;
}

static void found_unreadable(struct scan *scan, const char *path, size_t input, int error)
{
    struct found_file *f = found_add(scan, FOUND_UNREADABLE, path);
    scan->unreadable = true;
    if (f) {
        f->error = error;
        f->input = input;
        f->matched = input != SIZE_MAX;
    }
}

static void found_directory(struct scan *scan, const struct found_file *directory)
{
    struct found_file *f = found_add(scan, FOUND_DIRECTORY, directory->path);
    if (!f)
        return;
    char *path = f->path;
    *f = *directory;
    f->kind = FOUND_DIRECTORY;
    f->path = path;
    scan->has_known |= f->known;
}

static bool is_absence(int error)
{
    return error == ENOENT || error == ENOTDIR;
}

/* Looks at a path that belongs to an input; `name` is what it is called in the open `directory` (AT_FDCWD: the path).
 * `through_link`: a directory on the way was a link. False: nothing there. */
static bool look_at_matching(const struct input_globs *g, size_t input, int directory, const char *name,
                             const char *path, bool through_link, struct scan *scan)
{
    struct stat st;
    uint64_t born_ns;
    char real[PATH_MAX];
    if (scan_stat(directory, name, AT_SYMLINK_NOFOLLOW, &st, &born_ns) != 0) {
        if (is_absence(errno))
            return false;
        found_unreadable(scan, path, input, errno);
        return true;
    }
    bool by_link = through_link || S_ISLNK(st.st_mode);
    bool allowed = true;
    if (by_link) {
        if (!realpath(path, real) || scan_stat(AT_FDCWD, real, 0, &st, &born_ns) != 0) {
            if (is_absence(errno) || errno == ELOOP)
                return false; /* dangling: as if it were not there */
            found_unreadable(scan, path, input, errno);
            return true;
        }
        allowed = is_allowed_target(g, real);
    }
    struct found_file *f = found_add(scan,
                                     !allowed              ? FOUND_FORBIDDEN
                                     : S_ISREG(st.st_mode) ? FOUND_FILE
                                                           : FOUND_OTHER,
                                     path);
    if (!f)
        return true;
    f->matched = true;
    f->input = input;
    found_set(f, &st);
    f->born_ns = born_ns;
    if (by_link && !(f->real_path = strdup(real)))
        scan->failed = true;
    return true;
}

/* ---- single paths and whole directories ---- */

static void look_at(const struct scan_rules *rules, const char *path, struct scan *scan)
{
    struct stat st;
    uint64_t born_ns;
    size_t input = scan_rules_input_of(rules, slice_from(path));
    if (input != SIZE_MAX) {
        if (!look_at_matching(&rules->inputs[input], input, AT_FDCWD, path, path, false, scan))
            found_add(scan, FOUND_NOTHING, path);
        return;
    }
    bool there = scan_stat(AT_FDCWD, path, AT_SYMLINK_NOFOLLOW, &st, &born_ns) == 0;
    if (!there && !is_absence(errno)) {
        found_unreadable(scan, path, SIZE_MAX, errno);
        return;
    }
    there = there && (S_ISREG(st.st_mode) || S_ISDIR(st.st_mode));
    struct found_file *f = found_add(scan,
                                     !there                ? FOUND_NOTHING
                                     : S_ISREG(st.st_mode) ? FOUND_FILE
                                                           : FOUND_OTHER,
                                     path);
    if (f && there) {
        found_set(f, &st);
        f->born_ns = born_ns;
    }
}

static void join(const char *directory, const char *name, struct buffer *path)
{
    buffer_clear(path);
    buffer_add_text(path, strcmp(directory, "/") == 0 ? "" : directory);
    buffer_add_char(path, '/');
    buffer_add_text(path, name);
    buffer_add_char(path, '\0');
}

static bool is_dot(const char *name)
{
    return strcmp(name, ".") == 0 || strcmp(name, "..") == 0;
}

static void list_directory(const struct scan_rules *rules, const char *directory, struct scan *scan)
{
    DIR *d = opendir(directory);
    if (!d && !is_absence(errno)) {
        found_unreadable(scan, directory, SIZE_MAX, errno);
        return;
    }
    struct buffer path;
    buffer_init(&path, PATH_MAX);
    errno = 0;
    for (struct dirent *e; d && (e = readdir(d)); errno = 0) {
        if (is_dot(e->d_name) || (e->d_type != DT_REG && e->d_type != DT_UNKNOWN))
            continue;
        struct stat st;
        uint64_t born_ns;
        join(directory, e->d_name, &path);
        if (path.failed || scan_stat(dirfd(d), e->d_name, AT_SYMLINK_NOFOLLOW, &st, &born_ns) != 0 ||
            !S_ISREG(st.st_mode))
            continue;
        struct found_file *f = found_add(scan, FOUND_FILE, path.data);
        if (!f)
            break;
        found_set(f, &st);
        f->born_ns = born_ns;
        f->input = scan_rules_input_of(rules, slice_from(path.data));
        f->matched = f->input != SIZE_MAX;
    }
    int error = d ? errno : 0;
    if (d)
        closedir(d);
    buffer_release(&path);
    if (error) {
        found_unreadable(scan, directory, SIZE_MAX, error);
        return;
    }
    char *copy = strdup(directory);
    if (copy)
        scan->listed[scan->listed_count++] = copy;
    else
        scan->failed = true;
}

/* ---- the walk ---- */

struct mark { /* the names of a directory are compared with this part */
    const struct glob *glob;
    size_t part;
};

struct marks {
    struct mark *at;
    size_t count, cap;
};

struct ancestor { /* the directories from the root to here: a link back to one of them is not entered */
    const struct ancestor *above;
    uint64_t device, inode;
    unsigned depth;
};

struct walk {
    const struct scan_rules *rules;
    size_t input;
    struct scan *scan;
    enum dir_knowledge (*know)(const void *context, const struct found_file *directory);
    const void *know_context;
};

static void marks_add(struct walk *w, struct marks *m, struct mark mark)
{
    for (size_t i = 0; i < m->count; i++) {
        if (m->at[i].glob == mark.glob && m->at[i].part == mark.part)
            return;
    }
    if (m->count == m->cap) {
        size_t cap = m->cap ? 2 * m->cap : 8;
        struct mark *grown = realloc(m->at, cap * sizeof *grown);
        if (!grown) {
            w->scan->failed = true;
            return;
        }
        m->at = grown;
        m->cap = cap;
    }
    m->at[m->count++] = mark;
    if (glob_part_is_any_depth(mark.glob->parts[mark.part])) /* `**` also stands for no directory */
        marks_add(w, m, (struct mark){mark.glob, mark.part + 1});
}

/* What one name is to the marks of its directory: a file, and the marks to enter it with as a directory. */
static bool compare_name(struct walk *w, const struct marks *marks, struct slice name, struct marks *below)
{
    bool is_file = false;
    below->count = 0;
    for (size_t i = 0; i < marks->count; i++) {
        struct mark m = marks->at[i];
        struct slice part = m.glob->parts[m.part];
        if (glob_part_is_any_depth(part)) {
            if (name.text[0] != '.')
                marks_add(w, below, m);
        } else if (glob_part_matches(part, name, false)) {
            if (m.part + 1 == m.glob->part_count)
                is_file = true;
            else
                marks_add(w, below, (struct mark){m.glob, m.part + 1});
        }
    }
    return is_file;
}

static bool is_one_of(uint32_t type, const uint32_t *types, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (types[i] == type)
            return true;
    }
    return false;
}

/* Whether inotify tells what happens there. Of those in neither list it may, or not. */
static void look_at_file_system(int fd, struct found_file *ret_stat)
{
    static const uint32_t remote[] = {NFS_SUPER_MAGIC,  SMB_SUPER_MAGIC,  SMB2_SUPER_MAGIC, CIFS_SUPER_MAGIC,
                                      FUSE_SUPER_MAGIC, V9FS_MAGIC,       CEPH_SUPER_MAGIC, AFS_SUPER_MAGIC,
                                      CODA_SUPER_MAGIC, OCFS2_SUPER_MAGIC};
    static const uint32_t telling[] = {EXT4_SUPER_MAGIC, XFS_SUPER_MAGIC, BTRFS_SUPER_MAGIC, F2FS_SUPER_MAGIC,
                                       TMPFS_MAGIC};
    struct statfs fs;
    if (fstatfs(fd, &fs) != 0)
        return;
    ret_stat->remote = is_one_of((uint32_t)fs.f_type, remote, sizeof remote / sizeof *remote);
    ret_stat->telling = is_one_of((uint32_t)fs.f_type, telling, sizeof telling / sizeof *telling);
}

static int open_directory(const char *directory, struct found_file *ret_stat, DIR **ret_open)
{
    int fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NONBLOCK);
    DIR *d = fd < 0 ? NULL : fdopendir(fd);
    *ret_open = d;
    if (!d) {
        int error = errno;
        if (fd >= 0)
            close(fd);
        return error;
    }
    struct stat st;
    if (fstat(fd, &st) == 0)
        found_set(ret_stat, &st);
    look_at_file_system(fd, ret_stat);
    return 0;
}

/* The names in a directory, each zero-terminated behind one byte of its d_type. An errno. */
static int read_names(DIR *d, struct buffer *names, bool *ret_plain)
{
    *ret_plain = true;
    errno = 0;
    for (struct dirent *e; (e = readdir(d)); errno = 0) {
        if (is_dot(e->d_name))
            continue;
        *ret_plain = *ret_plain && e->d_type == DT_REG;
        buffer_add_char(names, (char)e->d_type);
        buffer_add(names, slice_of(e->d_name, strlen(e->d_name) + 1));
    }
    return names->failed ? ENOMEM : errno;
}

/* Whether a name is a directory that the walk may enter; *by_link is set where it is a link. */
static bool may_enter(struct walk *w, const char *path, unsigned char type, const struct ancestor *here, bool *by_link,
                      struct ancestor *ret_below)
{
    struct stat st;
    char real[PATH_MAX];
    if (type != DT_DIR && type != DT_LNK && type != DT_UNKNOWN)
        return false;
    if (lstat(path, &st) != 0)
        return false;
    if (S_ISLNK(st.st_mode)) {
        if (stat(path, &st) != 0 || !S_ISDIR(st.st_mode) || !realpath(path, real) ||
            !is_allowed_target(&w->rules->inputs[w->input], real))
            return false;
        *by_link = true;
    }
    if (!S_ISDIR(st.st_mode) || here->depth >= LIMIT_WALK_DEPTH)
        return false;
    *ret_below = (struct ancestor){here, st.st_dev, st.st_ino, here->depth + 1};
    for (const struct ancestor *a = here; a; a = a->above) {
        if (a->device == ret_below->device && a->inode == ret_below->inode)
            return false;
    }
    return true;
}

/* A file of this input, unless one before has a right to it. */
static void walk_file(struct walk *w, int directory, const char *name, const char *path, bool through_link)
{
    const struct input_globs *g = &w->rules->inputs[w->input];
    bool is_first = w->input == 0 && g->exclude.count == 0; /* its globs have matched */
    if (is_first || scan_rules_input_of(w->rules, slice_from(path)) == w->input)
        look_at_matching(g, w->input, directory, name, path, through_link, w->scan);
}

static void walk_directory(struct walk *w, const char *directory, const struct marks *marks, bool by_link,
                           const struct ancestor *here);

struct place { /* where the walk is */
    const char *directory;
    const struct marks *marks;
    bool by_link;
    const struct ancestor *here;
};

/* The regular files: looked at from the open directory, as most of what a walk costs is to find its way to a name.
 * True: each is here, and can be changed through this directory only. */
static bool walk_files(struct walk *w, const struct place *at, int directory, const struct buffer *names,
                       struct buffer *path)
{
    struct marks below = {.count = 0};
    size_t first = w->scan->count;
    for (const char *p = names->data; p < names->data + names->len && !w->scan->failed; p += strlen(p + 1) + 2) {
        if ((unsigned char)*p != DT_REG || !compare_name(w, at->marks, slice_from(p + 1), &below))
            continue;
        join(at->directory, p + 1, path);
        if (!path->failed)
            walk_file(w, directory, p + 1, path->data, at->by_link);
    }
    free(below.at);
    bool whole = !at->by_link && !w->scan->failed;
    for (size_t i = first; i < w->scan->count; i++)
        whole = whole && w->scan->found[i].kind == FOUND_FILE && !w->scan->found[i].has_links;
    return whole;
}

/* All else: directories, links, and what is no file. */
static void walk_others(struct walk *w, const struct place *at, const struct buffer *names, struct buffer *path)
{
    struct marks below = {.count = 0};
    for (const char *p = names->data; p < names->data + names->len && !w->scan->failed; p += strlen(p + 1) + 2) {
        if ((unsigned char)*p == DT_REG)
            continue;
        bool is_file = compare_name(w, at->marks, slice_from(p + 1), &below);
        if (!is_file && !below.count)
            continue;
        join(at->directory, p + 1, path);
        if (path->failed)
            continue;
        struct ancestor inside;
        bool link = at->by_link;
        if (below.count && may_enter(w, path->data, (unsigned char)*p, at->here, &link, &inside))
            walk_directory(w, path->data, &below, link, &inside);
        else if (is_file)
            walk_file(w, AT_FDCWD, path->data, path->data, at->by_link);
    }
    free(below.at);
}

static void walk_directory(struct walk *w, const char *directory, const struct marks *marks, bool by_link,
                           const struct ancestor *here)
{
    const struct place at = {directory, marks, by_link, here};
    struct found_file st = {.path = (char *)(uintptr_t)directory, .input = w->input};
    struct buffer names, path;
    DIR *d;
    buffer_init(&names, SIZE_MAX);
    buffer_init(&path, PATH_MAX);
    int error = open_directory(directory, &st, &d);
    enum dir_knowledge knowledge = error || by_link || !w->know ? DIR_UNKNOWN : w->know(w->know_context, &st);
    st.known = knowledge != DIR_UNKNOWN;
    if (!error && knowledge != DIR_KNOWN_PLAIN)
        error = read_names(d, &names, &st.plain);
    if (error && !is_absence(error))
        found_unreadable(w->scan, directory, w->input, error);
    size_t files = w->scan->count + 1;
    if (!error)
        found_directory(w->scan, &st);
    if (d && !st.known) {
        bool whole = walk_files(w, &at, dirfd(d), &names, &path);
        if (!error && files <= w->scan->count)
            w->scan->found[files - 1].read_whole = whole && st.telling;
    }
    if (d)
        closedir(d); /* before another one is opened */
    walk_others(w, &at, &names, &path);
    buffer_release(&names);
    buffer_release(&path);
}

static void walk_root(struct walk *w, const char *root, const struct marks *marks)
{
    struct stat st;
    if (stat(root, &st) != 0) {
        if (!is_absence(errno))
            found_unreadable(w->scan, root, w->input, errno);
        return;
    }
    struct ancestor top = {NULL, st.st_dev, st.st_ino, 0};
    walk_directory(w, root, marks, false, &top);
}

/* A glob without wildcards: no directory need be read. */
static void walk_literal(struct walk *w, const char *root, struct slice name)
{
    struct buffer path;
    buffer_init(&path, PATH_MAX);
    buffer_add_text(&path, strcmp(root, "/") == 0 ? "" : root);
    buffer_add_char(&path, '/');
    buffer_add(&path, name);
    buffer_add_char(&path, '\0');
    if (!path.failed)
        walk_file(w, AT_FDCWD, path.data, path.data, false);
    buffer_release(&path);
    struct stat st;
    struct found_file *f = stat(root, &st) == 0 ? found_add(w->scan, FOUND_DIRECTORY, root) : NULL;
    if (f) {
        found_set(f, &st);
        f->input = w->input;
    }
}

static bool is_whole_literal(const struct glob *g)
{
    return g->literal_parts + 1 == g->part_count && glob_part_is_literal(g->parts[g->part_count - 1]);
}

static void walk_input(const struct scan_rules *rules, const struct scan_request *request, size_t input,
                       struct scan *scan)
{
    struct walk w = {rules, input, scan, request->know, request->know_context};
    const struct glob_list *globs = &rules->inputs[input].paths;
    struct marks marks = {.count = 0};
    bool *done = calloc(globs->count ? globs->count : 1, sizeof *done);
    if (!done) {
        scan->failed = true;
        return;
    }
    for (size_t i = 0; i < globs->count; i++) {
        char root[PATH_MAX], other[PATH_MAX];
        const struct glob *g = &globs->globs[i];
        if (done[i] || !g->part_count)
            continue;
        glob_root(g, root);
        if (is_whole_literal(g)) {
            walk_literal(&w, root, g->parts[g->part_count - 1]);
            continue;
        }
        marks.count = 0;
        for (size_t j = i; j < globs->count; j++) { /* all that begin in the same directory */
            if (!globs->globs[j].part_count || is_whole_literal(&globs->globs[j]))
                continue;
            glob_root(&globs->globs[j], other);
            if (strcmp(other, root) == 0) {
                marks_add(&w, &marks, (struct mark){&globs->globs[j], globs->globs[j].literal_parts});
                done[j] = true;
            }
        }
        walk_root(&w, root, &marks);
    }
    free(marks.at);
    free(done);
}

void scanner_run(const struct scan_rules *rules, const struct scan_request *request, struct scan *ret_scan)
{
    struct timespec wall;
    clock_gettime(CLOCK_REALTIME, &wall);
    *ret_scan = (struct scan){.wall_ms = nanoseconds(wall) / 1000000, .input_count = rules->count};
    ret_scan->walked = calloc(rules->count ? rules->count : 1, sizeof *ret_scan->walked);
    ret_scan->listed = calloc(request->list_count + 1, sizeof *ret_scan->listed);
    if (!ret_scan->walked || !ret_scan->listed) {
        ret_scan->failed = true;
        return;
    }
    for (size_t i = 0; request->walk && i < rules->count; i++) {
        if (request->inputs && !request->inputs[i])
            continue;
        walk_input(rules, request, i, ret_scan);
        ret_scan->walked[i] = true;
    }
    for (size_t i = 0; i < request->look_count; i++)
        look_at(rules, request->look[i], ret_scan);
    for (size_t i = 0; i < request->list_count; i++)
        list_directory(rules, request->list[i], ret_scan);
}

bool scan_has_listed(const struct scan *scan, struct slice directory)
{
    for (size_t i = 0; i < scan->listed_count; i++) {
        if (slice_is(directory, scan->listed[i]))
            return true;
    }
    return false;
}

bool scan_lies_below_unreadable(const struct scan *scan, const char *path)
{
    for (size_t i = 0; i < scan->count && scan->unreadable; i++) {
        if (scan->found[i].kind != FOUND_UNREADABLE)
            continue;
        struct slice directory = slice_from(scan->found[i].path);
        if (slice_starts_with(slice_from(path), directory) &&
            (path[directory.len] == '/' || path[directory.len] == '\0' || directory.len == 1))
            return true;
    }
    return false;
}

void scan_release(struct scan *scan)
{
    for (size_t i = 0; i < scan->count; i++) {
        free(scan->found[i].path);
        free(scan->found[i].real_path);
    }
    for (size_t i = 0; i < scan->listed_count; i++)
        free(scan->listed[i]);
    free(scan->found);
    free(scan->walked);
    free(scan->listed);
    *scan = (struct scan){.count = 0};
}
