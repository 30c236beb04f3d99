#include "wire/uuid5.h"

#include "base/digest.h"
#include "limits.h"

bool uuid5_of(const struct slice parts[], size_t count, struct uuid *ret_uuid)
{
    static const unsigned char namespace_oid[16] = {0x6b, 0xa7, 0xb8, 0x12, 0x9d, 0xad, 0x11, 0xd1,
                                                    0x80, 0xb4, 0x00, 0xc0, 0x4f, 0xd4, 0x30, 0xc8};
    struct slice all[LIMIT_UUID_PARTS + 1] = {{(const char *)namespace_oid, sizeof namespace_oid}};
    unsigned char hash[SHA1_BYTES];

    if (count > LIMIT_UUID_PARTS)
        return false;
    memcpy(all + 1, parts, count * sizeof *parts);
    if (!sha1_of(all, count + 1, hash))
        return false;
    memcpy(ret_uuid->bytes, hash, sizeof ret_uuid->bytes);
    ret_uuid->bytes[6] = (unsigned char)((ret_uuid->bytes[6] & 0x0f) | 0x50);
    ret_uuid->bytes[8] = (unsigned char)((ret_uuid->bytes[8] & 0x3f) | 0x80);
    return true;
}

void uuid_write(const struct uuid *uuid, char out[UUID_TEXT])
{
    static const unsigned char groups[] = {4, 2, 2, 2, 6};
    const unsigned char *from = uuid->bytes;
    for (size_t i = 0; i < sizeof groups; i++) {
        if (i)
            *out++ = '-';
        hex_write(from, groups[i], out);
        from += groups[i];
        out += 2 * groups[i];
    }
}
