/* A post is a transfer of libcurl.
 *
 * The happy path: the request's headers and body are given to curl; keep_header() sees the status line and headers
 * come, keep_body() the answer's beginning; on_transfer() tells the outcome. What can go wrong:
 *  - no answer: on_transfer() with an error; that is told, with curl's name for it;
 *  - the headers came, but the body does not, or too much of it: the answer counts all the same, a second later;
 *  - no memory to begin with: told as no answer, from the timer, since nothing may be told from inside post(). */
#include "deliver/curl_transport.h"

#include "deliver/curl_loop.h"
#include "limits.h"

#include <assert.h>
#include <strings.h>
#include <zlib.h>

#include "wire/retry_after.h"

enum {
    BODY_PATIENCE_MS = 1000, /* for an answer's body, after its headers */
    BODY_MOST = 64 * 1024,   /* of it that is waited for; more ends the connection */
    HEADER_VALUE_MOST = 64,  /* of those that are read: a date */
    HEADER_ROOM = 256,       /* longer lines that are sent are made on the heap */
    SEND_LARGE = 128 * 1024, /* of a body above curl's own 64 KiB, in one system call */
    KEY_ROOM = 512,          /* kept behind LIMIT_ANSWER_KEPT, so that a key that is cut off there is found */
};

static const char authorization[] = "Authorization: Bearer ";

struct transfer {
    struct transfer *previous, *next;
    struct curl_transport *transport;
    struct post *post;
    CURL *easy;
    struct curl_slist *headers;
    const char *key; /* within `headers` */
    unsigned char *gzip;
    size_t gzip_len;

    bool answered; /* status line and headers are there */
    uint64_t answered_at;
    long status;
    char retry_after[HEADER_VALUE_MOST], date[HEADER_VALUE_MOST];
    size_t body_len;
    char body[LIMIT_ANSWER_KEPT + KEY_ROOM];
};

struct curl_transport {
    struct transport seam;
    struct curl_loop curl;
    struct transfer *transfers;
    struct post *stillborn; /* for lack of memory: to be told at the next chance */
    uv_timer_t timer;       /* answers whose body does not end, and stillborn posts */
    void (*on_stopped)(void *context);
    void *context;
};

static void on_time(uv_timer_t *timer);

static void look_again(struct curl_transport *t, uint64_t in_ms)
{
    if (in_ms == 0 || !uv_is_active((uv_handle_t *)&t->timer))
        uv_timer_start(&t->timer, on_time, in_ms, 0);
}

/* ---- the answer as it comes ---- */

static void keep_value(char value[HEADER_VALUE_MOST], struct slice line, struct slice name)
{
    if (line.len <= name.len || strncasecmp(line.text, name.text, name.len) != 0)
        return;
    size_t len = line.len - name.len;
    if (len >= HEADER_VALUE_MOST)
        return;
    memcpy(value, line.text + name.len, len);
    value[len] = '\0';
}

/* Called for each header line, the status line first and an empty one last; 1xx answers come before the real one. */
static size_t keep_header(char *text, size_t size, size_t count, void *context)
{
    struct transfer *x = context;
    struct slice line = slice_of(text, size * count);
    if (x->answered) /* trailers */
        return line.len;
    if (slice_starts_with(line, SLICE("HTTP/")))
        x->retry_after[0] = x->date[0] = '\0';
    keep_value(x->retry_after, line, SLICE("Retry-After:"));
    keep_value(x->date, line, SLICE("Date:"));
    if (line.len > 0 && (line.text[0] == '\r' || line.text[0] == '\n')) {
        curl_easy_getinfo(x->easy, CURLINFO_RESPONSE_CODE, &x->status);
        x->answered = x->status >= 200;
        x->answered_at = uv_now(x->transport->curl.loop);
        look_again(x->transport, BODY_PATIENCE_MS);
    }
    return line.len;
}

