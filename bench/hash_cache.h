/* hash_cache.h - the SHA-256 of models, remembered between runs.
 *
 * Reading a model to hash it takes longer than all else that a run does before it measures, so its hash is kept in the folder of
 * derived files, one small text a model, DEVICE-INODE.sha256: every file of the model by device, inode, size, mtime and ctime, the
 * hash, and a hash of these lines.  A file that is replaced, or written in place, has another inode or ctime, also where its mtime
 * is set back, so its entry does not match.  An entry that does not match to the last byte is as good as none, and the next hash
 * replaces it.
 *
 * The cache only saves time: a folder that is missing or cannot be read or written is no error, the hash is computed each time. */
/* SPDX-License-Identifier: MIT */
#ifndef BENCH_HASH_CACHE_H
#define BENCH_HASH_CACHE_H

#include "base/file.h"

/* id: the [n] files of the model in their order, n >= 1, as they were when the contents were mapped.  1: found, 0: compute it. */
int hash_cache_find(const char *folder, const struct file_id *id, int n, char hex[65]);

/* Remembers the hash of what was mapped then, unless a file had just been changed. */
void hash_cache_keep(const char *folder, const struct file_id *id, int n, const char hex[65]);

#endif
