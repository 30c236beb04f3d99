#include "base/digest.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdlib.h>
#include <threads.h>

/* What a thread hashes with: made at its first hash (looking an algorithm up costs more than hashing a short text),
 * given back when it ends. */
struct tools {
    EVP_MD_CTX *context;
    EVP_MD *sha1, *sha256;
};

static tss_t tools_key;
static once_flag tools_once = ONCE_FLAG_INIT;
static bool have_key;

static void tools_free(void *of)
{
    struct tools *tools = of;
    EVP_MD_CTX_free(tools->context);
    EVP_MD_free(tools->sha1);
    EVP_MD_free(tools->sha256);
    free(tools);
}

static void make_key(void)
{
    have_key = tss_create(&tools_key, tools_free) == thrd_success;
}

static struct tools *thread_tools(void)
{
    call_once(&tools_once, make_key);
    struct tools *tools = have_key ? tss_get(tools_key) : NULL;
    if (tools || !have_key)
        return tools;
    tools = calloc(1, sizeof *tools);
    if (!tools)
        return NULL;
    tools->context = EVP_MD_CTX_new();
    tools->sha1 = EVP_MD_fetch(NULL, "SHA1", NULL);
    tools->sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);
    if (!tools->context || !tools->sha1 || !tools->sha256 || tss_set(tools_key, tools) != thrd_success) {
        tools_free(tools);
        return NULL;
    }
    return tools;
}

static bool digest_of(EVP_MD_CTX *context, const EVP_MD *kind, const struct slice parts[], size_t count,
                      unsigned char *ret_hash)
{
    if (EVP_DigestInit_ex2(context, kind, NULL) != 1)
        return false;
    for (size_t i = 0; i < count; i++)
        if (EVP_DigestUpdate(context, parts[i].text, parts[i].len) != 1)
            return false;
    return EVP_DigestFinal_ex(context, ret_hash, NULL) == 1;
}

bool sha1_of(const struct slice parts[], size_t count, unsigned char ret_hash[SHA1_BYTES])
{
    struct tools *tools = thread_tools();
    return tools && digest_of(tools->context, tools->sha1, parts, count, ret_hash);
}

bool sha256_of(const struct slice parts[], size_t count, unsigned char ret_hash[SHA256_BYTES])
{
    struct tools *tools = thread_tools();
    return tools && digest_of(tools->context, tools->sha256, parts, count, ret_hash);
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
