#ifndef RAINGAUGE_ADMIN_STREAM_H
#define RAINGAUGE_ADMIN_STREAM_H

#include "base/buffer.h"

#include <microhttpd.h>

/* Answers that go on and on (`tap`): each listener has a buffer of LIMIT_TAP_WAITING bytes; what does not fit is left
 * out and counted, so that whoever reads slowly, or not at all, holds nobody up. */

struct admin_stream;
struct admin_streams {
    struct admin_stream *first;
    unsigned count;
};

/* What is to be told: written for a listener's argument (NULL: none was given); `count` says of how much without
 * writing it. */
struct admin_news {
    void *context;
    void (*write)(void *context, const char *argument, struct buffer *out);
    uint64_t (*count)(void *context, const char *argument);
};

/* Answers the connection with a stream. MHD_NO: no memory, or there are LIMIT_TAP_LISTENERS already. */
enum MHD_Result admin_streams_begin(struct admin_streams *s, struct MHD_Connection *connection, const char *argument,
                                    const char *content_type);
void admin_streams_tell(struct admin_streams *s, const struct admin_news *news);
/* Now and then: an empty line, by which both sides notice that the other has gone. */
void admin_streams_beat(struct admin_streams *s);
/* Before the daemon is stopped. */
void admin_streams_end(struct admin_streams *s);

#endif
