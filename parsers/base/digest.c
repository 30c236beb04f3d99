#include "base/digest.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <pthread.h>

static pthread_key_t context_key;
static pthread_once_t context_once = PTHREAD_ONCE_INIT;
static bool have_key;

static void free_context(void *context)
{
    EVP_MD_CTX_free(context);
}

static void make_key(void)
{
    have_key = pthread_key_create(&context_key, free_context) == 0;
}

/* The thread's context, freed when the thread ends. */
static EVP_MD_CTX *thread_context(void)
{
    pthread_once(&context_once, make_key);
    if (!have_key)
        return NULL;
    EVP_MD_CTX *context = pthread_getspecific(context_key);
    if (!context) {
        context = EVP_MD_CTX_new();
        if (context && pthread_setspecific(context_key, context) != 0) {
            EVP_MD_CTX_free(context);
            return NULL;
        }
    }
    return context;
}

static bool digest_of(const EVP_MD *kind, const struct slice parts[], size_t count, unsigned char *ret_hash)
{
    EVP_MD_CTX *context = thread_context();
    if (!context || EVP_DigestInit_ex(context, kind, NULL) != 1)
        return false;
    for (size_t i = 0; i < count; i++)
        if (EVP_DigestUpdate(context, parts[i].text, parts[i].len) != 1)
            return false;
    return EVP_DigestFinal_ex(context, ret_hash, NULL) == 1;
}

bool sha1_of(const struct slice parts[], size_t count, unsigned char ret_hash[SHA1_BYTES])
{
    return digest_of(EVP_sha1(), parts, count, ret_hash);
}

bool sha256_of(const struct slice parts[], size_t count, unsigned char ret_hash[SHA256_BYTES])
{
    return digest_of(EVP_sha256(), parts, count, ret_hash);
}

bool hmac_sha256_of(struct slice key, struct slice bytes, unsigned char ret_hash[SHA256_BYTES])
{
    unsigned len = SHA256_BYTES;
    return HMAC(EVP_sha256(), key.text, (int)key.len, (const unsigned char *)bytes.text, bytes.len, ret_hash, &len);
}

void hex_write(const unsigned char *bytes, size_t count, char *out)
{
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < count; i++) {
        out[2 * i] = digits[bytes[i] >> 4];
        out[2 * i + 1] = digits[bytes[i] & 15];
    }
}