static size_t keep_body(char *text, size_t size, size_t count, void *context)
{
    struct transfer *x = context;
    size_t n = size * count;
    if (x->body_len < sizeof x->body) {
        size_t kept = n < sizeof x->body - x->body_len ? n : sizeof x->body - x->body_len;
        memcpy(x->body + x->body_len, text, kept);
    }
    x->body_len += n;
    return x->body_len > BODY_MOST ? 0 : n; /* 0 ends the transfer */
}

/* ---- the end ---- */

static void wipe_headers(struct curl_slist *headers)
{
    for (struct curl_slist *h = headers; h; h = h->next) {
        if (h->data)
            explicit_bzero(h->data, strlen(h->data));
    }
    curl_slist_free_all(headers);
}

static void free_transfer(struct transfer *x)
{
    if (x->easy)
        curl_easy_cleanup(x->easy);
    wipe_headers(x->headers);
    free(x->gzip);
    free(x);
}

static void end_transfer(struct transfer *x, struct post_result *result)
{
    struct curl_transport *t = x->transport;
    struct post *post = x->post;
    curl_off_t us = 0;
    curl_easy_getinfo(x->easy, CURLINFO_TOTAL_TIME_T, &us);
    result->seconds = (double)us / 1e6;
    result->sent_gzip = x->gzip != NULL;
    curl_loop_remove(&t->curl, x->easy);
    *(x->previous ? &x->previous->next : &t->transfers) = x->next;
    if (x->next)
        x->next->previous = x->previous;
    post->on_done(post, result);
    free_transfer(x);
}

static void end_answered(struct transfer *x)
{
    size_t kept = x->body_len < sizeof x->body ? x->body_len : sizeof x->body;
    write_key_blank(x->key, x->body, kept);
    struct post_result result = {
        .what = POST_ANSWERED,
        .status = (int)x->status,
        .body = slice_of(x->body, kept < LIMIT_ANSWER_KEPT ? kept : LIMIT_ANSWER_KEPT),
        .retry_after_ms = retry_after_ms(slice_from(x->retry_after), slice_from(x->date)),
    };
    end_transfer(x, &result);
}

static void on_transfer(struct curl_loop *l, CURL *easy, CURLcode code)
{
    (void)l;
    char *private;
    curl_easy_getinfo(easy, CURLINFO_PRIVATE, &private);
    struct transfer *x = (void *)private;
    if (x->answered)
        end_answered(x);
    else
        end_transfer(x, &(struct post_result){.what = POST_NO_ANSWER, .why = curl_easy_strerror(code)});
}

static void tell_stillborn(struct curl_transport *t)
{
    struct post *told = t->stillborn;
    t->stillborn = NULL;
    while (told) {
        struct post *next = told->next;
        told->on_done(told, &(struct post_result){.what = POST_NO_ANSWER, .why = "out of memory"});
        told = next;
    }
}

static void on_time(uv_timer_t *timer)
{
    struct curl_transport *t = timer->data;
    uint64_t now = uv_now(t->curl.loop), in_ms = UINT64_MAX;
    tell_stillborn(t);
    for (struct transfer *x = t->transfers, *next; x; x = next) {
        next = x->next;
        uint64_t until = x->answered_at + BODY_PATIENCE_MS;
        if (x->answered && until <= now)
            end_answered(x);
        else if (x->answered && until - now < in_ms)
            in_ms = until - now;
    }
    if (in_ms != UINT64_MAX)
        look_again(t, in_ms);
}

/* ---- the request ---- */

static bool add_header(struct transfer *x, const char *name, const char *separator, struct slice value)
{
    char short_line[HEADER_ROOM];
    size_t size = strlen(name) + strlen(separator) + value.len + 1;
    char *line = size <= sizeof short_line ? short_line : malloc(size);
    if (!line)
        return false;
    snprintf(line, size, "%s%s%.*s", name, separator, SLICE_FMT(value));
    struct curl_slist *longer = curl_slist_append(x->headers, line);
    explicit_bzero(line, size);
    if (line != short_line)
        free(line);
    if (longer)
        x->headers = longer;
    return longer != NULL;
}

