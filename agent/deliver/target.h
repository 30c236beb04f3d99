#ifndef RAINGAUGE_TARGET_H
#define RAINGAUGE_TARGET_H

#include "config.h"
#include "error.h"

/* Where requests for one destination go and with what: a copy of its settings, so that its calls can still be sent when
 * the configuration has gone, and its write key.
 *
 *     struct target *t = target_new(&config->destinations[i]);
 *     if (!target_key(t, &error)) …                   // read from its file when it is first asked for
 *     target_forget_key(t);                           // after a 401: read again at the next time
 *     target_free(t);                                 // the key is wiped */
struct target {
    struct target *next;
    const char *name;
    char *urls[ENDPOINT_COUNT];
    const char *write_key_file;
    char *key; /* NULL: not known (yet) */
    uint64_t timeout_ms, connect_timeout_ms;
    bool gzip;
    const char *proxy; /* NULL: by the environment */
    struct tls_settings tls;
    const struct header *headers;
    size_t header_count;
    struct arena arena; /* of the texts, but the key */
};

struct target *target_new(const struct destination *d); /* NULL: no memory */
void target_free(struct target *t);

/* NULL: it cannot be read, or holds no key. */
const char *target_key(struct target *t, struct error *ret_error);
void target_forget_key(struct target *t);

/* Overwrites each place where the key stands in the text, whole or cut off by the text's end. */
void write_key_blank(const char *key, char *text, size_t len);

#endif
