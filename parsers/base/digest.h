/* Pure: no I/O, no clock, no logging, no uv. */
#ifndef RAINGAUGE_DIGEST_H
#define RAINGAUGE_DIGEST_H

#include "base/slice.h"

/* Hashes, by libcrypto; the only includer of its headers. Each thread keeps a context of its own, so that hashing takes
 * nothing from the heap at rest. All are of the parts' bytes, one behind the other. False: libcrypto refused (lack of
 * memory). */

enum { SHA1_BYTES = 20, SHA256_BYTES = 32, SHA256_HEX = 64 };

bool sha1_of(const struct slice parts[], size_t count, unsigned char ret_hash[SHA1_BYTES])
    __attribute__((warn_unused_result));
bool sha256_of(const struct slice parts[], size_t count, unsigned char ret_hash[SHA256_BYTES])
    __attribute__((warn_unused_result));
bool hmac_sha256_of(struct slice key, struct slice bytes, unsigned char ret_hash[SHA256_BYTES])
    __attribute__((warn_unused_result));

/* Lower-case, without a terminating zero: twice as long as the bytes. */
void hex_write(const unsigned char *bytes, size_t count, char *out);

#endif