/* Those of the configuration first; what is ours cannot be set there. */
static bool add_custom_headers(struct transfer *x)
{
    static const char *const ours[] = {"Authorization", "Content-Type",     "Content-Length",
                                       "Expect",        "Content-Encoding", "X-Raindrop-Project-Id"};
    const struct target *target = x->post->target;
    for (size_t i = 0; i < target->header_count; i++) {
        const struct header *h = &target->headers[i];
        bool is_ours = strpbrk(h->name, "\r\n") || strpbrk(h->value, "\r\n");
        for (size_t k = 0; k < sizeof ours / sizeof ours[0]; k++)
            is_ours = is_ours || strcasecmp(h->name, ours[k]) == 0;
        /* curl sends a header without a value where it is written "Name;" */
        const char *separator = *h->value ? ": " : ";";
        if (!is_ours && !add_header(x, h->name, separator, slice_from(h->value)))
            return false;
    }
    return true;
}

static bool add_headers(struct transfer *x)
{
    const struct post *post = x->post;
    bool ok = add_header(x, authorization, "", slice_from(post->target->key));
    if (ok)
        x->key = x->headers->data + sizeof authorization - 1;
    return ok && add_header(x, "Content-Type", ": ", SLICE("application/json")) &&
           add_header(x, "Expect", ":", SLICE("")) &&
           (!x->gzip || add_header(x, "Content-Encoding", ": ", SLICE("gzip"))) &&
           (post->project.len == 0 || add_header(x, "X-Raindrop-Project-Id", ": ", post->project)) &&
           add_custom_headers(x);
}

static bool compress_body(struct transfer *x)
{
    struct slice body = x->post->body;
    z_stream z = {0};
    if (deflateInit2(&z, Z_DEFAULT_COMPRESSION, Z_DEFLATED, MAX_WBITS + 16, 8, Z_DEFAULT_STRATEGY) != Z_OK)
        return false;
    size_t most = deflateBound(&z, body.len);
    x->gzip = malloc(most);
    if (x->gzip) {
        z.next_in = (Bytef *)(uintptr_t)body.text; /* zlib does not write there */
        z.avail_in = (uInt)body.len;
        z.next_out = x->gzip;
        z.avail_out = (uInt)most;
    }
    bool ok = x->gzip && deflate(&z, Z_FINISH) == Z_STREAM_END;
    x->gzip_len = z.total_out;
    deflateEnd(&z);
    return ok;
}

#define SET(option, value) (code == CURLE_OK ? code = curl_easy_setopt(x->easy, option, value) : code)

static CURLcode set_connection(struct transfer *x)
{
    const struct target *target = x->post->target;
    CURLcode code = CURLE_OK;
    SET(CURLOPT_PROTOCOLS_STR, "http,https");
    SET(CURLOPT_FOLLOWLOCATION, 0L);
    SET(CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_2TLS);
    SET(CURLOPT_HTTP09_ALLOWED, 0L);
    SET(CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    SET(CURLOPT_SSL_VERIFYPEER, 1L);
    SET(CURLOPT_SSL_VERIFYHOST, 2L);
    if (target->tls.ca_file) {
        SET(CURLOPT_CAINFO, target->tls.ca_file);
        SET(CURLOPT_CA_CACHE_TIMEOUT, 0L); /* it may be exchanged: curl would remember it for a day */
    }
    if (target->tls.cert_file)
        SET(CURLOPT_SSLCERT, target->tls.cert_file);
    if (target->tls.key_file)
        SET(CURLOPT_SSLKEY, target->tls.key_file);
    if (target->proxy)
        SET(CURLOPT_PROXY, target->proxy);
    SET(CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L); /* a proxy's "200 Connection established" is no answer */
    SET(CURLOPT_TIMEOUT_MS, (long)target->timeout_ms);
    SET(CURLOPT_CONNECTTIMEOUT_MS, (long)target->connect_timeout_ms);
    SET(CURLOPT_TCP_KEEPALIVE, 1L);
    SET(CURLOPT_NOSIGNAL, 1L);
    SET(CURLOPT_QUICK_EXIT, 1L); /* do not wait for a name server when stopping */
    return code;
}

static CURLcode set_request(struct transfer *x)
{
    const struct post *post = x->post;
    struct slice body = x->gzip ? slice_of((const char *)x->gzip, x->gzip_len) : post->body;
    CURLcode code = CURLE_OK;
    SET(CURLOPT_URL, post->target->urls[post->endpoint]);
    SET(CURLOPT_POST, 1L);
    SET(CURLOPT_POSTFIELDS, body.text);
    SET(CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)body.len);
    if (body.len > SEND_LARGE / 2)
        SET(CURLOPT_UPLOAD_BUFFERSIZE, (long)SEND_LARGE);
    SET(CURLOPT_HTTPHEADER, x->headers);
    SET(CURLOPT_USERAGENT, "raingauge/" RAINGAUGE_VERSION);
    SET(CURLOPT_HEADERFUNCTION, keep_header);
    SET(CURLOPT_HEADERDATA, x);
    SET(CURLOPT_WRITEFUNCTION, keep_body);
    SET(CURLOPT_WRITEDATA, x);
    SET(CURLOPT_PRIVATE, x);
    return code;
}

