/* libmicrohttpd asks a stream's on_read() for more; where there is nothing the connection is suspended until there is.
 */
#include "admin/stream.h"

#include "limits.h"

#include <inttypes.h>
#include <stdlib.h>

struct admin_stream {
    struct admin_streams *owner;
    struct admin_stream *next;
    struct MHD_Connection *connection;
    char *argument;
    struct buffer waiting;
    size_t sent;      /* of it */
    uint64_t dropped; /* not told of yet */
    bool suspended, ending;
};

static ssize_t on_read(void *cls, uint64_t at, char *out, size_t most)
{
    struct admin_stream *s = cls;
    (void)at;
    size_t len = s->waiting.len - s->sent;
    if (len == 0) {
        if (s->ending)
            return MHD_CONTENT_READER_END_OF_STREAM;
        s->suspended = true;
        MHD_suspend_connection(s->connection);
        return 0;
    }
    len = len < most ? len : most;
    memcpy(out, s->waiting.data + s->sent, len);
    s->sent += len;
    if (s->sent == s->waiting.len) {
        buffer_clear(&s->waiting);
        s->sent = 0;
    }
    return (ssize_t)len;
}

static void on_free(void *cls)
{
    struct admin_stream *s = cls;
    struct admin_stream **at = &s->owner->first;
    while (*at && *at != s)
        at = &(*at)->next;
    if (*at) {
        *at = s->next;
        s->owner->count--;
    }
    buffer_release(&s->waiting);
    free(s->argument);
    free(s);
}

static void resume(struct admin_stream *s)
{
    if (!s->suspended)
        return;
    s->suspended = false;
    MHD_resume_connection(s->connection);
}

static size_t room(const struct admin_stream *s)
{
    size_t used = s->waiting.len - s->sent;
    return used < LIMIT_TAP_WAITING ? LIMIT_TAP_WAITING - used : 0;
}

static void add(struct admin_stream *s, struct slice bytes)
{
    if (s->sent) {
        s->waiting.len -= s->sent;
        memmove(s->waiting.data, s->waiting.data + s->sent, s->waiting.len);
        s->sent = 0;
    }
    buffer_add(&s->waiting, bytes);
}

static void say_dropped(struct admin_stream *s)
{
    char text[48];
    if (s->dropped == 0 || room(s) < LIMIT_TAP_WAITING / 2)
        return;
    int n = snprintf(text, sizeof text, "{\"dropped\":%" PRIu64 "}\n", s->dropped);
    add(s, slice_of(text, (size_t)n));
    s->dropped = 0;
}

static void tell(struct admin_stream *s, const struct admin_news *news)
{
    struct buffer text;
    say_dropped(s);
    buffer_init(&text, room(s));
    if (s->dropped == 0)
        news->write(news->context, s->argument, &text);
    if (s->dropped || text.failed)
        s->dropped += news->count(news->context, s->argument);
    else
        add(s, buffer_slice(&text));
    buffer_release(&text);
    if (s->waiting.len > s->sent)
        resume(s);
}

enum MHD_Result admin_streams_begin(struct admin_streams *streams, struct MHD_Connection *connection,
                                    const char *argument, const char *content_type)
{
    struct admin_stream *s = streams->count < LIMIT_TAP_LISTENERS ? calloc(1, sizeof *s) : NULL;
    if (!s)
        return MHD_NO;
    *s = (struct admin_stream){.owner = streams, .connection = connection};
    buffer_init(&s->waiting, LIMIT_TAP_WAITING + KIB(1));
    struct MHD_Response *response = NULL;
    if (!argument || (s->argument = strdup(argument)))
        response = MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, KIB(32), on_read, s, on_free);
    if (!response) {
        free(s->argument);
        free(s);
        return MHD_NO;
    }
    s->next = streams->first;
    streams->first = s;
    streams->count++;
    add(s, SLICE("\n")); /* so that the head goes out */
    MHD_set_connection_option(connection, MHD_CONNECTION_OPTION_TIMEOUT, 0u);
    MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, content_type);
    enum MHD_Result queued = MHD_queue_response(connection, MHD_HTTP_OK, response);
    MHD_destroy_response(response);
    return queued;
}

void admin_streams_tell(struct admin_streams *streams, const struct admin_news *news)
{
    for (struct admin_stream *s = streams->first; s; s = s->next)
        tell(s, news);
}

void admin_streams_beat(struct admin_streams *streams)
{
    for (struct admin_stream *s = streams->first; s; s = s->next) {
        say_dropped(s);
        if (s->waiting.len == s->sent)
            add(s, SLICE("\n"));
        resume(s);
    }
}

void admin_streams_end(struct admin_streams *streams)
{
    for (struct admin_stream *s = streams->first; s; s = s->next) {
        s->ending = true;
        resume(s);
    }
}
