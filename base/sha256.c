/* The one file that knows libsodium. */
/* SPDX-License-Identifier: MIT */
#include <sodium.h>

#include "base/file.h"

void sha256_bytes(const void *p, size_t n, char hex[65])
{
    unsigned char digest[crypto_hash_sha256_BYTES];
    crypto_hash_sha256(digest, p, n);
    sodium_bin2hex(hex, 65, digest, sizeof digest);
}

int file_sha256(const char *path, char hex[65], struct err *e)
{
    struct map m;
    if (file_map(&m, path, 0, e))
        return -1;
    sha256_bytes(m.p, m.n, hex);
    file_unmap(&m);
    return 0;
}