static bool begin(struct curl_transport *t, struct post *post)
{
    struct transfer *x = calloc(1, sizeof *x);
    if (!x)
        return false;
    x->transport = t;
    x->post = post;
    x->easy = curl_easy_init();
    if (!x->easy || (post->gzip && !compress_body(x)) || !add_headers(x) || set_connection(x) != CURLE_OK ||
        set_request(x) != CURLE_OK || !curl_loop_add(&t->curl, x->easy)) {
        free_transfer(x);
        return false;
    }
    post->transfer = x;
    x->next = t->transfers;
    if (x->next)
        x->next->previous = x;
    t->transfers = x;
    return true;
}

static void post_by_curl(struct transport *seam, struct post *post)
{
    struct curl_transport *t = (struct curl_transport *)seam; /* its first member */
    post->transfer = NULL;
    if (begin(t, post))
        return;
    post->next = t->stillborn;
    t->stillborn = post;
    look_again(t, 0);
}

static void cancel_by_curl(struct transport *seam, struct post *post)
{
    struct curl_transport *t = (struct curl_transport *)seam;
    struct post_result cancelled = {.what = POST_CANCELLED};
    if (post->transfer) {
        end_transfer(post->transfer, &cancelled);
        return;
    }
    struct post **at = &t->stillborn;
    while (*at != post)
        at = &(*at)->next;
    *at = post->next;
    post->on_done(post, &cancelled);
}

/* ---- life ---- */

struct curl_transport *curl_transport_start(uv_loop_t *loop, struct error *ret_error)
{
    struct curl_transport *t = calloc(1, sizeof *t);
    if (!t) {
        error_set(ret_error, "out of memory");
        return NULL;
    }
    if (!curl_loop_start(&t->curl, loop, on_transfer, ret_error)) {
        free(t);
        return NULL;
    }
    t->seam = (struct transport){.post = post_by_curl, .cancel = cancel_by_curl};
    uv_timer_init(loop, &t->timer);
    t->timer.data = t;
    return t;
}

struct transport *curl_transport_seam(struct curl_transport *t)
{
    return &t->seam;
}

static void on_curl_stopped(struct curl_loop *l)
{
    struct curl_transport *t = (struct curl_transport *)((char *)l - offsetof(struct curl_transport, curl));
    void (*on_stopped)(void *) = t->on_stopped;
    void *context = t->context;
    free(t);
    on_stopped(context);
}

static void on_timer_closed(uv_handle_t *handle)
{
    struct curl_transport *t = handle->data;
    curl_loop_stop(&t->curl, on_curl_stopped);
}

void curl_transport_stop(struct curl_transport *t, void (*on_stopped)(void *context), void *context)
{
    assert(!t->transfers && !t->stillborn);
    t->on_stopped = on_stopped;
    t->context = context;
    uv_close((uv_handle_t *)&t->timer, on_timer_closed);
}
