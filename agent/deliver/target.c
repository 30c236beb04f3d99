#include "deliver/target.h"

#include "limits.h"
#include "state/file_io.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

enum {
    KEY_FILE_MOST = 16 * 1024,
    PART_LEAST = 4, /* of a key at a text's end */
};

static const char *copy(struct arena *arena, const char *text, bool *ok)
{
    if (!text)
        return NULL;
    const char *copied = arena_strdup(arena, slice_from(text));
    *ok = *ok && copied;
    return copied;
}

static bool copy_headers(struct target *t, const struct destination *d)
{
    bool ok = true;
    struct header *headers = arena_calloc(&t->arena, d->header_count, sizeof *headers);
    if (!headers)
        return false;
    for (size_t i = 0; i < d->header_count; i++) {
        headers[i].name = copy(&t->arena, d->headers[i].name, &ok);
        headers[i].value = copy(&t->arena, d->headers[i].value, &ok);
    }
    t->headers = headers;
    t->header_count = d->header_count;
    return ok;
}

static bool make_urls(struct target *t, const char *base)
{
    for (int e = 0; e < ENDPOINT_COUNT; e++) {
        size_t size = strlen(base) + 1 + strlen(endpoint_paths[e]) + 1;
        t->urls[e] = arena_alloc(&t->arena, size);
        if (!t->urls[e])
            return false;
        snprintf(t->urls[e], size, "%s/%s", base, endpoint_paths[e]);
    }
    return true;
}

struct target *target_new(const struct destination *d)
{
    struct target *t = calloc(1, sizeof *t);
    if (!t)
        return NULL;
    arena_init(&t->arena, MIB(1));
    bool ok = true;
    t->name = copy(&t->arena, d->name, &ok);
    t->write_key_file = copy(&t->arena, d->write_key_file, &ok);
    t->proxy = copy(&t->arena, d->proxy, &ok);
    t->tls.ca_file = copy(&t->arena, d->tls.ca_file, &ok);
    t->tls.cert_file = copy(&t->arena, d->tls.cert_file, &ok);
    t->tls.key_file = copy(&t->arena, d->tls.key_file, &ok);
    t->timeout_ms = d->timeout_ms;
    t->connect_timeout_ms = d->connect_timeout_ms;
    t->gzip = d->gzip;
    ok = ok && copy_headers(t, d) && make_urls(t, d->url);
    if (ok && d->write_key && !d->write_key_file)
        ok = (t->key = strdup(d->write_key)) != NULL;
    if (!ok) {
        target_free(t);
        return NULL;
    }
    return t;
}

static void wipe(char *secret)
{
    if (secret)
        explicit_bzero(secret, strlen(secret));
    free(secret);
}

void target_free(struct target *t)
{
    if (!t)
        return;
    wipe(t->key);
    arena_release(&t->arena);
    free(t);
}

/* Without the white space around it; false where nothing is left, or something that cannot stand in a header. */
static bool trim_key(char *text, size_t len)
{
    size_t from = 0;
    while (from < len && strchr(" \t\r\n", text[from]))
        from++;
    while (len > from && strchr(" \t\r\n", text[len - 1]))
        len--;
    for (size_t i = from; i < len; i++) {
        if (text[i] <= ' ' || text[i] > '~')
            return false;
    }
    memmove(text, text + from, len - from);
    text[len - from] = '\0';
    return len > from;
}

static char *read_key(const char *path, struct error *ret_error)
{
    int fd = file_open_regular(path, O_RDONLY);
    char *text = NULL;
    size_t len = 0;
    if (fd < 0 || !file_read_all(fd, KEY_FILE_MOST, &text, &len)) {
        error_set(ret_error, "read write_key_file '%s': %s", path, file_open_strerror(errno));
    } else if (!trim_key(text, len)) {
        error_set(ret_error, "write_key_file '%s' holds no key", path);
        explicit_bzero(text, len);
        free(text);
        text = NULL;
    }
    if (fd >= 0)
        close(fd);
    return text;
}

const char *target_key(struct target *t, struct error *ret_error)
{
    if (!t->key && t->write_key_file)
        t->key = read_key(t->write_key_file, ret_error);
    else if (!t->key)
        error_set(ret_error, "destination '%s' has no write key", t->name);
    return t->key;
}

void target_forget_key(struct target *t)
{
    if (!t->write_key_file)
        return;
    wipe(t->key);
    t->key = NULL;
}

void write_key_blank(const char *key, char *text, size_t len)
{
    size_t key_len = strlen(key);
    for (size_t at = 0; key_len > 0 && at < len; at++) {
        size_t there = len - at < key_len ? len - at : key_len;
        size_t least = key_len < PART_LEAST ? key_len : PART_LEAST;
        if (there >= least && memcmp(text + at, key, there) == 0)
            memset(text + at, '*', there);
    }
}
