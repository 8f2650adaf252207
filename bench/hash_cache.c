/* SPDX-License-Identifier: MIT */
#include "bench/hash_cache.h"

#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"

/* File times advance in steps: a timer tick of some ms on most file systems, up to 2 s on FAT.  A file that is changed twice within
 * a step has one ctime with two contents, and which of them was hashed nobody can tell afterwards (git calls such a file racily
 * clean).  So only a file is remembered whose last change, when it was opened, lay further back than any step: whatever changes it
 * from then on, while it is hashed too, gives it another ctime. */
#define SETTLED_NS INT64_C(3000000000)

static int settled(const struct file_id *id, int n)
{
    for (int i = 0; i < n; i++)
        if (id[i].seen_ns - id[i].ctime_ns < SETTLED_NS) /* also: a change in the future, by a clock that was set back */
            return 0;
    return 1;
}

/* What an entry says of these files and this hash, to the last byte. */
static void entry(struct text *t, const struct file_id *id, int n, const char hex[65])
{
    char check[65];
    for (int i = 0; i < n; i++)
        text_printf(t, "device %" PRIu64 " inode %" PRIu64 " bytes %" PRId64 " mtime_ns %" PRId64 " ctime_ns %" PRId64 "\n",
                    id[i].device, id[i].inode, id[i].bytes, id[i].mtime_ns, id[i].ctime_ns);
    text_printf(t, "sha256 %.64s\n", hex);
    sha256_bytes(t->p, t->n, check);
    text_printf(t, "check %s\n", check);
}

static int entry_path(char path[PATH_MAX], const char *folder, const struct file_id *id)
{
    int n = snprintf(path, PATH_MAX, "%s/%" PRIu64 "-%" PRIu64 ".sha256", folder, id->device, id->inode);
    return n > 0 && n < PATH_MAX ? 0 : -1;
}

int hash_cache_find(const char *folder, const struct file_id *id, int n, char hex[65])
{
    static const char before[] = "\nsha256 ";
    char path[PATH_MAX];
    size_t size;
    struct text want = {0};
    if (entry_path(path, folder, id))
        return 0;
    char *text = file_read(path, &size, NULL), *line = text ? strstr(text, before) : NULL;
    int found = 0;
    if (line && strspn(line + strlen(before), "0123456789abcdef") == 64) {
        entry(&want, id, n, line + strlen(before));
        found = want.n == size && !memcmp(want.p, text, size);
    }
    if (found)
        snprintf(hex, 65, "%.64s", line + strlen(before));
    text_free(&want);
    free(text);
    return found;
}

void hash_cache_keep(const char *folder, const struct file_id *id, int n, const char hex[65])
{
    char path[PATH_MAX];
    struct text t = {0};
    if (!settled(id, n) || entry_path(path, folder, id))
        return;
    entry(&t, id, n, hex);
    file_write(path, t.p, t.n, NULL); /* where it cannot be kept the next run computes it again */
    text_free(&t);
}
