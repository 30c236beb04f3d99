#ifndef RAINGAUGE_CURL_LOOP_H
#define RAINGAUGE_CURL_LOOP_H

#include "error.h"

#include <curl/curl.h>
#include <stdbool.h>
#include <uv.h>

/* libcurl's multi interface on the libuv loop: curl says which sockets to watch and when it wants to be called, libuv
 * does.
 *
 *     curl_loop_start(&l, loop, on_transfer, &error);
 *     curl_loop_add(&l, easy);                     // … on_transfer(&l, easy, code) when it is over, from the loop
 *     curl_loop_remove(&l, easy);                  // in on_transfer, or before to end it early
 *     curl_loop_stop(&l, on_stopped);              // no transfer may be left; on_stopped comes when all is closed
 *
 * What can go wrong: curl's own example (docs/examples/multi-uv.c) asks for finished transfers only while some still
 * run, and so never hears of the last one when that ends by its time-out; here they are asked for after every call. A
 * poll that fails (the connection was reset) has been stopped by libuv; curl is told to read and write, not of an
 * error, since an answer may lie before the reset, and the poll is started again. */
struct curl_loop {
    uv_loop_t *loop;
    CURLM *multi;
    uv_timer_t timer;
    unsigned open; /* handles that are not closed yet */
    void (*on_transfer)(struct curl_loop *l, CURL *easy, CURLcode code);
    void (*on_stopped)(struct curl_loop *l);
};

bool curl_loop_start(struct curl_loop *l, uv_loop_t *loop,
                     void (*on_transfer)(struct curl_loop *l, CURL *easy, CURLcode code), struct error *ret_error)
    __attribute__((warn_unused_result));
void curl_loop_stop(struct curl_loop *l, void (*on_stopped)(struct curl_loop *l));

/* Where certificate authorities are looked for unless a request names a file; NULL: nowhere. */
void curl_loop_authorities(const char **ret_file, const char **ret_directory);

bool curl_loop_add(struct curl_loop *l, CURL *easy) __attribute__((warn_unused_result));
void curl_loop_remove(struct curl_loop *l, CURL *easy);

#endif
