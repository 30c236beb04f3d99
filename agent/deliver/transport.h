#ifndef RAINGAUGE_TRANSPORT_H
#define RAINGAUGE_TRANSPORT_H

#include "deliver/delivery.h"
#include "deliver/target.h"

/* The seam between the uploader and the network: curl in the product (curl_transport.h), a script in tests.
 *
 * A post is embedded in what it is part of; it and its body must stay until on_done, which fires exactly once, never
 * from inside post(). cancel() makes it fire from inside, with POST_CANCELLED. The result is borrowed for the call. */
struct post {
    struct target *target; /* its key is known */
    enum endpoint endpoint;
    struct slice project; /* empty: none */
    struct slice body;
    bool gzip; /* to be compressed */
    void (*on_done)(struct post *post, const struct post_result *result);

    void *transfer;    /* the transport's */
    struct post *next; /* likewise */
};

struct transport {
    void (*post)(struct transport *t, struct post *post);
    void (*cancel)(struct transport *t, struct post *post);
};

#endif
