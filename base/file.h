/* file.h - files read whole, mapped, written so that no half of one is ever seen, and hashed. */
/* SPDX-License-Identifier: MIT */
#ifndef BASE_FILE_H
#define BASE_FILE_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

/* Which file it is and when it was last changed.  The user can set mtime, but nobody can set ctime. */
struct file_id {
    uint64_t device, inode;
    int64_t bytes, mtime_ns, ctime_ns;
    int64_t seen_ns; /* wall time right before the file was asked for all of this */
};

struct map {
    const uint8_t *p;
    size_t n; /* bytes */
    struct file_id id;
};

/* Maps a regular file read-only, in huge pages where the page cache holds it so.  populate: fault every page in now, so that no
 * page fault is timed later. */
int file_map(struct map *m, const char *path, int populate, struct err *e);
void file_unmap(struct map *m);

/* The whole file as a NUL-terminated malloc'ed text; *n, unless NULL, is its length without the NUL. */
char *file_read(const char *path, size_t *n, struct err *e);

/* A small file such as those below /sys and /proc: at most size - 1 bytes, NUL-terminated, one trailing newline removed.
 * Returns the length, or -1 with errno set. */
int file_read_line(const char *path, char *buf, size_t size);

/* The number behind `name` on the line that begins with it ("MemAvailable:" in /proc/meminfo); -1 without such a line or file. */
int64_t file_field(const char *path, const char *name);

/* Writes a file beside it and moves that into its place: whoever reads sees the file before or the whole new one, also while two
 * programs write it.  It may not have reached the disk on return: after a loss of power it may be empty. */
int file_write(const char *path, const void *bytes, size_t n, struct err *e);

/* Lower-case hex SHA-256 of a file's contents. */
int file_sha256(const char *path, char hex[65], struct err *e);
void sha256_bytes(const void *p, size_t n, char hex[65]);

/* mkdir -p */
int file_mkdirs(const char *path, struct err *e);

#endif
