#ifndef RAINGAUGE_CURL_TRANSPORT_H
#define RAINGAUGE_CURL_TRANSPORT_H

#include "deliver/transport.h"

#include <uv.h>

/* The transport over libcurl: kept-alive connections, HTTP/2 where the server offers it over TLS, TLS verified and at
 * least 1.2, no redirects.
 *
 *     struct curl_transport *t = curl_transport_start(loop, &error);
 *     … curl_transport_seam(t) …                                 // for the uploader
 *     curl_transport_stop(t, on_stopped, context);               // no post may be under way; frees it */
struct curl_transport;

struct curl_transport *curl_transport_start(uv_loop_t *loop, struct error *ret_error);
struct transport *curl_transport_seam(struct curl_transport *t);
void curl_transport_stop(struct curl_transport *t, void (*on_stopped)(void *context), void *context);

#endif
