/* Hashes of texts; numbers and booleans are taken by their text. */
#include "base/digest.h"
#include "expr/filter_table.h"
#include "wire/uuid5.h"

static bool bytes_in(struct filter_run *run, const struct value *in, struct slice *ret_bytes)
{
    if (value_is_container(in)) {
        run->refused = true;
        return false;
    }
    *ret_bytes = value_as_text(run->arena, in);
    return true;
}

/* libcrypto found no memory: as if the arena had found none. */
static struct value no_hash(struct filter_run *run)
{
    run->arena->failed = true;
    return VALUE_NONE;
}

static struct value hex_value(struct filter_run *run, const unsigned char hash[SHA256_BYTES])
{
    char *hex = arena_alloc(run->arena, SHA256_HEX);
    if (!hex)
        return VALUE_NONE;
    hex_write(hash, SHA256_BYTES, hex);
    return value_of_plain(slice_of(hex, SHA256_HEX));
}

struct value filter_sha256(struct filter_run *run, struct value *in)
{
    struct slice bytes;
    unsigned char hash[SHA256_BYTES];
    if (!bytes_in(run, in, &bytes))
        return VALUE_NONE;
    return sha256_of(&bytes, 1, hash) ? hex_value(run, hash) : no_hash(run);
}

struct value filter_hmac_sha256(struct filter_run *run, struct value *in)
{
    struct slice bytes;
    unsigned char hash[SHA256_BYTES];
    if (!bytes_in(run, in, &bytes))
        return VALUE_NONE;
    return hmac_sha256_of(run->args[0].key, bytes, hash) ? hex_value(run, hash) : no_hash(run);
}

struct value filter_uuid(struct filter_run *run, struct value *in)
{
    struct slice bytes;
    struct uuid uuid;
    if (!bytes_in(run, in, &bytes))
        return VALUE_NONE;
    if (!uuid5_of(&bytes, 1, &uuid))
        return no_hash(run);
    char *text = arena_alloc(run->arena, UUID_TEXT);
    if (!text)
        return VALUE_NONE;
    uuid_write(&uuid, text);
    return value_of_plain(slice_of(text, UUID_TEXT));
}
