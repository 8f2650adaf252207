/* arena.h - one block of memory whose size is known before it exists.
 *
 * The code that lays out a session runs twice: first over an arena without memory, where arena_take only counts, then over
 * the mapped one.  So the planned size is the allocated size by construction, and nothing is allocated later.
 * Not thread-safe.  Pieces are never freed one by one. */
/* SPDX-License-Identifier: MIT */
#ifndef BASE_ARENA_H
#define BASE_ARENA_H

#include <stddef.h>

#include "base/err.h"

#define ARENA_ALIGN 64 /* bytes: a cache line, and the widest vector */

struct arena {
    unsigned char *base; /* NULL while counting */
    size_t size;         /* bytes mapped */
    size_t used;         /* bytes taken, or counted */
};

/* The next piece, aligned to ARENA_ALIGN and zero; NULL while counting.  Taking more than was mapped is a bug and aborts. */
void *arena_take(struct arena *a, size_t bytes);

/* Maps `bytes` of zeroed anonymous memory, every page already touched, and starts again from the first byte. */
int arena_map(struct arena *a, size_t bytes, struct err *e);
void arena_unmap(struct arena *a);

#endif
